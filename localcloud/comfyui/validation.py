"""A graph in API format, checked as ``POST /prompt`` of ComfyUI 0.3.64 checks it, and put into running order.

Error bodies have ComfyUI's types, messages and fields, for the cases that a client meets. Different by choice: the
order of errors is that of the declared inputs (ComfyUI's varies between runs), and no traceback is given away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.comfyui.node_classes import NodeClass, NodeInput
from localcloud.comfyui.results import GraphRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

#: ComfyUI's number casts; a STRING takes anything, a BOOLEAN takes "false" for true.
_CASTS: dict[str, type[Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_LONGEST_SHOWN_LIST = 20


@dataclass(frozen=True, slots=True)
class Link:
    """The output `slot` of another node."""

    node_id: str
    slot: int


@dataclass(frozen=True, slots=True)
class Step:
    """One node to run. An input is a `Link` or a literal that has been cast to its declared type."""

    node_id: str
    node: NodeClass
    inputs: Mapping[str, Any]

    def links(self) -> list[Link]:
        """The inputs that come from other nodes."""
        return [value for value in self.inputs.values() if isinstance(value, Link)]

    def known_inputs(self) -> dict[str, Any]:
        """The inputs before anything ran: what is linked is None."""
        return {name: None if isinstance(value, Link) else value for name, value in self.inputs.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """The nodes that the valid output nodes need, each after those it takes from.

    `outputs` are the valid output nodes; `node_errors` says, in ComfyUI's form, what is wrong with the others.
    """

    steps: tuple[Step, ...]
    outputs: tuple[str, ...] = ()
    node_errors: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Verdict:
    """`step` is None when the node can't run; without `reasons` the fault lies upstream."""

    step: Step | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)


class _Wrong(ValueError):
    """One input is wrong; carries ComfyUI's error object."""

    def __init__(self, kind: str, message: str, details: str, **extra: Any) -> None:
        super().__init__(kind)
        self.error = {"type": kind, "message": message, "details": details, "extra_info": extra}


def plan(graph: Mapping[str, Any], classes: Mapping[str, type[Any]]) -> Plan:
    """Check `graph` against the loaded node classes.

    Raises `GraphRefused` when no output node is valid. As in ComfyUI, a graph with one valid output is accepted and
    its invalid outputs are left out.
    """
    outputs = _output_nodes(graph, classes)
    check = _Check(graph, classes)
    order: dict[str, Step] = {}
    valid = [node_id for node_id in outputs if check.output(node_id)]
    for node_id in valid:
        check.collect(node_id, order)
    refusal = check.refusal()
    if not valid:
        raise GraphRefused(refusal)
    return Plan(tuple(order.values()), tuple(valid), refusal["node_errors"])


