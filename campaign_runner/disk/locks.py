"""Locks between processes: the kernel's, so one ends with its process, however that dies.

The file of a lock is made if missing and never removed: who removed it would let two processes hold it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from campaign_runner.disk import files, regular_files
from campaign_runner.errors import IntegrityError, StoreError

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EIO}
_POLL_EVERY = 0.05


class KernelLock:
    """The lock file at `path`, for one process at a time; also for one holder at a time in this process."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock  # what only looks takes no lock

        self._path = path
        self._lock = FileLock(path, mode=files.NEW_FILE, blocking=False, thread_local=False, fallback_to_soft=False)

    def take(self, patience: float = 0.0) -> bool:
        """Whether it is held now, after `patience` seconds at most. Blocks. Raises StoreError, IntegrityError."""
        from filelock import Timeout

        try:
            files.refuse_others(self._path)
            self._lock.acquire(timeout=patience, poll_interval=_POLL_EVERY, blocking=patience > 0)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise files.translated(error, self._path) from error
            place = self._path.parent
            raise StoreError(f"{place} cannot be locked ({error}); use a folder on a local disk") from error
        return True

    def release(self) -> None:
        """Let it go, if it is held."""
        self._lock.release()


def is_taken(path: Path) -> bool:
    """Whether a process holds the lock file at `path` now; nothing is made or changed. Raises StoreError."""
    if sys.platform == "win32":
        lock = KernelLock(path)
        is_free = lock.take()
        lock.release()
        return not is_free
    with files.translating(path):
        handle = os.open(path, regular_files.FLAGS)
    try:
        # Shared: who only looks is in the way of no other who does, and a run waits a moment for its lock.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a disk that cannot lock
    finally:
        os.close(handle)
    return False


def refuse_links(*paths: Path) -> None:
    """None of `paths` is a symbolic link: it may lead to what is someone else's; nor a pipe or a device, which may keep
    us waiting. Raises IntegrityError.
    """
    for path in paths:
        try:
            kind = stat.S_IFMT(path.lstat().st_mode)
        except OSError:
            continue  # nothing is there; or opening it says what is wrong
        if kind == stat.S_IFLNK:
            raise IntegrityError(
                f"{path} is a symbolic link, and nothing is written through links; nothing was sent. "
                "Put the real file or folder in its place, or name another place with --output"
            )
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise files.translated(regular_files.NotRegular(path), path)
