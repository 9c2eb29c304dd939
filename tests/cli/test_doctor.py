"""`doctor`: what would keep a run from working, against a real sandbox, free of charge."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from campaign_runner.cli.environment import sandbox_settings
from campaign_runner.events import ModelResolved
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import CustomModel
from campaign_runner.notify import delivery
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.quota.shared_quota import SharedQuota, account_of
from campaign_runner.run.control import Clock
from campaign_runner.session import doctor
from campaign_runner.session.doctor import USUAL_BYTES, Doctor, Subject
from campaign_runner.session.request import ServiceAccess
from tests.cli.typed import Ask, Said, charged
from tests.disks import PATH_MAX, deep, taking
from tests.processes.launcher import import_everything

CAMPAIGN = """\
campaign: spring
model: image3_custom
custom_model: Warm Custom Model
products: {candle: candle, soap: soap}
prompts: {hero: "a {product.name}"}
sizes: [1024x1024]
seeds: [1, 2]
"""
MODEL = CustomModel("urn:aaid:sc:US:1", "Warm Custom Model", "1", "etag", "")


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> Path:
    file = tmp_path / "spring.yaml"
    file.write_text(CAMPAIGN, encoding="utf-8")
    return file


def found(said: Said) -> dict[str, str]:
    """What was found, by check; each line is a verdict, a check and a sentence."""
    *lines, _ = said.out.splitlines()
    return {line[10:20].strip(): line[:10] + line[20:] for line in lines}


def test_where_all_is_well_every_check_says_so_and_nothing_is_left_or_bought(
    ask: Ask, account: dict[str, str], tmp_path: Path
) -> None:
    before = charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"])
    said = ask("doctor", "spring", **account)
    assert said.status == 0 and said.err == ""
    *checks, verdict = said.out.splitlines()
    assert [line.split()[0] for line in checks] == ["ok"] * 11
    assert verdict == "ok: spring is ready for a run; exit=0"
    assert found(said)["model"] == "ok        'Warm Custom Model' is shared, version 1"
    assert found(said)["campaign"].endswith("4 images to generate in 2 requests")
    assert found(said)["allowance"] == "ok        9,000 of 9,000 requests left today"
    assert charged(account["CAMPAIGN_RUNNER_FIREFLY_URL"]) == before
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("names", [("spring", "autumn"), ("--all",)])
def test_several_campaigns_are_checked_at_once_and_the_account_once(
    names: tuple[str, ...], ask: Ask, account: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "autumn.yaml").write_text(CAMPAIGN.replace("spring", "autumn"), encoding="utf-8")
    said = ask("doctor", *names, **account)
    *lines, verdict = said.out.splitlines()
    checks = [(line[10:20].strip(), line[20:].partition(": ")[0]) for line in lines]
    own = ["campaign", "record", "output", "disk", "names", "model"]
    assert [check for check, _ in checks[:5]] == ["state", "settings", "service", "clock", "allowance"]
    assert [check for check, _ in checks[-2:]] == ["disk", "allowance"]
    assert "the remaining images of 2 campaigns need about 0.0 GB" in lines[-2]
    assert lines[-1].startswith("ok        allowance 2 campaigns need 4 requests, ")
    assert sorted(checks[5:-2]) == sorted((check, name) for name in ("autumn", "spring") for check in own)
    assert said.status == 0 and verdict in (
        "ok: spring, autumn are ready for a run; exit=0",
        "ok: autumn, spring are ready for a run; exit=0",
    )
    (tmp_path / "autumn.yaml").write_text(CAMPAIGN.replace("spring", "autumn").replace("seeds", "seedz"), "utf-8")
    said = ask("doctor", *names, **account)
    assert said.status == 2
    assert said.out.splitlines()[-1] == "attention: 1 check not passed (autumn: campaign); exit=2"
    assert {each["name"] for each in json.loads(ask("doctor", *names, "--json").out)} == {None, "spring", "autumn"}


def test_what_several_campaigns_need_together_is_told(
    ask: Ask, account: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone has room: of the disk for a little more than one of them, of the day's requests for three of four."""
    (tmp_path / "autumn.yaml").write_text(CAMPAIGN.replace("spring", "autumn"), encoding="utf-8")
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * USUAL_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(doctor, "BYTES_AN_IMAGE", 1)
    said = ask("doctor", "spring", "autumn", CAMPAIGN_RUNNER_PER_DAY="3", **account)
    assert said.status == 6
    assert said.out.splitlines()[-1] == "attention: 1 check not passed (disk); exit=6"
    assert f"make room on the disk of {tmp_path}/output/spring, {tmp_path}/output/autumn" in said.out
    assert "2 campaigns need 4 requests, 3 are left today; they take 2 days" in said.out


