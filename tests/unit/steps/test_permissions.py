"""Each step as the role of its function: its policy is enough for its work, and for nothing else."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import oss2
import pytest
import requests
import yaml
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message
from mns.topic import TopicMessage, TopicMeta

from cli.policies import deployment_values, policy_documents
from localcloud.ram import Policy, filled, grant, parse_policy, role_credentials
from shared.cancelling import cancel_trip
from shared.errors import TripcanvasError
from shared.intake import take_message
from shared.relay import relay_results
from shared.services import Services
from shared.settings import Credentials, Settings
from shared.sweep import sweep_journeys
from tests.unit.steps.deployment import Crash, Deployment, message, painted, trip

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
ROLES = tuple(policy_documents())
INTAKE, BACKFILL, RELAY, READY, SWEEP = ROLES


@dataclass
class Roles:
    """A deployment whose steps run as roles of this test alone, with its own buckets in their policies."""

    deployment: Deployment
    suffix: str

    def name(self, role: str) -> str:
        return f"{role}-{self.suffix}"

    def document(self, role: str) -> bytes:
        settings = self.deployment.settings
        values = {Settings.variable(name): getattr(settings, name) for name in settings.__dataclass_fields__}
        values["TRIPCANVAS_ACCOUNT_ID"] = self.deployment.cloud.account_id
        return filled(policy_documents()[role], deployment_values(values))

    def grant(self, role: str, without: tuple[str, str] = ("", "")) -> None:
        """Put the role's policy in force, without the action of the statement whose resource holds a word."""
        action, word = without
        policy = parse_policy(self.document(role))
        rules = [
            msgspec.structs.replace(rule, action=tuple(each for each in rule.action if each != action))
            if any(
                word in place for place in (*rule.resource, *rule.condition.get("StringLike", {}).get("oss:Prefix", ()))
            )
            else rule
            for rule in policy.statement
        ]
        assert not action or rules != list(policy.statement)
        grant(self.deployment.cloud, self.name(role), msgspec.json.encode(Policy("1", tuple(rules))))

    def credentials(self, role: str) -> Credentials:
        found = role_credentials(self.deployment.cloud, self.name(role))
        return Credentials(found.access_key_id, found.access_key_secret, found.security_token)

    def services(self, role: str, **settings: str) -> Services:
        owner = self.deployment.instance(**settings)
        return Services(owner.settings, self.credentials(role), owner.now)

    def bucket(self, role: str, name: str) -> oss2.Bucket:
        cloud, signs = self.deployment.cloud, self.credentials(role)
        auth = oss2.StsAuth(signs.access_key_id, signs.access_key_secret, signs.security_token, "v4")
        return oss2.Bucket(auth, cloud.url("oss"), name, region=cloud.region)

    def account(self, role: str, token: str | None = None) -> Account:
        signs = self.credentials(role)
        endpoint = self.deployment.cloud.url("mns")
        return Account(
            endpoint, signs.access_key_id, signs.access_key_secret, signs.security_token if token is None else token
        )


@pytest.fixture
def roles(deployment) -> Roles:
    made = Roles(deployment, uuid.uuid4().hex[:8])
    cloud, topic = deployment.cloud, f"feed-{made.suffix}"
    Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "").get_topic(topic).create(TopicMeta())
    deployment.settings = replace(deployment.settings, feed_topic=topic)
    for role in ROLES:
        made.grant(role)
    return made


# What a story does is told in one go, and fails at the first thing that does not come out as it should.


def takes_trips(roles: Roles) -> None:
    """A trip, the same one again, again after its end, and one that is refused."""
    services, deployment = roles.services(INTAKE), roles.deployment
    sent = trip()
    [taken] = take_message(message(sent), services)
    assert taken.step == "submitted", taken
    # Its marker for a later minute is put, found to be one too many, and taken away.
    deployment.clock.advance(minutes=2)
    [again] = take_message(message(sent), roles.services(INTAKE))
    assert again.step == "submitted", again
    cancel_trip(str(sent["trip_id"]), deployment.instance())
    [late] = take_message(message(sent), roles.services(INTAKE))
    assert (late.step, late.reason) == ("cancelled", ""), late
    for bad in (b"{", b"[" + b" " * 60_000 + "坏".encode()):
        [refused] = take_message(message(bad), roles.services(INTAKE))
        assert (refused.step, refused.retry) == ("rejected", False), refused


def forwards_results(roles: Roles) -> None:
    deployment = roles.deployment
    journey = deployment.submitted()
    deployment.gpu.answer(f"{journey}-1", painted(journey).encode())
    assert relay_results(roles.services(RELAY), seconds=5, until_empty=True) == 1


