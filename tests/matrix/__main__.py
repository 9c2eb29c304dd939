"""`python -m tests.matrix` prints the section of the page about the tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where pytest finds what all tests share

from tests.matrix.table import page

sys.stdout.write(page())
