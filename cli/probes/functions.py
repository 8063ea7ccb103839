"""Function Compute: the functions are deployed, healthy, and run with the settings of this deployment."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from cli.deployment import Deployment
from cli.findings import Finding
from cli.policies import STATEMENTS, deployment_values
from cli.probes.probe import Answer, Probe
from localcloud.fc.roles import PREFIX
from shared.errors import Misconfigured, Refused, Unavailable, code_word

_ENDPOINT = "TRIPCANVAS_FC_ENDPOINT"
_TIMEOUT_MS = 8_000
_DEPLOY = "deploy the functions: `s deploy`"


def probes() -> tuple[Probe, ...]:
    """The probe of this service."""
    return (Probe("functions", _ENDPOINT, _ask),)


def _ask(deployment: Deployment) -> Answer:
    deployed = _deployed(deployment)
    findings = []
    # A role bears its function's name.
    for role in STATEMENTS:
        name = _prefix(deployment) + role.removeprefix(PREFIX)
        function = deployed.get(name)
        if function is None:
            findings.append(Finding("is not deployed", f"function {name}", _DEPLOY))
            continue
        findings += _of_function(name, function, deployment)
    settings = ", with these settings" if deployment.cloud is None else ""
    return Answer("not as it should be" if findings else f"{len(STATEMENTS)} deployed{settings}", tuple(findings))


def _of_function(name: str, function: Mapping[str, Any], deployment: Deployment) -> Iterator[Finding]:
    where = f"function {name}"
    state = function.get("state") or "Active"
    if state != "Active" or function.get("lastUpdateStatus") == "Failed":
        yield Finding(f"it is {state}, its last update {function.get('lastUpdateStatus')}", where, _DEPLOY)
    runs, wanted = function.get("environmentVariables") or {}, deployment_values(deployment.environment)
    differing = sorted(variable for variable in runs if variable in wanted and runs[variable] != wanted[variable])
    if differing and deployment.cloud is None:
        yield Finding(f"it runs with another {', '.join(differing)}", where, f"{_DEPLOY}, with this file's settings")


def _prefix(deployment: Deployment) -> str:
    return deployment.environment.get("TRIPCANVAS_PREFIX") or PREFIX


def _deployed(deployment: Deployment) -> dict[str, Mapping[str, Any]]:
    """The deployed functions by name, as the SDK has them. Raises `Misconfigured`, `Unavailable` or `Refused`."""
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_fc20230330.models import ListFunctionsRequest
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions
    from darabonba.exceptions import DaraException
    from Tea.exceptions import TeaException

    logging.getLogger("darabonba-core").setLevel(logging.CRITICAL)
    credentials, region = deployment.credentials, deployment.settings.region
    address = urlsplit(deployment.environment.get(_ENDPOINT, "") or f"https://fcv3.{region}.aliyuncs.com")
    client = Client(
        Config(
            access_key_id=credentials.access_key_id,
            access_key_secret=credentials.access_key_secret,
            security_token=credentials.security_token or None,
            region_id=region,
            endpoint=address.netloc,
            protocol=address.scheme.upper(),
        )
    )
    options = RuntimeOptions(connect_timeout=_TIMEOUT_MS, read_timeout=_TIMEOUT_MS, autoretry=False)
    request = ListFunctionsRequest(prefix=f"{_prefix(deployment)}-", limit=100)
    try:
        body = client.list_functions_with_options(request, {}, options).body.to_map()
    except (TeaException, DaraException) as error:
        code = code_word(str(getattr(error, "code", "") or "")) or "ConnectionFailed"
        if code.startswith(("InvalidAccessKey", "Signature", "AccessDenied", "Forbidden", "NoPermission")):
            raise Misconfigured(f"fc: {code}: the key needs fc:ListFunctions") from None
        if code == "ConnectionFailed" or code.startswith(("Throttling", "ResourceThrottled")):
            raise Unavailable("fc", code) from None
        raise Refused("fc", code) from None
    return {str(each["functionName"]): each for each in body.get("functions") or ()}
