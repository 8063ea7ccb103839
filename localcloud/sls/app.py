"""Simple Log Service on one machine: projects, log stores, indexes, dashboards, alerts, for `aliyun-log-python-sdk`.

The wire is API version 0.6.0: the project in the host's name, signatures of version 1, errors in SLS's own form. **No
log can be written or queried here, and no alert fires**: what the functions say stands in ``logs/`` of the cloud's
folder. It is there so that a deployment makes what its logs need, with the same calls as in an account.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud.signing import WireRequest
from localcloud.sls import signatures
from localcloud.sls.errors import SlsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    from localcloud.state import Cloud

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_STORE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,61}[a-z0-9]")
_DOCUMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}")
_MAX_BODY_BYTES = 1024 * 1024
#: Days for which a log store can keep its logs; the largest keeps them for ever.
_DAYS = range(1, 3651)


class Project(msgspec.Struct):
    """A project. `stores` are log stores as the API tells them, `indexes` their indexes by the same names.

    `dashboards` and `jobs`, which alerts are, are their documents.
    """

    description: str
    made_at: int
    stores: dict[str, dict[str, Any]] = {}
    indexes: dict[str, dict[str, Any]] = {}
    dashboards: dict[str, dict[str, Any]] = {}
    jobs: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Call:
    """What is asked: of which project, log store and document ("" for none), with which JSON object."""

    project: str
    store: str
    name: str
    given: dict[str, Any]


_Operation = tuple[str, "Callable[[_Sls, _Call], object]"]


def build(cloud: Cloud) -> Starlette:
    """The service of `cloud`; its data is ``sls/projects.json`` in the cloud's folder."""
    sls = _Sls(cloud)
    return Starlette(
        routes=[
            Route("/", sls.answering(_PROJECT), methods=list(_PROJECT)),
            Route("/logstores", sls.answering(_STORES), methods=list(_STORES)),
            Route("/logstores/{store}", sls.answering(_STORE), methods=list(_STORE)),
            Route("/logstores/{store}/index", sls.answering(_INDEX), methods=list(_INDEX)),
            *(
                Route(f"/{kind.folder}{rest}", sls.answering(operations), methods=list(operations))
                for kind in (_DASHBOARD, _JOB)
                for rest, operations in (("", _new(kind)), ("/{name}", _known(kind)))
            ),
        ]
    )


