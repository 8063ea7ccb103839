"""The embedded cloud's one state folder: its ports, its credentials, and where each service keeps its data.

Made at first start, kept afterwards, so that a restart serves the same addresses, keys and data.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The services in starting order; each is a module `localcloud.<name>.app` and a process of its own.
SERVICES = ("oss", "mns", "eas", "dashscope", "feed", "fc", "comfyui", "green", "ram", "sls")

_FIRST_PORT = 7710


@dataclass(frozen=True, slots=True)
class Cloud:
    """Addresses and credentials of one embedded cloud. Secrets stay out of its repr."""

    root: Path
    ports: dict[str, int]
    region: str
    account_id: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    dashscope_api_key: str = field(repr=False)
    eas_token: str = field(repr=False)
    feed_secret: str = field(repr=False)
    eas_service: str = "tripcanvas_comfyui"
    #: The same ComfyUI in the standard edition, under the same token.
    eas_standard_service: str = "tripcanvas_comfyui_standard"
    #: Begun as an account is: without buckets, topics, queues and roles. A deployment makes them.
    is_empty: bool = False

    @classmethod
    def open(cls, root: Path, *, free_ports: bool = False, empty: bool = False) -> Cloud:
        """Read the state folder `root`, or make one with fresh credentials; `empty` counts for a new one.

        `free_ports` picks unused ports instead of the documented ones (tests; several clouds on one machine).
        Documented ports that are taken by another program are replaced by free ones at first start.
        """
        root = root.resolve()
        file = root / "cloud.json"
        if file.exists():
            return cls._known(file, free_ports=free_ports)
        root.mkdir(parents=True, exist_ok=True)
        cloud = cls(
            root=root,
            ports=_choose_ports(free_ports=free_ports),
            region="cn-shanghai",
            account_id="10" + "".join(secrets.choice("0123456789") for _ in range(14)),
            access_key_id="LTAI" + secrets.token_hex(8),
            access_key_secret=secrets.token_urlsafe(24),
            dashscope_api_key="sk-" + secrets.token_hex(16),
            eas_token=secrets.token_urlsafe(32),
            feed_secret="whsec_" + secrets.token_urlsafe(32),
            is_empty=empty,
        )
        cloud._save(file)
        return cloud

    @classmethod
    def _known(cls, file: Path, *, free_ports: bool) -> Cloud:
        """The cloud of an existing file; a service that came with a later version gets a port."""
        cloud = cls(root=file.parent, **json.loads(file.read_text("utf-8")))
        missing = [service for service in (*SERVICES, "admin") if service not in cloud.ports]
        if missing:
            chosen = _choose_ports(free_ports=free_ports, taken=frozenset(cloud.ports.values()))
            cloud.ports.update({service: chosen[service] for service in missing})
            cloud._save(file)
        return cloud

    def _save(self, file: Path) -> None:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "root"}
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps(values, indent=2), "utf-8")
        part.replace(file)

    def url(self, service: str) -> str:
        """The address of one service, without a trailing slash."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def folder(self, service: str) -> Path:
        """Where `service` keeps its data; made if absent."""
        path = self.root / service
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log_file(self, name: str) -> Path:
        """The log of a service or of a function."""
        folder = self.root / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """The settings that point the product at this cloud, by the names of `shared.settings`.

        They go before the caller's environment: an address of the real cloud exported in a shell must not send
        anything there from here. Which edition of ComfyUI is used is the caller's choice, and names the service.
        """
        standard = os.environ.get("TRIPCANVAS_EAS_EDITION") == "standard"
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.access_key_secret,
            "DASHSCOPE_API_KEY": self.dashscope_api_key,
            "TRIPCANVAS_REGION": self.region,
            "TRIPCANVAS_ACCOUNT_ID": self.account_id,
            "TRIPCANVAS_OSS_ENDPOINT": self.url("oss"),
            "TRIPCANVAS_LEDGER_BUCKET": "tripcanvas-ledger",
            "TRIPCANVAS_GALLERY_BUCKET": "tripcanvas-gallery",
            "TRIPCANVAS_RENDER_BUCKET": "tripcanvas-render",
            "TRIPCANVAS_GALLERY_URL": f"{self.url('oss')}/tripcanvas-gallery",
            "TRIPCANVAS_MNS_ENDPOINT": self.url("mns"),
            "TRIPCANVAS_FC_ENDPOINT": self.url("fc"),
            "TRIPCANVAS_DASHSCOPE_URL": f"{self.url('dashscope')}/api/v1",
            "TRIPCANVAS_EAS_URL": self.url("eas"),
            "TRIPCANVAS_EAS_CONTROL_URL": self.url("eas"),
            "TRIPCANVAS_EAS_SERVICE": self.eas_standard_service if standard else self.eas_service,
            "TRIPCANVAS_EAS_TOKEN": self.eas_token,
            "TRIPCANVAS_GREEN_ENDPOINT": self.url("green"),
            "TRIPCANVAS_RAM_ENDPOINT": self.url("ram"),
            "TRIPCANVAS_STS_ENDPOINT": self.url("ram"),
            "TRIPCANVAS_SLS_ENDPOINT": self.url("sls"),
            "TRIPCANVAS_LOG_PROJECT": "tripcanvas-logs",
            "TRIPCANVAS_LOG_STORE": "functions",
            "TRIPCANVAS_ACTION_POLICY": "sls.builtin",
            "TRIPCANVAS_FEED_URL": f"{self.url('feed')}/api/posts",
            "TRIPCANVAS_FEED_SECRET": self.feed_secret,
            # 27 characters in the right shape, of an organisation in no administrative division: the demo's label is
            # visibly not a real producer's, and no feed but one on this machine gets it.
            "TRIPCANVAS_PRODUCER_CODE": "001191000000DEM0DEM05N1DEM0",
        }

    def defaults(self) -> dict[str, str]:
        """Settings that a newcomer should not wait long for; the caller's own environment goes before them."""
        return {
            "TRIPCANVAS_RENDER_DEADLINE_S": "120",
            "TRIPCANVAS_STEP_ALLOWANCE_S": "60",
            "TRIPCANVAS_SWEEP_SCHEDULE": "@every 10s",
        }


