"""`schema` prints what ships."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from campaign_runner.campaign_file import json_schema
from campaign_runner.output_folder import delivery_record, manifest_schema
from campaign_runner.review import decisions_format
from tests.cli.typed import Ask


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        ((), json_schema.schema),  # what one mostly wants
        (("campaign",), json_schema.schema),
        (("manifest",), manifest_schema.schema),
        (("decisions",), decisions_format.schema),
        (("deliver",), delivery_record.schema),
    ],
)
def test_it_prints_the_schema(arguments: tuple[str, ...], schema: Callable[[], dict[str, object]], ask: Ask) -> None:
    said = ask("schema", *arguments)
    assert said.status == 0 and json.loads(said.out) == json.loads(json.dumps(schema()))


def test_another_name_is_refused(ask: Ask) -> None:
    assert ask("schema", "journal").status == 2
