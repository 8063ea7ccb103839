"""What the GPU side reports, read: one record of the EAS output queue, or one entry of ComfyUI's history.

The answer of the ComfyUI API edition is a JSON list: ``executed`` items, then, last, the map from node id to outputs.
The last element is the truth: with a fully cached run it is the only one (documented sample records show it). How
errors look is not documented; every form seen or plausible is read here. A history entry has the same outputs and
messages, as ``{"outputs": …, "status": …}``. Whatever does not end in an outputs map with the task's own picture is a
failure, never a success.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.render_errors import RenderError, execution_failure, failure, name_in, validation_failure

#: What the files of a task are called: ``<task id>/picture_00001_.png``, and the background without the car.
PICTURE, PLATE = "picture", "plate"
#: Kind of output that holds pictures.
_PICTURES = "images"
#: Kinds of output that a post can't use, as nodes of ComfyUI and of its community name them.
_OTHER_KINDS = ("gifs", "text", "audio", "video", "3d", "result", "latents")
#: Statuses in 400..499 after which the same request may succeed.
_PASSING = frozenset({408, 425, 429, 450})


class SinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the output queue, as `relay_results` forwards it. `status` is the container's HTTP status."""

    task_id: str
    request_id: str
    index: int
    answer: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Files:
    """A finished render: paths below ComfyUI's ``output/`` folder.

    `plate` is the background without the car, "" when none was saved.
    """

    paths: tuple[str, ...]
    plate: str = ""


def read_answer(record: SinkRecord, output_node: str, plate_node: str = "") -> Files | RenderError:
    """Read one sink record. `output_node` is the node id whose pictures count, `plate_node` that of the background."""
    try:
        answer = msgspec.json.decode(record.answer.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        answer = None
    outputs, messages = _parts(answer, output_node)
    error = _error_in(messages)
    if record.status != 200 and (error is None or error.code == "unknown_error"):
        return _http_failure(record.status)
    if error is not None:
        return error
    if outputs is None:
        return failure("no_outputs", "the answer does not end in a map of outputs")
    picture = _picture_in(outputs, output_node, record.task_id)
    if not plate_node or not isinstance(picture, Files):
        return picture
    plate = _picture_in(outputs, plate_node, record.task_id)
    if isinstance(plate, Files):
        return Files(picture.paths, plate.paths[0])
    # Without its background a picture can still be judged by itself; another task's background can't be used at all.
    return plate if plate.code == "foreign_picture" else picture


def files_in(paths: Collection[str]) -> Files | None:
    """The files that a task left in its folder, by their names; None when no picture is among them."""
    pictures = tuple(sorted(path for path in paths if not _named(path, PLATE)))
    plates = sorted(path for path in paths if _named(path, PLATE))
    return Files(pictures, plates[0] if plates else "") if pictures else None


def _named(path: str, stem: str) -> bool:
    return path.rpartition("/")[2].startswith(f"{stem}_")


def _parts(answer: Any, output_node: str) -> tuple[dict[str, Any] | None, list[Any]]:
    """The outputs map, if there is one, and everything in the answer that may tell an error."""
    if isinstance(answer, list):
        last = answer[-1] if answer else None
        outputs = last if isinstance(last, dict) and "type" not in last else None
        return outputs, answer
    if not isinstance(answer, dict):
        return None, []
    if "status" in answer and isinstance(answer.get("outputs"), dict):
        return _history_parts(answer)
    return (answer if output_node in answer else None), [answer]


def _history_parts(entry: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Any]]:
    status = entry["status"]
    members = status if isinstance(status, dict) else {}
    told = members.get("messages")
    pairs = [pair for pair in (told if isinstance(told, list) else []) if isinstance(pair, list) and len(pair) == 2]
    messages: list[Any] = [{"type": kind, "data": data} for kind, data in pairs]
    if members.get("status_str") == "error" and _error_in(messages) is None:
        messages.append({"type": "execution_error", "data": {}})
    return (entry["outputs"] if members.get("completed") is not False else None), messages


def _error_in(messages: list[Any]) -> RenderError | None:
    for item in messages:
        if not isinstance(item, dict):
            continue
        if item.get("type") == "execution_error":
            return execution_failure(item.get("data"))
        if item.get("type") == "execution_interrupted":
            return failure("interrupted", "the render was interrupted on the GPU side")
        if isinstance(item.get("error"), dict) or item.get("node_errors"):
            return validation_failure(item)
        if "error" in item:
            return failure("unknown_error", "the GPU side answered with an error of no known form")
    return None


def _http_failure(status: int) -> RenderError:
    status = status if 0 <= status <= 999 else 0
    retry = not 400 <= status < 500 or status in _PASSING
    return RenderError(f"http_{status}", f"the GPU side answered {status}", retry=retry)


def _picture_in(outputs: dict[str, Any], output_node: str, task_id: str) -> Files | RenderError:
    output = outputs.get(output_node)
    members = output if isinstance(output, dict) else {}
    animated = members.get("animated")
    moving = isinstance(animated, list) and any(flag is True for flag in animated)
    paths = tuple(_paths(members)) if not moving else ()
    if any(not path.startswith(f"{task_id}/") for path in paths):
        # A cached run hands out the file of the task that first painted it: another trip's picture. Another attempt has
        # a file name prefix of its own, which the cache does not know: it paints.
        return failure("foreign_picture", "the answer names a file of another task")
    if paths:
        return Files(paths)
    node = name_in(output_node) or "?"
    others = ["animated images"] if moving else [kind for kind in _OTHER_KINDS if members.get(kind)]
    if others:
        return failure("not_a_picture", f"output node {node} gave {', '.join(others)}, not a picture")
    if _only_previews(members):
        return failure("not_a_picture", f"output node {node} previews its picture and does not save it")
    return failure("no_picture", f"output node {node} reported no picture file")


def _items(members: dict[str, Any]) -> list[dict[str, Any]]:
    items = members.get(_PICTURES)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _only_previews(members: dict[str, Any]) -> bool:
    return bool(_items(members)) and all(item.get("type") == "temp" for item in _items(members))


def _paths(members: dict[str, Any]) -> list[str]:
    found = []
    for item in _items(members):
        name, folder = item.get("filename"), item.get("subfolder", "")
        if (
            item.get("type") == "output"
            and isinstance(name, str)
            and isinstance(folder, str)
            and _is_plain(name, folder)
        ):
            found.append(f"{folder}/{name}" if folder else name)
    return found


def _is_plain(name: str, folder: str) -> bool:
    """Refuse anything that would leave the output folder."""
    parts = [*folder.split("/"), name] if folder else [name]
    return all(part and part not in (".", "..") and "\\" not in part and "/" not in part for part in parts)
