"""The project's `s.yaml` (Serverless Devs 3, component fc3) as typed values.

Read strictly: an unknown property, a wrong type or a value outside Function Compute's limits is a `DeploymentError`
that names the place, so that a mistake is found here and not after ``s deploy``. Limits: "Limits of usage",
help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage, and the fc3 component's JSON schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from localcloud.fc.interpolation import InterpolationError, Scope
from localcloud.fc.roles import policy_of, role_of
from localcloud.fc.schedule import Cron, Every, ScheduleError, parse_schedule
from localcloud.fc.sections import DeploymentError, Section
from localcloud.ram import Credentials, role_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.state import Cloud

RUNTIMES = ("python3.12", "python3.10", "python3.9", "python3")

#: The quick one of the two safe ones, where PyYAML was built with it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MAX_ENVIRONMENT_BYTES = 4096
_ENVIRONMENT_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_TRIGGER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_TOPIC_ARN = re.compile(r"acs:mns:[\w-]*:\d*:/topics/(?P<name>[\w-]+)")
_DESTINATION_ARN = re.compile(
    r"acs:mns:[\w-]*:\d*:/(?P<kind>queues|topics)/(?P<name>[\w-]+)(/messages)?"
    r"|acs:fc:[\w-]*:\d*:functions/(?P<function>[\w-]+)(/[\w-]+)?"
)

#: Properties of the fc3 schema that have no effect on one machine; accepted so that one file serves both.
_WITHOUT_EFFECT_HERE = (
    "annotations",
    "customDNS",
    "diskSize",
    "endpoint",
    "internetAccess",
    "layers",
    "logConfig",
    "nasConfig",
    "ossMountConfig",
    "provisionConfig",
    "resourceGroupId",
    "scalingConfig",
    "supplement",
    "tags",
    "tracingConfig",
    "vpcBinding",
    "vpcConfig",
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook (initializer or preStop)."""

    handler: str
    timeout_s: int


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """Calls the function asynchronously at the times of `schedule`."""

    name: str
    expression: str
    schedule: Every | Cron
    enabled: bool
    payload: str


@dataclass(frozen=True, slots=True)
class TopicTrigger:
    """Subscribes the function to an SMQ topic. `content_format` is ``STREAM`` or ``JSON``."""

    name: str
    topic: str
    content_format: str
    strategy: str
    filter_tag: str


@dataclass(frozen=True, slots=True)
class EventBridgeTrigger:
    """An SMQ queue as event source, through EventBridge. Only read: no EventBridge runs on this machine."""

    name: str
    queue: str
    enabled: bool
    event_schema: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the outcome of an asynchronous invocation goes; `kind` is ``queues``, ``topics`` or ``functions``."""

    arn: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class AsyncPolicy:
    """How asynchronous invocations are repeated and reported.

    `stateful` is the asyncTask mode: task ids are unique and the state of a task can be asked for.
    """

    max_retries: int = 3
    max_age_s: int = 86400
    on_success: Destination | None = None
    on_failure: Destination | None = None
    stateful: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One function as deployed."""

    name: str
    description: str
    region: str
    runtime: str
    handler: str
    code_folder: Path
    timeout_s: int
    memory_mb: int
    cpu: float
    environment: Mapping[str, str] = field(repr=False)
    initializer: Hook | None
    pre_stop: Hook | None
    reserved_concurrency: int | None
    async_policy: AsyncPolicy
    triggers: tuple[TimerTrigger | TopicTrigger | EventBridgeTrigger, ...]
    #: The role's name, and the policy that stands for it in ``deploy/policies``, its variables filled in.
    role: str = ""
    policy: bytes = field(default=b"", repr=False)

    def credentials(self, cloud: Cloud) -> Credentials:
        """What the function's calls are signed with: its role's, or without a role the account's own.

        In the cloud a function without a role has no credentials at all.
        """
        if self.role:
            return role_credentials(cloud, self.role)
        return Credentials(cloud.access_key_id, cloud.access_key_secret)


