"""`schema` prints what ships."""

from __future__ import annotations

import json

import pytest
from typed import Ask

from campaign_runner.schemas import campaign, manifest


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        ((), campaign.schema()),  # what one mostly wants
        (("campaign",), campaign.schema()),
        (("manifest",), manifest.schema()),
    ],
)
def test_it_prints_the_schema(arguments: tuple[str, ...], schema: dict[str, object], ask: Ask) -> None:
    said = ask("schema", *arguments)
    assert said.status == 0 and json.loads(said.out) == schema


def test_another_name_is_refused(ask: Ask) -> None:
    assert ask("schema", "journal").status == 2
