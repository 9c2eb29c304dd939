"""Commands that a person may type next: word for word, in a shell, in whatever folder that is.

A campaign goes by its name where this machine knows where it is, everything else by its whole path.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.folder import Folder, home_of
from campaign_runner.output_folder.registry import RunRegistry


def display_path(path: Path | str) -> str:
    """A path as it is called here, for reading; another place, such as a URL, stays as it is."""
    here = Path.cwd()
    is_below = here != Path(here.anchor) and Path(path).is_relative_to(here)
    return str(Path(path).relative_to(here)) if is_below else str(path)


class CalledCampaign(str):
    """What a command calls a campaign, and the `options` that it has to be given besides."""

    options: tuple[str, ...] = ()


def called(folder: Folder, memory: RunRegistry | None) -> str:
    """What a command calls an output folder: its name where `memory` leads from that to it, else its path.

    Its path, too, where the memory cannot be read: no report fails by that.
    """
    if folder.keeping.options:
        kept = CalledCampaign(folder.keeping.called(folder))
        kept.options = tuple(folder.keeping.options)
        return kept
    with suppress(CampaignError):
        if memory is not None and (name := memory.name_of(folder.path)) is not None:
            return name
    return str(folder.path)


def run(file: Path, folder: Folder, *flags: str) -> str:
    """Go on with a campaign, into the output folder that it has."""
    if folder.keeping.options:
        return typed("run", _anywhere(file) if file.exists() else file.name, *flags, *folder.keeping.run_options)
    place = folder.path.parent
    output = [] if place == home_of(file) else ["--output", _anywhere(place)]
    return typed("run", _anywhere(file), *_sandbox(folder), *output, *flags)


def check(file: Path) -> str:
    """See everything that is wrong with a campaign file."""
    return typed("check", _anywhere(file))


def plan(file: Path) -> str:
    """See what a campaign would make, and what an edit of it costs."""
    return typed("plan", _anywhere(file))


def review(name: str) -> str:
    """Choose images. `name` is what the campaign is `called`."""
    return typed("review", name)


def deliver(name: str, *flags: str) -> str:
    """Cut the chosen images to every channel. `name` is what the campaign is `called`."""
    return typed("deliver", name, *flags)


def verify(folder: Path, *flags: str) -> str:
    """Compare an output folder with its record."""
    return typed("verify", _anywhere(folder), *flags)


def resolve(name: str, *flags: str) -> str:
    """A person's word over what a run left open. `name` is what the campaign is `called`."""
    return typed("resolve", name, *flags)


def status(name: str, *flags: str) -> str:
    """How a campaign stands. `name` is what it is `called`."""
    return typed("status", name, *flags)


def rerun(manifest: Path, *flags: str, is_sandbox: bool) -> str:
    """Make the images of a manifest again."""
    return typed("rerun", _anywhere(manifest), *flags, *(["--sandbox"] if is_sandbox else []))


def retake(key: str, name: str, *flags: str) -> str:
    """Write another take of an image into its campaign file. `name` is what the campaign is `called`.

    Every campaign with a name is searched; one that has only a path, or was only rehearsed, is named.
    """
    is_named = Path(name).is_absolute() or Folder(Path(name)).is_sandbox
    return typed("retake", key[:8], *flags, *(["--in", name] if is_named else []))


def typed(command: str, *words: str) -> str:
    """A command as it is typed."""
    options = (option for word in words if isinstance(word, CalledCampaign) for option in word.options)
    return shlex.join(["campaign-runner", command, *words, *options])


def _anywhere(path: Path) -> str:
    """A path that means the same in any folder."""
    return str(path.absolute())


def _sandbox(folder: Folder) -> list[str]:
    return ["--sandbox"] if folder.is_sandbox else []
