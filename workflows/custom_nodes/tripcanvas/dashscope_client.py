"""DashScope over plain HTTP, as much of it as the nodes need: one text call, one picture task, one download.

No SDK: its `ImageSynthesis.call` waits for ever and loses a paid task on the first bad poll, and its 2.x line brings
a web framework into ComfyUI's shared environment. Wire format: "Text to image V2" and "Qwen API" of the Model Studio
reference (https://help.aliyun.com/zh/model-studio/text-to-image-v2-api-reference).
"""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlsplit

import requests
import requests.auth
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .engine import pause, stop_if_interrupted
from .errors import (
    BILLING_CODES,
    DeadlinePassed,
    NotConfigured,
    OutcomeUnknown,
    PictureRefused,
    RequestRefused,
    canonical_code,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

BEIJING = "https://dashscope.aliyuncs.com/api/v1"

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
#: Where pictures are kept for 24 hours: dashscope-result-bj.oss-cn-beijing…, dashscope-7c2c.oss-accelerate….
_PICTURE_HOST = re.compile(r"dashscope-[a-z0-9-]+\.oss-[a-z0-9-]+\.aliyuncs\.com")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{8,256}")

_CONNECT_S = 5.0
_ANSWER_MAX_BYTES = 4 * 1024 * 1024
_PICTURE_MAX_BYTES = 32 * 1024 * 1024
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """What to paint; `size` is ``W*H`` in pixels, `seed` 0..2147483647."""

    prompt: str
    negative_prompt: str
    model: str
    size: str
    seed: int
    prompt_extend: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: dict[str, Any]

    @property
    def output(self) -> dict[str, Any]:
        output = self.body.get("output")
        return output if isinstance(output, dict) else {}

    @property
    def code(self) -> str:
        """The refusal's code, from either of the two shapes DashScope uses."""
        nested = self.body.get("error")
        source = nested if isinstance(nested, dict) else self.body
        return canonical_code(source.get("code"))


@final
class DashScope:
    """One node's conversation with DashScope, under one overall deadline. A context manager.

    Every method raises a `NodeError` when it can't do what it says.
    """

    def __init__(self, base_url: str, api_key: str, deadline_s: float) -> None:
        address = urlsplit(base_url)
        self._loopback = address.hostname in _LOOPBACK
        if address.scheme != "https" and not (address.scheme == "http" and self._loopback):
            raise NotConfigured(
                "TRIPCANVAS_DASHSCOPE_URL 必须是 https 地址", "TRIPCANVAS_DASHSCOPE_URL must be an https address"
            )
        # requests would repeat a header that it can't send, key and all, in its own error.
        if not _KEY.fullmatch(api_key):
            raise NotConfigured(
                "服务器没有可用的 DASHSCOPE_API_KEY 环境变量", "the server's DASHSCOPE_API_KEY is missing or malformed"
            )
        self._base = base_url.rstrip("/")
        self._deadline = time.monotonic() + deadline_s
        self._session = requests.Session()
        self._session.trust_env = not self._loopback
        self._authorization = _Bearer(api_key)

    @classmethod
    def from_environment(cls, deadline_s: float) -> DashScope:
        """Address and key from ``TRIPCANVAS_DASHSCOPE_URL`` (default: Beijing) and ``DASHSCOPE_API_KEY``."""
        return cls(
            os.environ.get("TRIPCANVAS_DASHSCOPE_URL") or BEIJING,
            os.environ.get("DASHSCOPE_API_KEY", "").strip(),
            deadline_s,
        )

    def __enter__(self) -> DashScope:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def write(self, model: str, system: str, user: str) -> str:
        """The model's answer to one system and one user message, complete and not blank."""
        answer = self._submit(
            "services/aigc/text-generation/generation",
            {
                "model": model,
                "input": {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}]},
                # Models that think by default answer many times slower, and some refuse to without streaming.
                "parameters": {"result_format": "message", "enable_thinking": False},
            },
        )
        choice = _first(answer.output.get("choices"))
        message = choice.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise RequestRefused("模型没有返回文字", "the model answered without text")
        if choice.get("finish_reason") == "length":
            raise RequestRefused("模型的回答被截断", "the model's answer was cut off")
        return text

    def order_picture(self, order: PictureOrder) -> str:
        """Create one picture task and return its id. From here on it is billed."""
        answer = self._submit(
            "services/aigc/text2image/image-synthesis",
            {
                "model": order.model,
                "input": {"prompt": order.prompt, "negative_prompt": order.negative_prompt},
                # Without n the service paints, and bills, four pictures.
                "parameters": {
                    "size": order.size,
                    "n": 1,
                    "seed": order.seed,
                    "prompt_extend": order.prompt_extend,
                    "watermark": False,
                },
            },
            {"X-DashScope-Async": "enable"},
        )
        task_id = answer.output.get("task_id")
        if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
            raise OutcomeUnknown("百炼没有返回任务编号", "DashScope returned no task id")
        return task_id

    def picture_url(self, task_id: str, on_state: Callable[[str], None]) -> str:
        """Wait until the task is finished and return the picture's address, which works for 24 hours.

        `on_state` hears the task's state after each poll. A poll that fails for reasons that may pass (429, 5xx, no
        connection, no JSON) is simply made again: the task goes on without us, and it is paid for.
        """
        for wait_s in poll_pauses_s(loopback=self._loopback):
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise DeadlinePassed(
                    f"到时限时图片还没有画好（任务 {task_id}），可以调大 deadline_s",
                    f"the picture was not ready in time (task {task_id}); a larger deadline_s may help",
                )
            pause(min(wait_s, left_s))
            try:
                answer = self._exchange("GET", f"tasks/{task_id}", timeout_s=20.0)
            except (requests.RequestException, DeadlinePassed):
                continue
            if answer.status == 429 or answer.status >= 500 or (answer.status == 200 and not answer.output):
                continue
            if answer.status != 200:
                raise refusal(answer.code, answer.body.get("request_id"))
            state = answer.output.get("task_status")
            on_state(str(state))
            if state == "SUCCEEDED":
                return _url_of(answer)
            if state not in ("PENDING", "RUNNING"):
                raise refusal(canonical_code(answer.output.get("code")) or canonical_code(f"Task.{state}"), task_id)
        raise AssertionError("the pauses never end")

    def download(self, url: str) -> bytes:
        """Fetch a picture from one of DashScope's own hosts; at most 32 MiB, no redirects.

        Raises `PictureRefused` for any other host and when three attempts have failed.
        """
        address = picture_address(url, self._base)
        for wait_s in (0.5, 1.0, None):
            try:
                # Without the key: the address carries its own signature.
                with self._session.get(
                    address, stream=True, allow_redirects=False, timeout=(_CONNECT_S, self._left_s())
                ) as response:
                    if response.status_code == 200:
                        return self._read(response, _PICTURE_MAX_BYTES)
                    if response.status_code < 500:
                        break
            except requests.RequestException:
                pass
            except ValueError:
                # It parses the address of a redirect even when it is not to follow it.
                break
            if wait_s is not None:
                pause(min(wait_s, self._left_s()))
        raise PictureRefused("图片下载失败", "the picture could not be downloaded")

    def _submit(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> _Answer:
        """POST something that costs money.

        Repeated only when it was certainly not accepted: the connection was never made, or it was throttled.
        """
        wait_s = 0.2 if self._loopback else 1.0
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS or time.monotonic() + wait_s >= self._deadline
            try:
                answer = self._exchange("POST", path, body, headers, self._left_s())
            except requests.RequestException as error:
                if not _never_connected(error):
                    raise OutcomeUnknown(
                        "百炼没有回答；为避免重复计费，不再自动重试",
                        "DashScope did not answer; not repeated, so that nothing is paid for twice",
                    ) from None
                if last:
                    raise RequestRefused("无法连接百炼服务", "DashScope can't be reached", "ConnectionFailed") from None
            else:
                if answer.status == 200:
                    return answer
                if last or answer.status != 429 or answer.code in BILLING_CODES:
                    fallback = "Throttling" if answer.status == 429 else f"HTTP.{answer.status}"
                    raise refusal(answer.code or fallback, answer.body.get("request_id"))
            pause(wait_s)
            wait_s *= 2
        raise AssertionError("the last attempt returns or raises")

    def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = 20.0,
    ) -> _Answer:
        with self._answer_to(
            method,
            f"{self._base}/{path}",
            data=None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json; charset=utf-8",
                **(headers or {}),
            },
            auth=self._authorization,
            timeout=(_CONNECT_S, min(timeout_s, self._left_s())),
        ) as response:
            try:
                decoded = json.loads(self._read(response, _ANSWER_MAX_BYTES))
            except (ValueError, RecursionError):
                decoded = None
            return _Answer(response.status_code, decoded if isinstance(decoded, dict) else {})

    def _answer_to(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(method, url, allow_redirects=False, stream=True, **options)
        except requests.RequestException:
            raise
        except ValueError:
            # It parses the address of a redirect even when it is not to follow it.
            raise requests.exceptions.InvalidURL("a redirect to no address") from None

    def _read(self, response: requests.Response, max_bytes: int) -> bytes:
        """The body, while it stays within `max_bytes` and the deadline: a slow trickle must not outlive it."""
        blob = bytearray()
        for chunk in response.iter_content(65536):
            blob += chunk
            if len(blob) > max_bytes:
                raise PictureRefused("返回的内容过大", "the answer is too large")
            stop_if_interrupted()
            self._left_s()
        return bytes(blob)

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise DeadlinePassed("超过了 deadline_s", "deadline_s is over")
        return left_s


def picture_address(url: str, base_url: str) -> str:
    """The address to fetch a picture from: on one of DashScope's picture hosts, or on the host of `base_url`.

    Raises `PictureRefused` for every other address.
    """
    try:
        address, own = urlsplit(url), urlsplit(base_url)
    except ValueError:
        address = own = urlsplit("")
    if own.netloc and (address.scheme, address.netloc) == (own.scheme, own.netloc):
        return url
    if address.scheme in ("http", "https") and _PICTURE_HOST.fullmatch(address.netloc):
        # Some of the vendor's answers say http; the signature in the address covers no scheme.
        return address._replace(scheme="https").geturl()
    raise PictureRefused("图片地址不属于百炼", "the picture's address is not one of DashScope's")


def poll_pauses_s(*, loopback: bool) -> Iterator[float]:
    """How long to wait before each poll.

    The vendor allows 20 queries a second for a whole account, and a picture takes a minute or two there.
    """
    if loopback:
        return (min(0.2 * 1.5**n, 2.0) for n in itertools.count())
    return itertools.chain((2.0, 3.0), itertools.repeat(5.0))


class _Bearer(requests.auth.AuthBase):
    """Puts the key on a request; given as `auth`, so that a .netrc entry can't take its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _never_connected(error: requests.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _url_of(answer: _Answer) -> str:
    """A task counts as SUCCEEDED when any of its pictures did; each one may still carry a code in place of its url."""
    result = _first(answer.output.get("results"))
    url = result.get("url")
    if isinstance(url, str) and url:
        return url
    raise refusal(canonical_code(result.get("code")), answer.body.get("request_id"))


def _first(items: object) -> dict[str, Any]:
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}
