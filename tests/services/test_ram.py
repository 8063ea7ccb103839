"""RAM policies as the embedded cloud reads and enforces them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.ram import PolicyError, caller_of, filled, grant, parse_policy, role_credentials
from localcloud.state import Cloud

PUT, OBJECT = "oss:PutObject", "acs:oss:cn-shanghai:1:gallery/posts/a.jpg"


def policy(*statements: dict[str, Any], version: str = "1") -> bytes:
    return json.dumps({"Version": version, "Statement": statements}).encode()


def rule(effect: str = "Allow", action: str = PUT, resource: str = "acs:oss:*:*:gallery/posts/*", **more: Any) -> Any:
    return {"Effect": effect, "Action": [action], "Resource": [resource], **more}


def allows(*statements: dict[str, Any], action: str = PUT, resource: str = OBJECT, **context: str) -> bool:
    return parse_policy(policy(*statements)).allows(action, resource, context)


@pytest.mark.parametrize(
    "statement",
    [
        rule(),
        rule(action="oss:*"),
        rule(action="OSS:putobject"),
        rule(resource="*"),
        rule(resource="acs:oss:*:*:gallery/posts/?.jpg"),
        rule(resource=OBJECT),
    ],
)
def test_what_a_rule_names_is_allowed(statement):
    assert allows(statement)


@pytest.mark.parametrize(
    "statement",
    [
        rule(action="oss:GetObject"),
        rule(action="oss:Put"),
        rule(resource="acs:oss:*:*:gallery"),
        rule(resource="acs:oss:*:*:gallery/private/*"),
        rule(resource="acs:oss:*:*:gallery/posts/????.jpg"),
        rule(resource="acs:oss:*:*:GALLERY/posts/*"),
        rule(resource="acs:oss:*:*:galler./posts/*"),
        rule("Deny"),
    ],
)
def test_what_it_does_not_name_is_not(statement):
    assert not allows(statement)


def test_nothing_is_allowed_by_default_and_a_deny_goes_before_an_allow():
    assert not allows()
    assert not allows(rule(), rule("Deny", resource="*"))
    assert allows(rule(), rule("Deny", action="oss:DeleteObject"))


def test_a_condition_on_the_prefix_is_enforced_also_when_none_is_given():
    listing = rule(action="oss:ListObjects", resource="*", Condition={"StringLike": {"oss:Prefix": ["posts/*"]}})
    assert allows(listing, action="oss:ListObjects", **{"oss:Prefix": "posts/3f/"})
    for context in ({}, {"oss:Prefix": ""}, {"oss:Prefix": "private/posts/"}):
        assert not allows(listing, action="oss:ListObjects", **context)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        policy(rule(), version="2"),
        policy(rule("Maybe")),
        policy(rule(Principal=["*"])),
        policy(rule(NotAction=["oss:*"])),
        policy(rule(Condition={"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}})),
        policy({"Effect": "Allow", "Action": PUT, "Resource": ["*"]}),
    ],
)
def test_a_policy_that_is_none_or_says_what_is_not_enforced_is_refused(document):
    with pytest.raises(PolicyError):
        parse_policy(document)


def test_a_place_is_filled_with_a_plain_name_only():
    document = policy(rule(resource="acs:oss:*:*:${BUCKET}/posts/*"))
    assert b"acs:oss:*:*:my-gallery/posts/*" in filled(document, {"BUCKET": "my-gallery"})
    for values in ({}, {"BUCKET": ""}, {"BUCKET": "*"}, {"BUCKET": 'x"],"Action":["*'}):
        with pytest.raises(PolicyError, match="BUCKET"):
            filled(document, values)


@pytest.fixture
def cloud(tmp_path) -> Cloud:
    return Cloud.open(tmp_path / "cloud", free_ports=True)


def test_the_account_may_do_everything_and_a_role_what_it_was_granted(cloud):
    grant(cloud, "painter", policy(rule()))
    owner = caller_of(cloud, cloud.access_key_id, "")
    assert owner is not None
    assert owner.may("oss:DeleteBucket", "acs:oss:*:*:gallery")
    keys = role_credentials(cloud, "painter")
    role = caller_of(cloud, keys.access_key_id, keys.security_token)
    assert role is not None
    assert role.may(PUT, OBJECT)
    assert not role.may("oss:DeleteObject", OBJECT)


@pytest.mark.parametrize("key_id", ["", "LTAI0000", "STS.", "STS.nobody", "STS.../../cloud", "painter"])
def test_a_stranger_is_nobody(cloud, key_id):
    grant(cloud, "painter", policy(rule()))
    assert caller_of(cloud, key_id, role_credentials(cloud, "painter").security_token) is None


def test_a_roles_secrets_differ_from_the_accounts_and_stay_out_of_sight(cloud):
    keys, other = role_credentials(cloud, "painter"), role_credentials(cloud, "relay")
    secrets = {keys.access_key_secret, keys.security_token, other.access_key_secret, other.security_token}
    assert len(secrets | {cloud.access_key_secret}) == 5
    assert not [secret for secret in secrets if secret in repr(keys) + repr(other)]
