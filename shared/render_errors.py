"""ComfyUI's errors, read: what failed, in words a person can use, and whether another attempt can help.

ComfyUI refuses a graph with ``{"error": …, "node_errors": …}`` and reports a failed run with ``execution_error``; both
forms were recorded from 0.3.64 and 0.12.1. Their messages quote inputs, prompts and the server's paths: a reason here
repeats names only (of nodes, classes, inputs, model files), and service codes. `docs/comfyui-results.md` lists the
codes, and what to do about each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

#: The code of a render that the image service's own content check refused.
CONTENT_REJECTED = "content_rejected"

#: Every code of a failed render, and whether another attempt, with another seed and file name, can help. Beside these
#: there is ``http_<status>``: an answer with that status and without an error that can be read.
CODES: dict[str, bool] = {
    "out_of_memory": True,
    "gpu_failed": True,
    "storage_failed": True,
    "interrupted": True,
    "image_service_busy": True,
    "image_service_refused": False,
    CONTENT_REJECTED: False,
    "model_missing": False,
    "model_damaged": False,
    "file_missing": False,
    "node_missing": False,
    "graph_refused": False,
    "graph_fault": False,
    "execution_error": True,
    "unknown_error": True,
    "no_outputs": True,
    "no_picture": True,
    "not_a_picture": False,
    "foreign_picture": True,
    "no_place": True,
}

#: DashScope's codes for what it will not paint, and those that only a person can mend (its page "error codes"); the
#: last of each are those of our own nodes (`workflows/custom_nodes/tripcanvas/errors.py`).
_CONTENT_CODES = frozenset({"DataInspectionFailed", "IPInfringementSuspect", "ContentRefused"})
_HOPELESS_FAMILIES = frozenset(
    {
        *(
            "InvalidApiKey",
            "ModelNotFound",
            "Arrearage",
            "AccessDenied",
            "Model",
            "InvalidParameter",
            "AllocationQuota",
        ),
        *("CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue", "NotConfigured"),
    }
)
#: Codes, up to their first full stop, after which nothing was painted and only time helps.
_BUSY_FAMILIES = frozenset({"Throttling", "ModelUnavailable", "Busy", "ConnectionFailed"})

#: Python's errors that the same graph meets again whatever its seed.
_MISTAKES = frozenset(
    {
        *("AttributeError", "TypeError", "KeyError", "IndexError", "NameError", "UnboundLocalError"),
        *("ImportError", "ModuleNotFoundError", "NotImplementedError", "ZeroDivisionError", "AssertionError"),
    }
)
#: In lower case. torch's words on a GPU and on a CPU, CUDA's and cuBLAS's, numpy's.
_MEMORY_WORDS = (
    *("out of memory", "allocation on device", "can't allocate memory", "not enough memory", "unable to allocate"),
    *("cublas_status_alloc_failed", "cudnn_status_alloc_failed"),
)
_GPU_WORDS = ("cuda error", "cudnn error", "no cuda gpus", "nvml", "cublas_status", "device-side assert")
#: errno of a full or broken disk, quota or mount: EIO, ENOSPC, EROFS, ENOTCONN, ESTALE, EDQUOT.
_DISK_ERRORS = re.compile(r"\[Errno (5|28|30|107|116|122)\]")
#: ComfyUI's `folder_paths` on a model that is listed and not there.
_NO_SUCH_MODEL = re.compile(r"Model in folder '[^']{1,60}' with filename '([^']{1,300})' not found")

_MODEL_FILE = re.compile(
    r"[^\s/\\'\"][^/\\'\"\n]{0,118}\.(?:safetensors|sft|ckpt|pt2?|pth|bin|gguf|onnx)", re.IGNORECASE
)
#: What the name of a node, a class or an input looks like. What does not may be a text, and is not repeated.
_NAME = re.compile(r"[\w.+-]{1,60}")
_CLASS_IN_MESSAGE = re.compile(r"node '?([\w.+-]{1,60})'? (?:does not exist|not found)", re.IGNORECASE)
#: Inputs of loader nodes that name a model file.
_MODEL_INPUT = re.compile(r"\w*_name\d?")
_CODE_WORD = re.compile(r"[A-Za-z0-9._-]{1,60}")
_BRACKETED = re.compile(r"\[([A-Za-z0-9._-]{1,60})\]")
#: Characters of a message in which a code or a name is looked for.
_MESSAGE_LENGTH = 2000
#: Refused nodes that a reason names at most.
_NAMED_NODES = 5


@dataclass(frozen=True, slots=True)
class RenderError:
    """A failed render: a code of `CODES`, a sentence for people, and whether another attempt can help.

    `busy`: nothing was painted, because the image service was overloaded or not reached.
    """

    code: str
    reason: str
    retry: bool
    busy: bool = False


def failure(code: str, reason: str) -> RenderError:
    """The error of one of `CODES`."""
    return RenderError(code, reason, retry=CODES[code], busy=code == "image_service_busy")


def execution_failure(content: Any) -> RenderError:
    """What an ``execution_error`` says; `content` is its ``data``."""
    members = content if isinstance(content, dict) else {}
    kind, node = name_in(members.get("exception_type")), name_in(members.get("node_type")) or "unknown node"
    text = members.get("exception_message")
    message = text[:_MESSAGE_LENGTH].strip() if isinstance(text, str) else ""
    code = _service_code(message)
    if code:
        return _service_failure(node, code)
    return _machine_failure(node, kind, message) or _graph_failure(node, kind, message)


def _service_code(message: str) -> str:
    """The code our own nodes put at the start of their errors: ``[Throttling.RateQuota] …``; never Python's errno."""
    found = _BRACKETED.match(message)
    return found[1] if found else ""


