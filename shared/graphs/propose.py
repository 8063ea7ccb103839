"""Which values of a graph a trip could fill: a proposal for ``bindings.toml``, from titles, classes and links.

A node's title counts most, because a designer can choose it: a node called 提示词 or "prompt" is the prompt. Then come
the inputs that are named like a parameter, and the texts that lead into a sampler's positive and negative side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import InvalidInput
from shared.graphs.bindings import Parameter
from shared.graphs.check import is_link, title_of
from shared.graphs.dynamic_inputs import inputs_of
from shared.graphs.node_types import COMBO, InputType, NodeTypes

#: Titles that name a parameter, as `_meanings` gives them.
_TITLES: dict[str, tuple[str, ...]] = {
    "prompt": (
        "prompt",
        "positive",
        "positiveprompt",
        "提示词",
        "正面",
        "正向",
        "正面提示词",
        "正向提示词",
        "画面描述",
    ),
    "negative_prompt": ("negative", "negativeprompt", "负面", "负向", "反向", "负面提示词", "负向提示词", "反向提示词"),
    "seed": ("seed", "noiseseed", "种子", "随机种子"),
    "size": ("size", "尺寸", "画幅", "图像尺寸"),
    "width": ("width", "canvaswidth", "宽", "宽度", "画布宽", "画布宽度"),
    "height": ("height", "canvasheight", "高", "高度", "画布高", "画布高度"),
    "model": ("model", "imagemodel", "模型", "绘画模型", "图像模型"),
    "filename_prefix": ("filenameprefix", "prefix", "文件名前缀", "文件名"),
    "car": ("car", "车", "车型", "汽车"),
    "car_colour": ("carcolour", "carcolor", "colour", "color", "颜色", "车身颜色", "车色"),
    "style_lora": ("stylelora", "lorastyle", "style", "lora", "画风", "风格"),
    # Those of the nodes that put the car in: known by their classes alone.
    **dict.fromkeys(
        ("car_light", "car_view", "car_position", "car_width", "car_x", "car_y", "sun_elevation", "surface"), ()
    ),
    **dict.fromkeys(("car_texture", "car_budget", "plate_prefix"), ()),
}
#: Inputs that carry a parameter under their own name, with the classes they count in (none: in every class).
_INPUTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "prompt": (("prompt", ()), ("user_prompt", ()), ("query_prompt", ())),
    "negative_prompt": (("negative_prompt", ()),),
    "seed": (("seed", ()), ("noise_seed", ())),
    "size": (("size", ("WanxImage",)),),
    "width": (("width", ("EmptyLatentImage", "EmptySD3LatentImage", "EmptyImage", "CarCanvas")),),
    "height": (("height", ("EmptyLatentImage", "EmptySD3LatentImage", "EmptyImage", "CarCanvas")),),
    "model": (("model", ("WanxImage",)),),
    "filename_prefix": (("filename_prefix", ()),),
    "car": (("car", ("LoadCar",)),),
    "car_colour": (("colour", ("LoadCar",)),),
    "style_lora": (("lora_name", ()),),
    "car_light": (("light", ("LoadCar",)),),
    "car_view": (("view", ("LoadCar",)),),
    "car_position": (("position", ("HorizonPlace",)),),
    "car_width": (("car_width", ("CarCanvas",)),),
    "car_x": (("x", ("CarCanvas",)),),
    "car_y": (("y", ("CarCanvas",)),),
    "sun_elevation": (("sun_elevation", ("CarShadow",)),),
    "surface": (("surface", ("CarShadow",)),),
    "car_texture": (("texture", ("CarHarmonize",)),),
    "car_budget": (("budget", ("CarHarmonize",)),),
    "plate_prefix": (("filename_prefix", ()),),
}
_KINDS: dict[str, Literal["string", "int", "float", "choice", "boolean"]] = {
    "STRING": "string",
    "INT": "int",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    COMBO: "choice",
}
_WANTED: dict[str, tuple[str, ...]] = {
    "seed": ("INT",),
    "width": ("INT",),
    "height": ("INT",),
    **dict.fromkeys(("car_width", "car_x", "car_y"), ("INT",)),
    **dict.fromkeys(("sun_elevation", "car_budget"), ("FLOAT",)),
}
_TEXT = ("STRING", COMBO)
#: Parameters whose values are among what a server has: model files, car assets.
_CARS = ("car", "car_colour", "car_view")
_AMONG_FILES = ("style_lora", *_CARS)
#: Characters, where the node sets no limit; the queue takes 8 KB for the whole graph.
_MAX_LENGTH = {
    "prompt": 800,
    "negative_prompt": 500,
    "filename_prefix": 200,
    "plate_prefix": 200,
    "model": 64,
    "size": 16,
}
_MAX_LENGTH_ELSE = 200
#: What the product sends as a seed, and pixels of a side that make a picture and that a GPU can paint.
_MAX_SEED, _MIN_SIDE, _MAX_SIDE = 2_147_483_647, 64, 2048


@dataclass(frozen=True, slots=True)
class Proposal:
    """One parameter, and why it is thought to be that one."""

    name: str
    parameter: Parameter
    reason: str


@dataclass(frozen=True, slots=True)
class _Place:
    node: str
    input: str
    reason: str


def propose_output(graph: Mapping[str, Any], node_types: NodeTypes) -> tuple[str, str]:
    """The node whose pictures should count, and why. Raises `InvalidInput` when the graph ends in none."""
    ends = [node_id for node_id, node in graph.items() if _ends(node["class_type"], node_types)]
    if not ends:
        raise InvalidInput("graph", "a node that ends in a result, such as SaveImage")
    titled = [node_id for node_id in ends if _meanings(title_of(graph[node_id])) & {"output", "输出", "结果"}]
    saving = [node_id for node_id in ends if graph[node_id]["class_type"] == "SaveImage"]
    locked = [node_id for node_id in saving if _source(graph, node_id, "images") == "BadgeLock"]
    chosen = (titled or locked or saving or ends)[0]
    if len(ends) == 1:
        return chosen, "the only node that ends in a result"
    why = "its title" if titled else "the car's badge is locked before it" if locked else "it saves pictures"
    if not titled and not saving:
        why = "it comes first"
    others = ", ".join(node_id for node_id in ends if node_id != chosen)
    return chosen, f"{why}; {others} {'end' if len(ends) > 2 else 'ends'} in a result too"


def propose_plate(graph: Mapping[str, Any], output: str) -> str:
    """The node, other than `output`, that saves the background which `CarShadow` takes; "" when there is none."""
    backgrounds = [node["inputs"].get("image") for node in graph.values() if node["class_type"] == "CarShadow"]
    saving = (node_id for node_id, node in graph.items() if node["class_type"] == "SaveImage" and node_id != output)
    return next((node_id for node_id in saving if graph[node_id]["inputs"].get("images") in backgrounds), "")


def propose(graph: Mapping[str, Any], node_types: NodeTypes, *, output: str = "", plate: str = "") -> list[Proposal]:
    """Parameters for a graph that `check_graph` found no error in, in the order of the product's own list.

    Ranges and choices are the node's own, but no larger than what the product sends and can paint. `output` and `plate`
    are the nodes that save the picture and the background, if they are known.
    """
    search = _Search(graph, node_types)
    saves = {"filename_prefix": output, "plate_prefix": plate}
    found: list[Proposal] = []
    taken: set[tuple[str, str]] = set()
    for name in _TITLES:
        if name == "plate_prefix" and not plate:
            continue
        places = [place for place in search.places(name) if (place.node, place.input) not in taken]
        if saves.get(name):
            places = [place for place in places if place.node == saves[name]]
        if places:
            place = places[0]
            taken.add((place.node, place.input))
            others = sorted({other.node for other in places[1:]} - {place.node}, key=_number)
            more = f"; node {', '.join(others)} could be it too" if others else ""
            found.append(Proposal(name, search.parameter(name, place), place.reason + more))
    return found


class _Search:
    def __init__(self, graph: Mapping[str, Any], node_types: NodeTypes) -> None:
        self._graph = graph
        self._types = node_types

    def _declared(self, node_id: str) -> dict[str, InputType]:
        node = self._types.get(self._graph[node_id]["class_type"])
        return inputs_of(node, self._graph[node_id]["inputs"]) if node is not None else {}

    def _kind(self, node_id: str, name: str) -> str:
        declared = self._declared(node_id).get(name)
        return declared.kind if declared is not None else ""

    def places(self, name: str) -> Iterator[_Place]:
        """Inputs with a value of their own that could be the parameter `name`, the likeliest first."""
        for node_id, node in self._graph.items():
            if not _meanings(title_of(node)).isdisjoint(_TITLES[name]):
                for input_name in self._titled(name, node_id):
                    yield from self._behind(name, node_id, input_name, f"the title “{title_of(node)}”")
        if name in ("prompt", "negative_prompt"):
            side = "positive" if name == "prompt" else "negative"
            for node_id, node in self._graph.items():
                if is_link(node["inputs"].get(side)) and self._kind(node_id, side) == "CONDITIONING":
                    reason = f"it leads to “{side}” of node {node_id} ({node['class_type']})"
                    yield from self._text_before(name, node["inputs"][side], side, reason, set())
        for input_name, classes in _INPUTS[name]:
            for node_id, node in self._graph.items():
                if input_name in node["inputs"] and (not classes or node["class_type"] in classes):
                    reason = f"the input {input_name} of {node['class_type']}"
                    yield from self._behind(name, node_id, input_name, reason)

    def _titled(self, name: str, node_id: str) -> list[str]:
        """The inputs of a titled node that its title can mean: of the same name, else the first that fits."""
        own = [each for each, _ in _INPUTS[name] if each in self._graph[node_id]["inputs"]]
        fitting = [each for each in self._graph[node_id]["inputs"] if self._fits(name, node_id, each)]
        return own[:1] or fitting[:1]

    def _fits(self, name: str, node_id: str, input_name: str) -> bool:
        declared = self._declared(node_id).get(input_name)
        if declared is None or (declared.files and name not in _AMONG_FILES):
            return False
        if is_link(self._graph[node_id]["inputs"].get(input_name)):
            return declared.kind in _WANTED.get(name, ("STRING",))
        return declared.kind in _WANTED.get(name, _TEXT)

    def _behind(self, name: str, node_id: str, input_name: str, reason: str) -> Iterator[_Place]:
        """The input itself, or the value of the node that is linked into it."""
        value = self._graph[node_id]["inputs"].get(input_name)
        if not is_link(value):
            if self._fits(name, node_id, input_name):
                yield _Place(node_id, input_name, reason)
            return
        source = self._graph[value[0]]
        literals = [each for each in source["inputs"] if self._fits(name, value[0], each)]
        if len(literals) == 1 and len(source["inputs"]) == 1 and not is_link(source["inputs"][literals[0]]):
            yield _Place(value[0], literals[0], f"{reason}, through node {value[0]}")

    def _text_before(self, name: str, link: list[Any], side: str, reason: str, seen: set[str]) -> Iterator[_Place]:
        """The text that a conditioning was made from, through nodes that hand both sides on (such as ControlNet)."""
        node_id, slot = link
        if node_id in seen:
            return
        seen.add(node_id)
        inputs = self._graph[node_id]["inputs"]
        passed = [each for each in ("positive", "negative") if is_link(inputs.get(each))]
        if passed:
            chosen = passed[slot] if slot < len(passed) else side
            if chosen in passed:
                yield from self._text_before(name, inputs[chosen], side, reason, seen)
            return
        for input_name in inputs:
            kind = self._kind(node_id, input_name)
            if kind == "STRING":
                yield from self._behind(name, node_id, input_name, reason)
            elif kind == "CONDITIONING" and is_link(inputs[input_name]):
                yield from self._text_before(name, inputs[input_name], side, reason, seen)

    def parameter(self, name: str, place: _Place) -> Parameter:
        """The parameter as the node declares that input, with the graph's value as its default."""
        declared = self._declared(place.node)[place.input]
        value = self._graph[place.node]["inputs"][place.input]
        kind = _KINDS[declared.kind]
        default = None if name == "prompt" else value
        if kind in ("int", "float"):
            low, high = declared.options.get("min"), declared.options.get("max")
            most = _MAX_SEED if name == "seed" else _MAX_SIDE if name in ("width", "height") else None
            if most is not None:
                least = 0 if name == "seed" else _MIN_SIDE
                low, high = max(least, low or 0), most if high is None else min(high, most)
                default = default if isinstance(value, int) and low <= value <= high else low
            return Parameter(node=place.node, input=place.input, type=kind, default=default, min=low, max=high)
        if kind == "choice":
            if name in _CARS:
                # The product fills in any car that it has an asset of; a list here would have to be kept up with them.
                return Parameter(node=place.node, input=place.input, type="string", default=str(value), max_length=64)
            known = () if declared.files else tuple(each for each in declared.choices or () if isinstance(each, str))
            choices = known or (str(value),)
            return Parameter(node=place.node, input=place.input, type="choice", default=value, choices=choices)
        if kind == "boolean":
            return Parameter(node=place.node, input=place.input, type="boolean", default=default)
        default = default if default is None else str(default)
        length = max(_MAX_LENGTH.get(name, _MAX_LENGTH_ELSE), len(default or ""))
        return Parameter(node=place.node, input=place.input, type="string", default=default, max_length=length)


def _source(graph: Mapping[str, Any], node_id: str, name: str) -> str:
    """The class of the node that is linked into an input; "" when none is."""
    value = graph[node_id]["inputs"].get(name)
    return str(graph[value[0]]["class_type"]) if is_link(value) else ""


def _ends(class_type: str, node_types: NodeTypes) -> bool:
    node = node_types.get(class_type)
    return node is not None and node.is_output


def _meanings(title: str) -> set[str]:
    """A title without case, width, spaces and punctuation; its Chinese and its Latin part too, if it has both."""
    letters = [char for char in unicodedata.normalize("NFKC", title).casefold() if char.isalnum()]
    parts = (
        "".join(letters),
        *("".join(char for char in letters if char.isascii() is ascii_) for ascii_ in (True, False)),
    )
    return {part for part in parts if part}


def _number(node_id: str) -> tuple[int, str]:
    return (int(node_id), "") if node_id.isdecimal() else (1 << 62, node_id)
