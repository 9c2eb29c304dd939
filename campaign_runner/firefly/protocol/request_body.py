"""What an interface of Firefly is asked for and answers, as far as two interfaces differ. Pure.

A request travels as a body without seeds: that is what a recipe holds, what the journal and the manifest keep, and
what an image's identity hangs on. Each interface builds it, reads it back and sends it in a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from campaign_runner.model import Size


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """Where a reference image is: on our disk with this SHA-256 (hex), or at a link that the service follows."""

    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What is asked for in an image, in the words of a campaign file.

    `look` is by its field names there; `sources` holds the reference images among them, by the same names.
    """

    prompt: str
    size: Size
    custom_model: str | None
    look: Mapping[str, Any]
    sources: Mapping[str, ReferenceSource]

    @property
    def links(self) -> Iterator[str]:
        """The reference images that the service fetches itself."""
        return (source.url for source in self.sources.values() if source.url is not None)


def prompt_of(body: Mapping[str, Any]) -> str:
    """The prompt, which every interface calls so: also of a body that this version cannot read."""
    return str(body["prompt"])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request as it came, not yet looked at: the job's id, where to ask, where to cancel."""

    job_id: object
    status_url: object
    cancel_url: object


class Interface(Protocol):
    """One way of asking Firefly for images."""

    @property
    def path(self) -> str:
        """Where requests go, below the origin."""

    @property
    def always(self) -> tuple[str, ...]:
        """The fields that every body has."""

    def build(self, asked: ImageRequest) -> dict[str, Any]:
        """The body without seeds."""

    def read(self, body: Mapping[str, Any]) -> ImageRequest:
        """What such a body asks for. Raises pydantic's ValidationError for one that `build` never makes."""

    def references(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """The SHA-256 of each reference image that must be uploaded before such a body is sent."""

    def sent(self, body: Mapping[str, Any], seeds: Sequence[int], uploads: Mapping[str, str]) -> dict[str, Any]:
        """The body to send: with its seeds, and each reference image under its id in `uploads` (SHA-256 → id)."""

    def receipt(self, answer: Mapping[str, Any]) -> Receipt:
        """What a successful answer says of the job."""
