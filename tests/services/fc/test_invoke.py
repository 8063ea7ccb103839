"""Synchronous invocations, through the official SDK, against a real Function Compute process."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fc2
import pytest
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from fc2.fc_exceptions import FcError

from localcloud.acs3 import sign
from localcloud.signing import WireRequest
from tests.services.fc.project import Project, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The official SDK dates its signatures with a call that Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

FILES = {
    "returns.py": """
import datetime, decimal, os, sys
class Stamped:
    def to_json(self): return {"章": "印"}
VALUES = {
    "text": "你好，西湖",
    "bytes": b"\\x00\\xff",
    "nothing": None,
    "map": {"b": 1, "a": "湖州市"},
    "rich": [decimal.Decimal("1.5"), datetime.date(2024, 5, 5), datetime.datetime(2024, 5, 5, 18, 57), Stamped()],
    "unserialisable": object(),
}
def handler(event, context):
    return VALUES[event.decode()]
""",
    "echo.py": "def handler(event, context):\n    assert type(event) is bytes\n    return event\n",
    "fails.py": """
import os, sys, time, threading
def inner(): raise ValueError("湖水干了")
def handler(event, context):
    how = event.decode()
    if how == "raise": inner()
    if how == "exit": sys.exit(3)
    if how == "interrupt": raise KeyboardInterrupt
    if how == "crash": os.kill(os.getpid(), 11)
    if how == "sleep": time.sleep(60)
    return str(os.getpid())
""",
    "no_such_import.py": "import nowhere_to_be_found\n",
    "bad_syntax.py": "def handler(event, context) return 1\n",
    "bad_start.py": "1 / 0\n",
    "lacks_handler.py": "",
    "looks.py": """
import json, logging, os, sys
def handler(event, context):
    logging.info("看到 %s", "太湖")
    print("原样打印")
    described = {name: str(getattr(context, name)) for name in ("request_id", "account_id", "region")}
    credentials = getattr(context, "credentials", None)
    service = getattr(context, "service", None)
    try:
        import localcloud
        sees_the_project = True
    except ImportError:
        sees_the_project = False
    try:
        import oss2
        sees_packages = True
    except ImportError:
        sees_packages = False
    return {
        "context": described,
        "key": credentials and [credentials.access_key_id, credentials.accessKeySecret],
        "service": service and service.name,
        "function": vars(context.function),
        "has_logger": hasattr(context, "getLogger") and context.getLogger() is logging.getLogger(),
        "environment": dict(os.environ),
        "path": sys.path,
        "folder": os.getcwd(),
        "sees_the_project": sees_the_project,
        "sees_packages": sees_packages,
    }
""",
    "counts.py": """
import os, threading, time
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.005)
started = False
calls = 0
def handler(event, context):
    global started, calls
    if not started:
        threading.Thread(target=tick, daemon=True).start()
        started = True
    calls += 1
    return {"pid": os.getpid(), "calls": calls, "ticks": ticks}
""",
    "slow.py": "import time\ndef handler(event, context):\n    time.sleep(1.0)\n    return 'done'\n",
    "warm.py": """
import pathlib, os, time
state = []
def initialize(context):
    state.append(context.request_id)
    how = pathlib.Path(os.environ["NOTES"], "initializer").read_text()
    if how == "fail": raise RuntimeError("没有墨了")
    if how == "hang": time.sleep(60)
def handler(event, context):
    return {"initialized": len(state), "pid": os.getpid()}
