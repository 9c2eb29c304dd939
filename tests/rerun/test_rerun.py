"""The images of a manifest made again: the same requests, compared pair by pair, and nothing bought twice over."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.events import Accepted, Event, Placed
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.model import Cause
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_reader import read_manifest
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.rerun.choice import choose
from campaign_runner.rerun.standing import standing
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.session.request import ServiceAccess
from campaign_runner.verify.verification import verify
from tests import disks
from tests.fixtures import Begin
from tests.night import Night
from tests.rerun.again import again
from tests.run.test_references import referring


def sent(night: Night) -> list[tuple[str, Sequence[int], Mapping[str, Any]]]:
    """Every accepted request: model, seeds in their order, body."""
    return [(entry.version, entry.seeds, entry.body or {}) for entry in night.ledger.accepted]


def images(night: Night) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((night.output / "manifest.json").read_bytes())["images"]
    return found


async def made(begin: Begin, *, requests: int = 2, seeds: int = 2, **switches: Any) -> Night:
    """A night whose campaign is stored. Whatever is made again is paid for on a person's word."""
    night = await begin(**switches)
    assert (await night.run(night.campaign(requests=requests, seeds=seeds))).code == 0
    night.resolved |= set(night.ledger.charged)
    return night


def train_anew(night: Night) -> None:
    """A year passes: from now on the service's models make other pictures."""
    settings = replace(night.sandbox.settings, drift=True)
    night.sandbox.settings = night.sandbox._downloads._settings = settings


async def test_the_same_service_makes_the_same_images_of_the_same_requests(begin: Begin) -> None:
    night = await made(begin, requests=3, seeds=3)
    before = sent(night)
    ended = await again(night)
    assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 9})
    assert sorted(sent(night)[3:], key=str) == sorted(before, key=str)
    assert set(night.ledger.charged.values()) == {2}
    assert ended.lines[-1].startswith("ok images=9 ") and ended.lines[-1].endswith("requests=3 exit=0")
    assert ended.folder == night.output.with_name("night.rerun")


# SHA-256 of '{"body":{"prompt":"night ½ \ufb01g, \uff12 m² 0 on a table","size":{"height":1024,"width":1024}},
# "v":1,"version":"image3"}' without the line break; of that digest in hex and ":1".
COMPATIBLE_RECIPE = "f727a77772f2cf52187de9e18bedfd05754996225ae6a80e2611be353fea2940"
COMPATIBLE_KEY = "eb029a39d51fffcbe6f3ac37ef84452bb303cc667dbf971f7122661b14efa05a"


async def test_characters_that_only_look_like_others_are_recorded_and_made_again_as_they_are(begin: Begin) -> None:
    night = await begin()
    assert (await night.run(night.campaign(requests=1, seeds=1, of="½ \ufb01g, \uff12 m²"))).code == 0
    night.resolved |= set(night.ledger.charged)
    (recorded,) = (image.entry for image in read_manifest(night.output / "manifest.json").images())
    assert (recorded.recipe.digest, recorded.key) == (COMPATIBLE_RECIPE, COMPATIBLE_KEY)
    assert asked_by(recorded.recipe).prompt == "night ½ \ufb01g, \uff12 m² 0 on a table"
    ended = await again(night)
    assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 1})
    assert night.ledger.charged == {COMPATIBLE_KEY: 2}  # as the service computes it, which shares no code with us
    first, second = sent(night)
    assert first == second


async def test_what_was_made_again_has_a_manifest_of_its_own_and_can_be_verified_and_made_again(begin: Begin) -> None:
    night = await made(begin)
    first = await again(night, None, "product=p00")
    assert len(list(read_manifest(first.folder / "manifest.json").images())) == 2
    await again(night)
    assert [image["key"] for image in images(night)] == [
        image.entry.key for image in read_manifest(first.folder / "manifest.json").images()
    ]
    assert not (await verify(Folder(first.folder))).findings
    third = await again(night, first.folder / "manifest.json")
    assert (third.code, third.verdicts) == (0, {"identical_bytes": 4})


async def test_the_manifest_alone_is_enough_on_another_machine(begin: Begin, tmp_path: Path) -> None:
    night = await made(begin)
    manifest = tmp_path / "elsewhere" / "manifest.json"
    manifest.parent.mkdir()
    shutil.copy(night.output / "manifest.json", manifest)
    ended = await again(night, manifest, into=night.home / "output" / "from afar")
    assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 4})


async def test_a_second_rerun_buys_nothing_and_says_the_same(begin: Begin) -> None:
    night = await made(begin)
    first = await again(night)
    second = await again(night)
    assert (second.code, second.figures, second.asked) == (0, first.figures, [])
    assert len(sent(night)) == 4


