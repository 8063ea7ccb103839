"""The difference to what runs: what counts, what a change does, and that no secret is shown."""

from __future__ import annotations

import copy

import pytest

from cli.eas.plan import Live, plan
from cli.eas.service import autoscaler_json, service_json
from tests.unit.eas.conftest import ENVIRONMENT

KEY = ENVIRONMENT["DASHSCOPE_API_KEY"]


@pytest.fixture
def service(settings):
    return service_json(settings, "api", ENVIRONMENT)


@pytest.fixture
def scaler(settings):
    return autoscaler_json(settings)


def live(service, scaler, **metadata):
    config = copy.deepcopy(service)
    config["metadata"] |= metadata
    return Live(config, "Running", 1, 1, copy.deepcopy(scaler))


def found(changes):
    return {(change.action, change.path) for change in changes if change.counts}


def test_what_does_not_exist_is_created_whole(service, scaler):
    changes = plan(service, scaler, None, secrets=("DASHSCOPE_API_KEY",))
    assert {change.action for change in changes} == {"create"}
    assert ("create", "autoscaler.max") in found(changes)
    assert KEY not in repr(changes)


def test_what_eas_adds_is_no_difference(service, scaler):
    running = live(service, scaler, cpu=16, gpu=1, memory=60000, region="cn-shanghai")
    running.service["networking"] = {"gateway": "default"}
    assert found(plan(service, scaler, running)) == set()


def test_numbers_in_another_notation_are_no_difference(service, scaler):
    running = live(service, scaler)
    running.service["queue"]["memory"] = "4000"
    running.autoscaler["scaleStrategies"][0]["threshold"] = 5.0
    del running.service["metadata"]["rpc.worker_threads"]
    running.service["metadata"]["rpc"] = {"worker_threads": 1}
    assert found(plan(service, scaler, running)) == set()


def test_the_number_of_instances_is_the_autoscaler_s_affair(service, scaler):
    assert found(plan(service, scaler, live(service, scaler, instance=3))) == set()
    assert found(plan(service, None, live(service, None, instance=3))) == {("change", "metadata.instance")}


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        (("queue", "max_delivery"), "lost"),
        (("containers", 0, "image"), "replaces every instance"),
        (("storage", 0, "oss", "path"), "replaces every instance"),
        (("cloud", "computing", "instance_type"), "replaces every instance"),
        (("metadata", "type"), "another edition"),
    ],
)
def test_a_change_says_what_it_does_to_the_running_service(service, scaler, path, effect):
    running = live(service, scaler)
    place = running.service
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "another"
    (change,) = [change for change in plan(service, scaler, running) if change.counts]
    assert change.action == "change"
    assert change.before == "another"
    assert effect in change.effect


def test_scaling_restarts_nothing(service, scaler):
    running = live(service, {**scaler, "max": 9})
    (change,) = [change for change in plan(service, scaler, running) if change.counts]
    assert (change.path, change.before, change.after) == ("autoscaler.max", "9", "4")
    assert "without a restart" in change.effect
    (removed,) = [change for change in plan(service, None, live(service, scaler)) if change.counts]
    assert (removed.action, removed.path) == ("remove", "autoscaler")


def test_a_secret_is_compared_and_not_shown(service, scaler):
    running = live(service, scaler)
    running.service["containers"][0]["env"][1]["value"] = "sk-the-old-value-that-nobody-sees"
    changes = plan(service, scaler, running, secrets=("DASHSCOPE_API_KEY",))
    assert found(changes) == {("change", "containers[0].env.DASHSCOPE_API_KEY")}
    assert "sk-" not in repr(changes)


def test_a_secret_that_is_not_known_here_is_not_compared(settings, service, scaler):
    unknown = service_json(settings, "api", {"DASHSCOPE_API_KEY": "***"})
    changes = plan(unknown, scaler, live(service, scaler), secrets=("DASHSCOPE_API_KEY",))
    assert found(changes) == set()
    assert [change.path for change in changes if change.action == "unknown"] == ["containers[0].env.DASHSCOPE_API_KEY"]


def test_a_variable_that_somebody_added_by_hand_goes_and_its_value_is_not_shown(service, scaler):
    running = live(service, scaler)
    running.service["containers"][0]["env"].append({"name": "DEBUG_PROXY", "value": "http://user:word@host"})
    changes = plan(service, scaler, running)
    assert found(changes) == {("remove", "containers[0].env.DEBUG_PROXY")}
    assert "word" not in repr(changes)


def test_a_second_mount_goes(service, scaler):
    running = live(service, scaler)
    running.service["storage"].append({"mount_path": "/old"})
    assert found(plan(service, scaler, running)) == {("remove", "storage[1]")}
