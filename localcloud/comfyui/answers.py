"""The answer that the API edition of ComfyUI on EAS writes to the sink, for each way a job can end.

A job that ran: a JSON list of one ``executed`` item for each output node that ran, then, as the last element, the
outputs of all nodes. A graph served wholly from the cache: that last element alone. What the real edition writes for
a refused graph or a failed node is not documented; here it is ComfyUI's own object as an item of the list.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.comfyui.results import GraphRefused, Run

#: The queue's default ``meta.maxPayloadBytes``. An error that doesn't fit would be lost, and its sender left waiting.
_SINK_BYTES = 8192


def of_run(run: Run) -> bytes:
    """The list for a job that ran, to its end or to a failing node."""
    items: list[Mapping[str, Any]] = [
        {
            "type": "executed",
            "data": {"node": node_id, "output": run.outputs[node_id], "prompt_id": run.prompt_id},
        }
        for node_id in run.ran
    ]
    if run.failure is None:
        return _encoded([*items, dict(run.outputs)])
    if run.interrupted:
        return _encoded([*items, {"type": "execution_interrupted", "data": run.failure}])
    whole = _encoded([*items, {"type": "execution_error", "data": run.failure}])
    if len(whole) <= _SINK_BYTES:
        return whole
    # What is left names the node and the reason; the rest is for the eye of a developer.
    short = {
        **run.failure,
        "traceback": [],
        "current_inputs": {},
        "exception_message": str(run.failure.get("exception_message", ""))[:2000],
    }
    return _encoded([{"type": "execution_error", "data": short}])


def of_refusal(refused: GraphRefused) -> bytes:
    """The list for a graph that did not pass validation."""
    whole = _encoded([refused.body])
    if len(whole) <= _SINK_BYTES:
        return whole
    nodes = {
        node_id: {
            **about,
            "errors": [{**error, "details": error["details"][:200], "extra_info": {}} for error in about["errors"][:5]],
        }
        for node_id, about in list(refused.body["node_errors"].items())[:5]
    }
    error = {**refused.body["error"], "details": refused.body["error"]["details"][:1000]}
    return _encoded([{"error": error, "node_errors": nodes}])


def of_failure(prompt_id: str, exception_type: str, message: str) -> bytes:
    """The list for a job that was run but could not be delivered, in the shape of a failed node."""
    failure: dict[str, Any] = {
        "prompt_id": prompt_id,
        "node_id": None,
        "node_type": None,
        "executed": [],
        "exception_message": f"{message}\n",
        "exception_type": exception_type,
        "traceback": [],
        "current_inputs": {},
        "current_outputs": [],
    }
    return _encoded([{"type": "execution_error", "data": failure}])


def _encoded(items: list[Mapping[str, Any]]) -> bytes:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
