"""What is wrong with a service JSON is found, also where EAS would take it without a word."""

from __future__ import annotations

import copy

import pytest

from cli.eas.inspection import inspect_service
from cli.eas.service import autoscaler_json, service_json
from tests.unit.eas.conftest import ENVIRONMENT

#: The service JSON of the article that this product started from, its ids replaced.
ARTICLE = {
    "cloud": {
        "computing": {"instance_type": "ecs.gn8is-2x.8xlarge"},
        "networking": {"security_group_id": "sg-a1", "vpc_id": "vpc-a1", "vswitch_id": "vsw-a1"},
    },
    "containers": [
        {
            "image": "eas-registry-vpc.cn-shanghai.cr.aliyuncs.com/pai-eas/comfyui:1.7-beta",
            "port": 8000,
            "script": "python main.py --listen --port 8000 --data-dir /deta-code-oss",
        }
    ],
    "metadata": {
        "cpu": 32,
        "enable_webservice": True,
        "gpu": 2,
        "instance": 1,
        "memory": 256000,
        "name": "jiashu16",
    },
    "name": "jiashu16",
    "options": {"enable_cache": True},
    "storage": [
        {
            "mount_path": "/deta-code-oss",
            "oss": {"path": "oss://bucket-of-article/482832/data-205381316445420758/", "readOnly": False},
            "properties": {"resource_type": "model"},
        }
    ],
}


def put(document, path, value):
    """`document` with `value` at a path such as ``containers.0.port``; None removes."""
    changed = copy.deepcopy(document)
    *way, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    place = changed
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


@pytest.fixture
def api(settings):
    return {**service_json(settings, "api", ENVIRONMENT), "autoscaler": autoscaler_json(settings)}


def test_the_article_s_own_service_is_accepted_with_what_is_to_be_said_about_it():
    findings = inspect_service(ARTICLE)
    assert [finding.severity for finding in findings] == ["warning", "warning"]
    assert [finding.field for finding in findings] == ["containers[0].script", "cloud.computing.instance_type"]
    assert "leaves 1 idle" in str(findings[1])


@pytest.mark.parametrize(
    ("path", "value", "field", "expected"),
    [
        ("metadata/name", "旅行", "metadata.name", "text like"),
        ("metadata/rpc.worker_threads", 4, "metadata.rpc.worker_threads", "1"),
        ("metadata/rpc.worker_threads", None, "metadata.rpc.worker_threads", "hoards"),
        ("metadata/instance", 0, "metadata.instance", "at least 1"),
        ("metadata/enable_webservice", True, "metadata.enable_webservice", "no web page"),
        ("metadata/type", None, "containers[0].image", "Async"),
        ("storage/0/mount_path", "/mnt/data", "storage[0].mount_path", "/code/data-oss, as --data-dir says"),
        ("storage/0/oss/readOnly", True, "storage[0].oss.readOnly", "false"),
        ("storage/0/oss/path", "oss://your-render-bucket/comfy", "storage[0].oss.path", "text like"),
        ("storage/0/oss/read_only", False, "storage[0].oss.read_only", "one of path, readOnly"),
        ("containers/0/port", 8080, "containers[0].port", "none of [8080, 9090]"),
        ("containers/0/port", 8188, "containers[0].port", "8000, as --port says"),
        ("containers/0/image", "registry/pai-eas/comfyui:2.2", "containers[0].image", "-api"),
        ("containers/0/script", "python main.py --listen --port 8000", "containers[0].script", "--data-dir"),
        ("containers/0/env/0", {"name": "A", "value": "sk-0123456789abcdef0"}, "containers[0].env[0]", "no key"),
        ("containers/0/env/0", {"name": "DASHSCOPE_API_KEY", "value": "x"}, "containers[0].env", "once"),
        ("queue/memory", 40, "queue.memory", "at least 1000"),
        ("queue/max_deliveries", 3, "queue.max_deliveries", "max_delivery"),
        ("autoscaler/max", 0, "autoscaler.max", "more than autoscaler.min (0)"),
        ("autoscaler/min_replica", 1, "autoscaler.min_replica", "min; EAS ignores this spelling"),
        ("autoscaler/scaleStrategies/0/metric_name", "qps", "autoscaler.scaleStrategies[0].metric_name", "metricName"),
        ("autoscaler/scaleStrategies/0/metricName", "backlog", "autoscaler.scaleStrategies[0].metricName", "one of"),
        ("cloud/computing/instance_type", "A10", "cloud.computing.instance_type", "text like"),
        ("metadata", None, "metadata", "missing"),
    ],
)
def test_a_mistake_is_an_error_at_its_place(api, path, value, field, expected):
    assert [finding for finding in inspect_service(api) if finding.severity == "error"] == []
    errors = [finding for finding in inspect_service(put(api, path, value)) if finding.severity == "error"]
    assert any(finding.field == field and expected in finding.expected for finding in errors), [*map(str, errors)]


def test_a_standard_service_with_two_instances_is_an_error(settings):
    standard = service_json(settings, "standard", ENVIRONMENT)
    errors = [each for each in inspect_service(put(standard, "metadata/instance", 2)) if each.severity == "error"]
    assert [error.field for error in errors] == ["metadata.instance"]


@pytest.mark.parametrize("document", [None, [], "text", 3, {}, {"metadata": 3, "containers": {}, "storage": [1]}])
def test_anything_can_be_looked_at(document):
    assert any(finding.severity == "error" for finding in inspect_service(document))


def test_a_finding_repeats_no_secret(api):
    broken = put(api, "containers/0/env/1", {"name": "DASHSCOPE_API_KEY", "value": 12345678})
    findings = inspect_service(broken)
    assert any("env[1].value" in finding.field for finding in findings)
    assert "12345678" not in " ".join(map(str, findings))
