"""One function instance, seen from the emulator: a process that answers one call at a time.

Between calls the process is stopped (SIGSTOP; on Linux only), as Function Compute freezes an instance: background
threads make no progress and what they have not flushed is not seen. Instances run in a session of their own, so that
a terminal's Ctrl-C reaches the emulator only, and so that children of the function go down with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import sysconfig
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.fc import bootstrap
from localcloud.fc.bootstrap import FRAME, INITIALIZE, INVOKE, PRE_STOP, Call, Reply, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.fc.deployment import Function
    from localcloud.state import Cloud

#: Returned with `X-Fc-Log-Result`: the last 4 KB of what the request wrote.
LOG_TAIL_BYTES = 4096

_BOOT_TIMEOUT_S = 30.0
#: A frozen process can't notice that the emulator is gone; only Linux kills it then (see `bootstrap`).
_FREEZES = sys.platform == "linux"
#: Longer lines reach the log in pieces.
_LONGEST_LINE_BYTES = 1 << 17
#: How long a process may take to end: to write its stacks after SIGTERM, or to run exit handlers after sys.exit.
_GRACE_S = 1.0


def new_request_id() -> str:
    """A request id in the form of FC 3.0: ``1-<seconds, hex>-<8 hex digits>-<12 hex digits>``."""
    return f"1-{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a function."""

    request_id: str
    event: bytes
    retry_count: int = 0
    service: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to.

    `error_kind` is what the header ``X-Fc-Error-Type`` says (``UnhandledInvocationError``,
    ``InitializationError``) or empty; `error_type` is the exception's class or the runtime's name for the failure.
    """

    payload: bytes
    error_kind: str
    error_type: str
    instance_id: str
    duration_ms: int
    max_memory_mb: float
    log_tail: bytes


class InstanceLost(RuntimeError):
    """The process ended or ran out of time during a call; `kind` is a name for it, the message is for the caller."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Output:
    """What an instance writes to stdout and stderr: into the log file, and the end of it kept for the caller."""

    def __init__(self, read_end: int, log_file: Path) -> None:
        self._read_end = read_end
        self._log = log_file.open("ab", buffering=0)
        self._unfinished = b""
        self.tail = b""
        os.set_blocking(read_end, False)
        asyncio.get_running_loop().add_reader(read_end, self.drain)

    def drain(self) -> None:
        """Take over what was written so far; all that came before the reply on the socket is in the pipe by then."""
        # As often as a pipe can be full, so that a thread that never stops writing can't hold up the service.
        for _ in range(16):
            try:
                written = os.read(self._read_end, 1 << 16)
            except BlockingIOError:
                return
            if not written:
                asyncio.get_running_loop().remove_reader(self._read_end)
                return
            self.tail = (self.tail + written)[-LOG_TAIL_BYTES:]
            lines, newline, self._unfinished = (self._unfinished + written).rpartition(b"\n")
            # Whole lines, so that instances of one function don't cut into each other's.
            self._log.write(lines + newline)
            if len(self._unfinished) > _LONGEST_LINE_BYTES:
                self._log.write(self._unfinished)
                self._unfinished = b""

    def close(self) -> None:
        """Take over the rest and stop reading; the process has ended."""
        self.drain()
        asyncio.get_running_loop().remove_reader(self._read_end)
        self._log.write(self._unfinished)
        os.close(self._read_end)
        self._log.close()


