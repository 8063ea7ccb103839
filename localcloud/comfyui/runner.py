"""The built-in engine: runs a checked graph node by node, with ComfyUI's cache and ComfyUI's errors, without torch.

What it leaves out: lazy inputs, list inputs and outputs, node expansion, asynchronous nodes, V3 schemas. The nodes it
loads use none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import traceback
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.comfyui import interruption
from localcloud.comfyui.results import NodeOutput, OutputFile, Run
from localcloud.comfyui.validation import Link, Step, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.comfyui.folders import Folders


@dataclass(frozen=True, slots=True)
class _Result:
    values: tuple[Any, ...]
    shown: NodeOutput | None


class _NodeFailed(RuntimeError):
    def __init__(self, step: Step, inputs: Mapping[str, Any], error: Exception) -> None:
        super().__init__(step.node_id)
        self.step = step
        self.inputs = inputs
        self.error = error


class Runner:
    """Runs graphs one at a time, in the caller's thread.

    Like ComfyUI, it keeps the results of the previous graph only: a node whose class, inputs and ancestors are the
    same does not run again, and an unchanged graph writes no new file and names the old one.
    """

    def __init__(self, classes: Mapping[str, type[Any]], folders: Folders) -> None:
        self._classes = classes
        self._folders = folders
        self._cache: dict[str, _Result] = {}

    def run(self, graph: Mapping[str, Any], prompt_id: str) -> Run:
        """Check and run one graph in API format. Raises `GraphRefused`; a failing node is in `Run.failure`."""
        steps = plan(graph, self._classes).steps
        signatures: dict[str, str] = {}
        results: dict[str, _Result] = {}
        ran: list[str] = []
        failure = None
        for step in steps:
            signatures[step.node_id] = _signature(step, signatures, graph)
        self._cache = {key: self._cache[key] for key in signatures.values() if key in self._cache}
        cached = tuple(node_id for node_id, key in signatures.items() if key in self._cache)
        interrupted = False
        for step in steps:
            key = signatures[step.node_id]
            if key not in self._cache:
                try:
                    interruption.stop_if_interrupted()
                    self._cache[key] = _execute(step, results, graph)
                except interruption.InterruptProcessingException:
                    failure, interrupted = _interrupted(step, prompt_id, ran), True
                    break
                except _NodeFailed as failed:
                    failure = _failure(failed, prompt_id, ran, list(results))
                    break
                ran.append(step.node_id)
            results[step.node_id] = self._cache[key]
        outputs = {node_id: result.shown for node_id, result in results.items() if result.shown is not None}
        shown = tuple(node_id for node_id in ran if node_id in outputs)
        return Run(prompt_id, shown, outputs, failure, interrupted, cached)

    def read(self, file: OutputFile) -> bytes:
        """The bytes of a file that a run wrote."""
        return self._folders.path_of(file).read_bytes()


def _signature(step: Step, signatures: Mapping[str, str], graph: Mapping[str, Any]) -> str:
    """What a node's result depends on, as one hash: its class, its own say, its literals and its ancestors."""
    inputs = {
        name: ["link", signatures[value.node_id], value.slot] if isinstance(value, Link) else ["literal", value]
        for name, value in step.inputs.items()
    }
    content = json.dumps([step.node.name, _changed(step, graph), inputs], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def _changed(step: Step, graph: Mapping[str, Any]) -> Any:
    """The class's ``IS_CHANGED``; NaN, which equals nothing, makes the node run every time."""
    is_changed = getattr(step.node.cls, "IS_CHANGED", None)
    if is_changed is None:
        return None
    value = is_changed(**step.known_inputs(), **step.node.hidden(step.node_id, graph))
    return uuid.uuid4().hex if isinstance(value, float) and math.isnan(value) else value


def _execute(step: Step, results: Mapping[str, _Result], graph: Mapping[str, Any]) -> _Result:
    inputs = {
        name: results[value.node_id].values[value.slot] if isinstance(value, Link) else value
        for name, value in step.inputs.items()
    }
    inputs |= step.node.hidden(step.node_id, graph)
    try:
        returned = getattr(step.node.cls(), step.node.cls.FUNCTION)(**inputs)
    except interruption.InterruptProcessingException:
        raise
    # A node is foreign code: whatever it raises is the job's failure, not the runner's.
    except Exception as error:
        raise _NodeFailed(step, inputs, error) from error
    if isinstance(returned, dict):
        shown = returned.get("ui")
        values = tuple(returned.get("result", ()))
        return _Result(values, None if shown is None else {key: list(items) for key, items in shown.items()})
    return _Result(tuple(returned or ()), None)


def _interrupted(step: Step, prompt_id: str, ran: list[str]) -> dict[str, Any]:
    """The content of ComfyUI's ``execution_interrupted`` message."""
    return {"prompt_id": prompt_id, "node_id": step.node_id, "node_type": step.node.name, "executed": ran}


def _failure(failed: _NodeFailed, prompt_id: str, ran: list[str], finished: list[str]) -> dict[str, Any]:
    """The content of ComfyUI's ``execution_error`` message; its exception_message ends with a line break."""
    error = failed.error
    kind = type(error)
    return {
        "prompt_id": prompt_id,
        "node_id": failed.step.node_id,
        "node_type": failed.step.node.name,
        "executed": ran,
        "exception_message": f"{error}\n",
        "exception_type": kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        "traceback": traceback.format_tb(error.__traceback__),
        "current_inputs": {name: [_shown(value)] for name, value in failed.inputs.items()},
        "current_outputs": finished,
        "timestamp": int(time.time() * 1000),
    }


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
