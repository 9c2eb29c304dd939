"""Reading a JSON object: every mistake gathered, each at its place, and every doubt.

A mistake is what Adobe's specification forbids. A doubt is what it does not speak of: it is noted, and only a strict
reader takes it for a mistake. Wording and `type` follow the examples of the specification (those of pydantic 1). No
value is converted: `"4"` is not a number, `true` is not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Mistake = dict[str, Any]
T = TypeVar("T")


class Wrong(Exception):
    """A value is not what it must be: the service's message and its `type`, with the limit it broke."""

    def __init__(self, message: str, kind: str, **ctx: object) -> None:
        super().__init__(message)
        self.message, self.kind, self.ctx = message, kind, ctx


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one request, in the order of reading."""

    is_strict: bool
    mistakes: list[Mistake] = field(default_factory=list)
    doubts: list[Mistake] = field(default_factory=list)
    """Always empty for a strict reader."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object at `loc`; what is wrong is added to `findings`, shared by the whole request."""

    values: Mapping[str, Any]
    loc: tuple[str, ...]
    findings: Findings

    def has(self, name: str) -> bool:
        """Whether the field is there at all."""
        return name in self.values

    def blame(self, name: str, message: str, kind: str = "value_error", **ctx: object) -> None:
        """The field `name` is a mistake."""
        self.findings.mistakes.append(self._finding(name, message, kind, ctx))

    def doubt(self, name: str, message: str, kind: str = "value_error", **ctx: object) -> None:
        """The field `name` is doubtful."""
        where = self.findings.mistakes if self.findings.is_strict else self.findings.doubts
        where.append(self._finding(name, message, kind, ctx))

    def _finding(self, name: str, message: str, kind: str, ctx: Mapping[str, object]) -> Mistake:
        finding: Mistake = {"loc": [*self.loc, name], "msg": message, "type": kind}
        return finding | ({"ctx": dict(ctx)} if ctx else {})

    def only(self, known: Collection[str]) -> None:
        """Any other field is doubtful: the real service is likely to ignore it in silence."""
        for name in self.values:
            if name not in known:
                self.doubt(name, "extra fields not permitted", "value_error.extra")

    def need(self, name: str) -> None:
        """The field must be there."""
        if name not in self.values:
            self.blame(name, "field required", "value_error.missing")

    def text(self, name: str, *, low: int = 0, high: int | None = None) -> str | None:
        """Text of `low` to `high` characters, or None if absent or wrong; likewise the readers below."""
        return self._read(name, lambda value: _text(value, low, high))

    def whole(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`."""
        return self._read(name, lambda value: _whole(value, low, high))

    def choice(self, name: str, permitted: Collection[str]) -> str | None:
        """One of the words in `permitted`."""
        return self._read(name, lambda value: _choice(value, permitted))

    def numbers(self, name: str, *, most: int, low: int, high: int) -> list[int] | None:
        """1 to `most` different whole numbers; doubtful if any is not from `low` to `high`."""
        found = self._read(name, lambda value: [_whole(one) for one in _filled(_distinct(value, most))])
        self._doubt(name, lambda: [_whole(one, low, high) for one in found or ()])
        return found

    def words(self, name: str, *, most: int) -> list[str] | None:
        """Different words; doubtful if there are none or more than `most`, or if one is empty or very long."""
        found = self._read(name, lambda value: [_text(one) for one in _distinct(value)])
        self._doubt(name, lambda: found is None or [_text(one, 1, 100) for one in _filled(_distinct(found, most))])
        return found

    def inner(self, name: str, known: Collection[str]) -> Fields | None:
        """The object under `name`, which may hold the fields in `known`."""
        values = self._read(name, _object)
        if values is None:
            return None
        inside = Fields(values, (*self.loc, name), self.findings)
        inside.only(known)
        return inside

    def _read(self, name: str, reader: Callable[[object], T]) -> T | None:
        if name not in self.values:
            return None
        try:
            return reader(self.values[name])
        except Wrong as wrong:
            self.blame(name, wrong.message, wrong.kind, **wrong.ctx)
            return None

    def _doubt(self, name: str, reader: Callable[[], object]) -> None:
        try:
            reader()
        except Wrong as wrong:
            self.doubt(name, wrong.message, wrong.kind, **wrong.ctx)


def sentence(finding: Mapping[str, Any]) -> str:
    """A finding in words: `body.size: image3 does not support 800x800`."""
    return f"{'.'.join(map(str, finding['loc']))}: {finding['msg']}"


def _text(value: object, low: int = 0, high: int | None = None) -> str:
    if not isinstance(value, str):
        raise Wrong("str type expected", "type_error.str")
    if len(value) < low:
        message = f"ensure this value has at least {low} characters"
        raise Wrong(message, "value_error.any_str.min_length", limit_value=low)
    if high is not None and len(value) > high:
        message = f"ensure this value has at most {high} characters"
        raise Wrong(message, "value_error.any_str.max_length", limit_value=high)
    return value


def _whole(value: object, low: int | None = None, high: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong("value is not a valid integer", "type_error.integer")
    if low is not None and value < low:
        message = f"ensure this value is greater than or equal to {low}"
        raise Wrong(message, "value_error.number.not_ge", limit_value=low)
    if high is not None and value > high:
        message = f"ensure this value is less than or equal to {high}"
        raise Wrong(message, "value_error.number.not_le", limit_value=high)
    return value


def _choice(value: object, permitted: Collection[str]) -> str:
    if isinstance(value, str) and value in permitted:
        return value
    words = ", ".join(repr(word) for word in permitted)
    message = f"value is not a valid enumeration member; permitted: {words}"
    raise Wrong(message, "type_error.enum", enum_values=list(permitted))


def _filled(value: list[Any]) -> list[Any]:
    if not value:
        raise Wrong("ensure this value has at least 1 items", "value_error.list.min_items", limit_value=1)
    return value


def _distinct(value: object, most: int | None = None) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong("value is not a valid list", "type_error.list")
    if most is not None and len(value) > most:
        message = f"ensure this value has at most {most} items"
        raise Wrong(message, "value_error.list.max_items", limit_value=most)
    if any(one in value[:index] for index, one in enumerate(value)):
        raise Wrong("the list has duplicated items", "value_error.list.unique_items")
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Wrong("value is not a valid dict", "type_error.dict")
    return value
