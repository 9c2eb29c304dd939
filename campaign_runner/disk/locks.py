"""Locks between processes: the kernel's, so one ends with its process, however that dies.

The file of a lock is made if missing and never removed: who removed it would let two processes hold it.
"""

from __future__ import annotations

import errno
from pathlib import Path

from filelock import FileLock, Timeout

from campaign_runner.disk import files
from campaign_runner.errors import IntegrityError, StoreError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EIO}
_POLL_EVERY = 0.05


class KernelLock:
    """The lock file at `path`, for one process at a time; also for one holder at a time in this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, mode=files.NEW_FILE, blocking=False, thread_local=False, fallback_to_soft=False)

    def take(self, patience: float = 0.0) -> bool:
        """Whether it is held now, after `patience` seconds at most. Blocks. Raises StoreError."""
        try:
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


def refuse_links(*paths: Path) -> None:
    """None of `paths` is a symbolic link: it may lead to what is someone else's. Raises IntegrityError."""
    for path in paths:
        if path.is_symlink():
            raise IntegrityError(
                f"{path} is a symbolic link, and nothing is written through links; nothing was sent. "
                "Put the real file or folder in its place, or name another place with --output"
            )
