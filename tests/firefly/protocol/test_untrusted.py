"""Foreign text: refused or made harmless, never believed."""

from __future__ import annotations

import json
import time
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from campaign_runner.firefly.protocol.untrusted import (
    MOST_DEPTH,
    Unreadable,
    excerpt,
    read_object,
    read_retry_after,
    sanitize,
)

NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",  # nothing
        b"<html>",  # a captive portal
        b"[]",  # JSON, but no object
        b"null",
        b'{"a": 1} x',  # something after it
        b'{"a": 1, "a": 2}',  # two readings
        b'{"a": {"b": 1, "b": 1}}',  # also further in
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',  # infinite all the same
        b'{"a": "\\ud800"}',  # a lone surrogate cannot be written down
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',  # not UTF-8
        b'\xef\xbb\xbf{"a": 1}',  # a byte order mark is no JSON
        b'{"a": ' + b"9" * 5000 + b"}",  # a number that takes quadratic time
        b'{"a": ' + b"[" * 100_000,  # a parser would recurse
        b'{"a": ' + b"[" * MOST_DEPTH + b"]" * MOST_DEPTH + b"}",  # one too deep
        b'{"a": "' + b"x" * 1024 * 1024 + b'"}',  # larger than 1 MiB
        b'{"a": "unended',
    ],
    ids=range(19),
)
def test_json_with_more_or_less_than_one_plain_reading_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_object(body)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [1, 2.5, None, True, "x"]},
        {"a": "[[{{" * 100},  # brackets in text are no depth
        {"a": '\\"[' * 100},  # nor behind escaped quotes
        {"a": "😀 アーモンド"},
    ],
    ids=range(5),
)
def test_a_plain_object_is_read_as_it_is(value: dict[str, object]) -> None:
    assert read_object(json.dumps(value).encode()) == value


def test_the_deepest_object_allowed_is_read() -> None:
    body = b'{"a": ' + b"[" * (MOST_DEPTH - 1) + b"]" * (MOST_DEPTH - 1) + b"}"
    assert read_object(body)


@given(some.binary(max_size=200))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    try:
        assert isinstance(read_object(body), dict)
    except Unreadable as fault:
        assert "JSON" in str(fault)


