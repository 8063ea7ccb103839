"""Workers at their queues: what they keep hidden, put back, give up and delete, and how they start and stop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mns.queue import QueueMeta

from cli.cloud import services_of
from cli.deployment import Deployment
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from processes.giving_up import MAX_RECEIVES, give_up
from processes.holding import HIDDEN_S, Held
from processes.identity import Identity
from processes.working import TROUBLED, WELL, Worker, pause_s
from shared.clouds.messages import MAX_BODY_BYTES, open_messages
from shared.dead_letters import Origin, publications, read_letter

ROOT = Path(__file__).resolve().parents[2]
TRIP = (ROOT / "examples" / "trips" / "02-west-lake-rain.json").read_text("utf-8")
QUEUE = "trips-for-workers"


@pytest.fixture(scope="module")
def mns(tmp_path_factory):
    """Queues, and no other service: whatever a worker is given, it can't do."""
    cloud = Cloud.open(tmp_path_factory.mktemp("workers") / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"]):
        yield cloud


@pytest.fixture
def cloud(mns):
    """The same, with an empty queue of trips that hides for two seconds."""
    account = services_of(mns).messages.account
    account.get_queue(QUEUE).delete()
    account.get_queue(QUEUE).create(QueueMeta(vis_timeout=2))
    return mns


@pytest.fixture
def services(cloud):
    return services_of(cloud)


def envelope(body: str = TRIP) -> bytes:
    return json.dumps({"TopicName": "trip-completed", "MessageId": "M1", "Message": body}, ensure_ascii=False).encode()


def received(services, body: bytes, times: int = 1):
    """A message as a worker gets it that is the nth to get it."""
    services.messages.send(QUEUE, body)
    [message] = services.messages.receive(QUEUE, wait_s=5, most=1)
    return replace(message, receive_count=times)


def letters(services) -> list:
    queue = services.settings.dead_letter_queue
    found = services.messages.receive(queue)
    for message in found:
        assert services.messages.delete(queue, message)
    return [read_letter(message, services.styles) for message in found]


def worker(cloud, **more) -> Worker:
    identity = Identity({**cloud.environment(), "TRIPCANVAS_TRIP_QUEUE": QUEUE})
    return Worker("trips", identity, lambda _: None, lambda _: False, **more)


def test_a_message_that_is_not_done_rests_in_its_queue_and_rests_longer_each_time(cloud, services):
    message = received(services, envelope(), times=3)
    worker(cloud)._take_message(QUEUE, message, services)
    assert services.messages.peek(QUEUE) == []
    assert services.messages.state(QUEUE).length == 1
    assert letters(services) == []
    assert [pause_s(count) for count in (1, 2, 3, 8, 9, 100)] == [5, 10, 20, 600, 600, 600]


@pytest.mark.parametrize("times", [MAX_RECEIVES, MAX_RECEIVES + 1])
def test_a_message_that_is_never_done_becomes_a_letter_that_can_be_sent_again(cloud, services, times):
    worker(cloud)._take_message(QUEUE, received(services, envelope(), times), services)
    assert services.messages.state(QUEUE).length == 0
    [letter] = letters(services)
    assert (letter.origin, letter.function, letter.topic) == (
        Origin.INVOCATION, "tripcanvas-trip-completed", "trip_topic",
    )  # fmt: skip
    assert publications(letter, letter.content, services.styles) == [TRIP.encode()]
    assert letter.journeys[0] in letter.reason or "no worker came to its end" in letter.reason


def test_what_nobody_agreed_to_keep_is_not_kept_by_giving_it_up(services):
    trip = json.loads(TRIP)
    trip["consent"]["process"] = False
    give_up(
        "tripcanvas-trip-completed", received(services, envelope(json.dumps(trip, ensure_ascii=False))), "", services
    )
    [letter] = letters(services)
    assert (letter.code, letter.content) == ("no_consent", None)


def test_a_message_too_large_for_its_frame_is_a_bare_letter(services):
    body = json.dumps({**json.loads(TRIP), "text": "路" * 21_400}, ensure_ascii=False)
    assert len(envelope(body)) < MAX_BODY_BYTES < len(envelope(body)) + 2000
    give_up("tripcanvas-trip-completed", received(services, envelope(body)), "w" * 3000, services)
    [letter] = letters(services)
    assert letter.content == envelope(body)


def test_a_held_message_stays_hidden_and_is_deleted_under_its_newest_receipt(cloud, services):
    message = received(services, envelope())
    settings, credentials = services.settings, services.credentials
    with Held(QUEUE, message, lambda: open_messages(settings.mns_endpoint, credentials), 60, first_s=0.2) as held:
        deadline = time.monotonic() + 10
        while held.message.receipt == message.receipt and time.monotonic() < deadline:
            time.sleep(0.02)
    assert (held.message.hidden_until - message.hidden_until).total_seconds() > HIDDEN_S - 10
    assert services.messages.delete(QUEUE, message) is False
    assert services.messages.delete(QUEUE, held.message) is True


def test_a_message_that_another_worker_has_by_now_is_left_to_it(cloud, services):
    message = received(services, envelope())
    assert services.messages.hide(QUEUE, message, 1) is not None
    [again] = services.messages.receive(QUEUE, wait_s=5, most=1)
    with Held(QUEUE, message, lambda: services.messages, 60, first_s=0.05) as held:
        deadline = time.monotonic() + 10
        while held.message is not None and time.monotonic() < deadline:
            time.sleep(0.02)
    assert held.message is None
    assert services.messages.delete(QUEUE, again) is True


def test_a_worker_that_is_told_to_stop_puts_back_what_it_has_just_received(cloud, services):
    services.messages.send(QUEUE, envelope())
    told, asked = [], iter([False, True, True])
    Worker(
        "trips", worker(cloud).identity, told.append, lambda _: next(asked)
    ).run()  # asked before the turn, with the message in hand, and before the next turn
    assert told == [WELL, WELL]
    [message] = services.messages.receive(QUEUE, wait_s=5, most=1)
    assert message.receive_count == 2


def test_a_queue_that_is_not_there_is_trouble_and_not_the_end(cloud):
    told, asked = [], iter([False, False, True])
    identity = Identity({**cloud.environment(), "TRIPCANVAS_TRIP_QUEUE": "nowhere"})
    Worker("trips", identity, told.append, lambda _: next(asked)).run()
    assert told == [TROUBLED]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port: int, path: str) -> tuple[int, dict]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except OSError:
        return 0, {}


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_keeper_answers_probes_starts_dead_workers_again_and_stops_in_good_order(cloud, services):
    port = free_port()
    environment = {**os.environ, **cloud.environment(), "TRIPCANVAS_TRIP_QUEUE": QUEUE}
    command = [sys.executable, "-m", "processes", "trips", "--processes", "2", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as keeper:
        try:
            wait_for(lambda: get(port, "/live")[0] == 200)
            wait_for(lambda: get(port, "/ready") == (200, {"workers": 2, "well": 2, "restarts": 0}))
            assert get(port, "/queue") == (200, {"length": 0})
            assert get(port, "/") == (404, {})
            children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
            os.kill(int(children.read_text().split()[0]), 9)
            wait_for(lambda: get(port, "/ready")[1] == {"workers": 2, "well": 2, "restarts": 1})
        finally:
            keeper.terminate()
            output = keeper.stdout.read().decode()
        assert keeper.wait(30) == 0
    assert '[INFO] {"event":"worker_ended","status":-9' in output
    assert '{"event":"stopped","outcome":"ended"}' in output


def test_a_worker_whose_keeper_died_ends_by_itself(cloud):
    read, write = os.pipe()
    environment = {**os.environ, **cloud.environment(), "TRIPCANVAS_TRIP_QUEUE": "nowhere"}
    command = [sys.executable, "-m", "processes", "trips", "--worker", str(write)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[write], stdout=subprocess.DEVNULL) as orphan:
        os.close(write)
        os.close(read)
        assert orphan.wait(60) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["relay", "--processes", "2"], "--processes: there is one relay at a time"),
        (["trips", "--once"], "--once: only sweep ends by itself"),
        (["trips", "--processes", "0"], "--processes: at least 1"),
    ],
)
def test_what_can_not_be_is_refused(arguments, told):
    done = subprocess.run(
        [sys.executable, "-m", "processes", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert told in done.stderr


def test_a_sweep_by_cron_says_by_its_status_that_the_ledger_was_not_there(cloud):
    done = subprocess.run(
        [sys.executable, "-m", "processes", "sweep", "--once"], cwd=ROOT, env={**os.environ, **cloud.environment()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert '"event":"trouble"' in done.stdout


class Sts(BaseHTTPRequestHandler):
    """Hands out credentials as a sidecar at ALIBABA_CLOUD_CREDENTIALS_URI does, others each time."""

    given = 0

    def do_GET(self):
        Sts.given += 1
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        body = json.dumps({
            "Code": "Success", "AccessKeyId": f"STS.{Sts.given}", "AccessKeySecret": "secret",
            "SecurityToken": "token", "Expiration": soon if Sts.given == 1 else "2099-01-01T00:00:00Z",
        }).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_credentials_of_a_role_are_taken_and_renewed_and_the_services_with_them(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = (
        "from processes.identity import Identity\n"
        "identity = Identity()\n"
        "first = identity.services()\n"
        "second = identity.services()\n"
        "assert first.credentials.access_key_id == 'STS.1', first.credentials\n"
        "assert second.credentials.access_key_id == 'STS.2', second.credentials\n"
        "assert identity.services() is second\n"
    )
    environment = {
        "ALIBABA_CLOUD_CREDENTIALS_URI": f"http://127.0.0.1:{server.server_port}/", "HOME": str(tmp_path),
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr[-1500:]


def test_nobody_is_told_by_type_alone_and_by_no_text_of_the_sdk():
    program = (
        "from processes.identity import Identity\n"
        "from shared.errors import Misconfigured\n"
        "try:\n    Identity({}).credentials()\n"
        "except Misconfigured as error:\n    print(error)\n"
    )
    environment = {"HOME": "/nonexistent", "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.startswith("no credentials (CredentialException): give the pod or the machine a role"), (
        done.stderr
    )


def test_the_queues_and_their_subscriptions_are_provisioned_when_they_are_named(cloud):
    from cli.provision.desired import resources_of

    environment = {**cloud.environment(), "TRIPCANVAS_TRIP_QUEUE": QUEUE, "TRIPCANVAS_RESULT_QUEUE": "results"}
    named = [each for each in resources_of(Deployment(environment)) if each.kind == "subscription"]
    assert [each.name for each in named] == [QUEUE, "results"]
    assert [each for each in resources_of(Deployment(cloud.environment())) if each.kind == "subscription"] == []
    subscription = named[0]
    assert subscription.read() is None
    subscription.apply(None)
    assert subscription.read() == subscription.wanted
    services_of(cloud).messages.publish("trip-completed", TRIP.encode())
    [message] = services_of(cloud).messages.receive(QUEUE, wait_s=5)
    assert json.loads(message.body)["Message"] == TRIP
    subscription.delete()
    assert subscription.read() is None
