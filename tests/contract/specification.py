"""Adobe's OpenAPI description as a judge of exchanges: whatever of one it does not permit is a sentence.

The judge is stricter than the description: where it names the fields of an object, no other may be
there. It is read from `firefly-api.json`, which is Adobe's own and unchanged.
"""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).with_name("firefly-api.json")
NAMES = {
    # what we call the operations that campaigns need
    "generate": ("POST", "/v3/images/generate-async"),
    "status": ("GET", "/v3/status/{jobId}"),
    "cancel": ("PUT", "/v3/cancel/{jobId}"),
    "models": ("GET", "/v3/custom-models"),
    "upload": ("POST", "/v2/storage/image"),
}
ELSEWHERE = {
    # services that Adobe describes on other pages
    "token": ("POST", "/ims/token/v3"),
    "image": ("GET", "/presigned/images/{name}"),
}
QUOTE = "'"
FORMATS = FormatChecker(())


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it was on the wire; header names in lower case. `status` is None where no answer came."""

    method: str
    url: str
    sent: Mapping[str, str]
    body: bytes
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""


@FORMATS.checks("date-time", ValueError)
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("uri", ValueError)
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


@FORMATS.checks("uuid4", ValueError)
def is_uuid4(value: object) -> bool:
    return not isinstance(value, str) or uuid.UUID(value).version == 4


def name_of(method: str, path: str) -> str | None:
    """Our name for the operation that is called, if it is known."""
    for name, (verb, template) in (NAMES | ELSEWHERE).items():
        if method == verb and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return name
    return None


class Specification:
    """The description, and what it says about an exchange."""

    def __init__(self) -> None:
        self.document = json.loads(FILE.read_bytes())
        strict = _strict(self.document)
        self._registry = Registry[Any]().with_resource("urn:firefly", DRAFT202012.create_resource(strict))
        self._judges: dict[str, Any] = {}

    def deviations(self, exchange: Exchange) -> list[str]:
        """What the description does not permit of request and answer, a sentence each; nothing twice."""
        return list(dict.fromkeys([*self.of_request(exchange), *self.of_answer(exchange)]))

    def of_request(self, exchange: Exchange) -> list[str]:
        """The same of the request alone."""
        name, operation = self._find(exchange)
        if operation is None:
            return [f"{name} is not described"]
        query = dict(parse_qsl(urlsplit(exchange.url).query))
        return [f"{name} {sentence}" for sentence in self._of_request(operation, exchange, query)]

    def of_answer(self, exchange: Exchange) -> list[str]:
        """The same of the answer alone."""
        name, operation = self._find(exchange)
        if operation is None:
            return [f"{name} is not described"]
        return [f"{name} {sentence}" for sentence in self._of_answer(operation, exchange)]

    def _find(self, exchange: Exchange) -> tuple[str, Any]:
        """Our name for what is called, and its description, if there is one."""
        path = urlsplit(exchange.url).path
        name = name_of(exchange.method, path)
        if name is None or name in ELSEWHERE:
            return name or f"{exchange.method} {path}", None
        verb, template = NAMES[name]
        return name, self.document["paths"][template][verb.lower()]

    def _of_request(self, operation: Any, exchange: Exchange, query: Mapping[str, str]) -> Iterator[str]:
        if not exchange.sent.get("authorization", "").startswith("Bearer ") or "x-api-key" not in exchange.sent:
            yield "asks without token or key"
        known = {(each["in"], each["name"]): each for each in operation.get("parameters", ())}
        for place, given in (("query", query), ("header", _extra(exchange.sent))):
            yield from (f"asks with {place} {name}" for name in given if (place, name) not in known)
            for (where, name), parameter in known.items():
                if where == place and parameter.get("required") and name not in given:
                    yield f"asks without {place} {name}"
                elif where == place and name in given:
                    yield from (f"asks: {name} {fault}" for fault in self._faults(parameter["schema"], given[name]))
        yield from self._of_body(operation.get("requestBody"), exchange)

    def _of_body(self, described: Any, exchange: Exchange) -> Iterator[str]:
        if described is None:
            if exchange.body:
                yield "asks with a body"
            return
        media_type = exchange.sent.get("content-type", "").partition(";")[0]
        if media_type not in described["content"]:
            yield f"asks with media type {media_type}"
        elif media_type == "application/json":
            yield from (f"asks: {fault}" for fault in self._json_faults(described["content"], exchange.body))

    def _of_answer(self, operation: Any, exchange: Exchange) -> Iterator[str]:
        if exchange.status is None:
            yield "is not answered"
            return
        described = operation["responses"].get(str(exchange.status))
        if described is None:
            yield f"answers {exchange.status}"
            return
        documented = {name.lower(): header for name, header in described.get("headers", {}).items()}
        for name, value in _extra(exchange.headers).items():
            if name not in documented:
                yield f"answers with header {name}"
            else:
                yield from (f"answers: {name} {f}" for f in self._faults(documented[name]["schema"], value))
        content, media_type = described.get("content", {}), exchange.headers.get("content-type", "").partition(";")[0]
        if not content:
            if exchange.answer:
                yield f"answers {exchange.status} with a body"
        elif media_type not in content:
            yield f"answers {exchange.status} with media type {media_type}"
        elif media_type == "application/json":
            yield from (f"answers {exchange.status}: {f}" for f in self._json_faults(content, exchange.answer))

    def _json_faults(self, content: Any, body: bytes) -> Iterator[str]:
        try:
            value = json.loads(body)
        except ValueError:
            yield "not JSON"
            return
        yield from self._faults(content["application/json"]["schema"], value)

    def _faults(self, schema: Any, value: Any) -> Iterator[str]:
        """What is wrong with `value`: where, and the keyword of the schema that it breaks."""
        yield from map(_sentence, self._judge(json.dumps(schema).replace('"#/', '"urn:firefly#/')).iter_errors(value))

    def _judge(self, schema: str) -> Any:
        if schema not in self._judges:
            self._judges[schema] = Draft202012Validator(
                json.loads(schema), registry=self._registry, format_checker=FORMATS
            )
        return self._judges[schema]


def _extra(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are Adobe's rather than HTTP's; credentials are looked at apart."""
    return {name: value for name, value in headers.items() if name.startswith("x-") and name != "x-api-key"}


def _sentence(error: ValidationError) -> str:
    assert isinstance(error.schema, Mapping)
    where = ".".join("[]" if isinstance(step, int) else step for step in error.absolute_path)
    match error.validator:
        case "required":  # an error for each field, named by the message alone: 'jobId' is a required property
            return f"{where} lacks {error.message.split(QUOTE)[1]}".strip()
        case "additionalProperties":  # one error for all of them
            more = sorted(error.instance.keys() - error.schema["properties"].keys())
            return f"{where} has {' '.join(more)}".strip()
        case keyword:
            return f"{where} {keyword}".strip()


def _strict(document: Any) -> Any:
    """The description, with every object closed, and the choice between forms of a job made by its status.

    The newer `JobResult` names outputs alone and says that the form depends on what was asked for; for
    generation that is `GenerateImagesResponseV3`.
    """
    strict = copy.deepcopy(document)
    schemas = strict["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    one = "#/components/schemas/"
    schemas["JobSucceededPayload"]["properties"]["result"] = {"$ref": f"{one}GenerateImagesResponseV3"}
    schemas["JobResponse"] = {
        "if": {"properties": {"status": {"const": "succeeded"}}},
        "then": {"$ref": f"{one}JobSucceededPayload"},
        "else": {"$ref": f"{one}JobPollPayload"},
    }
    return strict
