"""Reading `s.yaml`: what it means, and where it says that something is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from localcloud.fc.deployment import (
    AsyncPolicy,
    Destination,
    EventBridgeTrigger,
    Function,
    Hook,
    TimerTrigger,
    TopicTrigger,
    read_deployment,
)
from localcloud.fc.schedule import Every
from localcloud.fc.sections import DeploymentError

if TYPE_CHECKING:
    from pathlib import Path

COMPLETE = """
edition: 3.0.0
name: tripcanvas
access: default
vars:
  region: ${env('REGION', 'cn-shanghai')}
  account: ${config('AccountID')}
  memory: 1024
template:
  painter:
    region: ${vars.region}
    runtime: python3.12
    memorySize: ${vars.memory}
    environmentVariables:
      ACCOUNT: ${vars.account}
      CITY: 上海市
resources:
  trip_completed:
    component: fc3
    actions:
      pre-deploy:
        - run: make build
    extend:
      name: painter
    props:
      functionName: trip_completed
      description: 行程结束时作画
      handler: functions/trip_completed/index.handler
      code: ${path('./code')}
      timeout: 120
      cpu: 0.5
      environmentVariables:
        CITY: 无锡市
        ENDPOINT: https://${vars.account}.mns.${vars.region}.example
        FALLBACK: ${env('UNSET', "默认")}
      instanceLifecycleConfig:
        initializer: {handler: functions/trip_completed/index.initialize, timeout: 30}
        preStop: {handler: functions/trip_completed/index.pre_stop, timeout: 10}
      concurrencyConfig: {reservedConcurrency: 1}
      asyncInvokeConfig:
        maxAsyncRetryAttempts: 2
        maxAsyncEventAgeInSeconds: 3600
        asyncTask: true
        destinationConfig:
          onFailure: {destination: "acs:mns:${vars.region}:${vars.account}:/queues/dead-letters/messages"}
          onSuccess: {destination: "acs:fc:${vars.region}:${vars.account}:functions/next"}
      triggers:
        - triggerName: trips
          triggerType: mns_topic
          sourceArn: acs:mns:${vars.region}:${vars.account}:/topics/trip-completed
          triggerConfig: {notifyContentFormat: JSON, notifyStrategy: BACKOFF_RETRY, filterTag: live}
        - triggerName: clock
          triggerType: timer
          triggerConfig: {cronExpression: "@every 1m", enable: true, payload: "{}"}
        - triggerName: queue
          triggerType: eventbridge
          triggerConfig:
            triggerEnable: false
            eventSourceConfig:
              eventSourceType: MNS
              eventSourceParameters:
                sourceMNSParameters: {RegionId: cn-shanghai, QueueName: q1, IsBase64Decode: true}
            eventSinkConfig: {deliveryOption: {eventSchema: RawData}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    return tmp_path


def read(folder: Path, text: str, **environment: str) -> tuple[Function, ...]:
    file = folder / "s.yaml"
    file.write_text(text, "utf-8")
    return read_deployment(file, environment, "1012345678901234")


def test_everything_in_the_file_is_understood(folder: Path) -> None:
    (function,) = read(folder, COMPLETE)
    assert function == Function(
        name="trip_completed",
        description="行程结束时作画",
        region="cn-shanghai",
        runtime="python3.12",
        handler="functions/trip_completed/index.handler",
        code_folder=folder / "code",
        timeout_s=120,
        memory_mb=1024,
        cpu=0.5,
        environment={
            "ACCOUNT": "1012345678901234",
            "CITY": "无锡市",
            "ENDPOINT": "https://1012345678901234.mns.cn-shanghai.example",
            "FALLBACK": "默认",
        },
        initializer=Hook("functions/trip_completed/index.initialize", 30),
        pre_stop=Hook("functions/trip_completed/index.pre_stop", 10),
        reserved_concurrency=1,
        async_policy=AsyncPolicy(
            max_retries=2,
            max_age_s=3600,
            on_failure=Destination(
                "acs:mns:cn-shanghai:1012345678901234:/queues/dead-letters/messages", "queues", "dead-letters"
            ),
            on_success=Destination("acs:fc:cn-shanghai:1012345678901234:functions/next", "functions", "next"),
            stateful=True,
        ),
        triggers=(
            TopicTrigger("trips", "trip-completed", "JSON", "BACKOFF_RETRY", "live"),
            TimerTrigger("clock", "@every 1m", Every(timedelta(minutes=1)), True, "{}"),
            EventBridgeTrigger("queue", "q1", False, "RawData"),
        ),
    )


def test_the_environment_goes_before_a_default(folder: Path) -> None:
    (function,) = read(folder, COMPLETE, REGION="cn-hangzhou", UNSET="西湖")
    assert (function.region, function.environment["FALLBACK"]) == ("cn-hangzhou", "西湖")


def test_secrets_of_the_environment_stay_out_of_the_repr(folder: Path) -> None:
    (function,) = read(folder, COMPLETE, UNSET="sk-secret")
    assert "sk-secret" not in repr(function)


MINIMAL: dict[str, Any] = {
    "region": "cn-shanghai",
    "functionName": "paint",
    "runtime": "python3.10",
    "handler": "index.handler",
    "code": "./code",
}


def test_what_is_not_written_has_the_defaults_of_the_component(folder: Path) -> None:
    (function,) = read(folder, described({}))
    assert (function.timeout_s, function.memory_mb, function.cpu) == (3, 512, 0.35)
    assert function.async_policy == AsyncPolicy(max_retries=3, max_age_s=86400)
    assert function.reserved_concurrency is None
    assert (function.environment, function.triggers) == ({}, ())


def described(changes: dict[str, Any]) -> str:
    props = {name: value for name, value in {**MINIMAL, **changes}.items() if value is not None}
    resources = {"paint": {"component": "fc3", "props": props}}
    return yaml.safe_dump({"edition": "3.0.0", "resources": resources}, allow_unicode=True)


def trigger(kind: str, settings: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"triggers": [{"triggerName": "t", "triggerType": kind, "triggerConfig": settings, **more}]}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"runtime": "python3.11"}, "runtime"),
        ({"runtime": None}, "runtime"),
        ({"handler": "index"}, "handler"),
        ({"code": "./nowhere"}, "code"),
        ({"functionName": "画"}, "functionName"),
        ({"memorySize": 500}, "memorySize"),
        ({"memorySize": "512"}, "memorySize"),
        ({"memorySize": 1024, "cpu": 4}, "cpu"),
        ({"cpu": 0.33}, "cpu"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"memory": 512}, "memory"),
        ({"environmentVariables": {"FC_REGION": "x"}}, "environmentVariables.FC_REGION"),
        ({"environmentVariables": {"1ST": "x"}}, "environmentVariables.1ST"),
        ({"environmentVariables": {"COUNT": 3}}, "environmentVariables.COUNT"),
        ({"environmentVariables": {"LONG": "湖" * 1400}}, "environmentVariables"),
        ({"environmentVariables": {"KEY": "${env('NOT_SET')}"}}, "environmentVariables.KEY"),
        ({"environmentVariables": {"KEY": "${vars.none}"}}, "environmentVariables.KEY"),
        ({"environmentVariables": {"KEY": "${config('Nope')}"}}, "environmentVariables.KEY"),
        ({"environmentVariables": {"KEY": "${resources.other.output.url}"}}, "environmentVariables.KEY"),
        ({"asyncInvokeConfig": {"maxAsyncRetryAttempts": 9}}, "asyncInvokeConfig.maxAsyncRetryAttempts"),
        (
            {"asyncInvokeConfig": {"destinationConfig": {"onFailure": {"destination": "queue"}}}},
            "asyncInvokeConfig.destinationConfig.onFailure.destination",
        ),
        ({"instanceConcurrency": 10}, "instanceConcurrency"),
        (
            {"instanceLifecycleConfig": {"initializer": {"handler": "a.b", "timeout": 301}}},
            "instanceLifecycleConfig.initializer.timeout",
        ),
        (trigger("http", {}), "triggers[0].triggerType"),
        (trigger("timer", {"cronExpression": "* * * *", "enable": True}), "triggers[0].triggerConfig.cronExpression"),
        (trigger("timer", {"cronExpression": "@every 1m"}), "triggers[0].triggerConfig.enable"),
        (trigger("mns_topic", {}, sourceArn="topic"), "triggers[0].sourceArn"),
        (
            trigger("mns_topic", {"notifyContentFormat": "XML"}, sourceArn="acs:mns:a:1:/topics/t"),
            "triggers[0].triggerConfig.notifyContentFormat",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_place(folder: Path, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(DeploymentError) as refusal:
        read(folder, described(changes))
    assert refusal.value.place == f"resources.paint.props.{place}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("edition: 1.0.0\nresources: {}\n", "edition: must be 3.0.0"),
        ("edition: [\n", "not YAML"),
        ("- a\n", "must be a map"),
        ("edition: 3.0.0\nresources: {a: {component: fc}}\n", "resources.a.component: must be fc3"),
        (
            "edition: 3.0.0\nresources: {a: {component: fc3, extend: {name: t}, props: {}}}\n",
            "resources.a.extend.name: template has no 't'",
        ),
        (
            "edition: 3.0.0\nvars: {a: '${vars.b}', b: '${vars.a}'}\n"
            "resources: {a: {component: fc3, props: {region: '${vars.a}'}}}\n",
            "refers to itself",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(DeploymentError) as refusal:
        read(folder, text)
    assert message in str(refusal.value)


def test_a_missing_file_is_refused(folder: Path) -> None:
    with pytest.raises(DeploymentError, match="can't be read"):
        read_deployment(folder / "none.yaml", {}, "1")


def test_two_functions_can_not_share_a_name(folder: Path) -> None:
    resource = {"component": "fc3", "props": MINIMAL}
    text = yaml.safe_dump({"edition": "3.0.0", "resources": {"a": resource, "b": resource}})
    with pytest.raises(DeploymentError, match="'paint' is used twice"):
        read(folder, text)
