"""What is under a field in the code is its description in a JSON Schema.

pydantic can do so, too, but reads the sources of all models at every start of the program; here they are read when
a schema is made.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Documented(GenerateJsonSchema):
    """A schema whose fields are described by the docstrings of the models."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        for name, text in _docstrings(schema["cls"]).items():
            if name in found["properties"]:
                found["properties"][name]["description"] = text
        return found


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each field of a model, and of those it is made from."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _own_docstrings(each)
    return found


def _own_docstrings(model: type[BaseModel]) -> dict[str, str]:
    (body,) = ast.parse(dedent(inspect.getsource(model))).body
    found = {}
    for field, under in pairwise(body.body) if isinstance(body, ast.ClassDef) else ():
        match field, under:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found
