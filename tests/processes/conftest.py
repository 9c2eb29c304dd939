"""Machines for real processes, and a service for them; when a test is over, the checker looks at what they left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures import quick_disk
from tests.processes.forks import Forks, SandboxProcess, shared
from tests.processes.machines import Machine, sandbox_process

__all__ = ["launcher", "machine", "machine_for", "quick_disk", "service"]


@pytest.fixture
def machine_for(tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    """`machine_for(origin)`; when the test is over, the checker looks at what every run left."""
    machines: list[Machine] = []

    def make(origin: str) -> Machine:
        machines.append(Machine.beside(origin, tmp_path))
        return machines[-1]

    yield make
    for machine in machines:
        if machine.texts:
            machine.check()


@pytest.fixture(scope="session")
def launcher() -> Forks:
    """Runs commands in forks of one process, which has imported all there is."""
    return shared()


@pytest.fixture(scope="module")
def service() -> Iterator[SandboxProcess]:
    """One sandbox for the tests of a module that only need a service that works."""
    with sandbox_process("--per-minute", "600", "--job-seconds", "0.3") as sandbox:
        yield sandbox


@pytest.fixture
def machine(machine_for: Callable[[str], Machine], service: SandboxProcess) -> Machine:
    machine = machine_for(service.origin)
    machine.begin_anew()
    return machine
