"""One keyed connection to DashScope under one overall deadline: what may be repeated, how much is read, from where.

No SDK: its `ImageSynthesis.call` waits for ever and loses a paid task on the first bad poll, and its 2.x line brings
a web framework into ComfyUI's shared environment.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlsplit

import requests
import requests.auth
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .engine import attended, pause
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
from .pinned import AddressRefused, is_loopback, is_public, pinned_session

if TYPE_CHECKING:
    from types import TracebackType

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
#: Where pictures are kept for 24 hours: dashscope-result-bj.oss-cn-beijing…, dashscope-7c2c.oss-accelerate…; and where
#: they are left for the service: dashscope-file-mgr.oss-cn-beijing….
_PICTURE_HOST = re.compile(r"dashscope-[a-z0-9-]+\.oss-[a-z0-9-]+\.aliyuncs\.com")
_KEY = re.compile(r"[\x21-\x7e]{8,256}")

_CONNECT_S = 5.0
_ANSWER_MAX_BYTES = 4 * 1024 * 1024
_PICTURE_MAX_BYTES = 32 * 1024 * 1024
#: How long one attempt to fetch a picture may take, however it drips in.
_PICTURE_S = 120.0
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's HTTP status and its JSON object, empty when it was none."""

    status: int
    body: dict[str, Any]

    @property
    def output(self) -> dict[str, Any]:
        """What was asked for; the upload policy calls it ``data``."""
        output = self.body.get("output", self.body.get("data"))
        return output if isinstance(output, dict) else {}

    @property
    def code(self) -> str:
        """The refusal's code, from either of the two shapes DashScope uses."""
        nested = self.body.get("error")
        source = nested if isinstance(nested, dict) else self.body
        return canonical_code(source.get("code"))


