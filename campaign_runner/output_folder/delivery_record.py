"""deliver.json: what was delivered, from what, who approved it, and where every file of it is now.

It is written before the files are given their names, so that after a crash it says what is still to be done: a file
that it calls current belongs into its target, one that was replaced or withdrawn into `deliver-old/`. A record is
foreign input when it is read: its names lead nowhere else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from campaign_runner.campaign_file.field_docstrings import Documented
from campaign_runner.campaign_file.json_schema import DIALECT
from campaign_runner.disk import files
from campaign_runner.disk.image_names import split_name
from campaign_runner.errors import IntegrityError
from campaign_runner.output_folder.folder import DELIVERY
from campaign_runner.output_folder.json_list import elements

FILE = DELIVERY
TARGET = "deliver"
"""The folder of a delivery that is given no other."""
OLD = "deliver-old"
UPLOAD_LIST = "upload.csv"
ID = "urn:campaign-runner:schema:deliver"
_LARGEST = 128 << 20
"""Bytes: of some 100,000 files."""
_LARGEST_FILE = 1 << 16
"""Characters that are said of one file."""
_LARGEST_REST = 1 << 20
"""Characters of the list of channels, or of that of zip files."""


def _is_name(name: str) -> str:
    try:
        split_name(name)
    except IntegrityError as error:
        raise ValueError(str(error)) from None
    return name


Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name: TypeAlias = Annotated[str, AfterValidator(_is_name)]
FileState: TypeAlias = Literal["current", "replaced", "withdrawn", "changed", "missing"]
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Edge: TypeAlias = Annotated[int, Field(ge=0)]


class _OnRecord(BaseModel):
    """What all parts share: every field is there, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class UsedChannel(_OnRecord):
    """A channel as it was used."""

    id: str
    """Its id in the campaign."""
    width: Annotated[int, Field(ge=1)]
    """Pixels."""
    height: Annotated[int, Field(ge=1)]
    """Pixels."""
    max_kb: int | None
    """The weight a file may have, in units of 1,000 bytes; null: any."""
    formats: tuple[str, ...]
    """The first that fits is used."""
    safe: tuple[Edge, Edge, Edge, Edge]
    """Pixels that the platform covers at the top, right, bottom and left."""
    grade: str
    """How sure the figures are: A, B, C; empty for the campaign's own."""
    seen: str
    """When they were looked up."""
    source: str
    """Where."""


class Approval(_OnRecord):
    """Whose verdict made an image one to be delivered."""

    by: str
    """The reviewer's id."""
    at: str
    """When (UTC, ISO 8601)."""


class DeliveredCell(_OnRecord):
    """Where in the campaign the picture is."""

    product: str
    """Its id."""
    prompt: str
    """Its id."""
    preset: str
    """Its id."""
    market: str | None
    """Its id; null in a campaign without markets."""
    size: Annotated[str, Field(pattern="^[0-9]+x[0-9]+$")]
    """The pixels of the original."""


class FormerPlace(_OnRecord):
    """Where a file belonged before the campaign called its cell or its channel otherwise."""

    cell: DeliveredCell
    """The cell as it was called."""
    channel: str
    """The channel's id."""


class DeliveredFile(_OnRecord):
    """One file of the delivery."""

    file: Name
    """Its name below the target."""
    target: str | None
    """The folder it was delivered to, if not `deliver/` of the output folder."""
    state: FileState
    """current: in the target. replaced, withdrawn: no longer, see `old`. changed, missing: not as it was delivered."""
    old: Name | None
    """Its name below deliver-old/, or beside the target below DIR-old (of a fleet), once it has left the target."""
    version: Annotated[int, Field(ge=1)]
    """Counted from 1 for each cell and channel; raised whenever the bytes change."""
    cell: DeliveredCell
    """Where the picture is."""
    channel: str
    """Its id."""
    former: tuple[FormerPlace, ...] = ()
    """Where it belonged before, under the same name: its version is not given again there either."""
    seed: Annotated[int, Field(ge=0)]
    """The seed of the original."""
    is_one_of_several: bool
    """Whether its row delivers several pictures to the channel, so that the key tells them apart."""
    key: Sha256
    """The key of the original."""
    source_sha256: Sha256
    """The SHA-256 of the original."""
    cut: Sha256
    """The SHA-256 of everything that decides the bytes: original, channel, crop, texts, settings."""
    sha256: Sha256
    """The SHA-256 of the file."""
    bytes: Annotated[int, Field(ge=1)]
    """Its length."""
    modified_ns: int
    """When it was written, as its disk says, in nanoseconds: a file that is as long and as old is not read again."""
    width: Annotated[int, Field(ge=1)]
    """Pixels."""
    height: Annotated[int, Field(ge=1)]
    """Pixels."""
    crop: tuple[float, float, float, float]
    """Left, top, width and height of the part that is shown, in pixels of the upright original."""
    focus: tuple[Fraction, ...] | None
    """The point or part that the crop was placed by; null: the middle."""
    quality: int | None
    """Of a JPEG or WebP."""
    alt: str
    """The description for people who cannot see the picture."""
    approved: tuple[Approval, ...]
    """Who had approved what, when; empty where every image was asked for."""
    delivered_at: AwareDatetime
    """When it was made (UTC)."""


