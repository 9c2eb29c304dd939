"""Pictures to look at are made after the report: no one waits for them, and leaving them out changes nothing else."""

from __future__ import annotations

import signal
from pathlib import Path

from campaign_runner.events import Event, Warned
from campaign_runner.output_folder.folder import REVIEW
from campaign_runner.run.control import Control
from tests.fixtures import Begin

SMALL = f'"small":"{REVIEW}/'
"""What a page says that shows thumbnails."""


def thumbnails(output: Path) -> int:
    return len(list((output / REVIEW).iterdir())) if (output / REVIEW).exists() else 0


async def test_the_report_is_complete_before_a_single_picture_is_made(begin: Begin) -> None:
    night = await begin()
    seen: list[tuple[int, str, bool, int]] = []

    async def told(code: int) -> None:
        page = (night.output / "review.html").read_text(encoding="utf-8")
        seen.append((code, lines[-1], SMALL in page, thumbnails(night.output)))

    lines: list[str] = []
    ended = await night.run(night.campaign(), review=True, hear=lines.append, told=told)
    assert seen == [(0, ended.lines[-1], False, 0)] and ended.lines[-1].startswith("ok ")
    assert any("contact-sheet.jpg" in line for line in ended.lines) and night.folder.sheet.exists()
    assert thumbnails(night.output) == 2 * len(ended.manifest["images"])
    assert SMALL in (night.output / "review.html").read_text(encoding="utf-8")


async def test_a_signal_after_the_report_skips_the_pictures_and_nothing_else(begin: Begin) -> None:
    night = await begin()
    controls: list[Control] = []

    def watch(event: Event, control: Control) -> None:
        controls.append(control)

    async def told(code: int) -> None:
        controls[0].signalled(signal.SIGINT)

    ended = await night.run(night.campaign(), review=True, watch=watch, told=told)
    assert ended.code == 0 and controls[0].ending.signal is None and controls[0].was_signalled
    assert thumbnails(night.output) == 0 and (night.output / "review.html").exists()
    (warned,) = ended.seen(Warned)
    assert warned.message.startswith("the small pictures are not complete; the next run makes the rest: ")
    again = await night.run(night.campaign(), review=True)
    assert again.code == 0 and thumbnails(night.output) == 2 * len(ended.manifest["images"])
    assert night.folder.sheet.exists() and not list(again.seen(Warned))
