"""From finished at the service to stored on the disk: nothing paid for is lost, nothing wrong is kept as right."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from dataclasses import replace

import pytest

from campaign_runner.events import (
    Accepted,
    Event,
    Failed,
    SetAside,
    StillAccepted,
    Stopping,
    Stored,
    Warned,
)
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.fetcher import MOST_STRAYS, STRAYS_WITHIN
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox import downloads
from campaign_runner.sandbox.downloads import picture_of
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.images import render
from tests.fixtures import Begin
from tests.night import Night

ONE_BY_ONE = Limits(concurrency=1)
SLOW = RateLimit(per_minute=1, per_day=1000)


async def test_every_image_is_the_very_bytes_that_the_service_made(begin: Begin) -> None:
    night = await begin(plain_pictures=False)
    ended = await night.run(night.campaign(requests=1, seeds=2))
    job = night.sandbox._jobs.first()
    made = {output.seed: render(picture_of(job, output), "image/jpeg") for output in job.outputs}
    assert len(ended.images) == len(made) == 2
    for image in ended.images:
        assert (night.output / image["file"]).read_bytes() == made[image["seed"]]
        assert image["sha256"] == hashlib.sha256(made[image["seed"]]).hexdigest()
        assert image["media_type"] == "image/jpeg"


async def test_every_image_is_the_one_its_own_job_made(begin: Begin) -> None:
    night = await begin(job_seconds=20, job_spread=0.5)
    ended = await night.run(night.campaign(requests=4, seeds=2))
    made = {
        job.keys[output.index]: night.rendered(job, output)
        for job in night.sandbox._jobs._jobs.values()
        for output in job.outputs
    }
    assert len(set(made.values())) == 8
    assert {image["key"]: (night.output / image["file"]).read_bytes() for image in ended.images} == made


JOBS = [
    # fault of a job, the code told, how many of 4 images are stored, how many are kept aside
    (Fault("failed", nth=1, word="prompt_unsafe"), "prompt_unsafe", 0, 0),
    (Fault("cancelled", nth=1), "job_cancelled", 0, 0),
    (Fault("timeout", nth=1), "job_timeout", 0, 0),
    (Fault("451", where="job", nth=1), "prompt_unsafe", 0, 0),
    (Fault("no_outputs", nth=1), "missing", 0, 0),
    (Fault("fewer_outputs", nth=1), "missing", 3, 0),
    (Fault("unknown_seed", nth=1), "missing", 3, 1),
    (Fault("duplicate_seed", nth=1), "missing", 3, 1),
]


@pytest.mark.parametrize(("fault", "code", "stored", "aside"), JOBS, ids=lambda value: getattr(value, "kind", None))
async def test_what_a_job_does_not_deliver_fails_and_what_it_does_is_stored(
    begin: Begin, fault: Fault, code: str, stored: int, aside: int
) -> None:
    night = await begin(fault)
    ended = await night.run(night.campaign(requests=2))
    assert ended.code == 3
    assert ended.states == {"stored": 4 + stored, "failed": 4 - stored}
    assert ended.reasons == {code: 4 - stored}
    assert len(ended.seen(SetAside)) == len(list(night.output.glob("images/unexpected/*"))) == aside
    asked = len(night.ledger.entries)
    again = await night.run()
    assert (again.code, len(night.ledger.entries)) == (3, asked)


async def test_both_spellings_of_cancelled_are_known(begin: Begin) -> None:
    night = await begin(Fault("cancelled", nth=1), cancelled_word="canceled")
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert ended.states == {"stored": 1, "failed": 1}


async def test_outputs_in_another_order_find_their_seeds(begin: Begin) -> None:
    night = await begin(shuffled=True)
    ended = await night.run(night.campaign(requests=1))
    job = night.sandbox._jobs.first()
    assert ended.code == 0
    for image in ended.images:
        output = job.outputs[job.seeds.index(image["seed"])]
        assert (night.output / image["file"]).read_bytes() == night.rendered(job, output)


def unfetched(*, after: int) -> list[Fault]:
    """Once so many images are fetched, the next one cannot be, as often as it is tried."""
    return [Fault("503", where="download", nth=nth) for nth in range(after + 1, after + 7)]


async def test_an_image_nobody_asked_for_is_kept_aside_with_a_word(begin: Begin) -> None:
    night = await begin(Fault("extra_output", nth=1))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 0
    (aside,) = ended.seen(SetAside)
    assert (night.output / aside.file).exists()


async def test_an_image_nobody_asked_for_that_cannot_be_had_is_told_and_keeps_no_other(begin: Begin) -> None:
    night = await begin(Fault("extra_output", nth=1), *unfetched(after=4))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert not ended.seen(SetAside)
    assert any("was not requested" in warned.message for warned in ended.seen(Warned))


async def test_nothing_is_missing_before_what_came_instead_is_kept(begin: Begin) -> None:
    night = await begin(Fault("unknown_seed"), *unfetched(after=3))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (8, {"stored": 3, "accepted": 1})
    again = await night.run()
    assert (again.code, again.states, again.reasons) == (3, {"stored": 3, "failed": 1}, {"missing": 1})
    assert len(list(night.output.glob("images/unexpected/*"))) == night.ledger.images_charged - 3 == 1


async def test_a_signal_does_not_lose_what_came_instead(begin: Begin) -> None:
    night = await begin(Fault("unknown_seed"), Fault("cut", where="download"))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):  # made two seconds later, and then tried for longer than two more
            asyncio.get_running_loop().call_later(4, control.signalled, signal.SIGINT)

    ended = await night.run(night.campaign(requests=1, seeds=1), watch=watch)
    assert (ended.code, ended.states) == (130, {"accepted": 1})
    night.forgive()
    assert (await night.run()).reasons == {"missing": 1}
    assert len(list(night.output.glob("images/unexpected/*"))) == 1


@pytest.mark.parametrize(("kind", "stays"), [("extra_output", {"stored": 4}), ("unknown_seed", {"accepted": 1})])
async def test_a_disk_that_refuses_what_nobody_asked_for_keeps_away_nothing_else(
    begin: Begin, kind: str, stays: dict[str, int]
) -> None:
    night = await begin(Fault(kind))
    in_the_way = night.output / "images" / "unexpected"

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            in_the_way.parent.mkdir(parents=True, exist_ok=True)
            in_the_way.write_bytes(b"a file, not a folder")

    ended = await night.run(night.campaign(requests=1), watch=watch)
    assert ended.code in {5, 6}
    assert ended.states == {"stored": 3} | stays
    in_the_way.unlink()
    again = await night.run()
    assert again.states["accepted"] == 0
    assert len(list(in_the_way.glob("*"))) == ("accepted" in stays)


async def test_what_was_asked_for_comes_before_a_flood_of_which_a_few_are_kept(begin: Begin) -> None:
    night = await begin(Fault("flood"))
    ended = await night.run(night.campaign(requests=2))
    assert (ended.code, ended.states) == (0, {"stored": 8})
    assert night.ledger.calls["download"] == 2 * (4 + MOST_STRAYS)
    facts = [type(event) for event in ended.events if isinstance(event, Stored | SetAside)]
    assert facts.index(SetAside) >= 4 and len(ended.seen(SetAside)) == 2 * MOST_STRAYS
    (first, _) = [warned.message for warned in ended.seen(Warned)]
    assert first == "Adobe's answer has 2,000 images that were not requested; 1,992 of them are not downloaded"


async def test_what_is_missing_from_a_flood_is_told_once_a_few_are_kept(begin: Begin) -> None:
    night = await begin(Fault("unknown_seed"), Fault("flood"))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.reasons) == (3, {"missing": 1})


async def test_a_flood_that_comes_byte_by_byte_takes_two_minutes_and_no_more(begin: Begin) -> None:
    night = await begin(Fault("flood"), *(Fault("trickle", "download", nth=nth) for nth in range(5, 100)))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert ended.seconds < 2 + STRAYS_WITHIN + 10


async def test_a_signal_ends_a_flood(begin: Begin) -> None:
    night = await begin(Fault("flood"), Fault("slow", "download", seconds=5))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, SetAside):
            control.signalled(signal.SIGINT)

    ended = await night.run(night.campaign(requests=1, seeds=1), watch=watch)
    assert (ended.code, ended.states) == (130, {"stored": 1})
    assert len(ended.seen(SetAside)) == 1
    assert ended.after_stop is not None and ended.after_stop < 5


async def test_an_expired_link_is_refreshed_by_polling(begin: Begin) -> None:
    night = await begin(Fault("expired", first=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 0
    assert ended.seconds < 20


@pytest.mark.parametrize("kind", ["truncated", "cut", "not_an_image", "503", "reset"])
async def test_what_is_no_whole_picture_is_fetched_again(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, where="download", first=3))
    ended = await night.run(night.campaign(requests=2, seeds=2))
    assert ended.code == 0
    assert night.ledger.images_charged == 4


@pytest.mark.parametrize("kind", ["truncated", "not_an_image"])
async def test_after_six_tries_an_image_stays_at_the_service_for_the_next_run(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, where="download", first=6))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 8
    assert ended.states == {"accepted": 1}
    assert len(ended.seen(StillAccepted)) == 1
    assert night.ledger.calls["download"] == 6
    again = await night.run()
    assert again.code == 0
    assert night.ledger.images_charged == 1


async def test_a_bad_image_does_not_keep_the_others_of_its_job(begin: Begin) -> None:
    night = await begin(Fault("not_an_image", where="output", nth=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.states == {"stored": 3, "accepted": 1}


async def test_a_wrong_size_fails_at_once_and_its_bytes_are_kept(begin: Begin) -> None:
    night = await begin(Fault("wrong_size", nth=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 3
    assert ended.reasons == {"wrong_size": 1}
    (aside,) = ended.seen(SetAside)
    assert (night.output / aside.file).exists()
    assert night.ledger.calls["download"] == 4


async def test_an_image_on_a_host_not_trusted_waits_and_the_others_are_kept(begin: Begin) -> None:
    night = await begin(Fault("other_image_host", nth=3, word="images.example.test"))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states, ended.reasons) == (8, {"stored": 3, "accepted": 1}, {"blocked_host": 1})
    (waiting,) = [line for line in ended.lines if "images.example.test" in line]
    assert "CAMPAIGN_RUNNER_IMAGE_HOSTS" in waiting
    again = await night.run()
    assert (again.code, again.states, again.reasons) == (8, ended.states, ended.reasons)
    assert again.manifest["images"] == ended.manifest["images"]
    _move(night)
    assert (await night.run()).states == {"stored": 4}
    assert night.ledger.images_charged == 4


async def test_images_on_a_host_not_trusted_are_lost_like_any_others(begin: Begin) -> None:
    night = await begin(Fault("other_image_host", word="images.example.test"), job_known_seconds=20 * 3600.0)
    assert (await night.run(night.campaign(requests=1))).reasons == {"blocked_host": 4}
    await asyncio.sleep(19 * 3600)
    assert (await night.run()).reasons == {"blocked_host": 4}
    await asyncio.sleep(6 * 3600)
    lost = await night.run()
    assert (lost.code, lost.reasons) == (3, {"lost": 4})


USELESS = {
    "on a host that is not trusted": (Fault("other_image_host", word="images.example.test"), "accepted"),
    "one of two on such a host": (Fault("other_image_host", every=2), "accepted"),
    "without seeds": (Fault("without_seed"), "failed"),
    "none at all": (Fault("no_outputs"), "failed"),
    "of a wrong size": (Fault("wrong_size"), "failed"),
    "damaged": (Fault("truncated", where="output"), "accepted"),
    "pages": (Fault("not_an_image", where="output"), "accepted"),
    "without a link": (Fault("no_link"), "accepted"),
    "without a result": (Fault("no_result"), "accepted"),
}


@pytest.mark.parametrize(("fault", "state"), USELESS.values(), ids=USELESS)
async def test_three_jobs_in_a_row_without_an_image_that_can_be_used_stop_submitting(
    begin: Begin, fault: Fault, state: str
) -> None:
    night = await begin(fault, per_minute=1)
    ended = await night.run(night.campaign(requests=9, seeds=2), rate=SLOW, limits=ONE_BY_ONE)
    assert ended.code == 8
    assert ended.states["pending"] >= 6 and ended.states[state] >= 3
    assert (
        night.ledger.images_charged <= 12
    )  # the fourth and, while the last tries go on, a few more may be on their way
    (stopping,) = ended.seen(Stopping)
    assert "3 requests in a row brought no usable image" in stopping.why
    assert any("stopped: 3 requests in a row" in line for line in ended.lines)


async def test_a_job_that_delivers_begins_the_count_anew(begin: Begin) -> None:
    night = await begin(*(Fault("no_outputs", nth=number) for number in (1, 2, 4, 5)))
    ended = await night.run(night.campaign(requests=6, seeds=1), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (3, {"stored": 2, "failed": 4})
    assert not ended.seen(Stopping)


async def test_where_nothing_is_left_to_buy_useless_jobs_are_only_what_became_of_them(begin: Begin) -> None:
    night = await begin(Fault("wrong_size"))
    ended = await night.run(night.campaign(requests=3, seeds=1), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (3, {"failed": 3})


async def test_jobs_that_the_service_says_failed_keep_no_others_from_being_asked_for(begin: Begin) -> None:
    night = await begin(Fault("failed", word="prompt_unsafe"))
    ended = await night.run(night.campaign(requests=5, seeds=1), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (3, {"failed": 5})


async def test_one_job_that_is_asked_for_every_half_hour_counts_once(begin: Begin) -> None:
    others = [Fault("failed", nth=number) for number in range(2, 121)]
    night = await begin(Fault("other_image_host", nth=1), *others, per_minute=1)
    ended = await night.run(night.campaign(requests=120, seeds=1), rate=SLOW, limits=ONE_BY_ONE)
    assert ended.seconds > 3 * 1800
    assert ended.states == {"accepted": 1, "failed": 119}
    assert len(ended.seen(StillAccepted)) > 3


@pytest.mark.parametrize("kind", ["seed_as_text", "seed_as_float"])
async def test_a_seed_is_known_however_it_is_written(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind), shuffled=True)
    ended = await night.run(night.campaign(requests=2))
    assert (ended.code, ended.states) == (0, {"stored": 8})
    assert not ended.seen(SetAside)
    jobs = night.sandbox._jobs._jobs.values()
    made = {job.keys[output.index]: night.rendered(job, output) for job in jobs for output in job.outputs}
    assert {image["key"]: (night.output / image["file"]).read_bytes() for image in ended.images} == made


async def test_one_image_that_comes_back_alone_without_a_seed_is_that_image(begin: Begin) -> None:
    night = await begin(Fault("without_seed"))
    ended = await night.run(night.campaign(requests=4, seeds=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert not ended.seen(SetAside)


async def test_of_several_images_without_seeds_none_is_guessed_and_all_are_kept(begin: Begin) -> None:
    night = await begin(Fault("without_seed", nth=1))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states, ended.reasons) == (3, {"failed": 4}, {"missing": 4})
    assert len(list(night.output.glob("images/unexpected/*_no-seed_*.jpg"))) == 4
    (look,) = [line for line in ended.lines if "look first" in line]
    assert look.count("images/unexpected/") == 4
    assert ended.lines.index(look) < next(n for n, line in enumerate(ended.lines) if "--retry-failed" in line)


async def test_a_single_image_without_a_seed_beside_another_is_not_guessed(begin: Begin) -> None:
    night = await begin(Fault("without_seed"), Fault("extra_output"))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert (ended.code, ended.reasons) == (3, {"missing": 1})


async def test_what_is_no_whole_picture_at_the_last_try_is_kept_as_it_came(begin: Begin) -> None:
    night = await begin(Fault("truncated", where="output", first=2))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states, ended.reasons) == (8, {"stored": 2, "accepted": 2}, {"damaged": 2})
    kept = {file.name: file.read_bytes() for file in night.output.glob("images/unexpected/*")}
    attempt = ended.seen(Accepted)[0].attempt.id
    assert kept == {
        f"{attempt}_s{seed}_{hashlib.sha256(half).hexdigest()[:8]}.bin": half for seed, half in _halves(night)
    }
    assert any(line.strip().startswith("what came is kept: ") for line in ended.lines)
    again = await night.run()
    assert not again.seen(SetAside), "the same bytes are kept once"
    assert len(list(night.output.glob("images/unexpected/*"))) == 2
    _move(night)
    assert (await night.run()).states == {"stored": 4}
    assert night.ledger.images_charged == 4


async def test_at_most_three_different_ones_of_what_is_no_picture_are_kept_of_an_image(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin(Fault("truncated", where="output", nth=1))
    campaign = night.campaign(requests=1, seeds=1)
    for number in range(5):
        monkeypatch.setattr(downloads, "render", lambda picture, media_type, n=number: b"\xff\xd8" + bytes([n]) * 99)
        assert (await night.run(campaign)).states == {"accepted": 1}
    assert len(list(night.output.glob("images/unexpected/*_s1_*.bin"))) == 3


async def test_what_a_cut_connection_leaves_is_not_kept(begin: Begin) -> None:
    night = await begin(Fault("cut", where="output", nth=1))
    assert (await night.run(night.campaign(requests=1, seeds=1))).states == {"accepted": 1}
    assert not list(night.output.glob("images/unexpected/*"))


@pytest.mark.parametrize("media_type", ["", "image/png", "image/webp"])
async def test_much_beside_the_pixels_is_stored_as_it_came(begin: Begin, media_type: str) -> None:
    night = await begin(Fault("metadata"), media_type=media_type)
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert not [warned for warned in ended.seen(Warned) if "contact sheet" in warned.message]


def _halves(night: Night) -> list[tuple[int, bytes]]:
    """What came of the first two images of the first job, by seed."""
    job = night.sandbox._jobs.first()
    whole = [(output.seed, night.rendered(job, output)) for output in job.outputs[:2]]
    return [(seed, content[: len(content) // 2]) for seed, content in whole]


def _move(night: Night) -> None:
    """Nothing is wrong with the images of the jobs any more."""
    for job in night.sandbox._jobs._jobs.values():
        object.__setattr__(job, "outputs", tuple(replace(output, faults=()) for output in job.outputs))


@pytest.mark.parametrize(("kind", "warned"), [("other_status_host", True), ("no_status_url", None)])
async def test_without_a_trusted_status_url_the_canonical_one_is_polled(
    begin: Begin, kind: str, warned: bool | None
) -> None:
    night = await begin(Fault(kind, nth=1))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 0
    assert bool(ended.seen(Warned)) or warned is None


async def test_what_the_service_remarks_is_recorded_with_the_image(begin: Begin) -> None:
    night = await begin(Fault("denied_words", nth=1))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 0
    assert ended.images[0]["warnings"]


async def test_no_more_than_four_images_are_fetched_at_once(begin: Begin) -> None:
    night = await begin(Fault("slow", where="download", seconds=10))
    ended = await night.run(night.campaign(requests=8, seeds=1))
    assert ended.code == 0
    assert ended.seconds >= 2 + 2 * 10  # eight, four at a time


async def test_a_slot_is_free_while_images_are_fetched(begin: Begin) -> None:
    night = await begin(Fault("slow", where="download", seconds=20), job_seconds=1)
    await night.run(night.campaign(requests=2, seeds=1), limits=ONE_BY_ONE)
    first, second = (entry.at for entry in night.ledger.accepted)
    assert second - first < 10


async def test_what_waits_for_its_download_is_bounded(begin: Begin) -> None:
    night = await begin(Fault("slow", where="download", seconds=30), job_seconds=1)
    await night.run(night.campaign(requests=4, seeds=1), limits=ONE_BY_ONE)
    times = [entry.at for entry in night.ledger.accepted]
    assert times[1] - times[0] < 10 < 20 < times[2] - times[0]


async def test_one_failing_job_tells_its_failure_once_an_image(begin: Begin) -> None:
    night = await begin(Fault("failed", nth=1))
    ended = await night.run(night.campaign(requests=2))
    assert len(ended.seen(Failed)) == 4


async def test_a_finished_image_is_not_fetched_twice(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign(requests=3))
    await asyncio.sleep(3600)
    await night.run()
    assert night.ledger.calls["download"] == 12
