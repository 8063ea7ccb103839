"""What is wrong with a graph, one finding at a time."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning"]
ERROR: Literal["error"] = "error"
WARNING: Literal["warning"] = "warning"

#: Every kind of finding; docs/workflow-checks.md explains each.
Code = Literal[
    "not_a_graph",
    "editor_format",
    "wrapped_graph",
    "no_class_type",
    "unknown_class",
    "no_inputs",
    "no_outputs",
    "required_input_missing",
    "bad_linked_input",
    "link_id_not_text",
    "link_to_nothing",
    "link_slot",
    "return_type_mismatch",
    "cycle",
    "literal_for_link",
    "invalid_input_type",
    "value_smaller_than_min",
    "value_bigger_than_max",
    "value_not_in_list",
    "file_absent",
    "path_for_file",
    "prefix_leaves_output",
    "prefix_overwrites",
    "prefix_not_expanded",
    "prefix_linked",
    "extra_link",
    "extra_input",
    "coerced",
    "not_finite",
    "off_step",
    "never_run",
    "workflow_name",
    "output_node",
    "plate_node",
    "car_parameter",
    "requires_nodes",
    "requires_version",
    "model_unlisted",
    "model_unused",
    "too_large",
    "parameter_node",
    "parameter_input",
    "parameter_linked",
    "parameter_twice",
    "parameter_type",
    "parameter_unbounded",
    "parameter_inconsistent",
    "parameter_unfit",
    "editor_drift",
    "editor_unreadable",
    "server_version",
    "model_absent",
]

_LONGEST_SHOWN = 60


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or that ComfyUI lets pass although it is hardly meant.

    `code` is a word for programs. `node_id` and `title` are empty when the finding is about the whole graph; `input`
    may also name a place in the bindings, such as ``parameters.seed.max``.
    """

    severity: Severity
    code: Code
    node_id: str = ""
    title: str = ""
    input: str = ""
    found: str
    expected: str

    def __str__(self) -> str:
        place = f"node {self.node_id}" if self.node_id else "graph"
        if self.title:
            place += f" ({self.title})"
        if self.input:
            place += f", {self.input}"
        return f"{place}: found {self.found}, expected {self.expected}"


def finding_at(place: str, code: Code, found: str, expected: str, severity: Severity = ERROR) -> Finding:
    """A finding that is about no node; `place` may be empty, or a place in the bindings."""
    return Finding(severity=severity, code=code, input=place, found=found, expected=expected)


def shown(value: Any) -> str:
    """A value as a finding repeats it: JSON, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def listed(values: Any) -> str:
    """The values of a choice as a finding repeats them, the first few of a long list."""
    some = [str(value) for value in values][:12]
    return ", ".join(some) + (f", … ({len(values)} in all)" if len(values) > len(some) else "")
