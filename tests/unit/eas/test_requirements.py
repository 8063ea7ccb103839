"""What workflows require is known before a machine is paid for."""

from __future__ import annotations

import pytest

from cli.eas.requirements import gpu_memory, model_files

SDXL = """\
[requires]
gpu_memory_gb = 32
[[requires.models]]
name = "base.safetensors"
folder = "checkpoints"
size_bytes = 6938078334
sha256 = "31e3"
licence = "OpenRAIL++-M"
url = "https://example.com/base"
[[requires.models]]
name = "旅行画风.safetensors"
folder = "loras"
sha256 = ""
note = "made by the designers"
"""


@pytest.fixture
def workflows(tmp_path):
    for name, text in {"sdxl_a": SDXL, "sdxl_b": SDXL, "wanx": "[requires]\ngpu_memory_gb = 0\n", "old": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "bindings.toml").write_text(text, "utf-8")
    return tmp_path


def test_a_model_that_two_workflows_load_stands_once(workflows):
    files = model_files(workflows)
    assert [file.path for file in files] == ["checkpoints/base.safetensors", "loras/旅行画风.safetensors"]
    assert files[0].workflows == ("sdxl_a", "sdxl_b")
    assert (files[0].size_bytes, files[1].size_bytes) == (6938078334, 0)


def test_a_machine_with_too_little_gpu_memory_is_found(workflows, changed):
    settings = changed('resource = "a10"', 'resource = "l20"')
    findings = gpu_memory(settings, workflows)
    assert [finding.field for finding in findings] == ["api.resource", "api.resource"]
    assert str(findings[0]) == "api.resource: 32 GB of GPU memory for the workflow sdxl_a; found gu30 with 24 GB"
