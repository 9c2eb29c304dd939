"""What schemathesis makes up from Adobe's specification; imported where it is used, as it is slow to load."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.contract.specification import FILE, NAMES

_SCHEMA = schemathesis.openapi.from_path(FILE)
THEIR_CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def requests_of(name: str, mode: str) -> SearchStrategy[Any]:
    """Requests of the call `name`, made up as the specification says (positive) or not (negative)."""
    method, path = NAMES[name]
    strategy: SearchStrategy[Any] = _SCHEMA[path][method].as_strategy(generation_mode=GenerationMode(mode))
    return strategy
