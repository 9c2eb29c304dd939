"""`python -m tests.planted`: bugs that would cost money, pictures or secrets, and the tests that catch them.

Each is planted in a copy of the package, one at a time; then the smallest set of tests that should
notice is run on the copy. The checkout is never touched. Exit 1 if one is not caught.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.plants.buying import BUYING
from tests.plants.deciding import DECIDING
from tests.plants.keeping import KEEPING
from tests.plants.plant import Plant
from tests.plants.sharing import SHARING

ROOT = Path(__file__).parents[1]
PACKAGE = "campaign_runner"

PLANTS = (
    Plant(
        "no commit of the intent before the POST",
        "run/submitter.py",
        "granted = next(iter(await self._ports.journal.intend([attempt])), None)",
        "granted = attempt if asyncio.ensure_future(self._ports.journal.intend([attempt])) else None",
        ("tests/run/test_runner.py::test_when_a_request_leaves_its_intent_is_in_the_journal",),
    ),
    Plant(
        "retry after a reset",
        "firefly/losses.py",
        'return InDoubt(f"the request was sent, but no answer came: {lost}", code="no_answer", answer=_begun(lost))',
        "return lost_read(lost)",
        ("tests/run/test_doubt.py",),
    ),
    Plant(
        "match outputs by position",
        "run/deliveries.py",
        "variation = wanted.pop(output.seed, None)",
        "variation = wanted.pop(next(iter(wanted), None), None)",
        ("tests/run/test_outputs.py",),
    ),
    Plant(
        "follow redirects",
        "firefly/connection.py",
        "allow_redirects=False,",
        "allow_redirects=True,",
        ("tests/firefly/protocol/test_hosts.py", "tests/firefly/test_client.py"),
    ),
    Plant(
        "accept a short download",
        "pictures/inspection.py",
        "            return found is not None\n",
        "            return True\n",
        ("tests/pictures/test_whole_pictures.py", "tests/ports/test_folder_store.py"),
    ),
    Plant(
        "log the repr of an exception",
        "firefly/connection.py",
        'return "the answer is not HTTP"',
        "return repr(error)",
        ("tests/firefly/test_secrets.py",),
    ),
    Plant(
        "unlock by unlink",
        "output_folder/folder.py",
        "            yield\n        finally:\n            lock.release()\n",
        "            yield\n        finally:\n            lock.release()\n            (self.path / '.lock').unlink()\n",
        ("tests/output_folder/test_folder.py",),
    ),
    Plant(
        "poll the wrong job",
        "run/polls.py",
        "await self._provider.poll(job.ticket)",
        "await self._provider.poll((self._heap or [job])[0].ticket)",
        ("tests/run/test_outputs.py::test_every_image_is_the_one_its_own_job_made",),
    ),
    Plant(
        "burst after a restart",
        "quota/shared_quota.py",
        "        self._sender = Sender.this()\n",
        "        self._sender = Sender.this()\n        self._path.unlink(missing_ok=True)\n",
        ("tests/run/test_quota_used.py::test_two_runs_back_to_back_share_one_allowance",),
    ),
    Plant(
        "stamp the quota at sending",
        "quota/request_log.py",
        '"UPDATE sent SET answered = ? WHERE id = ?", (self._now, id)',
        '"UPDATE sent SET answered = asked WHERE id = ?", (id,)',
        ("tests/ports/test_quota.py",),
    ),
    Plant(
        "skip the directory fsync",
        "store.py",
        "before its folder was synced.\n                folder.sync()\n",
        "before its folder was synced.\n                pass\n",
        ("tests/ports/test_folder_store.py",),
    ),
    Plant(
        "publish before journal",
        "run/fetcher.py",
        """\
        name = await self._put(content, examined.sha256, *names)
        warnings = delivery.finished.warnings
        return await self._record(
            Stored(attempt, variation, name, examined.sha256, len(content), examined.media_type, warnings)
        )
""",
        """\
        name = f"{variation.stem}.{examined.suffix}"
        warnings = delivery.finished.warnings
        recorded = await self._record(
            Stored(attempt, variation, name, examined.sha256, len(content), examined.media_type, warnings)
        )
        await self._put(content, examined.sha256, name, name)
        return recorded
