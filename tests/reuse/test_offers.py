"""What the records of other campaigns offer: the same request, the same seed, the same service, the same model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.model import CustomModel
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse.offers import ReuseQuery, known_model, search
from tests.campaigns import MODEL, campaign, plan
from tests.recorded import record

ADOBE = "https://firefly-api.adobe.io"
CUSTOM: dict[str, Any] = {"model": "image3_custom", "custom_model": MODEL.name}
DRIFTED = replace(MODEL, version="4", etag="etag-4")


def recorded(folder: Path, name: str, states: list[str], **changes: Any) -> None:
    """A campaign that ran beside ours, its images in `states`."""
    model = MODEL if "custom_model" in changes else None
    ran = Plan(campaign(folder, file_name=f"{name}.yaml", campaign=name, **changes), model)
    asyncio.run(record(folder / "output" / name, ran, states, model=model))


def found(folder: Path, meant: CustomModel | None = None, *, origin: str = ADOBE, **changes: Any) -> list[str]:
    status = PlanStatus(Plan(campaign(folder, **changes), meant))
    return list(map(str, search(status, ReuseQuery(folder / "output" / "almond", origin, meant)).offers))


def test_only_what_is_stored_is_offered_and_each_image_once(tmp_path: Path) -> None:
    recorded(tmp_path, "autumn", ["stored", "stored", "failed", "new"])
    recorded(tmp_path, "spring", ["stored", "stored", "stored", "in_doubt"])
    assert found(tmp_path) == ["2 images of autumn", "1 image of spring"]


def test_our_own_record_is_not_another_campaigns(tmp_path: Path) -> None:
    recorded(tmp_path, "almond", ["stored"] * 4)
    assert found(tmp_path) == []


def test_what_another_service_made_is_not_offered(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 4)
    assert found(tmp_path, origin="sandbox") == []


def test_what_was_made_before_the_custom_model_was_trained_anew_is_not_offered(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 4, **CUSTOM)
    assert found(tmp_path, MODEL, **CUSTOM) == ["4 images of spring"]
    assert found(tmp_path, DRIFTED, **CUSTOM) == []


def test_before_a_custom_model_is_known_nothing_is_looked_for(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 4, **CUSTOM)
    assert found(tmp_path, None, **CUSTOM) == []


@pytest.mark.parametrize(("name", "known"), [(MODEL.name, True), (MODEL.id, True), ("Cool Custom Model", False)])
def test_a_plan_takes_the_custom_model_from_the_other_records(name: str, known: bool, tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 4, **CUSTOM)
    asked = campaign(tmp_path, **CUSTOM | {"custom_model": name})
    assert (known_model(asked, ReuseQuery(tmp_path / "output" / "almond", ADOBE)) == MODEL) is known


def test_what_is_reused_need_not_be_bought(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 3)
    status = PlanStatus(plan(tmp_path))
    status.reuse(search(status, ReuseQuery(tmp_path / "output" / "almond", ADOBE)).positions())
    assert (status.due, status.reused, status.requests, sum(status.counts().values())) == (1, 3, 1, 1)
    assert [job.seeds for job in status.jobs()] == [(82683,)]
