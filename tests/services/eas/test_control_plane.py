"""The control plane, asked by the official SDK, and `tripcanvas eas plan` against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cli.eas.service import autoscaler_json, service_json
from cli.eas.settings import FILE, read_settings
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The SDK's packages use what Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = "sk-" + "0123456789abcdef" * 2
NAME = "tripcanvas_comfyui"


@pytest.fixture
def control(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud in whose control plane nothing was created yet."""
    with Supervisor(cloud, ["eas"]):
        yield cloud


@pytest.fixture
def client(control: Cloud) -> Any:
    return client_of(control)


def client_of(cloud: Cloud, **changed: str) -> Any:
    from alibabacloud_eas20210701.client import Client
    from alibabacloud_tea_openapi.models import Config

    given = {
        "access_key_id": cloud.access_key_id,
        "access_key_secret": cloud.access_key_secret,
        "region_id": cloud.region,
        "endpoint": cloud.url("eas").removeprefix("http://"),
        "protocol": "HTTP",
    }
    return Client(Config(**{**given, **changed}))


@pytest.fixture
def wanted(control: Cloud) -> dict[str, Any]:
    """The service JSON and the autoscaler that the shipped settings render to."""
    environment = {**control.environment(), "DASHSCOPE_API_KEY": KEY}
    settings = read_settings(FILE, environment)
    return {"service": service_json(settings, "api", environment), "autoscaler": autoscaler_json(settings)}


@pytest.fixture
def plan(control: Cloud) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, **control.environment(), "DASHSCOPE_API_KEY": KEY, **environment}
        command = [sys.executable, "-m", "cli.main", "eas", "plan", *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)

    return run


def create(client: Any, wanted: dict[str, Any]) -> None:
    from alibabacloud_eas20210701 import models

    client.create_service(models.CreateServiceRequest(body=json.dumps(wanted["service"], ensure_ascii=False)))
    scaler = models.CreateServiceAutoScalerRequest().from_map(wanted["autoscaler"])
    client.create_service_auto_scaler("cn-shanghai", NAME, scaler)


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as told:
        call()
    return told.value.data["statusCode"], told.value.code


def test_the_sdk_creates_describes_lists_and_changes_a_service(client, control, wanted):
    from alibabacloud_eas20210701 import models

    create(client, wanted)
    found = client.describe_service(control.region, NAME).body
    config = json.loads(found.service_config)
    assert config["containers"] == wanted["service"]["containers"]
    assert config["metadata"]["memory"] == 60000, "EAS gives back more than it was given"
    assert (found.status, found.running_instance) == ("Running", 1)
    assert found.access_token == control.eas_token
    assert found.internet_endpoint == f"{control.url('eas')}/api/predict/{NAME}"
    listed = client.list_services(models.ListServicesRequest(service_name="tripcanvas")).body
    assert [each.service_name for each in listed.services] == [NAME]

    update = json.dumps({"queue": {"max_delivery": 5}})
    client.update_service(control.region, NAME, models.UpdateServiceRequest(body=update))
    queue = json.loads(client.describe_service(control.region, NAME).body.service_config)["queue"]
    assert queue == {"cpu": 1, "memory": 4000, "max_delivery": 5}
    replacing = models.UpdateServiceRequest(update_type="replace", body=json.dumps(wanted["service"]))
    client.update_service(control.region, NAME, replacing)
    found = client.describe_service(control.region, NAME).body
    assert json.loads(found.service_config)["queue"]["max_delivery"] == 2
    assert found.latest_version == 3


def test_the_sdk_reads_the_autoscaler_back(client, control, wanted):
    from alibabacloud_eas20210701 import models

    create(client, wanted)
    found = client.describe_service_auto_scaler(control.region, NAME).body
    assert (found.min_replica, found.max_replica) == (0, 4)
    assert [(each.metric_name, each.threshold) for each in found.scale_strategies] == [("queue[avgbacklog]", 5)]
    assert found.behavior == wanted["autoscaler"]["behavior"]
    larger = models.UpdateServiceAutoScalerRequest().from_map({**wanted["autoscaler"], "max": 9})
    client.update_service_auto_scaler(control.region, NAME, larger)
    assert client.describe_service_auto_scaler(control.region, NAME).body.max_replica == 9


