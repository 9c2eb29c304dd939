"""The options of the commands that make images: consent, the allowance, where to stop, and what is shown."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, reduce, wraps
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import console
from campaign_runner.cli.access import SANDBOX_RATE
from campaign_runner.cli.environment import MOST, Environment
from campaign_runner.cli.help import rarely
from campaign_runner.cli.invocation import invocation
from campaign_runner.cli.observers import RunLog, Shown, open_log
from campaign_runner.cli.options import WholeNumber
from campaign_runner.cli.refused import RefusedCommand, when_refused
from campaign_runner.cli.times import Duration, TimeOfDay
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.events import Ended
from campaign_runner.plan.cost import RateLimit
from campaign_runner.report.progress import Bounds, local_now
from campaign_runner.run.ending import BUG
from campaign_runner.run.limits import Limits
from campaign_runner.text import did_you_mean, joined, printable

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

positive = WholeNumber(min=1)
_allowance = WholeNumber(1, MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making(Shown):
    """What each of these commands is told, as given."""

    is_sandbox: bool
    yes: bool
    only: tuple[str, ...]
    per_minute: int | None
    per_day: int | None
    max_images: int | None
    max_requests: int | None
    max_runtime: float | None
    until: datetime | None

    def account(self, environment: Environment) -> RateLimit:
        """The account's allowance: as the flags say, otherwise the environment's; a sandbox's is its own."""
        if self.is_sandbox:
            return RateLimit(self.per_minute or SANDBOX_RATE.per_minute, self.per_day or SANDBOX_RATE.per_day)
        return environment.rate(self.per_minute, self.per_day)

    @property
    def bounds(self) -> Bounds:
        """Where the command stops, for those who watch it."""
        ends = None if self.max_runtime is None else local_now() + timedelta(seconds=self.max_runtime)
        until = min((end for end in (self.until, ends) if end is not None), default=None)
        return Bounds(self.max_images, self.max_requests, until)

    def limits(self, concurrency: int) -> Limits:
        return Limits(
            concurrency=concurrency,
            max_images=self.max_images,
            max_requests=self.max_requests,
            max_seconds=self.max_runtime,
            until=self.until,
            guards_files=not self.is_sandbox,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags(Making):
    """The options of one `run`, as given. `start_over`: buy also what the campaign has in a folder elsewhere."""

    output: Path | None
    on: str | None
    here: bool
    detach: bool
    subject: str
    concurrency: int | None
    accept_drift: bool
    start_over: bool
    no_reuse: bool
    link: bool
    no_review: bool
    accept_changes: bool

    def refuse_beside_fleet(self) -> None:
        """What goes only with `--on fleet`, or not with it. Raises UsageError."""
        if self.on is None:
            raise UsageError("--here and --detach go with --on fleet")
        if self.here and self.detach:
            raise UsageError("--here and --detach do not go together: with --here this process does the work")
        given = {
            "--sandbox": self.is_sandbox,
            "--output": self.output is not None,
            "--start-over": self.start_over,
            "--link": self.link,
        }
        if wrong := [name for name, is_given in given.items() if is_given]:
            raise UsageError(
                f"--on {self.on} and {wrong[0]} do not go together; nothing was sent. "
                "`campaign-runner fleet export NAME` makes a folder of a campaign"
            )


class AcceptedWords(click.ParamType[frozenset[str]]):
    """`changes,drift`: what a run goes on in spite of. `known` are the words of the command, each with its meaning."""

    name = "what"

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        words = frozenset(word.strip() for word in str(value).split(",") if word.strip())
        for word in sorted(words - self._known.keys()):
            told = did_you_mean(word, self._known) or f"; there are {joined(list(self._known))}"
            self.fail(f"'{printable(word)}' cannot be accepted{told}", param, ctx)
        return words


def accept(**known: str) -> _Decorator:
    """`--accept WHAT[,WHAT]`, and an option of its own for each word; a command is told of all by `accepted`."""
    told = "; ".join(f"{word} ({meaning})" for word, meaning in known.items())
    metavar = f"{next(iter(known))}[,…]" if len(known) > 1 else next(iter(known))
    one = click.option(
        "--accept", type=AcceptedWords(known), default="", metavar=metavar, help=f"Continue although: {told}."
    )
    return _all_of(one, *(rarely(f"--accept-{word}", is_flag=True, help=f"As --accept {word}.") for word in known))


def accepted(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command, with each word of `--accept` as if its own option were given."""
    rest = dict(options)
    words = rest.pop("accept")
    return rest | {
        name: rest[name] or name.removeprefix("accept_") in words for name in rest if name.startswith("accept_")
    }


def _all_of(*options: _Decorator) -> _Decorator:
    """Several options as one, in the order in which help shows them."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


def ends_with_a_line(command: Callable[..., int]) -> Callable[..., int]:
    """A command whose last line on stdout is for machines, also where it is refused before anything is sent.

    It is given its `log`, which begins with how it was called and ends with that line. With `quiet` it prints nothing
    where its exit status is 0.
    """

    @wraps(command)
    def ended(**given: Any) -> int:
        shown = shown_by(given)
        with console.holding(shown.quiet) as spoken:
            try:
                with open_log(shown) as log:
                    code = _logged(partial(command, **given, log=log), log, spoken)
            except CampaignError as refusal:
                console.say(f"attention exit={refusal.exit_code}")
                raise
            if code == 0 and spoken.held is not None:
                spoken.held.clear()
            return code

    when_refused(ended, _log_refusal)
    return ended


def shown_by(given: Mapping[str, Any]) -> Shown:
    """What the person wants to see, of a command's options."""
    log_format, log_file = given.get("log_format") or "text", given.get("log_file")
    return Shown(log_format=log_format, log_file=log_file, quiet=bool(given.get("quiet")))


def _log_refusal(refused: RefusedCommand) -> None:
    """A command whose words are not understood is in its log, too, if that can be written."""
    with suppress(CampaignError), open_log(shown_by(refused.given)) as log:
        log.begin(shlex.join(refused.invocation.typed))
        log.end(Ended(refused.why.exit_code, refused.line, refused.why.sentence))


def _logged(command: Callable[[], int], log: RunLog, spoken: console.Spoken) -> int:
    """The exit status of a command, whose begin and end are in the log, however it ends."""
    log.begin(shlex.join(invocation().typed))
    end = Ended(BUG, f"attention exit={BUG}", "a bug")
    try:
        code = command()
        end = Ended(code, spoken.last)
        return code
    except CampaignError as refusal:
        end = Ended(refusal.exit_code, f"attention exit={refusal.exit_code}", refusal.sentence)
        raise
    finally:
        if not log.is_ended:
            log.end(end)


consent = _all_of(
    click.option(
        "--sandbox", "is_sandbox", is_flag=True, help="Practise with the built-in sandbox: no account, no cost."
    ),
    click.option("--yes", is_flag=True, help="Skip the purchase confirmation."),
)
bounds = _all_of(
    rarely("--per-minute", type=_allowance, help="Requests per minute that your account allows."),
    rarely("--per-day", type=_allowance, help="Requests in 24 hours that your account allows."),
    click.option("--max-images", type=positive, help="Stop after buying this many images."),
    rarely("--max-requests", type=positive, help="Stop after this many requests."),
    click.option("--max-runtime", type=Duration(), help="Stop sending requests after this time: 90s, 30m, 2h."),
    click.option("--until", type=TimeOfDay(), help="Stop sending requests at this time of day."),
)
log = _all_of(
    rarely(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Human-readable text, or one JSON event per line.",
    ),
    click.option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the log here instead of stderr.",
    ),
    click.option("--quiet", is_flag=True, help="Print nothing if all is well, otherwise only the report."),
)
