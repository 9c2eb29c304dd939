"""The ZIP archive of a workbook: parts are unpacked piece by piece, and no more of them than fits a bound."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import IO, TypeAlias
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from campaign_runner.campaign_file.sheets.cells import LARGEST_BYTES, UnreadableSheet

_CHUNK = 1 << 16
_LARGEST_DIRECTORY = 4 * 1024 * 1024  # bytes that list the parts: Python reads it whole
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x07"
_END_BYTES = 22
_DAMAGED = "the file is damaged or incomplete"
_AGAIN = "if it is still being copied or synced, wait until that is done; otherwise open it in Excel and save it again"

_LONGEST_TAG = 1 << 20  # bytes without any >
_DEEPEST = 64

Attributes: TypeAlias = dict[str, str]
Begin: TypeAlias = Callable[[str, Attributes], None]


class Archive:
    """The parts of a workbook. All methods raise UnreadableSheet for what is damaged, or grows too large."""

    def __init__(self, file: IO[bytes]) -> None:
        self._left = LARGEST_BYTES
        self._unpacked: dict[str, int] = {}
        try:
            _refuse_long_directory(file)
            self._zip = ZipFile(file)
        except (BadZipFile, struct.error, ValueError, NotImplementedError, EOFError) as error:
            raise UnreadableSheet(_DAMAGED, _AGAIN) from error

    def has(self, part: str) -> bool:
        """Whether there is such a part."""
        return part in self._zip.NameToInfo

    def chunks(self, part: str) -> Iterator[bytes]:
        """A part piece by piece; read again it does not count again."""
        info = self._zip.NameToInfo.get(part)
        if info is None:
            raise UnreadableSheet(_DAMAGED, _AGAIN)
        if info.flag_bits & 1 or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise UnreadableSheet("the file is packed in a way that Excel does not use", "save it again in Excel")
        done = 0
        try:
            with self._zip.open(info) as file:
                while chunk := file.read(_CHUNK):
                    done += len(chunk)
                    self._count(part, done)
                    yield chunk
        except (BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
            raise UnreadableSheet(_DAMAGED, _AGAIN) from error

    def _count(self, part: str, done: int) -> None:
        before = self._unpacked.get(part, 0)
        if done > before:
            self._unpacked[part] = done
            self._left -= done - before
        if self._left < 0:
            most = LARGEST_BYTES >> 20
            advice = "copy the rows and columns that the campaign needs into a new workbook"
            raise UnreadableSheet(f"the workbook holds more than {most} MB once it is unpacked", advice)

    def parts(self) -> Collection[str]:
        """The names of all parts."""
        return self._zip.NameToInfo.keys()

    def parse(self, part: str, begin: Begin) -> None:
        """Call `begin` for the elements of a part, by their names without a prefix."""
        for _ in parsing(self.chunks(part), begin):
            pass


def parsing(
    chunks: Iterator[bytes],
    begin: Begin,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse XML and pause after each piece. Raises UnreadableSheet; a document type is refused, so nothing expands."""
    depth = 0

    def began(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise UnreadableSheet(_DAMAGED, _AGAIN)
        begin(name if ":" not in name else name.rpartition(":")[2], attributes)

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name if ":" not in name else name.rpartition(":")[2])

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = began, ended, text
    unclosed = 0
    try:
        for chunk in chunks:
            unclosed = 0 if b">" in chunk else unclosed + len(chunk)
            if unclosed > _LONGEST_TAG:
                raise UnreadableSheet(_DAMAGED, _AGAIN)
            parser.Parse(chunk, False)
            yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, UnicodeError, LookupError) as error:
        raise UnreadableSheet(_DAMAGED, _AGAIN) from error


def _refuse_document_type(*_: object) -> None:
    raise UnreadableSheet("this workbook is not in the form that Excel writes", "open it in Excel and save it again")


def _refuse_long_directory(file: IO[bytes]) -> None:
    """The list of parts is at the end of the file, and says itself how long it is."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - _END_BYTES))
    tail = file.read()
    at = tail.rfind(_END)
    file.seek(0)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise BadZipFile
    (length,) = struct.unpack("<L", tail[at + 12 : at + 16])
    if length > _LARGEST_DIRECTORY or tail[max(0, at - 20) :].startswith(_END_64):
        raise UnreadableSheet("the workbook has too many parts", "copy the sheet into a new workbook")
