"""A delivery that dies at a step of its work with the disk: `python -m tests.deliver.killed FOLDER STEP PICK…`.

Nothing is cleaned up on the way out, as after `kill -9`. The exit status is 137 then, 0 where it came to its end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from campaign_runner.output_folder.folder import Folder
from tests.deliver.histories import DeliveryHistory

KILLED = 137
_STEPS = frozenset(("os.link", "os.rename", "os.remove", "os.mkdir"))


class Death:
    """Counts what is done to the disk, and ends the process before the `last` of it."""

    def __init__(self, last: int) -> None:
        self._left = last

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """An event of the interpreter, just before it happens."""
        is_writing = event == "open" and isinstance(arguments[1], str) and "x" in arguments[1]
        if event in _STEPS or is_writing:
            self._left -= 1
            if self._left < 0:
                os._exit(KILLED)


def main(folder: Path, step: int, picks: list[int]) -> None:
    """Deliver these images, as far as it goes."""
    deliveries = DeliveryHistory(Folder(folder))
    chosen = deliveries.choose(picks)
    sys.addaudithook(Death(step).hear)
    deliveries.deliver(chosen, has_zips=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(pick) for pick in sys.argv[3:]])
