"""Whether a deployment's settings are spelt right, and its addresses belong together. Asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from cli.variables import complaints

_REGION = "TRIPCANVAS_REGION"
_ACCOUNT = "TRIPCANVAS_ACCOUNT_ID"
#: Hosts that name their region, and some the account. Sources: the services' lists of endpoints.
_HOSTS: Mapping[str, re.Pattern[str]] = {
    "TRIPCANVAS_OSS_ENDPOINT": re.compile(r"oss-(?P<region>[a-z]+-[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com"),
    "TRIPCANVAS_MNS_ENDPOINT": re.compile(
        r"(?P<account>\d+)\.mns\.(?P<region>[a-z0-9-]+?)(?:-internal(?:-vpc)?)?\.aliyuncs\.com"
    ),
    "TRIPCANVAS_EAS_URL": re.compile(r"(?P<account>\d+)\.(?:vpc\.)?(?P<region>[a-z0-9-]+)\.pai-eas\.aliyuncs\.com"),
    "TRIPCANVAS_KMS_ENDPOINT": re.compile(r"kms(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com"),
    "TRIPCANVAS_FC_ENDPOINT": re.compile(
        r"(?:fcv3|(?P<account>\d+))\.(?P<region>[a-z0-9-]+?)(?:-internal)?(?:\.fc)?\.aliyuncs\.com"
    ),
}
#: Regions of Content Moderation 2.0 by its list of access points; not every service is in each.
_GREEN = re.compile(r"green-cip(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com")
_GREEN_REGIONS = frozenset({"cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "cn-chengdu"})


def probes() -> tuple[Probe, ...]:
    """The probes of this module."""
    return (
        Probe("settings", _REGION, _spelling),
        Probe("addresses and regions", _REGION, _ask),
    )


def _spelling(deployment: Deployment) -> Answer:
    """Names that nothing reads, and unfit values. The embedded cloud's environment is also the shell's."""
    if deployment.cloud is not None:
        return Answer("the embedded cloud's own")
    findings = tuple(Finding(what, name, remedy) for name, what, remedy in complaints(deployment.environment))
    return Answer("not as they should be" if findings else "every name is known, every value fits", findings)


def _ask(deployment: Deployment) -> Answer:
    findings = tuple(mismatches(deployment.settings.region, deployment.environment))
    return Answer(
        "do not belong together" if findings else f"nothing speaks against {deployment.settings.region}", findings
    )


def mismatches(region: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Addresses of another region or account than the deployment's. An address of another form says nothing."""
    account = environment.get(_ACCOUNT, "")
    for variable, pattern in _HOSTS.items():
        found = pattern.fullmatch(_host(environment.get(variable, "")))
        if found is None:
            continue
        if found["region"] != region:
            said = f"it is in {found['region']}, the functions are in {region}"
            yield Finding(said, variable, f"take the address of {region}: traffic between regions is slow and paid for")
        named = found.groupdict().get("account")
        if named and account and named != account:
            yield Finding("it is another account's", variable, f"take the address of account {account}")
    green = _GREEN.fullmatch(_host(environment.get("TRIPCANVAS_GREEN_ENDPOINT", "")))
    if green and green["region"] not in _GREEN_REGIONS:
        said = f"{green['region']} is not known to have the services for generated content"
        yield Finding(said, "TRIPCANVAS_GREEN_ENDPOINT", f"take one of {', '.join(sorted(_GREEN_REGIONS))}")
    if region.startswith("cn-") and _host(environment.get("TRIPCANVAS_DASHSCOPE_URL", "")).startswith("dashscope-"):
        said = "it is the international site: trips would leave the country"
        yield Finding(said, "TRIPCANVAS_DASHSCOPE_URL", "take https://dashscope.aliyuncs.com/api/v1, and a key of it")


def _host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