@pytest.mark.parametrize(
    "body", [b'"' * 1_000_000, b'"\\' * 500_000, b'"\\"' * 300_000 + b"\\", b"[]" * 500_000, b'{"a":"' * 150_000]
)
def test_hostile_megabytes_are_refused_at_once(body: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(Unreadable):
        read_object(body)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain sentence", "a plain sentence"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),  # log forging
        ("\x1b[31mred\x07", "[31mred"),  # a terminal would obey
        ("\x9b31m \x7f", "31m"),  # C1 and DEL
        ("moc\u202etxt.exe", "moc txt.exe"),  # bidi override
        ("a\u2028b\u2066c", "a b c"),
        ("\ud800", ""),  # cannot be printed
        ("x" * 301, "x" * 299 + "…"),
        ("see https://s3.example/a?X-Amz-Signature=abc now", "see https://s3.example/a *** now"),
        ("Bearer abcdefghijklmnopqrst is bad", "*** is bad"),
        ("Authorization Token is not accepted.", "Authorization Token is not accepted."),  # Adobe's own words
        ("client_secret=hush&x=1 refused", "client_secret *** refused"),
        ('{"access_token": "hush"}', '{"access_token ***'),
        ("x-api-key: hush", "x-api-key ***"),
        ("token eyJhbGciOiJSUzI1NiJ9.e30.sig", "token ***"),
    ],
    ids=range(15),
)
def test_foreign_text_is_shown_as_one_harmless_line(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize("before", ["see https://s3.example/a?", "Bearer x.", "x-api-key: ", "eyJhbGciOiJSUzI1NiJ9."])
def test_a_token_right_behind_another_secret_is_blotted_out_too(before: str) -> None:
    assert "hush" not in sanitize(f"{before}{'x' * 16}Bearer {'hush' * 4}")


def test_a_signature_is_blotted_out_whatever_kind_of_address_it_stands_in() -> None:
    assert sanitize("see s3://bucket/a?X-Amz-Signature=abc now") == "see s3://bucket/a *** now"


@given(some.text())
def test_no_control_character_survives(text: str) -> None:
    shown = sanitize(text)
    assert len(shown) <= 300
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_long_text_is_made_harmless_quickly() -> None:
    begun = time.process_time()
    sanitize("http://" * 20_000)
    sanitize("bearer " * 20_000)
    sanitize("//a?" * 20_000)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("piece", [b"/", b"//a", b"bearer ", b"//a?", b"stack_trace", b"eyJ", b"x-amz-", b"x-api-key"])
def test_a_hostile_beginning_is_made_harmless_quickly(piece: bytes) -> None:
    begun = time.process_time()
    excerpt(piece * 20_000)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("12", 12),
        (" 12\t", 12),  # optional white space around a header's value
        ("0", None),  # no wait at all
        ("000", None),
        ("007", 7),
        ("999999999", 3600),  # clamped to an hour
        ("1000000000", None),  # ten digits
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1_0", None),  # int() would take it
        ("１２", None),  # and this
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30),  # obsolete, still valid
        ("Wed, 21 Oct 2026 07:28:30 +0000", 30),
        ("Wed, 21 Oct 2026 07:28:30", None),  # no zone
        ("Wed, 21 Oct 2026 07:28:30 -0000", None),  # a zone that says it is none
        ("Wed Oct 21 07:28:30 2026", None),  # asctime has no zone
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),  # now
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),  # past
        ("Wed, 21 Oct 2099 07:28:00 GMT", 3600),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 +9999", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT" + " " * 100 + "x", None),
    ],
    ids=range(29),
)
def test_retry_after_is_seconds_or_a_date_with_a_zone_and_else_nothing(
    value: str | None, seconds: float | None
) -> None:
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("Wed, 21 Oct 2026 08:28:04 GMT", "Wed, 21 Oct 2026 08:28:00 GMT", 4),  # our clock is an hour slow
        ("Wed, 21 Oct 2026 06:28:04 GMT", "Wed, 21 Oct 2026 06:28:00 GMT", 4),  # an hour fast
        ("Mon, 01 Jan 2035 00:00:30 GMT", "Mon, 01 Jan 2035 00:00:00 GMT", 30),  # years off
        ("Wed, 21 Oct 2026 08:28:04 GMT", "Wed, 21 Oct 2026 10:28:04 +0200", 0),
        ("Wed, 21 Oct 2026 08:28:04 GMT", "Wed, 21 Oct 2026 09:00:00 GMT", None),  # past, by the service's own clock
        ("Wed, 21 Oct 2026 23:00:00 GMT", "Wed, 21 Oct 2026 06:28:00 GMT", 3600),
        ("17", "Wed, 21 Oct 2026 06:28:00 GMT", 17),  # seconds are seconds
        ("Wed, 21 Oct 2026 07:28:30 GMT", None, 30),  # no Date: our clock
        *(("Wed, 21 Oct 2026 07:28:30 GMT", odd, 30) for odd in ("", "soon", "0", "Wed, 21 Oct 2026 07:28:00", "\x00")),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Thu, 01 Jan 1970 00:00:09 GMT", 30),  # of a clock that nobody has set
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:30 GMT", 30),  # by our clock it is now
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Fri, 31 Dec 9999 23:59:59 -0100", None),
        ("Fri, 31 Dec 9999 23:59:59 -0100", "Fri, 31 Dec 9999 23:59:29 -0100", 30),
        ("soon", "Wed, 21 Oct 2026 06:28:00 GMT", None),
        (None, "Wed, 21 Oct 2026 06:28:00 GMT", None),
    ],
    ids=range(19),
)
def test_a_date_to_wait_for_is_compared_with_the_date_of_its_answer(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    assert (read_retry_after(value, NOW, date=date) or 0) == (seconds or 0)


@given(some.text(max_size=70) | some.text("0123456789 :,-+GMTWedOct", max_size=64))
def test_no_retry_after_breaks_the_reader(value: str) -> None:
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 < seconds <= 3600


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"jobId": "urn:ff:1",\r\n "statu', '{"jobId": "urn:ff:1", "statu'),
        (b"\x1b[2J\x00\xff caf\xc3\xa9 \xe2\x80\xae", "[2J \ufffd café"),
        (
            b'"url": "https://s3.example/a?X-Amz-Signature=hush", "next": 1',
            '"url": "https://s3.example/a *** "next": 1',
        ),
        (b"X-Amz-Signature=hush&x=1 rest", "X-Amz-Signature *** rest"),
        (b'{"stack_trace": ["hush", "hush"], "jobId": 7}', '{"stack_trace ***, "jobId": 7}'),
        (b"x" * 5000, "x" * 2048),
        ("é".encode() * 2000, "é" * 1024),  # bytes are counted
        (b"x" + "é".encode() * 2000, "x" + "é" * 1023),  # and none is half a letter
        (b"", ""),
    ],
    ids=range(9),
)
def test_the_beginning_of_an_answer_is_shown_as_one_harmless_line_of_at_most_two_kib(body: bytes, shown: str) -> None:
    assert excerpt(body) == shown


@given(some.binary(max_size=5000))
def test_whatever_an_answer_begins_with_its_beginning_is_harmless(body: bytes) -> None:
    shown = excerpt(body)
    assert len(shown.encode()) <= 2048
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
