"""SLS: where the functions log to, with the index that the alerts need, and the alerts themselves."""

from __future__ import annotations

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.comparing import findings_of
from cli.probes.probe import Answer, Probe
from cli.provision.desired import logs_of, monitors_of
from cli.provision.logs import PROJECT


def probes() -> tuple[Probe, ...]:
    """The probe of this service."""
    return (Probe("logs and alerts", PROJECT, _logs),)


def _logs(deployment: Deployment) -> Answer:
    resources = [*logs_of(deployment), *monitors_of(deployment)]
    if resources:
        return findings_of(resources)
    if deployment.settings.trip_queue:
        return Answer("none is named; workers log where their containers do")
    remedy = "name one, then run `tripcanvas provision apply`"
    return Answer("none is named", (Finding("is not set: functions have nowhere to log", PROJECT, remedy),))
