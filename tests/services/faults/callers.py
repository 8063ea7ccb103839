"""One ordinary writing call to each service, with its official SDK where there is one, and what it left behind there."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import requests
from alibabacloud_green20220302.client import Client as GreenClient
from alibabacloud_green20220302.models import TextModerationPlusRequest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import RetryError, UnretryableException
from dashscope import Generation
from mns.mns_exception import MNSClientException, MNSServerException
from mns.queue import Message, QueueMeta

from shared.webhooks import sign
from tests.services.eas import calls as eas
from tests.services.fc.project import Project
from tests.services.mns.clients import account
from tests.services.oss.clients import LEDGER, bucket, oss2

if TYPE_CHECKING:
    from localcloud.state import Cloud

#: What a caller saw who got no answer at all, in the words of its client.
NO_ANSWER = "no answer"
NONSENSE = "nonsense"

PLAIN_FUNCTIONS = {
    "plain.py": """
import os, pathlib, uuid
def handler(event, context):
    (pathlib.Path(os.environ["NOTES"]) / uuid.uuid4().hex).write_bytes(event)
"""
}


class Caller(Protocol):
    def call(self) -> str:
        """Write once; ``ok``, ``<status> <code>``, `NONSENSE` or `NO_ANSWER`."""

    def effects(self) -> int:
        """How many writes have come to the service so far."""


@dataclass
class Oss:
    cloud: Cloud
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex)

    def call(self) -> str:
        try:
            # As many bytes as a picture has: more than the server reads before anybody asks for them.
            bucket(self.cloud, version="v4").put_object(f"{self.prefix}/{uuid.uuid4().hex}", b"x" * 400_000)
        except oss2.exceptions.RequestError:
            return NO_ANSWER
        except oss2.exceptions.OssError as error:
            return f"{error.status} {error.code}"
        return "ok"

    def effects(self) -> int:
        return sum(1 for _ in oss2.ObjectIterator(bucket(self.cloud, LEDGER), prefix=self.prefix))


@dataclass
class Mns:
    cloud: Cloud
    name: str = field(default_factory=lambda: f"q{uuid.uuid4().hex}")

    def __post_init__(self) -> None:
        account(self.cloud).get_queue(self.name).create(QueueMeta())

    def call(self) -> str:
        try:
            account(self.cloud).get_queue(self.name).send_message(Message("trip"))
        except MNSServerException as error:
            return error.type
        except MNSClientException:
            # The SDK's word for everything else, answers that it can't decode included.
            return NO_ANSWER
        return "ok"

    def effects(self) -> int:
        return int(account(self.cloud).get_queue(self.name).get_attributes().active_messages)


@dataclass
class Eas:
    cloud: Cloud

    def call(self) -> str:
        try:
            answer = eas.call(self.cloud, "POST", {}, data=b"graph")
        except requests.RequestException:
            return NO_ANSWER
        if not answer.ok:
            return f"{answer.status_code} {answer.text}"
        return "ok" if answer.text.isdecimal() else NONSENSE

    def effects(self) -> int:
        return int(eas.attributes(self.cloud)["stream.length"])


@dataclass
class DashScope:
    cloud: Cloud

    def call(self) -> str:
        try:
            answer = Generation.call(
                "qwen-plus",
                messages=[{"role": "user", "content": "画一张常州的春天"}],
                api_key=self.cloud.dashscope_api_key,
                base_address=f"{self.cloud.url('dashscope')}/api/v1",
            )
        except (TypeError, ValueError):
            return NONSENSE
        except requests.RequestException:
            return NO_ANSWER
        return "ok" if answer.status_code == 200 and answer.output else f"{answer.status_code} {answer.code}"

    def effects(self) -> int:
        return int(requests.get(f"{self.cloud.url('dashscope')}/-/calls", timeout=10).json()["text"])


@dataclass
class Green:
    """A text to be checked."""

    cloud: Cloud

    def call(self) -> str:
        config = Config(
            access_key_id=self.cloud.access_key_id,
            access_key_secret=self.cloud.access_key_secret,
            endpoint=self.cloud.url("green").removeprefix("http://"),
            protocol="HTTP",
        )
        parameters = json.dumps({"content": "新司机的五一出游!"}, ensure_ascii=False)
        request = TextModerationPlusRequest(service="llm_query_moderation", service_parameters=parameters)
        try:
            answer = GreenClient(config).text_moderation_plus(request)
        except AlibabaCloudException as error:
            return f"{error.status_code} {error.code}"
        except UnretryableException as error:
            return NO_ANSWER if isinstance(error.inner_exception, RetryError) else NONSENSE
        return "ok" if answer.body.code == 200 else NONSENSE

    def effects(self) -> int:
        return int(requests.get(f"{self.cloud.url('green')}/-/calls", timeout=10).json().get("TextModerationPlus", 0))


@dataclass
class Feed:
    cloud: Cloud

    def call(self) -> str:
        body, journey_id = _delivery()
        timestamp = int(time.time())
        headers = {
            "webhook-id": journey_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.cloud.feed_secret, journey_id, timestamp, body),
            "idempotency-key": journey_id,
        }
        try:
            answer = requests.post(f"{self.cloud.url('feed')}/api/posts", body, headers=headers, timeout=10)
        except requests.RequestException:
            return NO_ANSWER
        try:
            content = answer.json()
        except ValueError:
            return NONSENSE
        return "ok" if answer.status_code == 201 else f"{answer.status_code} {content['error']['code']}"

    def effects(self) -> int:
        return len(requests.get(f"{self.cloud.url('feed')}/api/feed?limit=50", timeout=10).json()["posts"])


@dataclass
class Fc:
    """An asynchronous invocation of a function that leaves a note."""

    project: Project

    def call(self) -> str:
        try:
            answer = self.project.invoke("plain", b"trip", x_fc_invocation_type="Async")
        except AlibabaCloudException as error:
            return f"{error.status_code} {error.code}"
        except UnretryableException:
            return NO_ANSWER
        return "ok" if answer.status == 202 else NONSENSE

    def effects(self) -> int:
        return len(self.project.noted())


def _delivery() -> tuple[bytes, str]:
    journey_id = str(uuid.uuid4())
    content = {
        "journey_id": journey_id,
        "visibility": "public",
        "style": {"id": "watercolour", "name_zh": "水彩", "name_en": "Watercolour"},
        "title": "新司机的五一出游",
        "caption": "三天六百公里。",
        "tags": ["自驾游"],
        "alt_text": "水彩画：湖边公路",
        "language": "zh",
        "cities": ["湖州市"],
        "date": "2024-05-05",
        "distance_km": 645,
        "images": [
            {
                "url": "https://gallery.example.com/a.webp",
                "width": 768,
                "height": 960,
                "content_type": "image/webp",
                "size_bytes": 88_000,
            }
        ],
        "ai_generated": True,
        "ai_notice": "AI生成",
    }
    message = {"type": "post.created", "timestamp": "2026-05-05T19:10:00Z", "data": content}
    return json.dumps(message, ensure_ascii=False).encode(), journey_id
