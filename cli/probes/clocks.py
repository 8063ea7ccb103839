"""This machine's clock against the services': signatures are refused when they are too far apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe

_TIMEOUT_S = 5.0
#: The feed's signatures hold for 5 minutes (`shared.webhooks`), Alibaba Cloud's for 15.
_WARN = timedelta(seconds=60)
_SERVICES = {
    "oss": "TRIPCANVAS_OSS_ENDPOINT",
    "mns": "TRIPCANVAS_MNS_ENDPOINT",
    "dashscope": "TRIPCANVAS_DASHSCOPE_URL",
    "eas": "TRIPCANVAS_EAS_URL",
    "green": "TRIPCANVAS_GREEN_ENDPOINT",
    "feed": "TRIPCANVAS_FEED_URL",
}


def probes() -> tuple[Probe, ...]:
    """One probe for each service that has an address."""
    return tuple(Probe(f"clock of {name}", variable, _ask(variable)) for name, variable in _SERVICES.items())


def _ask(variable: str) -> Callable[[Deployment], Answer]:
    def ask(deployment: Deployment) -> Answer:
        address = deployment.environment.get(variable, "") or _default(deployment, variable)
        parts = urlsplit(address if "://" in address else f"https://{address}")
        if not parts.netloc:
            return Answer("no address", is_known=False)
        try:
            began = datetime.now(timezone.utc)
            with requests.get(
                f"{parts.scheme}://{parts.netloc}/", timeout=_TIMEOUT_S, allow_redirects=False, stream=True
            ) as answer:
                told = answer.headers.get("Date", "")
            middle = began + (datetime.now(timezone.utc) - began) / 2
        except requests.RequestException:
            # Another probe says so.
            return Answer("no answer", is_known=False)
        return _compared(told, middle, variable)

    return ask


def _compared(told: str, now: datetime, variable: str) -> Answer:
    try:
        skew = now - parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return Answer("it does not say the time", is_known=False)
    seconds = round(skew.total_seconds())
    text = (
        f"{abs(seconds)} s {'behind' if seconds > 0 else 'ahead of'} this machine" if abs(seconds) > 1 else "the same"
    )
    if abs(skew) <= _WARN:
        return Answer(text)
    remedy = "have this machine's clock set by NTP; signatures are refused from 5 minutes (feed) and 15 minutes on"
    return Answer(text, (Finding(f"its clock and this machine's are {abs(seconds)} s apart", variable, remedy),))


def _default(deployment: Deployment, variable: str) -> str:
    return deployment.settings.defaults().get(variable, "")
