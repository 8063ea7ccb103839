"""The embedded cloud as processes: its state folder, its services, and who ends with whom."""

from __future__ import annotations

import contextlib
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import ServiceDied, Supervisor, answers
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[2]


def eventually(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


# The state folder.


def test_a_second_start_finds_the_same_addresses_and_keys(cloud):
    assert Cloud.open(cloud.root) == cloud


def test_two_clouds_share_neither_ports_nor_keys(cloud, tmp_path):
    other = Cloud.open(tmp_path / "other", free_ports=True)
    assert other.access_key_secret != cloud.access_key_secret
    # Neither runs, so one port may be free for both.
    assert set(other.ports.values()) != set(cloud.ports.values())


def test_every_service_has_a_port_of_its_own(cloud):
    assert set(cloud.ports) == {*SERVICES, "admin"}
    assert len(set(cloud.ports.values())) == len(cloud.ports)


def test_a_documented_port_that_is_taken_is_replaced(tmp_path):
    with socket.socket() as taken:
        # Taken by another program of this machine: just as well.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", 7710))
            taken.listen()
        assert Cloud.open(tmp_path / "cloud").ports["oss"] != 7710


def test_the_keys_are_readable_by_their_owner_only_and_stay_out_of_sight(cloud):
    assert stat.S_IMODE((cloud.root / "cloud.json").stat().st_mode) == 0o600
    for secret in (cloud.access_key_secret, cloud.dashscope_api_key, cloud.eas_token, cloud.feed_secret):
        assert secret not in repr(cloud)


def test_every_setting_that_the_cloud_gives_is_one_that_the_product_reads(cloud):
    known = {setting.metadata["variable"] for setting in fields(Settings)}
    others = {"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "TRIPCANVAS_ACCOUNT_ID", "NO_PROXY",
              "TRIPCANVAS_FC_ENDPOINT", "TRIPCANVAS_SWEEP_SCHEDULE", "TRIPCANVAS_EAS_CONTROL_URL", "TRIPCANVAS_RAM_ENDPOINT",
              "TRIPCANVAS_STS_ENDPOINT", "TRIPCANVAS_SLS_ENDPOINT", "TRIPCANVAS_LOG_PROJECT",
              "TRIPCANVAS_LOG_STORE", "TRIPCANVAS_ACTION_POLICY"}  # fmt: skip
    assert set(cloud.environment()) | set(cloud.defaults()) <= known | others


def test_every_address_that_the_product_needs_is_given_by_the_cloud(cloud):
    settings = Settings.from_environment(cloud.environment())
    for setting in fields(Settings):
        # Empty on purpose: the region's own KMS, the shipped prices, queues where no function is subscribed, a collector.
        if setting.name in ("kms_endpoint", "prices", "trip_queue", "result_queue", "otlp_url"):
            continue
        assert settings.need(setting.name)
        if setting.name.endswith(("_url", "_endpoint")):
            assert getattr(settings, setting.name).startswith("http://127.0.0.1:")


# Services as processes.


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory):
    """Two running services; a test that stops one starts it again."""
    cloud = Cloud.open(tmp_path_factory.mktemp("supervised") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss", "feed"]) as supervisor:
        yield supervisor


def test_the_chosen_services_run_and_no_others(supervisor):
    cloud = supervisor.cloud
    assert [service for service in SERVICES if answers(cloud, service)] == ["oss", "feed"]
    assert [service for service in SERVICES if supervisor.is_running(service)] == ["oss", "feed"]


def test_a_service_that_was_stopped_stays_down_until_it_is_started(supervisor):
    cloud = supervisor.cloud
    supervisor.stop_service("feed")
    assert not answers(cloud, "feed")
    assert not supervisor.is_running("feed")
    supervisor.start_service("feed")
    assert answers(cloud, "feed")


def test_starting_what_runs_and_stopping_what_does_not_change_nothing(supervisor):
    cloud = supervisor.cloud
    supervisor.start_service("feed")
    supervisor.stop_service("eas")
    assert answers(cloud, "feed")


def test_a_killed_service_keeps_what_it_had_taken(supervisor):
    cloud = supervisor.cloud
    import oss2

    auth = oss2.Auth(cloud.access_key_id, cloud.access_key_secret)
    bucket = oss2.Bucket(auth, cloud.url("oss"), "tripcanvas-gallery")
    bucket.put_object("水墨.txt", "西湖的雨")
    supervisor.stop_service("oss", kill=True)
    assert not answers(cloud, "oss")
    supervisor.start_service("oss")
    assert bucket.get_object("水墨.txt").read().decode() == "西湖的雨"


def test_leaving_the_supervisor_stops_everything(cloud):
    with Supervisor(cloud, ["feed"]):
        assert answers(cloud, "feed")
    assert not answers(cloud, "feed")


def test_a_service_that_cannot_start_says_why_and_takes_the_others_down(cloud):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", cloud.ports["feed"]))
        taken.listen()
        with pytest.raises(ServiceDied, match=r"(?s)feed ended with .*address already in use"):
            Supervisor(cloud, ["oss", "feed"]).start()
    assert not answers(cloud, "oss")


def test_a_service_that_starts_too_slowly_is_given_up(cloud):
    with pytest.raises(TimeoutError, match="feed did not answer in time"):
        Supervisor(cloud, ["feed"]).start(timeout_s=0.01)
    assert not answers(cloud, "feed")


def test_services_end_with_a_supervisor_that_was_killed(cloud):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from localcloud.state import Cloud; from localcloud.supervisor import Supervisor\n"
        "with Supervisor(Cloud.open(Path(sys.argv[1])), ['feed']): print('up', flush=True); time.sleep(60)"
    )
    arguments = [sys.executable, "-c", program, str(cloud.root)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=REPOSITORY) as supervising:
        assert supervising.stdout is not None
        assert supervising.stdout.readline() == b"up\n"
        assert answers(cloud, "feed")
        supervising.send_signal(signal.SIGKILL)
        eventually(lambda: not answers(cloud, "feed"))


def test_a_service_can_be_served_alone_and_ends_with_its_input(cloud):
    arguments = [sys.executable, "-m", "localcloud.serve", "feed", "--root", str(cloud.root), "--end-with-stdin"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as serving:
        eventually(lambda: answers(cloud, "feed"))
        assert serving.stdin is not None
        serving.stdin.close()
        # SIGTERM ends it in an orderly way; the server then repeats the signal to itself.
        assert serving.wait(10) in (0, -signal.SIGTERM)


def test_an_unknown_service_is_an_error(cloud):
    arguments = [sys.executable, "-m", "localcloud.serve", "rds", "--root", str(cloud.root)]
    ended = subprocess.run(arguments, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert ended.returncode == 2
    assert "'rds'" in ended.stderr


def test_a_proxy_of_the_shell_is_not_asked_for_services_of_this_machine(supervisor, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert answers(supervisor.cloud, "feed")
