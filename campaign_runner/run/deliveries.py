"""A finished job as it is fetched: which of its outputs are ours, and what the others are called on the disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from campaign_runner import retry
from campaign_runner.errors import BlockedHost, Damaged, ProviderError
from campaign_runner.events import Attempt
from campaign_runner.model import IMAGES, SHORT, Finished, Output, Variation
from campaign_runner.ports import Examined
from campaign_runner.run.polls import NoLongerFollowed

_SIGNATURE = 16
"""Characters that a value of a link's query has at least if it is one."""
_UNEXPECTED = f"{IMAGES}/unexpected/"
UNSOUND = ".bin"
"""The suffix of what is not a whole picture."""


class GivenUp(NoLongerFollowed):
    """An output could not be had, however often it was asked for. `is_useless`: what is offered could not be used."""

    def __init__(self, failures: Sequence[ProviderError]) -> None:
        last = failures[-1]
        super().__init__(last.code or "not_downloaded", str(last), is_gone=all(map(retry.is_gone, failures)))
        self.is_blocked = isinstance(last, BlockedHost)
        self.is_useless = self.is_gone or isinstance(last, BlockedHost | Damaged)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished job about to be fetched. `seeds` are all seeds of its request; `fresh` polls it for new URLs.

    `aside` are the files of what of it was set aside so far.
    """

    attempt: Attempt
    seeds: tuple[int, ...]
    finished: Finished
    fresh: Callable[[], Awaitable[Finished]]
    aside: set[str] = field(default_factory=set)


def start_of(delivery: Delivery, output: Output) -> str:
    """How the names begin of what is set aside of an output."""
    seed = "no-seed" if output.seed is None else f"s{output.seed}"
    return f"{_UNEXPECTED}{delivery.attempt.id}_{seed}_"


def aside_name(delivery: Delivery, output: Output, examined: Examined) -> str:
    return f"{start_of(delivery, output)}{examined.sha256[:8]}.{examined.suffix}"


def short_name(name: str, sha256: str) -> str:
    """What the same is called where the disk does not take its name."""
    return f"{_UNEXPECTED}{sha256[:SHORT]}.{name.rpartition('.')[2]}"


def unsound_files(delivery: Delivery, output: Output) -> set[str]:
    """The files of what came of an output and is not whole; those with short names count for each of its job."""
    start = start_of(delivery, output)
    return {file for file in delivery.aside if file.endswith(UNSOUND) and ("_" not in file or file.startswith(start))}


def repeats_link(content: bytes, output: Output) -> bool:
    """Whether bytes repeat what makes the link to an output a secret, as a gateway's page may: they are not kept."""
    query = urlsplit(output.url).query
    values = {part.partition("=")[2] for part in query.split("&")} | {value for _, value in parse_qsl(query)}
    return any(len(value) >= _SIGNATURE and value.encode() in content for value in values)


def of_seed(finished: Finished, output: Output) -> list[Output]:
    return [other for other in finished.outputs if other.seed == output.seed]


def told_apart(delivery: Delivery) -> tuple[list[tuple[Output, Variation]], list[Output]]:
    """The outputs that are ours, each with its variation; and those of a seed not asked for, or of one given before.

    One image asked for that comes back alone is that image, if it names no seed.
    """
    outputs, variations = delivery.finished.outputs, delivery.attempt.job.variations
    if len(delivery.seeds) == len(variations) == len(outputs) == 1 and outputs[0].names_no_seed:
        return [(outputs[0], variations[0])], []
    wanted: dict[int | None, Variation] = {each.seed: each for each in variations}
    ours, extras = [], []
    left = list(delivery.seeds)
    for output in outputs:
        variation = wanted.pop(output.seed, None)
        if variation is not None:
            ours.append((output, variation))
        elif output.seed not in left:
            extras.append(output)
        if output.seed in left:
            left.remove(output.seed)
    return ours, extras


def missing_of(attempt: Attempt, ours: list[tuple[Output, Variation]]) -> list[Variation]:
    """What was asked for and not delivered."""
    delivered = {variation.key for _, variation in ours}
    return [each for each in attempt.job.variations if each.key not in delivered]
