"""A disk that fills up, refuses or is not ours: exit 6, and once that is mended the next run completes.

Nothing is charged twice, and a name is absent or complete.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.checker import Seen, check
from tests.processes.forks import Done, Forked, Forks, SandboxProcess
from tests.processes.machines import FOUR_IMAGES, Machine, held

NOBODY = 65534
SIZES = (0, 512, *range(4096, 43 * 8192, 8192))
"""Bytes that no file may exceed."""
SHARES = 2


def completed(launcher: Forks, machine: Machine, sandbox: SandboxProcess, failed: Done) -> None:
    """The next run, on a machine that is in order again, has every image, or says which are in doubt."""
    file = machine.home / "campaigns" / "spring.yaml"
    done = launcher.run("run", file, "--concurrency", "1", home=machine.home, env=machine.env)
    assert done.exit in (0, 4), (failed, done)
    counts = machine.manifest()["counts"]
    assert (done.exit, counts["stored"] + counts["in_doubt"]) == (4 if counts["in_doubt"] else 0, 4), done
    seen = Seen({"spring": done.exit}, (failed.out, failed.err, done.out, done.err), machine.home / "state")
    check(machine.home / "output", sandbox.ledger(), seen=seen)


def limited(launcher: Forks, home: Path, size: int) -> int:
    """One run in which no file may exceed `size`; its exit status."""
    home.mkdir()
    with launcher.sandbox(home, "--per-minute", "600", "--job-seconds", "0") as sandbox:
        machine = Machine.beside(sandbox.origin, home)
        file = machine.campaign(text=FOUR_IMAGES)
        done = launcher.run("run", file, home=home, env=machine.env, largest_file=size)
        assert done.exit in (0, 6), done
        assert done.exit == 0 or "run again" in done.out + done.err or done.out == done.err == "", done
        completed(launcher, machine, sandbox, done)
    return done.exit


def test_a_file_size_limit_stops_a_run_and_once_lifted_the_next_completes(launcher: Forks, tmp_path: Path) -> None:
    exits = together(lambda size: limited(launcher, tmp_path / str(size), size), (0, 8192, 24576, 65536))
    assert exits == [6, 6, 6, 6]


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_a_file_size_limit_at_many_sizes(
    share: int, launcher: Forks, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    sizes = SIZES[share::SHARES]
    exits = together(lambda size: limited(launcher, tmp_path / str(size), size), sizes)
    assert exits.count(6) >= len(sizes) * 2 // 3
    record_property("proved", f"file size limits: {len(exits)} of {len(sizes)} survived, {exits.count(6)} ended in 6")


Fill = Callable[[Forked], None]


def fills_up(launcher: Forks, home: Path, fill: Fill, make_room: Callable[[], None]) -> Done:
    """One run in `home` for which the disk is full once its first request is accepted."""
    words = home.parent.parent / f"words of {home.parent.name} {home.name}"
    words.mkdir()
    with launcher.sandbox(words, *held(words)) as sandbox:
        machine = Machine.beside(sandbox.origin, home)
        file = machine.campaign(text=FOUR_IMAGES)
        run = launcher.start("run", file, "--concurrency", "1", home=words, env=machine.env)
        sandbox.wait_for(1, poll=1)
        fill(run)
        sandbox.release()
        done = launcher.wait(run)
        make_room()
        assert done.exit in (0, 6), done
        completed(launcher, machine, sandbox, done)
    return done


def limited_later(launcher: Forks, home: Path, limit: int, most: int) -> int:
    """The same, played by a limit of the process: it works on every machine."""
    home.mkdir()

    def fill(run: Forked) -> None:
        resource.prlimit(run.process, limit, (most, resource.prlimit(run.process, limit)[1]))

    return fills_up(launcher, home, fill, lambda: None).exit


def filled(launcher: Forks, disk: Path, *, bytes_left: int) -> int:
    """The same on a disk in memory of which so much is left."""
    filler = disk / "filler"

    def fill(run: Forked) -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(1 << 16)):
                pass
        os.truncate(filler, max(0, filler.stat().st_size - bytes_left))

    (disk / "home").mkdir()
    return told(fills_up(launcher, disk / "home", fill, filler.unlink))


def crowded(launcher: Forks, disk: Path, *, files_left: int) -> int:
    """The same on a disk that has room for so many more files, and bytes enough."""
    fillers = disk / "fillers"

    def fill(run: Forked) -> None:
        fillers.mkdir()
        for number in range(os.statvfs(disk).f_favail - files_left):
            (fillers / str(number)).touch()

    (disk / "home").mkdir()
    return told(fills_up(launcher, disk / "home", fill, lambda: shutil.rmtree(fillers)))


def told(done: Done) -> int:
    """The exit status of a run that reported how it stands: that is needed most when the disk is full."""
    assert "planned=4" in done.out, done
    return done.exit


DISK = "size=32m,nr_inodes=400"
BYTES_LEFT = (0, 4096, 8192, 16384, 24576, 32768, 49152, 65536, 98304, 131072)
FILES_LEFT = (0, 1, 2, 3, 5, 8)


def test_a_disk_that_fills_up_during_a_run(launcher: Forks, small_disk: Callable[[str], Path]) -> None:
    assert filled(launcher, small_disk(DISK), bytes_left=8192) == 6


def test_a_limit_that_sinks_during_a_run(launcher: Forks, tmp_path: Path) -> None:
    assert limited_later(launcher, tmp_path / "home", resource.RLIMIT_FSIZE, 4096) == 6


def test_little_room_on_a_disk_forbids_buying_and_not_fetching(
    launcher: Forks, small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = small_disk(DISK)
    with launcher.sandbox(tmp_path, *held(tmp_path)) as sandbox:
        machine = Machine.beside(sandbox.origin, disk)
        file = machine.campaign(text=FOUR_IMAGES)
        first = launcher.start("run", file, "--concurrency", "1", home=tmp_path, env=machine.env)
        sandbox.wait_for(1, poll=1)
        first.kill(15)
        assert launcher.wait(first).exit == 143
        (disk / "filler").write_bytes(bytes(20 << 20))
        sandbox.release()
        done = launcher.run("run", file, home=tmp_path, env=machine.env)
        assert (done.exit, len(sandbox.ledger()["accepted_at"])) == (6, 1)
        assert "buying images needs about 16,777,216" in done.out
        counts = machine.manifest()["counts"]
        assert (counts["stored"], counts["accepted"], counts["pending"]) == (2, 0, 2)
        (disk / "filler").unlink()
        completed(launcher, machine, sandbox, done)


@pytest.mark.proof
def test_a_disk_that_fills_up_at_many_sizes(
    launcher: Forks, small_disk: Callable[[str], Path], record_property: Callable[[str, object], None]
) -> None:
    full = [(small_disk(DISK), left) for left in BYTES_LEFT]
    exits = together(lambda case: filled(launcher, case[0], bytes_left=case[1]), full)
    crowds = [(small_disk(DISK), left) for left in FILES_LEFT]
    exits += together(lambda case: crowded(launcher, case[0], files_left=case[1]), crowds)
    assert exits.count(6) >= len(exits) // 2
    record_property("proved", f"full disks: {len(exits)} of {len(exits)} survived, {exits.count(6)} ended in 6")


@pytest.mark.proof
def test_a_limit_that_sinks_to_many_sizes(
    launcher: Forks, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = [(resource.RLIMIT_FSIZE, most) for most in BYTES_LEFT]
    cases += [(resource.RLIMIT_NOFILE, most) for most in (3, 12, 16, 20)]
    exits = together(lambda case: limited_later(launcher, tmp_path / f"{case[0]}-{case[1]}", *case), cases)
    assert exits.count(6) >= len(exits) // 2
    record_property("proved", f"limits: {len(exits)} of {len(exits)} survived, {exits.count(6)} ended in 6")


def together(work: Callable[[Any], int], cases: Iterable[Any]) -> list[int]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, cases))


@pytest.fixture
def open_home(tmp_path: Path) -> Iterator[Path]:
    """A folder that every user can reach."""
    with TemporaryDirectory(prefix="disk-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


CLOSED = {
    "the folder above the output folder": ("campaigns",),
    "the output folder": ("output", "output/spring"),
    "the images": ("output", "output/spring", "output/spring/images"),
    "the state folder": ("state",),
}


@pytest.mark.parametrize("what", CLOSED)
def test_a_folder_that_may_not_be_written_stops_a_run_before_anything_is_sent(
    what: str, launcher: Forks, open_home: Path
) -> None:
    with launcher.sandbox(open_home, "--per-minute", "600", "--job-seconds", "0") as sandbox:
        machine = Machine.beside(sandbox.origin, open_home)
        file = machine.campaign(text=FOUR_IMAGES)
        for name in CLOSED[what]:
            (open_home / name).mkdir(exist_ok=True)
        closed = open_home if what == "the folder above the output folder" else open_home / CLOSED[what][-1]
        for name in CLOSED[what][:-1]:
            (open_home / name).chmod(0o777)
        before = closed.stat().st_mode
        closed.chmod(0o555)
        out, user = open_home.parent / f"{open_home.name}.out", NOBODY if os.geteuid() == 0 else None
        refused = launcher.run("run", file, home=open_home, env=machine.env, out=out, user=user)
        out.unlink()
        closed.chmod(before)
        assert (refused.exit, sandbox.ledger()["calls"]["submit"]) == (6, 0), refused
        assert "no permission" in refused.err or "check its" in refused.err, refused
