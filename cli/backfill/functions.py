"""Invoking the function that takes trips of the past: by FC 3.0's API, or FC 2.0's for services that are still there.

Every call is asynchronous, at most 128 KB, and carries a task id. Function Compute takes an id once and answers 409
after that ("Asynchronous tasks", help.aliyun.com/document_detail/2513608), so a call whose answer was lost is made
again with the same id. Where a deployment does not keep tasks, the trip's claim in the ledger does the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from localcloud.fc.roles import PREFIX
from shared.errors import Misconfigured, Refused, Unavailable, code_word
from shared.settings import Credentials

_T = TypeVar("_T")

#: What `s.yaml` calls it, after the prefix of the environment.
_FUNCTION = "backfill-trips"
APIS = ("3.0", "2.0")
#: States of a task after which its function is not called any more without having succeeded.
GIVEN_UP = frozenset({"Failed", "Expired", "Stopped", "Invalid"})

_ENDPOINT = "TRIPCANVAS_FC_ENDPOINT"
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 5, 20
_OF_THE_ACCESS_KEY = frozenset(
    {"AccessDenied", "InvalidAccessKeyID", "SignatureNotMatch", "InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch"}
)


class Functions(Protocol):
    """The one function, as a backfill uses it. Safe from several threads."""

    def invoke(self, event: bytes, task: str) -> bool:
        """Have the event taken; False when a task of this id was taken before.

        Raises `Unavailable` (throttled, not reached, no answer: to be repeated with the same id), `Refused`, or
        `Misconfigured` (access, name), which says what is missing.
        """

    def state(self, task: str) -> str:
        """The state of a task, by Function Compute's name for it; "" when that is not known. Raises as `invoke`."""


def function_of(api: str, environment: Mapping[str, str]) -> str:
    """The function's name in a deployment; for FC 2.0 with the service around it, which takes the prefix's name."""
    prefix = environment.get("TRIPCANVAS_PREFIX") or PREFIX
    return f"{prefix}-{_FUNCTION}" if api == "3.0" else f"{prefix}/{prefix}-{_FUNCTION}"


def open_functions(api: str, function: str, environment: Mapping[str, str], credentials: Credentials) -> Functions:
    """The function of a deployment by one of `APIS`.

    Raises `Misconfigured` when the address can't be known, or the SDK of FC 2.0 is not installed.
    """
    region = environment.get("TRIPCANVAS_REGION", "") or "cn-shanghai"
    account = environment.get("TRIPCANVAS_ACCOUNT_ID", "")
    endpoint = environment.get(_ENDPOINT, "")
    if api == "3.0":
        return _open_fc3(endpoint or f"https://fcv3.{region}.aliyuncs.com", region, function, account, credentials)
    if not endpoint and not account:
        raise Misconfigured(f"TRIPCANVAS_ACCOUNT_ID is not set, nor {_ENDPOINT}; FC 2.0's address holds the account")
    service, separator, name = function.partition("/")
    if not separator or not service or not name:
        raise Misconfigured("--function: SERVICE/FUNCTION, which is how FC 2.0 names one")
    return _open_fc2(endpoint or f"https://{account}.{region}.fc.aliyuncs.com", service, name, credentials)


@dataclass(frozen=True, slots=True)
class _Fc3:
    function: str
    resource: str
    _client: Any = field(repr=False)

    def invoke(self, event: bytes, task: str) -> bool:
        from alibabacloud_fc20230330 import models

        request = models.InvokeFunctionRequest(body=event)
        headers = models.InvokeFunctionHeaders(x_fc_invocation_type="Async", x_fc_async_task_id=task)

        def call() -> bool:
            answer = self._client.invoke_function_with_options(self.function, request, headers, _runtime())
            return _accepted(answer.headers)

        return self._answered(call, "fc:InvokeFunction") is not None

    def state(self, task: str) -> str:
        from alibabacloud_fc20230330 import models

        def call() -> str:
            found = self._client.get_async_task_with_options(
                self.function, task, models.GetAsyncTaskRequest(), {}, _runtime()
            )
            return str(found.body.status or "")

        try:
            return self._answered(call, "fc:GetAsyncTask") or ""
        except Refused:
            return ""

    def _answered(self, call: Callable[[], _T], action: str) -> _T | None:
        """What a call of the SDK returns; None for 409."""
        from Tea.exceptions import TeaException

        try:
            return call()
        except TeaException as error:
            status = int(getattr(error, "statusCode", 0) or 0)
            if judge(status, code_word(error.code), action, self.resource):
                return None
            raise


