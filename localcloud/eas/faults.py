"""Faults that a test orders from the running service, each for a number of times."""

from __future__ import annotations

from collections import Counter

#: What can be ordered, and what then happens.
FAULTS = {
    "put-taken-but-503": "a put is taken, its answer is 503: senders that repeat it make duplicates",
    "put-taken-but-cut-off": "a put is taken, the connection breaks before its answer is whole",
    "get-cut-off": "a GET does its work, auto-delete included, and the connection breaks before its answer is whole",
    "sink-put-lost": "a put to the sink is answered as usual and the record forgotten",
    "watch-refused": "a watch is refused with 503 at the handshake",
    "watch-closed": "a WebSocket watch gets a CLOSE frame right after its next record",
}


class Faults:
    """How often each fault is still to strike."""

    def __init__(self) -> None:
        self._ordered: Counter[str] = Counter()

    def order(self, fault: str, times: int) -> None:
        """Let `fault` strike `times` times; 0 calls it off. Raises `KeyError` for a name that is not in `FAULTS`."""
        if fault not in FAULTS:
            raise KeyError(fault)
        self._ordered[fault] = times

    def strikes(self, fault: str) -> bool:
        """Whether `fault` strikes now; if so that is one time less."""
        if self._ordered[fault] <= 0:
            return False
        self._ordered[fault] -= 1
        return True
