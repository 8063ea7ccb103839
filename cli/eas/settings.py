"""``workflows/eas/settings.toml``, read and checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from cli.eas.secrecy import is_secret_name, looks_like_key
from cli.toml_files import read_toml
from shared.errors import InvalidInput
from shared.workflows import FOLDER as WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = WORKFLOWS / "eas"
FILE = FOLDER / "settings.toml"

#: Service names: lower-case letters, digits and underscores, 3 to 63 characters. Source: PAI's "Service Config Field
#: Reference" (repository aliyun/alibabacloud-aiops-skills).
_NAME = re.compile(r"[a-z][a-z0-9_]{2,62}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
#: Bucket names by OSS's rule.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.]*(-beta)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_MISPLACED = re.compile(r"Object (?:contains unknown|missing required) field `([^`]+)`(?: - at `\$\.?(.*)`)?")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)
#: Arguments of ComfyUI that are rendered from other settings, or that undo what the product relies on.
_OWN_ARGUMENTS = ("--listen", "--port", "--data-dir", "--base-directory", "--output-directory", "--disable-metadata")

_Natural = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=86400)]
_Amount = Annotated[float, msgspec.Meta(gt=0)]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Account(_Strict, frozen=True, kw_only=True):
    """Where the services live."""

    region: str
    workspace_id: str = ""


class Image(_Strict, frozen=True, kw_only=True):
    """Which build of ComfyUI runs, without the edition's ending."""

    version: str
    repository: str = "pai-eas/comfyui"


class Mount(_Strict, frozen=True, kw_only=True):
    """The bucket whose objects ComfyUI sees as its data, and where it sees them."""

    bucket: str
    path: str = "/code/data-oss"


class Network(_Strict, frozen=True, kw_only=True):
    """A VPC of the account that the instances join; all three or none."""

    vpc_id: str = ""
    vswitch_id: str = ""
    security_group_id: str = ""


class Secrets(_Strict, frozen=True, kw_only=True):
    """Names of the container's variables whose values come from the caller's environment."""

    names: tuple[str, ...] = ()


class Queue(_Strict, frozen=True, kw_only=True):
    """The instance that holds both queues, in CPU cores and MB, and how often a record is delivered."""

    cpu: _Natural = 1
    memory_mb: Annotated[int, msgspec.Meta(ge=1000, le=256000)] = 4000
    max_delivery: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2


class Autoscaler(_Strict, frozen=True, kw_only=True):
    """How many instances run, by the queue's length."""

    min: Annotated[int, msgspec.Meta(ge=0)]
    max: _Natural
    backlog_per_replica: _Natural
    scale_up_window_s: _Seconds = 0
    scale_down_window_s: _Seconds = 300
    zero_grace_s: _Seconds = 600
    zero_start_replicas: _Natural = 1


class ApiEdition(_Strict, frozen=True, kw_only=True):
    """The asynchronous service that the product submits to."""

    name: str
    resource: str
    #: The folder of the bucket.
    prefix: str
    queue: Queue = Queue()
    #: None: a fixed number of `replicas`.
    autoscaler: Autoscaler | None = None
    replicas: _Natural = 1
    extra_arguments: tuple[str, ...] = ()


class StandardEdition(_Strict, frozen=True, kw_only=True):
    """The service with ComfyUI's own page. It keeps its queue in its memory: more than one would lose track."""

    name: str
    resource: str
    prefix: str
    replicas: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    extra_arguments: tuple[str, ...] = ()


class Resource(_Strict, frozen=True, kw_only=True):
    """A kind of machine, and what it costs, as far as somebody looked it up."""

    instance_type: str
    gpus: _Natural
    gpu_memory_gb: _Natural
    cny_per_hour: _Amount
    price_source: str


class Costs(_Strict, frozen=True, kw_only=True):
    """Assumptions for comparing choices, in seconds and counts."""

    cold_start_s: _Natural
    render_s: _Natural
    trips_per_day: _Natural
    active_hours_per_day: Annotated[int, msgspec.Meta(ge=1, le=24)]


class Settings(_Strict, frozen=True, kw_only=True):
    """The whole file, with variables filled in."""

    account: Account
    image: Image
    mount: Mount
    api: ApiEdition
    standard: StandardEdition
    resources: dict[str, Resource]
    costs: Costs
    network: Network = Network()
    environment: dict[str, str] = {}
    secrets: Secrets = Secrets()


