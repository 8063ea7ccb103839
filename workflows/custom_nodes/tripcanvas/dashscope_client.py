"""What the nodes ask of DashScope: a text, a word about a picture, a picture task, a background, a download.

Wire formats: "Text to image V2", "Image background generation", "Upload local files to get temporary URLs" and "Qwen
API" of the Model Studio reference (https://help.aliyun.com/zh/model-studio/text-to-image-v2-api-reference and its
neighbours).
"""

from __future__ import annotations

import itertools
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final
from urllib.parse import quote

from .connection import Answer, Connection, picture_address
from .credentials import credentials
from .engine import pause
from .errors import DeadlinePassed, OutcomeUnknown, RequestRefused, canonical_code, refusal
from .image_models import family_of, size_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

__all__ = ["BackgroundOrder", "DashScope", "PictureOrder", "picture_address", "poll_pauses_s"]

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UPLOAD_DIR = re.compile(r"[A-Za-z0-9._/-]{1,512}")
_POLICY_FIELDS = ("oss_access_key_id", "signature", "policy", "upload_dir", "upload_host", "x_oss_object_acl")
_LATER = {"X-DashScope-Async": "enable"}


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """What to paint; `size` is ``W*H`` in pixels or a name such as ``2K``, `seed` 0..2147483647."""

    prompt: str
    negative_prompt: str
    model: str
    size: str
    seed: int
    prompt_extend: bool


@dataclass(frozen=True, slots=True)
class BackgroundOrder:
    """What to paint around a cut-out: `cutout` is an RGBA PNG, `reference` a PNG with a like background, or empty."""

    prompt: str
    model: str
    cutout: bytes
    reference: bytes


@final
class DashScope:
    """One node's conversation with DashScope, under one overall deadline. A context manager.

    Every method raises a `NodeError` when it can't do what it says.
    """

    def __init__(self, base_url: str, api_key: str, deadline_s: float) -> None:
        self._connection = Connection(base_url, api_key, deadline_s)

    @classmethod
    def from_environment(cls, deadline_s: float) -> DashScope:
        """Address and key as `tripcanvas.credentials.credentials` finds them."""
        found = credentials()
        return cls(found.base_url, found.api_key, deadline_s)

    def __enter__(self) -> DashScope:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, trace)

    def write(
        self, model: str, system: str, user: str, *, as_json: bool = False, temperature: float | None = None
    ) -> str:
        """The model's answer to one system and one user message, complete and not blank.

        With `as_json` some message has to hold the word JSON, or DashScope refuses.
        """
        # Models that think by default answer many times slower, and some refuse to without streaming.
        parameters: dict[str, Any] = {"result_format": "message", "enable_thinking": False}
        if as_json:
            parameters["response_format"] = {"type": "json_object"}
        if temperature is not None:
            parameters["temperature"] = temperature
        answer = self._connection.order(
            "services/aigc/text-generation/generation",
            {
                "model": model,
                "input": {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}]},
                "parameters": parameters,
            },
        )
        return _text_of(answer)

    def judge(self, model: str, system: str, rubric: str, picture_uri: str) -> str:
        """The model's JSON answer about one picture, given as a data URI; as it came, not yet read."""
        answer = self._connection.order(
            "services/aigc/multimodal-generation/generation",
            {
                "model": model,
                "input": {
                    "messages": [
                        {"role": "system", "content": [{"text": system}]},
                        {"role": "user", "content": [{"image": picture_uri}, {"text": rubric}]},
                    ]
                },
                "parameters": {
                    "response_format": {"type": "json_object"},
                    "temperature": 0,
                    "enable_thinking": False,
                },
            },
        )
        return _text_of(answer)

    def paint(self, order: PictureOrder, on_state: Callable[[str], None]) -> str:
        """One picture's address, which works for 24 hours; `on_state` hears the task's state after each poll.

        Raises `RequestRefused` for a size that the model does not paint, before anything is sent.
        """
        problem = size_problem(order.size, order.model)
        if problem:
            zh, _, en = problem.partition(" / ")
            raise RequestRefused(zh, en)
        family = family_of(order.model)
        wanted = {
            "n": 1,  # without it some models paint, and bill, four pictures
            "negative_prompt": order.negative_prompt,
            "prompt_extend": order.prompt_extend,
            "watermark": False,
        }
        parameters = {
            "size": order.size,
            "seed": order.seed,
            **{name: value for name, value in wanted.items() if name in family.takes and value != ""},
            **dict(family.always),
        }
        if family.route == "prompt":
            parameters.pop("negative_prompt", None)
            given: dict[str, Any] = {"prompt": order.prompt, "negative_prompt": order.negative_prompt}
            task_id = self._created("services/aigc/text2image/image-synthesis", order.model, given, parameters, _LATER)
            return self.picture_url(task_id, on_state)
        given = {"messages": [{"role": "user", "content": [{"text": order.prompt}]}]}
        if family.route == "later":
            path = "services/aigc/image-generation/generation"
            return self.picture_url(self._created(path, order.model, given, parameters, _LATER), on_state)
        on_state("RUNNING")
        body = {"model": order.model, "input": given, "parameters": parameters}
        return _url_of(self._connection.order("services/aigc/multimodal-generation/generation", body))

    def paint_around(self, order: BackgroundOrder, on_state: Callable[[str], None]) -> str:
        """The address of the picture around a cut-out, which works for 24 hours.

        The pictures go to DashScope's temporary space, where only this account's calls of this model reach them, and
        where they are deleted after 48 hours.
        """
        given = {"base_image_url": self.upload(order.model, order.cutout)}
        if order.reference:
            given["ref_image_url"] = self.upload(order.model, order.reference)
        if order.prompt.strip():
            given["ref_prompt"] = order.prompt
        on_state("UPLOADED")
        task_id = self._created(
            "services/aigc/background-generation/generation/",
            order.model,
            given,
            {"n": 1, "model_version": "v3"},
            {**_LATER, "X-DashScope-OssResourceResolve": "enable"},
        )
        return self.picture_url(task_id, on_state)

    def upload(self, model: str, png: bytes) -> str:
        """Leave a picture in the temporary space for one model; returns its ``oss://`` address."""
        path = f"uploads?action=getPolicy&model={quote(model, safe='')}"
        answer = self._connection.ask(path)
        for wait_s in (0.5, 1.0):
            if answer is not None:
                break
            pause(wait_s)
            answer = self._connection.ask(path)
        if answer is None:
            raise RequestRefused("百炼没有给出上传凭证", "DashScope gave no leave to upload", "UploadPolicy")
        if answer.status != 200:
            raise refusal(answer.code or f"HTTP.{answer.status}", answer.body.get("request_id"))
        policy = {name: answer.output.get(name) for name in _POLICY_FIELDS}
        if not all(isinstance(value, str) for value in policy.values()) or not _UPLOAD_DIR.fullmatch(
            str(policy["upload_dir"])
        ):
            raise RequestRefused("百炼的上传凭证无法识别", "DashScope's leave to upload can't be read", "UploadPolicy")
        # A name of its own: nothing of a file name or a trip reaches the service.
        name = f"{secrets.token_hex(16)}.png"
        key = f"{policy['upload_dir']}/{name}"
        form = {
            "OSSAccessKeyId": str(policy["oss_access_key_id"]),
            "Signature": str(policy["signature"]),
            "policy": str(policy["policy"]),
            "key": key,
            "x-oss-object-acl": str(policy["x_oss_object_acl"]),
            "x-oss-forbid-overwrite": str(answer.output.get("x_oss_forbid_overwrite", "true")),
            "success_action_status": "200",
            "x-oss-content-type": "image/png",
        }
        self._connection.leave(str(policy["upload_host"]), form, name, png)
        return f"oss://{key}"

    def picture_url(self, task_id: str, on_state: Callable[[str], None]) -> str:
        """Wait until the task is finished and return the picture's address, which works for 24 hours.

        `on_state` hears the task's state after each poll. A poll that fails for reasons that may pass is simply made
        again: the task goes on without us, and it is paid for.
        """
        for wait_s in poll_pauses_s(loopback=self._connection.loopback):
            try:
                left_s = self._connection.left_s()
            except DeadlinePassed:
                raise DeadlinePassed(
                    f"到时限时图片还没有画好（任务 {task_id}），可以调大 deadline_s",
                    f"the picture was not ready in time (task {task_id}); a larger deadline_s may help",
                ) from None
            pause(min(wait_s, left_s))
            answer = self._connection.ask(f"tasks/{task_id}")
            if answer is None:
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
        return self._connection.download(url)

    def _created(
        self, path: str, model: str, given: dict[str, Any], parameters: dict[str, Any], headers: dict[str, str]
    ) -> str:
        """Create one picture task and return its id. From here on it is billed."""
        answer = self._connection.order(path, {"model": model, "input": given, "parameters": parameters}, headers)
        task_id = answer.output.get("task_id")
        if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
            raise OutcomeUnknown("百炼没有返回任务编号", "DashScope returned no task id")
        return task_id


