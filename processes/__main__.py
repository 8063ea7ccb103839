"""``python -m processes KIND``: keep workers of one kind; settings and credentials come from the environment."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
import traceback

from processes.health import QueueLength, serve
from processes.identity import Identity
from processes.keeping import Keeper, worker_command
from processes.working import WORKS, Worker
from shared.errors import TripcanvasError
from shared.telemetry import log

_LOOK_EVERY_S = 0.2


class Stop:
    """Whether SIGTERM, or SIGINT from a terminal, has come."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.came = True

    def wait(self, seconds: float) -> bool:
        """Sleep, not longer than until it comes; returns whether it has."""
        end = time.monotonic() + seconds
        while not self.came and (left := end - time.monotonic()) > 0:
            time.sleep(min(_LOOK_EVERY_S, left))
        return self.came


def main() -> int:
    """Run until told to stop; the exit status is 0 for an orderly end."""
    arguments = _arguments()
    _log_to_stdout(f"{arguments.kind}-{os.getpid()}")
    stop, identity, work = Stop(), Identity(), WORKS[arguments.kind]
    if arguments.once:
        try:
            Worker(arguments.kind, identity, lambda _: None, stop.wait).once()
        except TripcanvasError as error:
            log("trouble", during=arguments.kind, code=type(error).__name__)
            return 1
        return 0
    if arguments.worker is not None:
        return _work(Worker(arguments.kind, identity, lambda word: _tell(arguments.worker, word), stop.wait))
    keeper = Keeper(worker_command(arguments.kind), arguments.processes, work.longest_s, arguments.grace)
    length = QueueLength(identity, work.queue) if work.queue else None
    server = serve(arguments.port, keeper, length) if arguments.port else None
    in_time = keeper.run(lambda: stop.came)
    if server is not None:
        server.shutdown()
    return 0 if in_time else 1


def _work(worker: Worker) -> int:
    try:
        worker.run()
    except Exception as error:  # noqa: BLE001  (its text may quote a trip: only type and place are told)
        place = traceback.extract_tb(error.__traceback__)[-1]
        log("unforeseen", error=type(error).__name__, at=f"{place.name}:{place.lineno}")
        return 1
    return 0


def _tell(descriptor: int, word: bytes) -> None:
    try:
        os.write(descriptor, word)
    except BrokenPipeError:
        # The keeper is gone, and whoever started it starts another one.
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m processes", description=__doc__)
    parser.add_argument("kind", choices=sorted(WORKS))
    parser.add_argument("--processes", type=int, default=1, help="workers, each with one message at a time")
    parser.add_argument("--port", type=int, default=8080, help="of /live, /ready and /queue; 0 for none")
    parser.add_argument("--grace", type=float, default=140.0, help="seconds to finish in after SIGTERM")
    parser.add_argument("--once", action="store_true", help="sweep once and end, for a CronJob")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.once and found.kind != "sweep":
        parser.error("--once: only sweep ends by itself")
    if found.kind in ("relay", "sweep") and found.processes != 1:
        parser.error(f"--processes: there is one {found.kind} at a time")
    if found.processes < 1:
        parser.error("--processes: at least 1")
    return found


def _log_to_stdout(name: str) -> None:
    """Lines as Function Compute shows a function's: time, who, level, event."""
    handler = logging.StreamHandler(sys.stdout)
    line = logging.Formatter(f"%(asctime)s.%(msecs)03dZ {name} [%(levelname)s] %(message)s", "%Y-%m-%dT%H:%M:%S")
    line.converter = time.gmtime
    handler.setFormatter(line)
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
