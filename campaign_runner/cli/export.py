"""`campaign-runner export`"""

from __future__ import annotations

from pathlib import Path

import click

from campaign_runner.authoring.new import write_new
from campaign_runner.authoring.product_sheet import as_workbook, left_out, product_rows
from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import find
from campaign_runner.errors import UsageError
from campaign_runner.report import next_commands
from campaign_runner.text import plural, printable


@click.command(epilog=ending("export products spring products.xlsx"))
@click.argument("what", type=click.Choice(["products"]))
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="FILE.xlsx", type=click.Path(path_type=Path, dir_okay=False))
@options.output
@options.in_sandbox
def command(what: str, name: str, file: Path, output: Path | None, is_sandbox: bool) -> None:
    """Write the products of a campaign to an Excel workbook.

    One row for each product, every cell a text. To work on with it, write `products: FILE.xlsx` in the campaign file.
    Never overwrites a file.
    """
    if file.suffix.lower() != ".xlsx":
        whole = str(Path(name).absolute()) if Path(name).exists() else name
        typed = next_commands.typed("export", what, whole, str(file.absolute().with_suffix(".xlsx")))
        raise UsageError(f"the sheet is an Excel workbook: {typed}")
    campaign = find(name, output=output, is_sandbox=is_sandbox).campaign()
    rows = product_rows(campaign)
    if not write_new(file, as_workbook(rows)):
        raise UsageError(f"{file} already exists; nothing was written. Choose another name")
    click.echo(f"{file}   {plural(len(rows) - 1, 'product')}, {plural(len(rows[0]), 'column')}")
    for sentence in left_out(campaign):
        click.echo(printable(sentence), err=True)
