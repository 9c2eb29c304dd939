"""Commands that a person may type next: word for word, in the current folder, in a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from campaign_runner.output_folder.folder import Folder, home_of, usual_files


def display_path(path: Path | str) -> str:
    """A path as it is called here; another place, such as a URL, stays as it is."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


def run(file: Path, folder: Folder, *flags: str) -> str:
    """Go on with a campaign, into the output folder that it has."""
    place = folder.path.parent
    output = [] if place == home_of(file) else ["--output", display_path(place)]
    return _typed("run", display_path(file), *_sandbox(folder), *output, *flags)


def check(file: Path) -> str:
    """See everything that is wrong with a campaign file."""
    return _typed("check", display_path(file))


def resolve(folder: Folder, file: Path | None, *flags: str) -> str:
    """A person's word over what a run left open. `file` is the campaign's, None where it is gone."""
    return _typed("resolve", _called(folder, file), *flags)


def status(folder: Folder, file: Path | None, *flags: str) -> str:
    """The state of a campaign. `file` is the campaign's, None where it is gone."""
    return _typed("status", _called(folder, file), *flags)


def review(folder: Folder, file: Path | None) -> str:
    """Choose images. `file` is the campaign's, None where it is gone."""
    return _typed("review", _called(folder, file))


def rerun(manifest: Path, *flags: str, is_sandbox: bool) -> str:
    """Make the images of a manifest again."""
    return _typed("rerun", display_path(manifest), *flags, *(["--sandbox"] if is_sandbox else []))


def verify(folder: Path, *flags: str) -> str:
    """Compare an output folder with its record."""
    return _typed("verify", display_path(folder), *flags)


def retake(key: str, *flags: str) -> str:
    """Write another take of an image into its campaign file."""
    return _typed("retake", key[:8], *flags)


def _typed(*words: str) -> str:
    return shlex.join(["campaign-runner", *words])


def _sandbox(folder: Folder) -> list[str]:
    return ["--sandbox"] if folder.is_sandbox else []


def _called(folder: Folder, file: Path | None) -> str:
    """The campaign's name, or its output folder where the name leads elsewhere from here."""
    name = folder.path.name
    found = next((usual for usual in usual_files(name) if usual.exists()), None)
    if file is None or found is None or found.resolve() != file.resolve() or folder.path != home_of(file) / name:
        return display_path(folder.path)
    return name
