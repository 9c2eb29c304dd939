"""How many inputs were made, told at the end."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = terminalreporter.stats.get("passed", [])
    inputs = sum(value for report in passed for name, value in report.user_properties if name == "fuzzed")
    if inputs:
        terminalreporter.line(f"fuzz: {inputs:,} inputs, no promise broken; the same ones every time")
