"""What is kept of a delivery: never a signed link, whoever repeats it."""

from __future__ import annotations

import pytest

from campaign_runner.model import Output
from campaign_runner.run.deliveries import repeats_link

LINK = "https://store.amazonaws.com/a.jpg?X-Amz-Expires=3600&X-Amz-Signature=0123456789abcdef%2F0123"


@pytest.mark.parametrize(
    ("content", "does"),
    [
        (b"<p>" + LINK.encode() + b"</p>", True),
        (b"<p>Expires=3600&amp;X-Amz-Signature=0123456789abcdef%2F0123", True),  # as HTML spells it
        (b"signature 0123456789abcdef/0123 has expired", True),  # decoded
        (b"<p>a.jpg has expired after 3600 s", False),
        (b"\xff\xd8\xff half of a picture", False),
        (b"", False),
    ],
)
def test_bytes_that_repeat_a_signed_link_are_known(content: bytes, does: bool) -> None:
    assert repeats_link(content, Output(1, LINK)) is does


def test_a_link_without_a_signature_has_nothing_to_repeat() -> None:
    assert not repeats_link(b"http://127.0.0.1:1/images/1", Output(1, "http://127.0.0.1:1/images/1"))
