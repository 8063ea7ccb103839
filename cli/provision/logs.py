"""Where the functions' log lines go: a project of SLS and its log store, with the index that the alerts need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared.errors import Misconfigured, Refused, Unavailable, code_word
from shared.settings import Credentials

ENDPOINT = "TRIPCANVAS_SLS_ENDPOINT"
PROJECT = "TRIPCANVAS_LOG_PROJECT"
STORE = "TRIPCANVAS_LOG_STORE"
#: As `s.yaml` has it.
DEFAULT_STORE = "functions"

#: Six months: article 21 of the Cybersecurity Law (网络安全法) asks operators of networks to keep their logs as long.
RETENTION_DAYS = 180
SHARDS, MOST_SHARDS = 2, 16
_TIMEOUT_S = 20

#: The field of a line in which Function Compute puts what a function has printed. Queries may name it only if it has an
#: index of its own with statistics (help.aliyun.com/zh/sls/user-guide/create-indexes), which holds 2,048 bytes of it:
#: the longest line of the product has a quarter of that.
FIELD = "message"
#: What separates words.
TOKENS = list(", '\";=()[]{}?@&<>/:\n\t\r")

_HELD = "the functions' log"


@dataclass(frozen=True, slots=True)
class LogProject:
    """A project of SLS. Names are unique in a region, across all accounts."""

    client: Sls = field(repr=False)
    name: str
    kind: str = "log project"

    @property
    def wanted(self) -> Mapping[str, str]:
        """Nothing but that it is there."""
        return {}

    def read(self) -> Mapping[str, str] | None:
        """None when there is no such project."""
        return None if self.client.ask("GetProject", "get_project", self.name) is None else {}

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, if it is not there."""
        if found is None:
            self.client.must("CreateProject", "create_project", self.name, "Logs of Tripcanvas")

    def holds(self) -> str:
        """Its log stores: they go with it."""
        from aliyun.log import ListLogstoresRequest

        found = self.client.ask("ListLogStores", "list_logstores", ListLogstoresRequest(self.name), about=self.name)
        stores = found.get_logstores() if found else []
        return f"log stores: {', '.join(stores)}" if stores else ""

    def delete(self) -> None:
        """Delete it with all its logs."""
        self.client.ask("DeleteProject", "delete_project", self.name)


