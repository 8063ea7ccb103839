"""Keys and paths are found wherever they stand in a graph; ordinary texts are not taken for them."""

from __future__ import annotations

import pytest

from shared.graphs.leaks import leaks_of, paths_of


@pytest.mark.parametrize(
    "text",
    [
        "sk-" + "a1" * 16,
        "密钥是 sk-" + "0123456789abcdef" * 2 + "，别外传",
        "LTAI" + "5tAbCdEfGh" * 2,
        "Bearer " + "abcdef0123456789.xyz",
        "https://user:geheim@example.com/a",
        "-----BEGIN RSA PRIVATE KEY-----",
        "comfyui-" + "0f" * 32,
    ],
)
def test_a_key_is_found_in_any_depth_and_not_repeated(text: str) -> None:
    found = leaks_of({"nodes": [{"widgets_values": [1, {"说明": text}]}]})

    assert [leak.place for leak in found] == ["graph.nodes[0].widgets_values[1].说明"]
    assert text not in str(found[0])


@pytest.mark.parametrize("name", ["api_key", "apiKey", "access_token", "password", "SECRET"])
def test_a_field_for_secrets_is_empty_or_refused(name: str) -> None:
    assert leaks_of({"1": {"inputs": {name: "x"}}})
    assert not leaks_of({"1": {"inputs": {name: ""}}})


@pytest.mark.parametrize(
    "text", ["湖边的清晨", "sk-lake", "disk-cleanup of the lake", "tokens: 12", "https://example.com/a", "a:b@c"]
)
def test_ordinary_texts_are_none(text: str) -> None:
    assert not leaks_of({"1": {"inputs": {"text": text, "max_tokens": "100"}}})


@pytest.mark.parametrize(
    ("value", "is_path"),
    [
        ("/home/me/a.png", True),
        ("~/a.png", True),
        ("D:\\bilder\\a.png", True),
        ("\\\\nas\\a.png", True),
        ("file:///a/b.png", True),
        ("models/a.safetensors", False),
        ("/", False),
        ("晨/暮", False),
        ("tripcanvas/picture", False),
    ],
)
def test_paths_of_a_machine_are_told_from_names(value: str, is_path: bool) -> None:
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": value}, "_meta": {"title": "图"}}}

    assert bool(paths_of(graph)) is is_path
