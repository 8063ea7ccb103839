"""What making a trip ready for a model costs: ``python -m benchmarks.words``.

For each example trip, for the longest text a trip can hold, and for one full of what is taken out: scrubbing the
owner's words, the facts (which scrub them), and facts and question together; last, the check of a model's answer.
Times are medians of many rounds on this machine; beside the question its ratio to reading the same trip's message,
which can be compared between machines. Then what the first question of a fresh process adds. Ends with 1 when a usual
trip costs more than the bar.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shared.facts import facts_of
from shared.prompts import messages, parse_brief
from shared.scrubbing import scrub
from shared.styles import Style, load_styles
from shared.template_writer import write_brief
from shared.trips import Trip, parse_trip

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = Path(__file__).parents[1]
_ROUNDS, _STARTS = 200, 9
#: Scrubbing and building the question of a usual trip, in milliseconds.
BAR_MS = 1.0
_FULL = "电话13800138000,微信abc_12345,沪A·12345,住在申长路688号,王先生和Mr. Smith,31.23,121.47,a@b.cn。"


def main() -> int:
    """Print the table; 1 when the median of the example trips is above the bar."""
    style = load_styles(_FOLDER / "workflows" / "styles")["watercolour"]
    trips = {file.stem: file.read_bytes() for file in sorted((_FOLDER / "examples" / "trips").glob("*.json"))}
    usual = json.loads(next(iter(trips.values())))
    trips["longest text"] = json.dumps({**usual, "text": "雨里的西湖没什么人" * 55}).encode()
    trips["full of secrets"] = json.dumps({**usual, "text": (_FULL * 9)[:500]}).encode()
    print(f"{'trip':<24}{'characters':>11}{'read':>9}{'scrub':>10}{'facts':>10}{'and question':>20}{'answer':>10}")
    whole = []
    for name, message in trips.items():
        trip = parse_trip(message)
        facts = facts_of(trip)
        answer = msgspec.json.encode(write_brief(facts, style)).decode()
        read_us = median_us(lambda message=message: parse_trip(message))
        scrub_us = median_us(lambda trip=trip: scrub(trip.text, (trip.owner_id,)))
        facts_us = median_us(lambda trip=trip: facts_of(trip))
        whole_us = median_us(lambda trip=trip: payload(trip, style))
        answer_us = median_us(lambda answer=answer, facts=facts: parse_brief(answer, facts, style))
        print(
            f"{name:<24}{len(trip.text):>11}{read_us:>6.0f} us{scrub_us:>7.0f} us{facts_us:>7.0f} us{whole_us:>9.0f} us"
            f"{whole_us / read_us:>7.1f}×{answer_us:>7.0f} us"
        )
        if name[:2].isdecimal():
            whole.append(whole_us / 1000)
    median = statistics.median(whole)
    print(f"\nthe median of the {len(whole)} example trips: {median:.2f} ms, the most {max(whole):.2f} ms")
    print(f"the first question of a fresh process: {first_ms():.0f} ms more than the second")
    if median > BAR_MS:
        print(f"the bar is {BAR_MS} ms")
        return 1
    return 0


def payload(trip: Trip, style: Style) -> None:
    """What `trip_completed` does before it asks the model."""
    messages(facts_of(trip), style)


def median_us(run: Callable[[], object]) -> float:
    """The median time of a run over many rounds, in microseconds."""
    run()
    times = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def first_ms() -> float:
    """What the first facts of a fresh process cost more than the second: patterns and tables are made then."""
    program = (
        "import sys, time; from shared.facts import facts_of; from shared.trips import parse_trip;"
        "trip = parse_trip(open(sys.argv[1], 'rb').read()); a = time.perf_counter(); facts_of(trip);"
        "b = time.perf_counter(); facts_of(trip); c = time.perf_counter(); print((b - a) - (c - b))"
    )
    trip = next(iter(sorted((_FOLDER / "examples" / "trips").glob("*.json"))))
    command = [sys.executable, "-c", program, str(trip)]
    runs = [subprocess.run(command, cwd=_FOLDER, capture_output=True, text=True, check=True) for _ in range(_STARTS)]
    return statistics.median(float(run.stdout) for run in runs) * 1000


if __name__ == "__main__":
    sys.exit(main())
