"""Finished pictures, their signed addresses, and who may still fetch them.

The address looks as OSS signs one for a browser (signature in the query, version 1): HMAC-SHA1 over the method, the
time of expiry and the path. https://help.aliyun.com/zh/oss/developer-reference/add-signatures-to-urls
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from localcloud.signing import same

if TYPE_CHECKING:
    from pathlib import Path


class Withheld(Exception):
    """A picture is not handed out; HTTP `status` and OSS `code` say why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class Results:
    """The pictures under `folder`, one sub-folder a day, served below `base_url`."""

    def __init__(self, folder: Path, base_url: str, secret: str) -> None:
        self._folder = folder
        self._base_url = base_url
        # Not the key itself: an address that leaks must say nothing about the API key.
        self._secret = hashlib.sha256(b"results " + secret.encode()).digest()

    def keep(self, png: bytes) -> str:
        """Keep a picture that a task needs; returns its key. It goes the way of the results, and has no address."""
        return self.store(png, time.time())

    def read(self, key: str) -> bytes:
        """A picture by its key. Raises `OSError` when it is gone."""
        return (self._folder / key).read_bytes()

    def store(self, png: bytes, now: float) -> str:
        """Keep one picture; returns its key, ``<day>/<random>.png``."""
        key = f"{time.strftime('%Y%m%d', time.gmtime(now))}/{secrets.token_hex(16)}.png"
        file = self._folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_bytes(png)
        part.replace(file)
        return key

    def url(self, key: str, expires_at: float) -> str:
        """The address under which the picture can be fetched until `expires_at` (seconds since 1970)."""
        expires = str(int(expires_at))
        signature = quote(self._signature(key, expires), safe="")
        return f"{self._base_url}/results/{key}?Expires={expires}&Signature={signature}"

    def open(self, key: str, expires: str, signature: str, now: float) -> Path:
        """The file behind an address. Raises `Withheld`: wrong signature, past expiry, picture gone."""
        if not (expires.isascii() and expires.isdigit() and same(signature, self._signature(key, expires))):
            raise Withheld(
                403, "SignatureDoesNotMatch", "The request signature we calculated does not match the one you provided."
            )
        if int(expires) < now:
            raise Withheld(403, "AccessDenied", "Request has expired.")
        file = self._folder / key
        if not file.is_file():
            raise Withheld(404, "NoSuchKey", "The specified key does not exist.")
        return file

    def forget(self, before: float) -> None:
        """Delete the pictures that are older than `before` (seconds since 1970), and the days that are empty since."""
        for file in self._folder.glob("*/*"):
            # A picture that is being stored changes its name under our eyes.
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    file.unlink()
        for day in self._folder.glob("*"):
            if day.stat().st_mtime < before and not any(day.iterdir()):
                day.rmdir()

    def _signature(self, key: str, expires: str) -> str:
        text = f"GET\n\n\n{expires}\n/results/{key}"
        return base64.b64encode(hmac.new(self._secret, text.encode(), "sha1").digest()).decode()
