"""verify and rerun as cron and people call them: processes of their own, and a service that may change its models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes.machines import Machine, sandbox_process

BENCHMARK = Path(__file__).parents[2] / "campaigns" / "benchmark-72.yaml"
FAST = ("--per-minute", "600", "--job-seconds", "0.2")


def manifest_of(machine: Machine, name: str = "spring") -> Path:
    return machine.home / "output" / name / "manifest.json"


def test_a_rerun_killed_in_the_middle_goes_on_and_buys_nothing_twice(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "1") as sandbox:
        machine = machine_for(sandbox.origin)
        assert machine.run("run", machine.campaign()).exit == 0
        first = machine.start("rerun", manifest_of(machine), "--concurrency", "2")
        sandbox.wait_for(6 + 2)
        first.kill()
        machine.ended(first)
        second = machine.run("rerun", manifest_of(machine))
        ledger = sandbox.ledger()
    assert second.exit in (0, 4), second.out
    assert max(ledger["charged"].values()) == 2
    if second.exit == 0:
        assert "identical_bytes=12" in second.out and set(ledger["charged"].values()) == {2}


def test_two_altered_images_are_named_and_mended_by_the_commands_that_verify_prints(machine: Machine) -> None:
    machine.run("run", machine.campaign("care"))
    images = [image for image in machine.manifest("care")["images"] if image["product"] != "scrub"]
    altered = sorted(machine.home / "output" / "care" / images[number]["file"] for number in (0, 5))
    for file in altered:
        file.write_bytes(file.read_bytes()[:300])
    verdict = machine.run("verify", "care", "--json")
    assert verdict.exit == 5
    findings = json.loads(verdict.out)["findings"]
    assert [machine.home / "output" / "care" / finding["file"] for finding in findings] == altered
    for finding in findings:
        mended = machine.run(*finding["mend"].split()[1:])
        assert mended.exit == 0, mended.out
    assert machine.run("verify", "care").exit == 0


@pytest.mark.proof
def test_72_images_come_out_identical_and_where_the_models_changed_one_request_is_sent(
    machine_for: Callable[[str], Machine], tmp_path: Path
) -> None:
    with sandbox_process(*FAST) as sandbox:
        machine = machine_for(sandbox.origin)
        (tmp_path / "campaigns").mkdir()
        file = shutil.copy(BENCHMARK, tmp_path / "campaigns")
        assert machine.run("run", file).exit == 0
        again = machine.run("rerun", manifest_of(machine, "benchmark-72"))
        assert again.exit == 0 and "images=72 " in again.out and "identical_bytes=72" in again.out
        assert len(sandbox.ledger()["accepted_at"]) == 144
    with sandbox_process(*FAST, "--drift") as sandbox:
        manifest = manifest_of(machine, "benchmark-72")
        machine = Machine.beside(sandbox.origin, tmp_path / "another")
        machine.home.mkdir()
        into = machine.home / "output" / "drifted"
        drifted = machine.run("rerun", manifest, "--into", into)
        assert drifted.exit == 5 and "different=1 " in drifted.out
        assert len(sandbox.ledger()["accepted_at"]) == 1
        accepted = machine.run("rerun", manifest, "--into", into, "--accept-drift")
        assert accepted.exit == 0 and "different=72" in accepted.out
        assert len(sandbox.ledger()["accepted_at"]) == 72
        machine.check()


@pytest.mark.proof
def test_of_72_images_the_two_that_were_altered_are_named_bought_again_and_put_back(
    machine_for: Callable[[str], Machine], tmp_path: Path
) -> None:
    with sandbox_process(*FAST) as sandbox:
        machine = machine_for(sandbox.origin)
        (tmp_path / "campaigns").mkdir()
        machine.run("run", shutil.copy(BENCHMARK, tmp_path / "campaigns"))
        output = machine.home / "output" / "benchmark-72"
        images = machine.manifest("benchmark-72")["images"]
        before = {image["file"]: (output / image["file"]).read_bytes() for image in images}
        for number in (11, 60):
            (output / images[number]["file"]).write_bytes(b"not what was stored")
        findings = json.loads(machine.run("verify", "benchmark-72", "--json").out)["findings"]
        assert {finding["key"] for finding in findings} == {images[11]["key"], images[60]["key"]}
        only = f"key={images[11]['key'][:8]},{images[60]['key'][:8]}"
        mended = machine.run("rerun", manifest_of(machine, "benchmark-72"), "--only", only, "--restore")
        assert mended.exit == 0, mended.out
        assert machine.run("verify", "benchmark-72").exit == 0
        assert {file: (output / file).read_bytes() for file in before} == before
        assert len(sandbox.ledger()["accepted_at"]) == 74
