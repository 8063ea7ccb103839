"""Whatever stands in a service JSON, looking at it and comparing with it ends in findings, and shows no key."""

from __future__ import annotations

import copy
import random

from cli.eas.inspection import inspect_autoscaler, inspect_service
from cli.eas.plan import Live, plan
from cli.eas.service import autoscaler_json, service_json
from tests.unit.eas.conftest import ENVIRONMENT

KEY = "sk-fedcba9876543210"
VALUES = (None, 0, -1, 1.5, True, "", "旅行", [], {}, [1], [[]], KEY, f"--data-dir {KEY}", {"token": {"a": [1]}})
NAMES = ("token", "dockerAuth", "名字", "name", "value", "rpc")


def places(document):
    members = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(members):
        yield document, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def mutated(document, chance: random.Random):
    document = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        there = list(places(document))
        if not there:
            break
        place, key = chance.choice(there)
        kind = chance.random()
        if kind < 0.2:
            del place[key]
        elif kind < 0.4 and isinstance(place, dict):
            place[chance.choice(NAMES)] = chance.choice(VALUES)
        else:
            place[key] = copy.deepcopy(chance.choice(VALUES))
    return document


def test_no_service_json_breaks_anything_or_shows_a_key(settings):
    service, scaler = service_json(settings, "api", ENVIRONMENT), autoscaler_json(settings)
    whole = {**service, "autoscaler": scaler}
    chance = random.Random(7)
    for number in range(600):
        found = mutated(whole, chance)
        told = [*inspect_service(found), *inspect_autoscaler(found.get("autoscaler"))]
        live_scaler = found.get("autoscaler")
        live = Live(found, "Running", 1, 1, live_scaler if isinstance(live_scaler, dict) else None)
        changes = plan(service, scaler, live, secrets=("DASHSCOPE_API_KEY",))
        shown = " ".join(map(str, told)) + repr(changes)
        assert "sk-" not in shown, (number, shown)
