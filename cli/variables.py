"""Every variable that the product reads: the functions' settings, and those of deployment, command and GPU side."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from cli.eas.settings import FILE as EAS_SETTINGS
from shared.settings import Settings

Reader = Literal["functions", "deployment", "command", "local", "gpu"]

#: Names that look like ours; only such are called unknown, because a file may hold others' variables too.
_OURS = re.compile(r"(?:TRIPCANVAS|DASHSCOPE|ALIBABA_CLOUD|COMFYUI)_[A-Z0-9_]+")
_NAME = re.compile(r"(?:TRIPCANVAS|DASHSCOPE|ALIBABA_CLOUD|COMFYUI)_[A-Z0-9_]*[A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `unit` is that of a positive number, `choices` are all it may be; `en` and `zh` say what for."""

    name: str
    default: str
    reader: Reader
    en: str
    zh: str
    secret: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()

    def fault_of(self, value: str) -> str:
        """What is wrong with a value, as the end of a sentence that does not repeat it; "" for nothing."""
        if self.choices and value not in self.choices:
            return f"must be {' or '.join(self.choices)}"
        if self.unit:
            try:
                number = float(value)
            except ValueError:
                number = 0.0
            if not 0 < number < 1e9:
                return f"must be a positive number ({self.unit})"
        return ""


def settings_variables() -> tuple[Variable, ...]:
    """The functions' settings, in the order of `shared.settings.Settings`."""
    return tuple(
        Variable(
            name=field.metadata["variable"],
            default=str(field.default),
            reader="functions",
            **{key: field.metadata[key] for key in ("en", "zh", "secret", "unit", "choices")},
        )
        for field in fields(Settings)
    )