@final
class Connection:
    """A context manager. Every method raises a `NodeError` when it can't do what it says."""

    def __init__(self, base_url: str, api_key: str, deadline_s: float) -> None:
        address = urlsplit(base_url)
        self.loopback = address.hostname in _LOOPBACK
        if address.scheme != "https" and not (address.scheme == "http" and self.loopback):
            raise NotConfigured(
                "TRIPCANVAS_DASHSCOPE_URL 必须是 https 地址", "TRIPCANVAS_DASHSCOPE_URL must be an https address"
            )
        # requests would repeat a header that it can't send, key and all, in its own error.
        if not _KEY.fullmatch(api_key):
            raise NotConfigured(
                "服务器没有可用的 DASHSCOPE_API_KEY 环境变量", "the server's DASHSCOPE_API_KEY is missing or malformed"
            )
        self.base_url = base_url.rstrip("/")
        self._deadline = time.monotonic() + deadline_s
        self._session = requests.Session()
        self._session.trust_env = not self.loopback
        self._authorization = _Bearer(api_key)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def ask(self, path: str) -> Answer | None:
        """GET something; None when it failed for a reason that may pass (429, 5xx, no connection, no JSON)."""
        try:
            answer = self._exchange("GET", path, timeout_s=20.0)
        except (requests.RequestException, DeadlinePassed):
            return None
        if answer.status == 429 or answer.status >= 500 or (answer.status == 200 and not answer.output):
            return None
        return answer

    def order(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        """POST something that costs money.

        Repeated only when it was certainly not accepted: the connection was never made, or it was throttled.
        """
        wait_s = 0.2 if self.loopback else 1.0
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS or time.monotonic() + wait_s >= self._deadline
            try:
                answer = self._exchange("POST", path, body, headers, self.left_s())
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
    ) -> Answer:
        status, content = self._fetched(
            method,
            f"{self.base_url}/{path}",
            _ANSWER_MAX_BYTES,
            timeout_s,
            data=None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json; charset=utf-8",
                **(headers or {}),
            },
            auth=self._authorization,
        )
        try:
            decoded = json.loads(content)
        except (ValueError, RecursionError):
            decoded = None
        return Answer(status, decoded if isinstance(decoded, dict) else {})

    def download(self, url: str) -> bytes:
        """Fetch a picture from one of DashScope's own hosts; at most 32 MiB, no redirects.

        Raises `PictureRefused` for any other host and when three attempts have failed.
        """
        address = picture_address(url, self.base_url)
        for wait_s in (0.5, 1.0, None):
            try:
                # Without the key: the address carries its own signature.
                with self._outside(address) as session:
                    status, content = self._fetched("GET", address, _PICTURE_MAX_BYTES, _PICTURE_S, session)
                if status == 200:
                    return content
                if status < 500:
                    break
            except (requests.exceptions.InvalidURL, AddressRefused):
                break
            except requests.RequestException:
                pass
            if wait_s is not None:
                pause(min(wait_s, self.left_s()))
        raise PictureRefused("图片下载失败", "the picture could not be downloaded")

    def leave(self, host: str, form: dict[str, str], name: str, content: bytes) -> None:
        """Post a form with one file to the host that DashScope named for it, without the key.

        Raises `RequestRefused` for any host but DashScope's own and when two attempts have failed: a file that was
        left twice, under the same name, is refused by the host and costs nothing.
        """
        try:
            address = picture_address(host, self.base_url)
        except PictureRefused:
            raise RequestRefused("上传地址不属于百炼", "the address to upload to is not one of DashScope's") from None
        for wait_s in (0.5, None):
            try:
                with self._outside(address) as session:
                    status, _ = self._fetched(
                        "POST",
                        address,
                        _ANSWER_MAX_BYTES,
                        60.0,
                        session,
                        # The file has to be the form's last field.
                        files=[*((field, (None, value)) for field, value in form.items()), ("file", (name, content))],
                    )
                if status in (200, 204):
                    return
                if status < 500:
                    break
            except AddressRefused:
                break
            except requests.RequestException:
                pass
            if wait_s is not None:
                pause(min(wait_s, self.left_s()))
        raise RequestRefused(
            "图片上传到百炼临时空间失败", "the picture could not be uploaded to DashScope's temporary space"
        )

    def _outside(self, address: str) -> requests.Session:
        """A session for a host that an answer named: on the Internet, or on this machine if DashScope is here."""
        own = urlsplit(address).hostname == urlsplit(self.base_url).hostname
        return pinned_session(address, allowed=is_loopback if self.loopback and own else is_public)

    def _fetched(
        self,
        method: str,
        url: str,
        max_bytes: int,
        timeout_s: float,
        session: requests.Session | None = None,
        **options: Any,
    ) -> tuple[int, bytes]:
        """Status and body of one exchange, done while interruptions and the deadline are watched.

        Raises `requests.RequestException` for every failure of the exchange itself, `PictureRefused` for a body beyond
        `max_bytes`, and `DeadlinePassed` when there is no time left to begin.
        """
        limit_s = min(timeout_s, self.left_s())

        def exchange() -> tuple[int, bytes]:
            try:
                with (session or self._session).request(
                    method, url, allow_redirects=False, stream=True, timeout=(_CONNECT_S, limit_s), **options
                ) as response:
                    return response.status_code, self._body(response, max_bytes)
            except requests.RequestException:
                raise
            except ValueError:
                # It parses the address of a redirect even when it is not to follow it.
                raise requests.exceptions.InvalidURL("a redirect to no address") from None

        try:
            return attended(exchange, min(time.monotonic() + _CONNECT_S + limit_s, self._deadline))
        except TimeoutError:
            raise requests.exceptions.ReadTimeout from None

    def _body(self, response: requests.Response, max_bytes: int) -> bytes:
        """The body, while it stays within `max_bytes` and the deadline: a slow trickle must not outlive it."""
        blob = bytearray()
        for chunk in response.iter_content(65536):
            blob += chunk
            if len(blob) > max_bytes:
                raise PictureRefused("返回的内容过大", "the answer is too large")
            self.left_s()
        return bytes(blob)

    def left_s(self) -> float:
        """Seconds until the deadline. Raises `DeadlinePassed` when there are none."""
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
