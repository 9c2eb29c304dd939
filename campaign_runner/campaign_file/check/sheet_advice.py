"""What to do in a spreadsheet about words that its products lack."""

from __future__ import annotations

from collections.abc import Sequence

from campaign_runner.campaign_file.syntax.sheet_places import SheetPlaces
from campaign_runner.campaign_file.syntax.source import Loc, Source
from campaign_runner.problem import Problem
from campaign_runner.text import joined


def fill_in(sheet: SheetPlaces, word: str, others: Sequence[str], *, is_meant: bool) -> str:
    """How products get a word that a prompt needs; `others` are prompts that do not, `is_meant` one that is near."""
    column = sheet.columns.get(word)
    if column is not None:
        advice = f'fill in column "{sheet.headings[column]}" of {sheet.path.name} in these rows'
    elif heading := next((text for text in sheet.headings.values() if text.casefold() == word.casefold()), None):
        advice = f"name its column in the campaign file: columns: {{{word}: {heading}}}"
    else:
        advice = f"add a column '{word}' to {sheet.path.name}, or say which one it is: columns: {{{word}: …}}"
    if is_meant:
        return f"write the word as the column is called, or {advice}"
    if others:
        advice += f"; or write the prompts that they do get ({joined(others, most=3)}) into a column 'prompts'"
    return advice


def no_text(source: Source, sheet: SheetPlaces, loc: Loc, markets: Sequence[str], keys: Sequence[str]) -> Problem:
    """A product has no text for some markets; `keys` are the first of them and its language."""
    base, (row, _) = loc[2], sheet.cell(source.offset(loc))
    message = f"there is no {base} for market{'s' if len(markets) > 1 else ''} {joined(markets)}"
    for key in keys:
        if (column := sheet.columns.get(f"{base} {key}")) is not None:
            return sheet.problem(sheet.position(row, column), message, "fill in the cell")
    return source.at(
        loc, message, f"add a column '{base} {keys[-1]}', or '{base} other' for all markets without their own"
    )


def one_for_each(what: str, languages: Sequence[str]) -> str:
    """How products get a text in each language."""
    columns = [f"'{what} {each}'" for each in languages]
    return (
        f"add columns {', '.join(columns[:-1])} and {columns[-1]} to the sheet, "
        f"or call the column '{what} other' if you mean one {what} for all"
    )
