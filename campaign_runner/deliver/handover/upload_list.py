"""upload.csv: one line a file, for the person who uploads them; read by spreadsheets without harm.

UTF-8 with a mark, so that a spreadsheet reads its letters; every value in quotes; and what a spreadsheet would take for
a formula has a ' before it, also behind a separator that another language's spreadsheet splits at.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO

from campaign_runner.campaign_file.schema.channels import COLUMNS, SKU
from campaign_runner.campaign_file.schema.compose import Composer
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import language
from campaign_runner.deliver.file_names import product_words
from campaign_runner.output_folder.delivery_record import DeliveredFile

_FORMULA = re.compile(r"(^|[;,\t|])(?=[=+\-@\t\r])")
_SEPARATORS = {"tab": "\t"}


def upload_list(campaign: Campaign, files: Iterable[DeliveredFile]) -> bytes:
    """The list of `files`, with the columns and the separator of the campaign."""
    settings = campaign.deliver
    columns = settings.columns or COLUMNS
    text = StringIO()
    separator = _SEPARATORS.get(settings.csv_separator, settings.csv_separator)
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    composer = Composer(campaign)
    for file in sorted(files, key=lambda each: each.file):
        values = _values(campaign, composer, file)
        writer.writerow([harmless(values[column]) for column in columns])
    return text.getvalue().encode("utf-8-sig")


def harmless(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1'", value)


def _values(campaign: Campaign, composer: Composer, file: DeliveredFile) -> dict[str, str]:
    cell, market = file.cell, campaign.markets.get(file.cell.market or "")
    locale = market.locale if market is not None and market.locale else campaign.defaults.locale
    return {
        "file": file.file,
        "channel": file.channel,
        "market": cell.market or "",
        "language": language(locale) or "",
        "product": cell.product,
        "sku": product_words(campaign, composer, cell.product, cell.market)[SKU],
        "prompt": cell.prompt,
        "preset": cell.preset,
        "version": f"{file.version:02d}",
        "width": str(file.width),
        "height": str(file.height),
        "bytes": str(file.bytes),
        "sha256": file.sha256,
        "alt": file.alt,
        "ai_generated": "yes",
        "approved_by": ", ".join(each.by for each in file.approved),
        "approved_at": max((each.at for each in file.approved), default=""),
        "key8": file.key[:8],
    }
