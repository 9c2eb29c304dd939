"""What the environment sets: credentials, origins, allowance, state folder. Read here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_config_path, user_state_path

from campaign_runner.campaign_file.schema.ids import account_flaw
from campaign_runner.cli.login_file import kept
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import AccountRefused, UsageError
from campaign_runner.firefly.credentials import SCOPE, Credentials, Secret
from campaign_runner.firefly.protocol.hosts import checked_image_host, checked_origin
from campaign_runner.plan.cost import RateLimit

if TYPE_CHECKING:
    from campaign_runner.firefly.settings import Settings

FIREFLY = "https://firefly-api.adobe.io"
IMS = "https://ims-na1.adobelogin.com"
PER_MINUTE, PER_DAY = 4, 9000
_LARGEST_SECRET = 1 << 16
MOST = 999_999
"""What an allowance may be at most."""
_NOTIFY = "CAMPAIGN_RUNNER_NOTIFY"
_DATABASE, _STORE = "CAMPAIGN_RUNNER_DATABASE_URL", "CAMPAIGN_RUNNER_STORE"
_CLIENT_ID, _SECRET, _TOKEN = (
    "CUSTOM_MODELS_CLIENT_ID",
    "CUSTOM_MODELS_CLIENT_SECRET",
    "CUSTOM_MODELS_ACCESS_TOKEN",
)
_USUALLY = (
    "Give the credentials of your project in the Adobe Developer Console once to `campaign-runner login`, or set "
    "{client_id} and {secret}, or practise without any: campaign-runner run --sandbox FILE"
)
_OF_ACCOUNT = "The account '{account}' pays: set {client_id}, and {secret} or {secret}_FILE"


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of one process, by name; secrets in it are never shown.

    `account` is the name of the account whose credentials are used; None for those without a name.
    """

    variables: Mapping[str, str]
    account: str | None = None

    @classmethod
    def of_process(cls) -> Environment:
        return cls(os.environ)

    def __repr__(self) -> str:
        return "Environment()"

    @property
    def state_folder(self) -> Path:
        """Where the allowance and the places of earlier runs are remembered."""
        given = self.variables.get("CAMPAIGN_RUNNER_STATE_DIR")
        return Path(given) if given else user_state_path("campaign_runner", appauthor=False)

    def rate(self, per_minute: int | None = None, per_day: int | None = None) -> RateLimit:
        """The account's requests a minute and in 24 hours: as given, from the environment, or Adobe's default."""
        return RateLimit(
            per_minute or self._number("CAMPAIGN_RUNNER_PER_MINUTE", PER_MINUTE),
            per_day or self._number("CAMPAIGN_RUNNER_PER_DAY", PER_DAY),
        )

    @property
    def origin(self) -> str:
        """The origin of the Firefly API, in its one spelling. Raises UsageError."""
        return self._origin("CAMPAIGN_RUNNER_FIREFLY_URL", FIREFLY)

    @property
    def login_file(self) -> Path:
        """Where `login` keeps credentials."""
        return user_config_path("campaign_runner", appauthor=False) / "credentials.json"

    @property
    def scope(self) -> str:
        return self.variables.get("CUSTOM_MODELS_SCOPE") or SCOPE

    @property
    def names_credentials(self) -> bool:
        """Whether the environment has credentials, or a part of them: then those of `login` are not used."""
        names = map(self._of_account, (_CLIENT_ID, _SECRET, _TOKEN))
        return any(self.variables.get(f"{name}{suffix}") for name in names for suffix in ("", "_FILE"))

    @property
    def knows_credentials(self) -> bool:
        """Whether there are credentials of either kind."""
        return self.names_credentials or self.login_file.exists()

    def settings(self, credentials: Credentials | None = None) -> Settings:
        """Where the service is and who asks: `credentials`, or those that are set, or those of `login`.

        Raises UsageError (an origin, a host), AccountRefused (no credentials).
        """
        from campaign_runner.firefly.settings import Settings

        return Settings(
            firefly_url=self.origin,
            ims_url=self._origin("CAMPAIGN_RUNNER_IMS_URL", IMS),
            image_hosts=self._image_hosts(),
            credentials=credentials or self._credentials(),
            proxy=self.proxy,
        )

    def database_url(self) -> Secret:
        """How the fleet's database is reached. Raises UsageError."""
        try:
            found = self._secret(_DATABASE)
        except AccountRefused as error:
            raise UsageError(str(error)) from None
        if found is None:
            raise UsageError(
                f"{_DATABASE} is not set, nor {_DATABASE}_FILE; nothing was sent. "
                "Write postgresql://USER:PASSWORD@HOST/DATABASE there"
            )
        return found

    @property
    def store_url(self) -> str:
        """Where the fleet's images are kept. Raises UsageError."""
        if found := self.variables.get(_STORE):
            return found
        raise UsageError(
            f"{_STORE} is not set; nothing was sent. Write s3://BUCKET/PREFIX, az://, gs://, or the path of a folder"
        )

    @property
    def allows_http(self) -> bool:
        """Whether the fleet's images may be reached without TLS, as other programs for S3 are told."""
        return self.variables.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1")

    def of_account(self, name: str | None) -> Environment:
        """The same for an account, whose credentials are in variables that end with `__NAME`. Raises UsageError."""
        if name is not None and (flaw := account_flaw(name)) is not None:
            raise UsageError("; ".join(flaw))
        return replace(self, account=name)

    def account_names(self) -> list[str | None]:
        """The names of all accounts whose credentials are known; None for the usual one, which comes first."""
        suffixes = (
            name[len(_CLIENT_ID) :].removesuffix("_FILE") for name in self.variables if name.startswith(_CLIENT_ID)
        )
        named = {suffix[2:].lower().replace("_", "-") for suffix in suffixes if suffix.startswith("__")}
        usual = [None] if replace(self, account=None).knows_credentials else []
        return [*usual, *sorted(named)]

    @property
    def proxy(self) -> str | None:
        """The http proxy for everything, if there is one."""
        return self.variables.get("CAMPAIGN_RUNNER_PROXY") or None

    def recipients(self) -> Secret | None:
        """The addresses of those who are told how a run ended; None where no one is. Raises UsageError."""
        try:
            return self._secret(_NOTIFY)
        except AccountRefused:
            raise UsageError(f"{_NOTIFY}_FILE cannot be read; no message about this run is sent") from None

    def _image_hosts(self) -> tuple[str, ...]:
        """The further hosts that images may come from."""
        named = self.variables.get("CAMPAIGN_RUNNER_IMAGE_HOSTS")
        try:
            return tuple(map(checked_image_host, named.split(","))) if named else ()
        except UsageError as error:
            raise UsageError(f"{error}; nothing was sent") from None

    def _credentials(self) -> Credentials:
        """All of one kind: of the environment, else of `login`, which keeps those of the account without a name."""
        is_named = self.account is not None
        if not (self.names_credentials or is_named) and (found := kept(self.login_file)) is not None:
            return Credentials(*found, scope=self.scope)
        names = [self._of_account(name) for name in (_CLIENT_ID, _SECRET, _TOKEN)]
        client_id, secret, token = map(self._secret, names)
        missing = names[0] if client_id is None else names[1] if secret is None and token is None else None
        if client_id is None or missing is not None:
            how = _OF_ACCOUNT if is_named else _USUALLY
            why = how.format(account=self.account, client_id=names[0], secret=names[1])
            raise AccountRefused(f"{missing} is not set; nothing was sent. {why}", code="no_credentials")
        return Credentials(client_id.reveal(), secret, token, self.scope)

    def _of_account(self, name: str) -> str:
        """How the variable `name` is called for the account."""
        return name if self.account is None else f"{name}__{self.account.upper().replace('-', '_')}"

    def _secret(self, name: str) -> Secret | None:
        """The value of a variable, or the content of the file that NAME_FILE names."""
        if value := self.variables.get(name):
            return Secret(value)
        if not (file := self.variables.get(f"{name}_FILE")):
            return None
        try:
            return Secret(content_of(Path(file), _LARGEST_SECRET).decode().strip())
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not a text in UTF-8"
            raise AccountRefused(f"{name}_FILE cannot be read ({why}); nothing was sent") from None

    def _origin(self, name: str, default: str) -> str:
        try:
            return checked_origin(self.variables.get(name) or default)
        except UsageError as error:
            raise UsageError(f"{name}: {error}; nothing was sent") from None

    def _number(self, name: str, default: int) -> int:
        text = self.variables.get(name) or str(default)
        if not (re.fullmatch("[0-9]{1,6}", text) and 0 < int(text) <= MOST):
            raise UsageError(f"{name} must be a whole number from 1 to {MOST}, not '{text[:40]}'")
        return int(text)


def sandbox_settings(origin: str) -> Settings:
    """How the sandbox of this process is reached. It asks for credentials as the service does, and takes any."""
    from campaign_runner.firefly.settings import Settings

    return Settings(firefly_url=origin, ims_url=origin, credentials=Credentials("sandbox", Secret("sandbox")))
