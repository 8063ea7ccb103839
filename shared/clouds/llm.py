"""DashScope's models that write and that see, by the official SDK.

The SDK answers HTTP errors as values and raises only for transport; both become errors of `shared.errors` here. Codes
come in two spellings (`InvalidApiKey`, `invalid_api_key`) and are normalised; messages are never compared.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, cast

from shared.clouds.http import open_session, read_bounded, transport_error
from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable, code_word
from shared.retries import retrying

_CHECK = "TRIPCANVAS_DASHSCOPE_URL"
#: An answer of the most tokens asked for is a hundredth of this.
_MAX_ANSWER_BYTES = 1024 * 1024

#: No answer counts so many tokens; such a number would not fit the ledger's record either.
_MAX_TOKENS = 10**9

#: Normalised codes that no retry can help and that a person must mend.
_PERMANENT_SETTINGS = frozenset(
    {
        "invalidapikey",
        "modelnotfound",
        "accessdenied",
        "accessdenied.unpurchased",
        "model.accessdenied",
        "allocationquota.freetieronly",
        "arrearage",
        "commoditynotpurchased",
        "prepaidbilloverdue",
        "postpaidbilloverdue",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a text model; one that was cut off at the token limit is no JSON any more."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class TextModel:
    """One text model of DashScope. `url` is the API's base, such as ``https://dashscope.aliyuncs.com/api/v1``."""

    url: str
    api_key: str = field(repr=False)
    model: str
    timeout_s: float

    def ask(self, messages: list[dict[str, str]], *, max_tokens: int = 1200) -> Answer:
        """Ask for one JSON object.

        Throttling and refused connections are retried; nothing else is, because every answered call is billed.

        Raises `Misconfigured`, `Refused`, `Unavailable` or `OutcomeUnknown`.
        """
        return retrying(lambda: self._ask(messages, max_tokens), idempotent=False, attempts=2)

    def _ask(self, messages: list[dict[str, str]], max_tokens: int) -> Answer:
        from dashscope import Generation

        answer = _called(
            Generation,
            self.url,
            model=self.model,
            messages=cast(Any, messages),
            api_key=self.api_key,
            request_timeout=self.timeout_s,
            result_format="message",
            response_format={"type": "json_object"},
            # Models that think by default refuse JSON mode otherwise, and cost a multiple.
            enable_thinking=False,
            max_tokens=max_tokens,
        )
        return _read(answer, self.model)


@dataclass(frozen=True, slots=True)
class VisionModel:
    """One model of DashScope that sees; `url` as for `TextModel`."""

    url: str
    api_key: str = field(repr=False)
    model: str
    timeout_s: float

    def ask(self, messages: list[dict[str, Any]], *, max_tokens: int = 200) -> Answer:
        """Ask for one JSON object about the pictures in `messages`, at temperature 0; retries and errors as there.

        A picture is a data URI: what looks like a path would be read from this machine and uploaded by the SDK.
        """
        return retrying(lambda: self._ask(messages, max_tokens), idempotent=False, attempts=2)

    def _ask(self, messages: list[dict[str, Any]], max_tokens: int) -> Answer:
        from dashscope import MultiModalConversation

        answer = _called(
            MultiModalConversation,
            self.url,
            model=self.model,
            messages=messages,
            api_key=self.api_key,
            request_timeout=self.timeout_s,
            response_format={"type": "json_object"},
            enable_thinking=False,
            temperature=0.0,
            max_tokens=max_tokens,
        )
        return _read(answer, self.model)


def _called(api: Any, url: str, **request: Any) -> Any:
    """One call of the SDK. Raises `Misconfigured`, `Refused`, `Unavailable` or `OutcomeUnknown`."""
    import requests

    # The SDK logs a traceback for every connection that fails; what it means is told by our own errors.
    logging.getLogger("dashscope").setLevel(logging.CRITICAL)

    with open_session(url, _one_shot_session()) as session:
        try:
            answer: Any = api.call(base_address=url, session=session, **request)
        except requests.exceptions.RequestException as error:
            raise transport_error("dashscope", error, _CHECK) from None
        except (TypeError, AttributeError, LookupError, ValueError, RecursionError):
            # What the SDK raises for an HTTP 200 without "output", or in another form than it expects.
            raise OutcomeUnknown("dashscope", "NoOutput") from None
    if answer.status_code != 200:
        raise service_error(answer.status_code, code_word(answer.code), code_word(answer.request_id))
    return answer


def _one_shot_session() -> Any:
    """A session whose broken connections the SDK does not see as such: it would send the question again.

    It reads no more of an answer than one can have.
    """
    import requests

    class OneShot(requests.Session):
        def send(self, request: Any, **options: Any) -> Any:
            try:
                return read_bounded(super().send(request, **{**options, "stream": True}), _MAX_ANSWER_BYTES)
            except requests.exceptions.RequestException as error:
                raise transport_error("dashscope", error, _CHECK) from None

    return OneShot()


def service_error(status: int, code: str, request_id: str) -> ServiceError | Misconfigured:
    """What an answer that is not 200 means."""
    normalised = code.replace("_", "").lower()
    if normalised in _PERMANENT_SETTINGS or status in (401, 403, 404):
        return Misconfigured(f"dashscope: {code or status} (request {request_id})")
    if status == 429 or status == 503:
        return Unavailable("dashscope", code or str(status), request_id)
    if status >= 500:
        return OutcomeUnknown("dashscope", code or str(status), request_id)
    return Refused("dashscope", code or str(status), request_id)


def _read(answer: Any, model: str) -> Answer:
    try:
        choice = answer.output.choices[0]
        text = choice.message.content
        usage = answer.usage or {}
    except (AttributeError, IndexError, KeyError, TypeError):
        raise OutcomeUnknown("dashscope", "NoOutput", code_word(answer.request_id)) from None
    if isinstance(text, list):
        # Models that see answer in parts.
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    if not isinstance(text, str):
        raise OutcomeUnknown("dashscope", "NoText", code_word(answer.request_id))
    return Answer(
        text=text,
        model=model,
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
    )


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_TOKENS else 0
