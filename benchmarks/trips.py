"""Trips for measuring: the examples under ids of their own, and the envelope in which a topic hands them over."""

from __future__ import annotations

import json
import sys
import uuid
from functools import cache
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples" / "trips"


@cache
def _examples() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(file.read_text("utf-8")) for file in sorted(EXAMPLES.glob("*.json")))


def a_trip(number: int, trip_id: str = "", **changes: object) -> dict[str, Any]:
    """The `number`-th example trip, round and round, under a fresh id unless one is given."""
    examples = _examples()
    return {**examples[number % len(examples)], "trip_id": trip_id or f"T-{uuid.uuid4()}", **changes}


def encoded(trip: object) -> bytes:
    return json.dumps(trip, ensure_ascii=False).encode()


def envelope(topic: str, body: bytes) -> bytes:
    """The event of an ``mns_topic`` trigger in the format JSON."""
    return encoded({"TopicName": topic, "MessageId": uuid.uuid4().hex.upper(), "Message": body.decode()})


def main() -> None:
    """Print so many trips, one message a line: ``python -m benchmarks.trips 200 > quarter.jsonl``."""
    count = int(sys.argv[1])
    key = sys.argv[2] if len(sys.argv) > 2 else "past"
    for number in range(count):
        sys.stdout.buffer.write(encoded(a_trip(number, f"T-{key}-{number:06d}")) + b"\n")


if __name__ == "__main__":
    main()
