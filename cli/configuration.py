"""The configuration pages and ``deploy/example.env``, from the settings: ``python -m cli.configuration`` writes them.

Which function reads a setting is what ``s.yaml`` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.variables import OTHERS, Variable, every_variable, settings_variables
from localcloud.fc.deployment import read_deployment

ROOT = Path(__file__).parent.parent

_READERS = {
    "functions": ("functions", "函数"),
    "deployment": ("files of the deployment", "部署所用的文件"),
    "command": ("the command", "命令"),
    "local": ("the embedded cloud", "内置的云"),
    "gpu": ("the GPU side", "GPU 一侧"),
}
#: The first setting of each section, with its headings.
_SECTIONS = {
    "TRIPCANVAS_REGION": ("Region and storage", "地域与存储"),
    "TRIPCANVAS_MNS_ENDPOINT": ("Messages", "消息"),
    "TRIPCANVAS_DASHSCOPE_URL": ("Models", "模型"),
    "TRIPCANVAS_GREEN_ENDPOINT": ("Moderation", "内容审核"),
    "TRIPCANVAS_EAS_URL": ("Painting", "绘制"),
    "TRIPCANVAS_RENDER_DEADLINE_S": ("Deadlines and prices", "期限与价格"),
    "TRIPCANVAS_FEED_TARGET": ("Feed and label", "社区与标识"),
}
_INTRODUCTION = {
    "en": """# Configuration

*[中文](configuration.zh-CN.md)*

Every setting, generated from the code by `python -m cli.configuration`: change it there, in `shared/settings.py`.
A function reads its settings from its environment, which `s.yaml` fills from variables of the same names; a command
reads them from a file of `NAME=value` lines (`--env FILE`). [`deploy/example.env`](../deploy/example.env) is such a
file, to be filled in: keep yours out of the repository, readable by you alone (`chmod 600`).

```
tripcanvas settings                     # what is in force in the embedded cloud, secrets masked
tripcanvas settings --env prod.env      # what a file sets, misspelt names and unfit values told
tripcanvas check --env prod.env         # whether the services agree
```

An empty variable counts as absent. A secret may stand in the environment as `kms:<CiphertextBlob>`, encrypted by
KMS, or in the file that `TRIPCANVAS_CREDENTIALS_FILE` names. **A function's environment holds at most 4 KB in all.**
""",
    "zh": """# 配置

*[English](configuration.md)*

本页列出全部设置，由 `python -m cli.configuration` 从代码生成：要修改请改 `shared/settings.py`。函数从环境变量读取设置，
`s.yaml` 用同名变量填写；命令从每行一个 `NAME=value` 的文件读取（`--env FILE`）。
[`deploy/example.env`](../deploy/example.env) 就是这样一个待填写的文件：填好后不要放进代码仓库，并设为仅自己可读
（`chmod 600`）。

```
tripcanvas settings                     # 内置云里正在生效的设置，密钥打码
tripcanvas settings --env prod.env      # 某个文件设了什么，指出拼错的名称和不合适的值
tripcanvas check --env prod.env         # 逐个询问服务是否与设置一致
```

