"""The page of a campaign with thousands of images: in pieces, never in memory as a whole."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

from tests.benchmarks.folders import make
from tests.review.page.folders import Home

IMAGES = 4_000
MOST = 1_000
"""Bytes of memory for each image, at most: what the page says of it alone is as much again."""


def test_a_page_of_thousands_of_images_is_whole_and_takes_little_memory(tmp_path: Path) -> None:
    many = make(tmp_path, IMAGES, IMAGES // 2, origin="sandbox", has_files=False)
    home = Home(many.file, many.folder)
    home.write_page()
    tracemalloc.start()
    try:
        page = home.write_page()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    data = json.loads(page.read_text(encoding="utf-8").split('id="page-data">')[1].split("</script>")[0])
    assert len(data["images"]) == IMAGES and sum(len(row["images"]) for row in data["rows"]) == IMAGES
    assert [image["state"] for image in data["images"]].count("stored") == IMAGES // 2
    assert most < IMAGES * MOST
