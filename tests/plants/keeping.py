"""Bugs in what is paid for and must come home: on the disk, in the record, and in the next run."""

from __future__ import annotations

from tests.plants.plant import Plant

KEEPING = (
    Plant(
        "replace a file and not sync its folder",
        "disk/files.py",
        "            Patience().over(lambda: _take_place(temporary, path))\n            sync_folder(path.parent)\n",
        "            Patience().over(lambda: _take_place(temporary, path))\n",
        ("tests/disk/test_power_cut.py",),
    ),
    Plant(
        "trust a file that is there already to be on the disk",
        "store.py",
        "            os.fsync(file.fileno())\n        return Put.SAME",
        "            pass\n        return Put.SAME",
        ("tests/ports/test_folder_store.py", "tests/disk/test_power_cut.py"),
    ),
    Plant(
        "leave the end of a record in its -wal file",
        "disk/sqlite.py",
        'self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")',
        'self._connection.execute("PRAGMA wal_autocheckpoint")',
        ("tests/ports/test_sqlite_journal.py", "tests/session/test_records.py"),
    ),
    Plant(
        "take over a neighbour's image without looking at it",
        "store.py",
        "                if sha256_of(content) != sha256:\n                    return None\n",
        "                pass\n",
        ("tests/ports/test_existing_images.py",),
    ),
    Plant(
        "lose what was cut off between request and answer",
        "run/submitter.py",
        "            await self._record_and_settle(permit, Doubted(attempt, CUT_OFF))\n            raise\n",
        "            await self._record_and_settle(permit, Refused(attempt, NOT_SENT))\n            raise\n",
        ("tests/run/test_doubt.py", "tests/run/test_stopping.py"),
    ),
    Plant(
        "give a paid job up for an outage",
        "retry.py",
        "return isinstance(error, Unavailable | LinkExpired) and error.code in _GONE",
        "return isinstance(error, Unavailable | LinkExpired)",
        ("tests/run/test_lost.py",),
    ),
    Plant(
        "lose a job that was denied for an hour",
        "run/runner.py",
        "if reason.is_gone and age > LOST_AFTER.total_seconds():",
        "if reason.is_gone and age > LOST_AFTER.total_seconds() / 24:",
        ("tests/run/test_lost.py",),
    ),
    Plant(
        "call lost what lies on the disk unrecorded",
        "run/runner.py",
        "for variation in await self._fetcher.recover(attempt):",
        "for variation in attempt.job.variations:",
        ("tests/run/test_lost.py",),
    ),
    Plant(
        "buy first, and then go on with what is paid for",
        "run/runner.py",
        """\
        await self._resume()
        stop = self._control.stop
        for job in jobs:
            if stop.reached(Level.NO_SUBMITS) or not await stop.acquired(Level.NO_SUBMITS, self._submits):
                return
            if (place := await self._slots.admitted(Level.NO_SUBMITS)) is None:
                return
            self._tasks.start(self._drive(job, place))
""",
        """\
        stop = self._control.stop
        for job in jobs:
            if stop.reached(Level.NO_SUBMITS) or not await stop.acquired(Level.NO_SUBMITS, self._submits):
                return
            if (place := await self._slots.admitted(Level.NO_SUBMITS)) is None:
                return
            self._tasks.start(self._drive(job, place))
        await self._resume()
""",
        ("tests/run/test_runner.py", "tests/run/test_returning.py"),
    ),
    Plant(
        "store a picture of a wrong size as what was asked for",
        "run/fetcher.py",
        """\
        attempt = delivery.attempt
        if not has_its_size(attempt.job.recipe.version, attempt.job.size, examined.size):
""",
        """\
        attempt = delivery.attempt
        if not attempt:
""",
        ("tests/run/test_outputs.py",),
    ),
    Plant(
        "take an older journal for the record",
        "output_folder/registry.py",
        "if row is not None and row[0] > requests:",
        "if row is not None and row[0] > requests + 1:",
        ("tests/output_folder/test_registry.py", "tests/session/test_records.py"),
    ),
)
