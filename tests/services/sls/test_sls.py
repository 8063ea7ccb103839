"""SLS as its official SDK asks: projects, log stores, indexes, who may, and what is refused."""

from __future__ import annotations

import hashlib

import pytest
import requests
from aliyun.log import IndexConfig, IndexKeyConfig, IndexLineConfig, ListLogstoresRequest
from aliyun.log.logexception import LogException

from cli.deployment import embedded
from cli.provision.logs import FIELD, LogProject, LogStore, Sls
from localcloud.ram import grant, role_credentials
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Misconfigured, Refused, Unavailable
from shared.settings import Credentials
from tests.unit.clouds.scripted import Reply, ScriptedService

PROJECT, STORE = "lu-tu-logs", "functions"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("sls") / "云", free_ports=True, empty=True)
    with Supervisor(cloud, ["sls"]):
        yield cloud


@pytest.fixture(scope="module")
def sls(cloud):
    return Sls(cloud.url("sls"), embedded(cloud).credentials)


@pytest.fixture
def client(sls):
    """The SDK's client, in an account without projects."""
    client = sls._client()
    LogProject(sls, PROJECT).delete()
    return client


@pytest.fixture
def project(client):
    client.create_project(PROJECT, "旅途的日志")
    return client


@pytest.fixture
def store(project):
    project.create_logstore(PROJECT, STORE, ttl=7)
    return project


def code_of(call):
    with pytest.raises(LogException) as raised:
        call()
    assert raised.value.get_request_id()
    return raised.value.get_resp_status(), raised.value.get_error_code()


def test_a_project_is_made_told_and_deleted_with_what_is_in_it(store):
    found = store.get_project(PROJECT)
    assert (found.get_projectname(), found.get_description()) == (PROJECT, "旅途的日志")
    assert store.list_logstores(ListLogstoresRequest(PROJECT)).get_logstores() == [STORE]
    store.delete_project(PROJECT)
    assert code_of(lambda: store.get_project(PROJECT)) == (404, "ProjectNotExist")
    assert code_of(lambda: store.get_logstore(PROJECT, STORE)) == (404, "ProjectNotExist")


def test_a_log_store_is_changed_field_by_field(store):
    store.update_logstore(PROJECT, STORE, ttl=180)
    found = store.get_logstore(PROJECT, STORE)
    assert (found.get_ttl(), found.get_shard_count(), found.auto_split) == (180, 2, True)
    store.delete_logstore(PROJECT, STORE)
    assert code_of(lambda: store.get_logstore(PROJECT, STORE)) == (404, "LogStoreNotExist")


def test_an_index_is_made_once_and_replaced_then(store):
    assert code_of(lambda: store.get_index_config(PROJECT, STORE)) == (404, "IndexConfigNotExist")
    line = IndexConfig(line_config=IndexLineConfig([" "]))
    assert code_of(lambda: store.update_index(PROJECT, STORE, line)) == (404, "IndexConfigNotExist")
    store.create_index(PROJECT, STORE, line)
    assert code_of(lambda: store.create_index(PROJECT, STORE, line)) == (400, "IndexAlreadyExist")
    store.update_index(PROJECT, STORE, IndexConfig(key_config_list={"里程": IndexKeyConfig(index_type="long")}))
    found = store.get_index_config(PROJECT, STORE).get_index_config()
    assert found.line_config is None
    assert found.key_config_list["里程"].index_type == "long"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda client: client.create_project(PROJECT, ""), (400, "ProjectAlreadyExist")),
        (lambda client: client.create_project("No", ""), (400, "ParameterInvalid")),
        (lambda client: client.create_logstore(PROJECT, STORE), (400, "LogStoreAlreadyExist")),
        (lambda client: client.create_logstore(PROJECT, "日志"), (400, "ParameterInvalid")),
        (lambda client: client.create_logstore(PROJECT, "other", ttl=0), (400, "ParameterInvalid")),
        (lambda client: client.create_index(PROJECT, STORE, IndexConfig()), (400, "IndexInfoInvalid")),
        (lambda client: client.delete_logstore(PROJECT, "other"), (404, "LogStoreNotExist")),
        (lambda client: client.delete_project("lu-tu-2"), (404, "ProjectNotExist")),
    ],
)
def test_what_cannot_be_is_refused_by_its_code(store, call, expected):
    assert code_of(lambda: call(store)) == expected


