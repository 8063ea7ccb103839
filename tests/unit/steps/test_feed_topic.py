"""Journeys whose feed is a topic: taken by the topic means published, and what must not stand is said there as well."""

from __future__ import annotations

import uuid
from dataclasses import replace

import msgspec
import pytest
from mns.account import Account
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

from shared.cancelling import cancel_trip
from shared.feed_topic import SignedMessage
from shared.records import Failed, Published
from shared.sweep import sweep_journeys
from tests.unit.steps.deployment import STRAIGHT, Crash, trip


@pytest.fixture
def deployment(deployment):
    """The deployment, with a topic of its own for a feed, to which a queue of the same name subscribes."""
    cloud, name = deployment.cloud, f"feed-{uuid.uuid4().hex[:12]}"
    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    account.get_topic(name).create(TopicMeta())
    account.get_queue(name).create(QueueMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{name}"
    account.get_subscription(name, "site").subscribe(SubscriptionMeta(endpoint, "", "SIMPLIFIED"))
    return replace(deployment, settings=replace(deployment.settings, feed_target="mns", feed_topic=name))


def heard(deployment, count):
    """What the feed's queue holds once `count` messages are in it: kind and journey of each."""
    from tests.services.mns.clients import eventually

    queue = deployment.settings.feed_topic
    eventually(lambda: len(deployment.waiting(queue)) >= count)
    messages = [msgspec.json.decode(text, type=SignedMessage) for text in deployment.waiting(queue)]
    documents = [msgspec.json.decode(message.body) for message in messages]
    return [(document["type"], document["data"]["journey_id"]) for document in documents]


def test_a_post_that_the_topic_took_is_published(deployment):
    journey = deployment.submitted()
    # A topic is no site: none need be named.
    assert deployment.finish(journey, services=deployment.instance(feed_url="")).step == "published"
    assert deployment.steps(journey) == STRAIGHT
    assert heard(deployment, 1) == [("post.created", journey)]
    assert deployment.read(journey).need(Published).post_id == journey
    assert deployment.posts(journey) == []


def test_a_run_that_died_after_publishing_leaves_a_repetition_and_one_end(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    assert deployment.finish(journey).step == "published"
    assert heard(deployment, 2) == [("post.created", journey)] * 2


def test_a_cancelled_journey_that_had_pictures_is_withdrawn_on_the_topic(deployment):
    sent = trip()
    journey = deployment.take(sent).journey
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    assert [outcome.step for outcome in cancel_trip(sent["trip_id"], deployment.instance())] == ["cancelled"]
    assert sorted(heard(deployment, 2)) == [("post.created", journey), ("post.withdrawn", journey)]


def test_a_journey_given_up_with_its_post_perhaps_on_the_topic_is_withdrawn_there(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    deployment.clock.advance(hours=25)
    sweep_journeys(deployment.instance())
    assert deployment.read(journey).need(Failed).code == "given_up"
    assert ("post.withdrawn", journey) in heard(deployment, 2)


def test_while_the_topic_is_gone_the_picture_waits(deployment):
    journey = deployment.submitted()
    outcome = deployment.finish(journey, services=deployment.instance(feed_topic="no-such-topic"))
    assert (outcome.step, outcome.retry) == ("stored", False)
    assert deployment.read(journey).troubles[-1].reason.startswith("mns: TopicNotExist")
    assert deployment.finish(journey).step == "published"
