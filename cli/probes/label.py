"""The producer code that every picture's label carries. Asks nobody."""

from __future__ import annotations

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from shared.pictures.producer_code import fault_of, is_for_demonstration

_WHERE = "TRIPCANVAS_PRODUCER_CODE"


def probes() -> tuple[Probe, ...]:
    """The one probe of this module."""
    return (Probe("producer code", _WHERE, _ask),)


def _ask(deployment: Deployment) -> Answer:
    code = deployment.settings.need("producer_code")
    fault = fault_of(code)
    if fault:
        return Answer("can't be one", (Finding(fault, _WHERE, "set the code that your company was assigned"),))
    if not is_for_demonstration(code):
        return Answer("well-formed, its check character right")
    if deployment.cloud is not None:
        return Answer("the demonstration's, as on this machine")
    said = "it is the demonstration's, and names no company"
    return Answer("nobody's", (Finding(said, _WHERE, "set the code that your company was assigned"),))
