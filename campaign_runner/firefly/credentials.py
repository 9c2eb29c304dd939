"""Who we are to the service. A secret never shows itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from campaign_runner.errors import AccountRefused

if TYPE_CHECKING:
    from campaign_runner.firefly.protocol.wire import Request

SCOPE = "openid,AdobeID,firefly_api,ff_apis"  # of Adobe's tutorial "Custom Models Generate Image API"


class Secret:
    """Text that no print, log or traceback shows. `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to Adobe: a client id, and a secret to get a token with or a ready token.

    Raises AccountRefused where neither is given, or one cannot be sent in a header.
    """

    client_id: str
    client_secret: Secret | None = None
    access_token: Secret | None = None
    scope: str = SCOPE

    def __post_init__(self) -> None:
        if self.client_secret is None and self.access_token is None:
            raise AccountRefused("neither a client secret nor an access token is given", code="no_credentials")
        secrets = {"client secret": self.client_secret, "access token": self.access_token}
        texts = {"client id": self.client_id} | {what: it.reveal() for what, it in secrets.items() if it is not None}
        for what, text in texts.items():
            if not text or not text.isascii() or not text.isprintable() or " " in text:
                raise AccountRefused(
                    f"the {what} is empty or contains a space, line break or unsupported character; nothing was "
                    "sent. Copy it again from the Adobe Developer Console",
                    code="no_credentials",
                )

    def reveal(self) -> tuple[str, ...]:
        """What no one may see, so that it can be looked for."""
        return tuple(secret.reveal() for secret in (self.client_secret, self.access_token) if secret is not None)

    def authorise(self, request: Request, token: Secret, request_id: str) -> Request:
        """`request` with what every call of the API carries; only for a host that `may_receive_token`."""
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "x-api-key": self.client_id,
            "x-request-id": request_id,  # Adobe Support finds the request by it
        }
        return replace(request, headers={**request.headers, **headers})
