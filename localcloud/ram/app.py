"""RAM and STS on one machine: roles, policies and who one is, as the official SDKs ask for them.

The wire is RAM's version 2015-05-01 and STS's 2015-04-01, RPC style (`alibabacloud_ram20150501`): one path, the action
in a header, parameters in the query. The actions are those that a deployment needs; another one is refused by its name.
What is attached to a role is enforced by every service of the embedded cloud from then on.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from localcloud import acs3, openapi
from localcloud.ram import PolicyError, account, parse_policy
from localcloud.ram.account import MAX_VERSIONS, Account, Managed, Role, Version

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from localcloud.ram import Caller
    from localcloud.state import Cloud

_ROLE_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}")
_POLICY_NAME = re.compile(r"[A-Za-z0-9-]{1,128}")
_HOST = "ram.localcloud"
_Action = Callable[[Account, dict[str, str]], "tuple[dict[str, Any], tuple[Role, ...]]"]


class Refused(Exception):
    """An HTTP error with RAM's own code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def build(cloud: Cloud) -> Starlette:
    """The service of `cloud`."""
    return Starlette(routes=[Route("/", Ram(cloud).act, methods=["POST", "GET"])])


class Ram:
    """The actions of one account."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._actions: dict[str, _Action] = {
            "GetRole": self._get_role,
            "CreateRole": self._create_role,
            "UpdateRole": self._update_role,
            "DeleteRole": self._delete_role,
            "GetPolicy": self._get_policy,
            "CreatePolicy": self._create_policy,
            "CreatePolicyVersion": self._create_version,
            "ListPolicyVersions": self._list_versions,
            "DeletePolicyVersion": self._delete_version,
            "DeletePolicy": self._delete_policy,
            "AttachPolicyToRole": self._attach,
            "DetachPolicyFromRole": self._detach,
            "ListPoliciesForRole": self._list_attached,
        }

    async def act(self, request: Request) -> Response:
        """Serve one signed call by the action in its header."""
        name, body = request.headers.get("x-acs-action", ""), await request.body()
        given = dict(parse_qsl(f"{request.url.query}&{body.decode('utf-8', 'replace')}", keep_blank_values=True))
        try:
            caller = openapi.signed_by(self._cloud, request, body)
            return JSONResponse({"RequestId": openapi.new_request_id(), **self._answer(name, given, caller)})
        except acs3.SignatureRejected as error:
            return openapi.refusal(error.status, error.code, error.message, _HOST)
        except Refused as refused:
            return openapi.refusal(refused.status, refused.code, str(refused), _HOST)

    def _answer(self, name: str, given: dict[str, str], caller: Caller) -> dict[str, Any]:
        if name == "GetCallerIdentity":
            return self._identity(caller)
        action = self._actions.get(name)
        if action is None:
            raise Refused(404, "InvalidAction.NotFound", "Specified api is not found.")
        if not caller.may(f"ram:{name}", "*"):
            raise Refused(403, "NoPermission", "You are not authorized to do this action.")
        known = account.read(self._cloud)
        answer, changed = action(known, given)
        if not name.startswith(("Get", "List")):
            account.write(self._cloud, known, *changed)
        return answer

    def _identity(self, caller: Caller) -> dict[str, Any]:
        kind, name = ("AssumedRoleUser", f"assumed-role/{caller.role}/fc") if caller.role else ("Account", "root")
        return {
            "IdentityType": kind,
            "AccountId": self._cloud.account_id,
            "PrincipalId": self._cloud.account_id,
            "UserId": "",
            "RoleId": caller.role,
            "Arn": f"acs:ram::{self._cloud.account_id}:{name}",
        }

    def _role(self, role: Role) -> dict[str, Any]:
        return {
            "RoleId": f"3{zlib.crc32(role.name.encode()):017d}",
            "RoleName": role.name,
            "Arn": f"acs:ram::{self._cloud.account_id}:role/{role.name.lower()}",
            "Description": role.description,
            "AssumeRolePolicyDocument": role.trust,
            "CreateDate": role.made_at,
            "UpdateDate": role.made_at,
            "MaxSessionDuration": 3600,
        }

    def _get_role(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        return {"Role": self._role(_known_role(known, given))}, ()

    def _create_role(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        name = given.get("RoleName", "")
        if not _ROLE_NAME.fullmatch(name):
            raise Refused(400, "InvalidParameter.RoleName.InvalidChars", "The role name is not valid.")
        if name in known.roles:
            raise Refused(409, "EntityAlreadyExists.Role", f"The role already exists: {name} .")
        trust = _trust(given.get("AssumeRolePolicyDocument", ""))
        known.roles[name] = Role(name, trust, given.get("Description", ""), _now())
        return {"Role": self._role(known.roles[name])}, ()

    def _update_role(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        role = _known_role(known, given)
        if "NewAssumeRolePolicyDocument" in given:
            role.trust = _trust(given["NewAssumeRolePolicyDocument"])
        role.description = given.get("NewDescription", role.description)
        return {"Role": self._role(role)}, ()

    def _delete_role(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        role = _known_role(known, given)
        if role.attached:
            raise Refused(409, "DeleteConflict.Role.Policy", "The role has policies attached; detach them first.")
        del known.roles[role.name]
        return {}, (role,)

    def _get_policy(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        policy = _known_policy(known, given)
        answer = {"Policy": _policy(known, policy), "DefaultPolicyVersion": _version(policy, policy.versions[-1])}
        return answer, ()

    def _create_policy(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        name = given.get("PolicyName", "")
        if not _POLICY_NAME.fullmatch(name):
            raise Refused(400, "InvalidParameter.PolicyName.InvalidChars", "The policy name is not valid.")
        if name in known.policies:
            raise Refused(409, "EntityAlreadyExists.Policy", f"The policy already exists: {name} .")
        first = Version("v1", _document(given), _now())
        known.policies[name] = Managed(name, given.get("Description", ""), [first])
        return {"Policy": _policy(known, known.policies[name])}, ()

    def _create_version(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        policy = _known_policy(known, given)
        if len(policy.versions) >= MAX_VERSIONS:
            if given.get("RotateStrategy") != "DeleteOldestNonDefaultVersionWhenLimitExceeded":
                raise Refused(409, "LimitExceeded.Policy.Version", "The count of policy versions is at its limit.")
            del policy.versions[0]
        made = Version(f"v{policy.next_version}", _document(given), _now())
        policy.next_version += 1
        # The last one is the default here.
        is_default = given.get("SetAsDefault", "false").lower() == "true"
        policy.versions.insert(len(policy.versions) if is_default else -1, made)
        return {"PolicyVersion": _version(policy, made)}, tuple(known.holders(policy.name))

    def _list_versions(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        policy = _known_policy(known, given)
        return {"PolicyVersions": {"PolicyVersion": [_version(policy, each) for each in policy.versions]}}, ()

    def _delete_version(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        policy, wanted = _known_policy(known, given), given.get("VersionId", "")
        if policy.versions[-1].id == wanted:
            raise Refused(409, "DeleteConflict.PolicyVersion.Default", "The default version can't be deleted.")
        policy.versions = [each for each in policy.versions if each.id != wanted]
        return {}, ()

    def _delete_policy(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        policy = _known_policy(known, given)
        if known.holders(policy.name):
            raise Refused(409, "DeleteConflict.Policy.Role", "The policy is attached to a role; detach it first.")
        if len(policy.versions) > 1:
            raise Refused(409, "DeleteConflict.Policy.Version", "The policy has several versions; delete them first.")
        del known.policies[policy.name]
        return {}, ()

    def _attach(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        role, policy = _known_role(known, given), _known_policy(known, given)
        if policy.name in role.attached:
            raise Refused(409, "EntityAlreadyExists.Role.Policy", "The policy is attached to the role already.")
        role.attached.append(policy.name)
        return {}, (role,)

    def _detach(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        role, policy = _known_role(known, given), _known_policy(known, given)
        if policy.name not in role.attached:
            raise Refused(404, "EntityNotExist.Role.Policy", "The policy is not attached to the role.")
        role.attached.remove(policy.name)
        return {}, (role,)

    def _list_attached(self, known: Account, given: dict[str, str]) -> tuple[dict[str, Any], tuple[Role, ...]]:
        found = [
            {"PolicyName": name, "PolicyType": "Custom", "DefaultVersion": known.policies[name].versions[-1].id}
            for name in _known_role(known, given).attached
        ]
        return {"Policies": {"Policy": found}}, ()


def _known_role(known: Account, given: dict[str, str]) -> Role:
    name = given.get("RoleName", "")
    if name not in known.roles:
        raise Refused(404, "EntityNotExist.Role", f"The role not exists: {name} .")
    return known.roles[name]


def _known_policy(known: Account, given: dict[str, str]) -> Managed:
    name, kind = given.get("PolicyName", ""), given.get("PolicyType", "Custom")
    if kind != "Custom" or name not in known.policies:
        raise Refused(404, "EntityNotExist.Policy", f"The policy not exists: {name} .")
    return known.policies[name]


def _trust(document: str) -> str:
    try:
        if not isinstance(msgspec.json.decode(document), dict):
            raise msgspec.DecodeError
    except msgspec.DecodeError:
        raise Refused(400, "MalformedPolicyDocument", "The trust policy is no JSON object.") from None
    return document


def _document(given: dict[str, str]) -> str:
    document = given.get("PolicyDocument", "")
    try:
        parse_policy(document.encode())
    except PolicyError as error:
        raise Refused(400, "MalformedPolicyDocument", str(error)) from None
    return document


def _policy(known: Account, policy: Managed) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyType": "Custom",
        "Description": policy.description,
        "DefaultVersion": policy.versions[-1].id,
        "CreateDate": policy.versions[0].made_at,
        "AttachmentCount": len(known.holders(policy.name)),
    }


def _version(policy: Managed, version: Version) -> dict[str, Any]:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version is policy.versions[-1],
        "PolicyDocument": version.document,
        "CreateDate": version.made_at,
    }


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
