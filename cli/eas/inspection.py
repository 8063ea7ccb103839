"""What is wrong with a service JSON: ours, or one that somebody wrote by hand or copied from the console.

EAS takes more than it understands: a key that it doesn't know is ignored, and a mount that ComfyUI doesn't use is
mounted all the same. Both end in a service that runs, is paid for, and has no models.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from cli.eas.secrecy import MASK, is_secret_name, looks_like_key, masked
from cli.eas.settings import FOLDER
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_FILE = FOLDER / "service.schema.json"

#: Spellings of the autoscaler that EAS ignores, and the right ones. Source: "Service Config Field Reference".
_MISSPELT = {
    "min_replica": "min",
    "max_replica": "max",
    "minReplica": "min",
    "maxReplica": "max",
    "scale_strategies": "scaleStrategies",
    "metric_name": "metricName",
    "scale_up": "scaleUp",
    "scale_down": "scaleDown",
    "on_zero": "onZero",
}
#: ``ecs.gn8is-2x.8xlarge``: the number of GPUs of the newer GPU families stands before the x.
_GPU_COUNT = re.compile(r"^(?:ecs|ml)\.[a-z0-9]+-(\d+)x\.")
#: How a JSON path spells a key with a dot in it.
_QUOTED = re.compile(r"\['([^']*)'\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (error), or that is probably not meant (warning)."""

    severity: Literal["error", "warning"]
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.field}: {self.expected}" + (f"; found {self.found}" if self.found else "")


def inspect_service(document: object) -> list[Finding]:
    """What is wrong with a service JSON, errors first. Values of secrets are not repeated."""
    if not isinstance(document, dict):
        return [Finding("error", "service", type(document).__name__, "a JSON object")]
    findings = [*_against_schema(document, ""), *_against_each_other(document)]
    return _sorted(findings)


def inspect_autoscaler(document: object) -> list[Finding]:
    """What is wrong with the body of `CreateServiceAutoScaler`, errors first."""
    if not isinstance(document, dict):
        return [Finding("error", "autoscaler", type(document).__name__, "a JSON object")]
    findings = [*_against_schema(document, "autoscaler"), *_scaler(document)]
    return _sorted(findings)