def poll_pauses_s(*, loopback: bool) -> Iterator[float]:
    """How long to wait before each poll.

    The vendor allows 20 queries a second for a whole account, and a picture takes a minute or two there.
    """
    if loopback:
        return (min(0.2 * 1.5**n, 2.0) for n in itertools.count())
    return itertools.chain((2.0, 3.0), itertools.repeat(5.0))


def _text_of(answer: Answer) -> str:
    choice = _first(answer.output.get("choices"))
    content = _content_of(choice)
    text = content if isinstance(content, str) else "".join(_parts(content, "text"))
    if not text.strip():
        raise RequestRefused("模型没有返回文字", "the model answered without text")
    if choice.get("finish_reason") == "length":
        raise RequestRefused("模型的回答被截断", "the model's answer was cut off")
    return text


def _url_of(answer: Answer) -> str:
    """The first picture's address, from either protocol.

    A task counts as SUCCEEDED when any of its pictures did; each one may still carry a code in place of its url.
    """
    result = _first(answer.output.get("results"))
    url = result.get("url")
    if isinstance(url, str) and url:
        return url
    choices = answer.output.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        for address in _parts(_content_of(choice) if isinstance(choice, dict) else None, "image"):
            return address
    raise refusal(canonical_code(result.get("code")), answer.body.get("request_id"))


def _content_of(choice: dict[str, Any]) -> object:
    message = choice.get("message")
    return message.get("content") if isinstance(message, dict) else None


def _parts(content: object, kind: str) -> list[str]:
    parts = content if isinstance(content, list) else []
    found = [part.get(kind) for part in parts if isinstance(part, dict)]
    return [part for part in found if isinstance(part, str) and part]


def _first(items: object) -> dict[str, Any]:
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}
