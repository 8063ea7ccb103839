"""The vehicle platform and the operator of a soak: trips are delivered, failed invocations are given in again.

All of it through the public interfaces of the services, which fail for this side as for any other: what was not
accepted for certain is sent again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import requests
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from cli.cloud import services_of
from cli.journeys import journeys_of
from shared.clouds.objects import open_bucket
from shared.errors import TripcanvasError

if TYPE_CHECKING:
    from localcloud.state import Cloud

_TRIP_FUNCTION = "tripcanvas-trip-completed"
_LOOK_EVERY_S = 0.5
#: A journey that is not posted by then does not hold up the next ones: it may have ended otherwise.
_NOT_WAITED_FOR_S = 120.0
_AT_ONCE = 8


@dataclass
class Trip:
    """One trip message of the soak; `sent_at` is when it was first sent, in seconds since 1970."""

    body: bytes
    rejected: bool = False
    backfill: bool = False
    sent_at: float = 0.0


class Driver:
    """Talks to the services of one running cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.services = services_of(cloud)
        settings, credentials = self.services.settings, self.services.credentials
        self.ledger_bucket = open_bucket(
            settings.need("oss_endpoint"), settings.region, settings.need("ledger_bucket"), credentials
        )
        self.letters: list[dict[str, Any]] = []
        self._markers = 0
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = cloud.eas_token
        self._functions = Client(
            Config(
                access_key_id=cloud.access_key_id,
                access_key_secret=cloud.access_key_secret,
                endpoint=cloud.url("fc").removeprefix("http://"),
                protocol="http",
                region_id=cloud.region,
            )
        )

    def wait_for_triggers(self) -> None:
        """Wait until the functions are subscribed to their topics."""
        while True:
            found = self._http.get(f"{self.cloud.url('fc')}/-/functions", timeout=10).json()
            triggers = [trigger for function in found["functions"] for trigger in function["triggers"]]
            if all(trigger["active"] for trigger in triggers):
                return
            time.sleep(0.1)

    def deliver_all(self, order: list[Trip], under_way: int, *, until: float) -> None:
        """Deliver in this order, as fast as journeys end: at most about `under_way` at once."""
        left = list(reversed(order))
        sent: dict[str, float] = {}
        posted: set[str] = set()
        while left and time.monotonic() < until:
            # A killed feed leaves a store that only its next start can read.
            with contextlib.suppress(sqlite3.OperationalError):
                posted = {journey for journey, _, _ in posts_of(self.cloud)}
            overdue = time.monotonic() - _NOT_WAITED_FOR_S
            sent = {journey: at for journey, at in sent.items() if at > overdue and journey not in posted}
            room = under_way - len(sent)
            for trip in [left.pop() for _ in range(min(room, _AT_ONCE, len(left)))]:
                if not trip.sent_at and not trip.rejected:
                    sent |= dict.fromkeys(journeys_of(trip.body, self.services), time.monotonic())
                self._deliver(trip)
            time.sleep(_LOOK_EVERY_S if room <= _AT_ONCE else 0.05)
        if left:
            print(f"{len(left)} deliveries were not sent in time", file=sys.stderr)

    def _deliver(self, trip: Trip) -> None:
        if not trip.sent_at:
            trip.sent_at = time.time()
        while True:
            try:
                if trip.backfill:
                    self._invoke(_TRIP_FUNCTION, trip.body)
                else:
                    self.services.messages.publish("trip-completed", trip.body)
            except Exception as error:  # noqa: BLE001 - SDKs under faults raise whatever they like
                print(f"  a delivery is repeated after {type(error).__name__}", file=sys.stderr)
                time.sleep(0.2)
            else:
                return

    def markers(self) -> int:
        """How many markers of unfinished journeys there are; as many as ever when the ledger can't say."""
        with contextlib.suppress(TripcanvasError):
            self._markers = sum(1 for _ in self.ledger_bucket.keys("open/", limit=100_000))
        return self._markers

    def queue_lengths(self) -> dict[str, int]:
        """What waits in the GPU side's queues and at Function Compute."""
        lengths = {}
        for name in ("", "/sink"):
            url = f"{self.cloud.url('eas')}/api/predict/{self.cloud.eas_service}{name}"
            found = self._http.get(url, params={"_attrs_": "true"}, timeout=10).json()
            lengths["eas" + (name or "/input")] = int(found["stream.length"])
        return lengths | self._at_functions()

    def _at_functions(self) -> dict[str, int]:
        found = self._http.get(f"{self.cloud.url('fc')}/-/functions", timeout=10).json()
        return {
            f"fc/{function['name']}": int(function["queued"]) + int(function["running"])
            for function in found["functions"]
            # Those that timers call are never done.
            if any(trigger["type"] == "mns_topic" for trigger in function["triggers"])
        }

    def wait_until_quiet(self, until: float) -> bool:
        """Wait until there is no marker and no queue holds anything, several looks long; False after `until`."""
        quiet = 0
        while quiet < 6 and time.monotonic() < until:
            try:
                quiet = quiet + 1 if not self.markers() and not any(self.queue_lengths().values()) else 0
            except (requests.RequestException, ValueError, KeyError):
                quiet = 0
            time.sleep(_LOOK_EVERY_S)
        return quiet >= 6

    def redrive_failed_invocations(self) -> int:
        """Give the events of invocations that failed every time in again, as an operator does; returns how many."""
        notices = [letter for letter in self.dead_letters() if "requestContext" in letter]
        for notice in notices:
            function = str(notice["requestContext"]["functionArn"]).rpartition("/")[2]
            self._invoke(function, str(notice["requestPayload"]).encode())
        return len(notices)

    def dead_letters(self) -> list[dict[str, Any]]:
        """All dead letters so far; the queue is emptied into `letters`."""
        from mns.account import Account
        from mns.mns_exception import MNSServerException

        account = Account(self.cloud.url("mns"), self.cloud.access_key_id, self.cloud.access_key_secret, "")
        queue = account.get_queue(self.services.settings.dead_letter_queue)
        queue.set_encoding(False)
        while True:
            try:
                messages = queue.batch_receive_message(16)
            except MNSServerException as error:
                if error.type not in ("MessageNotExist", "QueueNotExist"):
                    raise
                return self.letters
            self.letters += [json.loads(message.message_body) for message in messages]
            queue.batch_delete_message([message.receipt_handle for message in messages])

    def _invoke(self, function: str, event: bytes) -> None:
        self._functions.invoke_function_with_options(
            function,
            models.InvokeFunctionRequest(body=event),
            models.InvokeFunctionHeaders(x_fc_invocation_type="Async"),
            RuntimeOptions(read_timeout=20_000, connect_timeout=10_000),
        )

    def renders_ordered(self) -> int:
        """Pictures that were ordered, and billed, in all."""
        url = f"{self.cloud.url('dashscope')}/api/v1/tasks"
        headers = {"Authorization": f"Bearer {self.cloud.dashscope_api_key}"}
        answer = self._http.get(url, params={"page_size": "1"}, headers=headers, timeout=20)
        answer.raise_for_status()
        return int(answer.json()["total"])


def posts_of(cloud: Cloud) -> list[tuple[str, str, float]]:
    """Every post in the feed's own store, drafts included: journey, post id and time, in seconds since 1970."""
    with contextlib.closing(sqlite3.connect(f"file:{cloud.folder('feed') / 'feed.sqlite'}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT journey_id, post_id, published_at FROM posts WHERE content IS NOT NULL").fetchall()
    return [(journey, post, datetime.fromisoformat(at).timestamp()) for journey, post, at in rows]