def _sorted(findings: list[Finding]) -> list[Finding]:
    """Errors first; whatever has the shape of a key is masked, also where nobody expects one."""
    return [
        Finding(each.severity, masked(each.field), masked(each.found), masked(each.expected))
        for each in sorted(findings, key=lambda finding: finding.severity)
    ]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the service JSON; that of the autoscaler is its ``$defs/autoscaler``."""
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return found


def _against_schema(document: dict[str, Any], part: str) -> Iterator[Finding]:
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise Misconfigured("the package that reads schemas is not installed: pip install 'tripcanvas[eas]'") from None
    chosen = {"$ref": f"#/$defs/{part}", "$defs": schema()["$defs"]} if part else schema()
    shown = masked(document)
    for error in sorted(Draft202012Validator(chosen).iter_errors(document), key=lambda each: each.json_path):
        where = _QUOTED.sub(r".\1", part + error.json_path[1:]).lstrip(".")
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = error.schema.get("properties", {})
            for key in sorted(error.instance.keys() - known.keys()):
                right = _MISSPELT.get(key)
                expected = f"{right}; EAS ignores this spelling" if right else f"one of {', '.join(known)}"
                yield Finding("error", f"{where}.{key}".lstrip("."), "a key that is not known", expected)
        elif error.validator == "required" and isinstance(error.instance, dict):
            for key in error.validator_value:
                if key not in error.instance:
                    yield Finding("error", f"{where}.{key}".lstrip("."), "", "a value; it is missing")
        else:
            yield Finding("error", where, _found(shown, error.absolute_path), _expected(error))


def _found(shown: Any, path: Any) -> str:
    for step in path:
        if isinstance(shown, dict) and "value" in shown and shown["value"] == MASK and step == "value":
            return ""
        shown = shown[step]
    text = json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"


def _expected(error: Any) -> str:
    value = error.validator_value
    wordings = {
        "pattern": f"text like {value}",
        "const": json.dumps(value),
        "enum": f"one of {value}",
        "type": f"{value}",
        "minimum": f"at least {value}",
        "maximum": f"at most {value}",
        "exclusiveMinimum": f"more than {value}",
        "minItems": f"at least {value} of them",
        "maxItems": f"at most {value} of them",
        "minLength": "a value",
        "not": f"none of {value.get('enum') if isinstance(value, dict) else value}",
    }
    return wordings.get(error.validator, f"what the schema's {error.validator} says")


def _against_each_other(document: dict[str, Any]) -> Iterator[Finding]:
    metadata = _table(document.get("metadata"))
    container = _first(document.get("containers"))
    yield from _command(document, container)
    yield from _edition(document, metadata, container)
    yield from _machine(document, metadata)
    yield from _environment(document, container)
    if isinstance(document.get("autoscaler"), dict):
        yield from _scaler(document["autoscaler"])


def _command(document: dict[str, Any], container: dict[str, Any]) -> Iterator[Finding]:
    script = container.get("script")
    if not isinstance(script, str):
        return
    where = "containers[0].script"
    data_folder = _argument(script, "--data-dir")
    mount = _first(document.get("storage")).get("mount_path")
    if not data_folder:
        yield Finding("error", where, "", f"--data-dir {mount}, or ComfyUI does not see what is mounted")
    elif data_folder.rstrip("/") != str(mount).rstrip("/"):
        yield Finding("error", "storage[0].mount_path", str(mount), f"{data_folder}, as --data-dir says")
    if "--disable-metadata" not in script.split():
        yield Finding("warning", where, "", "--disable-metadata, or every picture carries the whole graph and prompt")
    if "--listen" not in script.split():
        yield Finding("error", where, "", "--listen, or ComfyUI answers only itself")
    port = _argument(script, "--port")
    if port != str(container.get("port")):
        yield Finding("error", "containers[0].port", str(container.get("port")), f"{port or 8188}, as --port says")


def _edition(document: dict[str, Any], metadata: dict[str, Any], container: dict[str, Any]) -> Iterator[Finding]:
    image = str(container.get("image", ""))
    asynchronous = metadata.get("type") == "Async"
    if image.endswith("-api") != asynchronous:
        expected = "an image tag that ends in -api" if asynchronous else "metadata.type Async for an -api image"
        yield Finding("error", "containers[0].image", image.rpartition(":")[2], expected)
    if asynchronous:
        if metadata.get("enable_webservice"):
            yield Finding("error", "metadata.enable_webservice", "true", "nothing: the API edition has no web page")
        if "queue" not in document:
            yield Finding("warning", "queue", "", "cpu, memory and max_delivery, or EAS chooses them")
        if "rpc.worker_threads" not in metadata:
            yield Finding("error", "metadata.rpc.worker_threads", "", "1, or an instance hoards records")
        return
    if "queue" in document:
        yield Finding("error", "queue", "", "nothing: only an Async service has queues")
    if "autoscaler" in document:
        yield Finding("error", "autoscaler", "", "nothing: the standard edition works with one instance only")
    if metadata.get("instance", 1) != 1:
        yield Finding(
            "error", "metadata.instance", str(metadata["instance"]), "1; a standard service forgets what another queued"
        )


def _machine(document: dict[str, Any], metadata: dict[str, Any]) -> Iterator[Finding]:
    cloud = _table(document.get("cloud"))
    machine = str(_table(cloud.get("computing")).get("instance_type", ""))
    match = _GPU_COUNT.match(machine)
    gpus = int(match[1]) if match else metadata.get("gpu", 1)
    if isinstance(gpus, int) and gpus > 1:
        yield Finding("warning", "cloud.computing.instance_type", machine, f"one GPU; ComfyUI leaves {gpus - 1} idle")
    if "networking" not in cloud:
        yield Finding("warning", "cloud.networking", "", "a VPC with a NAT gateway, or no node can reach DashScope")


def _environment(document: dict[str, Any], container: dict[str, Any]) -> Iterator[Finding]:
    variables = container.get("env")
    names = [_table(each).get("name") for each in variables] if isinstance(variables, list) else []
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield Finding("error", "containers[0].env", name, "each variable once")
    for number, each in enumerate(variables if isinstance(variables, list) else []):
        name, value = str(_table(each).get("name")), str(_table(each).get("value"))
        if looks_like_key(value) and not is_secret_name(name):
            yield Finding("error", f"containers[0].env[{number}]", name, "no key in a variable that is not named so")
    without = {**document, "containers": [{**container, "env": []}]}
    if looks_like_key(json.dumps(without, ensure_ascii=False)):
        yield Finding("error", "service", "", "no key outside containers[0].env")


def _scaler(scaler: dict[str, Any]) -> Iterator[Finding]:
    lowest, highest = scaler.get("min"), scaler.get("max")
    if isinstance(lowest, int) and isinstance(highest, int) and highest <= lowest:
        yield Finding("error", "autoscaler.max", str(highest), f"more than autoscaler.min ({lowest})")


def _argument(script: str, name: str) -> str:
    match = re.search(rf"(?:^|\s){name}[=\s]+(\S+)", script)
    return match[1] if match else ""


def _first(value: object) -> dict[str, Any]:
    return _table(value[0]) if isinstance(value, list) and value else {}


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
