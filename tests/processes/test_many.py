"""Twenty processes at once: one a folder, one allowance for all, every image once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checker import Seen, check
from tests.processes.forks import PATIENCE, Forks
from tests.processes.machines import Machine

MANY = 20
CAMPAIGN = """\
campaign: {name}
model: image3
products: {{candle: almond candle of {name}, soap: almond soap of {name}}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [896x1152]
seeds: [1]
"""


def test_of_twenty_runs_of_a_folder_one_runs_and_the_others_send_nothing(launcher: Forks, tmp_path: Path) -> None:
    with launcher.sandbox(tmp_path, "--per-minute", "600", "--job-seconds", "600") as sandbox:
        machine = Machine.beside(sandbox.origin, tmp_path)
        file = machine.campaign(text=CAMPAIGN)
        runs = [launcher.start("run", file, home=tmp_path, env=machine.env) for _ in range(MANY)]
        deadline = time.monotonic() + PATIENCE
        while len(going := [run for run in runs if not run.has_ended()]) > 1:
            assert time.monotonic() < deadline, f"{len(going)} runs hold one folder"
            time.sleep(0.05)
        sandbox.wait_for(2)
        for run in going:
            run.kill(signal.SIGTERM)
        done = [launcher.wait(run) for run in runs]
        ledger = sandbox.ledger()
        check(tmp_path / "output", ledger, seen=Seen(texts=[each.out + each.err for each in done]))
    assert sorted(each.exit for each in done) == [11] * (MANY - 1) + [143]
    assert (ledger["calls"]["token"], ledger["calls"]["submit"]) == (1, 2)


@pytest.mark.proof
def test_twenty_runs_with_one_credential_never_exceed_its_allowance(
    launcher: Forks, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with launcher.sandbox(tmp_path, "--per-minute", str(MANY), "--job-seconds", "0") as sandbox:
        machine = Machine.beside(sandbox.origin, tmp_path)
        machine.env["CAMPAIGN_RUNNER_PER_MINUTE"] = str(MANY)
        files = [machine.campaign(f"c{number}", CAMPAIGN) for number in range(MANY)]
        runs = [launcher.start("run", file, home=tmp_path, env=machine.env) for file in files]
        done = [launcher.wait(run) for run in runs]
        ledger = sandbox.ledger()
        exits = {file.stem: each.exit for file, each in zip(files, done, strict=True)}
        seen = Seen(exits, [each.out + each.err for each in done], tmp_path / "state", per_minute=MANY)
        check(tmp_path / "output", ledger, seen=seen)
    assert set(exits.values()) == {0}
    assert (len(ledger["accepted_at"]), ledger["refused"], len(ledger["charged"])) == (2 * MANY, 0, 2 * MANY)
    record_property("proved", f"{MANY} runs at once: {2 * MANY} requests, {MANY} a minute, 0 above the allowance")
