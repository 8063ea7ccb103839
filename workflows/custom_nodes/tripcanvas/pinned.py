"""Connections to hosts that an answer named: the name is resolved once, its addresses are checked, one is dialled.

Checking a name and then connecting to it would resolve it twice, and a name server may answer differently the second
time ("DNS rebinding"). So the connection is made to the very address that was checked, while the host's name still
stands in the request and is what the certificate must be for.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: RFC 6052: a public IPv4 address as an IPv6-only network shows it, in the last 32 bits.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The name leads to an address that nothing may be fetched from."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the Internet's, not of a private network, this machine or a cloud's metadata."""
    inner = _inner(address)
    return inner.is_global and not inner.is_multicast


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine's own."""
    return _inner(address).is_loopback


def checked_address(
    host: str, port: int, *, allowed: Callable[[Address], bool], resolve: Callable[..., Any] = socket.getaddrinfo
) -> str:
    """The address to dial for `host`, a name or an address in any spelling, resolved once.

    Raises `AddressRefused` if `allowed` refuses even one of its addresses: a name with a public and a private one is
    an attack, or a mistake. Raises `OSError` when it has none.
    """
    try:
        found = [
            ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in resolve(host, port, 0, socket.SOCK_STREAM)
        ]
    except ValueError:
        raise AddressRefused from None
    if not found:
        raise OSError("no address")
    if not all(allowed(address) for address in found):
        raise AddressRefused
    return str(found[0])


def pinned_session(
    url: str, *, allowed: Callable[[Address], bool] = is_public, resolve: Callable[..., Any] = socket.getaddrinfo
) -> requests.Session:
    """A session for exchanges with the host of `url` alone; it takes certificates from where `requests` does.

    Behind a proxy it is the proxy that resolves names, and that has to refuse addresses. Raises, when used,
    `AddressRefused`.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    session.proxies = requests.utils.get_environ_proxies(url)
    if urlsplit(url).scheme not in session.proxies and "all" not in session.proxies:
        adapter = _Pinned(allowed, resolve)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
    return session


class _Pinned(HTTPAdapter):
    """Dials the address that was checked. For one host: the name that certificates are checked for is the pool's."""

    def __init__(self, allowed: Callable[[Address], bool], resolve: Callable[..., Any]) -> None:
        super().__init__()
        self._allowed = allowed
        self._resolve = resolve

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = checked_address(host, port, allowed=self._allowed, resolve=self._resolve)
        except OSError:
            raise requests.exceptions.ConnectionError("the name can't be resolved") from None
        request.headers["Host"] = parts.netloc
        dialled = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        request.url = parts._replace(netloc=dialled).geturl()
        if parts.scheme == "https":
            self.poolmanager.connection_pool_kw.update(assert_hostname=host, server_hostname=host)
        return super().send(request, *arguments, **options)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address