def test_without_a_campaign_it_checks_the_account_and_the_machine(ask: Ask, account: dict[str, str]) -> None:
    said = ask("doctor", **account)
    assert (said.status, list(found(said))) == (0, ["state", "settings", "service", "clock", "allowance"])


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("jsons://canary-hook.example.com/x mailtos://u:canary-pass@example.com", 0, "can be used; nothing was sent"),
        ("json://192.0.2.1/canary-hook", 2, "a message could not be sent: an address is not encrypted"),
        pytest.param(
            *("jsons://example.com/x nonsense", 2, "a message could not be sent: an address is none"),
            marks=pytest.mark.proof,
        ),
    ],
)
def test_the_addresses_of_messages_are_looked_at_and_nothing_is_sent_there(
    ask: Ask, account: dict[str, str], monkeypatch: pytest.MonkeyPatch, address: str, status: int, words: str
) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 600.0)  # a busy machine is no failure
    said = ask("doctor", CAMPAIGN_RUNNER_NOTIFY=address, **account)
    assert (said.status, words in found(said)["notify"]) == (status, True), said
    assert "canary-hook" not in said.out and "canary-pass" not in said.out


def test_json_has_every_finding(ask: Ask, account: dict[str, str]) -> None:
    findings = json.loads(ask("doctor", "spring", "--json", **account).out)
    assert {"check", "message", "code", "name"} == set(findings[0])
    assert [finding["code"] for finding in findings] == [0] * 11


def test_a_variable_that_is_missing_is_named_and_the_rest_is_checked_all_the_same(ask: Ask) -> None:
    said = ask("doctor", "spring", CUSTOM_MODELS_CLIENT_ID="me")
    assert said.status == 7
    assert "CUSTOM_MODELS_CLIENT_SECRET is not set" in found(said)["settings"]
    assert found(said)["output"].startswith("ok")


def test_credentials_that_are_refused_are_told(ask: Ask, account: dict[str, str]) -> None:
    said = ask("doctor", **{**account, "CUSTOM_MODELS_ACCESS_TOKEN": "of-another-world"})
    assert said.status == 7 and found(said)["service"].startswith("attention")


def test_a_service_that_is_not_reached_is_for_later(ask: Ask, account: dict[str, str]) -> None:
    closed = {"CAMPAIGN_RUNNER_FIREFLY_URL": "http://127.0.0.1:9", "CAMPAIGN_RUNNER_IMS_URL": "http://127.0.0.1:9"}
    said = ask("doctor", **{**account, **closed})
    assert said.status == 8 and "no program listens at" in found(said)["service"]


def test_a_model_that_is_not_shared_says_how_it_is_shared(ask: Ask, account: dict[str, str], spring: Path) -> None:
    spring.write_text(CAMPAIGN.replace("Warm Custom Model", "Cold Model"), encoding="utf-8")
    said = ask("doctor", "spring", **account)
    assert said.status == 7
    assert "shared with the project's technical account" in found(said)["model"]


