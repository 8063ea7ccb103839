"""Settings to the JSON that EAS takes.

Keys and their meaning: ``workflows/eas/service.schema.json``. The autoscaler is a document of its own, as it is in the
API (`CreateServiceAutoScaler`) and for ``eascmd autoscale``: changing it then replaces no instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cli.eas.secrecy import MASK
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.eas.settings import Settings

Edition = Literal["api", "standard"]

#: ComfyUI's port in PAI's images.
PORT = 8000
#: How `eascmd` spells the mean length of the queue for each instance. Source: "Automatic scaling" of asynchronous
#: inference services, alibabacloud.com/help/en/pai/user-guide/auto-scaling. For the API it is undocumented.
BACKLOG_METRIC = "queue[avgbacklog]"


def service_json(settings: Settings, edition: Edition, secrets: Mapping[str, str] | None) -> dict[str, Any]:
    """The service JSON of one edition.

    Variables in ``secrets.names`` get their value from `secrets`, or ``***`` if `secrets` is None. Raises
    `InvalidInput` when one has no value.
    """
    chosen = settings.api if edition == "api" else settings.standard
    metadata: dict[str, Any] = {"name": chosen.name, "instance": _instances(settings, edition)}
    if edition == "api":
        # One record in an instance's hands: ComfyUI runs one prompt at a time, and a second one would wait here while
        # another instance idles.
        metadata |= {"type": "Async", "rpc.worker_threads": 1}
    else:
        metadata["enable_webservice"] = True
    if settings.account.workspace_id:
        metadata["workspace_id"] = settings.account.workspace_id
    document: dict[str, Any] = {"metadata": metadata, "cloud": _cloud(settings, chosen.resource)}
    if edition == "api":
        queue = settings.api.queue
        document["queue"] = {"cpu": queue.cpu, "memory": queue.memory_mb, "max_delivery": queue.max_delivery}
    document["storage"] = [
        {
            "mount_path": settings.mount.path,
            "oss": {"path": f"oss://{settings.mount.bucket}/{chosen.prefix}/", "readOnly": False},
            "properties": {"resource_type": "model"},
        }
    ]
    document["containers"] = [
        {
            "image": _image(settings, edition),
            "port": PORT,
            "script": _script(settings, chosen.extra_arguments),
            "env": _variables(settings, secrets),
        }
    ]
    return document


def autoscaler_json(settings: Settings) -> dict[str, Any] | None:
    """The body of `CreateServiceAutoScaler` for the API edition, or None for a fixed number of instances."""
    scaler = settings.api.autoscaler
    if scaler is None:
        return None
    return {
        "min": scaler.min,
        "max": scaler.max,
        "scaleStrategies": [{"metricName": BACKLOG_METRIC, "threshold": scaler.backlog_per_replica}],
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": scaler.scale_up_window_s},
            "scaleDown": {"stabilizationWindowSeconds": scaler.scale_down_window_s},
            "onZero": {
                "scaleDownGracePeriodSeconds": scaler.zero_grace_s,
                "scaleUpActivationReplicas": scaler.zero_start_replicas,
            },
        },
    }


def eascmd_autoscale(settings: Settings) -> str:
    """The same autoscaler as a command line of `eascmd`."""
    scaler = settings.api.autoscaler
    if scaler is None:
        return f"eascmd autoscale rm {settings.api.name}"
    return (
        f"eascmd autoscale {settings.api.name} -Dmin={scaler.min} -Dmax={scaler.max} "
        f"'-Dstrategies.{BACKLOG_METRIC}={scaler.backlog_per_replica}'"
    )


def _instances(settings: Settings, edition: Edition) -> int:
    if edition == "standard":
        return settings.standard.replicas
    scaler = settings.api.autoscaler
    return settings.api.replicas if scaler is None else max(1, scaler.min)


def _cloud(settings: Settings, resource: str) -> dict[str, Any]:
    cloud: dict[str, Any] = {"computing": {"instance_type": settings.resources[resource].instance_type}}
    network = settings.network
    if network.vpc_id:
        cloud["networking"] = {
            "vpc_id": network.vpc_id,
            "vswitch_id": network.vswitch_id,
            "security_group_id": network.security_group_id,
        }
    return cloud


def _image(settings: Settings, edition: Edition) -> str:
    tag = settings.image.version + ("-api" if edition == "api" else "")
    return f"eas-registry-vpc.{settings.account.region}.cr.aliyuncs.com/{settings.image.repository}:{tag}"


def _script(settings: Settings, extra: tuple[str, ...]) -> str:
    # Without --disable-metadata every picture carries the whole graph, prompt included.
    words = ["python main.py --listen", f"--port {PORT}", f"--data-dir {settings.mount.path}", "--disable-metadata"]
    return " ".join([*words, *extra])


def _variables(settings: Settings, secrets: Mapping[str, str] | None) -> list[dict[str, str]]:
    variables = [{"name": name, "value": value} for name, value in settings.environment.items()]
    for name in settings.secrets.names:
        value = MASK if secrets is None else secrets.get(name, "")
        if not value:
            raise InvalidInput(f"secrets.names: {name}", f"the environment variable {name}, which is not set")
        variables.append({"name": name, "value": value})
    return variables
