"""`python -m tests.matrix` prints the section of the page about the tests."""

from __future__ import annotations

import sys

from tests.matrix.table import page

sys.stdout.write(page())