def test_a_model_that_was_trained_anew_is_told(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "output" / "spring"
    folder.mkdir(parents=True)
    asyncio.run(_note(folder, account["CAMPAIGN_RUNNER_FIREFLY_URL"]))
    said = ask("doctor", "spring", **account)
    assert said.status == 5
    assert "changed since the first run" in found(said)["model"]


async def _note(folder: Path, origin: str) -> None:
    async with SqliteJournal(folder) as journal:
        await journal.note({"campaign": "spring", "origin": origin, "file": "../../spring.yaml"})
        await journal.record([ModelResolved(MODEL)])


def test_a_prompt_without_the_concept_of_its_model_is_told(ask: Ask, account: dict[str, str], spring: Path) -> None:
    spring.write_text(CAMPAIGN.replace("Warm Custom Model", "Almond Candle"), encoding="utf-8")
    said = ask("doctor", "spring", **account)
    assert said.status == 2
    assert "spring.yaml:5:17: this prompt lacks 'almndcndl', the concept of the custom model" in said.out
    spring.write_text(spring.read_text(encoding="utf-8").replace("a {product", "{concept} and a {product"))
    assert ask("doctor", "spring", **account).status == 0


def test_a_wrong_file_is_told_and_the_rest_is_checked_all_the_same(
    ask: Ask, account: dict[str, str], spring: Path
) -> None:
    spring.write_text(CAMPAIGN.replace("seeds:", "seedz:"), encoding="utf-8")
    said = ask("doctor", "spring.yaml", **account)
    assert said.status == 2
    told = found(said)["campaign"]
    assert "unknown key 'seedz'" in told and "`campaign-runner check " in told
    assert found(said)["service"].startswith("ok")


def test_further_hosts_of_images_are_told_and_what_is_none_is_named(
    ask: Ask, account: dict[str, str], spring: Path
) -> None:
    said = ask("doctor", **account, CAMPAIGN_RUNNER_IMAGE_HOSTS="images.example.com, cdn.example.com")
    assert found(said)["settings"].endswith("; images also from images.example.com, cdn.example.com")
    said = ask("doctor", **account, CAMPAIGN_RUNNER_IMAGE_HOSTS="*.example.com")
    assert said.status == 2 and "CAMPAIGN_RUNNER_IMAGE_HOSTS" in found(said)["settings"]


def test_a_budget_that_is_too_small_is_told(ask: Ask, account: dict[str, str], spring: Path) -> None:
    spring.write_text(f"{CAMPAIGN}budget: 5\n".replace("[1, 2]", "[1, 2, 3]"), encoding="utf-8")
    said = ask("doctor", "spring", **account)
    assert said.status == 2 and found(said)["campaign"].startswith("attention")


def test_a_folder_that_nobody_may_write_is_told(
    ask: Ask,
    account: dict[str, str],
    tmp_path: Path,
    spring: Path,
    as_nobody: Callable[[], AbstractContextManager[None]],
) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    spring.chmod(0o644)
    import_everything()  # another user may not be able to read where it lies
    with as_nobody():
        said = ask("doctor", "spring", **account)
    assert said.status == 6
    assert found(said)["output"].startswith("attention") and found(said)["state"].startswith("attention")


def test_names_that_the_disk_does_not_take_are_told_and_nothing_is_left(
    ask: Ask, account: dict[str, str], spring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spring.write_text(CAMPAIGN.replace("hero", "h" * 40), encoding="utf-8")
    with monkeypatch.context() as patch:
        taking(patch, 60)
        said = ask("doctor", "spring", **account)
    assert said.status == 6
    assert found(said)["names"].startswith("attention") and "takes 60: " in found(said)["names"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spring.yaml", "state"]


def test_a_path_that_is_too_long_is_told(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    output = deep(tmp_path, PATH_MAX - 40)
    said = ask("doctor", "spring", "--output", output, **account)
    assert said.status == 6 and "this machine takes 4,095: " in found(said)["names"]
    assert list(output.iterdir()) == []


def test_where_nothing_is_due_no_name_is_tried(ask: Ask, account: dict[str, str]) -> None:
    assert ask("run", "spring", "--yes", **account).status == 0
    assert "names" not in found(ask("doctor", "spring", **account))


def test_a_run_under_way_is_no_trouble(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    with Folder(tmp_path / "output" / "spring").locked():
        said = ask("doctor", "spring", **account)
    assert said.status == 0 and "a run is in progress" in found(said)["output"]


def test_an_allowance_that_is_used_up_is_for_later(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    whose = account_of(account["CAMPAIGN_RUNNER_FIREFLY_URL"], account["CUSTOM_MODELS_CLIENT_ID"])
    asyncio.run(SharedQuota(tmp_path / "state", whose).acquire())
    said = ask("doctor", CAMPAIGN_RUNNER_PER_DAY="1", **account)
    assert said.status == 8
    assert found(said)["allowance"] == "attention 0 of 1 requests left today: run again later"


@pytest.mark.parametrize(("minutes", "words"), [(5, " s ahead of Adobe's"), (-5, " s behind Adobe's")])
async def test_a_clock_that_goes_wrong_is_told(minutes: int, words: str, sandbox_origin: str, tmp_path: Path) -> None:
    wrong = Clock(lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    access = ServiceAccess(sandbox_origin, lambda: sandbox_settings(sandbox_origin), tmp_path / "state")
    findings = [finding async for finding in Doctor(Subject(access, RateLimit(4, 9000), wrong)).findings()]
    (clock,) = [finding for finding in findings if finding.check == "clock"]
    assert clock.code == 6 and words in clock.message
