"""Topics at work: every accepted message goes to each subscription until it is taken, or the strategy is spent.

An endpoint has taken a message when the queue holds it, when Function Compute answers the asynchronous invocation with
202, or when an HTTP endpoint answers 2xx. Anything else, an unreachable endpoint included, is tried again as
help.aliyun.com/document_detail/27481.html says:

* BACKOFF_RETRY: 3 more times, each after 10 to 20 seconds, drawn at random;
* EXPONENTIAL_DECAY_RETRY: 176 more times over a day, after 1, 2, 4 … 256 and then 167 times 512 seconds.

**These pauses run ten times faster here** unless ``TRIPCANVAS_LOCAL_TIME_SCALE`` says otherwise: it is a factor on
every pause, 0.1 by default, 1 for real time. A message whose strategy is spent goes to the subscription's dead-letter
queue if it has one, and is dropped with a line in the log otherwise.

What is under way survives a restart. An attempt cut short by one is made again: delivery is at least once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from localcloud import acs3
from localcloud.mns.documents import NAMESPACE
from localcloud.mns.model import ContentFormat, Draft, NotifyStrategy, Property
from localcloud.mns.store import now_ms
from localcloud.mns.topics import ENDPOINT
from localcloud.signing import WireRequest
from localcloud.xmltree import Node, render

if TYPE_CHECKING:
    from localcloud.mns.call import Arrivals
    from localcloud.mns.model import Delivery
    from localcloud.mns.store import Store
    from localcloud.state import Cloud

TIME_SCALE_VARIABLE = "TRIPCANVAS_LOCAL_TIME_SCALE"

_BACKOFF_RETRIES = 3
_EXPONENTIAL_RETRIES = 176
_LONGEST_PAUSE_S = 512
_AT_ONCE = 16
_TIMEOUT_S = 15
#: How often dead letters are moved and old messages dropped when nobody calls.
_SETTLE_PERIOD_S = 1.0

_log = logging.getLogger("localcloud.mns")


class NotTakenError(Exception):
    """The endpoint did not take the message; the text says why, in a word or a status."""


def retry_pause_s(strategy: NotifyStrategy, attempts: int) -> float | None:
    """The pause after `attempts` (1 or more) attempts in vain, in real time; None when the strategy is spent."""
    if strategy is NotifyStrategy.BACKOFF:
        return random.uniform(10, 20) if attempts <= _BACKOFF_RETRIES else None  # noqa: S311
    return float(min(2 ** (attempts - 1), _LONGEST_PAUSE_S)) if attempts <= _EXPONENTIAL_RETRIES else None


class Pusher:
    """The loop that delivers. `run` it once; `wake` it when something was published."""

    def __init__(self, store: Store, arrivals: Arrivals, cloud: Cloud) -> None:
        self._store = store
        self._arrivals = arrivals
        self._cloud = cloud
        self._time_scale = float(os.environ.get(TIME_SCALE_VARIABLE, "0.1"))
        self._work = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """There may be something to deliver."""
        self._work.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._work.clear()
                for delivery in self._store.due(_AT_ONCE - len(self._under_way), set(self._under_way)):
                    self._under_way[delivery.id] = asyncio.create_task(self._attempt(delivery))
                await self._pause()
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def settle(self) -> None:
        """Move dead letters and drop what is past its retention, until cancelled."""
        while True:
            await asyncio.sleep(_SETTLE_PERIOD_S)
            for queue in self._store.queues():
                target = self._store.settle(queue.name)
                if target:
                    self._arrivals.announce(target)
            for message_id in self._store.drop_expired():
                _log.warning("message %s dropped: a topic keeps a message for one day", message_id)

    async def _pause(self) -> None:
        due_ms = self._store.next_due_ms(set(self._under_way))
        is_full = len(self._under_way) >= _AT_ONCE
        timeout_s = None if due_ms is None or is_full else max(0.0, (due_ms - now_ms()) / 1000) + 0.001
        try:
            await asyncio.wait_for(self._work.wait(), timeout_s)
        except asyncio.TimeoutError:
            return

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except NotTakenError as error:
            self._try_later(delivery, str(error))
        finally:
            del self._under_way[delivery.id]
            self._work.set()

    async def _deliver(self, delivery: Delivery) -> None:
        endpoint = ENDPOINT.fullmatch(delivery.subscription.endpoint)
        if endpoint is None:
            await asyncio.to_thread(self._post, delivery)
        elif endpoint["service"] == "fc":
            await asyncio.to_thread(self._invoke, delivery, endpoint["name"])
        else:
            text = notification(delivery, self._cloud.account_id).decode()
            self._into_queue(delivery, endpoint["name"], text, delivery.publication.user_properties)
            return
        self._store.finish(delivery)

    def _into_queue(self, delivery: Delivery, name: str, text: str, properties: tuple[Property, ...]) -> None:
        queue = self._store.queue(name)
        if queue is None:
            raise NotTakenError("QueueNotExist")
        self._store.finish(delivery, queue, Draft(text, user_properties=properties))
        self._arrivals.announce(name)

    def _try_later(self, delivery: Delivery, reason: str) -> None:
        subscription, publication = delivery.subscription, delivery.publication
        attempts = delivery.attempts + 1
        where = f"{subscription.topic}/{subscription.name}"
        pause_s = retry_pause_s(subscription.strategy, attempts)
        if pause_s is not None:
            _log.info("message %s not taken by %s (attempt %d): %s", publication.id, where, attempts, reason)
            self._store.postpone(delivery, now_ms() + round(pause_s * self._time_scale * 1000))
            return
        try:
            self._into_queue(delivery, subscription.dead_letter_queue, publication.body, publication.user_properties)
        except NotTakenError:
            self._store.finish(delivery)
            _log.warning("message %s dropped by %s after %d attempts: %s", publication.id, where, attempts, reason)
        else:
            _log.warning("message %s of %s is a dead letter after %d attempts", publication.id, where, attempts)

    def _invoke(self, delivery: Delivery, function: str) -> None:
        """Invoke `function` asynchronously with the event of the ``mns_topic`` trigger."""
        url = f"{self._cloud.url('fc')}/2023-03-30/functions/{function}/invocations"
        body = event(delivery, self._cloud.account_id)
        headers = {
            "host": urlsplit(url).netloc,
            "content-type": "application/octet-stream",
            "x-fc-invocation-type": "Async",
        }
        signed = acs3.sign(
            WireRequest("POST", urlsplit(url).path, "", headers),
            body,
            action="InvokeFunction",
            version="2023-03-30",
            access_key_id=self._cloud.access_key_id,
            access_key_secret=self._cloud.access_key_secret,
        )
        status = _send(url, body, signed)
        if status != 202:
            raise NotTakenError(f"HTTP {status}")

    def _post(self, delivery: Delivery) -> None:
        """Push to an HTTP endpoint. The real service signs this with RSA; here it carries no signature."""
        subscription, publication = delivery.subscription, delivery.publication
        body = notification(delivery, self._cloud.account_id)
        url = subscription.endpoint
        if urlsplit(url).path in ("", "/"):
            url = url.rstrip("/") + "/notifications"
        headers = {"x-mns-version": "2015-06-06", "x-mns-request-id": publication.id}
        if subscription.content_format is ContentFormat.SIMPLIFIED:
            headers |= {"content-type": "text/plain;charset=utf-8", "x-mns-message-id": publication.id}
            if publication.tag:
                headers["x-mns-message-tag"] = publication.tag
        else:
            headers["content-type"] = f"text/{subscription.content_format.value.lower()};charset=utf-8"
        status = _send(url, body, headers)
        if not 200 <= status < 300:
            raise NotTakenError(f"HTTP {status}")


def event(delivery: Delivery, account_id: str) -> bytes:
    """The event a function gets, byte for byte as the document of the MNS topic trigger shows it.

    STREAM: the body alone, or with the attributes if there are any. JSON: an envelope; attributes, and what a JSON
    ``Extend`` attribute holds, are further members of it. MessageTag is not among its members. Source:
    help.aliyun.com/zh/functioncompute/fc/user-guide/mns-topic-triggers.
    """
    publication = delivery.publication
    if delivery.subscription.content_format is ContentFormat.STREAM:
        if not publication.attributes:
            return publication.body.encode()
        return _json({"body": publication.body, "attrs": dict(publication.attributes)})
    members: dict[str, object] = dict(_envelope(delivery, account_id))
    for name, value in publication.attributes:
        members.update(_extended(value) if name == "Extend" else {name: value})
    return _json(members)


def notification(delivery: Delivery, account_id: str) -> bytes:
    """What a queue or an HTTP endpoint gets: XML, JSON, or the body alone (SIMPLIFIED)."""
    publication = delivery.publication
    members: list[tuple[str, str | int]] = list(_envelope(delivery, account_id))
    if publication.tag:
        members.append(("MessageTag", publication.tag))
    if delivery.subscription.content_format is ContentFormat.JSON:
        return _json(dict(members))
    if delivery.subscription.content_format is ContentFormat.XML:
        fields: list[Node] = [(name, value) for name, value in members]
        return render("Notification", fields, namespace=NAMESPACE)
    return publication.body.encode()


def _envelope(delivery: Delivery, account_id: str) -> tuple[tuple[str, str | int], ...]:
    publication, subscription = delivery.publication, delivery.subscription
    return (
        ("TopicOwner", account_id),
        ("Message", publication.body),
        ("Subscriber", account_id),
        ("PublishTime", publication.published_ms),
        ("SubscriptionName", subscription.name),
        ("MessageMD5", publication.body_md5),
        ("TopicName", subscription.topic),
        ("MessageId", publication.id),
    )


def _extended(value: str) -> dict[str, object]:
    try:
        members = json.loads(value)
    except ValueError:
        members = None
    return members if isinstance(members, dict) else {"Extend": value}


def _json(members: object) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _send(url: str, body: bytes, headers: dict[str, str]) -> int:
    """POST and give back the status. Raises `NotTakenError` when there is no answer."""
    with requests.Session() as session:
        # Settings of the machine (proxies, .netrc) have no business between two local services.
        session.trust_env = False
        try:
            answer = session.post(url, data=body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise NotTakenError(type(error).__name__) from None
        return answer.status_code
