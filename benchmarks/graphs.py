"""What judging and filling graphs costs: ``python -m benchmarks.graphs``.

For each shipped workflow: loading it (once per function instance: read, judge, compile), judging its graph, and filling
it with the longest values (once per trip). Times are medians of many rounds on this machine; beside each its ratio
to encoding the same graph as JSON with ``json.dumps``, which is comparable between machines. Last, what importing the
module and loading the default workflow add to the start of a fresh process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.graphs.check import check_graph
from shared.settings import Settings
from shared.workflows import FOLDER, Workflow, load_workflow, node_types_of

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS, _STARTS = 300, 15
#: A filled graph may cost as much as encoding it anew a few times over, and no more.
MOST_FILL_RATIO = 5.0


def main() -> int:
    """Print the table; 1 when filling costs more than the bar."""
    names = sorted(path.parent.name for path in FOLDER.glob("*/bindings.toml"))
    print(f"{'workflow':<18}{'nodes':>6}{'load':>11}{'check':>18}{'fill':>18}{'bytes':>8}")
    worst = 0.0
    for name in names:
        workflow = load_workflow(name)
        values = longest(workflow)
        encode_us = median_us(lambda workflow=workflow: json.dumps(workflow.graph))
        check_us = median_us(lambda workflow=workflow: check(workflow))
        fill_us = median_us(lambda workflow=workflow, values=values: workflow.fill(values, max_bytes=10**6))
        load_us = median_us(lambda name=name: load(name), rounds=30)
        size = len(workflow.fill(values, max_bytes=10**6))
        worst = max(worst, fill_us / encode_us)
        print(
            f"{name:<18}{len(workflow.graph):>6}{load_us / 1000:>8.1f} ms"
            f"{check_us:>9.0f} us{check_us / encode_us:>5.1f}×{fill_us:>9.1f} us{fill_us / encode_us:>5.1f}×{size:>8}"
        )
    default = Settings().workflow
    print("\nfresh process, after `import msgspec`:")
    print(f"  import shared.workflows  {started_ms('import shared.workflows'):6.1f} ms")
    loading = f"from shared.workflows import load_workflow; load_workflow({default!r})"
    print(f"  and load {default:<15} {started_ms(loading):6.1f} ms")
    if worst > MOST_FILL_RATIO:
        print(f"filling costs {worst:.1f} times an encoding; the bar is {MOST_FILL_RATIO}")
        return 1
    return 0


def longest(workflow: Workflow) -> dict[str, Any]:
    """The longest legal Chinese text for each parameter that takes one."""
    return {
        name: "景" * (parameter.max_length or 1)
        for name, parameter in workflow.parameters.items()
        if parameter.type == "string" and not parameter.choices
    }


def check(workflow: Workflow) -> None:
    """Judge a workflow's graph, the node types being read already."""
    check_graph(workflow.graph, node_types_of(workflow.requires.comfyui))


def load(name: str) -> None:
    """Load a workflow as a new function instance does."""
    node_types_of.cache_clear()
    load_workflow.cache_clear()
    load_workflow(name)


def median_us(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """The median duration of `work` in microseconds."""
    work()
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1e6


def started_ms(more: str) -> float:
    """The median time that the line `more` takes in a fresh process, byte code being there."""
    program = f"import time, msgspec\nbegun = time.perf_counter()\n{more}\nprint(time.perf_counter() - begun)"
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        run = partial(subprocess.run, [sys.executable, "-c", program], check=True, capture_output=True, env=environment)
        run()
        took = [float(run().stdout) for _ in range(_STARTS)]
    return statistics.median(took) * 1000


if __name__ == "__main__":
    sys.exit(main())
