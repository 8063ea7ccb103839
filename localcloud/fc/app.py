"""Function Compute's invocation API on this machine: FC 3.0 (2023-03-30) and FC 2.0 (2016-08-15).

Answered as the official SDKs expect: a failing function is still HTTP 200, with ``X-Fc-Error-Type``; an accepted
asynchronous call is 202. Of the control plane only reading is here: functions come from `s.yaml`.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud import acs3
from localcloud.fc import fc2
from localcloud.fc.backlog import TaskExists
from localcloud.fc.deployment import TimerTrigger, TopicTrigger
from localcloud.fc.instance import Invocation, new_request_id
from localcloud.fc.pool import Pool, Throttled
from localcloud.fc.sections import DeploymentError
from localcloud.fc.service import FunctionCompute
from localcloud.ram import Credentials, caller_of
from localcloud.signing import WireRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from localcloud.fc.backlog import Task
    from localcloud.fc.deployment import Function
    from localcloud.state import Cloud

MAX_SYNC_EVENT_BYTES = 32 * 1024 * 1024
MAX_ASYNC_EVENT_BYTES = 128 * 1024

_TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


class ApiError(Exception):
    """A request is refused; `status` and `code` are those of Function Compute's table of error codes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def build(cloud: Cloud) -> Starlette:
    """The service. Functions are deployed when it starts."""
    api = _Api(FunctionCompute(cloud))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await api.compute.start(app.state.fault_rules)
        try:
            yield
        finally:
            await api.compute.close()

    functions = "/2023-03-30/functions"
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route(functions, _answered(api.list_functions)),
            Route(f"{functions}/{{function}}", _answered(api.get_function)),
            Route(f"{functions}/{{function}}/invocations", _answered(api.invoke), methods=["POST"]),
            Route(f"{functions}/{{function}}/async-tasks", _answered(api.list_tasks)),
            Route(f"{functions}/{{function}}/async-tasks/{{task}}", _answered(api.get_task)),
            Route(f"{functions}/{{function}}/async-tasks/{{task}}/stop", _answered(api.stop_task), methods=["PUT"]),
            Route(
                "/2016-08-15/services/{service}/functions/{function}/invocations",
                _answered(api.invoke_fc2, names=("ErrorCode", "ErrorMessage")),
                methods=["POST"],
            ),
            Route("/-/functions", api.show),
            Route("/-/deploy", _answered(api.deploy), methods=["POST"]),
            Route("/{path:path}", _answered(_unknown_path), methods=["GET", "POST", "PUT", "DELETE"]),
        ],
    )


