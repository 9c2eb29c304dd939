"""A test that hangs fails and tells where; what it had started is ended, and the others are as ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFTEST = """
from tests.guard import hangs
from tests.guard.hangs import *  # as plugin

hangs.USUAL = 0.5
"""
INNER = """
import os, subprocess, sys, threading
import pytest

if os.environ["PYTEST_XDIST_WORKER"] == "gw0":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])  # it holds our streams

@pytest.mark.proof
def test_before():
    pass

def test_that_hangs():
    threading.Event().wait()

@pytest.mark.proof
def test_after():
    pass
"""


def test_a_test_that_hangs_fails_with_its_stack_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_inner.py").write_text(INNER, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = proof\n", encoding="utf-8")
    without = [part for name in ("randomly", "cacheprovider", "schemathesis") for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-n", "1", "-rA", "--color=no", *without, "test_inner.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")  # until nobody holds them
    told = [line for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    assert [line.split(" - ")[0] for line in sorted(told)] == [
        "FAILED test_inner.py::test_that_hangs",
        "PASSED test_inner.py::test_after",
        "PASSED test_inner.py::test_before",
    ]
    assert "in test_that_hangs" in done.stderr
    assert done.returncode == 1
