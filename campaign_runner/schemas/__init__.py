"""The JSON Schemas of the files that people and other programs read or write.

They are generated from the code that reads and writes those files and shipped beside it as
NAME.schema.json, so that no one has to import anything to use them. A test holds the shipped
files to the generated ones; `python -m campaign_runner.schemas` writes them again.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, TypeAlias

Name: TypeAlias = Literal["campaign", "manifest", "decisions", "deliver"]


def shipped(name: Name) -> str:
    """The text of a schema as it ships: JSON Schema, draft 2020-12."""
    return files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
