"""`python -m tests.fuzz --inputs 1000000`: as many inputs as there is time for; prints what became of them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from fuzz_command import main

main()