def posts_pictures(roles: Roles) -> None:
    deployment = roles.deployment
    journey = deployment.submitted()
    assert finish(roles, journey).step == "published"
    draft = deployment.submitted(consent={"process": True, "publish": False, "show_city": False})
    assert finish(roles, draft).step == "published"


def posts_by_the_topic(roles: Roles) -> None:
    journey = roles.deployment.submitted()
    assert finish(roles, journey, feed_target="mns").step == "published"


def cleans_up(roles: Roles) -> None:
    """What sweeping does after a crash: it goes on, stores again, takes back, renews a marker."""
    deployment = roles.deployment
    sent = trip()
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(2))
    deployment.clock.advance(minutes=16)
    swept = sweep_journeys(roles.services(SWEEP))
    assert (swept.troubled, swept.moved) == (0, 1), swept
    painted_in_vain = trip()
    journey = deployment.take(painted_in_vain).journey
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    cancel_trip(str(painted_in_vain["trip_id"]), deployment.instance())
    deployment.clock.advance(minutes=20)
    assert sweep_journeys(roles.services(SWEEP)).troubled == 0
    lost = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.paint(lost)
    deployment.clock.advance(minutes=31)
    swept = sweep_journeys(roles.services(SWEEP))
    assert swept.troubled == 0, swept
    assert len(deployment.posts(lost)) == 1


def finish(roles: Roles, journey: str, **settings: str) -> Any:
    return roles.deployment.finish(journey, services=roles.services(READY, **settings))


def test_trips_of_the_past_are_taken_with_the_same_permissions_as_live_ones():
    assert policy_documents()[BACKFILL] == policy_documents()[INTAKE]


STORIES: dict[Callable[[Roles], None], str] = {
    takes_trips: INTAKE,
    forwards_results: RELAY,
    posts_pictures: READY,
    posts_by_the_topic: READY,
    cleans_up: SWEEP,
}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_function_does_its_work_as_its_own_role(roles, story):
    story(roles)


@pytest.mark.parametrize(
    ("story", "action", "word"),
    [
        (takes_trips, "oss:PutObject", "trips/"),
        (takes_trips, "oss:GetObject", "trips/"),
        (takes_trips, "oss:PutObject", "journeys/"),
        (takes_trips, "oss:GetObject", "journeys/"),
        (takes_trips, "oss:ListObjects", "journeys/"),
        (takes_trips, "oss:PutObject", "open/"),
        (takes_trips, "oss:DeleteObject", "open/"),
        (takes_trips, "yundun-greenweb:TextModerationPlus", "*"),
        (takes_trips, "mns:SendMessage", "queues/"),
        (forwards_results, "mns:PublishMessage", "topics/"),
        (posts_pictures, "oss:GetObject", "output/"),
        (posts_pictures, "yundun-greenweb:DescribeUploadToken", "*"),
        (posts_pictures, "yundun-greenweb:ImageBatchModeration", "*"),
        (posts_pictures, "oss:PutObject", "posts/"),
        (posts_pictures, "oss:PutObjectAcl", "posts/"),
        (posts_by_the_topic, "mns:PublishMessage", "topics/feed-"),
        (cleans_up, "oss:ListObjects", "open/"),
        (cleans_up, "oss:GetObject", "trips/"),
        (cleans_up, "oss:DeleteObject", "posts/"),
        (cleans_up, "oss:ListObjects", "output/"),
    ],
    ids=lambda part: part.__name__ if callable(part) else part.rstrip("/"),
)
def test_without_one_action_of_its_policy_the_story_fails(roles, story, action, word):
    roles.grant(STORIES[story], without=(action, word))
    with pytest.raises((AssertionError, TripcanvasError)):
        story(roles)


# What no function may do.


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except oss2.exceptions.ServerError as error:
        return str(error.code)
    except MNSServerException as error:
        return str(error.type)
    return "done"


@pytest.mark.parametrize(
    ("role", "bucket", "key"),
    [
        (RELAY, "ledger_bucket", "journeys/00/x/0000.json"),
        (READY, "ledger_bucket", "trips/x.json"),
        (INTAKE, "gallery_bucket", "posts/00/x/feed.jpg"),
        (INTAKE, "render_bucket", "comfy/output/x/a.png"),
        (READY, "render_bucket", "comfy/models/lora.safetensors"),
        (SWEEP, "gallery_bucket", "elsewhere/a.png"),
    ],
)
def test_what_is_none_of_a_functions_business_is_refused_by_oss_itself(roles, role, bucket, key):
    found = roles.bucket(role, getattr(roles.deployment.settings, bucket))
    assert code_of(lambda: found.put_object(key, b"x")) == "AccessDenied"
    assert code_of(lambda: found.get_object(key)) == "AccessDenied"
    # Whoever finds a trip cancelled takes back its pictures.
    if role != INTAKE:
        assert code_of(lambda: found.delete_object(key)) == "AccessDenied"