def _choose_ports(*, free_ports: bool, taken: frozenset[int] = frozenset()) -> dict[str, int]:
    ports = {}
    with contextlib.ExitStack() as held:
        for offset, service in enumerate((*SERVICES, "admin")):
            wanted = 0 if free_ports or _FIRST_PORT + offset in taken else _FIRST_PORT + offset
            ports[service] = _reserve(wanted, held)
    return ports


def _reserve(wanted: int, held: contextlib.ExitStack) -> int:
    """The wanted port, or, where somebody listens on it and for 0, another; bound until all are chosen."""
    own = itertools.islice(_own_ports, _OWN_PORTS)
    for port in itertools.chain([wanted] if wanted else [], own):
        probe = held.enter_context(socket.socket())
        # As the servers do: connections of an earlier run that are still winding down do not take a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise OSError("no free port on 127.0.0.1")


def _free_ports() -> Iterator[int]:
    """Ports of this process's own, over and over, each once before one comes again.

    Below those that outgoing connections get (32768 and up on Linux): a port that is chosen is bound only when its
    service starts, and neither a connection nor a cloud of another process may take it before that.
    """
    first, start = 10_000 + os.getpid() % 20 * _OWN_PORTS, secrets.randbelow(_OWN_PORTS)
    for number in itertools.count(start):
        yield first + number % _OWN_PORTS


_OWN_PORTS = 1_000
_own_ports = _free_ports()


def without_proxy() -> dict[str, str]:
    """`NO_PROXY` in both spellings, with this machine added: a proxy of the shell must not see the embedded cloud."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = ",".join(filter(None, (known, "127.0.0.1,localhost")))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def default_root() -> Path:
    """`$TRIPCANVAS_HOME`, or ``.tripcanvas`` in the current folder."""
    return Path(os.environ.get("TRIPCANVAS_HOME", ".tripcanvas"))
