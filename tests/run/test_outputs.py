"""From finished at the service to stored on the disk: nothing paid for is lost, nothing wrong is kept as right."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from typing import Any

import pytest

from campaign_runner.events import Accepted, Event, Failed, Left, SetAside, Stored, Warned
from campaign_runner.run.control import Control
from campaign_runner.run.keeping import MOST_STRAYS, STRAYS_WITHIN
from campaign_runner.run.parts import Limits
from campaign_runner.sandbox.downloads import picture_of
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.images import render

ONE_BY_ONE = Limits(concurrency=1)


async def test_every_image_is_the_very_bytes_that_the_service_made(begin: Any) -> None:
    night = await begin(plain_pictures=False)
    ended = await night.run(night.campaign(requests=1, seeds=2))
    job = night.sandbox._jobs.first()
    made = {output.seed: render(picture_of(job, output), "image/jpeg") for output in job.outputs}
    assert len(ended.images) == len(made) == 2
    for image in ended.images:
        assert (night.output / image["file"]).read_bytes() == made[image["seed"]]
        assert image["sha256"] == hashlib.sha256(made[image["seed"]]).hexdigest()
        assert image["media_type"] == "image/jpeg"


async def test_every_image_is_the_one_its_own_job_made(begin: Any) -> None:
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
    begin: Any, fault: Fault, code: str, stored: int, aside: int
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


async def test_both_spellings_of_cancelled_are_known(begin: Any) -> None:
    night = await begin(Fault("cancelled", nth=1), cancelled_word="canceled")
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert ended.states == {"stored": 1, "failed": 1}


async def test_outputs_in_another_order_find_their_seeds(begin: Any) -> None:
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


async def test_an_image_nobody_asked_for_is_kept_aside_with_a_word(begin: Any) -> None:
    night = await begin(Fault("extra_output", nth=1))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 0
    (aside,) = ended.seen(SetAside)
    assert (night.output / aside.file).exists()


async def test_an_image_nobody_asked_for_that_cannot_be_had_is_told_and_keeps_no_other(begin: Any) -> None:
    night = await begin(Fault("extra_output", nth=1), *unfetched(after=4))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert not ended.seen(SetAside)
    assert any("nobody asked for" in warned.message for warned in ended.seen(Warned))


async def test_nothing_is_missing_before_what_came_instead_is_kept(begin: Any) -> None:
    night = await begin(Fault("unknown_seed"), *unfetched(after=3))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (8, {"stored": 3, "accepted": 1})
    again = await night.run()
    assert (again.code, again.states, again.reasons) == (3, {"stored": 3, "failed": 1}, {"missing": 1})
    assert len(list(night.output.glob("images/unexpected/*"))) == night.ledger.images_charged - 3 == 1


async def test_a_signal_does_not_lose_what_came_instead(begin: Any) -> None:
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
    begin: Any, kind: str, stays: dict[str, int]
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


async def test_what_was_asked_for_comes_before_a_flood_of_which_a_few_are_kept(begin: Any) -> None:
    night = await begin(Fault("flood"))
    ended = await night.run(night.campaign(requests=2))
    assert (ended.code, ended.states) == (0, {"stored": 8})
    assert night.ledger.calls["download"] == 2 * (4 + MOST_STRAYS)
    facts = [type(event) for event in ended.events if isinstance(event, Stored | SetAside)]
    assert facts.index(SetAside) >= 4 and len(ended.seen(SetAside)) == 2 * MOST_STRAYS
    (first, _) = [warned.message for warned in ended.seen(Warned)]
    assert first == "Adobe's answer has 2,000 images that nobody asked for: 1,992 of them are not fetched"


async def test_what_is_missing_from_a_flood_is_told_once_a_few_are_kept(begin: Any) -> None:
    night = await begin(Fault("unknown_seed"), Fault("flood"))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.reasons) == (3, {"missing": 1})


async def test_a_flood_that_comes_byte_by_byte_takes_two_minutes_and_no_more(begin: Any) -> None:
    night = await begin(Fault("flood"), *(Fault("trickle", "download", nth=nth) for nth in range(5, 100)))
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert ended.seconds < 2 + STRAYS_WITHIN + 10


async def test_a_signal_ends_a_flood(begin: Any) -> None:
    night = await begin(Fault("flood"), Fault("slow", "download", seconds=5))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, SetAside):
            control.signalled(signal.SIGINT)

    ended = await night.run(night.campaign(requests=1, seeds=1), watch=watch)
    assert (ended.code, ended.states) == (130, {"stored": 1})
    assert len(ended.seen(SetAside)) == 1
    assert ended.after_stop is not None and ended.after_stop < 5


async def test_an_expired_link_is_refreshed_by_polling(begin: Any) -> None:
    night = await begin(Fault("expired", first=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 0
    assert ended.seconds < 20


@pytest.mark.parametrize("kind", ["truncated", "cut", "not_an_image", "503", "reset"])
async def test_what_is_no_whole_picture_is_fetched_again(begin: Any, kind: str) -> None:
    night = await begin(Fault(kind, where="download", first=3))
    ended = await night.run(night.campaign(requests=2, seeds=2))
    assert ended.code == 0
    assert night.ledger.images_charged == 4


@pytest.mark.parametrize("kind", ["truncated", "not_an_image"])
async def test_after_six_tries_an_image_stays_at_the_service_for_the_next_run(begin: Any, kind: str) -> None:
    night = await begin(Fault(kind, where="download", first=6))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 8
    assert ended.states == {"accepted": 1}
    assert len(ended.seen(Left)) == 1
    assert night.ledger.calls["download"] == 6
    again = await night.run()
    assert again.code == 0
    assert night.ledger.images_charged == 1


async def test_a_bad_image_does_not_keep_the_others_of_its_job(begin: Any) -> None:
    night = await begin(Fault("not_an_image", where="output", nth=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.states == {"stored": 3, "accepted": 1}


async def test_a_wrong_size_fails_at_once_and_its_bytes_are_kept(begin: Any) -> None:
    night = await begin(Fault("wrong_size", nth=2))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 3
    assert ended.reasons == {"wrong_size": 1}
    (aside,) = ended.seen(SetAside)
    assert (night.output / aside.file).exists()
    assert night.ledger.calls["download"] == 4


async def test_an_image_on_a_host_not_trusted_fails_and_the_others_are_kept(begin: Any) -> None:
    night = await begin(Fault("other_image_host", nth=3))
    ended = await night.run(night.campaign(requests=1))
    assert ended.code == 3
    assert ended.states == {"stored": 3, "failed": 1}
    assert ended.reasons == {"blocked_host": 1}


@pytest.mark.parametrize(("kind", "warned"), [("other_status_host", True), ("no_status_url", None)])
async def test_without_a_trusted_status_url_the_canonical_one_is_polled(
    begin: Any, kind: str, warned: bool | None
) -> None:
    night = await begin(Fault(kind, nth=1))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 0
    assert bool(ended.seen(Warned)) or warned is None


async def test_what_the_service_remarks_is_recorded_with_the_image(begin: Any) -> None:
    night = await begin(Fault("denied_words", nth=1))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 0
    assert ended.images[0]["warnings"]


async def test_no_more_than_four_images_are_fetched_at_once(begin: Any) -> None:
    night = await begin(Fault("slow", where="download", seconds=10))
    ended = await night.run(night.campaign(requests=8, seeds=1))
    assert ended.code == 0
    assert ended.seconds >= 2 + 2 * 10  # eight, four at a time


async def test_a_slot_is_free_while_images_are_fetched(begin: Any) -> None:
    night = await begin(Fault("slow", where="download", seconds=20), job_seconds=1)
    await night.run(night.campaign(requests=2, seeds=1), limits=ONE_BY_ONE)
    first, second = (entry.at for entry in night.ledger.accepted)
    assert second - first < 10


async def test_what_waits_for_its_download_is_bounded(begin: Any) -> None:
    night = await begin(Fault("slow", where="download", seconds=30), job_seconds=1)
    await night.run(night.campaign(requests=4, seeds=1), limits=ONE_BY_ONE)
    times = [entry.at for entry in night.ledger.accepted]
    assert times[1] - times[0] < 10 < 20 < times[2] - times[0]


async def test_one_failing_job_tells_its_failure_once_an_image(begin: Any) -> None:
    night = await begin(Fault("failed", nth=1))
    ended = await night.run(night.campaign(requests=2))
    assert len(ended.seen(Failed)) == 4


async def test_a_finished_image_is_not_fetched_twice(begin: Any) -> None:
    night = await begin()
    await night.run(night.campaign(requests=3))
    await asyncio.sleep(3600)
    await night.run()
    assert night.ledger.calls["download"] == 12
