"""Numbers and dates of cells as text: what the sheet shows, or a flaw where it shows something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from campaign_runner.campaign_file.sheets.cells import SheetCell

_DIGITS = 15  # of a number that Excel keeps
_MOST_PLACES = 10  # behind the point, of a number that is compared with what its format shows
_GENERAL = frozenset(("", "general", "@", "standard"))
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|[_*].|\[[^\]]*\]|([#0?][#0?,.]*)|(.)', re.DOTALL)
_TIME = re.compile(r"[hsHS]|AM/PM")
_SPELT = re.compile(r'"[^"]*"|\\.|\[(?![hmsHMS]+\])[^\]]*\]')
_FRACTION, _SCIENTIFIC = "1/2", "1E+00"  # what is shown, where that is another notation
_EXPONENT = re.compile(r"[0#?][Ee][+-]")
_LAST_DAY = 2_958_465  # 9999-12-31
_LEAP_DAY = 60  # Excel believes that 1900-02-29 existed
_AGAIN = "format the column as Text (Home > Number Format > Text), then type the number again"
_AS_TEXT = "format the column as Text (Home > Number Format > Text), then type the value again: {}"


@lru_cache(maxsize=4096)
def number_cell(raw: str, code: str, *, is_date: bool, from_1904: bool) -> SheetCell:
    """The cell of a stored number with a format; `from_1904` is the workbook's first day of time."""
    try:
        value = float(raw)
    except ValueError:
        return SheetCell(raw, ("this cell holds no number that can be read", "type it into the cell again"))
    if is_date:
        return _date(value, code, from_1904=from_1904)
    text = f"{value:.{_DIGITS}g}"
    if abs(value) >= 10**_DIGITS and value == value and abs(value) != float("inf"):
        message = f"this number has more than {_DIGITS} digits: Excel keeps only the first {_DIGITS}"
        return SheetCell(f"{value:.0f}" if abs(value) < 1e40 else text, (message, _AGAIN))
    if "e" in text or "n" in text:
        return SheetCell(text, ("this number is in scientific notation", _AS_TEXT.format("0.001")))
    shown = _shown(value, code)
    if shown is None or _plain(shown) == text:
        return SheetCell(text)
    if shown == _FRACTION:
        return SheetCell(text, ("the column shows numbers as fractions", _AS_TEXT.format("1/2")))
    if shown == _SCIENTIFIC:
        return SheetCell(text, ("the column shows numbers in scientific notation", _AS_TEXT.format(text)))
    return SheetCell(text, (f"the sheet shows {shown} here, but the cell holds {text}", _AS_TEXT.format(shown)))


def iso_cell(raw: str) -> SheetCell:
    """The cell of a date that is stored as a text, such as 2026-09-01T00:00:00."""
    day, _, time = raw.partition("T")
    if time.strip("0:.Z"):
        return SheetCell(raw, ("this date has a time of day", _AS_TEXT.format(day)))
    return SheetCell(day)


def _date(value: float, code: str, *, from_1904: bool) -> SheetCell:
    days = int(value) if abs(value) < _LAST_DAY - 1462 * from_1904 else -1
    if days < 0:
        return SheetCell(str(value), ("this is not a date that Excel can show", "type the date again"))
    is_timed = _TIME.search(_SPELT.sub("", code.partition(";")[0])) is not None
    if is_timed and (days == 0 or value != days):
        message = "Excel turned this into a time of day" if days == 0 else "this date has a time of day"
        seconds = round((value - days) * 86400)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}"
        shown = clock if days == 0 else f"{_day(days, from_1904=from_1904)} {clock}"
        return SheetCell(shown, (message, _AS_TEXT.format("16:9" if days == 0 else "2026-09-01")))
    return SheetCell(_day(days, from_1904=from_1904))


def _day(days: int, *, from_1904: bool) -> str:
    first = date(1904, 1, 1) if from_1904 else date(1899, 12, 31 if days < _LEAP_DAY else 30)
    return (first + timedelta(days)).isoformat()


def _plain(shown: str) -> str:
    """What is shown, without the signs between thousands."""
    return shown.replace(",", "")


def _shown(value: float, code: str) -> str | None:
    """What a format shows of a number, for those that show digits; None for those that show all of it."""
    section = code.split(";")[0]
    if section.strip().lower() in _GENERAL:
        return None
    before, pattern, after = "", "", ""
    for literal, digits in _tokens(section):
        if digits and not pattern:
            pattern = digits
        elif pattern:
            after += literal or digits
        else:
            before += literal
    if not pattern:
        return before or None
    if _EXPONENT.search(section):
        return _SCIENTIFIC
    if "/" in after:
        return _FRACTION
    sign = "-" if value < 0 else ""
    return f"{sign}{before}{_filled(abs(value) * (100 if '%' in section else 1), pattern)}{after}".strip()


def _tokens(section: str) -> Iterator[tuple[str, str]]:
    """Literals and digit placeholders of a format, in order."""
    for quoted, escaped, digits, other in _TOKEN.findall(section):
        literal = quoted or escaped or (other if other not in "()-+" else "")
        yield literal, digits


def _filled(value: float, pattern: str) -> str:
    whole, _, decimals = pattern.partition(".")
    thousands = len(whole) - len(whole.rstrip(",")) if not decimals else len(decimals) - len(decimals.rstrip(","))
    places = min(sum(sign in "0#?" for sign in decimals), _MOST_PLACES)
    text = str((Decimal(str(value)) / 1000**thousands).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    integer, _, fraction = text.partition(".")
    least = decimals.replace(",", "").rstrip("#?").count("0")
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    integer = integer.zfill(whole.count("0")) if integer.strip("0") or "0" in whole else integer
    return integer + (f".{fraction}" if fraction else "")