def _service_failure(node: str, code: str) -> RenderError:
    family = code.partition(".")[0]
    if code == "NoPlace":
        return failure("no_place", f"{node}: the background has no place for the car")
    if code == "CarUnusable":
        return failure("graph_fault", f"{node}: the car's asset is missing or broken")
    if code in _CONTENT_CODES:
        return failure(CONTENT_REJECTED, f"{node}: {code}, the image service's content check refused it")
    if family in _BUSY_FAMILIES and code != "Throttling.AllocationQuota":
        return failure("image_service_busy", f"{node}: {code}")
    if family in _HOPELESS_FAMILIES or code == "Throttling.AllocationQuota":
        return failure("image_service_refused", f"{node}: {code}, the image service refuses this account or order")
    return failure("execution_error", f"{node}: {code}")


def _machine_failure(node: str, kind: str, message: str) -> RenderError | None:
    lower = message.lower()
    if "OutOfMemory" in kind or kind.endswith("MemoryError") or any(words in lower for words in _MEMORY_WORDS):
        return failure("out_of_memory", f"out of memory in {node}")
    if kind == "torch.AcceleratorError" or any(words in lower for words in _GPU_WORDS):
        return failure("gpu_failed", f"the GPU failed in {node}")
    if _DISK_ERRORS.match(message):
        return failure(
            "storage_failed", f"{node} could not write or read its file: the disk or mount is full or broken"
        )
    return None


def _graph_failure(node: str, kind: str, message: str) -> RenderError:
    last = kind.rpartition(".")[2]
    missing = _NO_SUCH_MODEL.search(message)
    if missing or last == "FileNotFoundError":
        model = model_name(missing[1] if missing else message.rstrip("'\""))
        if model or missing:
            return failure("model_missing", f"model missing: {model or 'of another name'} ({node})")
        return failure("file_missing", f"a file that {node} needs is missing")
    if last == "SafetensorError":
        return failure("model_damaged", f"a model that {node} loads is damaged")
    if "Saving image outside the output folder" in message:
        return failure("graph_fault", f"{node}: the file name prefix leaves the output folder")
    if last == "UnidentifiedImageError":
        return failure("graph_fault", f"{node}: a file is no picture")
    if last in _MISTAKES:
        return failure("graph_fault", f"{node}: {kind}, a mistake in the graph or in the node")
    return failure("execution_error", f"{node}: {kind or 'failed'}")


