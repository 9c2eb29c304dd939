"""The file that a browser is opened on: it leads to the served page, whose secret no command line ever shows."""

from __future__ import annotations

import html
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaign_runner.disk import files

_OWNER_ALONE = 0o600
_PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0; url={address}"><title>Review</title>'
)


@contextmanager
def doorway(state: Path, address: str) -> Iterator[Path]:
    """A file in the state folder that leads to `address`, while the block runs; its owner alone can read it.

    Raises StoreError, IntegrityError.
    """
    files.make_folder(state, mode=0o700)
    path = state / f"review-{secrets.token_hex(8)}.html"
    with files.translating(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(address=html.escape(address)))
    try:
        yield path
    finally:
        files.remove(path)
