"""The queue service as a process, over plain HTTP as a function uses it: reading, faults, settings, restarts."""

from __future__ import annotations

import base64
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.eas.calls import (
    DEADLINE_S,
    PROMPT,
    attributes,
    call,
    configured,
    dial,
    eventually,
    order_fault,
    receive,
)

if TYPE_CHECKING:
    pass


class TestAsAFunctionReadsIt:
    """Plain HTTP and JSON, without the SDK."""

    def test_results_are_read_without_lease_and_deleted_afterwards(self, service: Cloud) -> None:
        put = call(service, "POST", {"task_id": "旅程-1"}, "/sink", data=PROMPT.encode())
        assert put.text == "1"
        read = {"_index_": "0", "_length_": "16", "_timeout_": "0s", "_raw_": "false", "_auto_delete_": "false"}
        (record,) = call(service, "GET", read, "/sink").json()
        assert record["tags"] == {"task_id": "旅程-1", "requestId": put.headers["X-Eas-Queueservice-Request-Id"]}
        assert base64.b64decode(record["data"]).decode() == PROMPT
        assert len(call(service, "GET", read, "/sink").json()) == 1
        assert call(service, "DELETE", {"_indexes_": "1"}, "/sink").text == "OK"
        assert call(service, "GET", read, "/sink").status_code == 204

    def test_the_two_queues_are_apart_and_a_path_is_the_input_queue(self, service: Cloud) -> None:
        call(service, "POST", {}, "/api_prompt", data=PROMPT.encode())
        assert attributes(service)["stream.length"] == "1"
        assert attributes(service, "/sink")["stream.length"] == "0"
        assert attributes(service)["meta.name"] != attributes(service, "/sink")["meta.name"]

    def test_an_empty_queue_answers_204_when_the_time_is_up(self, service: Cloud) -> None:
        started = time.monotonic()
        answer = call(service, "GET", {"_timeout_": "700ms", "_length_": "16", "_raw_": "false"}, "/sink")
        assert answer.status_code == 204
        assert answer.content == b""
        assert 0.7 <= time.monotonic() - started < 2.0

    def test_a_long_poll_answers_at_once_when_it_has_as_many_as_it_asked_for(self, service: Cloud) -> None:
        read = {"_index_": "0", "_length_": "2", "_timeout_": "15s", "_raw_": "false"}
        call(service, "POST", {}, "/sink", data=b"1")
        later = threading.Timer(0.3, lambda: call(service, "POST", {}, "/sink", data=b"2"))
        later.start()
        started = time.monotonic()
        assert len(call(service, "GET", read, "/sink").json()) == 2
        assert 0.25 <= time.monotonic() - started < 5.0
        later.join()

    def test_a_long_poll_that_gets_fewer_waits_out_its_time_and_hands_them_over(self, service: Cloud) -> None:
        call(service, "POST", {}, "/sink", data=b"1")
        started = time.monotonic()
        read = {"_index_": "0", "_length_": "16", "_timeout_": "600ms", "_raw_": "false"}
        assert len(call(service, "GET", read, "/sink").json()) == 1
        assert time.monotonic() - started >= 0.6

    def test_one_record_can_be_waited_for_by_its_request_id(self, service: Cloud) -> None:
        call(service, "POST", {}, "/sink", data=b"other")
        request_id = call(service, "POST", {}, "/sink", data=b"mine").headers["X-Eas-Queueservice-Request-Id"]
        read = {"requestId": request_id, "_timeout_": "5s", "_raw_": "false"}
        (record,) = call(service, "GET", read, "/sink").json()
        assert base64.b64decode(record["data"]) == b"mine"

    def test_a_sender_cannot_choose_its_request_id(self, service: Cloud) -> None:
        put = call(service, "POST", {"requestId": "chosen"}, data=b"x")
        assert put.headers["X-Eas-Queueservice-Request-Id"] != "chosen"

    def test_without_raw_false_the_payload_itself_comes(self, service: Cloud) -> None:
        call(service, "POST", {}, "/sink", data=PROMPT.encode())
        assert call(service, "GET", {"_index_": "0"}, "/sink").content.decode() == PROMPT

    def test_count_end_and_negative_work_although_the_python_client_lacks_them(self, service: Cloud) -> None:
        for source in ("live", "live", "backfill"):
            call(service, "POST", {"source": source}, data=b"x", headers={"X-EAS-QueueService-Priority": "1"})
        assert call(service, "GET", {"_count_": "true", "_priority_": "1"}).text == "3"
        assert call(service, "GET", {"_count_": "true", "source": "live"}).text == "2"
        with dial(service, uid="a") as watching:
            assert receive(watching).index == 1
            identity = {"X-EAS-QueueService-Redis-Uid": "a", "X-EAS-QueueService-Redis-Gid": "eas"}
            form = {"_code_": "BadInput", "_reason_": "图坏了"}
            no = call(service, "PUT", {"_indexes_": "1", "_negative_": "true"}, data=form, headers=identity)
            assert no.text == "OK"
            assert receive(watching).index == 1
        assert call(service, "POST", {"_eos_": "true"}).text == "OK"
        assert call(service, "POST", {}, data=b"x").status_code == 400

    @pytest.mark.parametrize(
        ("method", "query"),
        [
            ("GET", {"_timeout_": "soon"}),
            ("GET", {"_index_": "first"}),
            ("GET", {"_watch_": "true", "_window_": "wide"}),
            ("DELETE", {"_indexes_": "1,two"}),
            ("PUT", {}),
            ("PUT", {"_negative_": "true", "_indexes_": "1"}),
            ("POST", {"_priority_": "high"}),
            ("POST", {"_priority_": "99999999999999999999"}),
        ],
    )
    def test_a_parameter_that_cannot_be_read_is_a_400_not_a_500(
        self, service: Cloud, method: str, query: dict[str, str]
    ) -> None:
        assert call(service, method, query).status_code == 400


