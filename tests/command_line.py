"""What the program understands of a command line, without running it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from campaign_runner.cli import commands


def understood(words: Sequence[str]) -> click.Context:
    """The command that these words, without the program's own name, stand for; raises what click raises.

    Walked from the group down, as when it is typed: a command keeps the help option it makes first, and only the
    group's settings say that `-h` belongs to it.
    """
    group = commands.make_context("campaign-runner", list(words))
    name, command, arguments = commands.resolve_command(group, list(words))
    assert name is not None and command is not None, f"there is no command {words[0]}"
    return command.make_context(name, arguments, parent=group)
