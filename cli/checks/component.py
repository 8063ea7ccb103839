"""What the component fc3 and Function Compute take, as far as a deployment of Python functions uses it.

Sources: devsapp/fc3 (``src/schema.json``, ``src/interface``; the component's own schema takes any unknown key and any
settings of a trigger), "Limits of usage" (help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage), and
the models of ``alibabacloud_fc20230330``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cli.checks.shape import Flag, Keys, Number, Shape, Some, Text, Texts

#: Names and values together, in bytes.
MAX_ENVIRONMENT_BYTES = 4096
#: What Function Compute sets or has set itself.
RESERVED_VARIABLES = ("accessKeyID", "accessKeySecret", "securityToken", "topic")
RESERVED_PREFIX = "FC_"
#: GB of memory for one vCPU.
MEMORY_PER_CPU = (1.0, 4.0)

_ANY = Text()
_REGION = Text(r"[a-z]{2}-[a-z]+(-[a-z0-9]+)*", "cn-shanghai")
_INSTANT = Text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "2027-04-30T16:00:00Z")
_DESTINATION = Keys(
    {"destination": Text(r"acs:(mns|fc|eventbridge|mq):\S+", "acs:mns:<region>:<account>:/queues/<name>/messages")}
)
_HOOK: dict[str, Shape] = {"handler": _ANY, "command": Some(_ANY)}
_POLICY: dict[str, Shape] = {"name": _ANY, "startTime": _INSTANT, "endTime": _INSTANT, "timeZone": _ANY}

FUNCTION = Keys(
    {
        "region": _REGION,
        "functionName": Text(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", "tripcanvas-trip-completed, at most 64 characters"),
        "description": Text(r"(?s).{0,256}", "at most 256 characters"),
        "runtime": Text(choices=("python3.12", "python3.10", "python3.9", "python3")),
        "handler": Text(r"[^\s.][^\s]*\.\w+", "functions/trip_completed/index.handler"),
        "code": Keys({"src": _ANY, "ossBucketName": _ANY, "ossObjectName": _ANY}),
        "role": Text(r"acs:ram::\d+:role/[A-Za-z0-9-]{1,64}", "acs:ram::<account>:role/<name>"),
        "memorySize": Number(128, 32768, 64),
        "cpu": Number(0.05, 16, 0.05),
        "diskSize": Number(512, 10240, 9728 / 19),
        "timeout": Number(1, 86400),
        "internetAccess": Flag(),
        "instanceConcurrency": Number(1, 1),
        "environmentVariables": Texts(r"[A-Za-z][A-Za-z0-9_]*"),
        "layers": Some(_ANY, at_most=5),
        "concurrencyConfig": Keys({"reservedConcurrency": Number(0, 10_000)}, ("reservedConcurrency",)),
        "instanceLifecycleConfig": Keys(
            {
                "initializer": Keys({**_HOOK, "timeout": Number(1, 300)}),
                "preStop": Keys({**_HOOK, "timeout": Number(1, 90)}),
            }
        ),
        "asyncInvokeConfig": Keys(
            {
                "maxAsyncRetryAttempts": Number(0, 8),
                # The SDK says 604800, other pages 2592000: the lower one is safe with both.
                "maxAsyncEventAgeInSeconds": Number(1, 604_800),
                "asyncTask": Flag(),
                "qualifier": _ANY,
                "destinationConfig": Keys({"onSuccess": _DESTINATION, "onFailure": _DESTINATION}),
            }
        ),
        "scalingConfig": Keys(
            {
                "minInstances": Number(0, 10_000),
                "residentPoolId": _ANY,
                "scheduledPolicies": Some(
                    Keys(
                        {**_POLICY, "target": Number(0, 10_000), "scheduleExpression": _ANY},
                        ("name", "startTime", "endTime", "target", "scheduleExpression"),
                    ),
                    at_most=100,
                ),
                "horizontalScalingPolicies": Some(
                    Keys(
                        {
                            **_POLICY,
                            "metricType": _ANY,
                            "metricTarget": Number(0, 1, 0.01),
                            "minInstances": Number(0, 10_000),
                            "maxInstances": Number(0, 10_000),
                        }
                    )
                ),
            }
        ),
        "logConfig": Keys(
            {
                "project": Text(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "my-project"),
                "logstore": Text(r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]", "functions"),
                "enableRequestMetrics": Flag(),
                "enableInstanceMetrics": Flag(),
                "enableLlmMetrics": Flag(),
                "logBeginRule": Text(choices=("None", "DefaultRegex")),
            },
            ("project", "logstore"),
            instead="auto",
        ),
        "vpcConfig": Keys(
            {"vpcId": _ANY, "vSwitchIds": Some(_ANY), "securityGroupId": _ANY},
            ("vpcId", "vSwitchIds", "securityGroupId"),
            instead="auto",
        ),
        "tags": Some(Keys({"key": Text(r".{1,128}"), "value": Text(r".{0,256}")}, ("key", "value")), at_most=20),
        "resourceGroupId": _ANY,
        "triggers": Some(
            Keys(
                {
                    "triggerName": Text(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", "every-minute"),
                    "triggerType": _ANY,
                    "triggerConfig": Keys(),
                    "description": _ANY,
                    "qualifier": _ANY,
                    "sourceArn": _ANY,
                    "invocationRole": _ANY,
                },
                ("triggerName", "triggerType", "triggerConfig"),
            ),
            at_most=50,
        ),
    },
    ("region", "functionName", "runtime", "handler", "code"),
)


@dataclass(frozen=True, slots=True)
class TriggerKind:
    """What one type of trigger takes: its settings, and the resource that it listens to (none for a timer)."""

    settings: Keys
    source: Text | None = None


TRIGGERS: Mapping[str, TriggerKind] = {
    "timer": TriggerKind(
        Keys({"cronExpression": _ANY, "enable": Flag(), "payload": _ANY}, ("cronExpression", "enable"))
    ),
    "mns_topic": TriggerKind(
        Keys(
            {
                "notifyContentFormat": Text(choices=("STREAM", "JSON")),
                "notifyStrategy": Text(choices=("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY")),
                "filterTag": Text(r".{0,16}", "at most 16 characters"),
            },
            ("notifyContentFormat", "notifyStrategy"),
        ),
        Text(r"acs:mns:[\w-]+:\d+:/topics/[A-Za-z][A-Za-z0-9-]{0,254}", "acs:mns:<region>:<account>:/topics/<topic>"),
    ),
    "oss": TriggerKind(
        Keys(
            {
                "events": Some(Text(r"oss:Object\w+:(\*|\w+)", "oss:ObjectCreated:PutObject")),
                "filter": Keys({"key": Keys({"prefix": _ANY, "suffix": _ANY}, ("prefix", "suffix"))}, ("key",)),
            },
            ("events", "filter"),
        ),
        Text(r"acs:oss:[\w-]+:\d+:[a-z0-9-]{3,63}", "acs:oss:<region>:<account>:<bucket>"),
    ),
}
