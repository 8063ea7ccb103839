"""The difference between the service that is wanted and the one that runs. Pure.

EAS adds keys of its own to what it was given, and ``UpdateService`` merges, so only wanted keys are compared. Lists
replace each other as a whole: what a live list holds beyond the wanted one goes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cli.eas.secrecy import MASK, is_secret_name, masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Action = Literal["create", "change", "add", "remove", "same", "unknown"]

#: What a change does to the running service, by the beginning of its path; the first that fits counts. Which of
#: them replace instances is documented; that a new queue sub-service starts empty follows from its queues being in
#: memory.
_EFFECTS = (
    ("autoscaler", "takes effect without a restart"),
    ("metadata.instance", "starts or stops instances, restarts none"),
    ("metadata.name", "would be another service with another address"),
    ("metadata.type", "another edition: create it under another name, then delete this one"),
    ("metadata.enable_webservice", "another edition: create it under another name, then delete this one"),
    ("queue", "replaces the queue: what waits in it or in the sink is lost; let it run empty first"),
    ("", "replaces every instance, one after the other; a render in progress is given out again"),
)

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` and `after` are for reading: secrets in them are masked."""

    action: Action
    path: str
    before: str = ""
    after: str = ""

    @property
    def effect(self) -> str:
        """What applying it does to the running service; "" when there is nothing to apply."""
        if self.action in ("same", "unknown", "create"):
            return ""
        return effect_of(self.path)

    @property
    def counts(self) -> bool:
        """Whether something would be done."""
        return self.action not in ("same", "unknown")


def effect_of(path: str) -> str:
    """What changing a key does to the running service, by the key's path."""
    return next(effect for start, effect in _EFFECTS if path.startswith(start))


@dataclass(frozen=True, slots=True)
class Live:
    """What runs: the service JSON as EAS gives it back, its state, and its autoscaler if it has one."""

    service: dict[str, Any]
    status: str
    running: int
    total: int
    autoscaler: dict[str, Any] | None


def plan(
    service: dict[str, Any],
    autoscaler: dict[str, Any] | None,
    live: Live | None,
    *,
    secrets: Sequence[str] = (),
) -> list[Change]:
    """What would be created or changed, in the order of the wanted documents, unchanged keys included.

    A secret that is ``***`` in `service` has no known value here and is `unknown`; `secrets` are their names.
    """
    hidden = tuple(secrets)
    if live is None:
        wanted = service if autoscaler is None else {**service, "autoscaler": autoscaler}
        return [
            replace(change, action="create")
            for key, value in wanted.items()
            for change in _compared(key, value, _ABSENT, hidden)
        ]
    changes = [
        change for key, value in service.items() for change in _compared(key, value, _at(live.service, key), hidden)
    ]
    if autoscaler is not None or live.autoscaler is not None:
        # The autoscaler moves the number of instances; the one in the service JSON is where it started.
        changes = [change for change in changes if change.path != "metadata.instance"]
    return changes + _scaled(autoscaler, live.autoscaler)


def _scaled(wanted: dict[str, Any] | None, live: dict[str, Any] | None) -> list[Change]:
    if wanted is not None:
        return list(_compared("autoscaler", wanted, _ABSENT if live is None else live, ()))
    return [] if live is None else [Change("remove", "autoscaler", before=_text(live))]


def _compared(path: str, wanted: Any, live: Any, secrets: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(wanted, dict) and (isinstance(live, dict) or live is _ABSENT):
        there: dict[str, Any] = live if isinstance(live, dict) else {}
        for key, value in wanted.items():
            yield from _compared(f"{path}.{key}", value, _at(there, key), secrets)
    elif isinstance(wanted, list) and (isinstance(live, list) or live is _ABSENT):
        yield from _lists(path, wanted, live if isinstance(live, list) else [], secrets)
    elif live is _ABSENT:
        yield Change("add", path, after=_text(masked(wanted, secrets)))
    elif _equal(wanted, live):
        yield Change("same", path, after=_text(masked(wanted, secrets)))
    else:
        yield Change("change", path, _text(masked(live, secrets)), _text(masked(wanted, secrets)))


def _at(live: dict[str, Any], key: str) -> Any:
    """The value of `key`; ``rpc.worker_threads`` may also stand as ``worker_threads`` in a table ``rpc``."""
    if key in live or "." not in key:
        return live.get(key, _ABSENT)
    table, _, rest = key.partition(".")
    return _at(live[table], rest) if isinstance(live.get(table), dict) else _ABSENT


def _lists(path: str, wanted: list[Any], live: list[Any], secrets: tuple[str, ...]) -> Iterator[Change]:
    if path.endswith(".env"):
        yield from _variables(path, wanted, live, secrets)
        return
    for number, value in enumerate(wanted):
        there = live[number] if number < len(live) else _ABSENT
        yield from _compared(f"{path}[{number}]", value, there, secrets)
    for number in range(len(wanted), len(live)):
        yield Change("remove", f"{path}[{number}]", before=_text(masked(live[number], secrets)))


def _variables(path: str, wanted: list[Any], live: list[Any], secrets: tuple[str, ...]) -> Iterator[Change]:
    """Variables are told apart by name. A secret is compared and never shown."""
    there = {str(each.get("name")): each.get("value") for each in live if isinstance(each, dict)}
    for each in wanted:
        name, value = each["name"], each["value"]
        before = there.pop(name, _ABSENT)
        where = f"{path}.{name}"
        if name not in secrets and not is_secret_name(name):
            yield from _compared(where, value, before, secrets)
        elif before is _ABSENT:
            yield Change("add", where, after=MASK)
        elif value == MASK:
            yield Change("unknown", where, MASK, f"not compared: {name} is not set here")
        elif before == value:
            yield Change("same", where, after=MASK)
        else:
            yield Change("change", where, MASK, f"{MASK} (another value)")
    for name in there:
        # Somebody may have taken the name's field for the value's.
        yield Change("remove", f"{path}.{masked(name)}", before=MASK)


def _equal(wanted: Any, live: Any) -> bool:
    """Equal in meaning: EAS gives some numbers back as text, and some numbers as floats."""
    if isinstance(wanted, bool) or isinstance(live, bool):
        return str(wanted).lower() == str(live).lower()
    if isinstance(wanted, (int, float)):
        try:
            return float(live) == float(wanted)
        except (TypeError, ValueError):
            return False
    return bool(wanted == live)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
