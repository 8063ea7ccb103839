"""Who the access key is (STS), what its roles may do (RAM), and whether KMS decrypts the secrets."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.comparing import findings_of
from cli.probes.probe import Answer, Probe
from cli.provision.desired import roles_of
from shared.errors import Misconfigured, Refused, Unavailable, code_word

_KEY, _ACCOUNT = "ALIBABA_CLOUD_ACCESS_KEY_ID", "TRIPCANVAS_ACCOUNT_ID"
#: Where STS is asked; empty for the region's own address.
ENDPOINT = "TRIPCANVAS_STS_ENDPOINT"
_TIMEOUT_MS = 8_000
#: What STS calls who has a key.
_KINDS = {"Account": "the account itself", "RAMUser": "a RAM user", "AssumedRoleUser": "a role"}


def probes() -> tuple[Probe, ...]:
    """The probes of these services."""
    return (
        Probe("access key", _KEY, _caller),
        Probe("roles and policies", "ALIBABA_CLOUD_ACCESS_KEY_ID", _roles),
    )


def _caller(deployment: Deployment) -> Answer:
    found = caller_identity(deployment)
    account, kind = str(found.get("AccountId", "")), str(found.get("IdentityType", ""))
    lasting = not deployment.credentials.security_token
    findings = []
    expected = deployment.environment.get(_ACCOUNT, "")
    if account != expected:
        said = "is not set" if not expected else f"is not the account of the access key, {account}"
        findings.append(Finding(said, _ACCOUNT, f"set {account}, or take a key of the other account"))
    if kind == "Account" and deployment.cloud is None:
        said = "the key is the account's own: it may do everything, and can't be limited"
        findings.append(Finding(said, _KEY, "make a RAM user, or a role, and take its key"))
    who = _KINDS.get(kind, kind or "somebody")
    text = f"{who} of {account}, {'a key that lasts' if lasting else 'a key that ends (STS)'}"
    return Answer(text, tuple(findings))


def caller_identity(deployment: Deployment) -> dict[str, Any]:
    """STS's GetCallerIdentity, by the official SDK's generic call; any key may make it.

    Raises `Misconfigured` when the key is refused, `Unavailable`, and `Refused` for any other answer.
    """
    from alibabacloud_tea_openapi.client import Client
    from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
    from alibabacloud_tea_util.models import RuntimeOptions
    from darabonba.exceptions import DaraException
    from Tea.exceptions import TeaException

    logging.getLogger("darabonba-core").setLevel(logging.CRITICAL)
    credentials = deployment.credentials
    region = deployment.settings.region
    address = urlsplit(deployment.environment.get(ENDPOINT, "") or f"https://sts.{region}.aliyuncs.com")
    client = Client(
        Config(
            access_key_id=credentials.access_key_id,
            access_key_secret=credentials.access_key_secret,
            security_token=credentials.security_token or None,
            endpoint=address.netloc,
            protocol=address.scheme.upper(),
        )
    )
    params = Params(
        action="GetCallerIdentity",
        version="2015-04-01",
        protocol=address.scheme.upper(),
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    options = RuntimeOptions(connect_timeout=_TIMEOUT_MS, read_timeout=_TIMEOUT_MS, autoretry=False)
    try:
        return dict(client.call_api(params, OpenApiRequest(), options)["body"])
    except (TeaException, DaraException) as error:
        code = code_word(str(getattr(error, "code", "") or "")) or "ConnectionFailed"
        if code.startswith(("InvalidAccessKey", "SignatureDoesNotMatch", "SignatureNotMatch", "InvalidSecurityToken")):
            raise Misconfigured(f"sts: the access key is refused ({code})") from None
        if code == "ConnectionFailed" or code.startswith("Throttling"):
            raise Unavailable("sts", code) from None
        raise Refused("sts", code) from None


def _roles(deployment: Deployment) -> Answer:
    try:
        return findings_of(roles_of(deployment))
    except Misconfigured as error:
        if "not allowed" in str(error):
            return Answer("not asked: this key may not read RAM", is_known=False)
        raise
