"""Standard Webhooks: what is signed is accepted for five minutes, and nothing else is."""

from __future__ import annotations

import base64
import time
from datetime import datetime, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.errors import InvalidInput, Misconfigured
from shared.webhooks import sign, signing_key, signing_keys, verify

# The example that the scheme's reference libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changes: str) -> dict[str, str]:
    given = {"id": MESSAGE_ID, "timestamp": str(SENT_AT), "signature": SIGNATURE} | changes
    return {f"webhook-{name}": value for name, value in given.items()}


def test_the_reference_example_is_signed_as_published() -> None:
    assert sign(SECRET, MESSAGE_ID, SENT_AT, BODY) == SIGNATURE


def test_a_signed_message_is_accepted_and_answers_its_id() -> None:
    assert verify(SECRET, headers(), BODY, now=SENT_AT + 1) == MESSAGE_ID


def test_chinese_text_is_signed_as_its_bytes() -> None:
    body = "新司机的五一出游!".encode()
    given = headers(signature=sign(SECRET, MESSAGE_ID, SENT_AT, body))
    assert verify(SECRET, given, body, now=SENT_AT) == MESSAGE_ID


@pytest.mark.parametrize("clock_difference_s", [-300, 300])
def test_clocks_may_differ_by_five_minutes(clock_difference_s: int) -> None:
    verify(SECRET, headers(), BODY, now=SENT_AT + clock_difference_s)


@pytest.mark.parametrize("clock_difference_s", [-301, 301, 86400])
def test_a_stale_or_future_message_is_refused(clock_difference_s: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        verify(SECRET, headers(), BODY, now=SENT_AT + clock_difference_s)
    assert refused.value.field == "webhook-timestamp"


def test_one_good_signature_among_several_is_enough_while_a_key_is_changed() -> None:
    new_secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    given = headers(signature=f"v1a,AAAA {SIGNATURE} {sign(new_secret, MESSAGE_ID, SENT_AT, BODY)}")
    assert verify(SECRET, given, BODY, now=SENT_AT) == MESSAGE_ID
    assert verify(new_secret, given, BODY, now=SENT_AT) == MESSAGE_ID


NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n"])
def test_while_a_key_is_changed_the_sender_signs_with_both_and_either_receiver_accepts(separator: str) -> None:
    both = f"{SECRET}{separator}{NEW_SECRET}"
    signature = sign(both, MESSAGE_ID, SENT_AT, BODY)
    assert signature == f"{SIGNATURE} {sign(NEW_SECRET, MESSAGE_ID, SENT_AT, BODY)}"
    for held in (SECRET, NEW_SECRET, both):
        assert verify(held, headers(signature=signature), BODY, now=SENT_AT) == MESSAGE_ID


def test_a_receiver_with_two_keys_accepts_a_sender_with_either_and_no_third() -> None:
    both, third = f"{SECRET} {NEW_SECRET}", "whsec_" + "QUFB" * 11
    for used in (SECRET, NEW_SECRET):
        given = headers(signature=sign(used, MESSAGE_ID, SENT_AT, BODY))
        assert verify(both, given, BODY, now=SENT_AT) == MESSAGE_ID
    with pytest.raises(InvalidInput, match="webhook-signature"):
        verify(both, headers(signature=sign(third, MESSAGE_ID, SENT_AT, BODY)), BODY, now=SENT_AT)


@pytest.mark.parametrize(
    "secret",
    ["", " , ", f"{SECRET} {NEW_SECRET} {SECRET}", f"{SECRET} whsec_", f"{SECRET},{NEW_SECRET[:20]}", "whsec_"],
)
def test_no_key_a_third_one_or_a_short_one_beside_a_good_one_is_refused(secret: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        signing_keys(secret)
    assert NEW_SECRET[6:20] not in str(refused.value)


@pytest.mark.parametrize("held", [SECRET, NEW_SECRET])
def test_the_schemes_own_library_accepts_what_is_signed_here(held: str) -> None:
    now, body = int(time.time()), '{"title":"雨中西湖"}'.encode()
    given = headers(timestamp=str(now), signature=sign(f"{SECRET} {NEW_SECRET}", MESSAGE_ID, now, body))
    assert Webhook(held).verify(body, given) == {"title": "雨中西湖"}
    with pytest.raises(WebhookVerificationError):
        Webhook(held).verify(body + b" ", given)


def test_what_the_schemes_own_library_signs_is_accepted_here() -> None:
    now, body = datetime.now(timezone.utc), '{"title":"雨中西湖"}'
    signature = Webhook(NEW_SECRET).sign(MESSAGE_ID, now, body)
    given = headers(timestamp=str(int(now.timestamp())), signature=signature)
    assert verify(f"{SECRET} {NEW_SECRET}", given, body.encode(), now=now.timestamp()) == MESSAGE_ID


@pytest.mark.parametrize(
    "signature",
    ["", " ", "v1,", SIGNATURE[3:], "v2" + SIGNATURE[2:], SIGNATURE[:-2] + "A=", "v1,中文", SIGNATURE + ","],
)
def test_anything_but_the_signature_is_refused(signature: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        verify(SECRET, headers(signature=signature), BODY, now=SENT_AT)
    assert refused.value.field == "webhook-signature"


def test_a_changed_body_id_or_time_is_refused() -> None:
    for given, body in [
        (headers(), BODY + b" "),
        (headers(id=MESSAGE_ID + "x"), BODY),
        (headers(timestamp=str(SENT_AT + 1)), BODY),
    ]:
        with pytest.raises(InvalidInput) as refused:
            verify(SECRET, given, body, now=SENT_AT)
        assert refused.value.field == "webhook-signature"


@pytest.mark.parametrize("timestamp", ["", "now", "1614265330.0", "-1614265330", "１６１４２６５３３０", "9" * 5000])
def test_a_timestamp_is_whole_seconds(timestamp: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        verify(SECRET, headers(timestamp=timestamp), BODY, now=SENT_AT)
    assert refused.value.field == "webhook-timestamp"


@pytest.mark.parametrize("message_id", ["", "a.b", "行程", "x" * 129, "msg 1"])
def test_an_id_that_could_blur_what_is_signed_is_refused_on_both_sides(message_id: str) -> None:
    with pytest.raises(InvalidInput, match="webhook-id"):
        sign(SECRET, message_id, SENT_AT, BODY)
    with pytest.raises(InvalidInput, match="webhook-id"):
        verify(SECRET, headers(id=message_id), BODY, now=SENT_AT)


def test_the_key_is_read_from_either_base64_alphabet_padded_or_not() -> None:
    key = bytes([251, 255, 190] * 8 + [7])
    for digits in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()):
        assert signing_key("whsec_" + digits) == key
        assert signing_key("whsec_" + digits.rstrip("=")) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_中文中文中文中文",
        "whsec_" + "a" * 41,
        "whsec_" + base64.b64encode(bytes(23)).decode(),
    ],
)
def test_a_secret_that_is_no_key_is_our_own_fault(secret: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        sign(secret, MESSAGE_ID, SENT_AT, BODY)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(refused.value)
