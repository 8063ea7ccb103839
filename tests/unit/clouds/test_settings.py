"""Settings, credentials, and the services built from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta, timezone

import pytest

from shared.errors import Misconfigured
from shared.services import Services, services_for, time_left
from shared.settings import Credentials, Settings, credentials_of

CREDENTIALS = Credentials("LTAI0123", "secret-7b1e")
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc)


@dataclass
class Given:
    access_key_id: str | None
    access_key_secret: str = "given-secret"
    security_token: str | None = None


@dataclass
class Context:
    credentials: Given | None = None


@pytest.fixture
def environment(monkeypatch):
    """An environment without access keys, to which a test adds."""
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def services(**settings: str) -> Services:
    return Services(Settings(**settings), CREDENTIALS)


def test_an_empty_variable_counts_as_absent():
    settings = Settings.from_environment({"TRIPCANVAS_REGION": "  ", "TRIPCANVAS_FEED_URL": " https://feed/api "})
    assert settings.region == "cn-shanghai"
    assert settings.feed_url == "https://feed/api"


def test_every_setting_has_a_variable_of_its_own():
    variables = [Settings.variable(setting.name) for setting in fields(Settings)]
    assert len(set(variables)) == len(variables)
    values = {variable: f"值-{variable}" for variable in variables}
    settings = Settings.from_environment(values)
    assert [getattr(settings, setting.name) for setting in fields(Settings)] == list(values.values())


def test_a_missing_setting_is_named_by_its_variable():
    with pytest.raises(Misconfigured, match="^TRIPCANVAS_PRODUCER_CODE is not set$"):
        Settings().need("producer_code")


@pytest.mark.parametrize("value", ["很久", "0", "-5", "nan", "inf", "1e12", "1 h"])
def test_a_number_that_is_none_is_named_by_its_variable(value):
    with pytest.raises(Misconfigured, match="^TRIPCANVAS_RENDER_DEADLINE_S must be a positive number$"):
        Settings(render_deadline_s=value).number("render_deadline_s")


def test_numbers_may_have_a_fraction():
    assert Settings(text_timeout_s="2.5").number("text_timeout_s") == 2.5


def test_secrets_are_kept_out_of_every_repr():
    settings = Settings(dashscope_api_key="sk-1", eas_token="eas-1", feed_secret="whsec_1")
    shown = repr(settings) + repr(Credentials("LTAI", "secret-1", "token-1")) + repr(Services(settings, CREDENTIALS))
    for secret in ("sk-1", "eas-1", "whsec_1", "secret-1", "token-1", CREDENTIALS.access_key_secret):
        assert secret not in shown


def test_credentials_of_the_invocation_go_before_those_of_the_environment(environment):
    environment.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI-environment")
    environment.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")
    given = Context(Given("STS.1", "given-secret", "token"))
    assert credentials_of(given) == Credentials("STS.1", "given-secret", "token")
    assert credentials_of(Context(Given("STS.1"))).security_token == ""


@pytest.mark.parametrize("context", [None, Context(), Context(Given(None)), Context(Given(""))])
def test_without_credentials_of_the_invocation_the_environment_has_them(environment, context):
    environment.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.2")
    environment.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")
    environment.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "t")
    assert credentials_of(context) == Credentials("STS.2", "s", "t")


@pytest.mark.parametrize("name", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
def test_half_a_key_is_none(environment, name):
    environment.setenv(name, "only this")
    with pytest.raises(Misconfigured, match="no credentials"):
        credentials_of(None)


def test_an_instance_keeps_its_services_until_its_credentials_change(environment):
    first = services_for(Context(Given("STS.1", "s", "token-1")))
    assert services_for(Context(Given("STS.1", "s", "token-1"))) is first
    renewed = services_for(Context(Given("STS.1", "s", "token-2")))
    assert renewed is not first
    assert renewed.credentials.security_token == "token-2"


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("ledger", "TRIPCANVAS_OSS_ENDPOINT"),
        ("gallery", "TRIPCANVAS_OSS_ENDPOINT"),
        ("renders", "TRIPCANVAS_OSS_ENDPOINT"),
        ("messages", "TRIPCANVAS_MNS_ENDPOINT"),
        ("text_model", "DASHSCOPE_API_KEY"),
        ("image_queue", "TRIPCANVAS_EAS_URL"),
        ("feed", "TRIPCANVAS_FEED_URL"),
    ],
)
def test_a_service_without_its_settings_names_the_first_that_is_missing(service, variable):
    with pytest.raises(Misconfigured, match=f"^{variable} is not set$"):
        getattr(services(), service)


def test_a_service_is_built_once():
    built = services(eas_url="http://eas", eas_token="t")
    assert built.image_queue is built.image_queue


def test_deadlines_come_from_the_settings():
    built = services(step_allowance_s="60", render_deadline_s="120", lifetime_s="3600.5")
    assert built.step_allowance == timedelta(minutes=1)
    assert built.render_deadline == timedelta(minutes=2)
    assert built.lifetime == timedelta(seconds=3600.5)


def test_the_time_is_utc():
    assert services().now().tzinfo is timezone.utc


@dataclass
class Function:
    timeout: object


@dataclass
class Invocation:
    function: Function


def test_an_invocation_ends_after_the_functions_timeout():
    assert time_left(Invocation(Function(120))) == timedelta(seconds=120)


@pytest.mark.parametrize("context", [None, Invocation(Function(None)), Invocation(Function("soon"))])
def test_an_invocation_that_does_not_say_so_has_all_day(context):
    assert time_left(context) == timedelta(days=1)


def test_a_style_that_is_not_deployed_any_more_is_a_fault_of_the_deployment():
    assert services().style("ink_wash").name_zh == "水墨"
    with pytest.raises(Misconfigured, match=r"cubism\.toml"):
        services().style("cubism")
