"""Whether the key, the region and the addresses belong to the account that is to be provisioned."""

from __future__ import annotations

from cli.deployment import Deployment
from cli.probes.identity import caller_identity
from cli.probes.regions import mismatches
from shared.errors import Misconfigured

_ACCOUNT = "TRIPCANVAS_ACCOUNT_ID"
#: Where something is made; other addresses may lie elsewhere.
_PLACES = ("TRIPCANVAS_OSS_ENDPOINT", "TRIPCANVAS_MNS_ENDPOINT")


def check_account(deployment: Deployment) -> None:
    """Raise `Misconfigured` for what belongs to another account or region, before anything is made there.

    Raises `Unavailable` and `Refused` when STS does not say who the key is.
    """
    for finding in mismatches(deployment.settings.region, deployment.environment):
        if finding.where in _PLACES:
            raise Misconfigured(f"{finding.where}: {finding.what}; {finding.remedy}")
    expected = deployment.environment.get(_ACCOUNT, "")
    if not expected:
        raise Misconfigured(f"{_ACCOUNT} is not set; the policies of the roles name the account")
    account = str(caller_identity(deployment).get("AccountId", ""))
    if account != expected:
        raise Misconfigured(
            f"{_ACCOUNT} is {expected}, but the access key is of account {account}; set that, or take the other key"
        )
