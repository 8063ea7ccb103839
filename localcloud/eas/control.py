"""The control plane of PAI-EAS on this machine: services and their autoscalers, described, created, changed.

======  ==================================================  ===============================
method  path                                                does
======  ==================================================  ===============================
GET     ``/api/v2/services``                                ListServices
POST    ``/api/v2/services``                                CreateService
GET     ``/api/v2/services/<region>/<name>``                DescribeService
PUT     ``/api/v2/services/<region>/<name>``                UpdateService
DELETE  ``/api/v2/services/<region>/<name>``                DeleteService
GET     ``/api/v2/services/<region>/<name>/autoscaler``     DescribeServiceAutoScaler
POST    ``/api/v2/services/<region>/<name>/autoscaler``     CreateServiceAutoScaler
PUT     ``/api/v2/services/<region>/<name>/autoscaler``     UpdateServiceAutoScaler
DELETE  ``/api/v2/services/<region>/<name>/autoscaler``     DeleteServiceAutoScaler
======  ==================================================  ===============================

Paths, queries and bodies are those of the official SDK (`alibabacloud_eas20210701` 7.0.0), as are the fields of the
answers; requests are signed (ACS3). Error codes are not documented and were chosen. It only remembers: nothing is
started, and the queue of `cloud.eas_service` answers whether or not a service of that name was created here. When that
service is deleted, its queue loses what waits in it.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud import acs3, openapi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request

    from localcloud.state import Cloud

_NAME = re.compile(r"[a-z][a-z0-9_]{2,62}")
_FILE_NAME = "services.json"


class _Scaler(msgspec.Struct, rename="camel"):
    """An autoscaler. Unknown keys are ignored, as the real service does without a word."""

    min: int = 0
    max: int = 0
    scale_strategies: list[dict[str, Any]] = []
    behavior: dict[str, Any] = {}


class _Service(msgspec.Struct):
    """A service as it was created, and how often it was changed."""

    config: dict[str, Any]
    created_at: str
    updated_at: str
    version: int = 1
    scaler: _Scaler | None = None


class _ApiError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ControlPlane:
    """The handlers. State is one small file, read and written whole."""

    def __init__(self, cloud: Cloud, lose_records: Callable[[], object]) -> None:
        self._cloud = cloud
        self._lose_records = lose_records

    def routes(self) -> list[Route]:
        """All of the control plane's, to be put before the queue service's."""
        services = "/api/v2/services"
        one = f"{services}/{{region}}/{{name}}"
        return [
            Route(services, self._list, methods=["GET"]),
            Route(services, self._create, methods=["POST"]),
            Route(one, self._one, methods=["GET", "PUT", "DELETE"]),
            Route(f"{one}/autoscaler", self._autoscaler, methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        return await self._answered(request, self._listed)

    async def _create(self, request: Request) -> Response:
        return await self._answered(request, self._created)

    async def _one(self, request: Request) -> Response:
        acts = {"PUT": self._updated, "DELETE": self._deleted}
        return await self._answered(request, acts.get(request.method, self._described))

    async def _autoscaler(self, request: Request) -> Response:
        acts = {"PUT": self._scaler_set, "POST": self._scaler_set, "DELETE": self._scaler_deleted}
        return await self._answered(request, acts.get(request.method, self._scaler_told))

    async def _answered(self, request: Request, act: Any) -> Response:
        body = await request.body()
        try:
            caller = openapi.signed_by(self._cloud, request, body)
            name, service = request.headers.get("x-acs-action", ""), request.path_params.get("name", "*")
            if not caller.may(
                f"eas:{name}", f"acs:eas:{self._cloud.region}:{self._cloud.account_id}:service/{service}"
            ):
                raise _ApiError(403, "Forbidden.RAM", "The caller is not allowed to do this.")
            answer = act(request, body)
        except acs3.SignatureRejected as error:
            return _refusal(error.status, error.code, error.message)
        except _ApiError as error:
            return _refusal(error.status, error.code, str(error))
        return JSONResponse({"RequestId": str(uuid.uuid4()).upper(), **answer})

    def _listed(self, request: Request, _: bytes) -> dict[str, Any]:
        wanted = request.query_params.get("ServiceName", "")
        found = [name for name in sorted(self._services()) if wanted in name]
        services = self._services()
        return {
            "PageNumber": 1,
            "PageSize": max(100, len(found)),
            "TotalCount": len(found),
            "Services": [self._shown(name, services[name]) for name in found],
        }

    def _created(self, _: Request, body: bytes) -> dict[str, Any]:
        config = _table(body)
        metadata = config.get("metadata")
        name = str((metadata if isinstance(metadata, dict) else {}).get("name") or config.get("name") or "")
        if not _NAME.fullmatch(name):
            raise _ApiError(400, "InvalidParameter", "metadata.name is not a service's name.")
        services = self._services()
        if name in services:
            raise _ApiError(409, "ServiceAlreadyExists", "A service of this name exists.")
        now = _now()
        services[name] = _Service(config=config, created_at=now, updated_at=now)
        inline = config.get("autoscaler")
        if isinstance(inline, dict):
            services[name].scaler = _scaler(inline)
        self._save(services)
        shown = self._shown(name, services[name])
        names = ("InternetEndpoint", "IntranetEndpoint", "Region", "ServiceId", "ServiceName")
        return {**{key: shown[key] for key in names}, "Status": "Creating"}

    def _described(self, request: Request, _: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        return self._shown(name, services[name])

    def _updated(self, request: Request, body: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        service, update = services[name], _table(body)
        replace = request.query_params.get("UpdateType") == "replace"
        service.config = update if replace else _merged(service.config, update)
        service.updated_at, service.version = _now(), service.version + 1
        self._save(services)
        return {"Message": "Service is updating."}

    def _deleted(self, request: Request, _: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        del services[name]
        self._save(services)
        if name == self._cloud.eas_service:
            self._lose_records()
        return {"Message": "Service is being deleted."}

    def _scaler_deleted(self, request: Request, _: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        if services[name].scaler is None:
            raise _ApiError(404, "AutoScalerNotFound", "The service has no autoscaler.")
        services[name].scaler = None
        self._save(services)
        return {"Message": "Autoscaler is deleted."}

    def _scaler_told(self, request: Request, _: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        scaler = services[name].scaler
        if scaler is None:
            return {"ServiceName": name, "MinReplica": 0, "MaxReplica": 0}
        return {
            "ServiceName": name,
            "MinReplica": scaler.min,
            "MaxReplica": scaler.max,
            "ScaleStrategies": scaler.scale_strategies,
            "Behavior": scaler.behavior,
            "CurrentMetrics": [],
        }

    def _scaler_set(self, request: Request, body: bytes) -> dict[str, Any]:
        services, name = self._found(request)
        exists = services[name].scaler is not None
        if (request.method == "PUT") != exists:
            code = "AutoScalerAlreadyExists" if exists else "AutoScalerNotFound"
            raise _ApiError(409 if exists else 404, code, "The autoscaler exists already, or doesn't yet.")
        services[name].scaler = _scaler(_table(body))
        self._save(services)
        return {"Message": "Autoscaler is set."}

    def _found(self, request: Request) -> tuple[dict[str, _Service], str]:
        services, name = self._services(), request.path_params["name"]
        if request.path_params["region"] != self._cloud.region or name not in services:
            raise _ApiError(404, "ServiceNotFound", "There is no service of this name in this region.")
        return services, name

    def _shown(self, name: str, service: _Service) -> dict[str, Any]:
        metadata = service.config.get("metadata", {})
        instances = max(int(metadata.get("instance", 1)), service.scaler.min if service.scaler else 0)
        # EAS gives back more than it was given; what it adds is its own business.
        config = _merged({"metadata": {"cpu": 16, "gpu": 1, "memory": 60000}}, service.config)
        endpoint = f"{self._cloud.url('eas')}/api/predict/{name}"
        return {
            "ServiceName": name,
            "ServiceId": f"eas-m-{name}",
            "ServiceConfig": json.dumps(config, ensure_ascii=False),
            "Status": "Running",
            "Region": self._cloud.region,
            "AccessToken": self._cloud.eas_token if name == self._cloud.eas_service else "",
            "InternetEndpoint": endpoint,
            "IntranetEndpoint": endpoint,
            "RunningInstance": instances,
            "TotalInstance": instances,
            "PendingInstance": 0,
            "CurrentVersion": service.version,
            "LatestVersion": service.version,
            "CreateTime": service.created_at,
            "UpdateTime": service.updated_at,
        }

    def _services(self) -> dict[str, _Service]:
        file = self._file()
        return msgspec.json.decode(file.read_bytes(), type=dict[str, _Service]) if file.exists() else {}

    def _save(self, services: dict[str, _Service]) -> None:
        part = self._file().with_suffix(".part")
        # It holds what a service JSON holds: keys of the container's environment.
        part.touch(mode=0o600)
        part.write_bytes(msgspec.json.encode(services))
        part.replace(self._file())

    def _file(self) -> Path:
        return self._cloud.folder("eas") / _FILE_NAME


def _table(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    # The SDK's `body` is a string; it may arrive as JSON inside a JSON string.
    if isinstance(found, str):
        return _table(found.encode())
    if not isinstance(found, dict):
        raise _ApiError(400, "InvalidParameter", "The body must be a JSON object.")
    return found


def _scaler(table: dict[str, Any]) -> _Scaler:
    try:
        return msgspec.convert(table, _Scaler)
    except msgspec.ValidationError:
        raise _ApiError(400, "InvalidParameter", "The autoscaler can't be read.") from None


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`new` over `old`, table by table; lists and values are replaced."""
    both = {
        key: _merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
    }
    return {**old, **both}


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"RequestId": str(uuid.uuid4()).upper(), "Code": code, "Message": message}, status)


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
