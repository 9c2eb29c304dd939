"""What the environment says about the service and its allowance."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.cli.environment import FIREFLY, Environment
from campaign_runner.errors import UsageError
from tests.campaigns import campaign
from tests.cli.typed import Ask, charged

ME = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "a-secret-of-mine"}


@pytest.mark.parametrize("typed", ["", FIREFLY, f"{FIREFLY}/", f"{FIREFLY}:443", FIREFLY.upper()])
def test_however_the_service_is_typed_it_is_the_same_one(typed: str) -> None:
    environment = Environment(ME | {"CAMPAIGN_RUNNER_FIREFLY_URL": typed})
    assert environment.origin == environment.settings().firefly_url == FIREFLY


@pytest.mark.parametrize("name", ["CAMPAIGN_RUNNER_FIREFLY_URL", "CAMPAIGN_RUNNER_IMS_URL"])
def test_an_address_that_is_none_is_told_by_its_variable(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: a service address must be https://HOST"):
        Environment(ME | {name: "firefly-api.adobe.io"}).settings()


@pytest.mark.parametrize(
    ("typed", "hosts"),
    [
        ("", ()),
        ("images.example.com", ("images.example.com",)),
        ("images.example.com, CDN.example.com", ("images.example.com", "cdn.example.com")),
    ],
)
def test_further_hosts_of_images_are_read(typed: str, hosts: tuple[str, ...]) -> None:
    assert Environment(ME | {"CAMPAIGN_RUNNER_IMAGE_HOSTS": typed}).settings().image_hosts == hosts


@pytest.mark.parametrize(
    "typed", ["https://images.example.com", "a.example.com,", "a.example.com,*", "a.example.com b"]
)
def test_what_is_no_host_of_images_is_told_by_its_variable_before_anything_is_sent(typed: str) -> None:
    with pytest.raises(
        UsageError, match=r"^CAMPAIGN_RUNNER_IMAGE_HOSTS takes host names .* is not one; nothing was sent$"
    ):
        Environment({"CAMPAIGN_RUNNER_IMAGE_HOSTS": typed}).settings()  # also where there are no credentials yet


def test_a_run_with_a_wrong_host_of_images_sends_nothing(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    campaign(tmp_path, seeds=[81, 82])
    before = charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"])
    said = ask("run", "almond", "--yes", **account, CAMPAIGN_RUNNER_IMAGE_HOSTS="https://images.example.com")
    assert said.status == 2 and "CAMPAIGN_RUNNER_IMAGE_HOSTS" in said.err
    assert charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"]) == before


@pytest.mark.parametrize("text", ["0", "-4", "1000000", "9" * 5000, "four", "٤"])
def test_an_allowance_that_is_none_is_told_by_its_variable(text: str) -> None:
    with pytest.raises(UsageError, match="CAMPAIGN_RUNNER_PER_DAY must be a whole number from 1 to 999999") as refused:
        Environment({"CAMPAIGN_RUNNER_PER_DAY": text}).rate()
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("flag", ["--per-minute", "--per-day"])
@pytest.mark.parametrize("text", ["0", "1000000", "9" * 20, "9" * 5000])
def test_an_allowance_that_is_none_is_told_by_its_flag(ask: Ask, flag: str, text: str) -> None:
    said = ask("run", "almond.yaml", flag, text)
    assert said.status == 2 and f"Invalid value for '{flag}'" in said.err
