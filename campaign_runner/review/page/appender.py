"""The decisions file of one session of the served page: each mark is on the disk before it is confirmed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from threading import Lock

from campaign_runner.disk import files
from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.decisions_file import encoded, file_name
from campaign_runner.review.decisions_folder import keep_file
from campaign_runner.review.decisions_format import head_line, mark_line
from campaign_runner.review.marks import Mark, Reviewer

_FLAGS = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class DecisionsAppender:
    """Writes what `reviewer` marks into a file of its own, which is made with the first mark.

    A write that fails leaves nothing behind: the next one begins where the last whole line ends.
    """

    def __init__(self, folder: Folder, campaign: str, reviewer: Reviewer, now: datetime) -> None:
        self._folder = folder
        self._name = file_name(campaign, reviewer, now)
        self._head = encoded(head_line(campaign, reviewer))
        self._path: Path | None = None
        self._length = 0
        self._turn = Lock()

    def append(self, marks: Iterable[Mark]) -> None:
        """Add the marks, durably. Blocks; raises StoreError, IntegrityError, and then none of them was added."""
        content = b"".join(encoded(mark_line(mark)) for mark in marks)
        with self._turn:
            if self._path is None:
                content = self._head + content
                self._path = keep_file(self._folder, self._name, content)
            else:
                self._add(self._path, content)
            self._length += len(content)

    def _add(self, path: Path, content: bytes) -> None:
        with files.translating(path), os.fdopen(os.open(path, _FLAGS), "wb") as file:
            file.truncate(self._length)
            file.seek(self._length)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
