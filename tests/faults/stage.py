"""An embedded cloud whose Function Compute is the harness: it delivers events, repeats them, and moves the time on."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import requests

from cli.policies import deployment_values, policy_documents
from localcloud.ram import filled, grant, role_credentials
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.services import Services
from shared.settings import Credentials, Settings
from tests.unit.steps.deployment import GpuSide

SERVICES = ("oss", "mns", "eas", "dashscope", "feed", "green")
#: So short that two results which nobody reads fill the sink by more than a half.
SINK_LENGTH = 3
_RESULTS = "forwarded-results"


class Stage:
    """One cloud without functions and without a GPU side. `close` it when done."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tripcanvas-faults-"))
        self.cloud = Cloud.open(self._folder / "cloud", free_ports=True)
        (self.cloud.folder("eas") / "queue.json").write_text(json.dumps({"sink_max_length": SINK_LENGTH}))
        self._supervisor = Supervisor(self.cloud, SERVICES)
        self._supervisor.start()
        self.ports = {port: service for service, port in self.cloud.ports.items()}
        self.credentials = Credentials(self.cloud.access_key_id, self.cloud.access_key_secret)
        self.gpu = GpuSide(self.cloud)
        self._settings = replace(Settings.from_environment(self.cloud.environment()), relay_seconds="0.2")
        self._account: Any = self.services(self._settings).messages._account
        self._subscribe()

    def close(self) -> None:
        """Stop the services and remove all they kept."""
        self._supervisor.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no line of a log may hold."""
        cloud = self.cloud
        return (cloud.access_key_secret, cloud.dashscope_api_key, cloud.eas_token, cloud.feed_secret)

    def fresh_settings(self) -> Settings:
        """The settings of a deployment with empty buckets of its own."""
        name = uuid.uuid4().hex[:12]
        settings = replace(
            self._settings,
            ledger_bucket=f"ledger-{name}",
            gallery_bucket=f"gallery-{name}",
            render_bucket=f"render-{name}",
            gallery_url=f"{self.cloud.url('oss')}/gallery-{name}",
        )
        services = self.services(settings)
        for bucket in (services.ledger.bucket, services.gallery, services.renders):
            bucket._bucket.create_bucket()
        services.gallery.sdk.put_bucket_public_access_block(False)
        values = {Settings.variable(field.name): getattr(settings, field.name) for field in fields(Settings)}
        values["TRIPCANVAS_ACCOUNT_ID"] = self.cloud.account_id
        for role, policy in policy_documents().items():
            grant(self.cloud, f"{role}-{name}", filled(policy, deployment_values(values)))
        return settings

    def credentials_of(self, function: str, settings: Settings) -> Credentials:
        """What a function signs with: its role's credentials, as Function Compute hands them over; a command, our own."""
        role = f"tripcanvas-{function.replace('_', '-')}"
        if role not in policy_documents():
            return self.credentials
        found = role_credentials(self.cloud, f"{role}-{settings.ledger_bucket.removeprefix('ledger-')}")
        return Credentials(found.access_key_id, found.access_key_secret, found.security_token)

    def services(self, settings: Settings) -> Services:
        """The harness's own access to a deployment."""
        return Services(settings, self.credentials)

    def clean(self) -> None:
        """Empty the queues that all deployments share."""
        self.gpu.forget_everything()
        self.forwarded()
        self.dead_letters()

    def forwarded(self) -> list[bytes]:
        """The events that the topic of results has for `image_ready`, taken from it."""
        topic = self._account.get_topic(self._settings.result_topic)
        deadline = time.monotonic() + 10
        while int(topic.get_attributes().message_count):
            if time.monotonic() > deadline:
                raise TimeoutError("the topic does not deliver")
        return [message.encode() for message in self._taken(_RESULTS)]

    def dead_letters(self) -> list[dict[str, Any]]:
        """The product's dead letters, taken from their queue."""
        return [json.loads(letter) for letter in self._taken(self._settings.dead_letter_queue)]

    def public_posts(self, journey: str) -> list[dict[str, Any]]:
        """The public posts whose picture is one of this journey's, as any visitor sees them."""
        answer = requests.get(f"{self.cloud.url('feed')}/api/feed", params={"limit": "50"}, timeout=10)
        posts: list[dict[str, Any]] = answer.json()["posts"]
        return [post for post in posts if any(journey in image["url"] for image in post["content"]["images"])]

    def _taken(self, queue: str) -> list[str]:
        from mns.mns_exception import MNSServerException

        channel = self._account.get_queue(queue)
        channel.set_encoding(False)
        taken: list[str] = []
        while True:
            try:
                messages = channel.batch_receive_message(16)
            except MNSServerException as error:
                if error.type != "MessageNotExist":
                    raise
                return taken
            channel.batch_delete_message([message.receipt_handle for message in messages])
            taken += [message.message_body for message in messages]

    def _subscribe(self) -> None:
        from mns.queue import QueueMeta
        from mns.subscription import SubscriptionMeta

        account = self._account
        account.get_queue(_RESULTS).create(QueueMeta())
        endpoint = f"acs:mns:{self.cloud.region}:{self.cloud.account_id}:queues/{_RESULTS}"
        account.get_subscription(self._settings.result_topic, "harness").subscribe(
            SubscriptionMeta(endpoint, "EXPONENTIAL_DECAY_RETRY", "JSON")
        )
