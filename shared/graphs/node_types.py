"""What ComfyUI's nodes take and give, as ``GET /object_info`` of a server tells it.

A snapshot is such an answer with just the classes that a project uses, so that a graph can be judged without a server.
Seen on ComfyUI 0.3.64, 0.8.0 and 0.12.1: a choice has two shapes, ``[[values], {options}]`` and
``["COMBO", {"options": [values]}]``, which mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from shared.errors import Misconfigured

#: `InputType.kind` of a choice, whichever shape the server gave it.
COMBO = "COMBO"
#: Kinds whose value is usually written into the graph.
LITERAL_KINDS = frozenset(("INT", "FLOAT", "STRING", "BOOLEAN", COMBO))
#: Kinds that no page has a widget for, whichever classes a snapshot holds.
# fmt: off
_LINKED_KINDS = frozenset(
    (
        "IMAGE", "MASK", "LATENT", "MODEL", "CLIP", "VAE",
        "CONDITIONING", "CONTROL_NET", "CLIP_VISION", "CLIP_VISION_OUTPUT", "STYLE_MODEL", "UPSCALE_MODEL",
        "SAMPLER", "SIGMAS", "GUIDER", "NOISE", "AUDIO", "VIDEO",
    )
)
# fmt: on
#: An option that says: the choice is among what a server happens to have. A snapshot has it and no values; a node class
#: of a package may set it for a choice that nobody could tell to be one (an option that ComfyUI hands on as it is).
FILES_MARK = "files"

_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "image_folder")
#: Inputs that only ever name a file or folder of the server; with `_OFTEN_LOADED` only when a value looks like a file.
_ALWAYS_LOADED = re.compile(r"(ckpt|lora|vae|unet|clip|control_net|style_model|clip_vision|gligen)_name\d*|folder")
_OFTEN_LOADED = re.compile(r"(\w+_)?(name|lora|model)\d*")
_FILE = re.compile(r".*\.[A-Za-z][A-Za-z0-9]{1,11}")


class InputType(msgspec.Struct, frozen=True, kw_only=True):
    """One declared input.

    `kind` is ``INT``, ``FLOAT``, ``STRING``, ``BOOLEAN``, ``COMBO``, or a type that can only be linked; several types
    are joined by commas. `choices` are the values of a choice, None for other kinds and where a snapshot can't know
    them. `files` says that the choice is a file on the server, `upload` that it is one of its input folder.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    required: bool
    choices: tuple[Any, ...] | None = None
    files: bool = False
    upload: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """The types this input goes with."""
        return frozenset(part.strip() for part in self.kind.split(","))


class OutputType(msgspec.Struct, frozen=True, kw_only=True):
    """One output slot."""

    name: str
    kind: str
    is_list: bool = False


class NodeType(msgspec.Struct, frozen=True, kw_only=True):
    """One node class; `inputs` in the order in which the editor shows them."""

    name: str
    inputs: Mapping[str, InputType]
    outputs: tuple[OutputType, ...]
    is_output: bool
    display_name: str = ""
    hidden: tuple[str, ...] = ()
    needs_account: bool = False


class NodeTypes:
    """The node classes of one server or snapshot; each is read when it is first asked for."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._read: dict[str, NodeType] = {}

    @classmethod
    def load(cls, source: Path | str | Mapping[str, Any]) -> NodeTypes:
        """Read what ``/object_info`` answered, from a file or as it was decoded.

        Raises `Misconfigured` when there is no such file, or when it holds something else.
        """
        if isinstance(source, (str, Path)):
            try:
                decoded = msgspec.json.decode(Path(source).read_bytes())
            except OSError as error:
                raise Misconfigured(f"node types: {error.filename} can't be read") from None
            except (msgspec.DecodeError, RecursionError) as error:
                raise Misconfigured(f"node types: {source}: {error}") from None
        else:
            decoded = source
        if not isinstance(decoded, Mapping) or not all(
            isinstance(entry, Mapping) and isinstance(entry.get("input"), Mapping) and "output" in entry
            for entry in decoded.values()
        ):
            raise Misconfigured("node types: not an answer of /object_info (class name to input and output)")
        return cls(decoded)

    def get(self, class_type: str) -> NodeType | None:
        """The class of that name, or None.

        Raises `Misconfigured` when its entry can't be read.
        """
        if class_type not in self._raw:
            return None
        if class_type not in self._read:
            try:
                self._read[class_type] = _node_type(class_type, self._raw[class_type])
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                raise Misconfigured(f"node types: {class_type}: {type(error).__name__}: {error}") from None
        return self._read[class_type]

    @cached_property
    def linked_kinds(self) -> frozenset[str]:
        """The kinds that come out of nodes and have no widget: a literal in their place is a mistake."""
        made = {_kind(kind) for entry in self._raw.values() for kind in entry["output"]}
        return (_LINKED_KINDS | made) - LITERAL_KINDS - {"*"}

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def _node_type(name: str, entry: Mapping[str, Any]) -> NodeType:
    inputs: dict[str, InputType] = {}
    order = entry.get("input_order") or {}
    for category in ("required", "optional"):
        declared = entry["input"].get(category) or {}
        for input_name in order.get(category) or declared:
            inputs[input_name] = input_type(input_name, declared[input_name], required=category == "required")
    kinds, names = entry["output"], entry.get("output_name") or ()
    lists = entry.get("output_is_list") or ()
    return NodeType(
        name=name,
        inputs=inputs,
        outputs=tuple(
            OutputType(
                name=str(names[slot]) if slot < len(names) else _kind(kind),
                kind=_kind(kind),
                is_list=bool(lists[slot]) if slot < len(lists) else False,
            )
            for slot, kind in enumerate(kinds)
        ),
        is_output=entry.get("output_node") is True,
        display_name=entry.get("display_name") or name,
        hidden=tuple(entry["input"].get("hidden") or ()),
        needs_account=entry.get("api_node") is True,
    )


def _kind(declared: Any) -> str:
    return COMBO if isinstance(declared, list) else str(declared)


def input_type(name: str, declared: Any, *, required: bool) -> InputType:
    """One input as ``/object_info`` declares it: ``[kind or list of values, options]``, or without options."""
    options = (declared[1] if len(declared) > 1 else None) or {}
    kind = _kind(declared[0])
    if kind != COMBO:
        return InputType(name=name, kind=kind, options=options, required=required)
    values = declared[0] if isinstance(declared[0], list) else options.get("options") or ()
    files = are_files(name, values, options)
    return InputType(
        name=name,
        kind=kind,
        options=options,
        required=required,
        choices=None if FILES_MARK in options and not values else tuple(values),
        files=files,
        upload=files and any(options.get(key) for key in _UPLOADS),
    )


def are_files(name: str, values: Any, options: Mapping[str, Any]) -> bool:
    """Whether a choice is among files of the server: uploads, models, presets. They differ between servers.

    ``/object_info`` does not say so, except for uploads. Otherwise it is told by the loader's usual input name, by
    values that look like file names, or by there being none. Compared on 0.3.64 and 0.12.1 with and without a file in
    every folder: right for every core class but one (``TrainLoraNode`` on a server without LoRAs).
    """
    if FILES_MARK in options or any(options.get(key) for key in _UPLOADS) or not values:
        return True
    if _ALWAYS_LOADED.fullmatch(name):
        return True
    looks = [isinstance(value, str) and _FILE.fullmatch(value) is not None for value in values]
    return all(looks) or (any(looks) and _OFTEN_LOADED.fullmatch(name) is not None)
