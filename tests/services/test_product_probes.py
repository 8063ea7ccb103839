"""`tripcanvas check` of a deployment that runs: a healthy one has nothing to mend, and each fault is found by its own."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import oss2
import pytest
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta
from typer.testing import CliRunner

from cli.deployment import Deployment, embedded
from cli.eas.control_plane import ControlPlane
from cli.eas.plan import Live
from cli.main import app
from cli.probes import (
    channels,
    clocks,
    functions,
    identity,
    label,
    logs,
    models,
    moderating,
    painting,
    posting,
    regions,
    storage,
)
from cli.probes.live import all_probes, findings_of, probed
from cli.probes.probe import Answer, Probe, ask_all
from localcloud.ram import role_credentials
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Misconfigured, Refused
from tests.unit.clouds.scripted import SILENT, Reply, ScriptedService, refusing_address

NOBODY = "http://127.0.0.1:9"
_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("probes") / "云", free_ports=True)
    with Supervisor(cloud) as supervisor:
        answer = CliRunner().invoke(app, ["provision", "apply", "--yes", "--root", str(cloud.root)])
        assert answer.exit_code == 0, answer.output
        yield cloud, supervisor


@pytest.fixture(scope="module")
def cloud(running):
    return running[0]


@pytest.fixture
def service():
    scripted = ScriptedService()
    yield scripted
    scripted.close()


def found(cloud, module, what, account=False, **changes):
    """The answer of one probe, in a deployment with other settings; `account`: as if it were a real one."""
    deployment = Deployment({**embedded(cloud).environment, **changes}, None if account else cloud)
    [probe] = [each for each in module.probes() if each.what == what]
    [outcome] = ask_all([probe], deployment)
    return outcome.answer


def said(answer: Answer) -> str:
    assert answer.findings, answer
    return " | ".join(str(finding) for finding in answer.findings)


def role_key(cloud, role):
    key = role_credentials(cloud, role)
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": key.security_token,
    }


# The whole.


def test_a_healthy_deployment_has_nothing_to_mend_and_nothing_stays(cloud):
    services = embedded(cloud).services
    before = [list(bucket.keys("")) for bucket in (services.ledger.bucket, services.gallery)]
    answer = CliRunner().invoke(app, ["check", "--live", "--root", str(cloud.root), "--json"])
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["findings"]) == (0, []), told
    assert {each["what"] for each in told["probes"] if each["state"] != "well"} == set()
    assert [list(bucket.keys("")) for bucket in (services.ledger.bucket, services.gallery)] == before


def test_people_see_a_row_for_each_probe_and_what_it_costs(cloud):
    answer = CliRunner().invoke(app, ["check", "--live", "--root", str(cloud.root)])
    assert answer.output.rstrip().endswith("nothing to mend")
    for probe in all_probes():
        assert probe.what in answer.output
    assert "less than 0.1 fen" in answer.output


def test_a_dead_service_hides_no_other_and_ends_the_command_with_status_1(running):
    cloud, supervisor = running
    supervisor.stop_service("green", kill=True)
    try:
        answer = CliRunner().invoke(app, ["check", "--live", "--root", str(cloud.root), "--json"])
    finally:
        supervisor.start_service("green")
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    trouble = {each["what"] for each in told["probes"] if each["state"] == "finding"}
    assert trouble == {probe.what for probe in moderating.probes()}
    assert all("tripcanvas up" in each["remedy"] for each in told["findings"])


def test_an_account_is_asked_when_a_file_names_it_and_not_by_the_shell(cloud, tmp_path, monkeypatch):
    file = tmp_path / "生产.env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}='{value}'\n" for name, value in cloud.environment().items()), "utf-8")
    monkeypatch.setenv("TRIPCANVAS_ENV", str(file))
    assert CliRunner().invoke(app, ["check"]).output.strip() == "nothing to mend"
    answer = CliRunner().invoke(app, ["check", "--env", str(file), "--json"])
    told = json.loads(answer.stdout)
    assert answer.exit_code == 1
    # What a demonstration may be, and an account may not.
    assert {each["where"] for each in told["findings"] if not each["where"].startswith("function ")} == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID", "TRIPCANVAS_PRODUCER_CODE"
    }  # fmt: skip
    # Its deadlines are shorter than those that a file means by saying nothing.
    assert "TRIPCANVAS_RENDER_DEADLINE_S" in answer.stdout
    for secret in (cloud.access_key_secret, cloud.feed_secret, cloud.eas_token, cloud.dashscope_api_key):
        assert secret not in answer.output


def test_a_misspelt_setting_is_found_with_the_rest(cloud):
    deployment = Deployment({**cloud.environment(), "TRIPCANVAS_LEGDER_BUCKET": "账本"}, None)
    assert "did you mean TRIPCANVAS_LEDGER_BUCKET?" in " ".join(map(str, findings_of(probed(deployment))))


def test_what_does_not_answer_in_time_is_left_behind(cloud, service):
    service.answers(SILENT)
    deployment = Deployment({**cloud.environment(), "TRIPCANVAS_FEED_URL": f"{service.url}/api/posts"}, cloud)
    outcomes = ask_all([*posting.probes(), *label.probes()], deployment, bound_s=0.5)
    assert [outcome.answer.text for outcome in outcomes[:2]] == ["silent", "silent"]
    assert "no answer in 0.5 s" in said(outcomes[0].answer)
    assert not outcomes[2].answer.findings


def test_whatever_a_client_raises_is_a_finding_of_its_own_probe(cloud):
    def breaks(_):
        raise ZeroDivisionError("geheim")

    probes = [Probe("a", "SETTING", breaks), Probe("b", "SETTING", lambda _: Answer("well"))]
    first, second = ask_all(probes, Deployment({}, cloud))
    assert "an answer that can't be read (ZeroDivisionError)" in said(first.answer)
    assert "geheim" not in said(first.answer)
    assert second.answer == Answer("well")


# Who one is.


def test_a_key_of_another_account_is_found(cloud):
    answer = found(cloud, identity, "access key", TRIPCANVAS_ACCOUNT_ID="1000000000000001")
    assert f"is not the account of the access key, {cloud.account_id}" in said(answer)
    assert "is not set" in said(found(cloud, identity, "access key", TRIPCANVAS_ACCOUNT_ID=""))


@pytest.mark.parametrize("name", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
def test_a_wrong_key_is_found(cloud, name):
    assert "the access key is refused" in said(found(cloud, identity, "access key", **{name: "LTAIfalsch"}))


def test_the_accounts_own_key_is_found_and_a_roles_is_not(cloud):
    assert "it may do everything" in said(found(cloud, identity, "access key", account=True))
    answer = found(cloud, identity, "access key", account=True, **role_key(cloud, "tripcanvas-image-ready"))
    assert not answer.findings
    assert "a key that ends (STS)" in answer.text


def test_a_silent_sts_is_found(cloud):
    with refusing_address() as address:
        answer = found(cloud, identity, "access key", TRIPCANVAS_STS_ENDPOINT=f"http://{address}")
    assert "sts: ConnectionFailed" in said(answer)


def test_a_role_that_was_taken_away_is_found_and_one_may_be_forbidden_to_ask(cloud):
    other = found(cloud, identity, "roles and policies", TRIPCANVAS_LEDGER_BUCKET="another-ledger")
    assert "role tripcanvas-trip-completed: policy is not as it should be" in said(other)
    answer = found(cloud, identity, "roles and policies", **role_key(cloud, "tripcanvas-relay-results"))
    assert (answer.is_known, answer.findings) == (False, ())


# Addresses.


@pytest.mark.parametrize(
    ("variable", "address", "expected"),
    [
        ("TRIPCANVAS_OSS_ENDPOINT", "https://oss-cn-beijing-internal.aliyuncs.com", "it is in cn-beijing"),
        ("TRIPCANVAS_MNS_ENDPOINT", "https://100001.mns.cn-beijing.aliyuncs.com", "it is in cn-beijing"),
        ("TRIPCANVAS_MNS_ENDPOINT", "https://100002.mns.cn-shanghai-internal.aliyuncs.com", "another account's"),
        ("TRIPCANVAS_EAS_URL", "http://100001.vpc.cn-hangzhou.pai-eas.aliyuncs.com", "it is in cn-hangzhou"),
        ("TRIPCANVAS_EAS_URL", "http://100002.cn-shanghai.pai-eas.aliyuncs.com", "another account's"),
        ("TRIPCANVAS_KMS_ENDPOINT", "https://kms-vpc.cn-beijing.aliyuncs.com", "it is in cn-beijing"),
        ("TRIPCANVAS_FC_ENDPOINT", "https://fcv3.cn-beijing.aliyuncs.com", "it is in cn-beijing"),
        ("TRIPCANVAS_FC_ENDPOINT", "100002.cn-shanghai.fc.aliyuncs.com", "another account's"),
        ("TRIPCANVAS_GREEN_ENDPOINT", "https://green-cip.cn-zhangjiakou.aliyuncs.com", "not known to have"),
        ("TRIPCANVAS_DASHSCOPE_URL", "https://dashscope-intl.aliyuncs.com/api/v1", "leave the country"),
    ],
)
def test_an_address_of_another_region_or_account_is_found(variable, address, expected):
    environment = {"TRIPCANVAS_ACCOUNT_ID": "100001", variable: address}
    [finding] = regions.mismatches("cn-shanghai", environment)
    assert finding.where == variable
    assert expected in finding.what


def test_addresses_that_belong_together_or_do_not_say_are_fine():
    account = {
        "TRIPCANVAS_ACCOUNT_ID": "100001",
        "TRIPCANVAS_OSS_ENDPOINT": "oss-cn-shanghai.aliyuncs.com",
        "TRIPCANVAS_MNS_ENDPOINT": "https://100001.mns.cn-shanghai.aliyuncs.com",
        "TRIPCANVAS_EAS_URL": "http://100001.cn-shanghai.pai-eas.aliyuncs.com",
        "TRIPCANVAS_FC_ENDPOINT": "https://100001.cn-shanghai-internal.fc.aliyuncs.com",
        "TRIPCANVAS_GREEN_ENDPOINT": "https://green-cip-vpc.cn-beijing.aliyuncs.com",
        "TRIPCANVAS_DASHSCOPE_URL": "https://dashscope.aliyuncs.com/api/v1",
        "TRIPCANVAS_KMS_ENDPOINT": "http://[",
    }
    assert not list(regions.mismatches("cn-shanghai", account))


# Storage.


@pytest.fixture
def bucket(cloud):
    """A bucket that nobody has set up, as the SDK has it."""
    auth = oss2.Auth(cloud.access_key_id, cloud.access_key_secret)
    made = oss2.Bucket(auth, cloud.url("oss"), "somebody-elses")
    made.create_bucket()
    yield made
    for item in oss2.ObjectIterator(made):
        made.delete_object(item.key)
    made.delete_bucket()


def test_a_bucket_that_is_absent_open_unencrypted_or_without_rules_is_found(cloud, bucket):
    absent = found(cloud, storage, "bucket of ledger", TRIPCANVAS_LEDGER_BUCKET="nicht-da")
    assert said(absent) == "bucket nicht-da: does not exist; run `tripcanvas provision apply`"
    bucket.put_bucket_public_access_block(False)
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    answer = said(found(cloud, storage, "bucket of ledger", TRIPCANVAS_LEDGER_BUCKET=bucket.bucket_name))
    for part in ("readable by is public-read, not private", "encryption is none", "kept: trips/ is nothing, not 210"):
        assert part in answer


def test_a_versioned_ledger_is_found_by_its_setting_and_by_what_it_does(cloud, bucket):
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    changes = {"TRIPCANVAS_LEDGER_BUCKET": bucket.bucket_name}
    assert "versioning is enabled; take another bucket" in said(found(cloud, storage, "bucket of ledger", **changes))
    assert "a create-only put overwrites" in said(found(cloud, storage, "create-only puts", **changes))


def test_a_bucket_of_another_region_is_found(cloud, monkeypatch):
    there = oss2.models.GetBucketLocationResult(_answered())
    there.location = "oss-cn-beijing"
    monkeypatch.setattr(oss2.Bucket, "get_bucket_location", lambda _: there)
    assert "the bucket lies in oss-cn-beijing" in said(found(cloud, storage, "bucket of gallery"))


def _answered():
    class Answered:
        status, headers, request_id = 200, {"x-oss-request-id": "1"}, "1"

    return Answered()


def test_an_address_that_does_not_serve_the_gallery_is_found(cloud):
    answer = found(cloud, storage, "pictures for the public", TRIPCANVAS_GALLERY_URL=cloud.url("feed"))
    assert "TRIPCANVAS_GALLERY_URL: a public object can't be read there: status 404" in said(answer)
    answer = found(cloud, storage, "pictures for the public", TRIPCANVAS_GALLERY_URL=NOBODY)
    assert "a public object can't be read there: no answer" in said(answer)


def test_a_gallery_that_shows_what_is_private_or_makes_browsers_download_is_found(cloud, service):
    content = storage._CONTENT
    service.answers(Reply(200, content, {"x-oss-force-download": "true"}))
    answer = said(found(cloud, storage, "pictures for the public", TRIPCANVAS_GALLERY_URL=service.url))
    assert "pictures are sent as downloads" in answer
    assert "anybody can read a private object" in answer


def test_a_bucket_that_refuses_public_objects_is_found(cloud):
    answer = found(cloud, storage, "pictures for the public", **role_key(cloud, "tripcanvas-relay-results"))
    assert "a public object is refused" in said(answer)


# Messages.


def test_a_log_project_that_is_absent_or_not_named_is_found(cloud):
    what = "logs and alerts"
    answer = said(found(cloud, logs, what, TRIPCANVAS_LOG_PROJECT="nicht-da"))
    assert "log project nicht-da: does not exist; run `tripcanvas provision apply`" in answer
    assert "log store nicht-da/functions: does not exist" in answer
    assert "alert nicht-da/tripcanvas-relay-silent: does not exist" in answer
    assert "functions have nowhere to log" in said(found(cloud, logs, what, TRIPCANVAS_LOG_PROJECT=""))
    workers = {"TRIPCANVAS_LOG_PROJECT": "", "TRIPCANVAS_TRIP_QUEUE": "trips"}
    assert not found(cloud, logs, what, **workers).findings


@pytest.fixture
def topic(cloud):
    made = embedded(cloud).services.messages.account.get_topic("旅程".encode().hex())
    made.create(TopicMeta())
    yield made
    made.delete()


def test_a_topic_that_is_absent_is_found(cloud):
    answer = found(cloud, channels, "topics and queues", TRIPCANVAS_TRIP_TOPIC="nicht-da")
    assert "topic nicht-da: does not exist" in said(answer)
    answer = found(cloud, channels, "subscriptions", TRIPCANVAS_TRIP_TOPIC="nicht-da")
    assert "TopicNotExist" in said(answer)


def test_a_topic_to_which_no_function_listens_is_found(cloud, topic):
    topic.get_subscription("site").subscribe(SubscriptionMeta("http://example.com/n"))
    answer = found(cloud, channels, "subscriptions", TRIPCANVAS_TRIP_TOPIC=topic.topic_name)
    assert said(answer) == f"topic {topic.topic_name}: no function is subscribed; deploy the functions: `s deploy`"


def test_a_subscription_that_gives_up_early_is_found(cloud, topic):
    endpoint = f"acs:fc:cn-shanghai:{cloud.account_id}:functions/tripcanvas-trip-completed"
    topic.get_subscription("function").subscribe(SubscriptionMeta(endpoint, "BACKOFF_RETRY", "JSON"))
    answer = said(found(cloud, channels, "subscriptions", TRIPCANVAS_TRIP_TOPIC=topic.topic_name))
    assert "the strategy is BACKOFF_RETRY" in answer


def test_a_subscription_whose_form_no_function_reads_is_found(cloud, monkeypatch):
    attributes = SubscriptionMeta("acs:fc:cn-shanghai:1:functions/f", "EXPONENTIAL_DECAY_RETRY", "XML")
    monkeypatch.setattr(channels, "_attributes", lambda *_: [attributes])
    assert "notifications come as XML" in said(found(cloud, channels, "subscriptions"))


# Models.


@pytest.mark.parametrize("name", ["text", "judge", "image"])
def test_a_model_that_is_gone_is_found_with_its_successor(cloud, name):
    changes = {f"TRIPCANVAS_{name.upper()}_MODEL": "qwen-vl-max"}
    answer = said(found(cloud, models, f"{name} model", **changes))
    assert "qwen-vl-max: dashscope: ModelNotFound" in answer
    assert "set qwen3.7-plus" in answer
    changes = {f"TRIPCANVAS_{name.upper()}_MODEL": "千问"}
    assert "look up its spelling" in said(found(cloud, models, f"{name} model", **changes))


def test_a_retired_model_that_still_answers_is_found(cloud):
    answer = found(cloud, models, "text model", TRIPCANVAS_TEXT_MODEL="qwen-max")
    # It answers in a form of its own, or in the usual one: either way there is a successor.
    assert "qwen3.7-max" in said(answer)
    assert "set wan2.2-t2i-flash" in said(found(cloud, models, "image model", TRIPCANVAS_IMAGE_MODEL="wanx2-t2i-lite"))


@pytest.mark.parametrize("model", ["wan2.6-t2i", "qwen-image-2.0", "z-image-turbo"])
def test_a_model_that_takes_a_conversation_is_asked_in_its_own_way(cloud, model):
    assert found(cloud, models, "image model", TRIPCANVAS_IMAGE_MODEL=model) == Answer(f"{model} answers")


@pytest.mark.parametrize("name", ["text", "judge", "image"])
def test_a_wrong_key_and_a_throttled_model_are_found(cloud, service, name):
    wrong = found(cloud, models, f"{name} model", DASHSCOPE_API_KEY="sk-falsch")
    assert said(wrong).startswith("DASHSCOPE_API_KEY: dashscope: InvalidApiKey")
    service.answers(Reply(429, b'{"code": "Throttling.RateQuota", "message": "", "request_id": "1"}', _JSON))
    throttled = found(cloud, models, f"{name} model", TRIPCANVAS_DASHSCOPE_URL=service.url)
    assert "ask for a higher quota" in said(throttled)
    assert len(service.seen) == 1


def test_a_judge_that_is_switched_off_is_no_finding(cloud):
    answer = found(cloud, models, "judge model", TRIPCANVAS_JUDGE_MODEL="off")
    assert (answer.is_known, answer.findings) == (False, ())


def test_no_picture_is_ordered_that_could_be_painted(cloud, service):
    service.answers(Reply(200, b'{"output": {"task_id": "1", "task_status": "PENDING"}}'))
    answer = found(cloud, models, "image model", TRIPCANVAS_DASHSCOPE_URL=service.url)
    assert service.seen[0].json()["parameters"]["size"] == "1*1"
    assert "may have been painted" in said(answer)


# Moderation.


def test_a_service_that_green_does_not_have_is_found(cloud):
    answer = found(cloud, moderating, "moderation of trips' words", TRIPCANVAS_GREEN_WORDS_SERVICE="没有")
    assert "TRIPCANVAS_GREEN_WORDS_SERVICE: green: 400" in said(answer)
    answer = found(cloud, moderating, "moderation of pictures", TRIPCANVAS_GREEN_PICTURE_SERVICES="aigcCheck,nein")
    assert "TRIPCANVAS_GREEN_PICTURE_SERVICES: green: 400" in said(answer)


def test_a_key_that_may_not_ask_green_is_found(cloud):
    key = role_key(cloud, "tripcanvas-relay-results")
    assert "grant the key yundun-greenweb:*" in said(found(cloud, moderating, "moderation of teams' names", **key))


# Painting.


def test_a_wrong_token_and_a_wrong_service_are_found(cloud):
    assert "answered 401" in said(found(cloud, painting, "GPU queue", TRIPCANVAS_EAS_TOKEN="falsch"))
    assert "answered 404" in said(found(cloud, painting, "GPU queue", TRIPCANVAS_EAS_SERVICE="anderer"))


def test_a_limit_above_the_queues_own_is_found(cloud):
    answer = said(found(cloud, painting, "GPU queue", TRIPCANVAS_EAS_MAX_PAYLOAD_BYTES="65536"))
    assert "TRIPCANVAS_EAS_MAX_PAYLOAD_BYTES: 65536, but the queue takes 8192 bytes" in answer


def test_a_queue_that_is_too_small_for_a_workflow_or_nearly_full_is_found(cloud, service):
    attributes = {"stream.length": "900", "stream.approxMaxLength": "1000", "meta.maxPayloadBytes": "2000"}
    service.answers(Reply(200, json.dumps(attributes).encode()))
    answer = said(found(cloud, painting, "GPU queue", TRIPCANVAS_EAS_URL=service.url))
    assert "the output queue holds 900 of at most 1000 results" in answer
    assert "workflow wanx_scene: up to" in answer


def test_a_service_that_takes_any_token_is_found(cloud, service):
    service.answers(Reply(200, b"{}"))
    answer = found(cloud, painting, "a wrong EAS token", TRIPCANVAS_EAS_URL=service.url)
    assert "anybody may queue graphs" in said(answer)


def test_a_service_that_is_stopped_absent_or_of_the_other_edition_is_found(cloud, monkeypatch):
    stopped = Live({"metadata": {"type": "Async"}}, "Stopped", 0, 1, None)
    monkeypatch.setattr(ControlPlane, "describe", lambda *_: stopped)
    assert "it is Stopped" in said(found(cloud, painting, "GPU service"))
    answer = said(found(cloud, painting, "GPU service", TRIPCANVAS_EAS_EDITION="standard"))
    assert "the service is of the api edition" in answer
    monkeypatch.setattr(ControlPlane, "describe", lambda *_: None)
    assert "there is no service" in said(found(cloud, painting, "GPU service", account=True))


def test_a_control_plane_that_will_not_say_is_no_finding(cloud, monkeypatch):
    def refuse(*_):
        raise Refused("eas", "NoPermission")

    monkeypatch.setattr(ControlPlane, "describe", refuse)
    answer = found(cloud, painting, "GPU service", account=True)
    assert (answer.is_known, answer.findings) == (False, ())


# Functions.


def test_functions_that_are_absent_broken_or_run_with_other_settings_are_found(cloud, service):
    broken = {"functionName": "tripcanvas-image-ready", "state": "Failed", "lastUpdateStatus": "Failed"}
    other = {
        "functionName": "tripcanvas-trip-completed",
        "state": "Active",
        "environmentVariables": {"TRIPCANVAS_WORKFLOW": "sdxl_style", "TRIPCANVAS_FEED_SECRET": "geheim"},
    }
    service.answers(Reply(200, json.dumps({"functions": [broken, other]}).encode()))
    answer = said(found(cloud, functions, "functions", account=True, TRIPCANVAS_FC_ENDPOINT=service.url))
    assert "function tripcanvas-relay-results: is not deployed" in answer
    assert "function tripcanvas-image-ready: it is Failed" in answer
    assert "it runs with another TRIPCANVAS_FEED_SECRET, TRIPCANVAS_WORKFLOW" in answer
    assert "geheim" not in answer


def test_functions_of_another_environment_are_not_taken_for_these(cloud):
    answer = found(cloud, functions, "functions", TRIPCANVAS_PREFIX="tripcanvas-staging")
    assert "function tripcanvas-staging-image-ready: is not deployed" in said(answer)


def test_a_key_that_may_not_list_functions_is_found(cloud):
    answer = found(cloud, functions, "functions", ALIBABA_CLOUD_ACCESS_KEY_SECRET="falsch")
    assert "fc:ListFunctions" in said(answer)


# The feed.


def test_another_secret_on_either_side_is_found(cloud):
    strange = "whsec_" + base64.b64encode(b"x" * 24).decode()
    answer = found(cloud, posting, "feed", TRIPCANVAS_FEED_SECRET=strange)
    assert "answered 401" in said(answer)
    assert "must start with whsec_" in said(found(cloud, posting, "feed", TRIPCANVAS_FEED_SECRET="falsch"))


def test_a_feed_that_verifies_nothing_is_found(cloud, service):
    service.answers(Reply(404, b"{}"))
    changes = {"TRIPCANVAS_FEED_URL": f"{service.url}/api/posts"}
    assert not found(cloud, posting, "feed", **changes).findings
    assert "anybody could post" in said(found(cloud, posting, "a wrong signature", **changes))
    assert {seen.method for seen in service.seen} == {"GET"}


def test_a_feed_that_knows_a_post_that_never_was_is_found(cloud, service):
    service.answers(Reply(200, b'{"post_id": "1"}'))
    answer = found(cloud, posting, "feed", TRIPCANVAS_FEED_URL=f"{service.url}/api/posts")
    assert "a journey that does not exist" in said(answer)


def test_a_topic_can_not_be_asked(cloud):
    for what in ("feed", "a wrong signature"):
        answer = found(cloud, posting, what, TRIPCANVAS_FEED_TARGET="mns")
        assert (answer.is_known, answer.findings) == (False, ())


# Label and clocks.


def test_a_producer_code_that_is_none_or_nobodys_is_found(cloud):
    assert "27-character producer code" in said(found(cloud, label, "producer code", TRIPCANVAS_PRODUCER_CODE="京"))
    assert "names no company" in said(found(cloud, label, "producer code", account=True))


@pytest.mark.parametrize("minutes", [-20, 3])
def test_a_clock_that_is_wrong_is_found(cloud, service, minutes):
    then = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=minutes), usegmt=True)
    service.answers(Reply(raw=f"HTTP/1.1 200 OK\r\nDate: {then}\r\nContent-Length: 0\r\n\r\n".encode()))
    answer = found(cloud, clocks, "clock of oss", TRIPCANVAS_OSS_ENDPOINT=service.url)
    [finding] = answer.findings
    assert abs(minutes) * 60 - 2 <= int(finding.what.split()[-3]) <= abs(minutes) * 60 + 2


def test_a_clock_that_says_nothing_or_can_not_be_reached_is_no_finding(cloud, service):
    service.answers(Reply(raw=b"HTTP/1.1 200 OK\r\nDate: gestern\r\nContent-Length: 0\r\n\r\n"))
    for address in (service.url, NOBODY):
        answer = found(cloud, clocks, "clock of feed", TRIPCANVAS_FEED_URL=address)
        assert (answer.is_known, answer.findings) == (False, ())


# KMS.


def test_what_kms_decrypts_is_used_and_what_it_does_not_is_found_once(cloud, service):
    service.answers(Reply(200, json.dumps({"Plaintext": cloud.eas_token}).encode()))
    changes = {"TRIPCANVAS_KMS_ENDPOINT": service.url, "TRIPCANVAS_EAS_TOKEN": "kms:AAAA"}
    outcomes = probed(Deployment({**embedded(cloud).environment, **changes}, cloud))
    assert outcomes[0].answer == Answer("decrypted")
    assert not findings_of(outcomes)
    service.answers(Reply(403, b"{}"))
    outcomes = probed(Deployment({**embedded(cloud).environment, **changes}, cloud))
    [finding] = findings_of(outcomes)
    assert finding.where == "TRIPCANVAS_EAS_TOKEN"
    unasked = {outcome.probe.what for outcome in outcomes if outcome.answer.text.startswith("not asked: KMS")}
    assert unasked == {"GPU queue", "a wrong EAS token"}


def test_an_error_names_the_setting_that_is_missing(cloud):
    deployment = Deployment({**cloud.environment(), "TRIPCANVAS_FEED_URL": ""}, cloud)
    [outcome] = ask_all([posting.probes()[0]], deployment)
    assert "TRIPCANVAS_FEED_URL is not set" in said(outcome.answer)
    with pytest.raises(Misconfigured):
        deployment.settings.need("feed_url")