def test_what_is_not_there_or_not_allowed_is_refused(client, control, wanted):
    from alibabacloud_eas20210701 import models

    assert refusal(lambda: client.describe_service(control.region, NAME)) == (404, "ServiceNotFound")
    create(client, wanted)
    assert refusal(lambda: create(client, wanted)) == (409, "ServiceAlreadyExists")
    assert refusal(lambda: client.describe_service("cn-beijing", NAME))[0] == 404
    nameless = models.CreateServiceRequest(body=json.dumps({"metadata": {"name": "旅行"}}))
    assert refusal(lambda: client.create_service(nameless)) == (400, "InvalidParameter")
    stranger = client_of(control, access_key_secret="wrong")
    assert refusal(lambda: stranger.describe_service(control.region, NAME)) == (403, "SignatureNotMatch")


def test_services_outlast_a_restart_and_are_private(client, cloud, control, wanted):
    create(client, wanted)
    assert (cloud.folder("eas") / "services.json").stat().st_mode & 0o077 == 0
    other = Cloud.open(cloud.root)
    assert json.loads((other.folder("eas") / "services.json").read_text("utf-8")).keys() == {NAME}


def test_a_plan_before_anything_exists_creates_everything(plan):
    told = plan()
    assert told.returncode == 2, told.stderr
    assert "containers[0].script" in told.stdout
    assert "25 create" in told.stdout
    assert KEY not in told.stdout + told.stderr


def test_a_plan_of_what_runs_already_has_nothing_to_do(plan, client, wanted):
    create(client, wanted)
    told = plan()
    assert (told.returncode, told.stderr) == (0, "")
    assert "Running, 1 of 1 instances" in told.stdout
    assert "same" in told.stdout


def test_a_plan_says_what_changes_and_what_that_does(plan, client, control, wanted):
    from alibabacloud_eas20210701 import models

    create(client, wanted)
    update = json.dumps({"queue": {"max_delivery": 5}})
    client.update_service(control.region, NAME, models.UpdateServiceRequest(body=update))
    told = plan(DASHSCOPE_API_KEY="sk-" + "fedcba9876543210" * 2)
    assert told.returncode == 2, told.stderr
    (queue,) = [line for line in told.stdout.splitlines() if "queue.max_delivery" in line]
    assert queue.split()[2:4] == ["5", "2"]
    assert "let it run empty first" in queue
    assert "containers[0].env.DASHSCOPE_API_KEY" in told.stdout
    assert "sk-" not in told.stdout + told.stderr


def test_a_plan_works_without_the_secrets(plan, client, wanted):
    create(client, wanted)
    told = plan(DASHSCOPE_API_KEY="")
    assert told.returncode == 0, told.stderr
    assert "not compared: DASHSCOPE_API_KEY is not set here" in told.stdout


def test_a_plan_changes_nothing(plan, client, control, wanted):
    plan()
    assert refusal(lambda: client.describe_service(control.region, NAME))[0] == 404
    create(client, wanted)
    before = (control.folder("eas") / "services.json").read_bytes()
    plan(DASHSCOPE_API_KEY="another")
    assert (control.folder("eas") / "services.json").read_bytes() == before


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}, "the access key is refused"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, "no credentials"),
        ({"TRIPCANVAS_EAS_CONTROL_URL": "http://127.0.0.1:9"}, "ConnectionFailed"),
        ({"TRIPCANVAS_RENDER_BUCKET": ""}, "mount.bucket: the environment variable TRIPCANVAS_RENDER_BUCKET"),
    ],
)
def test_a_plan_that_can_t_be_made_ends_with_one_sentence(plan, environment, sentence):
    told = plan(**environment)
    assert told.returncode == 1
    assert sentence in told.stderr.replace("\n", "")
    assert "Traceback" not in told.stderr
