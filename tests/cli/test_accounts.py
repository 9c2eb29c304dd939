"""`account: acme` in a campaign file: whose credentials are used, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.cli.environment import Environment
from campaign_runner.errors import AccountRefused, UsageError
from tests.campaigns import plan, written
from tests.cli.typed import Ask, charged

USUAL = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "wrong"}
ACME = {"CUSTOM_MODELS_CLIENT_ID__ACME": "acme", "CUSTOM_MODELS_CLIENT_SECRET__ACME": "a-secret-of-theirs"}


def test_the_credentials_of_an_account_have_its_name_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of-the-file\n")
    environment = Environment(
        USUAL
        | {
            "CUSTOM_MODELS_CLIENT_ID__ACME_NORTH": "acme-north",
            "CUSTOM_MODELS_CLIENT_SECRET__ACME_NORTH_FILE": str(tmp_path / "secret"),
        }
    )
    found = environment.of_account("acme-north").settings().credentials
    assert (found.client_id, found.client_secret and found.client_secret.reveal()) == ("acme-north", "of-the-file")
    assert environment.of_account(None).settings().credentials.client_id == "me"


def test_an_account_has_no_part_of_the_credentials_of_another() -> None:
    environment = Environment(USUAL | {"CUSTOM_MODELS_CLIENT_ID__ACME": "acme"})
    with pytest.raises(AccountRefused, match="CUSTOM_MODELS_CLIENT_SECRET__ACME is not set") as refusal:
        environment.of_account("acme").settings()
    assert refusal.value.code == "no_credentials"


@pytest.mark.parametrize("name", ["default", "acme-file", "ACME", "../acme", "acme_x", ""])
def test_what_cannot_be_the_name_of_an_account_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        Environment(ACME).of_account(name)


def test_no_image_depends_on_the_account(tmp_path: Path) -> None:
    assert list(plan(tmp_path, account="acme").keys()) == list(plan(tmp_path).keys())


def test_a_run_pays_with_the_account_of_its_campaign(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    file = written(tmp_path, account="acme", seeds=[81])
    missing = ask("run", file, "--yes", **account)
    assert (missing.status, "CUSTOM_MODELS_CLIENT_ID__ACME is not set" in missing.err) == (7, True), missing
    assert ask("doctor", file).status == 7
    several = ask("doctor", file, written(tmp_path, "soap.yaml", campaign="soap"))
    assert (several.status, several.out.splitlines()[-1]) == (
        7,
        "attention: 1 check not passed (acme: settings); exit=7",
    )
    done = ask("run", file, "--yes", **USUAL, **ACME)
    assert done.status == 0, done
    assert ask("doctor", file).status == 0


def test_campaigns_of_several_accounts_are_not_run_together(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    before = charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"])
    files = written(tmp_path, account="acme"), written(tmp_path, "soap.yaml", campaign="soap")
    said = ask("run", *files, "--yes", **account, **ACME)
    assert (said.status, "'acme' for almond, the usual one for soap" in said.err) == (2, True), said
    assert charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"]) == before
