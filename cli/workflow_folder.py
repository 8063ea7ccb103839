"""The folder of a workflow, written from an imported graph: graph, editor's graph, bindings with comments, README."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.graphs.bindings import Model, Parameter
from shared.graphs.propose import Proposal

#: The model folder that each loader's input reads from.
_FOLDERS = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "unet_name": "diffusion_models",
    "control_net_name": "controlnet",
    "clip_name": "text_encoders",
    "style_model_name": "style_models",
    "gligen_name": "gligen",
    "model_name": "upscale_models",
}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def model_of(input_name: str, file_name: str) -> Model:
    """A model file that a graph names, with what a person still has to fill in."""
    folder = _FOLDERS.get(input_name.rstrip("0123456789"), "")
    return Model(name=file_name, folder=folder, note="fill in: size_bytes, sha256, licence, url")


def bindings_text(
    name: str,
    graph: Mapping[str, Any],
    *,
    output: tuple[str, str],
    plate: str,
    version: str,
    models: Sequence[Model],
    proposals: Sequence[Proposal],
) -> str:
    """``bindings.toml`` with a comment on why each parameter was proposed."""
    return "\n".join(_lines(name, graph, output, plate, version, models, proposals)) + "\n"


def _lines(
    name: str,
    graph: Mapping[str, Any],
    output: tuple[str, str],
    plate: str,
    version: str,
    models: Sequence[Model],
    proposals: Sequence[Proposal],
) -> Iterator[str]:
    yield "# What a caller may set in graph.json. A parameter without a default has to be given."
    yield "# Proposed by `tripcanvas workflows import`: look at every line, then remove these comments."
    yield from ("", "[workflow]", f"name = {toml(name)}", 'title_zh = ""', 'title_en = ""')
    yield f"# Node {output[0]}: {_comment(output[1])}."
    yield f"output_node = {toml(output[0])}"
    if plate:
        yield "# It saves the background without the car, by which the picture with the car is judged."
        yield f"plate_node = {toml(plate)}"
    yield from ("# From the start of the graph to the written file, in seconds, with models already loaded.",)
    yield "time_budget_s = 300"
    yield from ("", "[requires]", f"comfyui = {toml(version)}")
    yield f"nodes = {toml(sorted({node['class_type'] for node in graph.values()}))}"
    if models:
        yield "# A guess: what the models of the graph need together."
    yield f"gpu_memory_gb = {12 if models else 0}"
    for model in models:
        yield from ("", "[[requires.models]]", f"name = {toml(model.name)}", f"folder = {toml(model.folder)}")
        yield from ("size_bytes = 0", 'sha256 = ""', 'licence = ""', 'url = ""', f"note = {toml(model.note)}")
    for proposal in proposals:
        node = graph[proposal.parameter.node]
        title = (node.get("_meta") or {}).get("title") or node["class_type"]
        yield from ("", f"# Because of {_comment(proposal.reason)}.")
        yield f"# Node {proposal.parameter.node}: {_comment(str(title))} ({_comment(node['class_type'])})."
        yield f"[parameters.{proposal.name}]"
        yield from _parameter(proposal.parameter)


def _parameter(parameter: Parameter) -> Iterator[str]:
    yield from (f"node = {toml(parameter.node)}", f"input = {toml(parameter.input)}", f"type = {toml(parameter.type)}")
    for key in ("default", "min", "max", "max_length"):
        value = getattr(parameter, key)
        if value is not None:
            yield f"{key} = {toml(value)}"
    if parameter.choices:
        yield f"choices = {toml(list(parameter.choices))}"


def _comment(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def toml(value: str | float | Sequence[str]) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        return f"[{', '.join(toml(each) for each in value)}]"
    if "\n" in value and not _CONTROL.search(value):
        escaped = value.replace("\\", "\\\\").replace('"""', '""\\"')
        escaped = f'{escaped[:-1]}\\"' if escaped.endswith('"') else escaped
        return f'"""\n{escaped}"""'
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def readme_text(name: str, form: str, parameters: Sequence[Proposal], *, has_editor_graph: bool) -> str:
    """A README to be filled in."""
    rows = [
        ("`graph.json`", "the graph in API format"),
        *([("`graph.ui.json`", "the graph as ComfyUI's editor saves it: open and change this one")] * has_editor_graph),
        ("`bindings.toml`", f"the parameters {', '.join(f'`{each.name}`' for each in parameters)}"),
    ]
    table = "\n".join(f"| {file} | {what} |" for file, what in rows)
    return (
        f"# {name}\n\nImported from {form}. Say here what it paints, for which styles, and what its server needs.\n\n"
        f"| file | what it is |\n|---|---|\n{table}\n\n"
        f"`tripcanvas workflows check {name}` checks it, `tripcanvas workflows show {name}` draws it.\n"
    )


def write_folder(place: Path, files: Mapping[str, str]) -> None:
    """Write the files of a workflow below `place`, which is made if need be; others there stay as they are."""
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text, "utf-8")


def json_text(graph: Mapping[str, Any]) -> str:
    """A graph as it is kept: indented, Chinese as it is."""
    return json.dumps(graph, ensure_ascii=False, indent=2) + "\n"
