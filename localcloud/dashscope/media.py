"""Pictures that a request points to: data URIs, this cloud's own addresses, and files of the temporary space."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from localcloud.dashscope.uploads import unreachable
from localcloud.dashscope.wire import Refusal, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

    from localcloud.dashscope.uploads import Uploads

MAX_PICTURE_BYTES = 10 * 1024 * 1024
#: Larger pictures are refused before they are decoded.
MAX_PICTURE_PIXELS = 40_000_000


class Media:
    """Fetches from `origins` only: a service that fetches what it is told to must not reach anything else."""

    def __init__(self, uploads: Uploads, origins: tuple[str, ...]) -> None:
        self._uploads = uploads
        self._origins = tuple(f"{origin}/" for origin in origins)

    async def picture(self, address: str, model: str, request: Request) -> Image.Image:
        """The decoded picture behind an address in `request`, whose model is `model`. Raises `Refusal`."""
        if address.startswith("data:"):
            return _opened(_inline(address))
        if address.startswith("oss://"):
            return _opened(await asyncio.to_thread(self._uploads.resolve, address, model, request))
        if not address.startswith(self._origins):
            raise unreachable()
        return _opened(await asyncio.to_thread(_download, address))


def _inline(address: str) -> bytes:
    head, _, body = address.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise invalid("image", "data:image/<type>;base64,<bytes>")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise invalid("image", "valid base64 in the data URI") from None


def _download(address: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    try:
        with opener.open(address, timeout=10) as answer:
            content: bytes = answer.read(MAX_PICTURE_BYTES + 1)
    except (urllib.error.URLError, OSError, ValueError):
        raise unreachable() from None
    return content


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could lead out of this cloud."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opened(content: bytes) -> Image.Image:
    if len(content) > MAX_PICTURE_BYTES:
        raise invalid("image", f"at most {MAX_PICTURE_BYTES} bytes")
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > MAX_PICTURE_PIXELS:
            raise invalid("image", f"at most {MAX_PICTURE_PIXELS} pixels")
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise Refusal(400, "InvalidParameter", "image: a PNG, JPEG or WebP picture that can be decoded") from None
    return image
