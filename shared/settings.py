"""The deployment's settings, read from the environment once per function instance.

Secrets are kept out of every repr. They come from the environment, encrypted by KMS if one likes (`shared.clouds.kms`),
or from a file. A setting that a step needs and that is empty raises `Misconfigured` when the step
asks for it, so that a function needs only the settings of its own work.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shared.errors import Misconfigured

#: Names a TOML file that only its owner can read, with ``dashscope_api_key = "sk-…"`` and other secrets in it.
CREDENTIALS_FILE = "TRIPCANVAS_CREDENTIALS_FILE"


#: What the value of a secret begins with that KMS has encrypted; the rest is KMS's CiphertextBlob.
ENCRYPTED = "kms:"


def _setting(
    variable: str,
    default: str = "",
    *,
    en: str = "",
    zh: str = "",
    secret: bool = False,
    unit: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """A setting's field. `unit` makes it a positive number, `choices` are all it may be, `en` and `zh` say what for."""
    told = {"variable": variable, "secret": secret, "unit": unit, "choices": choices, "en": en, "zh": zh}
    return field(default=default, repr=not secret, metadata=told)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the functions, all as text; the field's metadata names its variable and says what it does.

    ``docs/configuration.md`` and ``deploy/example.env`` are generated from here (`cli.configuration`).
    """

    region: str = _setting(
        "TRIPCANVAS_REGION",
        "cn-shanghai",
        en="Region of everything but the models.",
        zh="除模型以外所有资源所在的地域。",
    )
    kms_endpoint: str = _setting(
        "TRIPCANVAS_KMS_ENDPOINT",
        en="Where secrets written `kms:…` are decrypted. Empty: the region's public address.",
        zh="写成 `kms:…` 的密钥在哪里解密。留空：本地域的公网地址。",
    )
    oss_endpoint: str = _setting(
        "TRIPCANVAS_OSS_ENDPOINT",
        en="Address of OSS, such as `https://oss-cn-shanghai-internal.aliyuncs.com`.",
        zh="OSS 地址，例如 `https://oss-cn-shanghai-internal.aliyuncs.com`。",
    )
    ledger_bucket: str = _setting(
        "TRIPCANVAS_LEDGER_BUCKET",
        en="Bucket of the journeys' records. Never versioned.",
        zh="保存旅程记录（账本）的存储桶。绝不能开启版本控制。",
    )
    gallery_bucket: str = _setting(
        "TRIPCANVAS_GALLERY_BUCKET",
        en="Bucket of the labelled pictures.",
        zh="保存已加标识图片的存储桶。",
    )
    gallery_url: str = _setting(
        "TRIPCANVAS_GALLERY_URL",
        en="Address under which the gallery's public objects are read: a domain of yours, or the bucket's own.",
        zh="读取图库公开对象的地址：自己的域名，或存储桶自带的域名。",
    )
    render_bucket: str = _setting(
        "TRIPCANVAS_RENDER_BUCKET",
        en="Bucket that the GPU side writes to: that of the EAS service's `storage`.",
        zh="GPU 一侧写入的存储桶：即 EAS 服务 `storage` 里的那个。",
    )
    render_prefix: str = _setting(
        "TRIPCANVAS_RENDER_PREFIX",
        "comfy",
        en="Prefix of the EAS service's mount in that bucket.",
        zh="EAS 服务在该存储桶里的挂载前缀。",
    )

    mns_endpoint: str = _setting(
        "TRIPCANVAS_MNS_ENDPOINT",
        en="The account's address of SMQ (MNS).",
        zh="本账号的轻量消息队列（MNS）地址。",
    )
    trip_topic: str = _setting(
        "TRIPCANVAS_TRIP_TOPIC",
        "trip-completed",
        en="Topic that the vehicle platform publishes trips to.",
        zh="车联网平台发布旅程的主题。",
    )
    result_topic: str = _setting(
        "TRIPCANVAS_RESULT_TOPIC",
        "render-finished",
        en="Topic that finished renders are forwarded to.",
        zh="绘制结果转发到的主题。",
    )
    trip_queue: str = _setting(
        "TRIPCANVAS_TRIP_QUEUE",
        en="Queue that workers take trips from; empty where a function is subscribed to the topic.",
        zh="工作进程从中取行程的队列；由函数订阅主题时留空。",
    )
    result_queue: str = _setting(
        "TRIPCANVAS_RESULT_QUEUE",
        en="Queue that workers take finished renders from; empty where a function is subscribed to the topic.",
        zh="工作进程从中取绘制结果的队列；由函数订阅主题时留空。",
    )
    dead_letter_queue: str = _setting(
        "TRIPCANVAS_DEAD_LETTER_QUEUE",
        "tripcanvas-dead-letters",
        en="Queue of messages that can't be handled.",
        zh="无法处理的消息所在的队列。",
    )

    dashscope_url: str = _setting(
        "TRIPCANVAS_DASHSCOPE_URL",
        "https://dashscope.aliyuncs.com/api/v1",
        en="Base address of Model Studio.",
        zh="百炼（Model Studio）的基础地址。",
    )
    dashscope_api_key: str = _setting(
        "DASHSCOPE_API_KEY",
        en="API key of Model Studio, of the same site.",
        zh="百炼的 API Key，须与地址属于同一站点。",
        secret=True,
    )
    text_model: str = _setting(
        "TRIPCANVAS_TEXT_MODEL",
        "qwen3.7-plus",
        en="Model that writes prompt, title and caption. It must answer in JSON.",
        zh="写提示词、标题和文案的模型。须能以 JSON 回答。",
    )
    text_timeout_s: str = _setting(
        "TRIPCANVAS_TEXT_TIMEOUT_S",
        "15",
        en="How long it may take; then the template writes.",
        zh="最长等待时间；超时后由模板来写。",
        unit="s",
    )
    judge_model: str = _setting(
        "TRIPCANVAS_JUDGE_MODEL",
        "qwen3.7-plus",
        en="Model that judges finished pictures; `off` leaves that out.",
        zh="评判成图的模型；`off` 表示不评判。",
    )
    judge_timeout_s: str = _setting(
        "TRIPCANVAS_JUDGE_TIMEOUT_S",
        "30",
        en="How long it may take.",
        zh="评判最长等待时间。",
        unit="s",
    )
    image_model: str = _setting(
        "TRIPCANVAS_IMAGE_MODEL",
        "wan2.2-t2i-flash",
        en="Model that paints, in workflows whose nodes call one.",
        zh="绘画模型，用于节点会调用模型的工作流。",
    )

    green_endpoint: str = _setting(
        "TRIPCANVAS_GREEN_ENDPOINT",
        "https://green-cip.cn-shanghai.aliyuncs.com",
        en="Address of Content Moderation, in a region that has the services below.",
        zh="内容安全的地址，其地域须提供下面这些服务。",
    )
    green_words_service: str = _setting(
        "TRIPCANVAS_GREEN_WORDS_SERVICE",
        "llm_query_moderation",
        en="Service that checks the words of a trip before a model reads them.",
        zh="在模型读到之前检查旅程文字的服务。",
    )
    green_answer_service: str = _setting(
        "TRIPCANVAS_GREEN_ANSWER_SERVICE",
        "llm_response_moderation",
        en="Service that checks what the model wrote.",
        zh="检查模型所写内容的服务。",
    )
    green_name_service: str = _setting(
        "TRIPCANVAS_GREEN_NAME_SERVICE",
        "nickname_detection_pro",
        en="Service that checks a team's name.",
        zh="检查队伍名称的服务。",
    )
    green_picture_services: str = _setting(
        "TRIPCANVAS_GREEN_PICTURE_SERVICES",
        "aigcCheck,baselineCheck",
        en="Services that check the picture, separated by commas; each of them must let it pass.",
        zh="检查图片的服务，以逗号分隔；每一个都必须放行。",
    )
    green_low: str = _setting(
        "TRIPCANVAS_GREEN_LOW",
        "pass",
        en="What becomes of low risk: it passes, or is held for a person.",
        zh="低风险如何处理：放行，或留给人工。",
        choices=("pass", "hold"),
    )

    eas_url: str = _setting(
        "TRIPCANVAS_EAS_URL",
        en="Address of the EAS gateway, without a path.",
        zh="EAS 网关地址，不含路径。",
    )
    eas_service: str = _setting(
        "TRIPCANVAS_EAS_SERVICE",
        "tripcanvas_comfyui",
        en="Name of the ComfyUI service on EAS.",
        zh="EAS 上 ComfyUI 服务的名称。",
    )
    eas_token: str = _setting(
        "TRIPCANVAS_EAS_TOKEN",
        en="The service's token.",
        zh="该服务的调用 Token。",
        secret=True,
    )
    eas_edition: str = _setting(
        "TRIPCANVAS_EAS_EDITION",
        "api",
        en="Which edition of ComfyUI the service is: with a queue, or one server by itself.",
        zh="服务属于 ComfyUI 的哪个版本：带队列的 API 版，或单台服务器的标准版。",
        choices=("api", "standard"),
    )
    eas_max_payload_bytes: str = _setting(
        "TRIPCANVAS_EAS_MAX_PAYLOAD_BYTES",
        "8192",
        en="`meta.maxPayloadBytes` of the input queue: larger graphs are not sent.",
        zh="输入队列的 `meta.maxPayloadBytes`：更大的图不会发送。",
        unit="bytes",
    )
    workflow: str = _setting(
        "TRIPCANVAS_WORKFLOW",
        "wanx_scene",
        en="Workflow that paints: a folder of `workflows`.",
        zh="用来绘制的工作流：`workflows` 下的一个文件夹。",
    )
    safer_workflow: str = _setting(
        "TRIPCANVAS_SAFER_WORKFLOW",
        "wanx_scene",
        en="Workflow of a journey's third and last render.",
        zh="一段旅程第三次（最后一次）绘制所用的工作流。",
    )

    render_deadline_s: str = _setting(
        "TRIPCANVAS_RENDER_DEADLINE_S",
        "1800",
        en="How long one render may take, queueing included, before the sweeper asks what became of it.",
        zh="一次绘制（含排队）允许的时间，超过后由巡检函数查问。",
        unit="s",
    )
    step_allowance_s: str = _setting(
        "TRIPCANVAS_STEP_ALLOWANCE_S",
        "900",
        en="How long any other step may take before the sweeper acts.",
        zh="其他步骤允许的时间，超过后由巡检函数处理。",
        unit="s",
    )
    lifetime_s: str = _setting(
        "TRIPCANVAS_LIFETIME_S",
        "86400",
        en="Age at which a journey that can't be finished is closed as failed.",
        zh="无法完成的旅程经过这么久后以失败结束。",
        unit="s",
    )
    relay_seconds: str = _setting(
        "TRIPCANVAS_RELAY_SECONDS",
        "57",
        en="How long one run of the relay polls; a little under the timer's minute.",
        zh="转发函数每次运行轮询多久；略短于定时器的一分钟。",
        unit="s",
    )

    prices: str = _setting(
        "TRIPCANVAS_PRICES",
        en="A table of prices in place of `shared/data/prices.toml`: a path in the package, or an absolute one.",
        zh="代替 `shared/data/prices.toml` 的价格表：代码包里的路径，或绝对路径。",
    )

    feed_target: str = _setting(
        "TRIPCANVAS_FEED_TARGET",
        "http",
        en="Where posts go: to the site at `TRIPCANVAS_FEED_URL`, or to the topic `TRIPCANVAS_FEED_TOPIC`.",
        zh="帖子发到哪里：`TRIPCANVAS_FEED_URL` 的站点，或主题 `TRIPCANVAS_FEED_TOPIC`。",
        choices=("http", "mns"),
    )
    feed_url: str = _setting(
        "TRIPCANVAS_FEED_URL",
        en="The feed's endpoint for posts; only for the target `http`.",
        zh="社区接收帖子的地址；仅在目标为 `http` 时需要。",
    )
    feed_topic: str = _setting(
        "TRIPCANVAS_FEED_TOPIC",
        "community-feed",
        en="Topic for posts; only for the target `mns`.",
        zh="帖子的主题；仅在目标为 `mns` 时使用。",
    )
    feed_secret: str = _setting(
        "TRIPCANVAS_FEED_SECRET",
        en="Secret that signs posts, `whsec_…`; while it is being changed two, separated by a space or a comma.",
        zh="给帖子签名的密钥 `whsec_…`；更换期间可写两个，以空格或逗号分隔。",
        secret=True,
    )
    producer_code: str = _setting(
        "TRIPCANVAS_PRODUCER_CODE",
        en="The provider's 27-character code of TC260-PG-20252A, as the owner was assigned it. Never invented.",
        zh="TC260-PG-20252A 规定的 27 位服务提供者编码，须为实际分配的编码，绝不能编造。",
    )

    otlp_url: str = _setting(
        "TRIPCANVAS_OTLP_URL",
        en="Whole address for traces of an OpenTelemetry collector (OTLP over HTTP, JSON). Empty: none is sent.",
        zh="OpenTelemetry 采集端接收链路数据的完整地址（OTLP/HTTP，JSON）。留空则不发送。",
        secret=True,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; an empty variable counts as absent.

        Secrets that the environment leaves open come from the file that `CREDENTIALS_FILE` names, if it names one.
        Raises `Misconfigured` for a file that can't be used.
        """
        source = os.environ if environment is None else environment
        found = {f.name: source.get(f.metadata["variable"], "").strip() for f in fields(cls)}
        file = source.get(CREDENTIALS_FILE, "").strip()
        if file and not all(found[name] for name in cls.secrets()):
            from shared.credentials_file import read_credentials

            kept = read_credentials(Path(file), cls.secrets())
            found.update({name: found[name] or value for name, value in kept.items()})
        return cls(**{name: value for name, value in found.items() if value})

    @classmethod
    def secrets(cls) -> tuple[str, ...]:
        """The names of the settings that are secrets."""
        return tuple(f.name for f in fields(cls) if f.metadata["secret"])

    def need(self, name: str) -> str:
        """The value of one setting. Raises `Misconfigured`, naming the environment variable, when it is empty."""
        value: str = getattr(self, name)
        if not value:
            raise Misconfigured(f"{self.variable(name)} is not set")
        return value

    def number(self, name: str) -> float:
        """The value of one numeric setting. Raises `Misconfigured` when it is no positive number."""
        try:
            value = float(self.need(name))
        except ValueError:
            value = 0.0
        if not 0 < value < 1e9:
            raise Misconfigured(f"{self.variable(name)} must be a positive number")
        return value

    @classmethod
    def defaults(cls) -> dict[str, str]:
        """What stands where the environment says nothing, by the names of the environment's variables."""
        return {field.metadata["variable"]: str(field.default) for field in fields(cls)}

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of the field `name`."""
        variable: str = next(f.metadata["variable"] for f in fields(cls) if f.name == name)
        return variable


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, long-lived or by STS (`security_token` not empty)."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


def credentials_of(context: object) -> Credentials:
    """The credentials of this invocation.

    The python3.10 runtime hands them over with every request (`context.credentials`, refreshed); python3.12 only sets
    environment variables. Raises `Misconfigured` when neither has any.
    """
    given = getattr(context, "credentials", None)
    if given is not None and getattr(given, "access_key_id", None):
        return Credentials(given.access_key_id, given.access_key_secret, given.security_token or "")
    return credentials_from(os.environ)


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """The access key that the environment names. Raises `Misconfigured` when there is none."""
    access_key_id = environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    if not access_key_id or not secret:
        raise Misconfigured("no credentials: give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET")
    return Credentials(access_key_id, secret, environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))