def test_an_index_of_an_unknown_type_is_refused(store):
    class Index:
        def to_json(self):
            return {"keys": {"message": {"type": "vector"}}}

    assert code_of(lambda: store.create_index(PROJECT, STORE, Index())) == (400, "IndexInfoInvalid")


def test_what_was_made_outlives_a_restart(tmp_path):
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    project, made = LogProject(_sls(cloud), PROJECT), LogStore(_sls(cloud), PROJECT, STORE)
    with Supervisor(cloud, ["sls"]):
        project.apply(None)
        made.apply(None)
    with Supervisor(cloud, ["sls"]):
        assert made.read() == made.wanted
        assert project.holds() == f"log stores: {STORE}"


def _sls(cloud):
    return Sls(cloud.url("sls"), embedded(cloud).credentials)


ALERT = {
    "name": "lu-shang",
    "displayName": "路上",
    "type": "Alert",
    "schedule": {},
    "configuration": {"version": "2.0"},
}
DASHBOARD = {"dashboardName": "lu-tu", "displayName": "旅途", "charts": []}


@pytest.mark.parametrize(("kind", "document", "word"), [("alert", ALERT, "Job"), ("dashboard", DASHBOARD, "Dashboard")])
def test_a_document_is_made_once_changed_and_deleted(project, kind, document, word):
    def call(action, *given):
        return getattr(project, f"{action}_{kind}")(PROJECT, *given)

    name = document.get("name") or document["dashboardName"]
    assert code_of(lambda: call("get", name)) == (404, f"{word}NotExist")
    call("create", document)
    assert code_of(lambda: call("create", document)) == (400, f"{word}AlreadyExist")
    call("update", {**document, "displayName": "在路上"})
    assert call("get", name).get_entity()["displayName"] == "在路上"
    call("delete", name)
    assert code_of(lambda: call("update", document)) == (404, f"{word}NotExist")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "路上"},
        {"type": "Export"},
        {"schedule": None},
        {"colour": "red"},
        {"configuration": {"colour": "red"}},
        {"configuration": {"queryList": [{"type": "log"}]}},
    ],
)
def test_an_alert_with_what_the_api_does_not_know_is_refused(project, change):
    assert code_of(lambda: project.create_alert(PROJECT, {**ALERT, **change})) == (400, "ParameterInvalid")


# Who is asking.


def test_another_key_another_secret_and_an_unsigned_request_are_refused(cloud, sls):
    stranger = Sls(sls.endpoint, Credentials("LTAIstranger", "geheim"))
    assert code_of(lambda: stranger._client().get_project(PROJECT)) == (401, "Unauthorized")
    wrong = Sls(sls.endpoint, Credentials(sls.credentials.access_key_id, "geheim"))
    assert code_of(lambda: wrong._client().get_project(PROJECT)) == (401, "SignatureNotMatch")
    for headers, code in (
        ({}, "MissingAPIVersion"),
        ({"x-log-apiversion": "0.6.0"}, "InvalidAuthorization"),
        ({"x-log-apiversion": "0.6.0", "Authorization": f"LOG {cloud.access_key_id}:x"}, "InvalidDateFormat"),
        (
            {
                "x-log-apiversion": "0.6.0",
                "Authorization": f"LOG {cloud.access_key_id}:x",
                "Date": "Tue, 05 May 2026 10:00:00 GMT",
            },
            "RequestTimeExpired",
        ),
    ):
        answer = requests.get(sls.endpoint, headers={"Host": f"{PROJECT}.sls", **headers}, timeout=10)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_a_body_that_is_not_the_signed_one_is_refused(sls, project, monkeypatch):
    digest = hashlib.md5(b"another", usedforsecurity=False).hexdigest().upper()
    monkeypatch.setattr("aliyun.log.util.Util.cal_md5", lambda body: digest)
    assert code_of(lambda: project.create_logstore(PROJECT, "other")) == (400, "InvalidContentMD5")


