"""review.html in the output folder: rewritten only if it would show something else."""

from __future__ import annotations

from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.page.document import document
from campaign_runner.review.page.page_data import PageSources, page_data

REVIEW_PAGE = "review.html"


def write_page(sources: PageSources) -> Path:
    """Write the page into its output folder, durably; the answer is where it is. Raises StoreError, IntegrityError."""
    target = page_path(sources.folder)
    content = document(page_data(sources)).encode()
    if not _holds(target, content):
        files.write_durably(target, content)
    return target


def page_path(folder: Folder) -> Path:
    """Where the page of an output folder is."""
    return folder.path / REVIEW_PAGE


def _holds(path: Path, content: bytes) -> bool:
    with files.translating(path):
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