变量为空视为没有设置。密钥可以写成经 KMS 加密的 `kms:<CiphertextBlob>`，也可以放在 `TRIPCANVAS_CREDENTIALS_FILE`
指定的文件里。**一个函数的环境变量总共不超过 4 KB。**
""",
}
_HEADINGS = {
    "en": ("name", "default", "what it is", "read by"),
    "zh": ("名称", "默认值", "含义", "由谁读取"),
}
_WORDS = {
    "en": {"secret": "secret", "one of": "one of", "all": "all functions", "others": "Everything else"},
    "zh": {"secret": "密钥", "one of": "可选", "all": "所有函数", "others": "其他变量"},
}
_UNITS = {
    "s": ("seconds", "秒"),
    "bytes": ("bytes", "字节"),
    "factor": ("a factor", "倍数"),
    "instances": ("a number", "个数"),
}
_ENV_HEADER = """# The settings of one deployment; generated from the code, see docs/configuration.md.
# Copy it, fill it in, keep it out of the repository and readable by you alone (chmod 600).
# Lines that begin with "#" show the default. A secret may be kms:<CiphertextBlob> instead of clear text.
"""


def files() -> dict[Path, str]:
    """Every generated file with its text. Raises what reading ``s.yaml`` raises."""
    readers = functions_of(ROOT / "s.yaml")
    return {
        ROOT / "docs" / "configuration.md": page("en", readers),
        ROOT / "docs" / "configuration.zh-CN.md": page("zh", readers),
        ROOT / "deploy" / "example.env": example(),
    }


def functions_of(file: Path) -> Mapping[str, frozenset[str]]:
    """The variables that ``s.yaml`` gives each function. Raises `localcloud.fc.deployment.DeploymentError`."""
    given = {variable.name: variable.default or "1" for variable in every_variable()}
    deployed = read_deployment(file, given, "1000000000000001")
    return {function.name.removeprefix("tripcanvas-"): frozenset(function.environment) for function in deployed}


def page(language: str, readers: Mapping[str, frozenset[str]]) -> str:
    """The page in ``en`` or ``zh``."""
    return "".join((_INTRODUCTION[language], *_tables(language, readers)))


def _tables(language: str, readers: Mapping[str, frozenset[str]]) -> Iterator[str]:
    which = 0 if language == "en" else 1
    head = f"\n| {' | '.join(_HEADINGS[language])} |\n|---|---|---|---|\n"
    for variable in settings_variables():
        if variable.name in _SECTIONS:
            yield f"\n## {_SECTIONS[variable.name][which]}\n{head}"
        yield _row(variable, language, _by(variable.name, readers, language))
    yield f"\n## {_WORDS[language]['others']}\n{head}"
    for variable in OTHERS:
        yield _row(variable, language, _READERS[variable.reader][which])


def _row(variable: Variable, language: str, by: str) -> str:
    words, which = _WORDS[language], 0 if language == "en" else 1
    about = [variable.en if language == "en" else variable.zh]
    if variable.choices:
        listed = ("; " if language == "en" else "；").join(f"`{choice}`" for choice in variable.choices)
        about.append(f"{words['one of']}: {listed}." if language == "en" else f"{words['one of']}：{listed}。")
    default = f"`{variable.default}`" if variable.default else ""
    if variable.unit:
        default = f"{default} {_UNITS[variable.unit][which]}"
    name = f"`{variable.name}`" + (f" ({words['secret']})" if variable.secret else "")
    return f"| {name} | {default} | {' '.join(about) if language == 'en' else ''.join(about)} | {by} |\n"


def _by(name: str, readers: Mapping[str, frozenset[str]], language: str) -> str:
    given = [function for function, names in readers.items() if name in names]
    if len(given) == len(readers):
        return _WORDS[language]["all"]
    return ", ".join(given) or ("no function" if language == "en" else "没有函数")


def example() -> str:
    """A file for ``--env``, with every setting and what a deployment needs besides."""
    lines = [_ENV_HEADER]
    for variable in every_variable():
        if variable.name in _SECTIONS:
            lines.append(f"\n# == {_SECTIONS[variable.name][0]} / {_SECTIONS[variable.name][1]}\n")
        elif variable == OTHERS[0]:
            lines.append("\n# == Account and access / 账号与访问\n")
        if variable.reader in ("local", "gpu") or variable.name == "TRIPCANVAS_ENV":
            continue
        unit = f" ({_UNITS[variable.unit][0]})" if variable.unit else ""
        choices = f" {' or '.join(variable.choices)}." if variable.choices else ""
        lines.append(f"# {variable.en}{choices}{unit}\n")
        is_optional = variable.default or variable.name in _OPTIONAL
        lines.append(f"{'#' if is_optional else ''}{variable.name}={_quoted(variable.default)}\n")
    return "".join(lines)


#: Without a default, and yet not needed by everybody.
_OPTIONAL = frozenset(
    {
        "ALIBABA_CLOUD_SECURITY_TOKEN", "COMFYUI_TOKEN", "TRIPCANVAS_ACTION_POLICY", "TRIPCANVAS_CREDENTIALS_FILE",
        "TRIPCANVAS_EAS_CONTROL_URL", "TRIPCANVAS_FC_ENDPOINT", "TRIPCANVAS_KMS_ENDPOINT", "TRIPCANVAS_KMS_KEY",
        "TRIPCANVAS_OTLP_URL", "TRIPCANVAS_PRICES", "TRIPCANVAS_RESULT_QUEUE", "TRIPCANVAS_SECURITY_GROUP_ID",
        "TRIPCANVAS_SLS_ENDPOINT", "TRIPCANVAS_STS_ENDPOINT", "TRIPCANVAS_TRIP_QUEUE", "TRIPCANVAS_VPC_ID",
        "TRIPCANVAS_VSWITCH_ID",
    }
)  # fmt: skip


def _quoted(value: str) -> str:
    return f"'{value}'" if " " in value else value


def main() -> None:
    """Write every generated file."""
    for file, text in files().items():
        file.write_text(text, "utf-8")
        print(file.relative_to(ROOT))  # noqa: T201


if __name__ == "__main__":
    main()
