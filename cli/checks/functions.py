"""Each function against what the component and Function Compute take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cli.checks.component import (
    FUNCTION,
    MAX_ENVIRONMENT_BYTES,
    MEMORY_PER_CPU,
    RESERVED_PREFIX,
    RESERVED_VARIABLES,
    TRIGGERS,
)
from cli.checks.deployment import Description, Resource
from cli.checks.shape import Keys, Some, Text, differences
from cli.findings import Finding
from localcloud.fc.schedule import ScheduleError, parse_schedule

_TOP = ("edition", "name", "access", "vars", "actions", "template", "resources", "extend")


def top_level(description: Description) -> Iterator[Finding]:
    """Keys that Serverless Devs does not read, and another edition than 3.0.0."""
    file = description.file.name
    yield from differences(dict.fromkeys(description.document, ""), Keys({name: Text() for name in _TOP}), f"{file}:")
    if description.document.get("edition") != "3.0.0":
        yield Finding("not edition 3.0.0", f"{file}: edition", "write edition: 3.0.0")
    yield from description.unresolved
    seen: dict[object, str] = {}
    for each in description.resources:
        name = each.props.get("functionName")
        if name in seen:
            yield Finding(f"the same name as {seen[name]}", f"{each.place}.functionName", "give it a name of its own")
        seen[name] = each.name


def properties(description: Description) -> Iterator[Finding]:
    """Properties that are unknown, of the wrong type or outside the limits."""
    for each in description.resources:
        props = {name: value for name, value in each.props.items() if name != "triggers"}
        if isinstance(props.get("code"), str):
            props["code"] = {"src": props["code"]}
        yield from differences(props, FUNCTION, each.place)
        yield from _ratio(each)
        yield from _variables(each)
        yield from _regions(each)


def triggers(description: Description) -> Iterator[Finding]:
    """Each trigger against the definition of its own type: the component's own schema takes any for any."""
    for each in description.resources:
        found = each.props.get("triggers", [])
        place = f"{each.place}.triggers"
        if not isinstance(found, list):
            yield Finding("not a list", place, "begin each entry with a dash")
            continue
        names: set[object] = set()
        for index, trigger in enumerate(found):
            yield from _trigger(trigger, f"{place}[{index}]")
            name = trigger.get("triggerName") if isinstance(trigger, dict) else None
            if name in names:
                yield Finding("a name that is taken", f"{place}[{index}].triggerName", "names differ in a function")
            names.add(name)


def _trigger(trigger: object, place: str) -> Iterator[Finding]:
    if not isinstance(trigger, dict):
        yield Finding("not a map", place, "give it triggerName, triggerType and triggerConfig")
        return
    kind = TRIGGERS.get(str(trigger.get("triggerType")))
    if kind is None:
        yield Finding("not a type that is used here", f"{place}.triggerType", f"one of {', '.join(TRIGGERS)} is taken")
        return
    shape = FUNCTION.of["triggers"]
    assert isinstance(shape, Some)  # noqa: S101 - the table above says so
    assert isinstance(shape.of, Keys)  # noqa: S101
    yield from differences(trigger, replace(shape.of, of={**shape.of.of, "triggerConfig": kind.settings}), place)
    source = trigger.get("sourceArn")
    if kind.source is None and source is not None:
        yield Finding("a source", f"{place}.sourceArn", "this type of trigger has none; take it out")
    elif kind.source is not None:
        yield from differences(source or "", kind.source, f"{place}.sourceArn")
    settings = trigger.get("triggerConfig")
    expression = settings.get("cronExpression") if isinstance(settings, dict) else None
    if trigger["triggerType"] == "timer" and isinstance(expression, str):
        yield from _schedule(expression, f"{place}.triggerConfig.cronExpression")


def _schedule(expression: str, place: str) -> Iterator[Finding]:
    try:
        parse_schedule(expression)
    except ScheduleError as error:
        yield Finding(str(error), place, "write @every 5m, or six fields: second minute hour day month weekday")


def _ratio(resource: Resource) -> Iterator[Finding]:
    memory_mb: Any = resource.props.get("memorySize")
    cpu: Any = resource.props.get("cpu")
    place = f"{resource.place}.cpu"
    if (memory_mb is None) != (cpu is None):
        yield Finding("memorySize and cpu are not both set", place, "set both, or neither for 512 MB and 0.35 vCPU")
    if not _is_number(memory_mb) or not _is_number(cpu) or not cpu:
        return
    low, high = MEMORY_PER_CPU
    if not low <= memory_mb / 1024 / cpu <= high:
        least, most = memory_mb / 1024 / high, memory_mb / 1024 / low
        yield Finding(
            f"{memory_mb / 1024 / cpu:.2f} GB of memory for one vCPU",
            place,
            f"between {low:g} and {high:g} are: take {least:.2f} to {most:.2f} vCPUs",
        )


def _variables(resource: Resource) -> Iterator[Finding]:
    variables = resource.props.get("environmentVariables", {})
    if not isinstance(variables, Mapping):
        return
    place = f"{resource.place}.environmentVariables"
    for name in variables:
        if str(name).startswith(RESERVED_PREFIX) or name in RESERVED_VARIABLES:
            yield Finding("a reserved name", f"{place}.{name}", "Function Compute sets it; take another name")
    size_bytes = sum(len(str(name).encode()) + len(str(value).encode()) for name, value in variables.items())
    if size_bytes > MAX_ENVIRONMENT_BYTES:
        remedy = f"Function Compute takes {MAX_ENVIRONMENT_BYTES}: put secrets into a file (docs/permissions.md)"
        yield Finding(f"{size_bytes} bytes in all", place, remedy)


def _regions(resource: Resource) -> Iterator[Finding]:
    """What a function is called by or reports to is in its own region and account."""
    region, role = resource.props.get("region"), str(resource.props.get("role", ""))
    account = role.split(":")[3] if role.count(":") >= 4 else ""
    for place, arn in _arns(resource.props):
        parts = arn.split(":")
        if len(parts) < 5 or parts[1] == "ram":
            continue
        if parts[2] != region:
            yield Finding(
                f"in region {parts[2] or 'none'}", f"{resource.place}.{place}", f"the function is in {region}"
            )
        if account and parts[3] != account:
            yield Finding("in another account than the role", f"{resource.place}.{place}", "name the same account")


def _arns(props: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    found = props.get("triggers")
    for index, trigger in enumerate(found if isinstance(found, list) else ()):
        if isinstance(trigger, dict) and isinstance(trigger.get("sourceArn"), str):
            yield f"triggers[{index}].sourceArn", trigger["sourceArn"]
    config = props.get("asyncInvokeConfig")
    destinations = config.get("destinationConfig") if isinstance(config, dict) else None
    for name, entry in (destinations if isinstance(destinations, dict) else {}).items():
        if isinstance(entry, dict) and isinstance(entry.get("destination"), str):
            yield f"asyncInvokeConfig.destinationConfig.{name}.destination", entry["destination"]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