class TestFaults:
    def test_a_put_that_is_taken_but_answered_503_leaves_a_record(self, service: Cloud) -> None:
        order_fault(service, "put-taken-but-503")
        assert call(service, "POST", {}, data=b"x").status_code == 503
        assert attributes(service)["stream.length"] == "1"

    @pytest.mark.parametrize(
        ("method", "fault", "left"), [("POST", "put-taken-but-cut-off", "2"), ("GET", "get-cut-off", "0")]
    )
    def test_a_connection_that_breaks_leaves_the_outcome_unknown(
        self, service: Cloud, method: str, fault: str, left: str
    ) -> None:
        call(service, "POST", {}, data=b"x")
        order_fault(service, fault)
        with pytest.raises(requests.exceptions.RequestException):
            call(service, method, {"_auto_delete_": "true", "_raw_": "false"}, data=b"y")
        assert attributes(service)["stream.length"] == left

    def test_a_sink_record_can_be_lost(self, service: Cloud) -> None:
        order_fault(service, "sink-put-lost")
        assert call(service, "POST", {}, "/sink", data=b"x").status_code == 200
        assert attributes(service, "/sink")["stream.length"] == "0"

    def test_a_watch_can_be_refused(self, service: Cloud) -> None:
        order_fault(service, "watch-refused")
        with pytest.raises(InvalidStatus) as refused:
            dial(service)
        assert refused.value.response.status_code == 503
        with dial(service):
            pass

    def test_only_named_faults_can_be_ordered(self, service: Cloud) -> None:
        answer = requests.post(f"{service.url('eas')}/-/faults/earthquake", timeout=DEADLINE_S)
        assert answer.status_code == 404
        assert "watch-refused" in requests.get(f"{service.url('eas')}/-/faults", timeout=DEADLINE_S).json()


def leave_while_waiting(cloud: Cloud) -> None:
    """Send a long poll with auto-delete, and go away before there is an answer."""
    query = urlencode({"_index_": 0, "_timeout_": "20s", "_raw_": "false", "_auto_delete_": "true"})
    with socket.create_connection(("127.0.0.1", cloud.ports["eas"])) as gone:
        gone.sendall(
            f"GET /api/predict/{cloud.eas_service}/sink?{query} HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nAuthorization: {cloud.eas_token}\r\n\r\n".encode()
        )
        gone.shutdown(socket.SHUT_WR)
        gone.settimeout(DEADLINE_S)
        assert gone.recv(1) == b"", "the service has noticed, for it has closed its side too"


