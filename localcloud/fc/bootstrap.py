"""The runtime inside one function instance: ``python -S bootstrap.py <socket fd> <parent pid>``.

Speaks a length-prefixed protocol over an inherited socket (see `Call` and `Reply`), because stdout belongs to the
function. Needs the standard library only: its own interpreter sees the function's code and the installed packages,
not this project. What it restates is how Function Compute's Python runtimes import a handler, turn its return value
or exception into bytes, log, and end.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.machinery
import importlib.util
import json
import logging
import os
import resource
import signal
import site
import socket
import struct
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

#: Before each frame: the sizes in bytes of its JSON head and of its body, big-endian.
FRAME = struct.Struct("!II")

INVOKE = "Invoke"
INITIALIZE = "Initialize"
PRE_STOP = "PreStop"

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Settings:
    """What an instance is told once, in its first frame. Its answer is an empty `Reply`."""

    function: str
    handler: str
    runtime: str
    code_folder: str
    layer_folders: list[str]
    package_folders: list[str]
    memory_mb: int
    timeout_s: int
    region: str
    account_id: str
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Call:
    """One request to the instance; the frame's body is the event. `kind` is INVOKE, INITIALIZE or PRE_STOP."""

    kind: str
    request_id: str
    handler: str
    retry_count: int = 0
    service: str = ""
    qualifier: str = "LATEST"


@dataclass(frozen=True)
class Reply:
    """What became of a `Call`; the frame's body is the return value, or the error as JSON if `error_type` is set.

    `error_type` is the exception's class or the runtime's name for an import failure.
    """

    error_type: str = ""
    max_memory_mb: float = 0.0


class Unloadable(Exception):
    """The handler can't be imported; `error_type` is the runtime's name for the reason."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class _Credentials:
    def __init__(self, settings: Settings) -> None:
        self.access_key_id = self.accessKeyId = settings.access_key_id
        self.access_key_secret = self.accessKeySecret = settings.access_key_secret
        self.security_token = self.securityToken = settings.security_token


class _FunctionMeta:
    def __init__(self, settings: Settings, call: Call) -> None:
        self.name = settings.function
        self.handler = settings.handler
        self.memory = settings.memory_mb
        self.timeout: int | str = settings.timeout_s
        if settings.runtime == "python3.12":
            self.version_id = call.qualifier
            self.qualifier = call.qualifier


class _ServiceMeta:
    def __init__(self, call: Call) -> None:
        self.name = call.service
        self.log_project = self.log_store = ""
        self.qualifier = self.version_id = call.qualifier


class Context310:
    """The second argument of a handler on python3.10 and older: with `credentials` and `service`."""

    def __init__(self, settings: Settings, call: Call) -> None:
        self.request_id = self.requestId = call.request_id
        self.account_id = settings.account_id
        self.region = settings.region
        self.credentials = _Credentials(settings)
        self.function = _FunctionMeta(settings, call)
        self.function.timeout = str(settings.timeout_s)
        self.service = _ServiceMeta(call)
        self.tracing: dict[str, str] = {}
        self.retry_count = call.retry_count

    def to_json(self) -> dict[str, Any]:
        """The context as plain values, credentials included, as the runtime gives it."""
        return {
            name: vars(value) if hasattr(value, "__dict__") else value
            for name, value in vars(self).items()
            if name != "request_id"
        }


class Context312:
    """The second argument of a handler on python3.12: no `credentials`, no `service`."""

    def __init__(self, settings: Settings, call: Call) -> None:
        self.request_id = call.request_id
        self.function = _FunctionMeta(settings, call)
        self.region = settings.region
        self.account_id = settings.account_id
        self.logger: logging.Logger | None = None
        self.log_project = self.log_store = ""

    def getLogger(self) -> logging.Logger:  # noqa: N802 - the runtime's name
        """The logger of this request; also kept in `logger`."""
        self.logger = logging.getLogger()
        return self.logger


class _LogFormat(logging.Formatter):
    """``2026-05-05T10:00:00.123Z <request id> [INFO] message``, as Function Compute's log pages show it."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = super().format(record)
        return f"{moment}.{int(record.msecs):03d}Z {self.request_id} [{record.levelname}] {text}"