def _output_nodes(graph: Mapping[str, Any], classes: Mapping[str, type[Any]]) -> list[str]:
    outputs = []
    for node_id, entry in graph.items():
        if not isinstance(entry, dict) or "class_type" not in entry:
            raise _refused("Cannot execute because a node is missing the class_type property.", node_id)
        kind = entry["class_type"]
        if not isinstance(kind, str) or kind not in classes:
            raise _refused(f"Cannot execute because node {kind} does not exist.", node_id)
        if NodeClass(kind, classes[kind]).is_output:
            outputs.append(node_id)
    if not outputs:
        error = {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": "", "extra_info": {}}
        raise GraphRefused({"error": error, "node_errors": {}})
    return outputs


def _refused(message: str, node_id: str) -> GraphRefused:
    error = {"type": "invalid_prompt", "message": message, "details": f"Node ID '#{node_id}'", "extra_info": {}}
    return GraphRefused({"error": error, "node_errors": {}})


class _Check:
    def __init__(self, graph: Mapping[str, Any], classes: Mapping[str, type[Any]]) -> None:
        self._graph = graph
        self._classes = classes
        self._verdicts: dict[str, _Verdict] = {}
        self._open: set[str] = set()
        self._details: list[str] = []
        self._node_errors: dict[str, dict[str, Any]] = {}

    def output(self, node_id: str) -> bool:
        """Whether the output node can run; if not, what is wrong is noted for the refusal."""
        verdict = self._judge(node_id, "exception_during_validation", "Exception when validating node")
        if verdict.step is not None:
            return True
        self._details += [f"{reason['message']}: {reason['details']}" for reason in verdict.reasons]
        for at_fault, other in self._verdicts.items():
            if other.step is None and other.reasons:
                noted = self._node_errors.setdefault(
                    at_fault,
                    {
                        "errors": other.reasons,
                        "dependent_outputs": [],
                        "class_type": self._graph[at_fault]["class_type"],
                    },
                )
                noted["dependent_outputs"].append(node_id)
        return False

    def refusal(self) -> dict[str, Any]:
        """ComfyUI's 400 body when no output node is valid."""
        return {
            "error": {
                "type": "prompt_outputs_failed_validation",
                "message": "Prompt outputs failed validation",
                "details": "\n".join(self._details),
                "extra_info": {},
            },
            "node_errors": self._node_errors,
        }

    def collect(self, node_id: str, order: dict[str, Step]) -> None:
        """Add a valid node to the running order, after those it takes from."""
        step = self._verdicts[node_id].step
        if node_id in order or step is None:
            return
        for link in step.links():
            self.collect(link.node_id, order)
        order[node_id] = step

    def _judge(self, node_id: str, kind: str, message: str, **extra: Any) -> _Verdict:
        """The verdict on one node; a graph too malformed to look at is reported as an exception, as ComfyUI does."""
        if node_id in self._verdicts:
            return self._verdicts[node_id]
        if node_id in self._open:
            # A cycle: ComfyUI refuses it without giving a reason.
            return _Verdict()
        self._open.add(node_id)
        try:
            verdict = self._inspect(node_id)
        except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
            reason = _Wrong(kind, message, str(error), exception_type=type(error).__name__, traceback=[], **extra)
            verdict = _Verdict(reasons=[reason.error])
        self._open.discard(node_id)
        self._verdicts[node_id] = verdict
        return verdict

    def _inspect(self, node_id: str) -> _Verdict:
        entry = self._graph[node_id]
        node = NodeClass(entry["class_type"], self._classes[entry["class_type"]])
        given = entry["inputs"]
        verdict = _Verdict()
        values: dict[str, Any] = {}
        upstream_is_valid = True
        own = node.checked_by_itself()
        for declared in node.inputs():
            name = declared.name
            try:
                if name not in given:
                    if declared.required:
                        raise _Wrong("required_input_missing", "Required input is missing", name, input_name=name)
                elif isinstance(given[name], list):
                    values[name] = self._link(declared, given[name])
                    upstream_is_valid &= self._upstream(declared, values[name])
                else:
                    values[name] = _literal(declared, given[name], limits=name not in own)
            except _Wrong as wrong:
                verdict.reasons.append(wrong.error)
        step = Step(node_id, node, values)
        if own:
            verdict.reasons += _own_reasons(node, {name: _seen(values.get(name, raw)) for name, raw in given.items()})
        if upstream_is_valid and not verdict.reasons:
            verdict.step = step
        return verdict

    def _link(self, declared: NodeInput, value: list[Any]) -> Link:
        name = declared.name
        if len(value) != 2:
            raise _Wrong(
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                name,
                input_name=name,
                input_config=declared.config,
                received_value=value,
            )
        source, slot = value
        received = self._classes[self._graph[source]["class_type"]].RETURN_TYPES[slot]
        if not _fits(received, declared.kind):
            raise _Wrong(
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                f"{name}, received_type({received}) mismatch input_type({declared.kind})",
                input_name=name,
                input_config=declared.config,
                received_type=received,
                linked_node=value,
            )
        return Link(source, slot)

    def _upstream(self, declared: NodeInput, link: Link) -> bool:
        verdict = self._judge(
            link.node_id,
            "exception_during_inner_validation",
            "Exception when validating inner node",
            input_name=declared.name,
            input_config=declared.config,
            linked_node=[link.node_id, link.slot],
        )
        return verdict.step is not None


def _literal(declared: NodeInput, value: Any, *, limits: bool) -> Any:
    """Cast a literal to its declared type, then hold it against its limits. Raises `_Wrong`."""
    name, kind, options = declared.name, declared.kind, declared.options
    if isinstance(value, dict) and "__value__" in value:
        # How the page sends a literal that is itself a list.
        value = value["__value__"]
    about = {"input_name": name, "input_config": declared.config, "received_value": value}
    if isinstance(kind, str) and kind in _CASTS:
        try:
            value = about["received_value"] = _CASTS[kind](value)
        except (TypeError, ValueError, OverflowError) as error:
            raise _Wrong(
                "invalid_input_type",
                f"Failed to convert an input value to a {kind} value",
                f"{name}, {value}, {error}",
                **about,
                exception_message=str(error),
            ) from None
    if not limits:
        return value
    if "min" in options and value < options["min"]:
        raise _Wrong("value_smaller_than_min", f"Value {value} smaller than min of {options['min']}", name, **about)
    if "max" in options and value > options["max"]:
        raise _Wrong("value_bigger_than_max", f"Value {value} bigger than max of {options['max']}", name, **about)
    if isinstance(kind, list) and value not in kind:
        shown = str(kind)
        if len(kind) > _LONGEST_SHOWN_LIST:
            shown, about["input_config"] = f"(list of length {len(kind)})", None
        raise _Wrong("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {shown}", **about)
    return value


def _seen(value: Any) -> Any:
    """What a class's own check is shown: None for a link, and a value that can't be cast as it was sent."""
    is_link = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return None if is_link or isinstance(value, Link) else value


def _own_reasons(node: NodeClass, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown, answer = node.own_check(given)
    if answer is True:
        return []
    said = "" if answer is False else f" - {answer}"
    return [
        _Wrong("custom_validation_failed", "Custom validation failed for node", f"{name}{said}", input_name=name).error
        for name in shown
    ]


def _fits(received: Any, wanted: Any) -> bool:
    """Whether an output of type `received` may go into an input of type `wanted`; "*" goes with everything."""
    if received == wanted or "*" in (received, wanted):
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    return bool({part.strip() for part in received.split(",")} & {part.strip() for part in wanted.split(",")})
