"""The guard's part of pytest: whoever made an attempt that was refused fails, whatever became of the error.

The program's own folders, of every process of the tests, are in a folder of the suite that goes with it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_config_path, user_state_path

from tests.guard import guarding

HERE = str(Path(__file__).parent)
HOMES = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
_home = Path()


def pytest_configure() -> None:
    """Guard this process and all it starts; each worker keeps its own record, and its own home of the program."""
    global _home
    own = (user_state_path("campaign_runner", appauthor=False), user_config_path("campaign_runner", appauthor=False))
    os.environ.setdefault(guarding.PERSONS, os.pathsep.join(map(str, own)))  # a worker of pytest has them already
    _home = Path(tempfile.mkdtemp(prefix="home-of-tests-"))
    os.environ.update({name: str(_home / name.split("_")[1].lower()) for name in HOMES})
    handle, record = tempfile.mkstemp(prefix="refused-connections-")
    os.close(handle)
    os.environ[guarding.RECORD] = record
    others = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", HERE)]
    os.environ["PYTHONPATH"] = os.pathsep.join([HERE, *others])
    guarding.stand()


def pytest_unconfigure() -> None:
    guarding.forget()
    shutil.rmtree(_home, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After everything that belongs to a test, its last fixture included."""
    yield
    refused = guarding.attempts()
    guarding.forget()
    assert not refused, f"{guarding.RULE}:\n" + "\n".join(refused)
