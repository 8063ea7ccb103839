"""How long an invocation takes on the embedded Function Compute: ``python benchmarks/invoke.py``.

Prints the median and the 95th percentile, in milliseconds, of: a cold invocation (a new instance: process, runtime,
import, handler), a warm one, and an asynchronous one until it is accepted (written to disk).
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.acs3 import sign
from localcloud.signing import WireRequest
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

COLD_RUNS = 20
WARM_RUNS = 300

S_YAML = """
edition: 3.0.0
resources:
  echo:
    component: fc3
    props:
      region: ${env('TRIPCANVAS_REGION')}
      functionName: echo
      runtime: python3.12
      handler: index.handler
      code: ./code
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "code").mkdir()
        (Path(folder) / "code" / "index.py").write_text("def handler(event, context):\n    return event\n")
        s_yaml = Path(folder) / "s.yaml"
        s_yaml.write_text(S_YAML)
        cloud = Cloud.open(Path(folder) / "cloud", free_ports=True)
        with Supervisor(cloud, ["fc"], {"TRIPCANVAS_S_YAML": str(s_yaml)}):
            connection = http.client.HTTPConnection("127.0.0.1", cloud.ports["fc"])
            cold = [
                timed(lambda: invoke(cloud, connection), lambda: deploy(connection, s_yaml)) for _ in range(COLD_RUNS)
            ]
            warm = [timed(lambda: invoke(cloud, connection)) for _ in range(WARM_RUNS)]
            accepted = [timed(lambda: invoke(cloud, connection, kind="Async")) for _ in range(WARM_RUNS)]
            connection.close()
    for name, taken_ms in (("cold", cold), ("warm", warm), ("async, accepted", accepted)):
        p95 = statistics.quantiles(taken_ms, n=20)[-1]
        print(f"{name:16} n={len(taken_ms):4} median {statistics.median(taken_ms):7.1f} ms   p95 {p95:7.1f} ms")


def timed(action: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    before()
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def invoke(cloud: Cloud, connection: http.client.HTTPConnection, kind: str = "Sync") -> None:
    path = "/2023-03-30/functions/echo/invocations"
    event = "上海市".encode()
    headers = sign(
        WireRequest("POST", path, "", {"host": f"127.0.0.1:{cloud.ports['fc']}", "x-fc-invocation-type": kind}),
        event,
        action="InvokeFunction",
        version="2023-03-30",
        access_key_id=cloud.access_key_id,
        access_key_secret=cloud.access_key_secret,
    )
    connection.request("POST", path, event, headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 202 if kind == "Async" else body == event


def deploy(connection: http.client.HTTPConnection, s_yaml: Path) -> None:
    body = json.dumps({"path": str(s_yaml)})
    connection.request("POST", "/-/deploy", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


if __name__ == "__main__":
    main()
