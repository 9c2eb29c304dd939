"""What is said where the libraries of the fleet are missing: not every machine needs them."""

from __future__ import annotations

import click

from campaign_runner.errors import UsageError


def missing(error: ImportError) -> UsageError:
    """The same sentence for every command that needs them; it names what was typed."""
    ctx = click.get_current_context(silent=True)
    typed = f"`{ctx.command_path}`" if ctx is not None and ctx.params.get("on") is None else "--on fleet"
    return UsageError(
        f"{typed} needs the libraries of the fleet ({error.name} is missing): pip install 'campaign-runner[fleet]'"
    )
