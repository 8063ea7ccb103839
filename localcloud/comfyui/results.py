"""What comes of one graph, whichever engine ran it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.errors import TripcanvasError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a node shows, as ComfyUI's history has it: ``{"images": [{"filename", "subfolder", "type"}], "text": […]}``.
NodeOutput = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a node wrote; `folder` is ComfyUI's ``type``: output, temp or input."""

    filename: str
    subfolder: str
    folder: str


@dataclass(frozen=True, slots=True)
class Run:
    """A graph that was accepted and run.

    `ran` are the output nodes that ran now, in their order; the others' outputs come from the cache of the run before.
    `failure` is the content of ComfyUI's ``execution_error`` message when a node failed, or, when somebody had it
    `interrupted`, of its ``execution_interrupted``. `cached` are all nodes that did not run again.
    """

    prompt_id: str
    ran: tuple[str, ...]
    outputs: Mapping[str, NodeOutput]
    failure: Mapping[str, Any] | None = None
    interrupted: bool = False
    cached: tuple[str, ...] = ()

    def new_files(self) -> list[OutputFile]:
        """The files that this run wrote into the output folder."""
        return [
            OutputFile(item["filename"], item.get("subfolder", ""), "output")
            for node_id in self.ran
            for items in self.outputs[node_id].values()
            for item in items
            if isinstance(item, dict) and item.get("type") == "output" and "filename" in item
        ]


class GraphRefused(TripcanvasError):
    """A graph did not pass validation; `body` is ComfyUI's own answer, ``{"error": …, "node_errors": …}``."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(str(body["error"]["type"]))
        self.body = body


class EngineDown(TripcanvasError):
    """The ComfyUI server can't be reached, or has forgotten the job."""


class Engine(Protocol):
    """Something that runs graphs in ComfyUI's API format."""

    def run(self, graph: Mapping[str, Any], prompt_id: str) -> Run:
        """Run `graph` to its end. Raises `GraphRefused` and `EngineDown`."""

    def read(self, file: OutputFile) -> bytes:
        """The bytes of a file that a run wrote."""