def read_deployment(file: Path, environment: Mapping[str, str], account_id: str) -> tuple[Function, ...]:
    """The functions of `file`, and of what it extends. `environment` is what ``${env(…)}`` sees.

    Raises `DeploymentError`.
    """
    file = file.resolve()
    document = read_document(file)
    top = Section(document, str(file.name))
    top.allow("edition", "name", "access", "vars", "actions", "template", "resources")
    if top.text("edition") != "3.0.0":
        raise DeploymentError("edition", "must be 3.0.0")
    variables = top.section("vars", "vars").items if "vars" in top.items else {}
    scope = Scope(variables, environment, {"AccountID": account_id}, file.parent)
    templates = top.section("template", "template").items if "template" in top.items else {}
    functions = [
        _function(f"resources.{name}", resource, templates, scope)
        for name, resource in top.section("resources", "resources").items.items()
    ]
    names = [function.name for function in functions]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DeploymentError("resources", f"functionName {repeated[0]!r} is used twice")
    return tuple(functions)


def read_document(file: Path) -> dict[str, Any]:
    """The file's content, over that of the file it extends: one step, as Serverless Devs has it.

    Maps are merged key by key, anything else is replaced. Raises `DeploymentError`.
    """
    document = _loaded(file)
    if "extend" not in document:
        return document
    top = Section(document, file.name)
    base = _loaded(file.parent / top.text("extend"))
    if "extend" in base:
        top.fail("extend", "extends a file that itself extends one, which Serverless Devs does not read")
    merged: dict[str, Any] = merge(base, {name: value for name, value in document.items() if name != "extend"})
    return merged


