"""Paint `preview.jpg` of the workflows that need no model of their own.

    eval "$(.venv/bin/tripcanvas environment)"
    .venv/bin/python -m tests.services.comfyui.paint_previews

The graphs run in the built-in runner, or in the server that ``COMFYUI_URL`` names, and paint on the DashScope of the
environment. The preview of `sdxl_style` is a picture of its graph: without its models nothing can be painted.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import load_custom_nodes
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.runner import Runner
from shared.scene_order import PLACE_FOR_A_CAR
from shared.workflows import FOLDER, load_workflow

if TYPE_CHECKING:
    from localcloud.comfyui.results import Engine

_MOST_BYTES = 150_000
_VALUES: dict[str, dict[str, Any]] = {
    "wanx_scene": {
        "prompt": f"an oil painting of a lakeside road in early summer, hills, sunny, {PLACE_FOR_A_CAR}",
        "seed": 11,
        "car": "gen1",
        "car_light": "noon",
        "sun_elevation": 45.0,
        "car_texture": "oil",
        "car_budget": 4.0,
    },
    "wanx_background": {
        "prompt": f"a realistic picture of a lakeside road at dusk in autumn, hills, {PLACE_FOR_A_CAR}",
        "seed": 5,
        "car_colour": "white",
        "car_light": "dusk",
        "car_view": "three_quarter",
        "sun_elevation": 9.0,
    },
    "article": {"query_prompt": "- 用户文字：和朋友去湖边走走\n- 出行时间：2024年10月\n- 途径城市：苏州市 杭州市\n"},
}


def paint(engine: Engine, name: str) -> Image.Image:
    """Run one workflow with its preview's values."""
    run_id = str(uuid.uuid4())
    filled = load_workflow(name).fill({**_VALUES[name], "filename_prefix": f"{run_id}/p"}, max_bytes=8192)
    run = engine.run(json.loads(filled), run_id)
    if run.failure is not None:
        raise SystemExit(f"{name}: {run.failure['exception_message']}")
    (file,) = (file for file in run.new_files() if file.filename.startswith("p_"))
    return Image.open(io.BytesIO(engine.read(file)))


def as_jpeg(picture: Image.Image) -> bytes:
    """A JPEG small enough for the repository."""
    for quality in range(90, 30, -5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= _MOST_BYTES:
            break
    return file.getvalue()


def main() -> None:
    """Paint every preview, in a data folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        folders = Folders(Path(folder))
        url = os.environ.get("COMFYUI_URL")
        classes = {**core_nodes(folders), **load_custom_nodes(FOLDER / "custom_nodes")}
        engine: Engine = RemoteComfyUI(url) if url else Runner(classes, folders)
        for name in _VALUES:
            (FOLDER / name / "preview.jpg").write_bytes(as_jpeg(paint(engine, name)))


if __name__ == "__main__":
    main()
