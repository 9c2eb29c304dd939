"""`python -m tests.fuzz --inputs 1000000`: as many inputs as there is time for; prints what became of them."""

from __future__ import annotations

from tests.fuzz.fuzz_command import main

main()
