"""The part of EAS that runs beside the container: it takes records from the input queue and writes answers to the sink.

On the real service this is Alibaba's own code inside the instance. It watches the input queue in the consumer group
named like the service, holds at most `window` records that are not answered yet, writes each answer to the sink under
the record's own tags, and only then commits the record. A worker that dies leaves its record in the queue, so another
delivery may follow: at least once.

>>> async with InputQueue(cloud) as queue:  # doctest: +SKIP
...     async for record in queue:
...         await queue.finish(record, await paint(record.path, record.body))
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from localcloud.eas import codec, wire
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from localcloud.state import Cloud

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CALL_TIMEOUT_S = 10.0
#: How many finished request ids are remembered, to pass over a redelivery that crossed its own commit.
_REMEMBERED = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One record of the input queue. `path` is what followed the service's name, such as ``/api_prompt``, or empty."""

    index: int
    tags: Mapping[str, str]
    path: str
    body: bytes = field(repr=False)


class InputQueue:
    """The input queue as the framework of one worker sees it: an async iterator of `InputRecord`.

    Iterating never ends by itself: while the queue service is down it dials again, pausing 0.1 s, then twice as long
    each time, up to 5 s. Raises `Misconfigured` when the service refuses the token or does not know the service.
    Leaving the context gives records that are not finished back to the queue.
    """

    def __init__(self, cloud: Cloud, *, worker: str = "worker-0", window: int = 1) -> None:
        self._url = f"{cloud.url('eas')}/api/predict/{quote(cloud.eas_service)}"
        watch = {"_watch_": "true", "_index_": 0, "_window_": window, "_index_only_": "false", "_auto_commit_": "false"}
        self._watch_url = f"ws{self._url.removeprefix('http')}?{urlencode(watch)}"
        self._headers = {
            "Authorization": cloud.eas_token,
            wire.UID_HEADER: worker,
            wire.GID_HEADER: cloud.eas_service,
            wire.FRAMEWORK_HEADER: "true",
        }
        self._connection: ClientConnection | None = None
        #: Indexes of the records being worked on, by request id.
        self._unfinished: dict[str, int] = {}
        self._finished: deque[str] = deque(maxlen=_REMEMBERED)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> InputRecord:
        """The next record to work on; waits for it as long as it takes."""
        while True:
            connection = self._connection or await self._dial()
            try:
                encoded = await connection.recv(decode=False)
            except ConnectionClosed:
                self._connection = None
                continue
            record = _record(codec.decode_frame(encoded))
            request_id = record.tags[wire.REQUEST_ID_TAG]
            # After a lost connection the queue delivers again what this worker still has in hand.
            if request_id in self._unfinished or request_id in self._finished:
                continue
            self._unfinished[request_id] = record.index
            return record

    async def finish(self, record: InputRecord, answer: bytes, status: int = 200) -> None:
        """Write `answer` to the sink under the record's tags, then commit the record.

        An empty answer writes nothing. A `status` other than 200 goes into the sink record's tag ``lastCode``.
        While the sink is full, or the queue service down, this waits and tries again, so a worker takes no new record
        (back-pressure). An answer the sink refuses for its size is lost, with a line in the log: the record is
        committed and its sender sees no result at all. Raises `Misconfigured`.
        """
        if answer:
            tags = dict(record.tags) | ({wire.LAST_CODE_TAG: str(status)} if status != 200 else {})
            response = await self._call("POST", "/sink", tags, answer)
            if response.status_code == 413:
                _log.warning("the answer of record %d is too large for the sink and is lost", record.index)
        await self._call("PUT", "", {"_indexes_": str(record.index)})
        self._finished.append(record.tags[wire.REQUEST_ID_TAG])
        self._unfinished.pop(record.tags[wire.REQUEST_ID_TAG], None)

    async def close(self) -> None:
        """Give unfinished records back, without that counting as a failed delivery, and close the watch."""
        if self._unfinished:
            indexes = ",".join(map(str, self._unfinished.values()))
            form = urlencode({"_code_": wire.SHUTDOWN, "_reason_": "the worker stops"}).encode()
            # A queue service that is down has lost this worker's connection already and knows as much.
            await self._try_once("PUT", "", {"_indexes_": indexes, "_negative_": "true"}, form)
            self._unfinished.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _dial(self) -> ClientConnection:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                self._connection = await connect(self._watch_url, additional_headers=self._headers, max_size=None)
            except InvalidStatus as error:
                _refuse_misconfigured(error.response.status_code)
            except (OSError, InvalidHandshake):
                # Down, or on its way down or up: the same pause covers both.
                pass
            else:
                return self._connection
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _call(self, method: str, path: str, query: dict[str, str], body: bytes = b"") -> requests.Response:
        """Repeat one call until the service takes it or finds it too large."""
        pause_s = _FIRST_PAUSE_S
        while True:
            response = await self._try_once(method, path, query, body)
            if response is not None:
                _refuse_misconfigured(response.status_code)
                if response.ok or response.status_code == 413:
                    return response
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _try_once(self, method: str, path: str, query: dict[str, str], body: bytes) -> requests.Response | None:
        def call() -> requests.Response | None:
            with requests.Session() as session:
                session.trust_env = False
                try:
                    return session.request(
                        method,
                        self._url + path,
                        params=query,
                        data=body,
                        headers=self._headers,
                        timeout=_CALL_TIMEOUT_S,
                    )
                except requests.RequestException:
                    return None

        return await asyncio.to_thread(call)


def _record(frame: codec.Frame) -> InputRecord:
    tags = dict(frame.tags)
    path = tags.pop(wire.PATH_TAG, "")
    return InputRecord(frame.index, tags, path, frame.data)


def _refuse_misconfigured(status: int) -> None:
    if status in (401, 404):
        raise Misconfigured(f"the EAS queue service answers {status}: check the service's name and token")