""",
    "lib/python/site/extra.py": "name = '来自依赖目录'\n",
    "uses_extra.py": "import extra\ndef handler(event, context):\n    return extra.name\n",
}
FUNCTIONS: dict[str, dict[str, Any]] = {
    "returns": {},
    "echo": {},
    "fails": {"timeout": 1},
    "no_such_import": {},
    "bad_syntax": {},
    "bad_start": {},
    "lacks_handler": {},
    "looks": {"environmentVariables": {"CITY": "上海市"}},
    "looks312": {"runtime": "python3.12", "handler": "looks.handler", "memorySize": 1024, "cpu": 0.5},
    "counts": {},
    "slow": {"concurrencyConfig": {"reservedConcurrency": 1}},
    "warm": {"instanceLifecycleConfig": {"initializer": {"handler": "warm.initialize", "timeout": 1}}},
    "uses_extra": {"environmentVariables": {"PYTHONPATH": "/code/lib/python/site"}},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("invoke") / "项目", FILES, FUNCTIONS) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text", "你好，西湖".encode()),
        ("bytes", b"\x00\xff"),
        ("nothing", b"null"),
        ("map", b'{\n    "a": "\\u6e56\\u5dde\\u5e02",\n    "b": 1\n}'),
    ],
)
def test_a_return_value_becomes_the_body(project: Project, kind: str, body: bytes) -> None:
    answer = project.invoke("returns", kind)
    assert (answer.status, answer.error_type) == (200, "")
    assert answer.body == body
    assert answer.headers["content-type"] == "application/octet-stream"
    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{12}", answer.headers["x-fc-request-id"])


def test_numbers_dates_and_objects_with_to_json_are_serialised(project: Project) -> None:
    answer = project.invoke("returns", "rich")
    assert json.loads(answer.body) == [1.5, "2024-05-05", "2024-05-05T18:57:00", {"章": "印"}]


def test_a_value_that_is_not_json_is_an_invocation_error(project: Project) -> None:
    answer = project.invoke("returns", "unserialisable")
    assert (answer.status, answer.error_type) == (200, "UnhandledInvocationError")
    assert json.loads(answer.body)["errorType"] == "TypeError"


def test_the_event_arrives_byte_for_byte(project: Project) -> None:
    event = "新司机的五一出游!".encode() + bytes(range(256)) * 4096
    assert project.invoke("echo", event).body == event


def test_an_exception_is_told_with_its_trace_and_status_200(project: Project) -> None:
    answer = project.invoke("fails", "raise")
    assert (answer.status, answer.error_type) == (200, "UnhandledInvocationError")
    error = json.loads(answer.body)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "湖水干了")
    assert [frame[2] for frame in error["stackTrace"]] == ["in handler", "in inner"]
    assert error["stackTrace"][1][0].endswith('code/fails.py"')
    assert error["stackTrace"][1][3].startswith("def inner()")


@pytest.mark.parametrize(
    ("function", "error_type", "message"),
    [
        ("no_such_import", "ImportModuleError", "Unable to import module 'no_such_import'"),
        ("bad_syntax", "UserCodeSyntaxError", "bad_syntax"),
        ("bad_start", "UserCodeError", "Module initialization error: division by zero"),
        ("lacks_handler", "HandlerNotFound", "Handler 'handler' is missing on module 'lacks_handler'"),
    ],
)
def test_code_that_cannot_be_loaded_says_why(project: Project, function: str, error_type: str, message: str) -> None:
    answer = project.invoke(function)
    assert answer.error_type == "UnhandledInvocationError"
    error = json.loads(answer.body)
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]


def test_a_function_that_takes_too_long_is_ended_and_its_stacks_are_logged(project: Project) -> None:
    before = project.invoke("fails", "pid").body
    answer = project.invoke("fails", "sleep")
    assert answer.error_type == "UnhandledInvocationError"
    assert json.loads(answer.body)["errorMessage"] == "Function timed out after 1 seconds"
    assert "time.sleep(60)" in project.log("fails")
    assert project.invoke("fails", "pid").body != before


@pytest.mark.parametrize(("how", "end"), [("exit", "exit code 3"), ("interrupt", "signal 2"), ("crash", "signal 11")])
def test_what_is_no_exception_ends_the_instance(project: Project, how: str, end: str) -> None:
    before = project.invoke("fails", "pid").body
    answer = project.invoke("fails", how)
    assert answer.error_type == "UnhandledInvocationError"
    message = json.loads(answer.body)["errorMessage"]
    assert message == f"Function instance exited unexpectedly during execution ({end})"
    assert project.invoke("fails", "pid").body != before


def test_an_instance_is_reused_and_keeps_its_globals_but_stands_still_between_calls(project: Project) -> None:
    first = json.loads(project.invoke("counts").body)
    state = eventually(lambda: _process_state(first["pid"]) == "T")
    assert state
    # Long enough for many ticks of a thread that runs.
    project.invoke("slow")
    second = json.loads(project.invoke("counts").body)
    assert (second["pid"], second["calls"]) == (first["pid"], 2)
    assert second["ticks"] < 50


def test_an_old_runtime_gives_credentials_and_service_in_the_context(project: Project) -> None:
    cloud = project.cloud
    seen = json.loads(project.invoke("looks").body)
    assert seen["key"] == [cloud.access_key_id, cloud.access_key_secret]
    assert seen["service"] == ""
    assert (seen["function"]["timeout"], seen["function"]["memory"]) == ("10", 512)
    assert seen["has_logger"] is False


def test_the_new_runtime_gives_neither_credentials_nor_service(project: Project) -> None:
    seen = json.loads(project.invoke("looks312").body)
    assert (seen["key"], seen["service"]) == (None, None)
    assert seen["function"] == {
        "name": "looks312",
        "handler": "looks.handler",
        "memory": 1024,
        "timeout": 10,
        "version_id": "LATEST",
        "qualifier": "LATEST",
    }
    assert seen["has_logger"] is True


def test_the_environment_is_the_documented_one_and_nothing_of_the_emulators(project: Project) -> None:
    cloud = project.cloud
    seen = json.loads(project.invoke("looks").body)
    environment = seen["environment"]
    assert environment["CITY"] == "上海市"
    assert environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] == cloud.access_key_id
    assert environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == cloud.access_key_secret
    assert environment["FC_FUNC_CODE_PATH"] == seen["folder"] == seen["path"][0] == str(project.folder / "code")
    assert environment["FC_FUNCTION_NAME"] == "looks"
    assert environment["FC_FUNCTION_HANDLER"] == "looks.handler"
    assert environment["FC_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["FC_ACCOUNT_ID"] == seen["context"]["account_id"] == cloud.account_id
    assert environment["FC_REGION"] == seen["context"]["region"] == cloud.region
    assert "TRIPCANVAS_S_YAML" not in environment


def test_only_deployed_code_and_installed_packages_can_be_imported(project: Project) -> None:
    seen = json.loads(project.invoke("looks").body)
    assert (seen["sees_the_project"], seen["sees_packages"]) == (False, True)


def test_a_pythonpath_under_code_points_into_the_code_folder(project: Project) -> None:
    assert project.invoke("uses_extra").body.decode() == "来自依赖目录"


def test_log_lines_carry_time_request_id_and_level_and_the_tail_comes_back(project: Project) -> None:
    answer = project.invoke("looks", x_fc_log_type="Tail")
    request_id = answer.headers["x-fc-request-id"]
    lines = base64.b64decode(answer.headers["x-fc-log-result"]).decode().splitlines()
    assert lines[0] == f"FC Invoke Start RequestId: {request_id}"
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {request_id} \[INFO\] 看到 太湖", lines[1])
    assert lines[2] == "原样打印"
    assert lines[3] == f"FC Invoke End RequestId: {request_id}"
    assert "\n".join(lines) in project.log("looks")
    assert "x-fc-log-result" not in project.invoke("looks").headers


def test_the_initializer_runs_once_before_the_first_call(project: Project) -> None:
    (project.notes / "initializer").write_text("work")
    first, second = (json.loads(project.invoke("warm").body) for _ in range(2))
    assert first["initialized"] == second["initialized"] == 1
    assert first["pid"] == second["pid"]


@pytest.mark.parametrize(("how", "message"), [("fail", "没有墨了"), ("hang", "Function timed out after 1 seconds")])
def test_a_failed_initializer_fails_the_call_and_the_next_gets_a_new_instance(
    tmp_path_factory: pytest.TempPathFactory, how: str, message: str
) -> None:
    with Project(tmp_path_factory.mktemp("warm") / "p", FILES, {"warm": FUNCTIONS["warm"]}) as project:
        note = project.notes / "initializer"
        note.write_text(how)
        answer = project.invoke("warm")
        assert (answer.status, answer.error_type) == (200, "InitializationError")
        assert json.loads(answer.body)["errorMessage"] == message
        note.write_text("work")
        assert json.loads(project.invoke("warm").body)["initialized"] == 1


def test_reserved_concurrency_is_a_cap(project: Project) -> None:
    answers: list[object] = []

    def call() -> None:
        try:
            answers.append(project.invoke("slow").body)
        except ClientException as error:
            answers.append((error.status_code, error.code))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == [(429, "ResourceExhausted"), b"done"]


def test_requests_that_are_not_signed_by_the_key_are_refused(project: Project) -> None:
    stranger = Client(
        Config(
            access_key_id=project.cloud.access_key_id,
            access_key_secret="错的",
            endpoint=f"127.0.0.1:{project.cloud.ports['fc']}",
            protocol="http",
            region_id="cn-shanghai",
        )
    )
    with pytest.raises(ClientException) as refusal:
        stranger.invoke_function("echo", models.InvokeFunctionRequest(body=b""))
    assert (refusal.value.status_code, refusal.value.code) == (403, "SignatureNotMatch")
    with pytest.raises(urllib.error.HTTPError) as unsigned:
        urllib.request.urlopen(f"{project.cloud.url('fc')}/2023-03-30/functions")
    with unsigned.value as answer:
        assert (answer.status, json.loads(answer.read())["Code"]) == (400, "MissingRequiredHeader")


def test_an_unknown_function_or_version_is_not_found(project: Project) -> None:
    with pytest.raises(ClientException) as missing:
        project.invoke("nobody")
    assert (missing.value.status_code, missing.value.code) == (404, "FunctionNotFound")
    with pytest.raises(ClientException) as version:
        project.client.invoke_function("echo", models.InvokeFunctionRequest(qualifier="7", body=b""))
    assert (version.value.status_code, version.value.code) == (404, "VersionNotFound")


@pytest.mark.parametrize(("size_bytes", "kind"), [(32 * 1024 * 1024 + 1, "Sync"), (128 * 1024 + 1, "Async")])
def test_an_event_beyond_the_limit_is_refused(project: Project, size_bytes: int, kind: str) -> None:
    with pytest.raises(ClientException) as refusal:
        project.invoke("echo", b"x" * size_bytes, x_fc_invocation_type=kind)
    assert (refusal.value.status_code, refusal.value.code) == (413, "EntityTooLarge")


def test_an_event_at_the_limit_passes(project: Project) -> None:
    assert len(project.invoke("echo", b"x" * (32 * 1024 * 1024)).body) == 32 * 1024 * 1024


def test_functions_are_described(project: Project) -> None:
    names = [
        function.function_name
        for function in project.client.list_functions(models.ListFunctionsRequest()).body.functions
    ]
    assert names == sorted(FUNCTIONS)
    warm = project.client.get_function("warm", models.GetFunctionRequest()).body
    assert (warm.runtime, warm.handler, warm.timeout) == ("python3.10", "warm.handler", 10)
    assert warm.instance_lifecycle_config.initializer.handler == "warm.initialize"


def test_the_fc2_sdk_invokes_and_gets_errors_as_exceptions(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    cloud = project.cloud
    client = fc2.Client(
        endpoint=cloud.url("fc"), accessKeyID=cloud.access_key_id, accessKeySecret=cloud.access_key_secret
    )
    assert client.invoke_function("trips", "echo", payload="湖州市".encode()).data.decode() == "湖州市"
    assert json.loads(client.invoke_function("trips", "looks").data)["service"] == "trips"
    with pytest.raises(FcError) as failed:
        client.invoke_function("trips", "fails", payload=b"raise")
    assert "ValueError" in str(failed.value)
    with pytest.raises(FcError) as missing:
        client.invoke_function("trips", "nobody")
    assert missing.value.err_code == "FunctionNotFound"
    accepted = client.invoke_function("trips", "echo", payload=b"", headers={"x-fc-invocation-type": "Async"})
    assert accepted.data == b""
    stranger = fc2.Client(endpoint=cloud.url("fc"), accessKeyID=cloud.access_key_id, accessKeySecret="no")
    with pytest.raises(FcError) as refused:
        stranger.invoke_function("trips", "echo")
    assert refused.value.err_code == "SignatureNotMatch"


def test_a_request_signed_by_our_own_signer_is_understood(project: Project) -> None:
    path = "/2023-03-30/functions/echo/invocations"
    host = f"127.0.0.1:{project.cloud.ports['fc']}"
    headers = sign(
        WireRequest("POST", path, "", {"host": host}),
        "无锡市".encode(),
        action="InvokeFunction",
        version="2023-03-30",
        access_key_id=project.cloud.access_key_id,
        access_key_secret=project.cloud.access_key_secret,
    )
    request = urllib.request.Request(f"http://{host}{path}", "无锡市".encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.read().decode() == "无锡市"


def _process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
