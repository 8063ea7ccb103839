"""`tripcanvas provision`: what the functions stand on is made, kept as it should be, and taken away."""

from __future__ import annotations

import json
import re

import oss2
import pytest
from typer.testing import CliRunner

from cli.deployment import embedded
from cli.main import app
from cli.provision import lock
from cli.provision.channels import Topic
from cli.provision.desired import resources_of
from localcloud.ram import role_credentials
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Unavailable
from shared.retention import RULE_PREFIX

ALL = 11


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("account") / "cloud", free_ports=True, empty=True)
    with Supervisor(cloud, ["oss", "mns", "ram"]):
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
    ledger(made).delete(lock.KEY)
    run(made, "destroy", "--yes")
    with lock.held(ledger_again(made)):
        answer = run(made, "apply", "--yes")
    assert answer.exit_code == 1
    assert "has been provisioning this deployment since" in answer.output
    assert run(made, "apply", "--yes").exit_code == 0
    assert list(ledger(made).keys("provisioning/")) == []


def ledger_again(cloud):
    bucket = ledger(cloud)
    bucket.sdk.create_bucket(oss2.BUCKET_ACL_PRIVATE)
    return bucket


def test_a_lock_that_was_left_behind_is_taken_over(made, monkeypatch):
    monkeypatch.setattr(lock, "STALE_AFTER", lock.STALE_AFTER * 0)
    bucket = ledger(made)
    with lock.held(bucket), lock.held(bucket):
        pass
    assert list(bucket.keys("provisioning/")) == []


def test_what_holds_data_is_not_destroyed_until_it_is_said_twice(made):
    services = embedded(made).services
    services.gallery.put("posts/x/feed.jpg", b"picture", "image/jpeg")
    services.messages.send(services.settings.dead_letter_queue, "一封信".encode())
    kept = run(made, "destroy", "--yes")
    assert kept.exit_code == 0, kept.output
    assert "2 kept, because they hold data" in kept.output
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
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}, "SignatureDoesNotMatch"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIwrong"}, "InvalidAccessKeyId"),
        ({"TRIPCANVAS_ACCOUNT_ID": ""}, "TRIPCANVAS_ACCOUNT_ID is not set"),
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


#: Arguments of the provider's resources that are used, as its documentation has them.
ARGUMENTS = {
    "alicloud_oss_bucket": {"bucket", "server_side_encryption_rule", "lifecycle_rule", "lifecycle"},
    "alicloud_oss_bucket_public_access_block": {"bucket", "block_public_access"},
    "alicloud_message_service_topic": {"topic_name", "max_message_size"},
    "alicloud_message_service_queue": {
        "queue_name", "maximum_message_size", "message_retention_period", "visibility_timeout",
    },
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
    assert {each.name for each in resources_of(embedded(made))} <= names


def test_a_cloud_that_was_not_begun_empty_is_no_empty_one(tmp_path):
    Cloud.open(tmp_path / "cloud", free_ports=True)
    answer = CliRunner().invoke(app, ["up", "--empty", "--root", str(tmp_path / "cloud")])
    assert answer.exit_code == 1
    assert "was begun with everything in it" in " ".join(answer.output.split())
