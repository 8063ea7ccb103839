"""What a node says when it can't do its work, in Chinese and in English.

::

    NodeError
    ├── NotConfigured     the server's environment lacks a key or address, or the account can't use the model
    ├── ContentRefused    the content check said no to the prompt or to the picture
    ├── RequestRefused    DashScope understood and said no for another reason
    ├── Busy              DashScope refused for lack of capacity until the attempts or the deadline were used up
    ├── OutcomeUnknown    a request that costs money got no usable answer; it is not repeated
    ├── DeadlinePassed    the overall deadline of the node is over
    ├── PictureRefused    what was downloaded is not a picture that can be used
    ├── CarUnusable       there is no such car, colour or view, or its files are not what their manifest says
    └── NoPlace           the background has no place for the car

ComfyUI shows these sentences to the designer and writes them to its log, so they hold codes and request ids only:
never a key, a prompt or a signed address.
"""

from __future__ import annotations

import re


class NodeError(Exception):
    """A node's work failed; the text is ``[code]``, one Chinese and one English sentence.

    The code is DashScope's own, or the name of the error's class: whoever reads ComfyUI's error can tell them apart.
    """

    def __init__(self, zh: str, en: str, code: str = "") -> None:
        self.code = code or type(self).__name__
        super().__init__(f"[{self.code}] {zh} / {en}")


class NotConfigured(NodeError):
    """The deployment has to be changed before this node can work."""


class ContentRefused(NodeError):
    """The content check said no."""


class RequestRefused(NodeError):
    """DashScope said no."""


class Busy(NodeError):
    """DashScope had no capacity for the request."""


class OutcomeUnknown(NodeError):
    """The request may or may not have taken effect."""


class DeadlinePassed(NodeError):
    """The node's own deadline is over."""


class PictureRefused(NodeError):
    """The picture's address or content can't be used."""


class CarUnusable(NodeError):
    """The car asset is absent or broken."""


class NoPlace(NodeError):
    """The background has no place for the car; another one may."""


_CONTENT = (
    ContentRefused,
    "提示词或画面没有通过内容审查，请换一种写法",
    "the prompt or the picture did not pass the content check; word it differently",
)
_BILL = (
    NotConfigured,
    "百炼账号欠费或未开通该服务，请联系管理员",
    "the DashScope account is in arrears or lacks this service; tell the administrator",
)
_ACCESS = (
    NotConfigured,
    "百炼账号无权使用该模型，请联系管理员",
    "the DashScope account may not use this model; tell the administrator",
)
_BUSY = (Busy, "百炼限流，请稍后再试", "DashScope is throttling; try again later")
_FAULT = (
    RequestRefused,
    "百炼服务出错，请稍后再试",
    "DashScope had a fault of its own; try again later",
)

_SENTENCES: dict[str, tuple[type[NodeError], str, str]] = {
    "DataInspectionFailed": _CONTENT,
    "IPInfringementSuspect": (
        ContentRefused,
        "提示词涉嫌侵犯知识产权，请换一种写法",
        "the prompt is suspected of infringing a copyright or trademark; word it differently",
    ),
    "InvalidApiKey": (
        NotConfigured,
        "百炼拒绝了 API Key，请管理员检查环境变量 DASHSCOPE_API_KEY",
        "DashScope refused the API key; have DASHSCOPE_API_KEY of the server checked",
    ),
    "Arrearage": _BILL,
    "CommodityNotPurchased": _BILL,
    "PrepaidBillOverdue": _BILL,
    "PostpaidBillOverdue": _BILL,
    "AccessDenied": _ACCESS,
    "Model.AccessDenied": _ACCESS,
    "AllocationQuota": _ACCESS,
    "ModelNotFound": (
        NotConfigured,
        "没有这个模型，它可能已下线，请换一个模型",
        "there is no such model, or it is retired; choose another one",
    ),
    "InvalidParameter": (
        RequestRefused,
        "百炼不接受某个参数，请检查尺寸、种子和提示词长度",
        "DashScope did not accept a parameter; check size, seed and the length of the prompt",
    ),
    "Throttling": _BUSY,
    "ModelUnavailable": _BUSY,
    "ModelServingError": _FAULT,
    "InternalError": _FAULT,
    "RequestTimeOut": _FAULT,
}

_UNKNOWN = (RequestRefused, "百炼没有完成请求", "DashScope did not do what was asked")

#: 429 with one of these codes doesn't go away by waiting.
BILLING_CODES = frozenset({"CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue"})

_SNAKE = {
    "insufficient_quota": "Throttling.AllocationQuota",
    "model_not_found": "ModelNotFound",
    "invalid_api_key": "InvalidApiKey",
    "data_inspection_failed": "DataInspectionFailed",
}
_SAFE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def canonical_code(code: object) -> str:
    """DashScope's code in its PascalCase spelling; "" for anything that isn't a plain code word."""
    if not isinstance(code, str) or not _SAFE.fullmatch(code):
        return ""
    return _SNAKE.get(code, code)


def refusal(code: str, request_id: object = "") -> NodeError:
    """The error for one of DashScope's codes (as `canonical_code` gives it).

    Sub-codes fall back to their family: ``InternalError.Algo`` reads as ``InternalError``.
    """
    kind, zh, en = _SENTENCES.get(code) or _SENTENCES.get(code.partition(".")[0]) or _UNKNOWN
    if isinstance(request_id, str) and _SAFE.fullmatch(request_id):
        en = f"{en} (request {request_id})"
    return kind(zh, en, code)