async def test_a_rerun_that_was_cut_short_goes_on_where_it_stopped(begin: Begin) -> None:
    night = await made(begin, requests=4, seeds=1)

    def stop(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            control.stop_asked("enough")

    cut = await again(night, watch=stop)
    assert cut.code == 9 and cut.verdicts["not_made"] >= 2
    whole = await again(night)
    assert (whole.code, whole.verdicts) == (0, {"identical_bytes": 4})
    assert set(night.ledger.charged.values()) == {2}


@pytest.mark.parametrize(
    ("limits", "bought"),
    [
        (Limits(concurrency=8, max_requests=2), 4),
        (Limits(concurrency=8, max_images=6), 6),
        (Limits(concurrency=1, max_seconds=15), 4),
    ],
    ids=["requests", "images", "seconds"],
)
async def test_a_limit_bounds_the_first_request_and_the_others_together(
    begin: Begin, limits: Limits, bought: int
) -> None:
    night = await made(begin, requests=4, seeds=2, job_seconds=10)
    cut = await again(night, limits=limits)
    assert (cut.code, cut.verdicts) == (9, {"identical_bytes": bought, "not_made": 8 - bought})
    whole = await again(night)
    assert (whole.code, whole.verdicts) == (0, {"identical_bytes": 8})
    assert set(night.ledger.charged.values()) == {2}


async def test_a_signal_while_it_signs_in_ends_it_at_once(begin: Begin) -> None:
    night = await made(begin)
    night.add_fault(Fault("slow", where="token", seconds=50))
    began = asyncio.get_running_loop().time()
    ended = await again(night, signalled_after=1)
    assert (ended.code, ended.verdicts, len(sent(night))) == (143, {"not_made": 4}, 2)
    assert asyncio.get_running_loop().time() - began < 10


async def test_too_little_room_to_buy_is_enough_to_fetch(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    night = await made(begin, requests=2, seeds=2, job_seconds=10)
    assert (await again(night, signalled_after=5)).code == 143
    await asyncio.sleep(60)
    disks.having(monkeypatch, free=(16 << 20) - 1)
    told = await again(night)
    assert (told.code, len(sent(night)), told.verdicts["identical_bytes"]) == (6, 2 + 1, 2), told.said
    assert "buying images needs about 16,777,216" in told.said  # two images of one request


async def test_it_is_asked_before_money_and_no_buys_nothing(begin: Begin) -> None:
    night = await made(begin)
    ended = await again(night, agrees=False)
    (figures,) = ended.asked
    assert (figures.images_to_buy, figures.requests, figures.budget_left) == (4, 2, None)
    assert (ended.code, len(sent(night))) == (9, 2)


async def test_where_the_service_makes_other_images_it_stops_after_one_request(begin: Begin) -> None:
    night = await made(begin)
    train_anew(night)
    ended = await again(night)
    assert (ended.code, len(sent(night))) == (5, 2 + 1)
    assert ended.verdicts == {"different": 2, "not_made": 2}
    assert "All 2 test images differ from the recorded ones" in ended.said
    assert ended.lines[-1].startswith("attention")

    once_more = await again(night)
    assert (once_more.code, len(sent(night)), once_more.asked) == (5, 2 + 1, [])  # known by now: nobody is asked

    accepted = await again(night, accept_drift=True)
    assert (accepted.code, len(sent(night)), accepted.verdicts) == (0, 2 + 2, {"different": 4})


async def test_a_custom_model_trained_anew_is_told_and_stops_it_after_one_request(begin: Begin) -> None:
    night = await begin()
    text = night.custom("Warm Custom Model").path.read_text(encoding="utf-8")
    (night.home / "campaigns/night.yaml").write_text(text.replace("p00: night mug 0", "p00: a\n  p01: b"), "utf-8")
    await night.run()
    train_anew(night)
    night.resolved |= set(night.ledger.charged)
    ended = await again(night)
    assert (ended.code, len(sent(night))) == (5, 2 + 1)
    assert "the custom model 'Warm Custom Model' was version 1" in ended.said and "now it is version 2" in ended.said
    assert len({body["customModelId"] for _, _, body in sent(night)}) == 1
    assert (await again(night)).asked == []  # known by now
    assert len(sent(night)) == 2 + 1


async def test_reference_images_are_found_by_their_digest(begin: Begin, tmp_path: Path) -> None:
    night = await begin()
    await night.run(referring(night))
    night.resolved |= set(night.ledger.charged)
    with pytest.raises(UsageError, match=r"3 reference images with these SHA-256 are needed.*--references DIR"):
        await again(night, into=tmp_path / "none")
    shutil.copytree(night.home / "campaigns" / "packshots", tmp_path / "pictures" / "of 2025")
    (tmp_path / "pictures" / "notes.txt").write_text("not a picture")
    before = sent(night)
    ended = await again(night, references=tmp_path / "pictures")
    assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 4})
    assert len(sent(night)) == 2 * len(before)
    assert night.ledger.charged.keys() == {image["key"] for image in images(night)}