#: What the functions do not read from their settings.
OTHERS = (
    Variable(
        "TRIPCANVAS_ACCOUNT_ID",
        "",
        "deployment",
        "The account's number; stands in roles, policies and addresses.",
        "账号 ID，出现在角色、权限策略和地址里。",
    ),
    Variable(
        "TRIPCANVAS_PREFIX",
        "tripcanvas",
        "deployment",
        "What names of functions and roles begin with, so that environments can share an account.",
        "函数名和角色名的开头，使多个环境可以共用一个账号。",
    ),
    Variable(
        "TRIPCANVAS_ENVIRONMENT",
        "local",
        "deployment",
        "The environment's name, `dev`, `staging` or `prod`; a tag of its functions.",
        "环境名称：`dev`、`staging` 或 `prod`，作为函数的标签。",
    ),
    Variable(
        "TRIPCANVAS_KMS_KEY",
        "",
        "deployment",
        "Id of the key that decrypts secrets written `kms:…`; `provision apply` lets the functions' roles use it.",
        "解密 `kms:…` 密文所用密钥的 ID；`provision apply` 允许各函数的角色使用它。",
    ),
    Variable(
        "TRIPCANVAS_VPC_ID",
        "",
        "deployment",
        "VPC of the functions, if `s.prod.yaml` puts them into one.",
        "函数所在的专有网络，仅当 `s.prod.yaml` 启用时需要。",
    ),
    Variable(
        "TRIPCANVAS_VSWITCH_ID",
        "",
        "deployment",
        "Its vSwitch.",
        "其交换机。",
    ),
    Variable(
        "TRIPCANVAS_SECURITY_GROUP_ID",
        "",
        "deployment",
        "Its security group.",
        "其安全组。",
    ),
    Variable(
        "TRIPCANVAS_SWEEP_SCHEDULE",
        "@every 1m",
        "deployment",
        "How often the sweeper runs, as a schedule of Function Compute.",
        "巡检函数的运行频率，写法同函数计算的定时触发器。",
    ),
    Variable(
        "TRIPCANVAS_LOG_PROJECT",
        "",
        "deployment",
        "Project of SLS that takes the functions' logs; its name is unique in the region, across all accounts.",
        "接收函数日志的 SLS 项目，名称在地域内唯一，不分账号。",
    ),
    Variable(
        "TRIPCANVAS_LOG_STORE",
        "functions",
        "deployment",
        "Its log store.",
        "其日志库。",
    ),
    Variable(
        "TRIPCANVAS_ACTION_POLICY",
        "",
        "deployment",
        "Action policy of SLS: whom alerts wake, such as `sls.builtin`. Empty: `provision apply` makes no alerts.",
        "SLS 行动策略，决定告警叫醒谁，例如 `sls.builtin`。留空：`provision apply` 不建立告警。",
    ),
    Variable(
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "",
        "command",
        "Access key of who runs the command. A function gets its role's from Function Compute.",
        "运行命令的人的 AccessKey ID。函数从函数计算得到其角色的密钥。",
    ),
    Variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "", "command", "Its secret.", "对应的 AccessKey Secret。", secret=True),
    Variable(
        "ALIBABA_CLOUD_SECURITY_TOKEN",
        "",
        "command",
        "The token of a key that ends (STS).",
        "临时密钥（STS）的安全令牌。",
        secret=True,
    ),
    Variable(
        "TRIPCANVAS_CREDENTIALS_FILE",
        "",
        "functions",
        "A TOML file that only its owner can read, with secrets that the environment leaves open.",
        "仅所有者可读的 TOML 文件，存放环境变量里没有给出的密钥。",
    ),
    Variable(
        "TRIPCANVAS_FC_ENDPOINT",
        "",
        "command",
        "Address of Function Compute. Empty: the region's.",
        "函数计算的地址。留空：本地域的地址。",
    ),
    Variable(
        "TRIPCANVAS_RAM_ENDPOINT",
        "https://ram.aliyuncs.com",
        "command",
        "Address of RAM.",
        "RAM（访问控制）的地址。",
    ),
    Variable(
        "TRIPCANVAS_STS_ENDPOINT",
        "",
        "command",
        "Address of STS. Empty: the region's.",
        "STS 的地址。留空：本地域的地址。",
    ),
    Variable(
        "TRIPCANVAS_SLS_ENDPOINT",
        "",
        "command",
        "Address of SLS (logs), without a project. Empty: the region's.",
        "SLS（日志服务）的地址，不含项目名。留空：本地域的地址。",
    ),
    Variable(
        "TRIPCANVAS_EAS_CONTROL_URL",
        "",
        "command",
        "Address of EAS's control plane. Empty: the region's.",
        "EAS 管控接口的地址。留空：本地域的地址。",
    ),
    Variable(
        "TRIPCANVAS_ENV",
        "",
        "command",
        "The file of `--env`, for commands that act on an account. `check` and `settings` want it named.",
        "`--env` 的文件，供作用于账号的命令使用。`check` 和 `settings` 须写明 `--env`。",
    ),
    Variable(
        "TRIPCANVAS_HOME",
        ".tripcanvas",
        "local",
        "State folder of the embedded cloud.",
        "内置云的状态文件夹。",
    ),
    Variable(
        "TRIPCANVAS_S_YAML",
        "",
        "local",
        "The file that the embedded Function Compute deploys. Empty: the project's `s.yaml`.",
        "内置函数计算所部署的文件。留空：项目的 `s.yaml`。",
    ),
    Variable(
        "TRIPCANVAS_LOCAL_FAULTS",
        "",
        "local",
        "File of fault rules that services begin with.",
        "服务启动时载入的故障规则文件。",
    ),
    Variable(
        "TRIPCANVAS_LOCAL_TIME_SCALE",
        "0.1",
        "local",
        "Factor on the pauses between retries of the embedded Function Compute and SMQ.",
        "内置函数计算和消息队列重试间隔的倍数。",
        unit="factor",
    ),
    Variable(
        "TRIPCANVAS_LOCAL_GPU_INSTANCES",
        "1",
        "local",
        "How many instances of the embedded ComfyUI paint side by side.",
        "内置 ComfyUI 同时绘制的实例数。",
        unit="instances",
    ),
    Variable(
        "TRIPCANVAS_LOCAL_INSTANT_MODELS",
        "0",
        "local",
        "`1`: pictures cost almost nothing, for measuring everything else.",
        "`1`：图片几乎不费时间，便于测量其他部分。",
        choices=("0", "1"),
    ),
    Variable(
        "COMFYUI_URL",
        "",
        "local",
        "A real ComfyUI that takes the graphs in place of the embedded one.",
        "代替内置 ComfyUI 接收图的真实服务器。",
    ),
    Variable(
        "COMFYUI_TOKEN",
        "",
        "command",
        "Its token, for `tripcanvas workflows --url`.",
        "其 Token，用于 `tripcanvas workflows --url`。",
        secret=True,
    ),
    Variable(
        "TRIPCANVAS_CARS",
        "",
        "gpu",
        "Folder of the car packs, for the ComfyUI nodes. Empty: `models/cars` of ComfyUI.",
        "ComfyUI 节点所用车辆素材包的文件夹。留空：ComfyUI 的 `models/cars`。",
    ),
)


def every_variable() -> tuple[Variable, ...]:
    """All of them, the settings first."""
    return (*settings_variables(), *OTHERS)


def complaints(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a file's variables: name, what, and what to do. Values are not repeated."""
    known = {variable.name: variable for variable in every_variable()}
    also = names_in(EAS_SETTINGS.read_text("utf-8")) if EAS_SETTINGS.is_file() else set()
    for name, value in environment.items():
        variable = known.get(name)
        if variable is not None:
            fault = variable.fault_of(value.strip()) if value.strip() and not value.startswith("kms:") else ""
            if fault:
                yield name, fault, "set it right"
        elif _OURS.fullmatch(name) and name not in also:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            yield name, "nothing reads it", f"did you mean {near[0]}?" if near else "take it out"


def names_in(text: str) -> set[str]:
    """The names in a text that look like the product's variables."""
    return set(_NAME.findall(text))
