"""Where secrets come from: the environment, KMS, a file; and that nothing shows them."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import cli
import localcloud
import shared
from localcloud import acs3
from localcloud.signing import WireRequest
from shared.clouds.kms import unlocked
from shared.errors import Misconfigured, OutcomeUnknown
from shared.services import services_for
from shared.settings import Credentials, Settings
from tests.unit.clouds.scripted import HTML, Reply

KEYS = Credentials("STS.role", "secret-7b1e", "token-7b1e")
BLOB = base64.b64encode("密文/+=".encode()).decode()
PLAIN = "sk-decrypted-4711"


def decrypted(text: str) -> Reply:
    return Reply(200, json.dumps({"Plaintext": text, "KeyId": "k", "RequestId": "r"}).encode())


def locked(service) -> Settings:
    return Settings(dashscope_api_key=f"kms:{BLOB}", eas_token="clear", kms_endpoint=service.url)


def test_an_encrypted_secret_is_decrypted_by_a_signed_call_of_the_role(service):
    service.answers(decrypted(PLAIN))
    settings = unlocked(locked(service), KEYS)
    assert (settings.dashscope_api_key, settings.eas_token) == (PLAIN, "clear")
    [seen] = service.seen
    assert (seen.method, seen.query) == ("POST", {"CiphertextBlob": BLOB})
    assert (seen.headers["x-acs-action"], seen.headers["x-acs-version"]) == ("Decrypt", "2016-01-20")
    assert seen.headers["x-acs-security-token"] == KEYS.security_token
    query = f"CiphertextBlob={BLOB.replace('/', '%2F').replace('+', '%2B').replace('=', '%3D')}"
    acs3.verify(
        WireRequest("POST", "/", query, seen.headers), seen.body,
        access_key_id=KEYS.access_key_id, access_key_secret=KEYS.access_key_secret,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(403, b'{"Code":"Forbidden.NoPermission"}'), Misconfigured),
        (Reply(404), Misconfigured),
        (Reply(500), OutcomeUnknown),
        (HTML, OutcomeUnknown),
        (decrypted(" "), Misconfigured),
    ],
    ids=["forbidden", "no key", "broken", "html", "empty"],
)
def test_a_secret_that_is_not_decrypted_stops_the_function_and_is_not_shown(service, reply, error):
    service.answers(reply)
    with pytest.raises(error) as raised:
        unlocked(locked(service), KEYS)
    assert BLOB not in str(raised.value)


def test_an_instance_decrypts_when_it_starts_and_not_again(service, monkeypatch):
    service.answers(decrypted(PLAIN))
    monkeypatch.setenv("DASHSCOPE_API_KEY", f"kms:{BLOB}")
    monkeypatch.setenv("TRIPCANVAS_KMS_ENDPOINT", service.url)
    for name, value in (("ID", "LTAI4711"), ("SECRET", "s-4711")):
        monkeypatch.setenv(f"ALIBABA_CLOUD_ACCESS_KEY_{name}", value)
    monkeypatch.delenv("ALIBABA_CLOUD_SECURITY_TOKEN", raising=False)
    assert services_for(None).settings.dashscope_api_key == PLAIN
    assert services_for(None).settings.dashscope_api_key == PLAIN
    assert len(service.seen) == 1


@pytest.fixture
def file(tmp_path) -> Path:
    made = tmp_path / "credentials.toml"
    made.touch(mode=0o600)
    made.write_text('dashscope_api_key = "sk-file"\neas_token = "eas-file"\ndashscope_url = "https://x"\n', "utf-8")
    return made


def test_secrets_that_the_environment_leaves_open_come_from_the_file(file):
    settings = Settings.from_environment({"TRIPCANVAS_CREDENTIALS_FILE": str(file), "TRIPCANVAS_EAS_TOKEN": "eas-env"})
    assert (settings.dashscope_api_key, settings.eas_token, settings.feed_secret) == ("sk-file", "eas-env", "")
    assert settings.dashscope_url == Settings().dashscope_url


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.chmod(0o640), "mode 600"),
        (lambda file: file.unlink(), "absent"),
        (lambda file: file.write_text("dashscope_api_key = 'sk-密钥"), "not valid TOML"),
        (lambda file: file.write_bytes(b"a = '\xff'"), "not valid TOML"),
        (lambda file: file.write_text("eas_token = 7"), "eas_token that is not a text"),
        (lambda file: file.write_bytes(b"#" * 70_000), "small regular file"),
    ],
)
def test_a_file_that_others_could_read_or_that_is_none_is_refused_without_a_word_of_it(file, spoil, why):
    spoil(file)
    with pytest.raises(Misconfigured, match=why) as raised:
        Settings.from_environment({"TRIPCANVAS_CREDENTIALS_FILE": str(file)})
    assert "密钥" not in str(raised.value)
    assert str(file) not in str(raised.value)


_SECRET_NAME = ("secret", "token", "api_key", "password")
#: What has such a word in its name and is no secret.
_NOT_SECRET = {"next_token", "token_name", "has_token"}


def test_no_dataclass_shows_a_field_that_is_a_secret_by_its_name():
    found = {}
    for package in (shared, cli, localcloud):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.name:
                    found |= {
                        f"{module.name}.{value.__name__}.{field.name}": field.repr
                        for field in dataclasses.fields(value)
                        if any(word in field.name for word in _SECRET_NAME)
                        and field.name not in _NOT_SECRET
                        and field.type in ("str", "bytes", str, bytes, "Any")
                    }
    assert "shared.settings.Settings.feed_secret" in found
    assert [name for name, shown in found.items() if shown] == []
