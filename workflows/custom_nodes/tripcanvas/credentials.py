"""Key and address of DashScope: from the server's environment, or from a file that only the server's user can read."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import NotConfigured

BEIJING = "https://dashscope.aliyuncs.com/api/v1"
#: Names a TOML file: ``dashscope_api_key = "sk-…"`` and, if wanted, ``dashscope_url = "https://…"``.
FILE_VARIABLE = "TRIPCANVAS_CREDENTIALS_FILE"
_MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where DashScope is and with which key; neither is ever shown."""

    base_url: str
    api_key: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def credentials() -> Credentials:
    """From ``DASHSCOPE_API_KEY`` and ``TRIPCANVAS_DASHSCOPE_URL``, and what these leave open from the file.

    Read anew each time, so that a key can be exchanged without a restart. Raises `NotConfigured` for a file that is
    named but can't be used.
    """
    key = os.environ.get("DASHSCOPE_API_KEY", "").strip()
    url = os.environ.get("TRIPCANVAS_DASHSCOPE_URL", "").strip()
    if not key:
        kept = _from_file()
        key, url = kept.get("dashscope_api_key", ""), url or kept.get("dashscope_url", "")
    return Credentials(url or BEIJING, key)


def _from_file() -> dict[str, str]:
    name = os.environ.get(FILE_VARIABLE, "").strip()
    if not name:
        return {}
    file = Path(name)
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise _unusable("不是普通的小文件", "is not a small regular file")
        if os.name == "posix" and status.st_mode & 0o077:
            raise _unusable(
                "的权限应为 600（现在其他用户也能读取）", "must have mode 600: other users can read it as it is"
            )
        text = file.read_bytes().decode("utf-8")
    except OSError:
        raise _unusable("不存在或无法读取", "is absent or can't be read") from None
    except UnicodeDecodeError:
        raise _unusable("不是 UTF-8 文本", "is not UTF-8 text") from None
    return _parsed(text)


def _parsed(text: str) -> dict[str, str]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # The parser's own message may repeat a line of the file.
        raise _unusable("不是正确的 TOML", "is not valid TOML") from None
    kept = {}
    for field in ("dashscope_api_key", "dashscope_url"):
        value = content.get(field, "")
        if not isinstance(value, str):
            raise _unusable(f"的 {field} 应为字符串", f"holds a {field} that is not a string")
        kept[field] = value.strip()
    if not kept["dashscope_api_key"]:
        raise _unusable("里没有 dashscope_api_key", "holds no dashscope_api_key")
    return kept


def _unusable(zh: str, en: str) -> NotConfigured:
    return NotConfigured(f"{FILE_VARIABLE} 指定的文件{zh}", f"the file named by {FILE_VARIABLE} {en}")
