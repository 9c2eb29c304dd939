"""What the environment says about the service and its allowance."""

from __future__ import annotations

import pytest
from typed import Ask

from campaign_runner.cli.environment import FIREFLY, Environment
from campaign_runner.errors import UsageError

ME = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "a-secret-of-mine"}


@pytest.mark.parametrize("typed", ["", FIREFLY, f"{FIREFLY}/", f"{FIREFLY}:443", FIREFLY.upper()])
def test_however_the_service_is_typed_it_is_the_same_one(typed: str) -> None:
    environment = Environment(ME | {"CAMPAIGN_RUNNER_FIREFLY_URL": typed})
    assert environment.origin == environment.settings().firefly_url == FIREFLY


@pytest.mark.parametrize("name", ["CAMPAIGN_RUNNER_FIREFLY_URL", "CAMPAIGN_RUNNER_IMS_URL"])
def test_an_address_that_is_none_is_told_by_its_variable(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: a service address is https://HOST"):
        Environment(ME | {name: "firefly-api.adobe.io"}).settings()


@pytest.mark.parametrize("text", ["0", "-4", "1000000", "9" * 5000, "four", "٤"])
def test_an_allowance_that_is_none_is_told_by_its_variable(text: str) -> None:
    with pytest.raises(UsageError, match="CAMPAIGN_RUNNER_PER_DAY must be a whole number from 1 to 999999") as refused:
        Environment({"CAMPAIGN_RUNNER_PER_DAY": text}).per_day(None)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("flag", ["--per-minute", "--per-day"])
@pytest.mark.parametrize("text", ["0", "1000000", "9" * 20, "9" * 5000])
def test_an_allowance_that_is_none_is_told_by_its_flag(ask: Ask, flag: str, text: str) -> None:
    said = ask("run", "almond.yaml", flag, text)
    assert said.status == 2 and f"Invalid value for '{flag}'" in said.err
