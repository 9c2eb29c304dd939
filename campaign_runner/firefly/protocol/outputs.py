"""What a finished job offers: its images, the seeds they are said to be of, and what Adobe remarks of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from campaign_runner.errors import Unavailable
from campaign_runner.model import Finished, Output

NO_RESULT = "no_result"
"""The code of an Unavailable that says a job succeeded, and names no images."""
_SEED = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_MOST_SEED = 2**31 - 1
_WARNINGS = {
    "promptHasDeniedWords": "Adobe left out words of the prompt it does not allow (promptHasDeniedWords)",
    "promptHasBlockedArtists": "Adobe left out an artist's name it does not allow (promptHasBlockedArtists)",
}


def read_finished(result: object) -> Finished:
    """The images of a job that succeeded. Raises Unavailable where there is nothing to read."""
    outputs = result.get("outputs") if isinstance(result, Mapping) else None
    if not isinstance(result, Mapping) or not isinstance(outputs, list):
        raise Unavailable("Adobe's answer says succeeded without outputs", code=NO_RESULT, reached=True)
    warnings = tuple(text for name, text in _WARNINGS.items() if result.get(name) is True)
    return Finished(tuple(_read_output(output) for output in outputs), warnings)


def _read_output(output: object) -> Output:
    """One image. Without a usable URL it is an Output with an empty one: like an expired link, polled for again."""
    if not isinstance(output, Mapping):
        raise Unavailable("Adobe's answer has an output that is not an object", code="unreadable_answer", reached=True)
    seed, image = output.get("seed"), output.get("image")
    url = image.get("url") if isinstance(image, Mapping) else None
    return Output(_seed(seed), url if isinstance(url, str) else "", names_no_seed=seed is None)


def _seed(value: object) -> int | None:
    """A seed written as 11, 11.0 or "11"; None for anything else."""
    match value:
        case bool():
            return None
        case str() if _SEED.fullmatch(value):
            value = int(value)
        case float() if value.is_integer():
            value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST_SEED else None
