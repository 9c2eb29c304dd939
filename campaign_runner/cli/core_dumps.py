"""A crash leaves no picture of this process's memory: the secret would be in it."""

from __future__ import annotations

import ctypes
import sys

if sys.platform != "win32":
    import resource

_PR_SET_DUMPABLE = 4
"""https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html"""


def refuse_core_dumps() -> None:
    """From now on, neither this process nor one it starts is written to a core file; no other process may look into it.

    Where the system has no such thing, nothing happens.
    """
    if sys.platform == "win32":
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A program that is sent cores through a pipe is given them whatever the limit says.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
