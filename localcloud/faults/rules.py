"""Fault rules as they are written: in a TOML file, in JSON at runtime, or in the header of one request."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from shared.toml_files import tomllib

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localcloud.state import Cloud

#: The services that rules can strike; the GPU side answers no requests of its own.
FAULTY_SERVICES = ("oss", "mns", "eas", "dashscope", "feed", "fc", "green")

#: One request with this header meets the fault that stands in it, a `Fault` as JSON, and no rule.
FAULT_HEADER = "x-localcloud-fault"

#: Names the file of rules that services read when they start, in place of ``faults.toml`` in the cloud's folder.
FILE_VARIABLE = "TRIPCANVAS_LOCAL_FAULTS"

_LONGEST_S = 3600
_INVOKE = "INVOKE /"
_AT = re.compile(r" - at `\$\.?(?P<path>.*)`$")
_Shape = TypeVar("_Shape")


class InvalidRules(ValueError):
    """Rules, or the fault of one request, can't be read; the message names the field."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a call that is struck gets.

    ===========  ==========================================================================================
    `do`         the caller gets
    ===========  ==========================================================================================
    ``status``   an error with `status` in the service's own form, and `code` if the usual one is not wanted
    ``reset``    a connection reset by the peer (TCP RST), and no byte of an answer
    ``hang``     nothing, for `seconds`; then the connection is closed
    ``garbage``  200 with bytes that are no answer of any service
    ``delay``    the answer, `seconds` later
    ``kill``     for fc only: the process of an invocation is killed up to `seconds` after it began
    ===========  ==========================================================================================

    Without `after_effect` the service never sees the request; with it the service does all its work first, and only
    its answer is replaced or withheld.
    """

    do: Literal["status", "reset", "hang", "garbage", "delay", "kill"]
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_S)] | None = None
    after_effect: bool = False

    def __post_init__(self) -> None:
        """Refuse a field that `do` needs and lacks, or has no use for."""
        for field, users in (("status", ("status",)), ("seconds", ("hang", "delay", "kill"))):
            given = getattr(self, field) is not None
            if given != (self.do in users):
                verb = "has no use for it" if given else "needs it"
                raise ValueError(f'{field}: do = "{self.do}" {verb}')
        if self.code and self.do != "status":
            raise ValueError(f'code: do = "{self.do}" has no use for it')
        if self.after_effect and self.do == "kill":
            raise ValueError('after_effect: do = "kill" has no use for it')


class Rule(Fault, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A fault, and the calls that meet it.

    `service` is one of `FAULTY_SERVICES` or ``*``. `call` is a glob (``*``, ``?``, ``[abc]``; ``*`` crosses slashes)
    over ``METHOD /path``, the path percent-decoded and without the query; `query` is one over the query string as it
    was sent. Of the calls that match, the first `skip` pass; each further one is struck with `probability`, `times`
    of them at most (0: without end).
    """

    service: Literal["*", "oss", "mns", "eas", "dashscope", "feed", "fc", "green"]
    call: str = "*"
    query: str = "*"
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0
    times: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Refuse a rule that could never strike."""
        super().__post_init__()
        if not self.call or not (self.call[0].isupper() or self.call[0] in "*?["):
            raise ValueError('call: starts with a method, as in "PUT /bucket/*", or with *')
        kills = self.do == "kill"
        if kills and self.service != "fc":
            raise ValueError('service: do = "kill" strikes "fc" only')
        if kills and not self.call.startswith(("*", _INVOKE)):
            raise ValueError(f'call: do = "kill" strikes "{_INVOKE}<function>"')
        if not kills and self.call.startswith("INVOKE"):
            raise ValueError('call: invocations are struck by do = "kill" only; requests have an HTTP method')

    def concerns(self, service: str) -> bool:
        """Whether the rule is for `service`."""
        return self.service in ("*", service)


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules in their order, and the seed of all chance in them."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()


def decode_plan(body: bytes) -> Plan:
    """A `Plan` in JSON. Raises `InvalidRules`."""
    return _read(lambda: msgspec.json.decode(body, type=Plan))


def decode_fault(text: bytes) -> Fault:
    """The JSON of `FAULT_HEADER`. Raises `InvalidRules`."""
    fault = _read(lambda: msgspec.json.decode(text, type=Fault))
    if fault.do == "kill":
        raise InvalidRules('do: "kill" strikes invocations, not requests; set a rule for it')
    return fault


def read_plan(file: Path) -> Plan:
    """A `Plan` in TOML. Raises `InvalidRules`, with the file's name."""
    try:
        document: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        return _read(lambda: msgspec.convert(document, Plan))
    except OSError as error:
        raise InvalidRules(f"{file}: {error.strerror}") from None
    except (InvalidRules, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRules(f"{file}: {error}") from None


def plan_at_start(cloud: Cloud) -> Plan:
    """The rules a service begins with: those of the file, if there is one. Raises `InvalidRules`."""
    configured = os.environ.get(FILE_VARIABLE)
    if configured:
        from pathlib import Path

        return read_plan(Path(configured))
    file = cloud.root / "faults.toml"
    return read_plan(file) if file.exists() else Plan()


def _read(decode: Callable[[], _Shape]) -> _Shape:
    try:
        return decode()
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        message = _AT.sub("", str(error))
        raise InvalidRules(f"{found['path']}: {message}" if found and found["path"] else message) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRules(f"not valid JSON: {error}") from None