class Runtime:
    """One instance: what is loaded in it and how it answers calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._modules: dict[str, ModuleType] = {}
        self._log_format = _LogFormat()
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(self._log_format)
        logging.root.handlers = [handler]
        logging.root.setLevel(logging.INFO)

    def answer(self, call: Call, event: bytes) -> tuple[Reply, bytes]:
        """Run the handler or hook of `call`. Ends the process if user code exits."""
        self._log_format.request_id = call.request_id
        print(f"FC {call.kind} Start RequestId: {call.request_id}", flush=True)  # noqa: T201 - part of the log
        error_type = ""
        context = (Context312 if self._settings.runtime == "python3.12" else Context310)(self._settings, call)
        try:
            handler = self.load(call.handler)
            body = _encoded(handler(event, context)) if call.kind == INVOKE else _hook(handler, context)
        except Unloadable as error:
            error_type = error.error_type
            body = _error_body(error, error_type, error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 - the function's own entry: every exception becomes its result
            error_type = type(error).__name__
            body = _error_body(error, error_type, error)
        if error_type:
            print(body.decode(), flush=True)  # noqa: T201
        outcome = ", Error: Unhandled function error" if error_type else ""
        print(f"FC {call.kind} End RequestId: {call.request_id}{outcome}", flush=True)  # noqa: T201
        return Reply(error_type, _max_memory_mb()), body

    def load(self, handler: str) -> Callable[..., Any]:
        """The function that `handler` names. Its module is imported once: hooks and handler share its globals.

        Raises `Unloadable`.
        """
        module_name, _, attribute = handler.rpartition(".")
        if module_name not in self._modules:
            self._modules[module_name] = self._import(module_name)
        function: Callable[..., Any] | None = getattr(self._modules[module_name], attribute, None)
        if function is None:
            raise Unloadable("HandlerNotFound", f"Handler '{attribute}' is missing on module '{module_name}'")
        return function

    def _import(self, module_name: str) -> ModuleType:
        try:
            if self._settings.runtime == "python3.12":
                return importlib.import_module(module_name.replace("/", "."))
            return _load_by_path(module_name, self._settings.code_folder)
        except ImportError as error:
            raise Unloadable("ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
        except SyntaxError as error:
            raise Unloadable("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
        except Exception as error:
            raise Unloadable("UserCodeError", f"Module initialization error: {error}") from error


def _load_by_path(module_name: str, code_folder: str) -> ModuleType:
    """Import as python3.10 and older do: by folders, under the literal name.

    What stands before the last slash is joined to the code folder; the rest is looked for part by part, where a
    folder counts only with an ``__init__.py``. The module is registered as e.g. ``functions/trip/index``, so its
    package is empty and relative imports fail.
    """
    folder, _, dotted = module_name.rpartition("/")
    place = Path(code_folder, folder)
    *packages, last = dotted.split(".")
    for package in packages:
        place /= package
        if not (place / "__init__.py").is_file():
            raise ImportError(f"No module named {package!r}")
    files = [place / last / "__init__.py", *(place / (last + suffix) for suffix in importlib.machinery.all_suffixes())]
    location = next((file for file in files if file.is_file()), None)
    if location is None:
        raise ImportError(f"No module named {last!r}")
    inner = [str(location.parent)] if location == files[0] else None
    spec = importlib.util.spec_from_file_location(module_name, location, submodule_search_locations=inner)
    if spec is None or spec.loader is None:
        raise ImportError(f"No module named {last!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _hook(hook: Callable[..., Any], context: object) -> bytes:
    hook(context)
    return b""


def _encoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, default=_plain, indent=4, sort_keys=True).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if hasattr(value, "to_json"):
        return value.to_json()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def _error_body(error: Exception, error_type: str, origin: BaseException) -> bytes:
    """The error as callers get it, with the trace of `origin` less the frames of this file."""
    frames = [
        [f'File "{frame.filename}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""]
        for frame in traceback.extract_tb(origin.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
    ]
    return json.dumps({"errorMessage": str(error), "errorType": error_type, "stackTrace": frames}).encode()


def _max_memory_mb() -> float:
    """The peak of the resident memory."""
    if sys.platform != "linux":
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20), 2)
    # Linux carries the parent's peak over into ru_maxrss; VmHWM starts with this program.
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return round(peak_kb / 1024, 2)


def _on_sigterm(_: int, __: FrameType | None) -> None:
    """Function Compute ends a request that ran out of time like this: every thread's stack into the log, then out."""
    for ident, frame in sys._current_frames().items():
        print(f"# ThreadID: {ident}", "".join(traceback.format_stack(frame)), sep="\n")  # noqa: T201
    sys.stdout.flush()
    os._exit(143)


def _die_with(parent_pid: int) -> None:
    """Ask Linux to kill this process when the emulator ends; a stopped process could not notice otherwise."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def _receive(connection: socket.socket) -> tuple[Any, bytes]:
    head_bytes, body_bytes = FRAME.unpack(_exactly(connection, FRAME.size))
    return json.loads(_exactly(connection, head_bytes)), _exactly(connection, body_bytes)


def _exactly(connection: socket.socket, size_bytes: int) -> bytes:
    received = bytearray()
    while len(received) < size_bytes:
        part = connection.recv(min(size_bytes - len(received), 1 << 20))
        if not part:
            os._exit(0)
        received += part
    return bytes(received)


def _send(connection: socket.socket, reply: Reply, body: bytes) -> None:
    head = json.dumps(asdict(reply)).encode()
    connection.sendall(FRAME.pack(len(head), len(body)) + head + body)


def set_search_path(settings: Settings) -> None:
    """Code, layers, PYTHONPATH, standard library, installed packages: what comes earlier shadows what comes later.

    ``-S`` kept ``.pth`` files out, so a project installed for editing is not importable: only what is deployed is.
    """
    own_folder = str(Path(__file__).parent)
    inherited = [folder for folder in sys.path if folder != own_folder]
    sys.path[:] = [settings.code_folder, *settings.layer_folders, *inherited, *settings.package_folders]


def main() -> None:
    """Answer calls until the other end of the socket closes."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    _die_with(int(sys.argv[2]))
    head, _ = _receive(connection)
    settings = Settings(**head)
    set_search_path(settings)
    site.setquit()
    sys.argv = ["bootstrap"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, _on_sigterm)
    runtime = Runtime(settings)
    _send(connection, Reply(), b"")
    while True:
        head, event = _receive(connection)
        _send(connection, *runtime.answer(Call(**head), event))


if __name__ == "__main__":
    main()
