"""A campaign over its days: run again, from elsewhere, edited, renamed, moved, over budget."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.processes.forks import SandboxProcess
from tests.processes.machines import CAMPAIGN, Machine


def submits(service: SandboxProcess) -> int:
    return len(service.ledger()["accepted_at"])


def test_a_second_run_sends_nothing_and_leaves_the_manifest_byte_for_byte(
    machine: Machine, service: SandboxProcess
) -> None:
    file = machine.campaign()
    assert machine.run("run", file).exit == 0
    before, manifest = submits(service), (machine.home / "output/spring/manifest.json").read_bytes()
    again = machine.run("run", file)
    assert (again.exit, submits(service)) == (0, before)
    assert (machine.home / "output/spring/manifest.json").read_bytes() == manifest


def test_running_from_another_folder_finds_the_same_output(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    machine.run("run", file)
    before = submits(service)
    elsewhere = machine.home / "elsewhere"
    elsewhere.mkdir()
    done = machine.run("run", Path("..") / "campaigns" / file.name, cwd=elsewhere)
    assert done.out.startswith(f"output  {machine.home / 'output' / 'spring'}")
    assert (done.exit, submits(service), list(elsewhere.iterdir())) == (0, before, [])


def test_an_edited_prompt_buys_what_changed_and_leaves_what_was_bought(
    machine: Machine, service: SandboxProcess
) -> None:
    machine.run("run", machine.campaign())
    old = {path: path.read_bytes() for path in (machine.home / "output" / "spring" / "images").rglob("*.jpg")}
    before = submits(service)
    edited = CAMPAIGN.replace("soap: almond soap", "soap: almond hand soap")
    assert machine.run("run", machine.campaign(text=edited), "--accept-changes").exit == 0
    assert submits(service) - before == 2  # two presets of one product, their seeds packed
    assert all(path.read_bytes() == content for path, content in old.items())
    left = [image["product"] for image in machine.manifest()["images"] if not image["in_campaign"]]
    assert left == ["soap"] * 4


def test_a_renamed_product_id_buys_nothing(machine: Machine, service: SandboxProcess) -> None:
    machine.run("run", machine.campaign())
    before = submits(service)
    done = machine.run("run", machine.campaign(text=CAMPAIGN.replace("candle: almond", "light: almond")))
    assert (done.exit, submits(service)) == (0, before)


def test_a_bad_file_is_explained_and_nothing_is_sent(machine: Machine, service: SandboxProcess) -> None:
    before = service.ledger()["calls"]
    done = machine.run("run", machine.campaign(text=CAMPAIGN.replace("seeds:", "seedz:")))
    assert done.exit == 2
    assert "unknown key 'seedz'; did you mean 'seeds'?" in done.err
    assert service.ledger()["calls"] == before
    assert not (machine.home / "output").exists()


def test_a_plan_over_budget_is_refused_at_its_line(machine: Machine, service: SandboxProcess) -> None:
    machine.run("run", machine.campaign(text=f"{CAMPAIGN}budget: 12\n"))
    before = submits(service)
    edited = CAMPAIGN.replace("soap: almond soap", "soap: hand soap") + "budget: 12\n"
    done = machine.run("run", machine.campaign(text=edited), "--accept-changes")
    assert (done.exit, submits(service)) == (2, before)
    assert "this run would buy 4 images" in done.err


def test_a_lost_output_folder_is_not_bought_again_unasked(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    machine.run("run", file)
    before = submits(service)
    shutil.rmtree(machine.home / "output")
    refused = machine.run("run", file)
    assert (refused.exit, submits(service)) == (2, before)
    assert "12 images were bought there" in refused.err
    machine.begin_anew()
    assert machine.run("run", file, "--start-over").exit == 0
    assert submits(service) == before + 6


def test_a_lost_journal_is_not_bought_again(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    machine.run("run", file)
    before = submits(service)
    journal = machine.home / "output/spring/journal.sqlite"
    backup = journal.rename(machine.home / "backup.sqlite")
    done = machine.run("run", file, "--start-over")
    assert (done.exit, submits(service)) == (5, before)
    backup.rename(journal)


def test_a_folder_of_another_service_is_refused(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    machine.run("run", file)
    machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = "http://127.0.0.1:9"
    done = machine.run("run", file)
    assert done.exit == 5
    assert "holds images of" in done.err


def test_a_run_that_sent_nothing_binds_the_folder_to_no_service(machine: Machine, service: SandboxProcess) -> None:
    file, right = machine.campaign(), machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"]
    for wrong in ("http://localhost:9", "http://127.0.0.1:9"):
        machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = wrong
        assert machine.run("run", file, "--max-runtime", "1s").exit != 0
    machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = right
    assert machine.run("run", file).exit == 0


def test_missing_and_wrong_credentials_are_told_apart(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    machine.env["CUSTOM_MODELS_CLIENT_SECRET"] = "wrong"
    wrong = machine.run("run", file)
    del machine.env["CUSTOM_MODELS_CLIENT_SECRET"]
    missing = machine.run("run", file)
    assert (wrong.exit, missing.exit) == (7, 7)
    assert "rejected the credentials (invalid_client" in wrong.out + wrong.err
    assert "CUSTOM_MODELS_CLIENT_SECRET where they are set, otherwise" in wrong.out + wrong.err
    assert "campaign-runner login" in wrong.out + wrong.err
    assert "CUSTOM_MODELS_CLIENT_SECRET is not set" in missing.err
