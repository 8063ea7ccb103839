"""PAI-EAS: the queue answers, its largest record holds every filled graph, and the service runs."""

from __future__ import annotations

from collections.abc import Iterator

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from shared.clouds.http import call, open_session
from shared.errors import OutcomeUnknown, Refused
from shared.graphs.template import worst_bytes
from shared.settings import Settings
from shared.workflows import FOLDER, read_workflow

_TIMEOUT_S = 8.0
_URL, _SERVICE, _TOKEN = "TRIPCANVAS_EAS_URL", "TRIPCANVAS_EAS_SERVICE", "TRIPCANVAS_EAS_TOKEN"
_LIMIT = "TRIPCANVAS_EAS_MAX_PAYLOAD_BYTES"
_CONTROL = "TRIPCANVAS_EAS_CONTROL_URL"
_SECRETS = ("eas_token",)
#: The sink's share of its limit at which a person should know.
_NEARLY_FULL = 0.8


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    return (
        Probe("GPU queue", _URL, _queue, _SECRETS),
        Probe("a wrong EAS token", _TOKEN, _wrong_token, _SECRETS),
        Probe("GPU service", _SERVICE, _service),
    )


def _queue(deployment: Deployment) -> Answer:
    services = deployment.services
    load = services.image_queue.load()
    text, findings = f"{load.waiting} waiting, {load.unread} unread", []
    if load.unread_limit and load.unread > _NEARLY_FULL * load.unread_limit:
        said = f"the output queue holds {load.unread} of at most {load.unread_limit} results"
        findings.append(Finding(said, _URL, "see that the relay runs; a full one stops the GPU side"))
    if services.settings.eas_edition == "api":
        limit = _payload_limit(services.settings)
        findings += _sizes(services.settings, limit)
        text = f"{text}, records up to {limit} bytes"
    return Answer(text, tuple(findings))


def _payload_limit(settings: Settings) -> int:
    """`meta.maxPayloadBytes` of the input queue, in bytes. Raises `OutcomeUnknown` when it is not told."""
    url = settings.need("eas_url").rstrip("/")
    answer = call(
        open_session(url),
        "eas",
        "GET",
        f"{url}/api/predict/{settings.need('eas_service')}",
        timeout_s=_TIMEOUT_S,
        check=f"{_URL}, {_SERVICE} and {_TOKEN}",
        query={"_attrs_": "true"},
        headers={"Authorization": settings.need("eas_token")},
    )
    try:
        return int(answer.json()["meta.maxPayloadBytes"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise OutcomeUnknown("eas", "UnreadableAttributes") from None


def _sizes(settings: Settings, limit: int) -> Iterator[Finding]:
    """Whether what the functions send fits what the queue takes."""
    told = int(settings.number("eas_max_payload_bytes"))
    if told > limit:
        said = f"{told}, but the queue takes {limit} bytes: larger graphs are refused when they are queued"
        yield Finding(said, _LIMIT, f"set {limit}, or raise the limit of the service")
    for name in dict.fromkeys((settings.workflow, settings.safer_workflow)):
        graph, bindings = read_workflow(FOLDER / name)
        most = worst_bytes(graph, bindings.parameters)
        if most > limit:
            said = f"up to {most} bytes when filled, but the queue takes {limit}"
            yield Finding(said, f"workflow {name}", "raise the limit of the service, or make the graph smaller")


def _wrong_token(deployment: Deployment) -> Answer:
    """Whether the service asks for its token at all."""
    settings = deployment.services.settings
    url, service = settings.need("eas_url").rstrip("/"), settings.need("eas_service")
    query = {"_attrs_": "true"} if settings.eas_edition == "api" else None
    path = f"/api/predict/{service}" + ("" if settings.eas_edition == "api" else "/prompt")
    answer = call(
        open_session(url),
        "eas",
        "GET",
        url + path,
        timeout_s=_TIMEOUT_S,
        check=_URL,
        query=query,
        headers={"Authorization": "not-the-token"},
        answers=(401, 403, 404),
    )
    if answer.status_code == 200:
        said = "anybody may queue graphs: a wrong token is accepted"
        return Answer("accepted", (Finding(said, _TOKEN, "give the service a token, and set it here"),))
    return Answer("is refused")


def _service(deployment: Deployment) -> Answer:
    """What the control plane says of the service; not every access key may ask it."""
    from cli.eas.control_plane import ControlPlane

    settings = deployment.settings
    plane = ControlPlane(settings.region, deployment.credentials, deployment.environment.get(_CONTROL, ""))
    name = settings.need("eas_service")
    try:
        live = plane.describe(name)
    except Refused as error:
        return Answer(f"not known: {error}", is_known=False)
    if live is None and deployment.cloud is not None:
        return Answer("the embedded cloud's own: its control plane knows none", is_known=False)
    if live is None:
        return Answer(
            "absent", (Finding(f"there is no service {name} in {settings.region}", _SERVICE, "`tripcanvas eas`"),)
        )
    findings = []
    is_queue = (live.service.get("metadata") or {}).get("type") == "Async"
    if live.status != "Running":
        findings.append(
            Finding(f"it is {live.status or 'in no known state'}", _SERVICE, "start it in the console of PAI")
        )
    if is_queue != (settings.eas_edition == "api"):
        right = "api" if is_queue else "standard"
        findings.append(Finding(f"the service is of the {right} edition", "TRIPCANVAS_EAS_EDITION", f"set {right}"))
    return Answer(f"{live.status}, {live.running} of {live.total} instances", tuple(findings))
