"""The matrix of kill points and faults: ``python -m tests.faults [--only CALL] [--fault FAULT]``."""

from __future__ import annotations

import argparse
import sys

from tests.faults.matrix import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="rows by their id, as a glob: 'straight/image_ready#7'")
    parser.add_argument("--fault", default="", help="columns by their name, as a glob: 'kill-*'")
    parser.add_argument("--workers", type=int, default=3, help="processes, each with an embedded cloud")
    parser.add_argument("--list", action="store_true", help="print the rows only")
    parser.add_argument("--broken", default="", help="break the product on purpose: a function of tests/faults/broken.py")
    arguments = parser.parse_args()
    sys.exit(
        main(
            arguments.only, arguments.fault, arguments.workers, listing=arguments.list, broken=arguments.broken
        )
    )
