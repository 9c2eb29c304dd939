"""What systems, sync clients and programs leave in every folder: no one's files, and the copies of a conflict.

Litter is passed over wherever names are listed. A conflict copy is someone's: the client of a synced folder wrote it
beside a file that two machines had changed.
"""

from __future__ import annotations

import re
from collections.abc import Container

_NAMES = frozenset(
    (
        *(".ds_store", ".localized", ".apdisk", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory"),
        *(".dropbox", ".dropbox.attr", ".dropboxignore", ".stignore", ".owncloudsync.log", ".nomedia", ".picasa.ini"),
    )
)
_FOLDERS = frozenset(
    (
        *(".spotlight-v100", ".fseventsd", ".temporaryitems", ".documentrevisions-v100", "__macosx", "$recycle.bin"),
        *("system volume information", ".dropbox.cache", ".stfolder", ".stversions", ".synologyworkingdirectory"),
        *("@eadir", "#recycle", "@recycle", "@sharebin", ".tmp.driveupload", ".tmp.drivedownload", "lost+found"),
    )
)
_BEGINNINGS = ("._", ".dropbox.", "~$", ".~lock.", ".nfs", ".fuse_hidden", ".smbdelete", ".syncthing.", "~syncthing~")
_PATTERNS = re.compile(r"\.trash(es|-\d+)?|\._?sync_[0-9a-f]{6,}\.db(-\w+)?|\.#.*|\.goutputstream-\w+")
_ADDED = (
    # what a client puts between a name and its suffix: in words, in its own signs, a number, or the machine's name
    re.compile(r" \([^()]*(?:conflict|conflit|konflikt|conflicto|conflitto|競合)[^()]*\)", re.IGNORECASE),
    re.compile(r" ?\[conflict[^\]]*\]", re.IGNORECASE),
    re.compile(r"\.sync-conflict-\d{8}-\d{6}-\w+"),
    re.compile(r"[_.]conflict(?:-[\d-]+)?", re.IGNORECASE),
    re.compile(r"_[^_/]+_[A-Z][a-z]{2}-\d{1,2}-\d{6}-\d{4}_Conflict"),
    re.compile(r" \(\d{1,3}\)"),
    re.compile(r" \d{1,2}"),
    re.compile(r"-[A-Z][A-Z0-9-]{2,30}"),
)


def is_litter(name: str) -> bool:
    """Whether a name, with `/` between folders, is of a file that no one put there on purpose."""
    *folders, last = name.lower().split("/")
    if any(folder in _FOLDERS or _PATTERNS.fullmatch(folder) for folder in (*folders, last)):
        return True
    return last in _NAMES or last.startswith(_BEGINNINGS)


def conflict_copy_of(name: str, known: Container[str]) -> str | None:
    """Which of the files `known` a sync client wrote the file `name` beside, by its name; None if it is not a copy."""
    folder, slash, last = name.rpartition("/")
    for added in _ADDED:
        for found in added.finditer(last):
            original = f"{folder}{slash}{last[: found.start()]}{last[found.end() :]}"
            if original in known:
                return original
    return None
