"""The temporary space: leave to upload, the form, and who may read the file afterwards."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dashscope
import pytest
import requests
from dashscope.utils.oss_utils import OssUtils
from PIL import Image

from tests.services.dashscope.conftest import Client

MODEL = "qwen3.7-plus"
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def png() -> bytes:
    sink = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(sink, "PNG")
    return sink.getvalue()


def leave(client: Client, model: str = MODEL) -> dict[str, Any]:
    answer = client.get(f"uploads?action=getPolicy&model={model}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


def form(policy: dict[str, Any], name: str = "车.png", changed: dict[str, str] | None = None) -> dict[str, str]:
    return {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/{name}",
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        **(changed or {}),
    }


def post(policy: dict[str, Any], fields: dict[str, str], content: bytes | None = None) -> requests.Response:
    return requests.post(policy["upload_host"], data=fields, files={"file": content or png()}, timeout=10)


def judged(client: Client, address: str, model: str = MODEL, **headers: str) -> requests.Response:
    content = [{"image": address}, {"text": "看图"}]
    body = {"model": model, "input": {"messages": [{"role": "user", "content": content}]}}
    return client.post("services/aigc/multimodal-generation/generation", body, **headers)


def test_an_uploaded_picture_is_read_by_the_model_it_was_left_for(client: Client) -> None:
    policy = leave(client)
    fields = form(policy)

    assert post(policy, fields).status_code == 200
    assert judged(client, f"oss://{fields['key']}", **RESOLVE).status_code == 200


def test_without_the_header_or_for_another_model_the_picture_is_not_found(client: Client) -> None:
    policy = leave(client)
    fields = form(policy)
    post(policy, fields)
    address = f"oss://{fields['key']}"

    for answer in (
        judged(client, address),
        judged(client, address, "qwen3.8-flash", **RESOLVE),
        judged(client, f"{address}x", **RESOLVE),
        judged(client, "oss://dashscope-instant/../../state", **RESOLVE),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter.DataInspection")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Signature": "AAAA"}, 403, "SignatureDoesNotMatch"),
        ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
        ({"OSSAccessKeyId": "LTAI0"}, 403, "InvalidAccessKeyId"),
        ({"key": "dashscope-instant/elsewhere/a.png"}, 403, "AccessDenied"),
        ({"x-oss-object-acl": "public-read"}, 403, "AccessDenied"),
        ({"x-oss-forbid-overwrite": "false"}, 403, "AccessDenied"),
    ],
)
def test_a_form_that_breaks_its_policy_is_refused(
    client: Client, changed: dict[str, str], status: int, code: str
) -> None:
    policy = leave(client)
    answer = post(policy, form(policy, changed=changed))

    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text


def test_a_file_is_left_once_under_a_name(client: Client) -> None:
    policy = leave(client)
    post(policy, form(policy))

    again = post(policy, form(policy))
    assert (again.status_code, "FileAlreadyExists" in again.text) == (409, True)


def test_a_body_that_is_no_form_with_a_file_is_refused(client: Client) -> None:
    policy = leave(client)

    assert requests.post(policy["upload_host"], data=b"\x00", timeout=10).status_code == 400
    no_file = requests.post(policy["upload_host"], files={"policy": (None, "x")}, timeout=10)
    assert "IncorrectNumberOfFiles" in no_file.text


def test_bytes_arrive_as_they_were_sent(client: Client) -> None:
    """A file that ends in line breaks, and holds something like a boundary, is not cut."""
    policy = leave(client, "wanx-background-generation-v2")
    fields = form(policy)
    assert post(policy, fields, png() + b"\r\n\r\n--\r\n").status_code == 200


@pytest.mark.parametrize(
    ("query", "status"), [("action=getPolicy", 400), ("model=x", 400), ("action=getPolicy&model=nothing", 404)]
)
def test_leave_is_given_for_a_known_model_only(client: Client, query: str, status: int) -> None:
    assert client.get(f"uploads?{query}").status_code == status


def test_leave_needs_the_key_and_is_counted(client: Client) -> None:
    calls = f"{client.cloud.url('dashscope')}/-/calls"
    before = client.session.get(calls, timeout=10).json()["uploads"]

    answer = client.session.get(client.api(f"uploads?action=getPolicy&model={MODEL}"), timeout=10)
    assert answer.status_code == 401
    assert client.session.get(calls, timeout=10).json()["uploads"] == before + 1


@pytest.mark.usefixtures("sdk")
def test_the_official_sdk_uploads_a_file_and_a_model_sees_it(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "风景.png"
    file.write_bytes(png())

    address, _ = OssUtils.upload(model=MODEL, file_path=str(file), api_key=dashscope.api_key)
    assert judged(client, address, **RESOLVE).status_code == 200

    # The SDK uploads a file that a message names by itself, and sends the header.
    content = [{"image": f"file://{file}"}, {"text": "看图"}]
    answer = dashscope.MultiModalConversation.call(model=MODEL, messages=[{"role": "user", "content": content}])
    assert answer.status_code == 200, answer
