"""The built packages start on the Python they were built for, with nothing else there, as Function Compute starts them."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from cli.packaging.archive import interpreter, write_folder
from cli.packaging.commands import APPLICATION, assembled
from localcloud.fc import bootstrap
from localcloud.fc.bootstrap import FRAME, INVOKE, Call, Settings

ROOT = Path(__file__).resolve().parents[3]
TRIP = (ROOT / "examples" / "trips" / "02-west-lake-rain.json").read_text("utf-8")
RESULT = json.dumps({"task_id": "4d28c276-36b4-5923-849e-0cb532346f54-1", "request_id": "r", "index": 3, "answer": ""})

#: Addresses at which nobody listens: an invocation gets as far as its first service.
NOWHERE = "http://127.0.0.1:9"
ENVIRONMENT = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-none",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "none",
    "TRIPCANVAS_OSS_ENDPOINT": NOWHERE,
    "TRIPCANVAS_LEDGER_BUCKET": "ledger",
    "TRIPCANVAS_MNS_ENDPOINT": NOWHERE,
    "TRIPCANVAS_EAS_URL": NOWHERE,
    "TRIPCANVAS_EAS_TOKEN": "none",
    "TRIPCANVAS_RELAY_SECONDS": "0.2",
    "NO_PROXY": "127.0.0.1",
}


class Imports(ast.NodeVisitor):
    """Every import of a module by its whole name, but those for type checkers."""

    def __init__(self) -> None:
        self.statements: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.statements.add(ast.unparse(node))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not node.level:
            self.statements.add(ast.unparse(node))


def envelope(topic: str, body: str) -> bytes:
    return json.dumps({"TopicName": topic, "MessageId": "1", "Message": body}, ensure_ascii=False).encode()


def invoke(built, handler: str, event: bytes) -> tuple[dict, dict]:
    """One invocation by the runtime's rules, with no search path but the package and the standard library."""
    ours, theirs = socket.socketpair()
    settings = Settings(
        function=handler, handler=handler, runtime=f"python{built.version}", code_folder=str(built.folder),
        layer_folders=[], package_folders=[], memory_mb=512, timeout_s=120, region="cn-shanghai",
        account_id="1", access_key_id="LTAI-none", access_key_secret="none",
    )  # fmt: skip
    command = [built.python, "-I", "-S", bootstrap.__file__, str(theirs.fileno()), str(os.getpid())]
    with ours, subprocess.Popen(
        command, pass_fds=[theirs.fileno()], env=ENVIRONMENT, cwd=built.folder,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as instance:  # fmt: skip
        theirs.close()
        ours.settimeout(60)
        exchange(ours, settings, b"")
        reply, body = exchange(ours, Call(INVOKE, "r-1", handler), event)
        ours.close()
        instance.wait(10)
    return reply, json.loads(body)


def exchange(connection: socket.socket, request, body: bytes) -> tuple[dict, bytes]:
    head = json.dumps(vars(request)).encode()
    connection.sendall(FRAME.pack(len(head), len(body)) + head + body)
    with connection.makefile("rb") as stream:
        sizes = FRAME.unpack(stream.read(FRAME.size))
        return json.loads(stream.read(sizes[0])), stream.read(sizes[1])


@pytest.mark.parametrize(
    ("package", "function", "event", "error", "service"),
    [
        ("words", "trip_completed", envelope("trip-completed", TRIP), "DeliverAgain", "oss: ConnectionFailed"),
        ("words", "relay_results", b"{}", "Unavailable", "eas: ConnectionFailed"),
        ("pictures", "image_ready", envelope("render-finished", RESULT), "DeliverAgain", "oss: ConnectionFailed"),
        ("pictures", "sweep_journeys", b"{}", "Unavailable", "oss: ConnectionFailed"),
    ],
)
def test_each_function_starts_from_its_package_and_gets_as_far_as_its_first_service(
    built, package, function, event, error, service
):
    reply, answer = invoke(built[package], f"functions/{function}/index.handler", event)
    assert (reply["error_type"], service in answer["errorMessage"]) == (error, True), answer


@pytest.mark.parametrize("package", ["words", "pictures"])
def test_every_module_and_every_import_inside_a_function_works_with_the_package_alone(built, package):
    package = built[package]
    modules = [name for name in package.files if name.endswith(".py") and name.startswith(("shared/", "functions/"))]
    statements = {f"import {name.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}" for name in modules}
    for name in modules:
        found = Imports()
        found.visit(ast.parse(package.files[name]))
        statements |= found.statements
    # Python's own library reads TOML since 3.11.
    absent = "tomllib" if package.version == "3.10" else "tomli"
    statements -= {f"import {absent}", f"import {absent} as tomllib", "from __future__ import annotations"}
    program = (
        f"import sys; sys.path.insert(0, {str(package.folder)!r})\n"
        f"for statement in {sorted(statements)!r}:\n"
        "    exec(statement)\n"
        "strangers = [m.__file__ for m in list(sys.modules.values()) if 'site-packages' in (getattr(m, '__file__', '') or '')]\n"
        "assert not strangers, strangers\n"
    )
    done = subprocess.run(
        [package.python, "-I", "-S", "-W", "ignore", "-c", program], env={"NO_PROXY": "127.0.0.1"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_only_what_works_on_pictures_carries_their_libraries_and_the_cars(built):
    words = {each.name for each in built["words"].distributions}
    pictures = {each.name for each in built["pictures"].distributions}
    assert pictures - words == {"numpy", "opencv-python-headless", "pillow"}
    assert {"workflows/cars/gen1/car.toml", "workflows/wanx_scene/graph.json"} <= built["words"].files.keys()
    assert not [name for name in built["words"].files if name.endswith((".png", ".otf"))]
    cars = ROOT / "workflows" / "cars"
    for manifest in cars.glob("*/car.toml"):
        for file in manifest.parent.iterdir():
            assert f"workflows/{file.relative_to(cars.parent).as_posix()}" in built["pictures"].files


def test_licences_go_along_and_tests_and_the_rest_of_the_project_do_not(built):
    files = built["pictures"].files.keys()
    assert "LICENSE" in files
    assert any("numpy-" in name and "LICENSE" in name for name in files)
    assert "shared/pictures/fonts/OFL.txt" in files
    assert not [name for name in files if "/tests/" in name or name.startswith(("tests/", "cli/", "localcloud/"))]
    assert not [name for name in files if name.endswith((".pyi", "/RECORD", "/INSTALLER"))]


def test_the_application_starts_on_a_python_with_nothing_else(tmp_path):
    python = interpreter("3.12")
    if python is None:
        assert "CI" not in os.environ, "no python3.12"
        pytest.skip("no python3.12")
    [(_, files, _)] = assembled(ROOT, "3.12", [APPLICATION])
    write_folder(files, tmp_path / "app")
    assert not (tmp_path / "app" / "cli").exists()
    done = subprocess.run(
        [python, "-s", "-S", "-B", "-W", "ignore", "-m", "processes", "sweep", "--once"], cwd=tmp_path / "app", env=ENVIRONMENT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert '"event":"trouble","during":"sweep"' in done.stdout
