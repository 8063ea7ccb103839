"""Where a download may go: allow-listed hosts at public addresses, each resolved once and dialled as it was checked."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.nodes.scripted import KEY, PICTURE, Reply, Script
from workflows.custom_nodes.tripcanvas.connection import Connection
from workflows.custom_nodes.tripcanvas.errors import DeadlinePassed, PictureRefused
from workflows.custom_nodes.tripcanvas.pinned import (
    AddressRefused,
    checked_address,
    is_loopback,
    is_public,
    pinned_session,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "dashscope-result-bj.oss-cn-beijing.aliyuncs.com"


class Resolver:
    """A name server that gives each answer once, the last one for ever, as `socket.getaddrinfo` does."""

    def __init__(self, *answers: str | list[str]) -> None:
        self.asked = 0
        self._answers = [[answer] if isinstance(answer, str) else answer for answer in answers]

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        self.asked += 1
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in addresses]


@pytest.mark.parametrize("address", ["8.8.8.8", "2400:3200::1", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.8", "172.16.3.4", "192.168.1.1", "100.100.100.200", "169.254.169.254",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_addresses_of_networks_machines_and_metadata_services_are_not(address):
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused):
        checked_address(HOST, 443, allowed=is_public, resolve=Resolver(address))


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f000001", "017700000001", "127.1", "0", "localhost", "::1"])
def test_other_spellings_of_this_machine_are_seen_through(spelling):
    with pytest.raises(AddressRefused):
        checked_address(spelling, 443, allowed=is_public)


def test_a_name_with_a_public_and_a_private_address_is_refused():
    with pytest.raises(AddressRefused):
        checked_address(HOST, 443, allowed=is_public, resolve=Resolver(["8.8.8.8", "10.0.0.1"]))


def test_a_name_that_answers_otherwise_the_second_time_is_asked_once_and_dialled_as_checked(dashscope: Script):
    dashscope.on(PICTURE, Reply(b"picture"))
    port = dashscope.host.rpartition(":")[2]
    resolver = Resolver("127.0.0.1", "169.254.169.254")
    url = f"http://{HOST}:{port}{PICTURE}"
    with pinned_session(url, allowed=is_loopback, resolve=resolver) as session:
        assert session.get(url, timeout=10).content == b"picture"
    assert resolver.asked == 1
    assert dashscope.seen[-1].headers["Host"] == f"{HOST}:{port}"


def test_a_name_that_turned_private_is_not_dialled():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen(1)
        nobody.setblocking(False)
        url = f"http://{HOST}:{nobody.getsockname()[1]}/a.png"
        with pinned_session(url, resolve=Resolver("127.0.0.1")) as session, pytest.raises(AddressRefused):
            session.get(url, timeout=5)
        with pytest.raises(BlockingIOError):
            nobody.accept()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A server on this machine with a certificate for `HOST`, and the file of its authority."""
    folder = tmp_path_factory.mktemp("tls")
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle = folder / "ca.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients that do not trust it hang up."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, folder / "key.pem")
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port, bundle
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_certificate_is_checked_for_the_name_though_an_address_is_dialled(tls, monkeypatch):
    port, bundle = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    url = f"https://{HOST}:{port}/a.png"
    with pinned_session(url, allowed=is_loopback, resolve=Resolver("127.0.0.1")) as session:
        assert session.get(url, timeout=10).text == f"{HOST}:{port}"
    other = f"https://dashscope-other.oss-cn-beijing.aliyuncs.com:{port}/a.png"
    with (
        pinned_session(other, allowed=is_loopback, resolve=Resolver("127.0.0.1")) as session,
        pytest.raises(requests.exceptions.SSLError),
    ):
        session.get(other, timeout=10)


def fetched(dashscope: Script, url: str = "", deadline_s: float = 20.0) -> bytes:
    with Connection(f"{dashscope.host}/api/v1", KEY, deadline_s) as connection:
        return connection.download(url or dashscope.host + PICTURE)


def test_a_redirect_to_the_metadata_service_is_not_followed(dashscope: Script):
    dashscope.on(PICTURE, Reply(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data"}))
    with pytest.raises(PictureRefused):
        fetched(dashscope)
    assert len(dashscope.requests_to(PICTURE)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://[::ffff:127.0.0.1]:7713/a.png",
        "http://2130706433/a.png",
        f"https://{HOST}@127.0.0.1/a.png",
        f"https://{HOST}%00.evil.example/a.png",
        f"https://{HOST}\\@evil.example/a.png",
        f"https://{HOST}#@evil.example/a.png/",
        f"https://{HOST}.evil.example/a.png",
        f"https://{HOST}:22/a.png",
        f"ftp://{HOST}/a.png",
        f"https://{HOST}./a.png",
    ],
)
def test_addresses_that_only_look_like_dashscopes_are_not_fetched(dashscope: Script, url: str, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", Resolver("127.0.0.1"))
    with pytest.raises(PictureRefused):
        fetched(dashscope, url)
    assert dashscope.seen == []


def test_dashscopes_own_host_with_a_private_address_is_not_dialled(dashscope: Script, monkeypatch):
    resolver = Resolver("10.0.0.8")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with pytest.raises(PictureRefused, match="could not be downloaded"):
        fetched(dashscope, f"https://{HOST}/a.png")


def test_a_slow_drip_ends_at_the_deadline(dashscope: Script):
    dashscope.on(PICTURE, Reply(bytes(5000), drip_s=0.05))
    with pytest.raises((PictureRefused, DeadlinePassed)):
        fetched(dashscope, deadline_s=0.6)


def test_an_endless_body_ends_at_its_limit(dashscope: Script):
    dashscope.on(PICTURE, Reply(bytes(33 * 1024 * 1024)))
    with pytest.raises(PictureRefused, match="too large"):
        fetched(dashscope)


def test_behind_a_proxy_it_is_the_proxy_that_resolves(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = f"https://{HOST}/a.png"
    with pinned_session(url, resolve=Resolver("10.0.0.8")) as session:
        assert session.proxies["https"] == "http://proxy.example:3128"
        assert type(session.get_adapter(url)) is requests.adapters.HTTPAdapter
        assert type(session.get_adapter("http://127.0.0.1:7713/")) is requests.adapters.HTTPAdapter
