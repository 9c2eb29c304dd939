"""Writes the shipped schemas from the code: `python -m campaign_runner.schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from campaign_runner.campaign_file import json_schema
from campaign_runner.output_folder import delivery_record, manifest_schema
from campaign_runner.review import decisions_format

SCHEMAS = {
    "campaign": json_schema.schema,
    "manifest": manifest_schema.schema,
    "decisions": decisions_format.schema,
    "deliver": delivery_record.schema,
}


def main() -> None:
    """Put every schema beside this file."""
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
        Path(__file__).with_name(f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
