"""The snapshots tell of our own nodes what their code says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.comfyui.node_classes import load_custom_nodes
from shared.graphs.node_types import NodeTypes
from shared.workflows import FOLDER, SNAPSHOTS, node_types_of

OWN = load_custom_nodes(FOLDER / "custom_nodes")
VERSIONS = sorted(path.stem.removeprefix("comfyui-") for path in SNAPSHOTS.glob("comfyui-*.json"))


def as_told(cls: type[Any]) -> dict[str, Any]:
    """What ``/object_info`` says about a class, as far as graphs are judged by it."""
    told = {
        "input": cls.INPUT_TYPES(),
        "output": cls.RETURN_TYPES,
        "output_name": getattr(cls, "RETURN_NAMES", cls.RETURN_TYPES),
        "output_node": getattr(cls, "OUTPUT_NODE", False),
    }
    return dict(json.loads(json.dumps(told)))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_snapshot_is_up_to_date_with_the_nodes(version: str) -> None:
    """If not: `tripcanvas workflows snapshot --url URL`, with a ComfyUI that has these nodes."""
    snapshot = node_types_of(version)
    ours = [name for name in snapshot if name in OWN]
    assert ours
    for name in ours:
        told, now = snapshot.get(name), NodeTypes.load({name: as_told(OWN[name])}).get(name)
        assert told is not None
        assert now is not None
        assert list(told.inputs) == list(now.inputs)
        assert (told.outputs, told.is_output) == (now.outputs, now.is_output)
        for known in told.inputs.values():
            real = now.inputs[known.name]
            assert (known.kind, known.required, known.files) == (real.kind, real.required, real.files)
            # A snapshot leaves out what a server happens to have.
            limits = () if known.files else ("min", "max", "step", "default")
            assert known.files or known.choices == real.choices
            assert [known.options.get(key) for key in limits] == [real.options.get(key) for key in limits]
