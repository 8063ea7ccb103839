"""RAM and STS as their official SDKs ask: roles, policies, what is attached, and that it is enforced."""

from __future__ import annotations

import json

import pytest
from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions
from darabonba.exceptions import DaraException

from localcloud.ram import caller_of, role_credentials
from localcloud.ram.account import MAX_VERSIONS
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

TRUST = json.dumps({"Version": "1", "Statement": []})
READ = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": ["*"]}]}
WRITE = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": ["*"]}]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("ram") / "cloud", free_ports=True, empty=True)
    with Supervisor(cloud, ["ram"]):
        yield cloud


def client_of(cloud, **key):
    usual = {"access_key_id": cloud.access_key_id, "access_key_secret": cloud.access_key_secret}
    address = cloud.url("ram").removeprefix("http://")
    return Client(Config(**{**usual, **key}, endpoint=address, protocol="HTTP"))


@pytest.fixture
def client(cloud):
    return client_of(cloud)


@pytest.fixture
def role(client, request):
    """A role and a policy of the test's own name, the one attached to the other."""
    name = request.node.name.replace("_", "-")[:60]
    client.create_role(models.CreateRoleRequest(role_name=name, assume_role_policy_document=TRUST))
    client.create_policy(models.CreatePolicyRequest(policy_name=name, policy_document=json.dumps(READ)))
    client.attach_policy_to_role(
        models.AttachPolicyToRoleRequest(policy_type="Custom", policy_name=name, role_name=name)
    )
    return name


def code_of(call):
    with pytest.raises(DaraException) as raised:
        call()
    return raised.value.code


def may(cloud, role, action):
    key = role_credentials(cloud, role)
    caller = caller_of(cloud, key.access_key_id, key.security_token)
    return caller is not None and caller.may(action, "acs:oss:*:*:b/k")


def test_a_role_may_do_what_is_attached_to_it_until_it_is_detached(cloud, client, role):
    assert may(cloud, role, "oss:GetObject")
    assert not may(cloud, role, "oss:PutObject")
    found = client.list_policies_for_role(models.ListPoliciesForRoleRequest(role_name=role)).body
    assert [each.policy_name for each in found.policies.policy] == [role]
    client.detach_policy_from_role(
        models.DetachPolicyFromRoleRequest(policy_type="Custom", policy_name=role, role_name=role)
    )
    assert not may(cloud, role, "oss:GetObject")


def test_a_new_version_counts_when_it_is_the_default(cloud, client, role):
    def version(**fields):
        return client.create_policy_version(
            models.CreatePolicyVersionRequest(policy_name=role, policy_document=json.dumps(WRITE), **fields)
        ).body.policy_version

    assert not version().is_default_version
    assert may(cloud, role, "oss:GetObject")
    assert version(set_as_default=True).is_default_version
    assert may(cloud, role, "oss:PutObject")
    for _ in range(MAX_VERSIONS - 3):
        version()
    assert code_of(lambda: version()) == "LimitExceeded.Policy.Version"
    version(set_as_default=True, rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded")
    listed = client.list_policy_versions(models.ListPolicyVersionsRequest(policy_name=role, policy_type="Custom"))
    versions = listed.body.policy_versions.policy_version
    assert len(versions) == MAX_VERSIONS
    assert [each.is_default_version for each in versions].count(True) == 1


def test_what_is_still_used_can_not_be_deleted(client, role):
    assert code_of(lambda: client.delete_role(models.DeleteRoleRequest(role_name=role))) == "DeleteConflict.Role.Policy"
    assert code_of(lambda: client.delete_policy(models.DeletePolicyRequest(policy_name=role))) == "DeleteConflict.Policy.Role"  # fmt: skip


def test_errors_carry_ram_s_codes(cloud, client, role):
    assert code_of(lambda: client.get_role(models.GetRoleRequest(role_name="nobody"))) == "EntityNotExist.Role"
    again = models.CreateRoleRequest(role_name=role, assume_role_policy_document=TRUST)
    assert code_of(lambda: client.create_role(again)) == "EntityAlreadyExists.Role"
    for wrong in ("{", json.dumps({"Version": "2", "Statement": []})):
        request = models.CreatePolicyRequest(policy_name="other", policy_document=wrong)
        assert code_of(lambda request=request: client.create_policy(request)) == "MalformedPolicyDocument"
    stranger = client_of(cloud, access_key_secret="wrong")
    assert code_of(lambda: stranger.get_role(models.GetRoleRequest(role_name=role))) == "SignatureNotMatch"
    assert code_of(lambda: client.list_users(models.ListUsersRequest())) == "InvalidAction.NotFound"


def test_a_role_has_no_say_in_roles(cloud, role):
    key = role_credentials(cloud, role)
    lesser = client_of(
        cloud, access_key_id=key.access_key_id, access_key_secret=key.access_key_secret, security_token=key.security_token
    )  # fmt: skip
    assert code_of(lambda: lesser.get_role(models.GetRoleRequest(role_name=role))) == "NoPermission"


def test_who_one_is(cloud, client):
    params = Params(
        action="GetCallerIdentity", version="2015-04-01", protocol="HTTP", pathname="/", method="POST", auth_type="AK",
        style="RPC", req_body_type="formData", body_type="json",
    )  # fmt: skip
    answer = client.call_api(params, OpenApiRequest(query={}), RuntimeOptions())
    assert answer["body"]["AccountId"] == cloud.account_id
