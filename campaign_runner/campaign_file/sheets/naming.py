"""Whether a campaign file names a sheet: all that has to be known of sheets where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.campaign_file.syntax.source import Node, Pairs, Scalar, Source
from campaign_runner.problem import Problem

READABLE = (".csv", ".tsv", ".xlsx", ".xlsm")
SUFFIXES = (*READABLE, ".xls", ".ods", ".xlsb", ".numbers")
"""Names that mean a sheet; those that cannot be read are told how to be saved."""
PRODUCTS = "products"
KEYS = ("file", "sheet", "header", "columns", "where", "id", "name")
"""What is said of a sheet."""


@dataclass(frozen=True, slots=True)
class WithProducts:
    """`source` with its products, whatever was wrong with them, and what `check` should tell besides."""

    source: Source
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def sheet_of(source: Source) -> Node | None:
    """What names the sheet, if `products` does."""
    if not isinstance(source.root, Pairs) or PRODUCTS not in source.root.entries:
        return None
    node = source.root.entries[PRODUCTS][1]
    return node if _names_sheet(node) else None


def _names_sheet(products: Node) -> bool:
    """Whether `products` names a sheet instead of products."""
    if isinstance(products, Scalar):
        return products.text.lower().endswith(SUFFIXES)
    if not isinstance(products, Pairs) or "file" not in products.entries:
        return False
    _, file = products.entries["file"]
    is_sheet = isinstance(file, Scalar) and file.text.lower().endswith(SUFFIXES)
    return is_sheet or products.entries.keys() <= set(KEYS)
