"""A mistake in the settings is found before anything is rendered, and the answer names the setting."""

from __future__ import annotations

import pytest

from cli.eas.settings import FILE, read_settings
from shared.errors import InvalidInput
from tests.unit.eas.conftest import ENVIRONMENT


@pytest.mark.parametrize(
    ("old", "new", "field", "expected"),
    [
        ('name = "tripcanvas_comfyui"', 'name = "Tripcanvas"', "api.name", "lower-case"),
        ('name = "tripcanvas_comfyui"', 'name = "trip-canvas"', "api.name", "underscores"),
        ('name = "tripcanvas_comfyui"', 'name = "旅行画布"', "api.name", "lower-case"),
        ('name = "tripcanvas_comfyui"', f'name = "{"a" * 64}"', "api.name", "63"),
        ('name = "tripcanvas_designers"', 'name = "tripcanvas_comfyui"', "standard.name", "another name"),
        ('region = "${TRIPCANVAS_REGION:-cn-shanghai}"', 'region = "Shanghai"', "account.region", "cn-shanghai"),
        ('version = "2.2"', 'version = "2.2-api"', "image.version", "without"),
        ("${TRIPCANVAS_RENDER_BUCKET}", "oss://bucket/", "mount.bucket", "name"),
        ('path = "/code/data-oss"', 'path = "data"', "mount.path", "absolute"),
        ('path = "/code/data-oss"', 'path = "/code/data-oss/"', "mount.path", "slash"),
        ('path = "/code/data-oss"', 'path = "/code"', "mount.path", "hide"),
        ('path = "/code/data-oss"', 'path = "/data; rm -rf /"', "mount.path", "absolute"),
        ('prefix = "comfy"', 'prefix = "/comfy/"', "api.prefix", "slashes"),
        ('prefix = "comfy-designers"', 'prefix = "comfy"', "standard.prefix", "goes live"),
        ('resource = "gu30"', 'resource = "h200"', "api.resource", "gu30, a10, l20, article"),
        ('vpc_id = ""', 'vpc_id = "vpc-uf6usys7jvf2p7ugcyq1j"', "network", "together"),
        ("memory_mb = 4000", "memory_mb = 4", "api.queue.memory_mb", "1000"),
        ("memory_mb = 4000", 'memory_mb = "4 GB"', "api.queue.memory_mb", "int"),
        ("max_delivery = 2", "max_delivery = 0", "api.queue.max_delivery", "1"),
        ("max = 4", "max = 0", "api.autoscaler.max", "1"),
        ("min = 0", "min = 4", "api.autoscaler.max", "more than"),
        ("min = 0", "min_replica = 0", "api.autoscaler.min_replica", "no such setting"),
        ("zero_start_replicas = 1", "zero_start_replicas = 9", "api.autoscaler.zero_start_replicas", "at most"),
        ("scale_down_window_s = 300", "scale_down_window_s = -1", "api.autoscaler.scale_down_window_s", ">= 0"),
        ('resource = "a10"', 'resource = "a10"\nreplicas = 2', "standard.replicas", "<= 1"),
        ('resource = "gu30"', 'resource = "gu30"\nreplicas = 3', "api.replicas", "autoscaler"),
        ('resource = "gu30"', 'resource = "gu30"\nworker_threads = 4', "api.worker_threads", "no such setting"),
        ("extra_arguments = []", 'extra_arguments = ["--data-dir=/x"]', "api.extra_arguments", "--data-dir"),
        ("extra_arguments = []", 'extra_arguments = ["--lowvram; curl x"]', "api.extra_arguments", "shell"),
        ("[environment]", '[environment]\nMY_TOKEN = "x"', "environment.MY_TOKEN", "secrets.names"),
        ("[environment]", '[environment]\nX = "sk-0123456789abcdef0"', "environment.X", "secrets.names"),
        ('"DASHSCOPE_API_KEY"]', '"DASHSCOPE-API-KEY"]', "secrets.names", "letters"),
        ('"DASHSCOPE_API_KEY"]', '"TRIPCANVAS_DASHSCOPE_URL"]', "secrets.names", "one place"),
        ("cny_per_hour = 8.0", "cny_per_hour = -8.0", "resources.gu30.cny_per_hour", "> 0"),
        ("cold_start_s = 420", "", "costs.cold_start_s", "missing"),
        ("[account]", "[account", "settings.toml", "TOML"),
    ],
)
def test_a_mistake_is_told_by_the_settings_name(changed, old, new, field, expected):
    with pytest.raises(InvalidInput) as told:
        changed(old, new)
    assert field in told.value.field
    assert expected in told.value.expected


def test_a_key_in_the_file_is_not_repeated(changed):
    with pytest.raises(InvalidInput) as told:
        changed("[environment]", '[environment]\nX = "sk-0123456789abcdef0"')
    assert "sk-0123" not in str(told.value)


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(InvalidInput, match=r"mount\.bucket: the environment variable TRIPCANVAS_RENDER_BUCKET"):
        read_settings(FILE, {})


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({"TRIPCANVAS_RENDER_PREFIX": "elsewhere"}, "api.prefix"),
        ({"TRIPCANVAS_EAS_SERVICE": "another"}, "api.name"),
        ({"TRIPCANVAS_EAS_EDITION": "standard", "TRIPCANVAS_EAS_SERVICE": "tripcanvas_comfyui"}, "standard.name"),
    ],
)
def test_functions_that_would_look_elsewhere_are_told(environment, field):
    with pytest.raises(InvalidInput) as told:
        read_settings(FILE, {**ENVIRONMENT, **environment})
    assert told.value.field == field


def test_functions_that_look_at_the_same_place_are_fine():
    same = {"TRIPCANVAS_RENDER_PREFIX": "comfy/", "TRIPCANVAS_EAS_SERVICE": "tripcanvas_comfyui"}
    assert read_settings(FILE, {**ENVIRONMENT, **same}).api.prefix == "comfy"
