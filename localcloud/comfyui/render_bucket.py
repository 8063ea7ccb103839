"""The bucket that stands for the OSS mount below ComfyUI's data folder."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import oss2
from oss2.exceptions import OssError

from shared.errors import TripcanvasError

if TYPE_CHECKING:
    from localcloud.comfyui.results import OutputFile
    from localcloud.state import Cloud

BUCKET = "tripcanvas-render"
#: What the service's JSON mounts: ``oss://tripcanvas-render/comfy/`` as ComfyUI's data folder.
MOUNTED_PREFIX = "comfy/"

_log = logging.getLogger(__name__)


class NotStored(TripcanvasError):
    """OSS did not take a file in time."""


def key_of(file: OutputFile) -> str:
    """The object key of a file, as the mount gives it."""
    return MOUNTED_PREFIX + "/".join(part for part in (file.folder, file.subfolder, file.filename) if part)


class RenderBucket:
    """Writes files with the official SDK."""

    def __init__(self, cloud: Cloud, *, patience_s: float = 30.0) -> None:
        auth = oss2.Auth(cloud.access_key_id, cloud.access_key_secret)
        self._bucket = oss2.Bucket(auth, cloud.url("oss"), BUCKET, connect_timeout=5)
        self._patience_s = patience_s

    def put(self, file: OutputFile, blob: bytes) -> None:
        """Store one file, trying again while OSS is down. Raises `NotStored`."""
        deadline = time.monotonic() + self._patience_s
        pause_s = 0.1
        while True:
            try:
                self._bucket.put_object(key_of(file), blob, headers={"Content-Type": "image/png"})
            except OssError as error:
                # Negative: the SDK's own marks for a request that got no answer.
                passing = error.status < 0 or error.status >= 500
                if not passing or time.monotonic() + pause_s > deadline:
                    raise NotStored(f"OSS answered {error.status}: {error.code}") from error
                _log.warning("a file waits for OSS, which answered %d", error.status)
            else:
                return
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 2.0)
