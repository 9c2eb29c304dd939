"""Bugs on the way of the money: what is asked for, how often, and what it is taken for."""

from __future__ import annotations

from tests.plants.plant import Plant

BUYING = (
    Plant(
        "take a doubt for a plain refusal",
        "run/submitter.py",
        "if error.charged is False:\n            self._spent",
        "if error.charged is not True:\n            self._spent",
        ("tests/run/test_doubt.py",),
    ),
    Plant(
        "take a job that is another's",
        "journal/facts.py",
        "            self._doubted(doubt)\n            return doubt\n",
        "            return fact\n",
        ("tests/ports/test_journal.py", "tests/contract/test_switches.py"),
    ),
    Plant(
        "begin what is bought already",
        "journal/facts.py",
        "if self._knows(attempt) or self._db.execute(taken, attempt.job.keys).fetchone() is not None:",
        "if self._knows(attempt):",
        ("tests/ports/test_journal.py", "tests/ports/test_sqlite_journal.py"),
    ),
    Plant(
        "buy what a neighbour is buying",
        "reuse/claims.py",
        "if each.key not in held)",
        "if each.key)",
        ("tests/reuse/test_claims.py",),
    ),
    Plant(
        "claim without the lock of all runs",
        "reuse/claims.py",
        "if lock.take() else None",
        "if lock else None",
        ("tests/reuse/test_claims.py",),
    ),
    Plant(
        "count what a neighbour buys against the limits of the caller",
        "run/submitter.py",
        "        self._spent.requests -= granted is None\n",
        "",
        ("tests/reuse/test_claims.py",),
    ),
    Plant(
        "send one request more than --max-requests",
        "run/submitter.py",
        "self._spent.requests_left(self._limits) <= 0:",
        "self._spent.requests_left(self._limits) < 0:",
        ("tests/run/test_stopping.py",),
    ),
    Plant(
        "say a smaller sum than a bounded run may buy",
        "plan/due.py",
        "sum(nlargest(sent, sizes))",
        "sum(sizes[:sent])",
        ("tests/plan/test_due.py", "tests/plan/test_cost.py"),
    ),
    Plant(
        "forget the allowance of a day",
        "quota/shared_quota.py",
        'Wait(log.wait(limits.per_day, limits.day), "day"),',
        'Wait(log.wait(limits.per_day, limits.minute), "day"),',
        ("tests/ports/test_quota.py",),
    ),
    Plant(
        "take a request of a dead process for one that never left",
        "quota/request_log.py",
        "                lost.append(latest)\n",
        "                pass\n",
        ("tests/ports/test_quota.py", "tests/ports/test_shared_quota.py"),
    ),
    Plant(
        "let a shorter wait end a longer one",
        "quota/request_log.py",
        " WHERE excluded.until > blocked.until",
        "",
        ("tests/ports/test_quota.py",),
    ),
    Plant(
        "let a clock that is set forward bring the allowance back",
        "quota/shared_quota.py",
        "            return float(row[0]) + up.seconds\n",
        "            return wall\n",
        ("tests/ports/test_quota.py", "tests/ports/test_shared_quota.py"),
    ),
    Plant(
        "let two formats of a picture be one image",
        "plan/recipes.py",
        """accept = f"image/{look['format']}" if "format" in look else None""",
        "accept = None",
        ("tests/plan/test_recipes.py",),
    ),
    Plant(
        "know a reference image by its name",
        "plan/recipes.py",
        "return sha256(content_of(on_disk(path), LARGEST_BYTES)).hexdigest()",
        "return sha256(on_disk(path).name.encode()).hexdigest()",
        ("tests/plan/test_recipes.py",),
    ),
)
