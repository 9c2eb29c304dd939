"""After a command, once its lock is let go and its report is printed: who is told what, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from campaign_runner.errors import CampaignError
from campaign_runner.notify.concerns import CampaignEnd
from campaign_runner.notify.judgement import News, Told, forgotten, judge
from campaign_runner.notify.memory import Memory
from campaign_runner.notify.message import Message, message_of


class When(StrEnum):
    """When someone is told: where there are news, after every run, never."""

    NEWS = "news"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Notifier:
    """Judges how the campaigns of a command ended, and sends one message about those that have news.

    `deliver` answers why no one has a message, None where someone has. `memory` is None where nothing is to be
    remembered: a rehearsal. `began` and `now` are aware local times.
    """

    deliver: Callable[[Message], str | None]
    memory: Memory | None
    began: datetime
    now: Callable[[], datetime]
    when: When = When.NEWS

    def tell(self, ends: Sequence[CampaignEnd]) -> Iterator[str]:
        """Send what is worth a message, and remember it once it has arrived; yields what went wrong."""
        judged: list[tuple[News, Told, Told]] = []
        for end in ends:
            told = yield from self._told(end)
            news, remembered = judge(told, end, self.began, self.now())
            judged.append((news, told, remembered))
        due = [news for news, _, _ in judged if news.is_due or self.when is When.ALWAYS]
        failed = self.deliver(message_of(due)) if due else None
        if failed is not None:
            yield f"the message about this run could not be sent: {failed}"
        for news, told, remembered in judged:
            yield from self._keep(news.end, remembered if failed is None else forgotten(told, remembered))

    def _told(self, end: CampaignEnd) -> Generator[str, None, Told]:
        """What was told of a campaign; nothing where that cannot be read, which is one of the things yielded."""
        try:
            return self.memory.of(end.file) if self.memory is not None else Told()
        except CampaignError as error:
            yield str(error)
            return Told()

    def _keep(self, end: CampaignEnd, told: Told) -> Iterator[str]:
        try:
            if self.memory is not None:
                self.memory.keep(end.file, told)
        except CampaignError as error:
            yield str(error)