def _loaded(file: Path) -> dict[str, Any]:
    try:
        document = yaml.load(file.read_text("utf-8"), Loader=LOADER)  # noqa: S506 - it is one of the safe ones
    except OSError as error:
        raise DeploymentError(str(file), f"can't be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeploymentError(str(file), f"not YAML: {error}") from None
    return Section(document, file.name).items


def _function(place: str, resource: Any, templates: Mapping[str, Any], scope: Scope) -> Function:
    section = Section(resource, place)
    section.allow("component", "actions", "extend", "props", "access")
    if section.text("component").split("@")[0] != "fc3":
        raise DeploymentError(f"{place}.component", "must be fc3")
    raw = section.section("props").items
    if "extend" in section.items:
        template = section.section("extend").text("name")
        if template not in templates:
            raise DeploymentError(f"{place}.extend.name", f"template has no {template!r}")
        raw = merge(templates[template], raw)
    props = Section(_resolved(raw, f"{place}.props", scope), f"{place}.props")
    props.allow(
        "region", "functionName", "runtime", "handler", "code", "description", "timeout", "memorySize", "cpu",
        "environmentVariables", "instanceConcurrency", "instanceLifecycleConfig", "concurrencyConfig",
        "asyncInvokeConfig", "triggers", "role", *_WITHOUT_EFFECT_HERE,
    )  # fmt: skip
    if props.integer("instanceConcurrency", 1, 200, default=1) != 1:
        props.fail("instanceConcurrency", "built-in runtimes take one request at a time")
    memory_mb = props.integer("memorySize", 128, 32768, default=512)
    if memory_mb % 64:
        props.fail("memorySize", "must be a multiple of 64 (MB)")
    hooks = props.section("instanceLifecycleConfig")
    hooks.allow("initializer", "preStop")
    concurrency = props.section("concurrencyConfig")
    concurrency.allow("reservedConcurrency")
    reserved = concurrency.integer("reservedConcurrency", 0, 10_000, default=-1)
    role, environment = role_of(props), _environment(props)
    return Function(
        name=props.text("functionName", _FUNCTION_NAME),
        description=props.text("description", default=""),
        region=props.text("region"),
        runtime=props.choice("runtime", RUNTIMES),
        handler=props.text("handler", re.compile(r"[^\s.][^\s]*\.\w+")),
        code_folder=_code_folder(props, scope.folder),
        timeout_s=props.integer("timeout", 1, 86400, default=3),
        memory_mb=memory_mb,
        cpu=_cpu(props, memory_mb),
        environment=environment,
        initializer=_hook(hooks, "initializer", 300),
        pre_stop=_hook(hooks, "preStop", 90),
        reserved_concurrency=None if reserved < 0 else reserved,
        async_policy=_async_policy(props.section("asyncInvokeConfig")),
        triggers=_triggers(props),
        role=role,
        policy=policy_of(props, role, scope, environment) if role else b"",
    )


def _resolved(value: Any, place: str, scope: Scope) -> Any:
    """Interpolate leaf by leaf, so that an error names the property it stands in."""
    if isinstance(value, dict):
        return {key: _resolved(item, f"{place}.{key}", scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, f"{place}[{index}]", scope) for index, item in enumerate(value)]
    try:
        return scope.resolve(value)
    except InterpolationError as error:
        raise DeploymentError(place, str(error)) from None


def merge(below: Any, above: Any) -> Any:
    """`above` over `below`; maps are merged key by key, anything else is replaced."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: merge(below.get(key), value) for key, value in above.items()}}


def _code_folder(props: Section, base: Path) -> Path:
    code = props.items.get("code")
    source = code.get("src") if isinstance(code, dict) else code
    if not isinstance(source, str):
        props.fail("code", "must be the path of the folder to deploy")
    # An archive is what `tripcanvas package` builds of the folder around the file: here that folder itself runs.
    folder = base if source.endswith(".zip") else (base / source).resolve()
    if not folder.is_dir():
        props.fail("code", f"no folder {source!r}; OSS objects are not deployed on this machine")
    return folder


def _cpu(props: Section, memory_mb: int) -> float:
    value = props.items.get("cpu")
    if value is None:
        # fc3 fills in 0.35 for 512 MB; for other sizes the lowest share that the ratio allows is as good a stand-in.
        return 0.35 if memory_mb == 512 else max(0.05, memory_mb / 4096)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        props.fail("cpu", "must be a number of vCPUs")
    if not 0.05 <= value <= 16 or abs(value * 20 - round(value * 20)) > 1e-6:
        props.fail("cpu", "must be 0.05 to 16, in steps of 0.05")
    if not 1 <= (memory_mb / 1024) / value <= 4:
        props.fail("cpu", f"vCPU to memory (GB) must be between 1:1 and 1:4, got {value}:{memory_mb / 1024:g}")
    return float(value)


def _environment(props: Section) -> dict[str, str]:
    section = props.section("environmentVariables")
    for name in section.items:
        if not _ENVIRONMENT_KEY.fullmatch(name):
            section.fail(name, "names start with a letter and hold letters, digits and underscores")
        if name.startswith("FC_"):
            section.fail(name, "the prefix FC_ is reserved")
    variables = {name: section.text(name) for name in section.items}
    size_bytes = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size_bytes > _MAX_ENVIRONMENT_BYTES:
        props.fail("environmentVariables", f"at most {_MAX_ENVIRONMENT_BYTES} bytes in all, got {size_bytes}")
    return variables


def _hook(hooks: Section, name: str, max_timeout_s: int) -> Hook | None:
    if name not in hooks.items:
        return None
    hook = hooks.section(name)
    hook.allow("handler", "timeout")
    return Hook(hook.text("handler"), hook.integer("timeout", 1, max_timeout_s, default=3))


def _async_policy(section: Section) -> AsyncPolicy:
    section.allow("destinationConfig", "maxAsyncEventAgeInSeconds", "maxAsyncRetryAttempts", "asyncTask", "qualifier")
    destinations = section.section("destinationConfig")
    destinations.allow("onSuccess", "onFailure")
    return AsyncPolicy(
        max_retries=section.integer("maxAsyncRetryAttempts", 0, 8, default=3),
        # The SDK's documentation says 604800, other pages 2592000: the lower one is safe with both.
        max_age_s=section.integer("maxAsyncEventAgeInSeconds", 1, 604800, default=86400),
        on_success=_destination(destinations, "onSuccess"),
        on_failure=_destination(destinations, "onFailure"),
        stateful=section.flag("asyncTask", default=False),
    )


def _destination(section: Section, name: str) -> Destination | None:
    if name not in section.items:
        return None
    entry = section.section(name)
    entry.allow("destination")
    destination = read_destination(entry.text("destination"))
    if destination is None:
        entry.fail("destination", "must be the ARN of an SMQ queue or topic, or of a function")
    return destination


def read_destination(arn: str) -> Destination | None:
    """The destination that `arn` names; None if it names nothing that can be one here."""
    match = _DESTINATION_ARN.fullmatch(arn)
    return match and Destination(arn, match["kind"] or "functions", match["name"] or match["function"])


def _triggers(props: Section) -> tuple[TimerTrigger | TopicTrigger | EventBridgeTrigger, ...]:
    entries = props.items.get("triggers", [])
    if not isinstance(entries, list):
        props.fail("triggers", "must be a list")
    if len(entries) > 50:
        props.fail("triggers", "at most 50")
    triggers = [_trigger(Section(entry, f"{props.place}.triggers[{index}]")) for index, entry in enumerate(entries)]
    if len({trigger.name for trigger in triggers}) < len(triggers):
        props.fail("triggers", "a triggerName is used twice")
    return tuple(triggers)


def _trigger(trigger: Section) -> TimerTrigger | TopicTrigger | EventBridgeTrigger:
    trigger.allow(
        "triggerName", "triggerType", "triggerConfig", "description", "qualifier", "sourceArn", "invocationRole"
    )
    name = trigger.text("triggerName", _TRIGGER_NAME)
    kind = trigger.choice("triggerType", ("timer", "mns_topic", "eventbridge"))
    settings = trigger.section("triggerConfig")
    if kind == "timer":
        settings.allow("cronExpression", "enable", "payload")
        expression = settings.text("cronExpression")
        try:
            schedule = parse_schedule(expression)
        except ScheduleError as error:
            settings.fail("cronExpression", str(error))
        enabled = settings.flag("enable")
        return TimerTrigger(name, expression, schedule, enabled, settings.text("payload", default=""))
    if kind == "mns_topic":
        settings.allow("notifyContentFormat", "notifyStrategy", "filterTag")
        source = _TOPIC_ARN.fullmatch(trigger.text("sourceArn"))
        if source is None:
            trigger.fail("sourceArn", "must be like acs:mns:<region>:<account>:/topics/<topic>")
        return TopicTrigger(
            name,
            topic=source["name"],
            content_format=settings.choice("notifyContentFormat", ("STREAM", "JSON"), default="STREAM"),
            strategy=settings.choice(
                "notifyStrategy", ("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"), default="BACKOFF_RETRY"
            ),
            filter_tag=settings.text("filterTag", re.compile(r".{0,16}"), default=""),
        )
    source_config = settings.section("eventSourceConfig")
    parameters = source_config.section("eventSourceParameters").section("sourceMNSParameters")
    delivery = settings.section("eventSinkConfig").section("deliveryOption")
    if source_config.text("eventSourceType") != "MNS":
        source_config.fail("eventSourceType", "only MNS is read here")
    return EventBridgeTrigger(
        name,
        queue=parameters.text("QueueName"),
        enabled=settings.flag("triggerEnable", default=True),
        event_schema=delivery.choice("eventSchema", ("CloudEvents", "RawData"), default="CloudEvents"),
    )
