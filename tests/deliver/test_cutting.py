"""The processes that cut originals."""

from __future__ import annotations

import signal
from multiprocessing import active_children
from pathlib import Path

from campaign_runner.deliver.cuts import cutting
from tests.many_images import picture


async def test_ctrl_c_at_a_terminal_does_not_reach_a_process_that_cuts_not_even_while_it_starts(tmp_path: Path) -> None:
    file = tmp_path / "original.png"
    picture(1).save(file)
    before = set(active_children())
    async with cutting.Cutter(tmp_path, cutting.FEW + 1, processes=2) as cutter:
        assert await cutter.cut(file.read_bytes(), ()) == []
        begun = set(active_children()) - before
        assert begun and all(blocks_interrupts(each.pid) for each in begun)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def blocks_interrupts(process: int | None) -> bool:
    """Its mask is what it was started with: nothing in the program changes one."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return bool(int(status.partition("SigBlk:")[2].split()[0], 16) & 1 << signal.SIGINT - 1)
