"""A node package that fails on demand, to see what a real ComfyUI makes of each failure.

Put it into the server's ``custom_nodes`` before `tests/services/comfyui/test_failures.py` runs against it.
"""

from __future__ import annotations

import sys
import time
from typing import Any

#: What other people's nodes and torch raise, by a name; the texts are theirs.
RAISED: dict[str, tuple[str, str]] = {
    "gpu memory": (
        "torch.OutOfMemoryError",
        "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which 1.21 GiB "
        "is free. Process 4711 has 22.48 GiB memory in use.",
    ),
    "gpu memory, asynchronous": ("torch.OutOfMemoryError", "Allocation on device "),
    "gpu memory, old": (
        "RuntimeError",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    ),
    "gpu memory, cublas": (
        "RuntimeError",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ),
    "main memory": ("MemoryError", ""),
    "gpu broken": ("RuntimeError", "CUDA error: an illegal memory access was encountered"),
    "gpu gone": ("RuntimeError", "No CUDA GPUs are available"),
    "disk full": ("OSError:28", "No space left on device"),
    "mount broken": ("OSError:5", "Input/output error"),
    "no such model": ("FileNotFoundError:2", "/code/data-oss/models/loras/旅行画风.safetensors"),
    "no such file": ("FileNotFoundError:2", "/code/data-oss/input/行程.png"),
    "prompt told": ("ValueError", "出错了: 我家住在中山南路1891号"),
    "mistake": ("AttributeError", "'str' object has no attribute 'shape'"),
}


def _error(name: str) -> Exception:
    kind, text = RAISED[name]
    kind, _, number = kind.partition(":")
    if kind.startswith("torch."):
        return sys.modules["torch"].OutOfMemoryError(text)  # type: ignore[no-any-return]
    cls = {each.__name__: each for each in (RuntimeError, MemoryError, OSError, FileNotFoundError, ValueError,
                                             AttributeError)}[kind]  # fmt: skip
    if not number:
        return cls(text)
    return (
        cls(int(number), "No such file or directory", text) if kind == "FileNotFoundError" else cls(int(number), text)
    )


class ProbeRaise:
    """Raise what `RAISED` has under a name, each time it is run."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {})}}

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")

    def run(self, name: str) -> dict[str, Any]:
        raise _error(name)


class ProbeSleep:
    """Sleep until it is interrupted."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"seconds": ("FLOAT", {"default": 60.0})}}

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")

    def run(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sys.modules["comfy.model_management"].throw_exception_if_processing_interrupted()
            time.sleep(0.02)
        return {"ui": {"text": ["slept"]}}


class ProbeVideo:
    """Report what the video nodes of the community report: files under ``gifs``."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"prefix": ("STRING", {})}}

    def run(self, prefix: str) -> dict[str, Any]:
        folder, _, stem = prefix.rpartition("/")
        video = {"filename": f"{stem}_00001.mp4", "subfolder": folder, "type": "output", "format": "video/h264-mp4"}
        return {"ui": {"gifs": [video]}}


NODE_CLASS_MAPPINGS = {each.__name__: each for each in (ProbeRaise, ProbeSleep, ProbeVideo)}
