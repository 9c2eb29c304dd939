"""Thumbnails: named by the bytes they are of, whole or absent, made by processes that know no secret."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from campaign_runner.errors import Damaged, IntegrityError, StoreError
from campaign_runner.output_folder.folder import REVIEW, Folder
from campaign_runner.review.thumbnails import thumbnail, workers
from campaign_runner.review.thumbnails.thumbnail import EDGES, LARGE, SMALL, is_made, make, path_of
from campaign_runner.review.thumbnails.workers import WantedThumbnail as Wanted
from campaign_runner.review.thumbnails.workers import make_thumbnails, missing

Store = Callable[..., Wanted]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "images").mkdir()
    return Folder(tmp_path)


@pytest.fixture
def store(folder: Folder) -> Store:
    """Puts a picture where a run would; its colour makes its bytes."""

    def put(number: int, size: tuple[int, int] = (700, 400), format: str = "JPEG", mode: str = "RGB") -> Wanted:
        encoded = BytesIO()
        colour = (number * 41 % 256, number * 97 % 256, 128, 0)[: len(mode)]
        Image.new(mode, size, colour).save(encoded, format)
        name = f"images/{number}.{format.lower()}"
        (folder.path / name).write_bytes(encoded.getvalue())
        return Wanted(name, hashlib.sha256(encoded.getvalue()).hexdigest())

    return put


def size_of(folder: Folder, of: Wanted, edge: int) -> tuple[int, int]:
    with Image.open(path_of(folder, of.sha256, edge)) as picture:
        assert picture.format == "JPEG" and picture.mode == "RGB"
        picture.load()
        return picture.size


@pytest.mark.parametrize(
    ("size", "small", "large"),
    [
        ((2688, 1536), (320, 183), (1280, 731)),
        ((896, 1152), (249, 320), (896, 1152)),  # never enlarged
        ((100, 40), (100, 40), (100, 40)),
        ((2000, 1), (320, 1), (1280, 1)),
    ],
)
async def test_the_longest_side_is_320_and_1280_pixels(
    size: tuple[int, int], small: tuple[int, int], large: tuple[int, int], folder: Folder, store: Store
) -> None:
    image = store(1, size)
    await make(folder, image.file, image.sha256)
    assert (size_of(folder, image, SMALL), size_of(folder, image, LARGE)) == (small, large)
    assert list(folder.staging.iterdir()) == []


@pytest.mark.parametrize(("format", "mode"), [("PNG", "RGBA"), ("WEBP", "RGB"), ("PNG", "L"), ("JPEG", "CMYK")])
async def test_every_kind_of_picture_becomes_a_plain_jpeg(format: str, mode: str, folder: Folder, store: Store) -> None:
    image = store(1, format=format, mode=mode)
    await make(folder, image.file, image.sha256)
    assert size_of(folder, image, SMALL) == (320, 183)


def red_quarters(picture: Image.Image) -> list[bool]:
    """Whether there is red in the middle of each quarter, line by line."""
    small = picture.convert("RGB").resize((2, 2), Image.Resampling.BOX).tobytes()
    return [red > 128 for red in small[::3]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
async def test_a_thumbnail_stands_upright_as_browsers_show_the_image_itself(
    format: str, orientation: int, folder: Folder
) -> None:
    picture = Image.new("RGB", (640, 400))
    picture.paste((255, 0, 0), (0, 0, 320, 200))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = folder.path / "images" / f"1.{format.lower()}"
    picture.save(path, format, exif=exif)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    await make(folder, f"images/{path.name}", digest)
    with Image.open(path) as source, Image.open(path_of(folder, digest, SMALL)) as small:
        upright = ImageOps.exif_transpose(source)
        assert small.size == ((200, 320) if orientation >= 5 else (320, 200))
        assert red_quarters(small) == red_quarters(upright) and sum(red_quarters(upright)) == 1


async def test_colours_are_those_of_the_profile_of_the_image(folder: Folder) -> None:
    """In a profile that gives the numbers of red and green to each other, a red picture is sRGB's green one."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    path = folder.path / "images" / "1.jpg"
    Image.new("RGB", (640, 480), (255, 0, 0)).save(path, icc_profile=bytes(profile))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    await make(folder, "images/1.jpg", digest)
    for edge in EDGES:
        with Image.open(path_of(folder, digest, edge)) as picture:
            shade = picture.resize((1, 1)).getpixel((0, 0))
            assert isinstance(shade, tuple) and shade[1] > 200 and shade[0] < 60 and "icc_profile" not in picture.info


