"""What a file is, whatever its name says, and how to make a sheet of it that can be read."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO

from campaign_runner.campaign_file.sheets.cells import UnreadableSheet

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_BEGINNING = 4096
_SEARCHED = 1 << 20  # bytes at both ends of an old workbook
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Excel 97 to 2003, and anything that is encrypted
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_AS_XLSX = "open it in Excel and choose File > Save As > Excel Workbook (.xlsx)"
_OTHERS = {
    ".ods": "in LibreOffice, choose File > Save As > Excel 2007-365 (.xlsx)",
    ".numbers": "in Numbers, choose File > Export To > Excel",
}
_WAIT = "it may still be copied or synced: wait until that is done, or copy it again"


def refuse_other_kinds(file: IO[bytes], name: str) -> None:
    """Raise UnreadableSheet for what is not the workbook or CSV file that its name promises."""
    if name.startswith("~$"):
        raise UnreadableSheet("Excel keeps this file only while the workbook is open", f"write {name[2:]} instead")
    beginning = file.read(_BEGINNING)
    file.seek(0)
    if not beginning.strip(b"\0"):
        what = "the file is empty" if not beginning else "the file has its size, but not its content yet"
        raise UnreadableSheet(what, _WAIT)
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in (".csv", ".tsv"):
        _refuse_as_csv(beginning, name, suffix)
    elif suffix in WORKBOOKS:
        _refuse_as_workbook(file, beginning, name, suffix)
    else:
        what = f"{suffix} files cannot be read" if suffix else "the name of a sheet ends in .xlsx or .csv"
        raise UnreadableSheet(what, _OTHERS.get(suffix, _AS_XLSX))


def _refuse_as_csv(beginning: bytes, name: str, suffix: str) -> None:
    if beginning.startswith((*_ZIP, _OLE)):
        advice = f"rename it to {name.removesuffix(suffix)}.xlsx, here and in the campaign file"
        raise UnreadableSheet("this is an Excel workbook, not a CSV file", advice)
    if _is_markup(beginning):
        raise UnreadableSheet(
            "this is a web page, not a CSV file", "download it again, or open it in Excel and save it"
        )


def _refuse_as_workbook(file: IO[bytes], beginning: bytes, name: str, suffix: str) -> None:
    if beginning.startswith(_ZIP):
        return
    if beginning.startswith(_OLE):
        raise _old_workbook(file)
    if _is_markup(beginning):
        what = "a web page" if b"<html" in beginning.lower() or b"<table" in beginning.lower() else "an XML file"
        raise UnreadableSheet(f"this is {what} that was given the name of a workbook", _AS_XLSX)
    if _is_text(beginning):
        advice = f"rename it to {name.removesuffix(suffix)}.csv, here and in the campaign file"
        raise UnreadableSheet("this is a text file that was given the name of a workbook", advice)
    raise UnreadableSheet("this is not an Excel workbook", _AS_XLSX)


def refuse_other_archives(parts: Collection[str]) -> None:
    """Raise UnreadableSheet for the archive of another program, by the names of its parts."""
    if "xl/workbook.bin" in parts:
        raise UnreadableSheet("this is a binary workbook (.xlsb)", _AS_XLSX)
    if "content.xml" in parts:
        raise UnreadableSheet("this is an OpenDocument file that was given the name of a workbook", _OTHERS[".ods"])
    if "Index/Document.iwa" in parts:
        raise UnreadableSheet("this is a Numbers or Pages file", _OTHERS[".numbers"])
    if "[Content_Types].xml" not in parts and "xl/workbook.xml" not in parts:
        raise UnreadableSheet("this is a ZIP archive, not an Excel workbook", "unpack it, and name the workbook in it")


def _old_workbook(file: IO[bytes]) -> UnreadableSheet:
    found = file.read(_SEARCHED)
    size = file.seek(0, 2)
    file.seek(max(0, size - _SEARCHED))
    found += file.read()
    if _ENCRYPTED in found:
        advice = "in Excel, remove the password (File > Info > Protect Workbook) and save it"
        return UnreadableSheet("the workbook is protected with a password", advice)
    return UnreadableSheet("this is a workbook of Excel 97-2003 (.xls)", _AS_XLSX)


def _is_markup(beginning: bytes) -> bool:
    return beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8", "strict" if len(beginning) < _BEGINNING else "ignore")
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
