"""What a disk refuses for a moment is tried again: virus scanners, indexers and sync clients hold new files briefly.

Renames, links and removals alone. A disk that is full or read-only will not be another one in a second.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

WAITS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 0.9, 1.2, 1.7)
"""Seconds before each further try, 5 in all."""
_REFUSALS = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}  # sharing violations come as one of them


@dataclass(slots=True)
class Patience:
    """How one user of a disk waits for it. It blocks in `sleep`.

    Once something was refused to the end, the next refusal is believed at once, until the disk takes something again:
    a folder that may not be written costs five seconds, not five seconds an image.
    """

    sleep: Callable[[float], None] = time.sleep
    is_used_up: bool = False

    def over(self, act: Callable[[], T]) -> T:
        """The answer of `act`, which is asked again while the system refuses it. Raises its last OSError."""
        waits = iter(() if self.is_used_up else WAITS)
        while True:
            try:
                answer = act()
            except OSError as error:
                if error.errno not in _REFUSALS:
                    raise
                wait = next(waits, None)
                if wait is None:
                    self.is_used_up = True
                    raise
            else:
                self.is_used_up = False
                return answer
            self.sleep(wait)
