"""`tripcanvas provision`: what the functions stand on is made, kept as it should be, and taken away."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import oss2
import pytest
from typer.testing import CliRunner

from cli.deployment import Deployment, embedded
from cli.eas.control_plane import ControlPlane
from cli.eas.settings import FILE
from cli.main import app
from cli.monitoring import ALERTS
from cli.provision import buckets, lock
from cli.provision.channels import Topic
from cli.provision.desired import monitors_of, resources_of, roles_of
from cli.provision.monitors import Monitor
from localcloud.ram import caller_of, role_credentials
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Misconfigured, Unavailable
from shared.retention import RULE_PREFIX
from shared.services import utc_now

ALL = 15 + len(ALERTS)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("account") / "cloud", free_ports=True, empty=True)
    with Supervisor(cloud, ["oss", "mns", "eas", "ram", "sls"]):
        yield cloud


@pytest.fixture
def cloud(running):
    """An account with nothing in it."""
    run(running, "destroy", "--yes", "--delete-data")
    return running


@pytest.fixture
def made(cloud):
    """An account that is provisioned."""
    answer = run(cloud, "apply", "--yes")
    assert answer.exit_code == 0, answer.output
    return cloud


def run(cloud, *arguments, **options):
    return CliRunner().invoke(app, ["provision", *arguments, "--root", str(cloud.root)], **options)


def actions(cloud):
    told = json.loads(run(cloud, "plan", "--json").stdout)
    return {(each["kind"], each["name"]): each["action"] for each in told}


def ledger(cloud):
    return embedded(cloud).services.ledger.bucket


def test_an_empty_account_lacks_everything_and_then_nothing(cloud):
    before = run(cloud, "plan")
    assert before.exit_code == 2
    assert before.output.rstrip().endswith(f"{ALL} create")
    assert actions(cloud) == dict.fromkeys(actions(cloud), "create")
    applied = run(cloud, "apply", "--yes")
    assert applied.exit_code == 0, applied.output
    assert "Everything is as it should be." in applied.output
    after = run(cloud, "plan")
    assert (after.exit_code, after.output.strip()) == (0, f"{ALL} leave")
    assert run(cloud, "apply", "--yes").output.strip() == f"{ALL} leave"


def test_nothing_is_done_before_somebody_has_said_yes(cloud):
    answer = run(cloud, "apply", input="n\n")
    assert answer.exit_code == 1
    assert set(actions(cloud).values()) == {"create"}


def test_what_differs_is_shown_and_mended_and_what_is_not_ours_stays(made):
    services = embedded(made).services
    gallery = services.gallery.sdk
    gallery.put_bucket_public_access_block(False)
    gallery.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    rule = oss2.models.LifecycleRule("theirs", "their/", expiration=oss2.models.LifecycleExpiration(3))
    ledger(made).sdk.put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))
    [role] = [each for each in resources_of(embedded(made)) if each.name == "tripcanvas-relay-results"]
    weaker = json.dumps({"Version": "1", "Statement": []})
    for _ in range(7):
        role.client.must(
            "create_policy_version", policy_name=role.name, policy_document=weaker, set_as_default=True,
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
        )  # fmt: skip
    shown = run(made, "plan")
    assert shown.exit_code == 2
    assert re.search(r"~\s+bucket\s+tripcanvas-gallery\s+readable by\s+public-read\s+private", shown.output)
    assert re.search(r"~\s+role\s+tripcanvas-relay-results\s+policy", shown.output)
    assert "kept: journeys/" in shown.output
    assert run(made, "apply", "--yes").exit_code == 0
    assert set(actions(made).values()) == {"leave"}
    rules = ledger(made).lifecycle()
    assert {"theirs"} == {id_ for id_ in rules if not id_.startswith(RULE_PREFIX)}


def test_a_half_applied_run_is_finished_by_the_next(cloud, monkeypatch):
    def down(self, found):
        raise Unavailable("mns", "ConnectionFailed")

    with monkeypatch.context() as broken:
        broken.setattr(Topic, "apply", down)
        answer = run(cloud, "apply", "--yes")
        assert answer.exit_code == 1
        assert "mns: ConnectionFailed" in answer.output
    assert set(actions(cloud).values()) == {"create", "leave"}
    assert run(cloud, "apply", "--yes").exit_code == 0
    assert set(actions(cloud).values()) == {"leave"}


class Killed(BaseException):
    """The end of a run in its middle."""


@pytest.mark.parametrize("call", ["create_policy", "attach_policy_to_role"])
def test_a_role_that_was_half_made_is_finished(cloud, monkeypatch, call):
    from cli.provision.roles import Ram

    made = Ram.must

    def dies(self, name, **fields):
        if name == call:
            raise Killed
        made(self, name, **fields)

    with monkeypatch.context() as broken:
        broken.setattr(Ram, "must", dies)
        with pytest.raises(Killed):
            run(cloud, "apply", "--yes")
    assert run(cloud, "apply", "--yes").exit_code == 0
    assert set(actions(cloud).values()) == {"leave"}


def test_two_people_do_not_provision_at_once(made):
    embedded(made).services.gallery.sdk.delete_bucket_lifecycle()
    with lock.held(ledger(made)) as first:
        answer = run(made, "apply", "--yes")
        assert answer.exit_code == 1
        assert "has been provisioning this deployment since" in answer.output
        assert run(made, "plan").exit_code == 2
        first.check()
    assert run(made, "apply", "--yes").exit_code == 0


def test_a_lock_that_was_left_behind_is_taken_over_and_its_holder_told(made, monkeypatch):
    monkeypatch.setattr(lock, "STALE_AFTER", lock.STALE_AFTER * 0)
    bucket = ledger(made)
    with lock.held(bucket) as late:
        with lock.held(bucket) as second:
            second.check()
            with pytest.raises(lock.InOtherHands, match="somebody else has begun"):
                late.check()
        with lock.held(bucket):
            pass
    assert len(list(bucket.keys("provisioning/lock/"))) == 1


def test_of_many_who_take_over_at_once_one_provisions(made, monkeypatch):
    bucket = ledger(made)
    left = lock.Holder("somebody@gone", utc_now() - lock.STALE_AFTER, "", is_over=False)
    bucket.put("provisioning/lock/00000999.json", msgspec.json.encode(left), "application/json")
    together, inside, most, taken = threading.Barrier(8), threading.Semaphore(1), [], []

    def take(_):
        together.wait()
        try:
            with lock.held(bucket):
                most.append(inside.acquire(blocking=False))
                time.sleep(0.05)
                inside.release()
        except lock.InOtherHands:
            taken.append(1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(8)))
    assert most
    assert all(most)
    assert len(most) + len(taken) == 8


def test_one_who_was_late_finds_a_newer_number(made, monkeypatch):
    bucket, newest = ledger(made), lock._newest
    with lock.held(bucket) as now:
        # What it had looked at is long gone.
        answers = [now.number - 2]
        monkeypatch.setattr(lock, "_newest", lambda bucket: answers.pop() if answers else newest(bucket))
        with pytest.raises(lock.InOtherHands, match="just begun"), lock.held(bucket):
            pass
        now.check()
    assert len(list(bucket.keys("provisioning/lock/"))) == 1


def test_what_holds_data_is_not_destroyed_until_it_is_said_twice(made):
    services = embedded(made).services
    services.gallery.put("posts/x/feed.jpg", b"picture", "image/jpeg")
    services.messages.send(services.settings.dead_letter_queue, "一封信".encode())
    kept = run(made, "destroy", "--yes")
    assert kept.exit_code == 0, kept.output
    assert "5 kept" in kept.output
    assert "the record of what stays" in kept.output
    assert actions(made)["bucket", "tripcanvas-gallery"] == "leave"
    assert actions(made)["role", "tripcanvas-image-ready"] == "create"
    wrong = run(made, "destroy", "--delete-data", input="tripcanvas-gallery\n")
    assert wrong.exit_code == 1
    assert "nothing was deleted" in wrong.output
    assert services.gallery.get("posts/x/feed.jpg", max_bytes=99) == b"picture"
    assert run(made, "destroy", "--delete-data", input="tripcanvas-ledger\n").exit_code == 0
    assert set(actions(made).values()) == {"create"}


def test_a_versioned_ledger_is_refused(made):
    ledger(made).sdk.put_bucket_versioning(oss2.models.BucketVersioningConfig("Suspended"))
    answer = run(made, "apply", "--yes")
    assert answer.exit_code == 1
    assert "versioning is suspended, which can't be undone" in " ".join(answer.output.split())


def env_file(cloud, folder, **changes):
    file = folder / "prod.env"
    file.touch(mode=0o600)
    values = {**cloud.environment(), **changes}
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items() if value), "utf-8")
    return file


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}, "the access key is refused (SignatureNotMatch)"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIwrong"}, "the access key is refused (InvalidAccessKeyID)"),
        ({"TRIPCANVAS_ACCOUNT_ID": ""}, "TRIPCANVAS_ACCOUNT_ID is not set"),
        ({"TRIPCANVAS_ACCOUNT_ID": "1" * 16}, f"is {'1' * 16}, but the access key is of account"),
        ({"TRIPCANVAS_OSS_ENDPOINT": "https://oss-cn-beijing.aliyuncs.com"}, "cn-beijing"),
        ({"TRIPCANVAS_LEDGER_BUCKET": ""}, "TRIPCANVAS_LEDGER_BUCKET is not set"),
        ({"TRIPCANVAS_OSS_ENDPOINT": "http://127.0.0.1:9"}, "does the file of --env name the right address"),
        ({"TRIPCANVAS_RAM_ENDPOINT": "http://127.0.0.1:9"}, "does the file of --env name the right address"),
    ],
)
def test_what_is_wrong_with_the_account_is_said_in_one_sentence(made, tmp_path, changes, said):
    answer = run(made, "plan", "--env", str(env_file(made, tmp_path, **changes)))
    assert answer.exit_code == 1
    assert said in " ".join(answer.output.split())


def test_a_missing_permission_is_named(made, tmp_path):
    lesser = role_credentials(made, "tripcanvas-relay-results")
    key = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": lesser.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": lesser.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": lesser.security_token,
    }
    answer = run(made, "plan", "--env", str(env_file(made, tmp_path, **key)))
    assert answer.exit_code == 1
    assert "not allowed: oss:GetBucketAcl on bucket tripcanvas-ledger" in " ".join(answer.output.split())


def test_alerts_are_made_where_it_is_said_whom_they_wake(made, tmp_path):
    alert, *_ = (each for each in monitors_of(embedded(made)) if each.kind == "alert")
    configuration = {**alert.document["configuration"], "threshold": 9, "noDataSeverity": 6}
    alert.client.must("UpdateJob", "update_alert", alert.project, {**alert.document, "configuration": configuration})
    assert [each for each, action in actions(made).items() if action == "change"] == [("alert", alert.name)]
    assert run(made, "apply", "--yes").exit_code == 0
    # What nobody asked for would stay, but an alert is put as a whole.
    assert set(actions(made).values()) == {"leave"}
    without = Deployment({**embedded(made).environment, "TRIPCANVAS_ACTION_POLICY": ""})
    assert [each.kind for each in monitors_of(without)] == ["dashboard"]
    assert not monitors_of(Deployment({**embedded(made).environment, "TRIPCANVAS_LOG_PROJECT": ""}))


def test_roles_decrypt_by_the_key_that_is_named_and_by_no_other(made):
    given = {**embedded(made).environment, "TRIPCANVAS_FEED_SECRET": "kms:" + "x" * 40}
    with pytest.raises(Misconfigured, match=r"TRIPCANVAS_KMS_KEY is not set; .* decrypt TRIPCANVAS_FEED_SECRET"):
        roles_of(Deployment(given))
    for role in roles_of(Deployment({**given, "TRIPCANVAS_KMS_KEY": "key-szj1"})):
        role.apply(role.read())
        assert role.read() == role.wanted
    role = role_credentials(made, "tripcanvas-image-ready")
    caller = caller_of(made, role.access_key_id, role.security_token)
    account = f"acs:kms:{made.region}:{made.account_id}:key"
    assert caller.may("kms:Decrypt", f"{account}/key-szj1")
    assert not caller.may("kms:Decrypt", f"{account}/key-other")
    assert caller.may("oss:GetObject", f"acs:oss:*:{made.account_id}:tripcanvas-ledger/journeys/x")


#: Arguments of the provider's resources that are used, as its documentation has them.
ARGUMENTS = {
    "alicloud_oss_bucket": {"bucket", "server_side_encryption_rule", "lifecycle_rule", "lifecycle"},
    "alicloud_oss_bucket_public_access_block": {"bucket", "block_public_access"},
    "alicloud_log_project": {"project_name"},
    "alicloud_log_store": {
        "project_name", "logstore_name", "retention_period", "shard_count", "auto_split", "max_split_shard_count",
    },
    "alicloud_log_store_index": {"project", "logstore", "full_text", "field_search"},
    "alicloud_message_service_topic": {"topic_name", "max_message_size"},
    "alicloud_message_service_queue": {
        "queue_name", "maximum_message_size", "message_retention_period", "visibility_timeout",
    },
    "alicloud_pai_service": {"//", "service_config", "develop"},
    "alicloud_ram_role": {"role_name", "assume_role_policy_document"},
    "alicloud_ram_policy": {"policy_name", "policy_document"},
    "alicloud_ram_role_policy_attachment": {"policy_name", "policy_type", "role_name"},
}  # fmt: skip


def test_terraform_makes_the_same(made, tmp_path):
    assert run(made, "terraform", "--out", str(tmp_path)).exit_code == 0
    text = (tmp_path / "main.tf.json").read_text("utf-8")
    resources = json.loads(text)["resource"]
    assert set(resources) == set(ARGUMENTS)
    for kind, bodies in resources.items():
        for body in bodies.values():
            assert set(body) == ARGUMENTS[kind]
    for kind, label, argument in re.findall(r"\$\{(\w+)\.(\w+)\.(\w+)\}", text):
        assert argument in resources[kind][label]
    names = {value for bodies in resources.values() for body in bodies.values() for value in body.values() if isinstance(value, str)}  # fmt: skip
    [service] = resources["alicloud_pai_service"].values()
    config = json.loads(service["service_config"])
    others = [each for each in resources_of(embedded(made)) if not isinstance(each, Monitor)]
    wanted = {each.name.rpartition("/")[2] for each in others}
    assert wanted <= names | {config["metadata"]["name"]}
    assert "${var.dashscope_api_key}" in service["service_config"]
    assert made.dashscope_api_key not in text


def test_a_cloud_that_was_not_begun_empty_is_no_empty_one(tmp_path):
    Cloud.open(tmp_path / "cloud", free_ports=True)
    answer = CliRunner().invoke(app, ["up", "--empty", "--root", str(tmp_path / "cloud")])
    assert answer.exit_code == 1
    assert "was begun with everything in it" in " ".join(answer.output.split())


@pytest.fixture
def eas_settings(tmp_path):
    """A settings file of the service, to be changed."""
    text = FILE.read_text("utf-8")

    def changed(old="", new=""):
        assert old in text
        file = tmp_path / "settings.toml"
        file.write_text(text.replace(old, new), "utf-8")
        return str(file)

    return changed


def live(cloud):
    deployment = embedded(cloud)
    found = ControlPlane(cloud.region, deployment.credentials, cloud.url("eas")).describe("tripcanvas_comfyui")
    assert found is not None
    return found


def test_the_service_is_made_with_its_autoscaler_and_its_secret(made):
    found = live(made)
    [container] = found.service["containers"]
    assert {"name": "DASHSCOPE_API_KEY", "value": made.dashscope_api_key} in container["env"]
    assert found.service["metadata"]["type"] == "Async"
    assert (found.autoscaler["min"], found.autoscaler["max"]) == (0, 4)


def test_a_changed_autoscaler_restarts_nothing(made, eas_settings):
    before = live(made)
    file = eas_settings("max = 4", "max = 8")
    shown = " ".join(run(made, "plan", "--eas", file).output.split())
    assert "autoscaler.max 4 8" in shown
    assert "takes effect without a restart" in shown
    assert run(made, "apply", "--yes", "--eas", file).exit_code == 0
    assert live(made).autoscaler["max"] == 8
    assert live(made).service == before.service


def test_another_image_says_what_it_does_and_leaves_the_number_of_instances(made, eas_settings):
    file = eas_settings('version = "2.2"', 'version = "2.3"')
    shown = run(made, "plan", "--eas", file).output
    assert "replaces every instance, one after the other" in shown
    assert made.dashscope_api_key not in shown
    assert run(made, "apply", "--yes", "--eas", file).exit_code == 0
    assert live(made).service["containers"][0]["image"].endswith(":2.3-api")
    assert run(made, "plan", "--eas", file).exit_code == 0


def test_an_autoscaler_that_is_wanted_no_more_is_taken_away(made, eas_settings, tmp_path):
    file = Path(eas_settings())
    head, _, rest = file.read_text("utf-8").partition("[api.autoscaler]")
    file.write_text(head + rest[rest.index("[standard]") :], "utf-8")
    assert run(made, "apply", "--yes", "--eas", str(file)).exit_code == 0
    assert live(made).autoscaler is None
    assert run(made, "plan", "--eas", str(file)).exit_code == 0


def test_what_would_lose_the_queue_is_left_to_a_person(made, eas_settings):
    answer = run(made, "apply", "--yes", "--eas", eas_settings("memory_mb = 4000", "memory_mb = 8000"))
    assert answer.exit_code == 1
    said = " ".join(answer.output.split())
    assert "queue.memory: replaces the queue" in said
    assert "do that by hand" in said
    assert live(made).service["queue"]["memory"] == 4000


@pytest.mark.parametrize(
    ("eas", "changes", "said"),
    [
        ("nicht-da.toml", {}, "--eas nicht-da.toml: a settings file expected, or none"),
        (("min = 0", "min = 4"), {}, "api.autoscaler.max: more than api.autoscaler.min"),
        ((), {"TRIPCANVAS_EAS_SERVICE": "another"}, "api.name"),
        ((), {"DASHSCOPE_API_KEY": ""}, "DASHSCOPE_API_KEY, which is not set"),
        ((), {"TRIPCANVAS_EAS_CONTROL_URL": "http://127.0.0.1:9"}, "eas: ConnectionFailed"),
    ],
)
def test_a_service_that_can_not_be_made_is_told(cloud, tmp_path, eas_settings, eas, changes, said):
    file = eas if isinstance(eas, str) else eas_settings(*eas)
    answer = run(cloud, "apply", "--yes", "--eas", file, "--env", str(env_file(cloud, tmp_path, **changes)))
    assert answer.exit_code == 1
    assert said in " ".join(answer.output.split())


def test_before_the_service_exists_nobody_knows_its_token(cloud, tmp_path):
    file = env_file(cloud, tmp_path, TRIPCANVAS_EAS_TOKEN="", TRIPCANVAS_EAS_URL="")
    for arguments, status in ((("plan",), 2), (("apply", "--yes"), 0), (("plan",), 0), (("destroy", "--yes"), 0)):
        answer = run(cloud, *arguments, "--env", str(file))
        assert answer.exit_code == status, answer.output


def test_the_service_is_left_alone_when_told_so(cloud):
    assert ("service", "tripcanvas_comfyui") in actions(cloud)
    assert run(cloud, "apply", "--yes", "--eas", "none").exit_code == 0
    assert actions(cloud)["service", "tripcanvas_comfyui"] == "create"


def test_what_was_there_before_is_never_taken_away(cloud):
    gallery = embedded(cloud).services.gallery
    gallery.sdk.create_bucket(oss2.BUCKET_ACL_PRIVATE)
    gallery.put("brand/logo.png", b"theirs", "image/png")
    assert run(cloud, "apply", "--yes").exit_code == 0
    answer = run(cloud, "destroy", "--yes", "--delete-data")
    assert answer.exit_code == 0, answer.output
    assert "not made by provision apply" in answer.output
    assert gallery.get("brand/logo.png", max_bytes=99) == b"theirs"
    gallery.delete("brand/logo.png")
    gallery.sdk.delete_bucket()


def test_a_bucket_that_something_still_writes_to_is_emptied_again(made, monkeypatch):
    renders = embedded(made).services.renders
    late, delete = ["comfy/output/late/2.png", "comfy/output/late/1.png"], oss2.Bucket.delete_bucket

    def delete_bucket(self):
        if late and self.bucket_name == renders.sdk.bucket_name:
            renders.put(late.pop(), b"late", "image/png")
        return delete(self)

    monkeypatch.setattr(oss2.Bucket, "delete_bucket", delete_bucket)
    monkeypatch.setattr(buckets.time, "sleep", lambda _: None)
    answer = run(made, "destroy", "--yes", "--delete-data")
    assert answer.exit_code == 0, answer.output
    assert not late


def test_a_deleted_service_takes_its_queue_with_it(made):
    queue = embedded(made).services.image_queue
    queue.put(b"{}", task_id="one")
    shown = run(made, "destroy", "--yes").output
    assert "1 renders under way" in shown
    assert run(made, "destroy", "--yes", "--delete-data").exit_code == 0
    assert queue.load().waiting == 0
