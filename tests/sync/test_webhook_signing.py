"""Signatures of webhooks: those of the specification, and what receivers must not fall for."""

from __future__ import annotations

import base64
import time

import pytest

from state.sync.webhooks import signing

#: The example that the libraries of Standard Webhooks are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

HEADERS = {"webhook-id": MESSAGE, "webhook-timestamp": str(AT), "webhook-signature": SIGNED}
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def test_the_published_example_is_signed_as_published() -> None:
    assert signing.signature(SECRET, MESSAGE, AT, BODY) == SIGNED


@pytest.mark.parametrize("now", [AT, AT + 300, AT - 300])
def test_a_message_is_believed_for_five_minutes(now: float) -> None:
    signing.verify(SECRET, HEADERS, BODY, now=now)


@pytest.mark.parametrize("now", [AT + 301, AT - 301, AT + 86_400])
def test_an_old_or_early_message_is_not(now: float) -> None:
    with pytest.raises(signing.SignatureInvalid):
        signing.verify(SECRET, HEADERS, BODY, now=now)


def test_the_clock_is_looked_at_unless_a_time_is_given() -> None:
    with pytest.raises(signing.SignatureInvalid):
        signing.verify(SECRET, HEADERS, BODY)
    at = int(time.time())
    fresh = signing.signature(SECRET, MESSAGE, at, BODY)
    signing.verify(
        SECRET, HEADERS | {"webhook-timestamp": str(at), "webhook-signature": fresh}, BODY
    )


def test_names_of_headers_come_in_any_case() -> None:
    signing.verify(SECRET, {name.title(): v for name, v in HEADERS.items()}, BODY, now=AT)


@pytest.mark.parametrize("offered", [f"{OTHER} {SIGNED}", f"v1a,AAAA {SIGNED}", f"{SIGNED} x"])
def test_one_right_signature_of_several_is_enough(offered: str) -> None:
    signing.verify(SECRET, HEADERS | {"webhook-signature": offered}, BODY, now=AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-id": "a.b"},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": f"{AT}.0"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": OTHER},
        {"webhook-signature": SIGNED.removeprefix("v1,")},
        {"webhook-signature": SIGNED.replace("v1,", "v2,")},
        {"webhook-signature": SIGNED[:-1]},
        {"webhook-signature": "v1,\udcff"},
    ],
)
def test_a_changed_header_is_noticed(changed: dict[str, str]) -> None:
    with pytest.raises(signing.SignatureInvalid):
        signing.verify(SECRET, HEADERS | changed, BODY, now=AT)


@pytest.mark.parametrize("missing", list(HEADERS))
def test_a_missing_header_is_noticed(missing: str) -> None:
    given = {name: value for name, value in HEADERS.items() if name != missing}
    with pytest.raises(signing.SignatureInvalid):
        signing.verify(SECRET, given, BODY, now=AT)


def test_a_changed_body_and_another_secret_are_noticed() -> None:
    for secret, body in ((SECRET, BODY + b" "), (signing.new_secret(), BODY)):
        with pytest.raises(signing.SignatureInvalid):
            signing.verify(secret, HEADERS, body, now=AT)


def test_where_the_id_ends_cannot_be_moved() -> None:
    """`a` + `1.2` and `a.1` + `2` would be signed alike if ids had dots."""
    for message_id in ("a.1", "", "a b", "a\r\nx: y", "é", "a" * 256):
        with pytest.raises(ValueError, match="id has letters"):
            signing.signature(SECRET, message_id, 2, b"")
    with pytest.raises(ValueError, match="after 1970"):
        signing.signature(SECRET, "a", -1, b"")


def test_new_secrets_are_random_and_as_the_specification_wants_them() -> None:
    made = {signing.new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        signing.check_secret(secret)
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        SECRET[:-1],
        SECRET + "\n",
        "whsec_" + "é" * 40,
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(signing.SecretInvalid) as refused:
        signing.check_secret(secret)
    assert list(refused.value.fields) == ["secret"]
    assert len(secret) < 10 or secret not in repr(refused.value) + str(refused.value.fields)
    with pytest.raises(signing.SecretInvalid):
        signing.signature(secret, "a", 1, b"")
