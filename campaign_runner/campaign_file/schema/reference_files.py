"""Reference images: files that are there and that Firefly takes, links to hosts that it fetches from.

The formats, the 15 MB and the hosts are those of Adobe's Firefly API specification.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from unicodedata import normalize
from urllib.parse import SplitResult, parse_qsl, urlsplit

from campaign_runner import pictures
from campaign_runner.disk.regular_files import content_of, is_there, open_regular
from campaign_runner.errors import Damaged
from campaign_runner.text import did_you_mean

HOSTS = ("amazonaws.com", "windows.net", "dropboxusercontent.com", "storage.googleapis.com")
LARGEST_BYTES = 15_000_000  # "15 MB", in the stricter reading
_LONGEST_URL = 2083
_SIGNATURES = frozenset(("x-amz-signature", "x-goog-signature", "signature", "sig"))
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG; WebP is a RIFF file
_SAVE_IT = "save the picture beside the campaign file and name that file"


def picture_flaw(reference: str, folder: Path) -> tuple[str, str] | None:
    """What is wrong with a reference, and what to write instead; None if nothing is."""
    if "://" in reference or reference.lower().startswith(("http:", "https:", "data:")):
        return _link_flaw(reference)
    if "\\" in reference:
        return "paths are written with /", f"try: {reference.replace(chr(92), '/')}"
    if Path(reference).is_absolute() or reference.startswith("~"):
        return f"'{reference}' is an absolute path", "use a path relative to this file, such as pictures/look.jpg"
    return _file_flaw(folder / reference)


def on_disk(path: Path) -> Path:
    """The same file by the name that its disk has for it: some spell a letter with an accent as two characters."""
    if is_there(path):
        return path
    wanted = normalize("NFC", path.name)
    return next((path.with_name(name) for name in _names_in(path.parent) if normalize("NFC", name) == wanted), path)


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir())
    except (OSError, ValueError):
        return []


def _file_flaw(path: Path) -> tuple[str, str] | None:
    path = on_disk(path)
    try:
        with open_regular(path) as file:
            beginning = file.read(12)
        found = path.stat()
    except FileNotFoundError:
        return f"there is no file {path.name}{did_you_mean(path.name, _names_in(path.parent))}", f"looked for {path}"
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return f"the picture cannot be read: {reason}", "name a picture file, relative to this file"
    if not (beginning.startswith(_BEGINNINGS) or (beginning[:4] == b"RIFF" and beginning[8:] == b"WEBP")):
        return (
            f"{path.name} is not a JPEG, PNG or WebP picture",
            "save it in one of these formats; renaming it isn't enough",
        )
    if found.st_size > LARGEST_BYTES:
        return f"{path.name} has {found.st_size / 1e6:.1f} MB; Firefly accepts at most 15 MB", "save it smaller"
    if _is_cut(path, found.st_size, found.st_mtime_ns):
        return f"{path.name} is cut off or damaged: it has no end", "wait until it is synced, or copy it again"
    return None


@lru_cache(maxsize=64)
def _is_cut(path: Path, size: int, modified_ns: int) -> bool:
    """Whether a picture does not decode to its end; a file that is as long and as old is not read again."""
    try:
        return not is_whole(content_of(path, LARGEST_BYTES))
    except OSError:
        return True


def is_whole(content: bytes) -> bool:
    """Whether a reference image decodes to its end."""
    try:
        pictures.examine(content)
    except Damaged as error:
        return error.code != "damaged"  # of what is too large to be decoded here, the service may think otherwise
    return True


def _link_flaw(link: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return "this is not a link", _SAVE_IT
    if parts.scheme.lower() != "https":
        return "a link must begin with https://", _SAVE_IT
    if not link.isascii() or not link.isprintable() or any(sign in link for sign in ' \\"<>'):
        return "a link can contain plain letters only", "copy it as the browser shows it, with % signs"
    if len(link) > _LONGEST_URL:
        return f"the link has {len(link):,} characters; Firefly accepts at most {_LONGEST_URL:,}", _SAVE_IT
    if parts.username is not None or parts.password is not None or port not in (None, 443):
        return "a link can't contain a user, password or port", _SAVE_IT
    return _host_flaw(parts)


def _host_flaw(parts: SplitResult) -> tuple[str, str] | None:
    host = parts.hostname or ""
    if not any(host == known or host.endswith(f".{known}") for known in HOSTS):
        return (
            f"Firefly doesn't download pictures from {host or 'nowhere'}",
            f"it does so from {', '.join(HOSTS)}; or {_SAVE_IT}",
        )
    if any(name.lower() in _SIGNATURES for name, _ in parse_qsl(parts.query)):
        return "this link is signed: it expires, and would be written into the manifest", _SAVE_IT
    return None
