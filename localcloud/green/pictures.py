"""The picture of a call: fetched as the service fetches it, and looked at as far as its limits go."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import requests
from PIL import Image

from localcloud.green.wire import NotChecked

if TYPE_CHECKING:
    from localcloud.state import Cloud

MAX_BYTES = 20 * 1024 * 1024
MAX_SIDE_PX = 16384
MAX_PIXELS = 167_000_000
#: In which a download must be done.
DOWNLOAD_S = 7.0

_FORMATS = frozenset({"PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "ICO", "MPO"})


def check_picture(parameters: dict[str, Any], cloud: Cloud) -> None:
    """Fetch the picture that `parameters` name and hold it against the limits. Raises `NotChecked`."""
    body = _fetched(parameters, cloud)
    try:
        with Image.open(io.BytesIO(body)) as picture:
            found, (width, height) = picture.format, picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise NotChecked(590, "BAD_FORMAT") from None
    if found not in _FORMATS:
        raise NotChecked(590, "BAD_FORMAT")
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise NotChecked(589, "TOO_LARGE")


def _fetched(parameters: dict[str, Any], cloud: Cloud) -> bytes:
    address, triple = (
        parameters.get("imageUrl"),
        [parameters.get(f"oss{name}") for name in ("BucketName", "ObjectName")],
    )
    if isinstance(address, str) and address.startswith(("http://", "https://")):
        url = address
    elif all(isinstance(part, str) and part for part in triple):
        url = _bucket(cloud, str(triple[0])).sign_url("GET", str(triple[1]), 60, slash_safe=True)
    else:
        raise NotChecked(400, "BAD_REQUEST")
    try:
        with requests.get(url, timeout=DOWNLOAD_S, stream=True) as answer:
            if answer.status_code == 404:
                raise NotChecked(404, "NOT_FOUND")
            if answer.status_code >= 400:
                raise NotChecked(403, "FORBIDDEN")
            body = answer.raw.read(MAX_BYTES + 1, decode_content=True)
    except requests.exceptions.Timeout:
        raise NotChecked(592, "DOWNLOAD_TIMEOUT") from None
    except (requests.exceptions.RequestException, OSError):
        raise NotChecked(480, "DOWNLOAD_FAILED") from None
    if len(body) > MAX_BYTES:
        raise NotChecked(589, "TOO_LARGE")
    return bytes(body)


def make_upload_bucket(cloud: Cloud, name: str) -> None:
    """Make the bucket that callers put pictures into; one that exists stays. Raises `NotChecked` without storage."""
    import oss2.exceptions

    try:
        _bucket(cloud, name).create_bucket()
    except oss2.exceptions.OssError:
        raise NotChecked(500, "GENERAL_ERROR") from None


def _bucket(cloud: Cloud, name: str) -> Any:
    import oss2

    provider = oss2.credentials.StaticCredentialsProvider(cloud.access_key_id, cloud.access_key_secret)
    return oss2.Bucket(oss2.ProviderAuthV4(provider), cloud.url("oss"), name, region=cloud.region)
