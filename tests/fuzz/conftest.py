"""Says, at the end of a run, how many cases were really run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz.driver import RAN, peak_rss_bytes

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The total and each target's share; with several processes only what this one ran, so nothing."""
    if RAN:
        shares = ", ".join(f"{name} {number}" for name, number in RAN.most_common())
        terminalreporter.write_sep("-", f"fuzz: {RAN.total()} cases")
        terminalreporter.write_line(f"{shares}; at most {peak_rss_bytes() >> 20} MiB held")
