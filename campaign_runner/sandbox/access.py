"""Who may ask: access tokens and API keys.

A token is issued for a client id and a secret (any pair, except the secret `wrong`),
lives for a set time, and goes with that client id as `x-api-key` on every call.
Shapes from Adobe's Developer Console guide on server-to-server authentication.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from campaign_runner.sandbox.refusals import Refusal, api_error, ims_error, list_error

GRANT = {"grant_type", "client_id", "client_secret", "scope"}


class Tokens:
    """The tokens issued so far. Times are the sandbox's seconds.

    For `cached` of them, but no longer than its life, a client is given the same token again.
    """

    def __init__(self, life: float, seed: int, *, cached: float = 0.0) -> None:
        self._life = life
        self._cached = min(cached, life)
        self._seed = seed
        self._last: dict[str, tuple[str, float]] = {}
        self._count = 0
        self._issued: dict[str, tuple[str, float]] = {}

    def issue(self, form: Mapping[str, object], now: float) -> str:
        """A token for the client credentials in `form`; raises Refusal 400 or 401."""
        fields = {name: value for name, value in form.items() if isinstance(value, str) and value}
        if missing := sorted(GRANT - fields.keys()):
            raise ims_error("invalid_request", f"missing parameter: {', '.join(missing)}")
        if fields["grant_type"] != "client_credentials":
            raise ims_error("unsupported_grant_type", "grant_type must be client_credentials")
        if fields["client_secret"] == "wrong":
            raise ims_error("invalid_client", "invalid client_secret parameter")
        if "firefly_api" not in fields["scope"].replace(",", " ").split():
            raise ims_error("invalid_scope", "the scope firefly_api is missing")
        client = fields["client_id"]
        token, until = self._last.get(client, ("", now))
        return token if now < until else self._new(client, now)

    def _new(self, client: str, now: float) -> str:
        self._count += 1
        token = self._spell(client)
        self._issued[token] = (client, now + self._life)
        self._last[client] = (token, now + self._cached)
        return token

    def client(self, headers: Mapping[str, str], now: float) -> str | None:
        """The client id whose valid token `headers` carry, or None."""
        client, until = self._issued.get(_token(headers), ("", now))
        return client if now < until else None

    def revoke(self, headers: Mapping[str, str]) -> None:
        """The token in `headers` is no longer good."""
        self._issued.pop(_token(headers), None)

    def _spell(self, client: str) -> str:
        """Something that looks like a JSON Web Token and is different each time."""
        facts = {"client_id": client, "number": self._count, "sandbox": self._seed}
        parts = [json.dumps({"alg": "none"}), json.dumps(facts)]
        parts.append(hashlib.sha256("".join(parts).encode()).hexdigest())
        return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def _token(headers: Mapping[str, str]) -> str:
    """The token that a call carries; the name of a scheme may be written in any case."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def admit(tokens: Tokens, headers: Mapping[str, str], now: float) -> str:
    """The client id of a call; raises 401 without a good token, 403 with another's key."""
    client = tokens.client(headers, now)
    if client is None:
        raise token_refused()
    if headers.get("x-api-key") != client:
        raise api_error(403, "403003", "Api Key is invalid")
    return client


def admit_to_list(tokens: Tokens, headers: Mapping[str, str], now: float) -> str:
    """The same for the custom models list, which words its refusals differently."""
    try:
        return admit(tokens, headers, now)
    except Refusal as refusal:
        if refusal.http == 401:
            raise list_error(401, "Unauthorized", "Authorization Token is not accepted.") from refusal
        raise list_error(403, "Forbidden", "API Key is not accepted.") from refusal


def token_refused() -> Refusal:
    """401, as the API words it."""
    return api_error(401, "401013", "Oauth token is not valid")