class Companion(_OnRecord):
    """A list or an archive of ours beside the files."""

    file: Name
    """Its name below the target."""
    target: str | None
    """As of the files."""
    sha256: tuple[Sha256, ...]
    """What it holds; while it is being written also what it held before."""
    contents: Sha256
    """The SHA-256 of the names and digests of the files that it is about."""


class DeliveryRecord(_OnRecord):
    """All deliveries of a campaign."""

    deliver_version: Literal[1] = 1
    """Of this format."""
    campaign: str
    """Its name."""
    updated_at: AwareDatetime
    """When anything here last changed (UTC)."""
    channels: tuple[UsedChannel, ...] = ()
    """As used in the last delivery."""
    files: tuple[DeliveredFile, ...] = ()
    """Every file ever delivered."""
    companions: tuple[Companion, ...] = ()
    """upload.csv and zip files."""


def read_record(home: Path) -> DeliveryRecord | None:
    """The record in an output folder, None where nothing was delivered. Raises IntegrityError, StoreError."""
    path = home / FILE
    with files.open_folder(home) as folder:
        if not folder.has_file(FILE):
            return None
        with folder.read(FILE, _LARGEST) as file, files.translating(path):
            return _read(path, file)


def _read(path: Path, file: BinaryIO) -> DeliveryRecord:
    """What a record says, its files one after the other: parsed at once, a few bytes of JSON may be a thousand."""
    others: list[str] = []
    try:
        delivered = tuple(_delivered(text) for text in elements(file.read, "files", others, most_beside=_LARGEST_REST))
        record = DeliveryRecord.model_validate_json(f"{{{','.join(others)}}}")
    except ValueError as error:
        first = str(error).splitlines()
        raise IntegrityError(
            f"{path} cannot be read ({' '.join(first[:3])}): restore it from a backup; without it, nothing is delivered"
        ) from error
    return record.model_copy(update={"files": delivered})


def _delivered(text: str) -> DeliveredFile:
    if len(text) > _LARGEST_FILE:
        raise ValueError("what it says of a file is too long")
    return DeliveredFile.model_validate_json(text)


def write_record(home: Path, record: DeliveryRecord, *, staging: Path) -> None:
    """Put the record in the place of the one before, durably. Raises StoreError, IntegrityError."""
    told = record.model_dump(mode="json")
    lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in told["files"])
    rest = {name: value for name, value in told.items() if name != "files"}
    text = json.dumps({**rest, "files": "@"}, ensure_ascii=False, indent=1)
    files_text = f"[\n{lines}\n ]" if lines else "[]"
    head, _, tail = text.rpartition('"@"')
    with files.replacing(home / FILE, staging=staging) as file:
        file.write(f"{head}{files_text}{tail}\n".encode())


def target_folder(home: Path, target: str | None) -> Path:
    """The folder that a file's `target` means."""
    return home / TARGET if target is None else Path(target)


def beside(target: Path) -> Path:
    """The folder for what leaves `target`, where the output folder is not one that people look into: a fleet's."""
    return target.with_name(f"{target.name}-old")


def schema() -> dict[str, Any]:
    """The JSON Schema of deliver.json, draft 2020-12."""
    found = DeliveryRecord.model_json_schema(mode="serialization", schema_generator=Documented)
    return {"$schema": DIALECT, "$id": ID, **found, "title": "The deliveries of a campaign"}
