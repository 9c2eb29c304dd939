"""Bugs in what people decided about images, and in what is handed over to them."""

from __future__ import annotations

from tests.plants.plant import Plant

DECIDING = (
    Plant(
        "let the file that is read first decide",
        "review/merging.py",
        "found[mark.id] = min(known, mark, key=lambda each: (spelling(each), each.reviewer.name))",
        "pass",
        ("tests/review/test_merging.py", "tests/review/test_cases.py"),
    ),
    Plant(
        "let a mark of one reviewer replace another's",
        "review/merging.py",
        "if (mark.chain, mark.id) not in replaced)",
        "if mark.id not in {each for _, each in replaced})",
        ("tests/review/test_merging.py", "tests/review/test_cases.py"),
    ),
    Plant(
        "let a pick of the final one stand against a reject",
        "review/rules.py",
        "vote.get(final) == _PICK and state is not ImageState.REJECTED",
        "vote.get(final) == _PICK",
        ("tests/review/test_cases.py",),
    ),
    Plant(
        "count a verdict on other bytes",
        "review/rules.py",
        'if mark.kind == "verdict" and shot.is_stored and mark.sha256 == shot.sha256:',
        'if mark.kind == "verdict" and shot.is_stored:',
        ("tests/review/test_cases.py",),
    ),
    Plant(
        "deliver nothing new where the cut is another",
        "deliver/work.py",
        "return file.cut == planned.cut and file.file",
        "return file.file",
        ("tests/deliver/test_picks.py", "tests/deliver/test_command.py"),
    ),
    Plant(
        "overwrite what somebody retouched in the target",
        "deliver/work.py",
        "foreign = [*self._changed(), *self._taken(work),",
        "foreign = [*self._taken(work),",
        ("tests/deliver/test_targets.py",),
    ),
    Plant(
        "leave in the target what is picked no more",
        "deliver/delivery.py",
        "        self._result.gone += publisher.withdraw(unwanted)\n",
        "        self._result.gone += unwanted\n",
        ("tests/deliver/test_picks.py", "tests/deliver/test_targets.py"),
    ),
    Plant(
        "give other bytes a name that was delivered before",
        "deliver/handover/account.py",
        "        while version in given or self._digests.get(folded(stem.name(version, format)), sha256) != sha256:\n",
        "        while version in given:\n",
        ("tests/deliver/test_account.py",),
    ),
    Plant(
        "publish before the record says so",
        "deliver/handover/publishing.py",
        """\
        self.account.write(self.staging)
        for each, file in zip(made, entered, strict=True):
            self.target.publish(each.staged.path, file.file, file.sha256)
""",
        """\
        for each, file in zip(made, entered, strict=True):
            self.target.publish(each.staged.path, file.file, file.sha256)
        self.account.write(self.staging)
""",
        ("tests/deliver/test_account.py",),
    ),
)
