"""The fault rules of a whole running cloud: read, set and cleared on every service that runs."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.faults.injection import RULES_PATH
from localcloud.faults.rules import FAULTY_SERVICES, Plan

if TYPE_CHECKING:
    from localcloud.state import Cloud

_TIMEOUT_S = 5.0


class CloudFaults:
    """Asks the services of `cloud` for their rules and gives them others.

    Services hold rules in memory; what was set last is kept here for those that start later. Until something is set,
    a service that starts has the rules of its file. Blocking: not for an event loop.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._plan: Plan | None = None

    def listing(self) -> dict[str, Any]:
        """What each service says of its rules, by its name; None for one that does not answer."""
        return {"services": {service: self._ask(service, "GET") for service in FAULTY_SERVICES}}

    def replace(self, plan: Plan) -> dict[str, Any]:
        """Set `plan` on all services and return their new rules; None for one that does not answer."""
        self._plan = plan
        return {"services": {service: self.renew(service) for service in FAULTY_SERVICES}}

    def renew(self, service: str) -> dict[str, Any] | None:
        """Give `service`, which has just started, what was set last."""
        if self._plan is None or service not in FAULTY_SERVICES:
            return None
        return self._ask(service, "PUT", msgspec.json.encode(self._plan))

    def _ask(self, service: str, method: str, body: bytes | None = None) -> dict[str, Any] | None:
        request = urllib.request.Request(self._cloud.url(service) + RULES_PATH, body, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError):
            return None
