"""What the GPU side reports: one record of the EAS output queue, read.

The answer of the ComfyUI API edition is a JSON list: ``executed`` items, then, last, the map from node id to outputs.
The last element is the truth: with a fully cached run it is the only one (documented sample records show it). How
errors look is not documented; every form seen or plausible is read here, and whatever does not end in an outputs map
with a file is a failure, never a success.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

#: Kinds of output that hold pictures; videos (`gifs`) and text are not what a post needs.
_PICTURES = ("images",)

#: DashScope's codes for pictures it will not paint, and those that only a person can mend (its page "error codes").
_CONTENT_CODES = frozenset({"DataInspectionFailed", "IPInfringementSuspect"})
_HOPELESS_CODES = frozenset(
    {"InvalidApiKey", "ModelNotFound", "Arrearage", "AccessDenied", "AccessDenied.Unpurchased", "InvalidParameter"}
)

#: Codes, up to their first full stop, after which nothing was painted and only time helps; the last two are those of
#: our own nodes (`workflows/custom_nodes/tripcanvas/errors.py`).
_BUSY_FAMILIES = frozenset({"Throttling", "ModelUnavailable", "Busy", "ConnectionFailed"})


#: What the name of a node, a class or an input looks like. What does not may be a text, and is not repeated.
_NAME = re.compile(r"[\w.+-]{1,60}")
_MISSING = re.compile(r"node '?([\w.+-]{1,60})'? (?:does not exist|not found)", re.IGNORECASE)
#: Characters of a message in which a code or a name is looked for.
_MESSAGE_LENGTH = 2000
#: Nodes that a refused graph's reason names at most.
_NAMED_NODES = 5


class SinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the output queue, as `relay_results` forwards it. `status` is the container's HTTP status."""

    task_id: str
    request_id: str
    index: int
    answer: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Files:
    """A finished render: paths below ComfyUI's ``output/`` folder."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderError:
    """A failed render: a code, a sentence for people, and whether another attempt can help.

    `busy`: nothing was painted, because the image service was overloaded or not reached.
    """

    code: str
    reason: str
    retry: bool
    busy: bool = False


def read_answer(record: SinkRecord, output_node: str) -> Files | RenderError:
    """Read one sink record. `output_node` is the node id whose pictures count."""
    try:
        answer = msgspec.json.decode(record.answer.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        answer = None
    error = _error_in(answer)
    if error is not None:
        return error
    if record.status != 200:
        status = record.status if 0 <= record.status <= 999 else 0
        return RenderError(f"http_{status}", f"the GPU side answered {status}", retry=True)
    outputs = answer[-1] if isinstance(answer, list) and answer else None
    if not isinstance(outputs, dict) or "type" in outputs:
        return RenderError("no_outputs", "the answer does not end in a map of outputs", retry=True)
    paths = tuple(_paths(outputs.get(output_node)))
    if any(not path.startswith(f"{record.task_id}/") for path in paths):
        # A cached run hands out the file of the task that first painted it: another trip's picture.
        return RenderError("foreign_picture", "the answer names a file of another task", retry=True)
    if not paths:
        return RenderError("no_picture", f"output node {output_node} reported no picture file", retry=True)
    return Files(paths)


def _paths(output: Any) -> list[str]:
    if not isinstance(output, dict):
        return []
    found = []
    for kind in _PICTURES:
        items = output.get(kind)
        for item in items if isinstance(items, list) else []:
            if not isinstance(item, dict) or item.get("type") != "output":
                continue
            name, folder = item.get("filename"), item.get("subfolder", "")
            if isinstance(name, str) and isinstance(folder, str) and _is_plain(name, folder):
                found.append(f"{folder}/{name}" if folder else name)
    return found


def _is_plain(name: str, folder: str) -> bool:
    """Refuse anything that would leave the output folder."""
    parts = [*folder.split("/"), name] if folder else [name]
    return all(part and part not in (".", "..") and "\\" not in part and "/" not in part for part in parts)


def _error_in(answer: Any) -> RenderError | None:
    for item in answer if isinstance(answer, list) else [answer]:
        if not isinstance(item, dict):
            continue
        if item.get("type") == "execution_error":
            return _execution_error(item.get("data"))
        if item.get("type") == "execution_interrupted":
            return RenderError("interrupted", "the render was interrupted on the GPU side", retry=True)
        if "error" in item or item.get("node_errors"):
            return _validation_error(item)
    return None


def _execution_error(content: Any) -> RenderError:
    members = content if isinstance(content, dict) else {}
    kind, node = _name(members.get("exception_type")), _name(members.get("node_type")) or "unknown node"
    text = members.get("exception_message")
    message = text[:_MESSAGE_LENGTH].strip() if isinstance(text, str) else ""
    if "OutOfMemory" in kind or "out of memory" in message.lower():
        return RenderError("out_of_memory", f"{node}: out of memory", retry=True)
    # The message may quote the prompt: the code and the node are what is kept.
    code = _code_in(message)
    if code in _CONTENT_CODES:
        return RenderError(
            "content_rejected", f"{node}: {code}, the image service's content check refused it", retry=False
        )
    reason = f"{node}: {code or kind or 'failed'}"
    if code.partition(".")[0] in _BUSY_FAMILIES:
        return RenderError("image_service_busy", reason, retry=True, busy=True)
    return RenderError("execution_error", reason, retry=code not in _HOPELESS_CODES)


def _code_in(message: str) -> str:
    """The service code our own nodes put at the start of their errors: ``[Throttling.RateQuota] …``."""
    head, bracket, _ = message.partition("]")
    code = head[1:] if bracket and head.startswith("[") else ""
    return code if code.replace(".", "").replace("_", "").isalnum() and len(code) <= 60 else ""


def _validation_error(item: dict[str, Any]) -> RenderError:
    error = item.get("error")
    members = error if isinstance(error, dict) else {"type": "error"}
    kind = _name(members.get("type")) or "error"
    nodes = item.get("node_errors")
    refused = [
        (node, found) for node, found in (nodes.items() if isinstance(nodes, dict) else ()) if isinstance(found, dict)
    ]
    where = ", ".join(
        f"node {_name(node) or '?'} ({_name(found.get('class_type')) or '?'}): {_first_error(found)}"
        for node, found in refused[:_NAMED_NODES]
    )
    if kind in ("invalid_prompt", "missing_node_type"):
        missing = _MISSING.search(str(members.get("message"))[:_MESSAGE_LENGTH])
        return RenderError("node_missing", f"no node {missing[1]}" if missing else "unknown node", retry=False)
    return RenderError("graph_refused", where or kind, retry=False)


def _first_error(found: dict[str, Any]) -> str:
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    extra = first.get("extra_info")
    name = _name(extra.get("input_name")) if isinstance(extra, dict) else ""
    return f"{_name(first.get('type')) or 'error'} {name}".strip()


def _name(value: Any) -> str:
    """A name as a reason may repeat it, else ""."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""
