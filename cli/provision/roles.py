"""Roles of the functions, each with its one policy, by the SDK of RAM."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared.errors import Misconfigured, Refused, Unavailable, code_word
from shared.settings import Credentials

_CUSTOM = "Custom"
_MADE_BY = "Made by tripcanvas provision"
_CONNECT_TIMEOUT_MS, _READ_TIMEOUT_MS = 5_000, 20_000
ENDPOINT = "TRIPCANVAS_RAM_ENDPOINT"
DEFAULT_ENDPOINT = "https://ram.aliyuncs.com"

#: Function Compute acts as the role, and nobody else.
TRUST = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}}],
}


@dataclass(frozen=True, slots=True)
class RoleResource:
    """A role that Function Compute may act as, and the policy of the same name that is attached to it.

    `policy` is the policy's document, filled in for the deployment.
    """

    client: Ram = field(repr=False)
    name: str
    policy: bytes = field(repr=False)
    kind: str = "role"

    @property
    def wanted(self) -> Mapping[str, str]:
        """Who may act as it, what it may do, and that the one belongs to the other."""
        return {"trusted": _plain(json.dumps(TRUST)), "policy": _plain(self.policy.decode()), "attached": self.name}

    def read(self) -> Mapping[str, str] | None:
        """The role as it is; None when there is neither a role nor a policy."""
        role = self.client.ask("get_role", role_name=self.name)
        policy = self.client.ask("get_policy", policy_name=self.name, policy_type=_CUSTOM)
        if role is None and policy is None:
            return None
        attached = self.client.ask("list_policies_for_role", role_name=self.name)
        names = [each["PolicyName"] for each in attached["Policies"]["Policy"]] if attached else []
        return {
            "trusted": _plain(role["Role"]["AssumeRolePolicyDocument"]) if role else "",
            "policy": _plain(policy["DefaultPolicyVersion"]["PolicyDocument"]) if policy else "",
            "attached": self.name if self.name in names else "",
        }

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create role and policy and attach the one to the other, or as much of that as is missing."""
        now, trust = found or {}, json.dumps(TRUST)
        if not now.get("trusted"):
            self.client.must(
                "create_role", role_name=self.name, assume_role_policy_document=trust, description=_MADE_BY
            )
        elif now["trusted"] != self.wanted["trusted"]:
            self.client.must("update_role", role_name=self.name, new_assume_role_policy_document=trust)
        document = self.policy.decode()
        if not now.get("policy"):
            self.client.must("create_policy", policy_name=self.name, policy_document=document, description=_MADE_BY)
        elif now["policy"] != self.wanted["policy"]:
            # RAM keeps five versions of a policy.
            self.client.must(
                "create_policy_version",
                policy_name=self.name,
                policy_document=document,
                set_as_default=True,
                rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
            )
        if not now.get("attached"):
            self.client.must("attach_policy_to_role", policy_type=_CUSTOM, policy_name=self.name, role_name=self.name)

    def holds(self) -> str:
        """A role holds no data."""
        return ""

    def delete(self) -> None:
        """Detach and delete both."""
        self.client.ask("detach_policy_from_role", policy_type=_CUSTOM, policy_name=self.name, role_name=self.name)
        versions = self.client.ask("list_policy_versions", policy_name=self.name, policy_type=_CUSTOM)
        for version in versions["PolicyVersions"]["PolicyVersion"] if versions else ():
            if not version["IsDefaultVersion"]:
                self.client.ask("delete_policy_version", policy_name=self.name, version_id=version["VersionId"])
        self.client.ask("delete_policy", policy_name=self.name)
        self.client.ask("delete_role", role_name=self.name)


def _plain(document: str) -> str:
    """A document in one spelling, so that only what it says is compared."""
    try:
        return json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"))
    except ValueError:
        return document


@dataclass(frozen=True, slots=True)
class Ram:
    """RAM of one account. `endpoint` is an http(s) address."""

    endpoint: str
    credentials: Credentials

    def ask(self, call: str, **fields: object) -> dict[str, Any] | None:
        """The body of the answer of one call of the SDK; None when what it is about does not exist.

        Raises `Misconfigured` when the key or its permissions won't do, `Unavailable`, and `Refused` for any other
        answer.
        """
        from alibabacloud_ram20150501 import models
        from alibabacloud_tea_util.models import RuntimeOptions

        request = getattr(models, "".join(part.title() for part in call.split("_")) + "Request")(**fields)
        options = RuntimeOptions(connect_timeout=_CONNECT_TIMEOUT_MS, read_timeout=_READ_TIMEOUT_MS, autoretry=False)
        method = getattr(self._client(), f"{call}_with_options")
        return _answered(lambda: method(request, options), call, str(next(iter(fields.values()))))

    def must(self, call: str, **fields: object) -> None:
        """A call about something that exists, or that it makes; fine when it has been made meanwhile."""
        try:
            found = self.ask(call, **fields)
        except Refused as error:
            if not error.code.startswith("EntityAlreadyExists"):
                raise
            return
        if found is None:
            raise Refused("ram", "EntityNotExist", call)

    def _client(self) -> Any:
        from alibabacloud_ram20150501.client import Client
        from alibabacloud_tea_openapi.models import Config

        address = urlsplit(self.endpoint)
        return Client(
            Config(
                access_key_id=self.credentials.access_key_id,
                access_key_secret=self.credentials.access_key_secret,
                security_token=self.credentials.security_token or None,
                endpoint=address.netloc,
                protocol=address.scheme.upper(),
            )
        )


def _answered(call: Callable[[], Any], name: str, about: str) -> dict[str, Any] | None:
    import logging

    from darabonba.exceptions import DaraException
    from Tea.exceptions import TeaException

    logging.getLogger("darabonba-core").setLevel(logging.CRITICAL)
    action = "".join(part.title() for part in name.split("_"))
    try:
        return dict(call().body.to_map())
    except (TeaException, DaraException) as error:
        code = code_word(str(getattr(error, "code", "") or "")) or "ConnectionFailed"
        status = int(getattr(error, "status_code", 0) or (getattr(error, "data", None) or {}).get("statusCode") or 0)
        if code.startswith("EntityNotExist"):
            return None
        if code.startswith(("NoPermission", "Forbidden")):
            raise Misconfigured(
                f"ram: not allowed: ram:{action} on {about}; give the access key's user that action"
            ) from None
        if code.startswith(("InvalidAccessKey", "SignatureDoesNotMatch", "SignatureNotMatch")) or status == 401:
            raise Misconfigured(f"ram: the access key is refused ({code})") from None
        if not status or status >= 500 or code.startswith("Throttling"):
            raise Unavailable("ram", code) from None
        raise Refused("ram", code, action) from None