def test_a_role_does_what_its_policy_says(cloud, project):
    grant(cloud, "reader", b'{"Version":"1","Statement":[{"Effect":"Allow","Action":["log:Get*"],"Resource":["*"]}]}')
    key = role_credentials(cloud, "reader")
    role = Sls(cloud.url("sls"), Credentials(key.access_key_id, key.access_key_secret, key.security_token))
    assert LogProject(role, PROJECT).read() == {}
    with pytest.raises(Misconfigured, match=r"not allowed: log:CreateLogStore on lu-tu-logs/functions; give"):
        LogStore(role, PROJECT, STORE).apply(None)


# What provisioning makes of it.


def test_a_store_of_somebody_elses_is_completed_and_keeps_what_it_has(sls, store):
    store.create_index(PROJECT, STORE, IndexConfig(key_config_list={"里程": IndexKeyConfig(index_type="long")}))
    resource = LogStore(sls, PROJECT, STORE)
    found = resource.read()
    assert found == {"kept for 180 days": "7", "full text": "", FIELD: ""}
    resource.apply(found)
    assert resource.read() == resource.wanted
    kept = store.get_index_config(PROJECT, STORE).get_index_config()
    assert {"里程", FIELD} <= set(kept.key_config_list)


def test_a_field_without_statistics_is_not_enough(sls, store):
    line, key = IndexLineConfig([" "]), IndexKeyConfig([" "])
    store.create_index(PROJECT, STORE, IndexConfig(line_config=line, key_config_list={FIELD: key}))
    assert LogStore(sls, PROJECT, STORE).read()[FIELD] == "indexed"


def test_longer_than_wanted_is_long_enough(sls, project):
    project.create_logstore(PROJECT, STORE, ttl=3650)
    assert LogStore(sls, PROJECT, STORE).read()["kept for 180 days"] == "yes"


def test_a_store_in_a_project_that_is_gone_is_refused_by_its_name(sls, client):
    with pytest.raises(Refused, match="CreateLogStore"):
        LogStore(sls, PROJECT, STORE).apply(None)


@pytest.mark.parametrize(
    ("status", "code", "error", "said"),
    [
        (400, "ProjectAlreadyExist", Misconfigured, "the name is taken"),
        (403, "ProjectForbidden", Misconfigured, "not allowed: log:CreateProject"),
        (403, "ExceedQuota", Refused, "ExceedQuota"),
        (400, "ParameterInvalid", Refused, "ParameterInvalid"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(status, code, error, said):
    service = ScriptedService()
    body = f'{{"errorCode": "{code}", "errorMessage": "不行"}}'.encode()
    service.answers(Reply(status, body, {"Content-Type": "application/json"}))
    try:
        with pytest.raises(error, match=said):
            LogProject(Sls(service.url, Credentials("LTAI", "x")), PROJECT).apply(None)
    finally:
        service.close()


def test_a_project_of_another_account_is_suspected_where_one_may_not_look():
    service = ScriptedService()
    body = b'{"errorCode": "Unauthorized", "errorMessage": "The project does not belong to you."}'
    service.answers(Reply(401, body, {"Content-Type": "application/json"}))
    try:
        with pytest.raises(Misconfigured, match=r"log:GetProject on lu-tu-logs; .* choose another name"):
            LogProject(Sls(service.url, Credentials("LTAI", "x")), PROJECT).read()
    finally:
        service.close()


def test_a_service_that_is_down_is_unavailable(monkeypatch):
    monkeypatch.setattr("aliyun.log.logclient.time.sleep", lambda seconds: None)
    with pytest.raises(Unavailable, match="ConnectionFailed"):
        LogProject(Sls("http://127.0.0.1:9", Credentials("LTAI", "x")), PROJECT).read()