def read_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings in `file`, with ``${NAME}`` and ``${NAME:-default}`` replaced from `environment`.

    Raises `InvalidInput`, which names the setting and says what was expected.
    """
    filled = _filled(read_toml(file), environment, "")
    try:
        settings = msgspec.convert(filled, Settings)
    except msgspec.ValidationError as error:
        raise _explained(str(error), filled) from None
    _check(settings, environment)
    return settings


def _filled(value: Any, environment: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environment, f"{where}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environment, f"{where}[{number}]") for number, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        found = environment.get(match[1], "") or match[2] or ""
        if not found:
            raise InvalidInput(where, f"the environment variable {match[1]}, which is not set")
        return found

    return _REFERENCE.sub(replacement, value)


def _explained(message: str, filled: dict[str, Any]) -> InvalidInput:
    for name, resource in filled["resources"].items() if "resources[...]" in message else ():
        # The library does not say which one.
        try:
            msgspec.convert(resource, Resource)
        except msgspec.ValidationError:
            message = message.replace("resources[...]", f"resources.{name}")
            break
    misplaced = _MISPLACED.search(message)
    if misplaced:
        field = ".".join(filter(None, (misplaced[2], misplaced[1])))
        unknown = "unknown" in message
        return InvalidInput(field, "no such setting is known" if unknown else "a value; the setting is missing")
    match = _AT.match(message)
    where, what = (match["where"], match["what"]) if match else ("", message)
    return InvalidInput(where or "settings", what[:1].lower() + what[1:])


def _check(settings: Settings, environment: Mapping[str, str]) -> None:
    """What the types don't say. Raises `InvalidInput`."""
    _match("account.region", settings.account.region, _REGION, "a region id such as cn-shanghai")
    _match("image.version", settings.image.version, _VERSION, "a version without the edition's ending, such as 2.2")
    _match("mount.bucket", settings.mount.bucket, _BUCKET, "a bucket's name: lower-case letters, digits, hyphens")
    _match("mount.path", settings.mount.path, _PATH, "an absolute path without a slash at its end")
    if settings.mount.path in ("/code", "/usr", "/root", "/home", "/etc", "/opt", "/tmp", "/var"):  # noqa: S108
        raise InvalidInput("mount.path", "a folder of its own; this one would hide what the image has there")
    for edition, chosen in (("api", settings.api), ("standard", settings.standard)):
        _match(f"{edition}.name", chosen.name, _NAME, "3 to 63 lower-case letters, digits, underscores; a letter first")
        _match(f"{edition}.prefix", chosen.prefix, _PREFIX, "folders such as comfy, without slashes at the ends")
        if chosen.resource not in settings.resources:
            raise InvalidInput(f"{edition}.resource", f"one of {', '.join(settings.resources)}")
        for argument in chosen.extra_arguments:
            if argument.partition("=")[0] in _OWN_ARGUMENTS:
                raise InvalidInput(f"{edition}.extra_arguments", f"no {argument}: it is rendered from other settings")
            if not re.fullmatch(r"[A-Za-z0-9._=,:/-]+", argument):
                raise InvalidInput(f"{edition}.extra_arguments", "plain words; a shell reads them")
    if settings.api.name == settings.standard.name:
        raise InvalidInput("standard.name", "another name than api.name; they are two services")
    if settings.api.prefix == settings.standard.prefix:
        raise InvalidInput("standard.prefix", "another folder than api.prefix, or what a designer tries goes live")
    scaler = settings.api.autoscaler
    if scaler is not None:
        if scaler.max <= scaler.min:
            raise InvalidInput(
                "api.autoscaler.max",
                "more than api.autoscaler.min; for a fixed number leave out [api.autoscaler] and set api.replicas",
            )
        if scaler.zero_start_replicas > scaler.max:
            raise InvalidInput("api.autoscaler.zero_start_replicas", "at most api.autoscaler.max")
        if settings.api.replicas != 1:
            raise InvalidInput("api.replicas", "no value beside [api.autoscaler], which decides the number")
    network = settings.network
    given = [network.vpc_id, network.vswitch_id, network.security_group_id]
    if any(given) and not all(given):
        raise InvalidInput("network", "vpc_id, vswitch_id and security_group_id together, or none of them")
    _check_variables(settings)
    _check_agreement(settings, environment)


def _check_variables(settings: Settings) -> None:
    for name, value in settings.environment.items():
        _match(f"environment.{name}", name, _VARIABLE, "a variable's name: letters, digits, underscores")
        if is_secret_name(name) or looks_like_key(value):
            raise InvalidInput(f"environment.{name}", "nothing secret; put the name into secrets.names")
    for name in settings.secrets.names:
        _match("secrets.names", name, _VARIABLE, "variables' names: letters, digits, underscores")
        if name in settings.environment:
            raise InvalidInput("secrets.names", f"{name} in one place only; it is in [environment] too")


def _check_agreement(settings: Settings, environment: Mapping[str, str]) -> None:
    """The functions look for pictures, and submit, where their own settings say."""
    edition = environment.get("TRIPCANVAS_EAS_EDITION") or "api"
    chosen = settings.standard if edition == "standard" else settings.api
    for field, value, name in (
        (f"{edition}.prefix", chosen.prefix, "TRIPCANVAS_RENDER_PREFIX"),
        (f"{edition}.name", chosen.name, "TRIPCANVAS_EAS_SERVICE"),
    ):
        told = environment.get(name, "").strip("/")
        if told and told != value:
            raise InvalidInput(field, f"what {name} tells the functions; they differ")


def _match(field: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        raise InvalidInput(field, expected)
