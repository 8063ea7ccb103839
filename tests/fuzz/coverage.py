"""The targets under atheris, which follows the code's branches: ``python -m tests.fuzz.coverage trip -max_total_time=60``.

Not part of any run: atheris has wheels for Linux on x86-64 only. Install it beside the development packages first.
"""

from __future__ import annotations

import sys
import zlib
from random import Random

import atheris

with atheris.instrument_imports(include=["shared", "workflows", "msgspec"]):
    from tests.fuzz import driver
    from tests.fuzz.mutation import Mutator
    from tests.fuzz.service_targets import SERVICES
    from tests.fuzz.targets import PURE


def main() -> None:
    """Run one target until libFuzzer's own options say to stop."""
    target = next(target for target in (*PURE, *SERVICES) if target.name == sys.argv[1])
    mutator = Mutator(target.seeds)

    def check(case: bytes) -> None:
        with driver.bounded() as logs:
            driver.run_one(target, case, Random(zlib.crc32(case)), logs)

    def bend(case: bytes, most: int, seed: int) -> bytes:
        """Half of the cases come from the examples, half from what libFuzzer found worth keeping."""
        choices = Random(seed)
        return mutator.case(choices)[:most] if choices.random() < 0.5 else atheris.Mutate(case, most)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], check, custom_mutator=bend)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