@pytest.mark.parametrize("role", ROLES)
def test_no_function_deletes_from_the_ledger_or_lists_all_of_it_or_touches_a_bucket(roles, role):
    ledger = roles.bucket(role, roles.deployment.settings.ledger_bucket)
    for call in (
        lambda: ledger.delete_object("journeys/00/x/0000.json"),
        lambda: ledger.batch_delete_objects(["journeys/00/x/0000.json"]),
        ledger.list_objects_v2,
        lambda: ledger.put_bucket_acl("public-read"),
        ledger.delete_bucket,
        lambda: ledger.put_object_acl("journeys/00/x/0000.json", "public-read"),
    ):
        assert code_of(call) == "AccessDenied"


@pytest.mark.parametrize("role", ROLES)
def test_no_function_reads_dead_letters_or_publishes_trips_or_changes_a_queue(roles, role):
    account, settings = roles.account(role), roles.deployment.settings
    queue = account.get_queue(settings.dead_letter_queue)
    for call in (
        lambda: queue.receive_message(0),
        lambda: queue.peek_message(),
        lambda: queue.delete(),
        lambda: account.get_queue("another").send_message(Message("行程")),
        lambda: account.get_topic(settings.trip_topic).publish_message(TopicMessage("行程")),
        lambda: account.get_topic("another").create(TopicMeta()),
    ):
        assert code_of(call) == "AccessDenied"


def test_a_relay_may_not_send_dead_letters_and_a_step_may_not_report_renders(roles):
    settings = roles.deployment.settings
    letters = roles.account(RELAY).get_queue(settings.dead_letter_queue)
    assert code_of(lambda: letters.send_message(Message("x"))) == "AccessDenied"
    renders = roles.account(READY).get_topic(settings.result_topic)
    assert code_of(lambda: renders.publish_message(TopicMessage("x"))) == "AccessDenied"


def test_a_roles_key_without_its_token_is_unknown(roles):
    cloud, signs = roles.deployment.cloud, roles.credentials(READY)
    for auth in (
        oss2.AuthV4(signs.access_key_id, signs.access_key_secret),
        oss2.StsAuth(signs.access_key_id, signs.access_key_secret, "stolen", "v4"),
    ):
        gallery = oss2.Bucket(auth, cloud.url("oss"), "tripcanvas-gallery", region=cloud.region)
        assert code_of(lambda bucket=gallery: bucket.get_object("posts/x")) == "InvalidAccessKeyId"
    topic = roles.account(READY, token="").get_topic(roles.deployment.settings.feed_topic)
    assert code_of(lambda: topic.publish_message(TopicMessage("x"))) == "InvalidAccessKeyId"


def test_a_presigned_address_is_good_for_what_its_role_may_read(roles):
    deployment = roles.deployment
    deployment.instance().gallery.put("posts/00/x/a.jpg", b"picture", "image/jpeg")
    deployment.instance().gallery.put("elsewhere/a.jpg", b"picture", "image/jpeg")
    gallery = roles.services(READY).gallery
    assert requests.get(gallery.signed_url("posts/00/x/a.jpg", expires_s=60), timeout=10).content == b"picture"
    assert requests.get(gallery.signed_url("elsewhere/a.jpg", expires_s=60), timeout=10).status_code == 403


def test_the_committed_policies_are_the_generated_ones_and_every_function_has_its_own():
    committed = {file.stem: file.read_bytes() for file in (ROOT / "deploy" / "policies").glob("*.json")}
    assert committed == policy_documents()
    resources = yaml.safe_load((ROOT / "s.yaml").read_text("utf-8"))["resources"].values()
    named = {each["props"]["functionName"]: each["props"]["role"] for each in resources}
    roles = {role.replace("tripcanvas", "${vars.prefix}", 1) for role in ROLES}
    assert named == {role: f"acs:ram::${{vars.account}}:role/{role}" for role in roles}


def test_no_policy_holds_a_wildcard_action_or_a_whole_bucket_of_objects():
    for document in policy_documents().values():
        for rule in json.loads(document)["Statement"]:
            assert not [action for action in rule["Action"] if "*" in action]
            assert not [resource for resource in rule["Resource"] if resource.endswith("}/*")]
            # Moderation's calls have no resource.
            is_moderation = all(action.startswith("yundun-greenweb:") for action in rule["Action"])
            assert ("*" in rule["Resource"]) == is_moderation