""",
        ("tests/run/test_runner.py::test_a_full_disk_stops_the_run_and_the_next_one_fetches_for_nothing",),
    ),
    Plant(
        "clean text by NFKC",
        "campaign_file/schema/templates.py",
        'text = unicodedata.normalize("NFC", text)',
        'text = unicodedata.normalize("NFKC", text)',
        ("tests/plan/test_recipes.py::test_characters_that_only_look_like_others_keep_their_golden_recipe_and_key",),
    ),
    Plant(
        "let SQLite sync less",
        "disk/sqlite.py",
        'connection.execute("PRAGMA synchronous = FULL")',
        'connection.execute("PRAGMA synchronous = NORMAL")',
        ("tests/run/test_durability.py",),
    ),
    Plant(
        "keep SQLite's way back in memory",
        "disk/sqlite.py",
        "{'WAL' if wal else 'DELETE'}",
        "{'WAL' if wal else 'MEMORY'}",
        ("tests/run/test_durability.py",),
    ),
    Plant(
        "skip the sync of a copied image",
        "disk/files.py",
        "        yield file\n        file.flush()\n        os.fsync(file.fileno())\n",
        "        yield file\n        file.flush()\n",
        ("tests/disk/test_power_cut.py",),
    ),
    Plant(
        "give the permit of every 429 back",
        "run/submitter.py",
        "await (quota.settle if error.retry_after is None else quota.give_back)(permit)",
        "await quota.give_back(permit)",
        ("tests/run/test_refused_permit.py",),
    ),
    Plant(
        "free a refused permit before everybody waits",
        "run/submitter.py",
        """\
                self._tell_fewer(await quota.block(self._refused(error), told=error.retry_after))
                await (quota.settle if error.retry_after is None else quota.give_back)(permit)
""",
        """\
                await (quota.settle if error.retry_after is None else quota.give_back)(permit)
                self._tell_fewer(await quota.block(self._refused(error), told=error.retry_after))
""",
        ("tests/run/test_refused_permit.py",),
    ),
    Plant(
        "remember where money goes only once it is spent",
        "session/steps.py",
        "        self._remember(coming=due)\n",
        "",
        ("tests/processes/test_kill.py::test_a_killed_first_run_is_remembered_though_its_folder_goes",),
    ),
    Plant(
        "write the end of a run once its folder is let go",
        "session/session.py",
        """\
                run = run if run.is_over else (await step(run) or run)
        return await close(run)
""",
        """\
                run = run if run.is_over else (await step(run) or run)
    with Ledger(order.folder.path) as ledger:
        return await close(replace(run, ledger=ledger))
""",
        ("tests/session/test_under_the_lock.py::test_a_run_writes_manifest_sheet_and_report_under_its_lock",),
    ),
    Plant(
        "rewrite the manifest once the folder is let go",
        "output_folder/opened.py",
        """\
        stack.push_async_callback(rewrite_manifest, folder, ledger, opened.plan)
        yield opened
""",
        """\
        yield opened
    with Ledger(folder.path) as ledger:
        await rewrite_manifest(folder, ledger, opened.plan)
""",
        ("tests/session/test_under_the_lock.py::test_a_command_rewrites_the_manifest_under_the_lock",),
    ),
    *BUYING,
    *KEEPING,
    *DECIDING,
    *SHARING,
)


def planted(plant: Plant, copy: Path) -> str | None:
    """Which test catches the bug in a copy of the package that is made at `copy`; None where none does."""
    shutil.copytree(ROOT / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / PACKAGE / plant.file).write_text(plant.text(copy / PACKAGE), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(copy)}
    # -P: the folder we are in, where the checkout lies, does not come first
    python = [sys.executable, "-P"]
    imported = subprocess.check_output(
        [*python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"], env=environment, cwd=ROOT, encoding="utf-8"
    )
    assert Path(imported.strip()).is_relative_to(copy), f"{imported} is not the copy"
    marked = ["-m", "proof or not proof"] if plant.is_proof else []
    ran = subprocess.run(
        [*python, "-m", "pytest", "-x", "-rfE", "-p", "no:cacheprovider", *marked, *plant.tests],
        env=environment,
        cwd=ROOT,
        encoding="utf-8",
        capture_output=True,
    )
    told = [line.split(" ", 1)[1] for line in ran.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return told[0].partition(" - ")[0] if told else None


def main() -> int:
    """Plant each bug and tell who caught it; the answer is the exit status."""
    caught = 0
    for number, plant in enumerate(PLANTS, start=1):
        with TemporaryDirectory() as copy:
            test = planted(plant, Path(copy))
        caught += test is not None
        click.echo(f"{number:2} {plant.bug}: {f'caught by {test}' if test else 'NOT CAUGHT'}")
    click.echo(f"{caught} of {len(PLANTS)} caught")
    return 0 if caught == len(PLANTS) else 1


if __name__ == "__main__":
    sys.exit(main())
