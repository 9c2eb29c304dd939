"""Each reading of what Adobe leaves open: a run of four requests ends as promised, and nothing is bought twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from campaign_runner.sandbox.faults import KINDS, Fault
from campaign_runner.sandbox.settings import Settings
from tests.contract.exceptions import unexpected
from tests.contract.rehearsal import Rehearsal, rehearsed
from tests.contract.specification import Specification

SPECIFICATION = Specification()
CUSTOM = {"model": "image3_custom", "more": "custom_model: Warm Custom Model\n"}
FORBIDDEN = {
    "more": "include:\n  - {product: p0, prompt: hero, text: a forbidden mug, preset: plain, size: 896x1152}\n"
}
CANCELLED = (Fault("cancelled", nth=1),)


@dataclass(frozen=True)
class Row:
    """Switches of the sandbox, and the exit status of a run of four requests with two seeds each.

    `stored` of 8 images, unless `campaign` says otherwise.
    """

    switches: dict[str, Any]
    exit: int = 0
    stored: int = 8
    faults: tuple[Fault, ...] = ()
    campaign: dict[str, Any] = field(default_factory=dict)


ROWS = [
    *(Row({"strict": is_strict}) for is_strict in (False, True)),
    # 1. the model of a request without x-model-version: we always name it
    Row({"model_without_header": "image3"}),
    Row({"model_without_header": "image4_standard"}),
    # 2. Retry-After
    *(Row({"retry_after": form, "per_minute": 2}) for form in ("seconds", "date", "none", "past")),
    Row({"retry_after": "zero", "per_minute": 2}),
    *(Row({"date_header": said, "retry_after": "date", "per_minute": 2}) for said in ("right", "none", "nonsense")),
    # 3. what a minute is, and what counts
    *(Row({"quota_window": window, "per_minute": 2}) for window in ("sliding", "fixed", "bucket", "even")),
    Row({"per_day": 2}, exit=8, stored=4),
    Row({"per_day": 2, "quota_window": "fixed"}, exit=8, stored=4),
    *(Row({"polls_count": counted, "per_minute": 4}) for counted in (False, True)),
    *(Row({"uploads_count": counted, "per_minute": 4}) for counted in (False, True)),
    # 4. words of a job
    *(Row({"cancelled_word": w}, 3, 6, CANCELLED) for w in ("cancelled", "canceled")),
    *(Row({"running_word": word}) for word in ("running", "pending", "IN_PROGRESS", "")),
    Row({"cancel_seconds": 5.0}),
    # 5. how a prompt is refused
    *(Row({"refused": how}, 3, campaign=FORBIDDEN) for how in ("451", "422", "451_at_poll", "failed", "empty")),
    # 6. outputs that are missing, or in another order
    *(Row({"shuffled": is_shuffled}) for is_shuffled in (False, True)),
    Row({}, 3, 7, (Fault("fewer_outputs", nth=1),)),
    Row({}, 3, 6, (Fault("no_outputs", nth=1),)),
    Row({}, 0, 8, (Fault("extra_output", nth=1),)),
    # 7. where jobs are asked for
    *(Row({"other_status_port": is_other}) for is_other in (False, True)),
    Row({}, faults=(Fault("other_status_host"),)),
    # 8. how long a URL, a token and a job live
    Row({"expire_seconds": 1}),
    Row({"expire_seconds": 0}, exit=8, stored=0),
    Row({"fresh_urls": False}),
    Row({"fresh_urls": False, "expire_seconds": 0}, exit=8, stored=0),
    Row({}, faults=(Fault("expired"),)),
    Row({"job_known_seconds": 0.0}, exit=8, stored=0),
    *(Row({"token_seconds": life}) for life in (1, 60, 86399)),
    *(Row({"token_lifetime": spelled}) for spelled in ("number", "text")),
    *(Row({"token_cached_seconds": seconds}, faults=(Fault("401", nth=2),)) for seconds in (0.0, 45.0)),
    Row({"token_cached_seconds": 600.0}, 7, 0, faults=(Fault("401", nth=2),)),
    # 9. the type of an image
    *(Row({"media_type": kind}) for kind in ("image/jpeg", "image/png", "image/webp")),
    # 10. pages of gateways, lost connections
    Row({}, 4, 6, (Fault("html", nth=1),)),
    Row({}, 4, 6, (Fault("reset_after", nth=1),)),
    Row({}, 4, 6, (Fault("500_after", nth=1),)),
    Row({}, faults=(Fault("html", "poll", nth=1),)),
    # 11. image4_ultra with several images: we ask for one at a time
    *(Row({"ultra_many": w}, stored=4, campaign={"model": "image4_ultra", "requests": 2}) for w in ("422", "fewer")),
    # 12. dates of custom models
    *(Row({"dates": form}, campaign=CUSTOM) for form in ("milliseconds", "iso")),
    # how long things take
    Row({"job_seconds": 0.0}),
    Row({"job_seconds": 7200.0}, exit=8, stored=0),
    *(Row({"job_spread": 1.0, "spread_shape": shape}) for shape in ("even", "long_tail")),
    Row({"answer_seconds": 5.0, "answer_spread": 1.0}),
    Row({"answer_seconds": 100.0}, exit=8, stored=0),
    # what else can be set
    *(Row({"seed": seed}) for seed in (0, 7)),
    *(Row({"plain_pictures": is_plain}) for is_plain in (False, True)),
    *(Row({"drift": is_drifted}, campaign=CUSTOM) for is_drifted in (False, True)),
]


ENDS = {
    # a fault of the first time: the exit status of two requests for one image each, and how many are stored
    ("500", "submit"): (4, 1),
    ("html", "submit"): (4, 1),
    ("reset", "submit"): (4, 1),
    ("reset_after", "submit"): (4, 1),
    ("500_after", "submit"): (4, 1),
    ("garbled", "submit"): (4, 1),
    ("no_job_id", "job"): (4, 1),
    ("redirect", "submit"): (7, 0),
    ("redirect", "models"): (7, None),  # before there is anything to keep a record of
    ("redirect", "token"): (7, None),
    ("402", "submit"): (7, 0),
    ("403", "submit"): (7, 0),
    ("404", "submit"): (7, 0),
    ("405", "submit"): (7, 0),
    ("410", "submit"): (7, 0),
    **{(kind, "submit"): (3, 1) for kind in ("400", "413", "415", "422")},
    ("garbled", "token"): (7, None),
    ("noise", "submit"): (4, 1),
    ("forgotten", "job"): (8, 1),
    ("no_result", "job"): (8, 1),
    **{(kind, "output"): (8, 1) for kind in ("dead_link", "no_link", "unfinished", "compressed", "trickle", "bomb")},
    ("403", "poll"): (7, 1),  # nothing more is bought, what is paid for is fetched
    ("451", "submit"): (3, 1),
    ("451", "job"): (3, 1),
    ("failed", "job"): (3, 1),
    ("cancelled", "job"): (3, 1),
    ("timeout", "job"): (3, 1),
    ("stuck", "job"): (8, 1),
    ("fewer_outputs", "job"): (3, 1),
    ("no_outputs", "job"): (3, 1),
    ("unknown_seed", "job"): (3, 1),
    ("other_image_host", "output"): (8, 1),
    ("wrong_size", "output"): (3, 1),
    ("wrong_size", "download"): (3, 1),
    ("truncated", "output"): (8, 1),
    ("cut", "output"): (8, 1),
    ("not_an_image", "output"): (8, 1),
    ("huge", "output"): (8, 1),
}
"""All others end in 0 with both images stored."""
FAULTS = [(kind, place) for kind, places in KINDS.items() for place in places]
USUAL = {switch.name: switch.default for switch in fields(Settings)}


def hold(rehearsal: Rehearsal) -> None:
    """What must be true after any run."""
    exchanges = rehearsal.sandbox.exchanges
    found = {sentence for exchange in exchanges for sentence in SPECIFICATION.deviations(exchange)}
    assert not unexpected(found)
    assert rehearsal.ledger["charged_twice"] == {}


def rows() -> Iterator[Any]:
    """Each row on a lenient and on a strict sandbox.

    The default command takes each switch once in another position than its usual one, and each end, on one of the two.
    """
    usual: set[object] = set()
    for number, row in enumerate(ROWS):
        tells = {(row.exit, row.stored), *(name for name, value in row.switches.items() if value != USUAL[name])}
        is_new, usual = bool(tells - usual), usual | tells
        for is_strict in (False, True):
            name = f"{row.switches or row.faults[0].kind}-{'strict' if is_strict else 'lenient'}"
            is_usual = is_new and is_strict == number % 2
            yield pytest.param(row, is_strict, id=name, marks=() if is_usual else (pytest.mark.proof,))


def faults() -> Iterator[Any]:
    """Each kind at each place where it may strike; the default command takes each end at each place once.

    It plays every kind in `tests/matrix`, and walks with every kind in `test_answers.py`.
    """
    usual: set[object] = set()
    for kind, place in FAULTS:
        tells = (place, ENDS.get((kind, place)))
        yield pytest.param(kind, place, id=f"{kind}-{place}", marks=() if tells not in usual else (pytest.mark.proof,))
        usual.add(tells)


@pytest.mark.parametrize(("row", "is_strict"), list(rows()))
async def test_a_run_ends_as_promised_however_the_service_reads_its_pages(
    row: Row, is_strict: bool, tmp_path: Path
) -> None:
    async with rehearsed(tmp_path, *row.faults, **{"strict": is_strict, **row.switches}) as rehearsal:
        assert await rehearsal.run(rehearsal.write(**{"seeds": 2, **row.campaign})) == row.exit
        assert [entry["doubts"] for entry in rehearsal.ledger["requests"] if entry["doubts"]] == []
        assert rehearsal.manifest()["counts"]["stored"] == row.stored
        hold(rehearsal)


@pytest.mark.parametrize(("kind", "place"), list(faults()))
async def test_a_run_ends_as_promised_whatever_goes_wrong_once(kind: str, place: str, tmp_path: Path) -> None:
    async with rehearsed(tmp_path, Fault(kind, place, nth=1)) as rehearsal:
        code, stored = ENDS.get((kind, place), (0, 2))
        assert await rehearsal.run(rehearsal.write(requests=2, seeds=1, **CUSTOM), concurrency=1) == code
        assert stored is None or rehearsal.manifest()["counts"]["stored"] == stored
        hold(rehearsal)


async def test_a_job_id_that_was_given_before_is_a_doubt(tmp_path: Path) -> None:
    async with rehearsed(tmp_path, Fault("repeated_job_id", nth=2)) as rehearsal:
        assert await rehearsal.run(rehearsal.write(requests=2, seeds=1)) == 4
        hold(rehearsal)


async def test_a_night_of_faults_by_rate_repeats_exactly(tmp_path: Path) -> None:
    faults = [Fault("503", rate=0.2), Fault("failed", rate=0.2), Fault("cut", rate=0.2), Fault("slow", rate=0.5)]
    nights = []
    for number in range(2):
        async with rehearsed(tmp_path / str(number), *faults, seed=5, job_spread=0.5) as rehearsal:
            code = await rehearsal.run(rehearsal.write(requests=8, seeds=1), concurrency=1)
            states = [(image["key"], image["state"]) for image in rehearsal.manifest()["images"]]
            nights.append((code, states, rehearsal.ledger["calls"], rehearsal.ledger["charged"]))
            hold(rehearsal)
    assert nights[0] == nights[1]
    assert {state for _, state in nights[0][1]} == {"stored", "failed"}


def positions(hint: Any, default: Any) -> set[Any]:
    """What a switch can be set to: all of a few words, else anything but the usual."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return {False, True} if hint is bool else {default}


@pytest.mark.parametrize("switch", fields(Settings), ids=lambda switch: switch.name)
def test_every_switch_is_in_the_table_in_every_position(switch: Any) -> None:
    hint = get_type_hints(Settings)[switch.name]
    tried = {row.switches.get(switch.name, switch.default) for row in ROWS}
    assert tried >= positions(hint, switch.default)
    assert len(tried) > 1