class Instance:
    """A running instance. Made by `start`; not to be used again after `InstanceLost`, `stop` or `kill`."""

    def __init__(
        self,
        function: Function,
        instance_id: str,
        child: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        output: _Output,
    ) -> None:
        self.function = function
        self.instance_id = instance_id
        self.idle_since = time.monotonic()
        self._child = child
        self._reader = reader
        self._writer = writer
        self._output = output
        self._initialized = function.initializer is None
        self.is_crashed = False

    @classmethod
    async def start(cls, function: Function, cloud: Cloud) -> Instance:
        """Start the process and wait until its runtime is up. User code is not imported yet."""
        instance_id = f"c-{int(time.time()):08x}-{secrets.token_hex(6)}"
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        # A function that starts a program which outlives it must not keep our ends open.
        for descriptor in (ours.fileno(), read_end):
            fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-S", bootstrap.__file__, str(theirs.fileno()), str(os.getpid()),
                cwd=function.code_folder,
                env=_environment(function, cloud, instance_id),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )  # fmt: skip
        except BaseException as error:
            ours.close()
            os.close(read_end)
            if isinstance(error, OSError):
                raise InstanceLost("FunctionNotStarted", f"No instance can be started: {error.strerror}") from None
            raise
        finally:
            theirs.close()
            os.close(write_end)
        reader, writer = await asyncio.open_connection(sock=ours)
        output = _Output(read_end, cloud.log_file(f"function-{function.name}"))
        instance = cls(function, instance_id, child, reader, writer, output)
        try:
            await instance._exchange(_settings(function, cloud), b"", _BOOT_TIMEOUT_S)
        except asyncio.CancelledError:
            await instance.kill()
            raise
        return instance

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run the initializer if it has not succeeded yet, then the handler.

        Raises `InstanceLost`, with the process gone.
        """
        self._thaw()
        self._output.tail = b""
        started = time.monotonic()
        initializer = self.function.initializer
        if initializer is not None and not self._initialized:
            call = Call(INITIALIZE, invocation.request_id, initializer.handler, service=invocation.service)
            reply, body = await self._exchange(call, b"", initializer.timeout_s)
            if reply.error_type:
                return self._outcome(body, "InitializationError", reply, started)
            self._initialized = True
        call = Call(INVOKE, invocation.request_id, self.function.handler, invocation.retry_count, invocation.service)
        reply, body = await self._exchange(call, invocation.event, self.function.timeout_s)
        self._freeze()
        return self._outcome(body, "UnhandledInvocationError" if reply.error_type else "", reply, started)

    @property
    def log_tail(self) -> bytes:
        """The last bytes the current or last call wrote."""
        return self._output.tail

    @property
    def is_initializing(self) -> bool:
        """Whether the initializer has still to succeed."""
        return not self._initialized

    async def stop(self, longest_s: float = 90.0) -> None:
        """Run the preStop hook, within its timeout and `longest_s`, and end the process."""
        hook = self.function.pre_stop
        if hook is not None and self._child.returncode is None:
            self._thaw()
            with contextlib.suppress(InstanceLost):
                call = Call(PRE_STOP, f"prestop-{self.instance_id}", hook.handler)
                await self._exchange(call, b"", min(hook.timeout_s, longest_s))
        await self.kill()

    def crash(self) -> None:
        """End the process and its children at once, as if by themselves: the call that runs finds out."""
        self.is_crashed = True
        self._signal(signal.SIGKILL)

    async def kill(self) -> None:
        """End the process and its children at once, and release what belongs to it."""
        if self._writer.is_closing():
            return
        self._signal(signal.SIGKILL)
        await self._release()

    async def _exchange(self, request: Settings | Call, body: bytes, timeout_s: float) -> tuple[Reply, bytes]:
        head = json.dumps(asdict(request)).encode()
        try:
            reply, answer = await asyncio.wait_for(self._transfer(head, body), timeout_s)
        except asyncio.TimeoutError:
            # SIGTERM makes the runtime write its stacks into the log.
            self._signal(signal.SIGTERM)
            await self._end()
            raise InstanceLost("FunctionTimeout", f"Function timed out after {timeout_s:g} seconds") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._end()
            end = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise InstanceLost(
                "FunctionExited", f"Function instance exited unexpectedly during execution ({end})"
            ) from None
        self._output.drain()
        return reply, answer

    async def _transfer(self, head: bytes, body: bytes) -> tuple[Reply, bytes]:
        self._writer.write(FRAME.pack(len(head), len(body)) + head + body)
        await self._writer.drain()
        head_bytes, body_bytes = FRAME.unpack(await self._reader.readexactly(FRAME.size))
        fields: dict[str, Any] = json.loads(await self._reader.readexactly(head_bytes))
        return Reply(**fields), await self._reader.readexactly(body_bytes)

    async def _end(self) -> int:
        """Wait a moment for the process to end by itself, then kill it; the exit code, or minus the signal."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._child.wait(), _GRACE_S)
        self._signal(signal.SIGKILL)
        await self._release()
        return await self._child.wait()

    async def _release(self) -> None:
        await self._child.wait()
        self._output.close()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def _outcome(self, payload: bytes, error_kind: str, reply: Reply, started: float) -> Outcome:
        return Outcome(
            payload=payload,
            error_kind=error_kind,
            error_type=reply.error_type,
            instance_id=self.instance_id,
            duration_ms=round((time.monotonic() - started) * 1000),
            max_memory_mb=reply.max_memory_mb,
            log_tail=self._output.tail,
        )

    def _freeze(self) -> None:
        self.idle_since = time.monotonic()
        if _FREEZES:
            self._signal(signal.SIGSTOP)

    def _thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)


def _settings(function: Function, cloud: Cloud) -> Settings:
    layers = cloud.folder("fc") / "opt" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    credentials = function.credentials(cloud)
    return Settings(
        function=function.name,
        handler=function.handler,
        runtime=function.runtime,
        code_folder=str(function.code_folder),
        layer_folders=[str(layers / "lib" / version / "site-packages"), str(layers)],
        package_folders=_package_folders(),
        memory_mb=function.memory_mb,
        timeout_s=function.timeout_s,
        region=function.region,
        account_id=cloud.account_id,
        access_key_id=credentials.access_key_id,
        access_key_secret=credentials.access_key_secret,
        security_token=credentials.security_token,
    )


def _package_folders() -> list[str]:
    """Where this interpreter's installed packages are: they stand in for what the runtime bundles or `s build` adds."""
    found = [folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]
    return found or [sysconfig.get_path("purelib")]


def _environment(function: Function, cloud: Cloud, instance_id: str) -> dict[str, str]:
    """What the function sees; nothing of the emulator's own environment but where programs are found."""
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/tmp"),  # noqa: S108 - only where the variable is missing
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONIOENCODING": "utf-8",
        **function.environment,
    }
    if "PYTHONPATH" in variables:
        variables["PYTHONPATH"] = _in_code_folder(variables["PYTHONPATH"], function.code_folder)
    credentials = function.credentials(cloud)
    token = {"ALIBABA_CLOUD_SECURITY_TOKEN": credentials.security_token} if credentials.security_token else {}
    return {
        **variables,
        **token,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": credentials.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": credentials.access_key_secret,
        "FC_FUNC_CODE_PATH": str(function.code_folder),
        "FC_FUNCTION_NAME": function.name,
        "FC_FUNCTION_HANDLER": function.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "FC_ACCOUNT_ID": cloud.account_id,
        "FC_REGION": function.region,
        "FC_INSTANCE_ID": instance_id,
        "FC_QUALIFIER": "LATEST",
        "FC_VER_ID": "LATEST",
        "FC_RUNTIME_VERSION": function.runtime,
    }


def _in_code_folder(search_path: str, code_folder: Path) -> str:
    """``/code`` is where the code lies in the cloud; here it lies where the project is."""
    parts: Sequence[str] = search_path.split(os.pathsep)
    return os.pathsep.join(
        str(code_folder / part.removeprefix("/code").lstrip("/")) if part.split("/")[:2] == ["", "code"] else part
        for part in parts
    )