def _answered(
    endpoint: Callable[[Request], Awaitable[Response]], names: tuple[str, str] = ("Code", "Message")
) -> Callable[[Request], Awaitable[Response]]:
    """Turn refusals into error bodies; `names` are the body's fields, which differ between FC 2.0 and 3.0."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (ApiError, acs3.SignatureRejected) as error:
            request_id = new_request_id()
            return JSONResponse(
                {names[0]: error.code, names[1]: error.message, "RequestId": request_id},
                status_code=error.status,
                headers={"x-fc-request-id": request_id},
            )

    return answer


async def _unknown_path(_: Request) -> Response:
    raise ApiError(400, "PathNotSupported", "This path is not served here.")


class _Api:
    def __init__(self, compute: FunctionCompute) -> None:
        self.compute = compute

    async def invoke(self, request: Request) -> Response:
        """InvokeFunction of FC 3.0."""
        event = await _body(request)
        self._verify(request, event, "InvokeFunction")
        pool = self._pool(request)
        if request.query_params.get("qualifier", "LATEST") != "LATEST":
            raise ApiError(404, "VersionNotFound", "Only LATEST is deployed on this machine.")
        return await self._invoke(request, pool, event, task_id=request.headers.get("x-fc-async-task-id", ""))

    async def invoke_fc2(self, request: Request) -> Response:
        """InvokeFunction of FC 2.0; the service's name only reaches the function's context."""
        event = await _body(request)
        cloud = self.compute.cloud
        fc2.verify(
            WireRequest.of(request), access_key_id=cloud.access_key_id, access_key_secret=cloud.access_key_secret
        )
        task_id = request.headers.get("x-fc-stateful-async-invocation-id", "")
        service = request.path_params["service"].partition(".")[0]
        return await self._invoke(request, self._pool(request), event, task_id=task_id, service=service)

    async def _invoke(self, request: Request, pool: Pool, event: bytes, *, task_id: str, service: str = "") -> Response:
        kind = request.headers.get("x-fc-invocation-type", "Sync").lower()
        if kind not in ("sync", "async"):
            raise ApiError(400, "InvalidArgument", "x-fc-invocation-type must be Sync or Async.")
        limit_bytes = MAX_SYNC_EVENT_BYTES if kind == "sync" else MAX_ASYNC_EVENT_BYTES
        if len(event) > limit_bytes:
            raise ApiError(413, "EntityTooLarge", f"The event is larger than {limit_bytes} bytes.")
        if kind == "async":
            return self._accept(pool.function, event, task_id, service)
        invocation = Invocation(new_request_id(), event, service=service)
        try:
            outcome = await pool.invoke(invocation)
        except Throttled as error:
            raise ApiError(429, "ResourceExhausted", f"{error}.") from None
        headers = {
            "x-fc-request-id": invocation.request_id,
            "x-fc-invocation-duration": str(outcome.duration_ms),
            "x-fc-max-memory-usage": f"{outcome.max_memory_mb:.2f}",
        }
        if outcome.error_kind:
            headers["X-Fc-Error-Type"] = outcome.error_kind
        if request.headers.get("x-fc-log-type", "None").lower() == "tail":
            headers["X-Fc-Log-Result"] = base64.b64encode(outcome.log_tail).decode()
        media_type = "application/json" if outcome.error_kind else "application/octet-stream"
        return Response(outcome.payload, headers=headers, media_type=media_type)

    def _accept(self, function: Function, event: bytes, task_id: str, service: str) -> Response:
        stateful = function.async_policy.stateful
        if task_id and not _TASK_ID.fullmatch(task_id):
            raise ApiError(400, "InvalidArgument", f"A task id must match {_TASK_ID.pattern}.")
        try:
            task = self.compute.dispatcher.accept(
                function.name, event, task_id=task_id if stateful else "", service=service
            )
        except TaskExists:
            raise ApiError(409, "AsyncTaskAlreadyExists", "A task with this id was accepted before.") from None
        headers = {"x-fc-request-id": task.request_id}
        if stateful:
            headers["x-fc-async-task-id"] = task.task_id
        return Response(status_code=202, headers=headers)

    async def list_functions(self, request: Request) -> Response:
        """ListFunctions, in one page."""
        self._verify(request, await _body(request), "ListFunctions")
        prefix = request.query_params.get("prefix", "")
        found = [function for function in self.compute.functions() if function.name.startswith(prefix)]
        return _json({"functions": [self._described(function) for function in found]})

    async def get_function(self, request: Request) -> Response:
        """GetFunction."""
        self._verify(request, await _body(request), "GetFunction")
        return _json(self._described(self._pool(request).function))

    async def list_tasks(self, request: Request) -> Response:
        """ListAsyncTasks, in one page."""
        self._verify(request, await _body(request), "ListAsyncTasks")
        function = self._pool(request).function
        query = request.query_params
        limit = query.get("limit", "100")
        if not limit.isdigit():
            raise ApiError(400, "InvalidArgument", "limit must be a number.")
        tasks: list[Task] = []
        if function.async_policy.stateful:
            tasks = self.compute.dispatcher.tasks(
                function.name, prefix=query.get("prefix", ""), status=query.get("status", ""), limit=int(limit)
            )
        with_payload = query.get("includePayload", "").lower() == "true"
        return _json({"tasks": [self._task(function, task, with_payload=with_payload) for task in tasks]})

    async def get_task(self, request: Request) -> Response:
        """GetAsyncTask."""
        self._verify(request, await _body(request), "GetAsyncTask")
        function, task = self._found(request)
        return _json(self._task(function, task, with_payload=True))

    async def stop_task(self, request: Request) -> Response:
        """StopAsyncTask."""
        self._verify(request, await _body(request), "StopAsyncTask")
        _, task = self._found(request)
        self.compute.dispatcher.stop(task)
        return Response(status_code=204, headers={"x-fc-request-id": new_request_id()})

    async def show(self, _: Request) -> Response:
        """What is deployed and how it is doing, for status displays; not an API of the cloud."""
        return JSONResponse({"functions": [self._state(pool) for pool in self.compute.pools.values()]})

    async def deploy(self, request: Request) -> Response:
        """Deploy another `s.yaml`: ``{"path": …}``; not an API of the cloud."""
        # A page in a browser can send this content type to another origin only after asking, which is not answered.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise ApiError(400, "InvalidArgument", "Content-Type must be application/json.")
        try:
            document = await request.json()
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("path"), str):
            raise ApiError(400, "InvalidArgument", 'The body must be {"path": "<an s.yaml>"}.')
        try:
            await self.compute.deploy(Path(document["path"]))
        except DeploymentError as error:
            raise ApiError(400, "DeploymentError", str(error)) from None
        return await self.show(request)

    def _verify(self, request: Request, body: bytes, action: str) -> None:
        """Refuse what is not signed by this cloud's account, or by a role that may do `action` with the function."""
        cloud, wire = self.compute.cloud, WireRequest.of(request)
        caller = caller_of(cloud, acs3.key_id(wire), wire.headers.get("x-acs-security-token", ""))
        # An unknown key is refused as such, with whatever it was signed.
        credentials = caller.credentials if caller else Credentials(cloud.access_key_id, cloud.access_key_secret)
        acs3.verify(
            wire,
            body,
            access_key_id=credentials.access_key_id,
            access_key_secret=credentials.access_key_secret,
        )
        name = request.path_params.get("function", "*")
        resource = f"acs:fc:{cloud.region}:{cloud.account_id}:functions/{name}"
        if caller is None or not caller.may(f"fc:{action}", resource):
            raise ApiError(403, "AccessDenied", f"The caller is not authorized to perform fc:{action} on {resource}.")

    def _pool(self, request: Request) -> Pool:
        name = request.path_params["function"]
        pool = self.compute.pools.get(name)
        if pool is None:
            raise ApiError(404, "FunctionNotFound", f"function '{name}' does not exist")
        return pool

    def _found(self, request: Request) -> tuple[Function, Task]:
        function = self._pool(request).function
        task = self.compute.dispatcher.find(function.name, request.path_params["task"])
        if task is None or not function.async_policy.stateful:
            raise ApiError(404, "AsyncTaskNotFound", "No task of that id is known.")
        return function, task

    def _arn(self, function: Function) -> str:
        return f"acs:fc:{function.region}:{self.compute.cloud.account_id}:functions/{function.name}"

    def _described(self, function: Function) -> dict[str, Any]:
        """A function as GetFunction gives it."""
        deployed_at = self.compute.deployed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        hooks = {"initializer": function.initializer, "preStop": function.pre_stop}
        return {
            "functionName": function.name,
            "functionArn": self._arn(function),
            "description": function.description,
            "runtime": function.runtime,
            "handler": function.handler,
            "timeout": function.timeout_s,
            "memorySize": function.memory_mb,
            "cpu": function.cpu,
            "environmentVariables": dict(function.environment),
            "instanceConcurrency": 1,
            "instanceLifecycleConfig": {
                name: {"handler": hook.handler, "timeout": hook.timeout_s} for name, hook in hooks.items() if hook
            },
            "state": "Active",
            "lastUpdateStatus": "Successful",
            "createdTime": deployed_at,
            "lastModifiedTime": deployed_at,
        }

    def _task(self, function: Function, task: Task, *, with_payload: bool) -> dict[str, Any]:
        """A task as GetAsyncTask gives it."""
        described = {
            "taskId": task.task_id,
            "requestId": task.request_id,
            "functionArn": self._arn(function),
            "qualifier": "LATEST",
            "status": task.status,
            "startedTime": task.accepted_ms,
            "endTime": task.ended_ms,
            "durationMs": task.ended_ms and task.ended_ms - (task.started_ms or task.ended_ms),
            "alreadyRetriedTimes": max(0, task.attempts - 1),
            "instanceId": task.instance_id,
            "taskErrorMessage": task.error_message,
            "destinationStatus": task.destination_status,
        }
        if with_payload:
            described["taskPayload"] = task.event.decode("utf-8", "replace")
            described["returnPayload"] = task.payload and task.payload.decode("utf-8", "replace")
        return {name: value for name, value in described.items() if value is not None}

    def _state(self, pool: Pool) -> dict[str, Any]:
        function = pool.function
        return {
            "name": function.name,
            "runtime": function.runtime,
            "handler": function.handler,
            "instances": pool.instances,
            "running": pool.running,
            "limit": pool.limit,
            "queued": self.compute.dispatcher.waiting(function.name),
            "lastErrorType": pool.last_error_type,
            "triggers": [
                {
                    "name": trigger.name,
                    "type": "timer" if isinstance(trigger, TimerTrigger) else "mns_topic",
                    "source": trigger.expression if isinstance(trigger, TimerTrigger) else trigger.topic,
                    "active": trigger.enabled
                    if isinstance(trigger, TimerTrigger)
                    else self.compute.triggers.is_subscribed(function.name, trigger.name),
                }
                for trigger in function.triggers
                if isinstance(trigger, (TimerTrigger, TopicTrigger))
            ],
        }


def _json(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse(document, headers={"x-fc-request-id": new_request_id()})


async def _body(request: Request) -> bytes:
    """The whole body. One that is too large is read to its end, so that the sender gets to see the answer."""
    received = bytearray()
    size_bytes = 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes <= MAX_SYNC_EVENT_BYTES:
            received += part
    if size_bytes > MAX_SYNC_EVENT_BYTES:
        raise ApiError(413, "EntityTooLarge", f"The event is larger than {MAX_SYNC_EVENT_BYTES} bytes.")
    return bytes(received)