async def test_what_is_not_the_image_of_the_record_has_no_thumbnail(folder: Folder, store: Store) -> None:
    image = store(1)
    with pytest.raises(IntegrityError, match="is not what was stored"):
        await make(folder, image.file, "0" * 64)
    with pytest.raises(IntegrityError, match="is gone"):
        await make(folder, "images/none.jpg", image.sha256)
    with pytest.raises(IntegrityError):
        await make(folder, "../images/1.jpeg", image.sha256)
    content = (folder.path / image.file).read_bytes()[:-400]
    (folder.path / "images/cut.jpg").write_bytes(content)
    with pytest.raises(Damaged):
        await make(folder, "images/cut.jpg", hashlib.sha256(content).hexdigest())
    assert list((folder.path / REVIEW).iterdir()) == []


async def test_a_link_in_place_of_the_folder_is_refused(folder: Folder, store: Store, tmp_path: Path) -> None:
    image = store(1)
    (tmp_path / "elsewhere").mkdir()
    (folder.path / REVIEW).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="symbolic link"):
        await make(folder, image.file, image.sha256)


async def test_only_what_is_missing_is_made_and_what_cannot_be_is_told(folder: Folder, store: Store) -> None:
    images = [store(number) for number in range(7)]
    broken = Wanted("images/none.jpg", "0" * 64)
    (flaw,) = await make_thumbnails(folder, [*images, broken, images[0]])
    assert "none.jpg is gone" in flaw
    assert missing(folder, [*images, broken]) == [broken]
    before = {path.name: path.stat().st_mtime_ns for path in (folder.path / REVIEW).iterdir()}
    assert len(before) == len(EDGES) * len(images)
    path_of(folder, images[3].sha256, SMALL).unlink()
    assert await make_thumbnails(folder, images) == []
    after = {path.name: path.stat().st_mtime_ns for path in (folder.path / REVIEW).iterdir()}
    assert {name for name in after if before.get(name) != after[name]} == {
        path_of(folder, images[3].sha256, edge).name for edge in EDGES
    }


async def test_who_stops_does_not_wait_for_the_rest(folder: Folder, store: Store) -> None:
    images = [store(number) for number in range(9)]
    asked = iter([False, False, *[True] * 20])
    assert await make_thumbnails(folder, images, is_stopped=lambda: next(asked)) == []
    assert sum(is_made(folder, image.sha256) for image in images) == 2


def test_a_worker_is_given_none_of_our_settings(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOM_MODELS_CLIENT_SECRET", "canary")
    monkeypatch.setenv("CAMPAIGN_RUNNER_PROXY", "http://me:canary@proxy:1")
    with workers._worker(folder):
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        environments = [Path(f"/proc/{child}/environ").read_bytes() for child in children]
    assert environments and not any(b"canary" in environment for environment in environments)


def test_ctrl_c_at_a_terminal_does_not_reach_a_worker(folder: Folder) -> None:
    before = children()
    with workers._worker(folder):
        (worker,) = children() - before
        assert os.getpgid(worker) == worker != os.getpgrp()


def children() -> set[int]:
    """The processes that this one has started."""
    return set(map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()))


async def test_a_worker_that_is_killed_is_a_clear_sentence(
    folder: Folder, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(StoreError, match="process that makes thumbnails was ended"):
        await make_thumbnails(folder, [store(number) for number in range(9)])


def test_killed_at_any_moment_a_name_is_absent_or_whole(folder: Folder, store: Store) -> None:
    """A worker is killed while it writes; what has a name is whole, and the next one makes the rest."""
    images = [store(number, (1500, 900)) for number in range(8)]
    for round in range(4):
        command = [sys.executable, "-m", "campaign_runner.review.thumbnails.worker", str(folder.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            assert worker.stdin is not None and worker.stdout is not None
            for image in images[: round + 5]:
                content = (folder.path / image.file).read_bytes()
                worker.stdin.write(f'["{image.file}", "{image.sha256}", {len(content)}]\n'.encode() + content)
            worker.stdin.flush()
            for _ in range(round + 1):
                assert worker.stdout.readline() == b"null\n"
            worker.send_signal(signal.SIGKILL)
        for path in (folder.path / REVIEW).iterdir():
            with Image.open(path) as picture:
                picture.load()
        for image in images[: round + 1]:
            assert is_made(folder, image.sha256)


async def test_what_a_run_empties_meanwhile_is_written_again(
    folder: Folder, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, real = store(1), os.replace
    refused: list[str] = []

    def emptied(source: str, target: str) -> None:
        if not refused:
            refused.append(source)
            Path(source).unlink()
        real(source, target)

    monkeypatch.setattr(Path, "replace", lambda path, target: emptied(str(path), str(target)))
    await make(folder, image.file, image.sha256)
    assert refused and is_made(folder, image.sha256)
    assert thumbnail.flaw(b"", folder, image.file, image.sha256) is None  # they are there