class _Sls:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._file: Path = cloud.folder("sls") / "projects.json"
        known = self._file.read_bytes() if self._file.exists() else b"{}"
        self._projects = msgspec.json.decode(known, type=dict[str, Project])

    def answering(self, operations: dict[str, _Operation]) -> Callable[[Request], Awaitable[Response]]:
        """Check who asks and what for, do it, keep it; an error in SLS's form."""

        async def answer(request: Request) -> Response:
            try:
                found = self._done(request, await request.body(), operations)
            except SlsError as error:
                return self._said({"errorCode": error.code, "errorMessage": str(error)}, error.status)
            return self._said(found)

        return answer

    def _said(self, body: object, status: int = 200) -> Response:
        headers = {"x-log-requestid": uuid.uuid4().hex[:24].upper()}
        return Response(status_code=status, headers=headers) if body is None else JSONResponse(body, status, headers)

    def _done(self, request: Request, body: bytes, operations: dict[str, _Operation]) -> object:
        if len(body) > _MAX_BODY_BYTES:
            raise SlsError(413, "PostBodyTooLarge", "The body is too large.")
        wire = WireRequest.of(request)
        caller = signatures.check(wire, body, self._cloud)
        # A head request is answered as a get is.
        action, operation = operations["GET" if request.method == "HEAD" else request.method]
        project, store = _project_of(wire.headers.get("host", "")), request.path_params.get("store", "")
        where = f"acs:log:{self._cloud.region}:{self._cloud.account_id}:project/{project}"
        if not caller.may(f"log:{action}", f"{where}/logstore/{store}" if store else where):
            raise SlsError(401, "Unauthorized", f"denied by sts or ram, action: log:{action}, resource: {where}")
        try:
            given = msgspec.json.decode(body) if body else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            given = None
        if not isinstance(given, dict):
            raise SlsError(400, "PostBodyInvalid", "The body is not a JSON object.")
        answer = operation(self, _Call(project, store, request.path_params.get("name", ""), given))
        if request.method != "GET":
            part = self._file.with_suffix(".part")
            part.write_bytes(msgspec.json.format(msgspec.json.encode(self._projects)))
            part.replace(self._file)
        return answer

    def _project(self, name: str) -> Project:
        found = self._projects.get(name)
        if found is None:
            raise SlsError(404, "ProjectNotExist", f"The Project does not exist : {name}")
        return found

    def _store(self, call: _Call) -> Project:
        """The project of a call about a log store, which is there."""
        found = self._project(call.project)
        if call.store not in found.stores:
            raise SlsError(404, "LogStoreNotExist", f"logstore {call.store} does not exist")
        return found

    def create_project(self, call: _Call) -> None:
        name = call.project
        if call.given.get("projectName") != name or not _NAME.fullmatch(name):
            raise SlsError(400, "ParameterInvalid", f"project name {name} is invalid")
        if name in self._projects:
            raise SlsError(400, "ProjectAlreadyExist", f"project {name} already exists")
        self._projects[name] = Project(str(call.given.get("description", "")), int(time.time()))

    def get_project(self, call: _Call) -> dict[str, Any]:
        found = self._project(call.project)
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(found.made_at))
        return {
            "projectName": call.project,
            "description": found.description,
            "region": self._cloud.region,
            "owner": self._cloud.account_id,
            "status": "Normal",
            "createTime": moment,
            "lastModifyTime": moment,
        }

    def delete_project(self, call: _Call) -> None:
        self._project(call.project)
        del self._projects[call.project]

    def list_stores(self, call: _Call) -> dict[str, Any]:
        names = sorted(self._project(call.project).stores)
        return {"count": len(names), "total": len(names), "logstores": names}

    def create_store(self, call: _Call) -> None:
        found, name = self._project(call.project), call.given.get("logstoreName")
        if not isinstance(name, str) or not _STORE_NAME.fullmatch(name):
            raise SlsError(400, "ParameterInvalid", f"logstore name {name} is invalid")
        if name in found.stores:
            raise SlsError(400, "LogStoreAlreadyExist", f"logstore {name} already exists")
        found.stores[name] = _checked({**_NEW_STORE, **call.given})

    def get_store(self, call: _Call) -> dict[str, Any]:
        return self._store(call).stores[call.store]

    def update_store(self, call: _Call) -> None:
        stores = self._store(call).stores
        stores[call.store] = _checked({**stores[call.store], **call.given, "logstoreName": call.store})

    def delete_store(self, call: _Call) -> None:
        found = self._store(call)
        del found.stores[call.store]
        found.indexes.pop(call.store, None)

    def create_index(self, call: _Call) -> None:
        indexes = self._store(call).indexes
        if call.store in indexes:
            raise SlsError(400, "IndexAlreadyExist", "log store index is already created")
        indexes[call.store] = _checked_index(call.given)

    def get_index(self, call: _Call) -> dict[str, Any]:
        found = self._store(call).indexes.get(call.store)
        if found is None:
            raise SlsError(404, "IndexConfigNotExist", "index config doesn't exist")
        return found

    def update_index(self, call: _Call) -> None:
        self.get_index(call)
        self._store(call).indexes[call.store] = _checked_index(call.given)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of documents: where they lie, how RAM and errors call one, what names it, and its fields."""

    folder: str
    word: str
    key: str
    fields: frozenset[str]


_DASHBOARD = _Kind(
    "dashboards", "Dashboard", "dashboardName",
    frozenset({"dashboardName", "displayName", "description", "attribute", "charts"}),
)  # fmt: skip
_JOB = _Kind(
    "jobs", "Job", "name",
    frozenset({"name", "displayName", "description", "type", "state", "schedule", "configuration"}),
)  # fmt: skip
#: Fields of an alert's configuration and of its queries: models ``AlertConfiguration`` and ``AlertQuery`` of the SDK
#: ``alibabacloud_sls20201230`` 5.15.
_CONFIGURATION = frozenset(
    {
        "annotations", "autoAnnotation", "conditionConfiguration", "dashboard", "groupConfiguration",
        "joinConfigurations", "labels", "muteUntil", "noDataFire", "noDataSeverity", "policyConfiguration", "queryList",
        "sendResolved", "severityConfigurations", "sinkAlerthub", "sinkCms", "sinkEventStore", "tags",
        "templateConfiguration", "threshold", "type", "version",
    }
)  # fmt: skip
_QUERY = frozenset(
    {
        "chartTitle", "dashboardId", "end", "powerSqlMode", "project", "query", "region", "roleArn", "start", "store",
        "storeType", "timeSpanType", "ui",
    }
)  # fmt: skip


def _new(kind: _Kind) -> dict[str, _Operation]:
    def create(sls: _Sls, call: _Call) -> None:
        documents = getattr(sls._project(call.project), kind.folder)
        name = call.given.get(kind.key)
        if not isinstance(name, str) or not _DOCUMENT_NAME.fullmatch(name):
            raise SlsError(400, "ParameterInvalid", f"{kind.key} is invalid")
        if name in documents:
            raise SlsError(400, f"{kind.word}AlreadyExist", f"{kind.word} {name} already exists")
        documents[name] = _checked_document(kind, call.given)

    return {"POST": (f"Create{kind.word}", create)}


def _known(kind: _Kind) -> dict[str, _Operation]:
    def documents_with(sls: _Sls, call: _Call) -> dict[str, dict[str, Any]]:
        documents: dict[str, dict[str, Any]] = getattr(sls._project(call.project), kind.folder)
        if call.name not in documents:
            raise SlsError(404, f"{kind.word}NotExist", f"{kind.word} {call.name} does not exist")
        return documents

    def get(sls: _Sls, call: _Call) -> dict[str, Any]:
        return {**documents_with(sls, call)[call.name], "status": "ENABLED", "lastModifiedTime": int(time.time())}

    def update(sls: _Sls, call: _Call) -> None:
        documents_with(sls, call)[call.name] = _checked_document(kind, {**call.given, kind.key: call.name})

    def delete(sls: _Sls, call: _Call) -> None:
        del documents_with(sls, call)[call.name]

    word = kind.word
    return {"GET": (f"Get{word}", get), "PUT": (f"Update{word}", update), "DELETE": (f"Delete{word}", delete)}


def _checked_document(kind: _Kind, given: dict[str, Any]) -> dict[str, Any]:
    """A document with nothing in it that the API has no field for."""
    _only(given, kind.fields, kind.key)
    if kind is _JOB:
        if given.get("type") != "Alert":
            raise SlsError(400, "ParameterInvalid", "only jobs of the type Alert are taken here")
        configuration = given.get("configuration")
        if not isinstance(configuration, dict) or not isinstance(given.get("schedule"), dict):
            raise SlsError(400, "ParameterInvalid", "configuration and schedule are expected")
        _only(configuration, _CONFIGURATION, "configuration")
        for query in configuration.get("queryList", ()):
            _only(query, _QUERY, "configuration.queryList")
    return given


def _only(given: dict[str, Any], fields: frozenset[str], where: str) -> None:
    for name in given:
        if name not in fields:
            raise SlsError(400, "ParameterInvalid", f"{where}: redundant key exist in json: {name}")


_PROJECT: dict[str, _Operation] = {
    "GET": ("GetProject", _Sls.get_project),
    "POST": ("CreateProject", _Sls.create_project),
    "DELETE": ("DeleteProject", _Sls.delete_project),
}
_STORES: dict[str, _Operation] = {
    "GET": ("ListLogStores", _Sls.list_stores),
    "POST": ("CreateLogStore", _Sls.create_store),
}
_STORE: dict[str, _Operation] = {
    "GET": ("GetLogStore", _Sls.get_store),
    "PUT": ("UpdateLogStore", _Sls.update_store),
    "DELETE": ("DeleteLogStore", _Sls.delete_store),
}
_INDEX: dict[str, _Operation] = {
    "GET": ("GetIndex", _Sls.get_index),
    "POST": ("CreateIndex", _Sls.create_index),
    "PUT": ("UpdateIndex", _Sls.update_index),
}

#: What a log store is told to be where its order says nothing.
_NEW_STORE = {"enable_tracking": False, "appendMeta": False, "autoSplit": False, "maxSplitShard": 0, "mode": "standard"}


def _project_of(host: str) -> str:
    """The project of a host: ``name.cn-shanghai.log.aliyuncs.com``; "" for an address without one."""
    first, _, rest = host.partition(".")
    return first if not first.isdecimal() and rest else ""


def _checked(store: dict[str, Any]) -> dict[str, Any]:
    for name, allowed in (("ttl", _DAYS), ("shardCount", range(1, 101))):
        if not isinstance(store.get(name), int) or store[name] not in allowed:
            raise SlsError(400, "ParameterInvalid", f"{name} is invalid: {allowed.start} to {allowed.stop - 1}")
    return store


def _checked_index(index: dict[str, Any]) -> dict[str, Any]:
    """An index has to say something: the whole line, or keys with their types."""
    keys = index.get("keys", {})
    if not isinstance(keys, dict) or not (keys or "line" in index):
        raise SlsError(400, "IndexInfoInvalid", "either line or keys is expected")
    for name, key in keys.items():
        if not isinstance(key, dict) or key.get("type") not in ("text", "long", "double", "json"):
            raise SlsError(400, "IndexInfoInvalid", f"key {name} has no type that is known")
    return {**index, "lastModifyTime": int(time.time())}
