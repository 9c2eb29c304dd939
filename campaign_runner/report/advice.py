"""What to do about images that are in doubt or failed: the cheapest way first, each command on a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Cell, State
from campaign_runner.plan.plan import Plan
from campaign_runner.report import next_commands
from campaign_runner.report.blocks import Block
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import plural

_OF_WORDS = frozenset(("prompt_unsafe", "prompt_entity_denied", "image_unsafe", "output_media_unsafe"))
"""Codes of the content policy: the same words are refused again, so they are to be changed."""
_PAID = (State.STORED, State.ACCEPTED)


def wants_other_words(code: str) -> bool:
    """Whether Adobe would refuse the same words again, by its word for why."""
    return code in _OF_WORDS


@dataclass(frozen=True, slots=True)
class Advice:
    """What may be done about open images of a campaign; `called` is what commands call it.

    `names_keys`: the keys of its images are shown beside it, to choose from.
    """

    campaign: Campaign
    ledger: Ledger
    called: str
    names_keys: bool = False

    def about_doubts(self, images: int, only: Sequence[str] | None) -> Iterator[str]:
        """The lines about so many images in doubt, which the options `only` select; None where no short ones do."""
        yield f"request {_them(images)} again, which may cost twice: {self._resolve(only, '--resubmit')}"
        yield f"or give {_them(images)} up: {self._resolve(only, '--abandon')}"

    def about(self, block: Block) -> Iterator[str]:
        """The lines about a block of images."""
        them, code, only = _them(block.images), block.why.reason.code, block.only(self.ledger)
        if block.why.state is State.IN_DOUBT:
            yield from self.about_doubts(block.images, only)
            return
        if not block.why.is_refused and not wants_other_words(code):
            yield f"request {them} again: {self._resolve(only, '--retry-failed')}"
        elif others := self._bought_again(block):
            yield from self._other_words(block, others)
            yield f"then give up what was refused: {self._resolve(only, '--abandon')}"
            return
        else:
            yield f"edit {self._places(block)}"
        yield f"or give {them} up: {self._resolve(only, '--abandon')}"

    def _resolve(self, only: Sequence[str] | None, flag: str) -> str:
        """A decision about some images; where no short options mean them, what a person chooses from."""
        if only is None and not self.names_keys:
            return f"choose from `{next_commands.resolve(self.called)}`"
        return next_commands.resolve(self.called, *(["--only", "key=KEY"] if only is None else only), flag)

    def _other_words(self, block: Block, others: int) -> Iterator[str]:
        """How to change the words of what was refused alone, since an edit of its line would cost more."""
        yield f"to edit {self._places(block)} would buy {plural(others, 'image')} again that you have; cheaper:"
        (key, seeds), *rows = block.takes.values()
        flags = ["--seeds", ",".join(seeds)] if len(seeds) > 1 else []
        alone = "other words for each row, such as" if rows else f"other words for {_them(block.images)} alone"
        yield f"{alone}: {next_commands.retake(key, self.called, '--text', '…', *flags)}"

    def _places(self, block: Block) -> str:
        """Where to edit what was refused: its products, if others got through with the same prompts, else these.

        Where the prompts begin, for those that are gone.
        """
        if products := self._products(block):
            found = [self.campaign.problem(("products", product), "") for product in products]
            named = zip(found, products, strict=True)
            return ", ".join(f"{place.place(display_path(place.path))} (product {product})" for place, product in named)
        known = self.campaign.prompts
        places = (("prompts", prompt) if prompt in known else ("prompts",) for prompt in _prompts(block))
        lines = dict.fromkeys(map(self.campaign.line, places))
        return ", ".join(f"{display_path(self.campaign.path)}:{line}" for line in lines)

    def _products(self, block: Block) -> list[str]:
        """The products to edit: none where the prompts are at fault, since no other product got through with them."""
        passed = any(
            cell.prompt in block.axes["prompt"] and cell.product not in block.axes["product"] for cell in self._paid()
        )
        return sorted(block.axes["product"] & self.campaign.products.keys()) if passed else []

    def _paid(self) -> Iterator[Cell]:
        return (entry.cell for entry in self.ledger.in_states(*_PAID))

    def _bought_again(self, block: Block) -> int:
        """How many images of the campaign an edit of those places would make new, though they are paid for."""
        axis, names = ("product", products) if (products := self._products(block)) else ("prompt", _prompts(block))
        concerned = {entry.key for entry in self.ledger.in_states(*_PAID) if entry.cell.axes[axis] in names}
        plan = Plan(self.campaign, self.ledger.custom_model)
        return len(concerned.intersection(plan.keys())) if concerned and plan.knows_keys else 0


def _prompts(block: Block) -> list[str]:
    return sorted(block.axes["prompt"])


def _them(images: int) -> str:
    return "it" if images == 1 else "them"