def validation_failure(item: dict[str, Any]) -> RenderError:
    """What a refusal says: ComfyUI's body of a 400, or of a 200 with errors in it (a partly valid graph)."""
    error = item.get("error")
    members = error if isinstance(error, dict) else {}
    kind = name_in(members.get("type")) or "error"
    nodes = item.get("node_errors")
    refused = [
        (node, found) for node, found in (nodes.items() if isinstance(nodes, dict) else ()) if isinstance(found, dict)
    ]
    missing = [name for _, found in refused for name in _missing_models(found)]
    if missing:
        return failure("model_missing", f"model missing: {', '.join(dict.fromkeys(missing[:_NAMED_NODES]))}")
    if kind in ("invalid_prompt", "missing_node_type"):
        return _unknown_class(members)
    where = ", ".join(
        f"node {name_in(node) or '?'} ({name_in(found.get('class_type')) or '?'}): {_first_error(found)}"
        for node, found in refused[:_NAMED_NODES]
    )
    if any(_says_no_file(found) for _, found in refused):
        return failure("file_missing", f"an input file is missing: {where}")
    part = "" if members else "a part of the graph was refused: "
    return failure("graph_refused", part + (where or _WORDS.get(kind, kind)))


_WORDS = {
    "prompt_no_outputs": "the graph has no output node",
    "no_prompt": "no graph was sent",
    "prompt_outputs_failed_validation": "no reason was given; nodes may depend on each other in a circle",
    "error": "a part of the graph was refused",
}


def _unknown_class(error: dict[str, Any]) -> RenderError:
    extra, message = error.get("extra_info"), str(error.get("message"))[:_MESSAGE_LENGTH]
    named = name_in(extra.get("class_type")) if isinstance(extra, dict) else ""
    found = _CLASS_IN_MESSAGE.search(message)
    if named or found:
        return failure("node_missing", f"node missing: {named or (found[1] if found else '')}")
    if "class_type" in message:
        return failure("graph_refused", "the graph is not in API format: a node has no class_type")
    return failure("node_missing", "node missing: of another name")


def _missing_models(found: dict[str, Any]) -> list[str]:
    """Names of model files that a node asked for and the server's lists do not hold."""
    is_loader = "load" in str(found.get("class_type"))[:200].lower()
    names = []
    for error in _errors(found):
        extra = error.get("extra_info")
        members = extra if isinstance(extra, dict) else {}
        if error.get("type") != "value_not_in_list":
            continue
        details = error.get("details")
        told = details[:_MESSAGE_LENGTH] if isinstance(details, str) else ""
        field, _, rest = told.partition(": '")
        value = members.get("received_value", rest.partition("' not in ")[0])
        model = model_name(value)
        if model:
            names.append(model)
        elif is_loader and _MODEL_INPUT.fullmatch(str(members.get("input_name", field))[:100]):
            names.append(name_in(value) or "of another name")
    return names


def _says_no_file(found: dict[str, Any]) -> bool:
    return any(
        error.get("type") == "custom_validation_failed" and "Invalid image file" in str(error.get("details"))[:200]
        for error in _errors(found)
    )


def _first_error(found: dict[str, Any]) -> str:
    first = next(iter(_errors(found)), {})
    extra = first.get("extra_info")
    name = name_in(extra.get("input_name")) if isinstance(extra, dict) else ""
    return f"{name_in(first.get('type')) or 'error'} {name}".strip()


def _errors(found: dict[str, Any]) -> list[dict[str, Any]]:
    errors = found.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def model_name(value: Any) -> str:
    """The file name at the end of a path to a model file, as a reason may repeat it; else ""."""
    last = re.split(r"[/\\'\"]", value[:_MESSAGE_LENGTH])[-1] if isinstance(value, str) else ""
    return last if _MODEL_FILE.fullmatch(last) else ""


def name_in(value: Any) -> str:
    """A name of a node, a class or an input as a reason may repeat it; else ""."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""
