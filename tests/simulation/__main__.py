"""`python -m tests.simulation --seeds 1000000`: many nights, as fast as the machine makes them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from many_nights import main  # noqa: E402

main()
