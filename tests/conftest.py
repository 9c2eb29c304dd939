"""Disks and users that refuse: what a test needs to see a real refusal of the system.

And the guards over every socket of the suite, over tests that hang, and over what tests leave of the program.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from tests.guard import hangs, suite, unchanged

MOUNT = ("mount", "-t", "tmpfs")
TESTS = Path(__file__).parent
QUICK = (
    *("authoring", "campaign_file", "channels", "disk", "firefly", "output_folder", "pictures", "plan", "report"),
    *("test_architecture.py", "test_planted.py", "test_retry.py", "test_shape.py"),
)
"""The rooms of `-m quick`, the inner loop: what needs no sandbox and no other process."""
NOT_QUICK = ("test_on_sandbox.py",)
OURS = ("CUSTOM_MODELS_", "CAMPAIGN_RUNNER_")
_ALL_PROOFS = re.compile(rb"^pytestmark = .*mark\.proof\b", re.MULTILINE)

for profile, is_fixed in (("fixed", True), ("explore", False)):  # a busy machine is no failure
    settings.register_profile(
        profile, derandomize=is_fixed, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("fixed")  # what one change is tested with is what the next is; a search is begun by hand


def _forget_settings() -> None:
    """What whoever runs the tests has set for the program is not for the tests."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]


def _heed_signals() -> None:
    """Tests that run in the background ignore some signals, and so would every process that they start."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)  # still harmless here, and the usual one in a child


def pytest_configure(config: pytest.Config) -> None:
    _forget_settings()
    _heed_signals()
    for guard in (suite, hangs, unchanged):
        if not config.pluginmanager.is_registered(guard):
            config.pluginmanager.register(guard)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` does not even read the other rooms, `-m proof` no file without a proof, the default none of proofs."""
    is_file_of_tests = collection_path.name.startswith("test_")
    match config.getoption("markexpr"):
        case "quick":
            return None if _is_quick(collection_path) else collection_path.parent == TESTS or None
        case "proof" if is_file_of_tests:
            return b"mark.proof" not in collection_path.read_bytes() or None
        case "not proof" if is_file_of_tests and not _is_named(collection_path, config):
            return _ALL_PROOFS.search(collection_path.read_bytes()) is not None or None
        case _:
            return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """What `-m` will leave out is not made up first, case by case: it would be a fifth of all of them."""
    if not name.startswith("test_") or collector.config.getoption("markexpr") not in ("not proof", "quick"):
        return None
    is_proof = any(mark.name == "proof" for mark in getattr(obj, "pytestmark", ()))
    return [] if is_proof and not _is_named(collector.path, collector.config) else None


def _is_named(path: Path, config: pytest.Config) -> bool:
    """Whether the command line names this file, or a test in it: then it is told what was left out."""
    return any(Path(word.partition("::")[0]).name == path.name for word in config.args)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays until the end: nobody looks through it for what could be thrown away."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is quick: all of its rooms but the proofs, and what weighs memory, which says so by its name.

    Only root may mount a disk. What refuses everybody is tried everywhere: limits of a process, permissions.
    """
    for item in items:
        is_heavy = item.get_closest_marker("proof") is not None or item.name.endswith("_megabytes")
        if _is_quick(item.path) and not is_heavy:
            item.add_marker("quick")
    mounting = [item for item in items if "small_disk" in getattr(item, "fixturenames", ())]
    if mounting and not _may_mount():
        items[:] = [item for item in items if item not in mounting]
        config.hook.pytest_deselected(items=mounting)


@cache
def _is_quick(path: Path) -> bool:
    return TESTS in path.parents and path.relative_to(TESTS).parts[0] in QUICK and path.name not in NOT_QUICK


def _may_mount() -> bool:
    with TemporaryDirectory() as folder:
        if subprocess.run([*MOUNT, "none", folder], capture_output=True).returncode != 0:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the longer proofs counted."""
    for report in terminalreporter.getreports("passed"):
        for name, words in report.user_properties:
            if name == "proved":
                terminalreporter.write_line(str(words))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk in memory with the given options. Where that is not allowed, such tests are not collected."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        subprocess.run([*MOUNT, "-o", options, "none", folder], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root is never refused for want of permission, so be somebody else."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def as_nobody() -> Callable[[], AbstractContextManager[None]]:
    """A user who may write only where everybody may."""
    return _as_nobody


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


@pytest.fixture
def file_size_limit() -> Callable[[int], AbstractContextManager[None]]:
    """No file may grow beyond so many bytes."""
    return _file_size_limit


@pytest.fixture
def disk_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in order: `fsync NAME`, `rename NAME`, `link NAME`, `mkdir NAME`."""
    made: list[str] = []
    for name in ("fsync", "rename", "replace", "link", "mkdir"):
        monkeypatch.setattr(os, name, _recorded(name, getattr(os, name), made))
    return made


def _recorded(name: str, call: Callable[..., object], made: list[str]) -> Callable[..., object]:
    def recorded(*arguments: object, **options: object) -> object:
        last = arguments[1 if name in ("rename", "replace", "link") else 0]
        path = Path(f"/proc/self/fd/{last}").readlink() if isinstance(last, int) else Path(str(last))
        answer = call(*arguments, **options)
        made.append(f"{name} {path.name}")
        return answer

    return recorded