async def test_references_are_not_looked_for_in_half_a_disk(begin: Begin, tmp_path: Path) -> None:
    night = await begin()
    await night.run(referring(night))
    before = len(sent(night))
    for number in range(10_001):
        (tmp_path / "pictures" / str(number)).mkdir(parents=True)
    with pytest.raises(UsageError, match="holds more than 10,000 files; name the folder of the references"):
        await again(night, references=tmp_path / "pictures")
    assert len(sent(night)) == before


async def test_only_the_selected_seeds_of_a_request_are_bought_in_the_order_they_were_sent(begin: Begin) -> None:
    night = await made(begin, requests=1, seeds=4)
    keys = [image["key"] for image in images(night)]
    ended = await again(night, None, f"key={keys[3][:8]},{keys[1][:8]}")
    assert (ended.code, len(ended.figures["images"])) == (0, 2)
    assert list(sent(night)[1][1]) == [2, 4]


@pytest.mark.parametrize(
    ("only", "words"),
    [("product=p99", "no product has this name"), ("key=00000000", "no stored image"), ("size=1x1", "no size")],
)
async def test_a_selection_of_nothing_is_refused(begin: Begin, only: str, words: str) -> None:
    night = await made(begin)
    with pytest.raises(UsageError, match=words):
        await again(night, None, only)


async def test_images_that_left_the_campaign_are_made_again_only_by_name(begin: Begin) -> None:
    night = await made(begin)
    await night.run(night.campaign(requests=1, seeds=2))
    read = read_manifest(night.output / "manifest.json")
    departed = [image.entry for image in read.images() if not image.in_campaign]
    assert len(departed) == 2
    assert len(choose(read).images) == 2
    assert choose(read, [f"key={departed[0].key}"]).images == (departed[0],)


async def test_images_kept_for_changed_words_are_left_out_since_their_request_made_others(begin: Begin) -> None:
    night = await made(begin)
    path = night.output / "manifest.json"
    before = path.read_bytes()
    manifest = json.loads(before)
    manifest["images"][0]["source"] = {"how": "kept", "campaign": "night", "key": "0" * 64, "prompt": "a cup"}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    chosen = choose(read_manifest(path))
    assert len(chosen.images) == 3
    assert chosen.left_out == ("1 image left out: kept for a new wording, made by another request",)
    path.write_bytes(before)


async def test_what_was_never_stored_is_left_out_and_said(begin: Begin) -> None:
    night = await begin(Fault("451", nth=1))
    await night.run(night.campaign(requests=2, seeds=2))
    ended = await again(night)
    assert (ended.code, len(ended.figures["images"])) == (0, 2)
    assert "2 images of the manifest left out: never stored" in ended.said
    night.resolved |= set(night.ledger.charged)


async def test_a_doubt_of_a_rerun_is_asked_for_again_only_on_a_persons_word(begin: Begin) -> None:
    night = await made(begin)
    night.add_fault(Fault("reset_after", nth=4))
    doubtful = await again(night)
    assert doubtful.code == 4 and "--resubmit" in doubtful.said
    assert (await again(night)).code == 4
    assert len(sent(night)) == 4
    ended = await again(night, decisions=(Decision.RESUBMIT,))
    assert (ended.code, ended.verdicts, len(sent(night))) == (0, {"identical_bytes": 4}, 5)


async def test_three_requests_that_bring_nothing_to_compare_end_it_for_now(begin: Begin) -> None:
    night = await made(begin, requests=5, seeds=1)
    night.add_fault(Fault("failed", first=9))
    ended = await again(night)
    assert (ended.code, len(sent(night))) == (8, 5 + 3)
    assert "none of the first 3 requests" in ended.said


# what is put back


async def damaged(night: Night, *numbers: int) -> list[Path]:
    files = [night.output / images(night)[number]["file"] for number in numbers]
    for file in files:
        file.write_bytes(b"overwritten by mistake")
    return files


