"""What is refused before the first request: the wrong custom model, and a plan above the budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import (
    AccountRefused,
    CampaignError,
    CampaignFileError,
    IntegrityError,
    ProviderError,
    Throttled,
    Unavailable,
)
from campaign_runner.model import CustomModel
from campaign_runner.plan.cost import RateLimit, estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.stop import Stop
from campaign_runner.session.preflight import (
    LONGEST_WAIT,
    patiently,
    refuse_over_budget,
    refuse_unfit_prompts,
    settle_model,
)
from tests.campaigns import MODEL, campaign, plan

OTHER = replace(MODEL, id="urn:aaid:sc:US:2")
RETRAINED = replace(MODEL, version="4", etag="etag-4")
TOUCHED = replace(MODEL, etag="etag-9")

REFUSED: list[Any] = [
    pytest.param([], None, AccountRefused, "no custom model of this account is called", id="not shared"),
    pytest.param([], MODEL, IntegrityError, f"was {MODEL.id} when this campaign first ran; now", id="gone"),
    pytest.param([MODEL, OTHER], None, IntegrityError, f"2 custom models .*{MODEL.id}, {OTHER.id}", id="two of a name"),
    pytest.param([MODEL, OTHER], MODEL, IntegrityError, "2 custom models", id="two of a name later"),
    pytest.param([OTHER], MODEL, IntegrityError, f"it was {MODEL.id}, now it is {OTHER.id}", id="another id"),
    pytest.param([RETRAINED], MODEL, IntegrityError, r"version 3 \(etag-3\), now it is version 4", id="trained again"),
    pytest.param([TOUCHED], MODEL, IntegrityError, "etag-9", id="another etag"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "recorded", "kind", "message"), REFUSED)
def test_a_model_that_is_not_surely_the_one_meant_is_refused(
    found: list[CustomModel], recorded: CustomModel | None, kind: type[CampaignError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        settle_model(MODEL.name, found, recorded, accept_drift=False)


@pytest.mark.parametrize(("found", "recorded"), [(MODEL, None), (MODEL, MODEL)])
def test_the_same_model_goes_on(found: CustomModel, recorded: CustomModel | None) -> None:
    assert settle_model(MODEL.name, [found], recorded, accept_drift=False) == MODEL


@pytest.mark.parametrize("found", [OTHER, RETRAINED, TOUCHED])
def test_a_change_that_is_accepted_goes_on(found: CustomModel) -> None:
    assert settle_model(MODEL.name, [found], MODEL, accept_drift=True) == found


@pytest.mark.parametrize(("found", "kind"), [([], AccountRefused), ([MODEL, OTHER], IntegrityError)])
def test_nothing_and_two_cannot_be_accepted(found: list[CustomModel], kind: type[CampaignError]) -> None:
    with pytest.raises(kind):
        settle_model(MODEL.name, found, MODEL, accept_drift=True)


def refused_by_budget(folder: Path, bought: int) -> str:
    status = PlanStatus(plan(folder, budget=5))
    figures = estimate(status, RateLimit(4, 9000), bought=bought, now=datetime.now(UTC))
    with pytest.raises(CampaignFileError) as refused:
        refuse_over_budget(status.plan.campaign, figures)
    return str(refused.value)


def test_a_plan_above_the_budget_is_a_problem_at_its_line(tmp_path: Path) -> None:
    told = refused_by_budget(tmp_path, bought=2)
    assert told.startswith(f"{tmp_path / 'almond.yaml'}:8:")
    assert "this run would buy 4 images, but the budget has room for 3: 2 of 5 were bought, in doubt or failed" in told
    assert "8 | budget: 5" in told
    assert "raise the budget to 6" in told


def test_an_overspent_budget_has_room_for_none(tmp_path: Path) -> None:
    assert "room for 0: 9 of 5" in refused_by_budget(tmp_path, bought=9)


@pytest.mark.parametrize("bought", [0, 1])
def test_a_plan_within_the_budget_goes_on(bought: int, tmp_path: Path) -> None:
    status = PlanStatus(plan(tmp_path, budget=5))
    refuse_over_budget(status.plan.campaign, estimate(status, RateLimit(4, 9000), bought=bought, now=datetime.now(UTC)))


def test_each_text_without_the_concept_is_told_where_it_stands(tmp_path: Path) -> None:
    cell = {"product": "soap", "prompt": "hero", "preset": "plain", "market": "de", "size": "square", "seeds": [5]}
    spec = campaign(
        tmp_path,
        model="image3_custom",
        custom_model="Subject",
        markets={"us": {"locale": "en-US"}, "de": {"locale": "de-DE"}},
        prompts={
            "hero": {"text": {"en": "{concept} by {product.name}", "de": "ohne {product.name}"}},
            "word": {"text": {"other": "mugx and {product.name}"}},
        },
        include=[cell | {"text": {"other": "alone"}}, cell | {"seeds": [6], "text": {"other": "a mugx"}}],
    )
    with pytest.raises(CampaignFileError) as refused:
        refuse_unfit_prompts(spec, "mugx")
    assert [problem.message for problem in refused.value.problems] == [
        "this prompt lacks 'mugx', the concept of the custom model: Adobe would reject it"
    ] * 2
    shown = [problem.source[problem.column - 1 :] for problem in refused.value.problems]
    assert [text.split('"')[1] for text in shown] == ["ohne {product.name}", "alone"]
    refuse_unfit_prompts(spec, "")  # a style model has no concept


def test_a_prompt_that_grew_too_long_with_the_concept_is_told(tmp_path: Path) -> None:
    spec = campaign(tmp_path, model="image3_custom", custom_model="Subject", prompts={"hero": "{concept} " * 100})
    with pytest.raises(
        CampaignFileError, match=r"with the custom model's concept 'a-long-concept', .* has 1,499 characters"
    ):
        refuse_unfit_prompts(spec, "a-long-concept")


class Waiting(Control):
    """A service that answers with these errors before it answers; the waits that were taken, the errors told."""

    def __init__(self, *errors: ProviderError) -> None:
        super().__init__(Clock(random=lambda: 0.0), Stop(), lambda event: None)
        self.errors = list(errors)
        self.waits: list[float] = []
        self.told: list[ProviderError | None] = []

    def tell(self, error: ProviderError | None) -> None:
        self.told.append(error)

    async def ask(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "the answer"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def answer(self) -> str:
        return await patiently(self.ask, self, sleep=self.sleep)


async def test_a_free_question_is_asked_again_after_the_wait_that_was_named_and_each_error_is_told() -> None:
    busy, throttled = Unavailable("503"), Throttled("429", retry_after=45.0)
    service = Waiting(busy, throttled)
    assert await service.answer() == "the answer"
    assert service.waits[1:] == [45.0] and 0 <= service.waits[0] < 45
    assert service.told == [busy, throttled]


@pytest.mark.parametrize("error", [AccountRefused("401"), Throttled("429", retry_after=LONGEST_WAIT + 1)])
async def test_a_no_and_a_wait_that_is_too_long_end_a_free_question_at_once(error: ProviderError) -> None:
    service = Waiting(error)
    with pytest.raises(type(error)):
        await service.answer()
    assert (service.waits, service.told) == ([], [])