class TestSettings:
    def test_a_poller_that_went_away_takes_its_record_with_it(self, service: Cloud) -> None:
        leave_while_waiting(service)
        call(service, "POST", {}, "/sink", data=b"x")
        eventually(lambda: attributes(service, "/sink")["stream.length"] == "0")

    def test_without_lossy_get_the_record_stays(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, lossy_get=False), ["eas"]):
            leave_while_waiting(cloud)
            call(cloud, "POST", {}, "/sink", data=b"x")
            answer = call(cloud, "GET", {"_timeout_": "1s", "_raw_": "false", "_auto_delete_": "true"}, "/sink")
            assert len(answer.json()) == 1

    def test_a_graph_that_is_too_large_is_refused_and_the_connection_survives(self, service: Cloud) -> None:
        with requests.Session() as session:
            url = f"{service.url('eas')}/api/predict/{service.eas_service}"
            session.headers["Authorization"] = service.eas_token
            assert session.post(url, data=b"x" * 8193, timeout=DEADLINE_S).status_code == 413
            assert session.post(url, data=b"x" * 2_000_000, timeout=DEADLINE_S).status_code == 413
            assert session.post(url, data=b"x" * 8192, timeout=DEADLINE_S).status_code == 200

    def test_full_queues_refuse_or_evict_as_configured(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, source_max_length=1, sink_max_length=1, sink_auto_evict=True), ["eas"]):
            assert attributes(cloud)["stream.approxMaxLength"] == "1"
            assert [call(cloud, "POST", {}, data=b"x").status_code for _ in range(2)] == [200, 450]
            assert [call(cloud, "POST", {}, "/sink", data=b"x").status_code for _ in range(2)] == [200, 200]
            assert attributes(cloud, "/sink")["stream.firstEntry"] == "2"

    def test_a_record_that_no_delivery_finished_waits_in_the_rear_queue(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, max_delivery=1), ["eas"]):
            call(cloud, "POST", {"task_id": "毒丸"}, data=PROMPT.encode())
            with dial(cloud) as crashing:
                receive(crashing)
            rear = {"X-EAS-QueueService-Access-Rear": "true"}
            eventually(lambda: attributes(cloud, **rear)["stream.length"] == "1")
            assert attributes(cloud)["stream.length"] == "0"
            (record,) = call(cloud, "GET", {"_raw_": "false", "_index_": "0"}, headers=rear).json()
            assert record["tags"]["task_id"] == "毒丸"

    def test_a_record_held_too_long_is_delivered_again(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, max_idle_s=0.3), ["eas"]):
            call(cloud, "POST", {}, data=b"x")
            with dial(cloud, uid="slow") as slow, dial(cloud, uid="next") as following:
                assert receive(slow).index == 1
                assert receive(following).index == 1

    def test_settings_that_make_no_sense_stop_the_service_with_the_file_named(self, cloud: Cloud) -> None:
        from localcloud.eas.settings import read_settings
        from shared.errors import Misconfigured

        for broken in ({"max_delivry": 1}, {"max_delivery": -1}, {"dead_message_policy": "Burn"}):
            configured(cloud, **broken)
            with pytest.raises(Misconfigured, match=r"queue\.json"):
                read_settings(cloud.folder("eas"))


class TestRestart:
    @pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
    def test_records_indexes_and_order_survive_the_process(self, cloud: Cloud, kill: bool) -> None:
        with Supervisor(cloud, ["eas"]) as supervisor:
            for number in range(3):
                call(cloud, "POST", {"task_id": str(number)}, "/api_prompt", data=PROMPT.encode())
            call(cloud, "POST", {"_priority_": "1"}, data=b"live")
            call(cloud, "DELETE", {"_indexes_": "2"})
            read = {"_index_": "0", "_length_": "9", "_timeout_": "0s", "_raw_": "false"}
            before = call(cloud, "GET", read).json()
            supervisor.stop_service("eas", kill=kill)
            supervisor.start_service("eas")
            assert call(cloud, "GET", read).json() == before
            assert [record["index"] for record in before] == [4, 1, 3]
            assert call(cloud, "POST", {}, data=b"x").text == "5"

    def test_stopping_the_service_is_no_failed_delivery(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, max_delivery=1), ["eas"]) as supervisor:
            call(cloud, "POST", {}, data=b"x")
            with dial(cloud) as held:
                receive(held)
                supervisor.stop_service("eas")
                supervisor.start_service("eas")
            with dial(cloud, uid="after") as watching:
                assert receive(watching).index == 1

    def test_a_restart_of_the_queues_loses_everything_and_says_so(self, service: Cloud) -> None:
        call(service, "POST", {}, data=b"x")
        call(service, "POST", {}, "/sink", data=b"x")
        with dial(service) as watching:
            receive(watching)
            answer = requests.post(f"{service.url('eas')}/-/restart-queues", timeout=DEADLINE_S).json()
            assert answer["lost"] == {"input": 1, "input-rear": 0, "sink": 1, "sink-rear": 0}
            assert "memory" in answer["meaning"]
            with pytest.raises(ConnectionClosed):
                watching.recv(DEADLINE_S)
        assert call(service, "POST", {}, data=b"x").text == "1"

    def test_nothing_of_a_record_reaches_the_log(self, cloud: Cloud) -> None:
        with Supervisor(configured(cloud, max_delivery=1), ["eas"]):
            call(cloud, "POST", {"task_id": "t-1", "city": "湖州市"}, "/sink", data=PROMPT.encode())
            with dial(cloud, "/sink") as crashing:
                receive(crashing)
            eventually(lambda: "record 1 of sink is dead" in cloud.log_file("eas").read_text("utf-8"))
        log = cloud.log_file("eas").read_text("utf-8")
        for secret in ("湖州", "KSampler", cloud.eas_token):
            assert secret not in log