async def test_damaged_images_are_made_again_and_put_back_and_what_stood_there_is_kept(begin: Begin) -> None:
    night = await made(begin)
    whole = {file: file.read_bytes() for file in night.output.rglob("*.jpg")}
    files = sorted(await damaged(night, 0, 3))
    files[1].unlink()
    findings = (await verify(Folder(night.output))).findings
    assert [night.output / str(finding.file) for finding in findings] == files
    ended = await again(night, restore=True)
    assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 2})
    assert {file: file.read_bytes() for file in whole} == whole
    assert not (await verify(Folder(night.output))).findings
    (aside,) = (night.output / "damaged").rglob("*.jpg")
    assert aside.read_bytes() == b"overwritten by mistake"
    assert sum(night.ledger.charged.values()) == 6
    assert len((await again(night, restore=True)).lines) == 1  # nothing left to put back


async def test_a_restoration_that_was_interrupted_says_what_is_paid_for_and_how_to_go_on(begin: Begin) -> None:
    night = await made(begin, requests=3, seeds=2, job_seconds=10)
    await damaged(night, 0, 1, 2, 3)
    cut = await again(night, None, "product=p00,p01", restore=True, only=("product=p00,p01",), signalled_after=5)
    assert (cut.code, cut.verdicts) == (143, {"not_made": 4})
    options = f"--into {cut.folder} --only product=p00,p01 --restore"
    command = f"campaign-runner rerun {night.output}/manifest.json {options}"
    said = f"  2 images paid for and still to be downloaded; 2 not requested yet; to go on: {command}"
    assert said in cut.lines and "was not put back" not in cut.said
    with Folder(cut.folder).ledger() as ledger:
        *_, going_on = standing(Folder(cut.folder), ledger, night.now(), is_running=False)
    assert going_on == f"  next      to go on, or compare again: {command}"
    await asyncio.sleep(60)
    whole = await again(night, restore=True)
    assert (whole.code, whole.verdicts, len(sent(night))) == (0, {"identical_bytes": 4}, 5), whole.said
    assert not (await verify(Folder(night.output))).findings


