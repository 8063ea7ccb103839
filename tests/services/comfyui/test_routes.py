"""ComfyUI's own routes as the embedded server speaks them, held against what a real 0.3.64 answered to the same.

With ``COMFYUI_URL`` the recording itself is held against the server there, if that is a 0.3.64.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.comfyui.routes import OURS, RECORDED, Conversation

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = os.environ.get("COMFYUI_URL", "").rstrip("/")
SAID: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    found = Cloud.open(tmp_path_factory.mktemp("cloud"), free_ports=True)
    with Supervisor(found, ["oss", "eas", "comfyui"]):
        yield found


@pytest.fixture(scope="module")
def held(cloud: Cloud) -> dict[str, Any]:
    return Conversation(cloud.url("comfyui")).hold()


@pytest.fixture(scope="module")
def standard(cloud: Cloud) -> str:
    return f"{cloud.url('eas')}/api/predict/{cloud.eas_standard_service}"


def test_the_same_questions_were_asked(held: dict[str, Any]) -> None:
    assert set(held) == set(SAID)


@pytest.mark.parametrize("question", SAID)
def test_the_embedded_server_answers_as_a_real_one_did(held: dict[str, Any], question: str) -> None:
    assert held[question] == SAID[question]


def test_the_gateway_changes_nothing(cloud: Cloud, standard: str) -> None:
    through = Conversation(standard, {"Authorization": cloud.eas_token}).hold()
    assert through == {name: said for name, said in SAID.items() if name != "another site"}


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), ("", 401)])
def test_the_gateway_asks_for_the_token(standard: str, token: str, status: int) -> None:
    assert requests.get(f"{standard}/queue", headers={"Authorization": token}, timeout=10).status_code == status


def test_the_standard_service_has_no_queue(cloud: Cloud, standard: str) -> None:
    answer = requests.post(f"{standard}/api_prompt", data=b"{}", headers={"Authorization": cloud.eas_token}, timeout=10)
    assert answer.status_code in (404, 405)


def test_a_picture_is_put_where_the_mount_would_put_it(cloud: Cloud, held: dict[str, Any]) -> None:
    from localcloud.comfyui.render_bucket import BUCKET, MOUNTED_PREFIX
    from tests.services.comfyui.test_service import oss2

    auth = oss2.Auth(cloud.access_key_id, cloud.access_key_secret)
    bucket = oss2.Bucket(auth, cloud.url("oss"), BUCKET)
    keys = [found.key for found in oss2.ObjectIterator(bucket, prefix=f"{MOUNTED_PREFIX}output/对比/")]
    assert len([key for key in keys if key.endswith("/苏州_00001_.png")]) >= 1


def test_a_snapshot_holds_our_own_classes_as_they_are_loaded(cloud: Cloud) -> None:
    info = requests.get(f"{cloud.url('comfyui')}/object_info", timeout=10).json()
    for name in OURS:
        assert info[name]["python_module"] == "custom_nodes.tripcanvas"
        assert info[name]["display_name"] != name


needs_server = pytest.mark.skipif(not URL, reason="COMFYUI_URL names no ComfyUI server to compare with")


@needs_server
def test_the_recording_is_what_a_real_server_says() -> None:
    version, recorded = Conversation(URL).version(), SAID["version"]
    if version != recorded:
        pytest.skip(f"recorded from {recorded}, the server is {version}")
    assert Conversation(URL).hold() == SAID


@needs_server
@pytest.mark.parametrize("name", OURS)
def test_our_classes_are_told_as_by_a_real_server(cloud: Cloud, name: str) -> None:
    ours, theirs = (requests.get(f"{url}/object_info/{name}", timeout=60).json() for url in (cloud.url("comfyui"), URL))
    assert json.dumps(ours) == json.dumps({name: {key: theirs[name][key] for key in ours[name]}})
    # Later versions tell more of a class.
    assert set(theirs[name]) - set(ours[name]) <= {"search_aliases", "is_input_list"}
