"""Who may ask: signatures in headers and in presigned URLs, V1 and V4."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from localcloud.oss.call import Target
from localcloud.oss.errors import OssError
from localcloud.oss.signatures import signer
from localcloud.signing import WireRequest
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.oss.clients import LEDGER, bucket, oss2

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

KEY = "图片/秋 色+1.png"
VERSIONS = pytest.mark.parametrize("version", ["v1", "v4"])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("oss") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss"]):
        bucket(cloud).put_object(KEY, "画".encode())
        yield cloud


@VERSIONS
def test_a_wrong_secret_is_refused(cloud: Cloud, version: str) -> None:
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch) as error:
        bucket(cloud, version=version, secret="wrong").get_object(KEY)
    assert error.value.status == 403


@VERSIONS
def test_an_unknown_key_is_refused(cloud: Cloud, version: str) -> None:
    with pytest.raises(oss2.exceptions.ServerError) as error:
        bucket(cloud, version=version, key_id="LTAIunknown").get_object(KEY)
    assert (error.value.status, error.value.code) == (403, "InvalidAccessKeyId")


def test_a_wrong_region_is_refused(cloud: Cloud) -> None:
    client = bucket(cloud, version="v4")
    client.region = "cn-hangzhou"
    with pytest.raises(oss2.exceptions.InvalidArgument) as error:
        client.head_object(KEY)
    assert error.value.message == "Invalid signing region in Authorization header."


@VERSIONS
@pytest.mark.parametrize("slash_safe", [True, False])
def test_a_presigned_get_needs_nothing_else(cloud: Cloud, version: str, slash_safe: bool) -> None:
    url = bucket(cloud, version=version).sign_url("GET", KEY, 60, slash_safe=slash_safe)
    assert requests.get(url, timeout=5).text == "画"
    assert requests.head(url, timeout=5).status_code == 403


@VERSIONS
def test_a_presigned_put_is_bound_to_its_headers(cloud: Cloud, version: str) -> None:
    headers = {"Content-Type": "image/png", "x-oss-meta-style": "watercolour"}
    url = bucket(cloud, version=version).sign_url("PUT", "上传.png", 60, headers=headers)
    assert requests.put(url, b"png", headers={**headers, "Content-Type": "text/html"}, timeout=5).status_code == 403
    assert requests.put(url, b"png", headers=headers, timeout=5).status_code == 200
    assert bucket(cloud).head_object("上传.png").headers["x-oss-meta-style"] == "watercolour"


@VERSIONS
def test_a_presigned_url_with_a_response_header(cloud: Cloud, version: str) -> None:
    disposition = f"attachment; filename*=UTF-8''{quote('秋.png')}"
    params = {"response-content-disposition": disposition}
    url = bucket(cloud, version=version).sign_url("GET", KEY, 60, params=params)
    assert requests.get(url, timeout=5).headers["Content-Disposition"] == disposition
    assert requests.get(url.replace("attachment", "inline"), timeout=5).status_code == 403


@VERSIONS
def test_a_presigned_url_expires(cloud: Cloud, version: str) -> None:
    url = bucket(cloud, version=version).sign_url("GET", KEY, 1)
    deadline = time.monotonic() + 5
    while requests.get(url, timeout=5).status_code == 200:
        assert time.monotonic() < deadline, "the URL does not expire"
        time.sleep(0.1)
    answer = requests.get(url, timeout=5)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


@VERSIONS
def test_a_presigned_url_of_another_object_is_refused(cloud: Cloud, version: str) -> None:
    url = bucket(cloud, version=version).sign_url("GET", KEY, 60, slash_safe=True)
    bucket(cloud).put_object("other", b"secret")
    assert requests.get(url.replace(quote(KEY), "other"), timeout=5).status_code == 403


@VERSIONS
@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_from_another_time_is_refused(cloud: Cloud, version: str, minutes: int) -> None:
    request, target = _signed(cloud, version)
    now = datetime.now(timezone.utc)
    assert signer(request, target, cloud, now)
    with pytest.raises(OssError) as error:
        signer(request, target, cloud, now + timedelta(minutes=minutes))
    assert (error.value.status, error.value.code) == (403, "RequestTimeTooSkewed")


def test_a_temporary_credential_is_taken_by_its_key(cloud: Cloud) -> None:
    auth = oss2.StsAuth(cloud.access_key_id, cloud.access_key_secret, "a-token", "v4")
    client = oss2.Bucket(auth, cloud.url("oss"), LEDGER, region=cloud.region)
    assert client.get_object(KEY).read().decode() == "画"


def test_errors_of_head_requests_travel_in_a_header(cloud: Cloud) -> None:
    answer = requests.head(f"{cloud.url('oss')}/{LEDGER}/absent", timeout=5)
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.headers["x-oss-err"]


def test_no_secret_and_no_key_is_logged(cloud: Cloud) -> None:
    with pytest.raises(oss2.exceptions.ServerError):
        bucket(cloud).put_symlink(KEY, "链接")
    log = cloud.log_file("oss").read_text("utf-8")
    assert "not implemented" in log
    assert cloud.access_key_secret not in log
    assert "链接" not in log
    assert quote("链接") not in log


def _signed(cloud: Cloud, version: str) -> tuple[WireRequest, Target]:
    """A GET as oss2 signs it now, and what it addresses."""
    auth: Any = oss2.make_auth(cloud.access_key_id, cloud.access_key_secret, version)
    made = oss2.http.Request("GET", f"{cloud.url('oss')}/{LEDGER}/x", params={}, region=cloud.region, product="oss")
    auth._sign_request(made, LEDGER, "x")
    headers = {name.lower(): value for name, value in made.headers.items() if value}
    request = WireRequest("GET", f"/{LEDGER}/x", "", headers)
    return request, Target.of(request)