def place_aside(night: Night, file: Path) -> Path:
    """Where a damaged image is moved to."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    below = file.relative_to(night.output / "images")
    return night.output / "damaged" / below.with_name(f"{file.stem}.{digest[:8]}{file.suffix}")


async def test_where_something_else_has_the_name_aside_what_stands_in_the_place_is_kept(begin: Begin) -> None:
    night = await made(begin)
    (file,) = await damaged(night, 0)
    way = place_aside(night, file)
    way.parent.mkdir(parents=True)
    way.write_bytes(b"")
    ended = await again(night, restore=True)
    assert ended.code == 5 and f"{way} already exists with different content" in ended.said
    assert (file.read_bytes(), way.read_bytes()) == (b"overwritten by mistake", b"")
    way.unlink()
    ended = await again(night, restore=True)
    assert (ended.code, way.read_bytes()) == (0, b"overwritten by mistake")
    assert set(night.ledger.charged.values()) == {1, 2}, "made again once"


async def test_what_was_moved_aside_before_makes_room_again(begin: Begin) -> None:
    night = await made(begin)
    (file,) = await damaged(night, 0)
    way = place_aside(night, file)
    way.parent.mkdir(parents=True)
    way.write_bytes(file.read_bytes())
    assert (await again(night, restore=True)).code == 0
    assert way.read_bytes() == b"overwritten by mistake" and not (await verify(Folder(night.output))).findings


@pytest.mark.parametrize("place", ["damaged", "damaged/p00"])
async def test_nothing_is_moved_aside_through_a_link(place: str, begin: Begin) -> None:
    night = await made(begin)
    (file,) = await damaged(night, 0)
    away, link = night.home / "away", night.output / place
    away.mkdir()
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(away)
    ended = await again(night, restore=True)
    assert ended.code == 5 and "was not put back" in ended.said
    assert (list(away.iterdir()), file.read_bytes()) == ([], b"overwritten by mistake")
    link.unlink()
    assert (await again(night, restore=True)).code == 0


async def test_what_comes_out_otherwise_is_not_put_back(begin: Begin) -> None:
    night = await made(begin)
    content = (night.output / images(night)[0]["file"]).read_bytes()
    (file,) = await damaged(night, 0)
    train_anew(night)
    ended = await again(night, restore=True)
    assert ended.code == 5 and "was not put back" in ended.said
    assert file.read_bytes() == b"overwritten by mistake"
    file.write_bytes(content)


def marked(content: bytes, words: bytes) -> bytes:
    """A JPEG with a comment: other bytes, the same pixels."""
    return content[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + content[2:]


async def recorded_with_other_bytes(night: Night) -> Path:
    """The first image as a service would have sent that signs what it sends: the same pixels under another digest."""
    image = images(night)[0]
    file = night.output / str(image["file"])
    content = marked(file.read_bytes(), b"signed")
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    async with SqliteJournal(night.output) as journal:
        reason = Cause("test", "signed")
        await journal.record([Placed(image["key"], image["file"], digest, len(content), image["media_type"], reason)])
    await night.run()
    assert images(night)[0]["sha256"] == digest
    return file


async def test_the_same_pixels_in_other_bytes_are_told_apart_from_the_same_bytes(begin: Begin) -> None:
    night = await made(begin)
    await recorded_with_other_bytes(night)
    ended = await again(night)
    assert (ended.code, ended.verdicts) == (0, {"identical_pixels": 1, "identical_bytes": 3})


async def test_the_same_pixels_in_other_bytes_are_put_back_and_recorded(begin: Begin) -> None:
    night = await made(begin)
    file = await recorded_with_other_bytes(night)
    file.write_bytes(file.read_bytes() + b"appended")
    ended = await again(night, restore=True)
    assert (ended.code, ended.verdicts) == (0, {"identical_pixels": 1})
    assert not (await verify(Folder(night.output))).findings
    assert b"signed" not in file.read_bytes()


async def test_without_the_recorded_picture_other_bytes_cannot_be_judged(begin: Begin) -> None:
    night = await made(begin)
    file = await recorded_with_other_bytes(night)
    content = file.read_bytes()
    file.unlink()
    ended = await again(night)
    assert (ended.code, ended.verdicts["not_comparable"]) == (5, 1)
    assert f"{file} is gone; `verify` says what else differs" in ended.said
    file.write_bytes(content)


async def test_slightly_changed_pixels_are_similar_and_stop_it(begin: Begin) -> None:
    night = await made(begin, plain_pictures=False)
    image = images(night)[0]
    file = night.output / image["file"]
    with Image.open(file) as picture:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=60)
    file.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    async with SqliteJournal(night.output) as journal:
        fact = Placed(image["key"], image["file"], digest, len(buffer.getvalue()), "image/jpeg", Cause("test", "x"))
        await journal.record([fact])
    await night.run()
    ended = await again(night)
    assert (ended.code, ended.verdicts) == (5, {"similar": 1, "identical_bytes": 1, "not_made": 2})
    assert ended.figures["images"][0]["distance"] < 3


# where it may not go


async def test_a_sandboxs_manifest_is_not_bought_from_adobe(begin: Begin) -> None:
    night = await made(begin)
    adobe = ServiceAccess(
        "https://firefly-api.adobe.io", night.settings, night.home / "state", RunRegistry(night.home / "state")
    )
    with pytest.raises(UsageError, match="comes from the sandbox"):
        await again(night, access=adobe)


async def test_a_folder_that_holds_something_else_is_refused(begin: Begin) -> None:
    night = await made(begin)
    with pytest.raises(UsageError, match="name another folder with --into"):
        await again(night, into=night.output)
    other = await made(begin)
    with pytest.raises(UsageError, match="holds images of something else"):
        await again(night, into=other.output)
    await again(night)
    with pytest.raises(IntegrityError, match="this would use"):
        later = await begin()
        await again(later, night.output / "manifest.json")


async def test_a_run_does_not_take_the_folder_of_a_rerun_for_its_own(begin: Begin) -> None:
    night = await made(begin)
    await again(night, into=night.home / "output" / "copy")
    with pytest.raises(UsageError, match="holds the images of a rerun"):
        await night.run(night.campaign(name="copy"))


# the page


class Page(HTMLParser):
    """Every tag with its attributes, and the text of the style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.style = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "style":
            self.style += data

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def test_the_page_shows_both_pictures_by_relative_links_and_asks_nobody_for_anything(begin: Begin) -> None:
    night = await begin()
    file = night.campaign(requests=1, seeds=1).path
    text = file.read_text(encoding="utf-8").replace("night mug 0", "'<script>alert(1)</script> & \"mug\"'")
    file.write_text(text, encoding="utf-8")
    await night.run()
    night.resolved |= set(night.ledger.charged)
    ended = await again(night)
    written = (ended.folder / "comparison.html").read_text(encoding="utf-8")
    page = Page(written)
    assert not page.of("script") and "&lt;script&gt;" in written
    links = [unquote(str(image["src"])) for image in page.of("img")]
    assert len(links) == 2 and all((ended.folder / link).is_file() for link in links)
    assert not any("//" in str(value) for _, attributes in page.tags for value in attributes.values())
    (policy,) = (meta["content"] for meta in page.of("meta") if "http-equiv" in meta)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{digest}'"
