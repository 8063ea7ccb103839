"""Resources of `tripcanvas provision`, read and compared; what differs is a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli.findings import Finding
from cli.probes.probe import Answer
from cli.provision.resources import Change, Resource, planned

_APPLY = "run `tripcanvas provision apply`"
_LONGEST = 40
#: What is said of a resource that is not there.
ABSENT = "does not exist"


def findings_of(resources: Iterable[Resource]) -> Answer:
    """What is missing or differs. Raises what reading them raises."""
    changes = planned(resources)
    findings = tuple(finding for change in changes for finding in _findings(change))
    return Answer(
        "not as it should be"
        if findings
        else "as it should be"
        if len(changes) == 1
        else f"all {len(changes)} as they should be",
        findings,
    )


def _findings(change: Change) -> Iterator[Finding]:
    where = f"{change.resource.kind} {change.resource.name}"
    if change.action == "create":
        yield Finding(ABSENT, where, _APPLY)
        return
    for field in change.fields:
        if len(field.now) > _LONGEST or len(field.then) > _LONGEST:
            yield Finding(f"{field.name} is not as it should be", where, _APPLY)
        elif field.name == "versioning":
            yield Finding(f"versioning is {field.now}", where, "take another bucket: it can't be undone")
        else:
            yield Finding(f"{field.name} is {field.now or 'nothing'}, not {field.then}", where, _APPLY)
