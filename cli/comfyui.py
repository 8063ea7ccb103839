"""What a running ComfyUI has: its version, node classes and model files. Nothing is queued."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

_CONNECT_S, _ANSWER_S = 5.0, 120.0


class ServerSilent(Exception):
    """The server gave no answer that can be used."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as it was when it was asked; `models` are the file names by folder."""

    version: str
    object_info: Mapping[str, Any]
    models: Mapping[str, frozenset[str]]


def read_server(url: str, folders: frozenset[str] = frozenset()) -> Server:
    """Ask the server at `url` for its nodes, and for the models in `folders`.

    COMFYUI_TOKEN of the environment goes with it as ``Authorization``, as EAS wants it. Raises `ServerSilent`.
    """
    with requests.Session() as session:
        token = os.environ.get("COMFYUI_TOKEN", "")
        if token:
            session.headers["Authorization"] = token
        base = url.rstrip("/")
        system = _asked(session, f"{base}/system_stats").get("system")
        version = system.get("comfyui_version", "") if isinstance(system, dict) else ""
        object_info = _asked(session, f"{base}/object_info")
        return Server(str(version), object_info, {folder: _files(session, base, folder) for folder in folders})


def _files(session: requests.Session, base: str, folder: str) -> frozenset[str]:
    answer = _call(session, f"{base}/models/{folder}")
    try:
        found = answer.json()
    except ValueError:
        found = None
    # Something else than a list: a folder that the server knows nothing of.
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _asked(session: requests.Session, address: str) -> dict[str, Any]:
    answer = _call(session, address)
    if answer.status_code != 200:
        raise ServerSilent(f"{address}: it answered {answer.status_code}")
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServerSilent(f"{address}: it answered something else than ComfyUI would")
    return found


def _call(session: requests.Session, address: str) -> requests.Response:
    try:
        return session.get(address, timeout=(_CONNECT_S, _ANSWER_S))
    except requests.RequestException as error:
        raise ServerSilent(f"{address}: no answer ({type(error).__name__})") from None
