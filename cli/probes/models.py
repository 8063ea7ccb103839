"""Model Studio (DashScope): every model that is set answers, and the API key may use it.

Text and judge are asked for a word, as the functions ask; an image model is given an order that it must refuse, so
that no picture is painted: a model that is gone is refused by another code.
"""

from __future__ import annotations

import base64
import struct
import zlib

import msgspec

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from shared.clouds.http import call, open_session
from shared.clouds.llm import service_error
from shared.errors import Misconfigured, Refused, TripcanvasError, code_word

_URL, _KEY = "TRIPCANVAS_DASHSCOPE_URL", "DASHSCOPE_API_KEY"
_TIMEOUT_S = 8.0
_WORD = "less than 0.1 fen"
_SECRETS = ("dashscope_api_key",)

#: Models that the vendor has taken away or announced so, and what to set instead ("Decommissioning of certain
#: historical mainline models", alibabacloud.com/notice, July 2026; cut-off 2026-10-10).
SUCCESSORS = {
    "qwen-max": "qwen3.7-max",
    "qwen-turbo": "qwen3.8-flash",
    "qwen3-max": "qwen3.7-max",
    "qwq-plus": "qwen3.7-plus",
    "qwen-vl-max": "qwen3.7-plus",
    "qwen-vl-plus": "qwen3.8-flash",
    "qwen3-vl-flash": "qwen3.8-flash",
    "qvq-max": "qwen3.7-plus",
    "wanx2-t2i-lite": "wan2.2-t2i-flash",
    "qwen-image": "qwen-image-2.0",
    "qwen-image-plus": "qwen-image-2.0",
    "qwen-image-max": "qwen-image-2.0-pro",
}
#: Ids that begin so take a conversation; all others a prompt.
_CONVERSING = ("wan2.6", "wan2.7", "qwen-image", "z-image")


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    return (
        Probe("text model", "TRIPCANVAS_TEXT_MODEL", _text, _SECRETS, _WORD),
        Probe("judge model", "TRIPCANVAS_JUDGE_MODEL", _judge, _SECRETS, _WORD),
        Probe("image model", "TRIPCANVAS_IMAGE_MODEL", _image, _SECRETS),
    )


def _text(deployment: Deployment) -> Answer:
    services = deployment.services
    messages = [{"role": "user", "content": "Answer with the JSON object {}"}]
    try:
        answer = services.text_model.ask(messages, max_tokens=8)
    except TripcanvasError as error:
        return _refused(error, services.settings.text_model, "TRIPCANVAS_TEXT_MODEL")
    return _answered(services.settings.text_model, "TRIPCANVAS_TEXT_MODEL", answer.input_tokens + answer.output_tokens)


def _judge(deployment: Deployment) -> Answer:
    services = deployment.services
    model = services.judge_model
    if model is None:
        return Answer("switched off: pictures are not judged by a model", is_known=False)
    picture = "data:image/png;base64," + base64.b64encode(_grey_picture()).decode()
    content = [{"image": picture}, {"text": "Answer with the JSON object {}"}]
    try:
        answer = model.ask([{"role": "user", "content": content}], max_tokens=8)
    except TripcanvasError as error:
        return _refused(error, model.model, "TRIPCANVAS_JUDGE_MODEL")
    return _answered(model.model, "TRIPCANVAS_JUDGE_MODEL", answer.input_tokens + answer.output_tokens)


def _image(deployment: Deployment) -> Answer:
    settings = deployment.services.settings
    model, where = settings.image_model, "TRIPCANVAS_IMAGE_MODEL"
    try:
        _order_nothing(settings.need("dashscope_url").rstrip("/"), settings.need("dashscope_api_key"), model)
    except Refused:
        return _answered(model, where, 0)
    except TripcanvasError as error:
        return _refused(error, model, where)
    said = "an order without a size was taken: a picture may have been painted"
    return Answer(said, (Finding(said, where, "look at the bill; the service has changed what it checks"),))


def _order_nothing(url: str, key: str, model: str) -> None:
    """Order a picture of one pixel. Raises `Refused` when the model is there, what the answer means otherwise."""
    if model.startswith(_CONVERSING):
        path = "services/aigc/image-generation/generation"
        given: dict[str, object] = {"messages": [{"role": "user", "content": [{"text": "山"}]}]}
    else:
        path, given = "services/aigc/text2image/image-synthesis", {"prompt": "山"}
    answer = call(
        open_session(url),
        "dashscope",
        "POST",
        f"{url}/{path}",
        timeout_s=_TIMEOUT_S,
        check=_URL,
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "X-DashScope-Async": "enable",
        },
        body=msgspec.json.encode({"model": model, "input": given, "parameters": {"size": "1*1", "n": 1}}),
        answers=tuple(range(400, 600)),
    )
    if answer.status_code >= 400:
        raise service_error(answer.status_code, *_code(answer.content))


class _Failure(msgspec.Struct):
    code: str = ""
    request_id: str = ""


def _code(body: bytes) -> tuple[str, str]:
    try:
        failure = msgspec.json.decode(body, type=_Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return code_word(failure.code), code_word(failure.request_id)


def _answered(model: str, where: str, tokens: int) -> Answer:
    text = f"{model} answers" + (f", {tokens} tokens" if tokens else "")
    if model in SUCCESSORS:
        said = f"{model} still answers, but is retired or about to be"
        return Answer(text, (Finding(said, where, f"set {SUCCESSORS[model]}"),))
    return Answer(text)


def _refused(error: TripcanvasError, model: str, where: str) -> Answer:
    said = str(error)
    if isinstance(error, Misconfigured) and "ApiKey" in said.replace("_", "").replace("apikey", "ApiKey"):
        return Answer("the key is refused", (Finding(said, _KEY, "set a key of this site and region"),))
    if any(word in said for word in ("Throttling", "429")):
        return Answer("throttled", (Finding(said, where, "ask for a higher quota in the console of Model Studio"),))
    if "ModelNotFound" in said or "model_not_found" in said:
        successor = SUCCESSORS.get(model)
        remedy = f"set {successor}" if successor else "look up its spelling in the console of Model Studio"
        return Answer("there is no such model", (Finding(f"{model}: {said}", where, remedy),))
    raise error


def _grey_picture(side: int = 32) -> bytes:
    """A PNG of one grey, without a library that handles pictures."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + bytes([128]) * side for _ in range(side))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