@dataclass(frozen=True, slots=True)
class _Fc2:
    service: str
    function: str
    resource: str
    _client: Any = field(repr=False)

    def invoke(self, event: bytes, task: str) -> bool:
        import requests
        from fc2.fc_exceptions import FcError

        headers = {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": task}
        try:
            answer = self._client.invoke_function(self.service, self.function, payload=event, headers=headers)
        except FcError as error:
            return not judge(int(error.status_code), code_word(error.err_code), "fc:InvokeFunction", self.resource)
        except requests.exceptions.RequestException as error:
            raise Unavailable("fc", "ConnectionFailed", type(error).__name__) from None
        return _accepted(answer.headers)

    def state(self, task: str) -> str:  # noqa: ARG002 - its SDK has no call for it
        return ""


def judge(status: int, code: str, action: str, resource: str) -> bool:
    """Whether a refusal, by its HTTP status, says that the task was taken before; 0 is no answer at all.

    Raises what any other refusal means.
    """
    told = code or f"http_{status}"
    if status == 409 and told != "ConcurrentUpdateError":
        return True
    if told == "AccessDenied":
        raise Misconfigured(f"fc: AccessDenied; this access key needs {action} on {resource}")
    if status in (401, 403) or told in _OF_THE_ACCESS_KEY:
        raise Misconfigured(f"fc: {told}; check ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, and this machine's clock")
    if status == 404 and action == "fc:InvokeFunction":
        raise Misconfigured(f"fc: {told}; there is no {resource}: is it deployed, and in this region?")
    if not status:
        raise Unavailable("fc", "ConnectionFailed")
    if status in (408, 409, 429) or status >= 500:
        raise Unavailable("fc", told)
    raise Refused("fc", told)


def _open_fc3(endpoint: str, region: str, function: str, account: str, credentials: Credentials) -> Functions:
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_tea_openapi.models import Config

    protocol, _, host = endpoint.partition("://")
    if protocol not in ("http", "https") or not host:
        raise Misconfigured(f"{_ENDPOINT} must be an address that begins with https://")
    client = Client(
        Config(
            access_key_id=credentials.access_key_id,
            access_key_secret=credentials.access_key_secret,
            security_token=credentials.security_token or None,
            endpoint=host.rstrip("/"),
            protocol=protocol,
            region_id=region,
        )
    )
    return _Fc3(function, f"acs:fc:{region}:{account or '*'}:functions/{function}", client)


def _open_fc2(endpoint: str, service: str, function: str, credentials: Credentials) -> Functions:
    try:
        import fc2
    except ImportError:
        raise Misconfigured("--api 2.0 needs the SDK of FC 2.0; `pip install 'tripcanvas[fc2]'`") from None
    # It logs the headers of every refused call, the access key's id and signature included, to the root logger.
    logging.getLogger().addFilter(lambda record: "fc2" not in record.pathname)
    client = fc2.Client(
        endpoint=endpoint,
        accessKeyID=credentials.access_key_id,
        accessKeySecret=credentials.access_key_secret,
        securityToken=credentials.security_token,
        Timeout=_READ_TIMEOUT_S,
    )
    return _Fc2(service, function, f"acs:fc:*:*:services/{service}/functions/{function}", client)


def _accepted(headers: Mapping[str, str]) -> bool:
    """True for an answer of Function Compute; raises `Unavailable` when a proxy gave it, whatever its status."""
    if not any(name.lower() == "x-fc-request-id" for name in headers):
        raise Unavailable("fc", "UnreadableAnswer")
    return True


def _runtime() -> Any:
    from darabonba.runtime import RuntimeOptions

    # What is repeated, and when, is the sender's to decide.
    return RuntimeOptions(
        autoretry=False, connect_timeout=_CONNECT_TIMEOUT_S * 1000, read_timeout=_READ_TIMEOUT_S * 1000
    )
