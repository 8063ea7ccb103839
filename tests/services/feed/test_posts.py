"""The feed's API as its sender and its readers meet it, on a running site.

Every answer is also held against ``docs/feed-api.yaml``: an undocumented status or field fails the test that saw it.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema
import pytest
import requests
import yaml

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.webhooks import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[3] / "docs" / "feed-api.yaml").read_text(encoding="utf-8")
)
TIMEOUT_S = 10
MARKUP = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>&amp;"


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def delivery(**changes: Any) -> dict[str, Any]:
    """An ordinary delivery, its data changed by `changes`."""
    content = {
        "journey_id": str(uuid.uuid4()),
        "visibility": "public",
        "style": {"id": "watercolour", "name_zh": "水彩", "name_en": "Watercolour"},
        "title": "新司机的五一出游",
        "caption": "三天六百公里，把五月的湖光装进后视镜。",
        "tags": ["自驾游", "五一"],
        "alt_text": "水彩画：傍晚的湖边公路，一辆黑色轿车停在柳树下",
        "language": "zh",
        "cities": ["上海市", "湖州市"],
        "date": "2024-05-05",
        "distance_km": 645,
        "images": [
            {
                "url": f"https://gallery.example.com/{width}.webp",
                "width": width,
                "height": height,
                "content_type": "image/webp",
                "size_bytes": 88_000,
            }
            for width, height in [(1536, 1920), (768, 960)]
        ],
        "share_card": None,
        "ai_generated": True,
        "ai_notice": "AI生成",
    } | changes
    return {"type": "post.created", "timestamp": "2026-05-05T19:10:00Z", "data": content}


def encode(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


class Event(NamedTuple):
    id: str
    kind: str
    content: Any


class Client:
    """Signs like the sender, and checks each answer against the document."""

    def __init__(self, cloud: Cloud) -> None:
        self.url = cloud.url("feed")
        self.secret = cloud.feed_secret

    def signed(self, message_id: str, body: bytes = b"", *, age_s: int = 0) -> dict[str, str]:
        timestamp = int(time.time()) - age_s
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.secret, message_id, timestamp, body),
        }

    def post(self, message: dict[str, Any], **headers: str) -> requests.Response:
        body = encode(message)
        key = str(message["data"].get("journey_id"))
        return self.ask("POST", "/api/posts", body, self.signed("msg_1", body) | {"idempotency-key": key, **headers})

    def look_up(self, journey_id: str) -> requests.Response:
        return self.ask("GET", f"/api/posts?journey_id={journey_id}", headers=self.signed(journey_id))

    def withdraw(self, post_id: str) -> requests.Response:
        return self.ask("DELETE", f"/api/posts/{post_id}", headers=self.signed(post_id))

    def withdraw_journey(self, journey_id: str) -> requests.Response:
        headers = self.signed(f"withdraw:{journey_id}")
        return self.ask("DELETE", f"/api/posts?journey_id={journey_id}", headers=headers)

    def feed(self, query: str = "") -> Any:
        answer = self.ask("GET", f"/api/feed{query}")
        assert answer.status_code == 200
        return answer.json()

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> requests.Response:
        answer = requests.request(method, self.url + target, data=body, headers=headers, timeout=TIMEOUT_S)
        check_documented(method, target.partition("?")[0], answer)
        return answer

    @contextlib.contextmanager
    def listen(self, query: str = "", last_event_id: str | None = None) -> Iterator[Iterator[Event]]:
        """The events of an open stream. Waiting for one longer than the deadline raises."""
        headers = {} if last_event_id is None else {"last-event-id": last_event_id}
        with requests.get(f"{self.url}/events{query}", headers=headers, stream=True, timeout=TIMEOUT_S) as stream:
            check_documented("GET", "/events", stream)
            yield events(stream)


def check_documented(method: str, path: str, answer: requests.Response) -> None:
    templates = [t for t in DOCUMENT["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)]
    # The most literal path is the one that is meant: /api/feed/{post_id} before any wider template.
    operations = DOCUMENT["paths"][min(templates, key=lambda template: template.count("{"))]
    if answer.status_code == 405:
        assert method.lower() not in operations
        schema("Refusal").validate(answer.json())
        return
    described = operations[method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    for content_type, content in described.get("content", {}).items():
        assert answer.headers["content-type"].startswith(content_type)
        if content_type == "application/json":
            schema(content["schema"]["$ref"].rpartition("/")[2]).validate(answer.json())


def events(stream: requests.Response) -> Iterator[Event]:
    """The events of a stream as they come in."""
    fields: dict[str, str] = {}
    # Byte by byte: requests would otherwise hold back what it has until a larger block is full.
    for line in stream.iter_lines(chunk_size=1):
        name, _, value = line.decode("utf-8").partition(": ")
        if name:
            fields[name] = value
            continue
        if "data" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
        fields = {}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    cloud = Cloud.open(tmp_path_factory.mktemp("feed"), free_ports=True)
    with Supervisor(cloud, ["feed"]):
        yield Client(cloud)


# Delivering


def test_a_delivered_post_is_shown_as_it_was_written(client: Client) -> None:
    message = delivery()
    answer = client.post(message)
    assert answer.status_code == 201
    post_id = answer.json()["post_id"]
    assert answer.json()["url"] == f"{client.url}/posts/{post_id}"
    shown = client.feed("?limit=1")["posts"][0]
    assert shown["post_id"] == post_id
    sent = message["data"]
    assert shown["content"] == {name: sent[name] for name in sent if name not in ("journey_id", "visibility")}


def test_a_repeat_answers_the_same_post(client: Client) -> None:
    message = delivery()
    first, second = client.post(message), client.post(message)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


def test_twenty_racing_deliveries_make_one_post(client: Client) -> None:
    message = delivery(title="二十个信使")
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: client.post(message), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["post_id"] for answer in answers}) == 1
    assert [post["content"]["title"] for post in client.feed()["posts"]].count("二十个信使") == 1


def test_another_body_under_the_same_key_is_a_conflict_and_changes_nothing(client: Client) -> None:
    message = delivery(title="第一版")
    post_id = client.post(message).json()["post_id"]
    message["data"]["title"] = "第二版"
    answer = client.post(message)
    assert answer.status_code == 409
    assert answer.json()["error"]["field"] == "idempotency-key"
    assert client.ask("GET", f"/api/feed/{post_id}").json()["content"]["title"] == "第一版"


@pytest.mark.parametrize("key", ["", "another-journey"])
def test_the_key_must_be_the_journey_since_no_signature_covers_it(client: Client, key: str) -> None:
    answer = client.post(delivery(), **{"idempotency-key": key})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "idempotency-key")


def test_posts_outlive_a_crash_of_the_site(tmp_path: Path) -> None:
    cloud = Cloud.open(tmp_path, free_ports=True)
    message = delivery()
    with Supervisor(cloud, ["feed"]) as supervisor:
        client = Client(cloud)
        first = client.post(message)
        supervisor.stop_service("feed", kill=True)
        supervisor.start_service("feed")
        assert client.post(message).json() == first.json()
        assert len(client.feed()["posts"]) == 1


# Signatures


def test_an_unsigned_or_wrongly_signed_delivery_is_refused(client: Client) -> None:
    message = delivery()
    for headers in (
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": ""},
        client.signed("msg_1", encode(message), age_s=310),
        client.signed("msg_1", encode(message), age_s=-310),
        client.signed("msg_1", encode(message) + b" "),
    ):
        answer = client.post(message, **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert client.look_up(message["data"]["journey_id"]).status_code == 404


def test_the_signature_is_checked_before_the_body_is_read(client: Client) -> None:
    answer = client.ask("POST", "/api/posts", "不是 JSON".encode())
    assert answer.status_code == 401


def test_look_up_and_withdrawal_need_a_signature_made_for_them(client: Client) -> None:
    journey_id, other = str(uuid.uuid4()), str(uuid.uuid4())
    post_id = client.post(delivery(journey_id=journey_id)).json()["post_id"]
    for headers in ({}, client.signed(other), client.signed(journey_id)):
        assert client.ask("DELETE", f"/api/posts/{post_id}", headers=headers).status_code == 401
    for headers in ({}, client.signed(other), client.signed(post_id)):
        assert client.ask("GET", f"/api/posts?journey_id={journey_id}", headers=headers).status_code == 401
    assert client.look_up(journey_id).status_code == 200


def test_a_delivery_s_signature_cannot_be_turned_into_a_withdrawal(client: Client) -> None:
    post_id = client.post(delivery()).json()["post_id"]
    body = encode(delivery())
    answer = client.ask("DELETE", f"/api/posts/{post_id}", body, client.signed(post_id, body))
    assert answer.status_code == 401


# What is refused


def without(name: str) -> dict[str, Any]:
    message = delivery()
    del message["data"][name]
    return message


def with_image(**changes: Any) -> dict[str, Any]:
    message = delivery()
    message["data"]["images"][0] |= changes
    return message


MALFORMED = [
    (without("title"), "data.title"),
    (without("journey_id"), "data.journey_id"),
    (delivery() | {"type": "post.updated"}, "type"),
    (delivery() | {"timestamp": "yesterday"}, "timestamp"),
    (delivery(journey_id="../../etc"), "data.journey_id"),
    (delivery(visibility="friends"), "data.visibility"),
    (delivery(title=""), "data.title"),
    (delivery(title="长" * 101), "data.title"),
    (delivery(tags="自驾游"), "data.tags"),
    (delivery(tags=["好", 7]), "data.tags[1]"),
    (delivery(language="fr"), "data.language"),
    (delivery(date="2024-05-05T10:00:00"), "data.date"),
    (delivery(date="五月五日"), "data.date"),
    (delivery(distance_km=645.4), "data.distance_km"),
    (delivery(distance_km=-1), "data.distance_km"),
    (delivery(images=[]), "data.images"),
    (delivery(style={"id": "watercolour", "name_zh": "水彩"}), "data.style.name_en"),
    (delivery(ai_generated=False), "data.ai_generated"),
    (delivery(ai_notice="美图"), "data.ai_notice"),
    (with_image(url="javascript:alert(1)"), "data.images[0].url"),
    (delivery(share_card=with_image(url="javascript:alert(1)")["data"]["images"][0]), "data.share_card.url"),
    (delivery(images=with_image(content_type="image/avif")["data"]["images"][:1]), "data.images"),
    (with_image(url="data:image/png;base64,AAAA"), "data.images[0].url"),
    (with_image(url="//gallery.example.com/1.webp"), "data.images[0].url"),
    (with_image(url="https://"), "data.images[0].url"),
    (with_image(url="https://owner:secret@gallery.example.com/1.webp"), "data.images[0].url"),
    (with_image(width=0), "data.images[0].width"),
    (with_image(content_type="image/svg+xml"), "data.images[0].content_type"),
]


@pytest.mark.parametrize(("message", "field"), MALFORMED, ids=[field for _, field in MALFORMED])
def test_a_malformed_post_is_refused_by_site_and_document_alike(
    client: Client, message: dict[str, Any], field: str
) -> None:
    answer = client.post(message)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    # `format` is an annotation in JSON Schema; the document has no pattern for a date-time.
    assert field == "timestamp" or not schema("Delivery").is_valid(message)


def test_the_document_accepts_what_the_site_accepts() -> None:
    schema("Delivery").validate(delivery(date=None, distance_km=None, cities=[], tags=[], caption=""))


@pytest.mark.parametrize(
    "url", ["https://例子.中国:port/1.webp", "https://a b/1.webp", "https://a.example\\@b/", "http://a/\n"]
)
def test_an_address_that_browsers_might_read_otherwise_is_refused(client: Client, url: str) -> None:
    answer = client.post(with_image(url=url))
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "data.images[0].url")


def test_pictures_come_largest_first(client: Client) -> None:
    message = delivery()
    message["data"]["images"].reverse()
    assert client.post(message).json()["error"]["field"] == "data.images"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", "标题".encode("gb18030"), b'{"type":"\\ud800"}'])
def test_a_body_that_is_no_message_is_refused(client: Client, body: bytes) -> None:
    headers = client.signed("msg_1", body) | {"idempotency-key": "x"}
    assert client.ask("POST", "/api/posts", body, headers).status_code == 422


def test_a_refusal_does_not_repeat_what_was_sent(client: Client) -> None:
    answer = client.post(delivery(language="欧阳开心", date="欧阳开心"))
    assert answer.status_code == 422
    assert "欧阳" not in answer.json()["error"]["message"]


def test_fields_of_a_newer_sender_are_passed_over(client: Client) -> None:
    assert client.post(delivery(mood="出游")).status_code == 201


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_beyond_the_limit_is_refused(client: Client, *, declared: bool) -> None:
    body = encode(delivery(caption="长" * 25_000))
    answer = requests.post(
        f"{client.url}/api/posts",
        data=body if declared else iter([body[:40_000], body[40_000:]]),
        headers=client.signed("msg_1", body),
        timeout=TIMEOUT_S,
    )
    check_documented("POST", "/api/posts", answer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/posts", {"GET", "HEAD", "POST", "DELETE"}),
        ("GET", "/api/posts/1", {"DELETE"}),
        ("POST", "/api/feed", {"GET", "HEAD"}),
        ("DELETE", "/events", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_refused_and_told_the_right_ones(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.ask(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


# Looking up, withdrawing


def test_a_look_up_tells_whether_a_delivery_arrived(client: Client) -> None:
    message = delivery(visibility="draft")
    assert client.look_up(message["data"]["journey_id"]).status_code == 404
    receipt = client.post(message).json()
    found = client.look_up(message["data"]["journey_id"])
    assert (found.status_code, found.json()) == (200, receipt)


def test_a_withdrawn_post_is_gone_and_a_late_repeat_does_not_bring_it_back(client: Client) -> None:
    message = delivery()
    post_id = client.post(message).json()["post_id"]
    assert client.withdraw(post_id).status_code == 204
    assert client.ask("GET", f"/api/feed/{post_id}").status_code == 404
    assert client.ask("GET", f"/posts/{post_id}").status_code == 404
    assert client.look_up(message["data"]["journey_id"]).status_code == 404
    assert client.withdraw(post_id).status_code == 404
    assert client.post(message).status_code == 409
    assert post_id not in [post["post_id"] for post in client.feed()["posts"]]


def test_a_withdrawn_journey_loses_its_post_and_gets_none_later(client: Client) -> None:
    before, after = delivery(), delivery()
    post_id = client.post(before).json()["post_id"]
    for message in (before, after):
        journey_id = message["data"]["journey_id"]
        for _ in range(2):
            assert client.withdraw_journey(journey_id).status_code == 204
        assert client.look_up(journey_id).status_code == 404
        assert client.post(message).status_code == 409
    assert client.ask("GET", f"/api/feed/{post_id}").status_code == 404


def test_a_look_up_s_signature_cannot_be_turned_into_a_withdrawal_of_the_journey(client: Client) -> None:
    journey_id = str(uuid.uuid4())
    client.post(delivery(journey_id=journey_id))
    answer = client.ask("DELETE", f"/api/posts?journey_id={journey_id}", headers=client.signed(journey_id))
    assert answer.status_code == 401
    assert client.look_up(journey_id).status_code == 200


@pytest.mark.parametrize("journey_id", ["", "a" * 65, "a:b"])
def test_what_can_be_no_journey_is_refused(client: Client, journey_id: str) -> None:
    answer = client.withdraw_journey(journey_id)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "journey_id")


def test_a_withdrawn_post_s_words_are_not_kept(tmp_path: Path) -> None:
    cloud = Cloud.open(tmp_path, free_ports=True)
    with Supervisor(cloud, ["feed"]):
        client = Client(cloud)
        post_id = client.post(delivery(title="请忘记我" * 20, caption="请忘记我" * 400)).json()["post_id"]
        assert "请忘记我".encode() in kept_by(cloud)
        client.withdraw(post_id)
        assert "请忘记我".encode() not in kept_by(cloud)
    assert "请忘记我" not in cloud.log_file("feed").read_text("utf-8")


def kept_by(cloud: Cloud) -> bytes:
    return b"".join(file.read_bytes() for file in cloud.folder("feed").iterdir())


# Reading


def test_drafts_are_never_shown(client: Client) -> None:
    before = client.feed()["last_event_id"]
    post_id = client.post(delivery(visibility="draft", title="草稿")).json()["post_id"]
    page = client.feed("?limit=50")
    assert post_id not in json.dumps(page)
    assert page["last_event_id"] == before
    assert client.ask("GET", f"/api/feed/{post_id}").status_code == 404
    assert client.ask("GET", f"/posts/{post_id}").status_code == 404


def test_the_feed_is_read_newest_first_and_in_stretches_without_gap_or_repeat(client: Client) -> None:
    made = [client.post(delivery(title=f"第{number}程")).json()["post_id"] for number in range(5)]
    read: list[str] = []
    query = "?limit=2"
    while not set(made) <= set(read):
        page = client.feed(query)
        assert len(page["posts"]) <= 2
        read += [post["post_id"] for post in page["posts"]]
        query = f"?limit=2&before={page['next_before']}"
    assert read[:5] == made[::-1]


def test_the_last_stretch_says_so(client: Client) -> None:
    client.post(delivery())
    page = client.feed("?before=1")
    assert (page["posts"], page["next_before"]) == ([], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=ten", "before=-1", "before=²", "before=" + "9" * 19])
def test_a_stretch_that_can_not_be_is_refused(client: Client, query: str) -> None:
    answer = client.ask("GET", f"/api/feed?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, query.partition("=")[0])


def test_markup_in_a_post_travels_as_text(client: Client) -> None:
    post_id = client.post(delivery(title=MARKUP, caption=MARKUP)).json()["post_id"]
    answer = client.ask("GET", f"/api/feed/{post_id}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["content"]["title"] == MARKUP
    page = client.ask("GET", f"/posts/{post_id}")
    assert "alert" not in page.text


@pytest.mark.parametrize("path", ["/", "/posts/none", "/api/feed", "/api/posts", "/static/feed.js"])
def test_every_answer_forbids_foreign_scripts_and_guessing(client: Client, path: str) -> None:
    headers = requests.get(client.url + path, timeout=TIMEOUT_S).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


# Following


def test_a_new_post_reaches_a_listener_and_drafts_do_not(client: Client) -> None:
    with client.listen() as stream:
        client.post(delivery(visibility="draft", title="草稿"))
        post_id = client.post(delivery(title="晚霞")).json()["post_id"]
        event = next(stream)
    assert (event.kind, event.content["post_id"]) == ("post.created", post_id)
    assert event.content["content"]["title"] == "晚霞"
    schema("PublishedPost").validate(event.content)


def test_a_listener_that_returns_gets_what_it_missed_once(client: Client) -> None:
    with client.listen() as stream:
        client.post(delivery(title="一"))
        last = next(stream).id
    client.post(delivery(title="二"))
    client.post(delivery(title="三"))
    with client.listen("?after=0", last_event_id=last) as stream:
        missed = [next(stream), next(stream)]
        client.post(delivery(title="四"))
        later = [*missed, next(stream)]
    assert [event.content["content"]["title"] for event in later] == ["二", "三", "四"]
    assert len({event.id for event in later} | {last}) == 4


def test_nothing_is_lost_between_reading_and_listening(client: Client) -> None:
    page = client.feed()
    client.post(delivery(title="赶在监听之前"))
    with client.listen(f"?after={page['last_event_id']}") as stream:
        assert next(stream).content["content"]["title"] == "赶在监听之前"


def test_a_withdrawal_reaches_listeners_and_its_post_is_not_replayed(client: Client) -> None:
    start = client.feed()["last_event_id"]
    post_id = client.post(delivery()).json()["post_id"]
    client.withdraw(post_id)
    with client.listen(f"?after={start}") as stream:
        event = next(stream)
    assert (event.kind, event.content) == ("post.removed", {"post_id": post_id})


@pytest.mark.parametrize("last_event_id", ["999999999", "晚霞".encode().decode("latin-1"), "-1"])
def test_a_listener_with_a_position_of_another_feed_starts_now(client: Client, last_event_id: str) -> None:
    with client.listen(last_event_id=last_event_id) as stream:
        client.post(delivery(title="现在"))
        assert next(stream).content["content"]["title"] == "现在"