@dataclass(frozen=True, slots=True)
class LogStore:
    """A log store with its index."""

    client: Sls = field(repr=False)
    project: str
    store: str
    kind: str = "log store"

    @property
    def name(self) -> str:
        """Its name behind that of its project."""
        return f"{self.project}/{self.store}"

    @property
    def wanted(self) -> Mapping[str, str]:
        """How long it keeps its logs at least, and what queries can read."""
        return {f"kept for {RETENTION_DAYS} days": "yes", "full text": "indexed", FIELD: "indexed, with statistics"}

    def read(self) -> Mapping[str, str] | None:
        """Its settings; None when there is no such log store."""
        store = self._ask("GetLogStore", "get_logstore")
        if store is None:
            return None
        index = self._index()
        key = index.key_config_list.get(FIELD) if index else None
        counts = key is not None and key.index_type == "text" and key.doc_value
        return {
            f"kept for {RETENTION_DAYS} days": "yes" if store.get_ttl() >= RETENTION_DAYS else f"{store.get_ttl()}",
            "full text": "indexed" if index and index.line_config else "",
            FIELD: "indexed, with statistics" if counts else "indexed" if key else "",
        }

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, or change its time and add to its index; what else is indexed stays."""
        from aliyun.log import IndexConfig, IndexKeyConfig, IndexLineConfig

        if found is None:
            self._must(
                "CreateLogStore", "create_logstore", ttl=RETENTION_DAYS, shard_count=SHARDS,
                max_split_shard=MOST_SHARDS,
            )  # fmt: skip
        elif found[f"kept for {RETENTION_DAYS} days"] != "yes":
            self._must("UpdateLogStore", "update_logstore", ttl=RETENTION_DAYS)
        index = self._index()
        wanted: Any = index or IndexConfig()
        wanted.line_config = wanted.line_config or IndexLineConfig(TOKENS)
        wanted.key_config_list[FIELD] = IndexKeyConfig(TOKENS, doc_value=True)
        action = "UpdateIndex" if index else "CreateIndex"
        self._must(action, "update_index" if index else "create_index", wanted)

    def holds(self) -> str:
        """Logs, as far as anybody knows: to count them is to read them."""
        return _HELD

    def delete(self) -> None:
        """Delete it with its logs."""
        self._ask("DeleteLogStore", "delete_logstore")

    def _index(self) -> Any:
        found = self._ask("GetIndex", "get_index_config")
        return None if found is None else found.get_index_config()

    def _ask(self, action: str, call: str) -> Any:
        return self.client.ask(action, call, self.project, self.store, about=self.name)

    def _must(self, action: str, call: str, *given: object, **named: object) -> None:
        self.client.must(action, call, self.project, self.store, *given, about=self.name, **named)


@dataclass(frozen=True, slots=True)
class Sls:
    """SLS of one region. `endpoint` is an http(s) address without a project."""

    endpoint: str
    credentials: Credentials

    def ask(self, action: str, call: str, *given: object, about: str = "", **named: object) -> Any:
        """The answer of one call of the SDK; None when what it is about does not exist.

        `action` is what RAM calls it, for whoever lacks it. Raises `Misconfigured` when the key or its permissions
        won't do, `Unavailable`, and `Refused` for any other answer.
        """
        about = about or str(given[0])
        return _answered(lambda: getattr(self._client(), call)(*given, **named), action, about)

    def must(self, action: str, call: str, *given: object, about: str = "", **named: object) -> None:
        """A call about something that exists, or that it makes; fine when it has been made meanwhile."""
        try:
            found = self.ask(action, call, *given, about=about, **named)
        except Refused as error:
            if not error.code.endswith("AlreadyExist"):
                raise
            return
        if found is None:
            raise Refused("sls", "NotExist", action)

    def _client(self) -> Any:
        from aliyun.log import LogClient

        client: Any = LogClient(
            self.endpoint,
            self.credentials.access_key_id,
            self.credentials.access_key_secret,
            self.credentials.security_token or None,
            source="",
        )
        client.timeout = _TIMEOUT_S
        # A project is a host name. Where the address is a number the SDK names it in the header only, but knows a
        # number only without scheme and port.
        host = urlsplit(self.endpoint).hostname or ""
        client._isRowIp = client._isRowIp or host.replace(".", "").isdecimal()
        return client


def _answered(call: Callable[[], Any], action: str, about: str) -> Any:
    from aliyun.log.logexception import LogException

    try:
        return call()
    except LogException as error:
        code, status = code_word(str(error.get_error_code())) or "ConnectionFailed", int(error.get_resp_status() or 0)
        if code.endswith("NotExist"):
            return None
        if code == "ProjectAlreadyExist" and action == "CreateProject":
            raise Misconfigured(
                f"sls: {about}: the name is taken, here or in another account; choose another"
            ) from None
        if (
            code in ("SignatureNotMatch", "InvalidAccessKeyId")
            or "accesskeyid" in str(error.get_error_message()).lower()
        ):
            raise Misconfigured(f"sls: the access key is refused ({code})") from None
        if status in (401, 403) and "Quota" not in code:
            # Names are unique across all accounts, and a stranger's project is refused like one of one's own.
            other = "; if it is another account's, choose another name" if action == "GetProject" else ""
            raise Misconfigured(
                f"sls: not allowed: log:{action} on {about}; give the access key's user that action{other}"
            ) from None
        if code == "LogRequestError" or status >= 500:
            raise Unavailable("sls", "ConnectionFailed" if code == "LogRequestError" else code) from None
        raise Refused("sls", code, action) from None
