"""A function acts as its role: with its credentials, within its policy, also when its failure is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.fc.deployment import read_deployment
from localcloud.fc.sections import DeploymentError
from localcloud.ram import role_credentials
from tests.services.fc.project import Project
from tests.services.mns.clients import account, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = """
import json
import os
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config


def handler(event, context):
    if event == b"fail":
        raise ValueError("没画成")
    given = context.credentials
    environment = [os.environ.get("ALIBABA_CLOUD_" + name) for name in
                   ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")]
    if event == b"who":
        return json.dumps([[given.access_key_id, given.access_key_secret, given.security_token], environment])
    client = Client(Config(access_key_id=given.access_key_id, access_key_secret=given.access_key_secret,
                           security_token=given.security_token, endpoint=os.environ["FC"], protocol="http"))
    try:
        client.invoke_function(event.decode(), models.InvokeFunctionRequest())
    except Exception as error:
        return json.dumps(error.code)
    return json.dumps("done")
"""
FUNCTION = "acs:fc:*:*:functions"


def rule(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource]}


def put_policy(folder: Path, role: str, *rules: dict[str, Any]) -> None:
    file = folder / "deploy" / "policies" / f"{role}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"Version": "1", "Statement": rules}), "utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("roles") / "project"
    put_policy(folder, "caller", rule("fc:InvokeFunction", f"{FUNCTION}/callee"))
    put_policy(folder, "teller", rule("mns:SendMessage", "acs:mns:*:*:/queues/tripcanvas-dead-letters/messages"))
    put_policy(folder, "silent", rule("mns:SendMessage", "acs:mns:*:*:/queues/another/messages"))
    letters = "acs:mns:cn-shanghai:1:/queues/tripcanvas-dead-letters/messages"
    common = {"environmentVariables": {"FC": "${env('FC_HOST')}"}}
    told = {"maxAsyncRetryAttempts": 0, "destinationConfig": {"onFailure": {"destination": letters}}}
    functions = {
        "caller": {**common, "role": "acs:ram::1:role/caller"},
        "callee": {**common},
        "teller": {**common, "role": "acs:ram::1:role/teller", "asyncInvokeConfig": told},
        "silent": {**common, "role": "acs:ram::1:role/silent", "asyncInvokeConfig": told},
    }
    made = Project(folder, {f"{name}.py": CODE for name in functions}, functions, services=("mns", "fc"))
    text = made.s_yaml.read_text("utf-8").replace("${env('FC_HOST')}", made.cloud.url("fc").removeprefix("http://"))
    made.s_yaml.write_text(text, "utf-8")
    with made:
        yield made


def test_a_function_gets_its_roles_credentials_in_its_context_and_its_environment(project):
    keys = role_credentials(project.cloud, "caller")
    wanted = [keys.access_key_id, keys.access_key_secret, keys.security_token]
    assert json.loads(project.invoke("caller", "who").body) == [wanted, wanted]


def test_function_compute_refuses_a_role_what_its_policy_does_not_allow(project):
    assert json.loads(project.invoke("caller", "callee").body) == "done"
    assert json.loads(project.invoke("caller", "teller").body) == "AccessDenied"
    assert json.loads(project.invoke("teller", "callee").body) == "AccessDenied"


def test_a_failure_is_reported_as_the_functions_role(project):
    queue = account(project.cloud).get_queue("tripcanvas-dead-letters")
    queue.set_encoding(False)
    project.invoke_async("silent", "fail")
    project.invoke_async("teller", "fail")
    letter = json.loads(queue.receive_message(10).message_body)
    assert "functions/teller" in json.dumps(letter)
    log = project.cloud.log_file("fc")
    eventually(lambda: "destination tripcanvas-dead-letters of silent refuses" in log.read_text("utf-8"))


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (None, "deploy/policies/painter.json can't be read"),
        ("{", "deploy/policies/painter.json: "),
        ('{"Version":"1","Statement":[{"Effect":"Allow","Action":["a"],"Resource":["${NOWHERE}"]}]}', "needs NOWHERE"),
    ],
)
def test_a_role_whose_policy_cannot_be_used_is_not_deployed(tmp_path, policy, problem):
    (tmp_path / "code").mkdir()
    function = {"region": "cn-shanghai", "functionName": "painter", "handler": "a.handler", "runtime": "python3.10",
                "code": "code", "role": "acs:ram::1:role/painter"}  # fmt: skip
    resources = {"painter": {"component": "fc3", "props": function}}
    s_yaml = tmp_path / "s.yaml"
    s_yaml.write_text(json.dumps({"edition": "3.0.0", "name": "p", "resources": resources}), "utf-8")
    if policy is not None:
        put_policy(tmp_path, "painter")
        (tmp_path / "deploy" / "policies" / "painter.json").write_text(policy, "utf-8")
    with pytest.raises(DeploymentError) as refused:
        read_deployment(s_yaml, {}, "1")
    assert "resources.painter.props.role" in str(refused.value)
    assert problem in str(refused.value)
