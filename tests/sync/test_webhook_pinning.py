"""Webhooks go to the IP addresses that were checked, whatever the host's name stands for a moment later; and over TLS
to nobody but the host of that name."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from state.sync.webhooks import sending, signing
from state.sync.webhooks.sending import WebhookFailed
from tests.sync.receiver import listening

SECRET = signing.new_secret()
NAME = "hooks.example"


class Resolver:
    """Answers for the one name, each time with the next of its answers; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        if host not in (NAME, NAME.encode()):
            return self._real(host, port, *rest, **named)
        ips = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [found for ip in ips for found in self._real(ip, port, *rest, **named)]


Resolving = Callable[..., Resolver]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Resolving:
    def resolving(*answers: list[str]) -> Resolver:
        resolver = Resolver(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        return resolver

    return resolving


def send(address: str, *allowed: str, timeout: float = 5.0) -> None:
    sending.send(address, SECRET, "msg_1", b"{}", timeout=timeout, allowed=allowed)


def test_a_name_that_changes_after_the_check_leads_nobody_astray(resolving: Resolving) -> None:
    with listening("127.0.0.2") as meant, listening("127.0.0.1", meant.port) as inner:
        resolver = resolving(["127.0.0.2"], ["127.0.0.1"])
        send(f"http://{NAME}:{meant.port}/hook", "127.0.0.2")
        assert (len(meant.received), inner.received, resolver.asked) == (1, [], 1)
        assert meant.received[0].headers["host"] == f"{NAME}:{meant.port}"
        # The next message asks again, and is not sent.
        with pytest.raises(WebhookFailed) as failed:
            send(f"http://{NAME}:{meant.port}/hook", "127.0.0.2")
        assert (failed.value.transient, resolver.asked) == (False, 2)
        assert (len(meant.received), inner.received) == (1, [])


def test_one_private_ip_address_among_others_is_too_many(resolving: Resolving) -> None:
    with listening("127.0.0.2") as meant:
        for mixture in (["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]):
            resolving(mixture)
            with pytest.raises(WebhookFailed, match="not a public address"):
                send(f"http://{NAME}:{meant.port}/", "127.0.0.2")
        assert meant.received == []


def test_the_next_ip_address_is_tried_when_one_does_not_answer(resolving: Resolving) -> None:
    with listening("127.0.0.2") as meant:
        resolving(["127.0.0.3", "::1", "127.0.0.2"])
        send(f"http://{NAME}:{meant.port}/", NAME)
        assert len(meant.received) == 1


def test_an_ip_address_that_swallows_everything_takes_its_share_of_the_time_only(
    resolving: Resolving,
) -> None:
    with listening("127.0.0.2") as meant, socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", meant.port))
        full.listen(0)
        # What waits to be accepted fills the queue; further attempts are dropped without a word.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        resolving(["127.0.0.1", "127.0.0.2"])
        began = time.monotonic()
        send(f"http://{NAME}:{meant.port}/", NAME, timeout=2.0)
        assert time.monotonic() - began > 0.9
        assert len(meant.received) == 1
        for filler in fillers:
            filler.close()


def test_a_name_that_stands_for_nothing_may_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*given: Any, **named: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(WebhookFailed, match="cannot be reached") as failed:
        send(f"https://{NAME}/")
    assert failed.value.transient


def certificate(folder: Path, name: x509.GeneralName) -> Path:
    """A certificate with its key that vouches for itself, valid for an hour and for this name only."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Secured:
    """TLS of a receiver; keeps the names that it was asked for."""

    def __init__(self, path: Path) -> None:
        self.asked: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.context.sni_callback = self._keep

    def _keep(self, sock: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.asked.append(name)


def trust(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(sending, "tls", lambda: ssl.create_default_context(cafile=str(path)))


def test_tls_asks_for_the_name_and_goes_to_the_checked_ip_address(
    resolving: Resolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, x509.DNSName(NAME))
    trust(monkeypatch, path)
    secured = Secured(path)
    with listening("127.0.0.2", tls=secured.context) as meant:
        resolver = resolving(["127.0.0.2"], ["127.0.0.1"])
        send(f"https://{NAME}:{meant.port}/hook", "127.0.0.2")
        (request,) = meant.received
        assert request.headers["host"] == f"{NAME}:{meant.port}"
        signing.verify(SECRET, request.headers, request.body)
        assert (secured.asked, resolver.asked) == ([NAME], 1)


def test_an_ip_address_may_have_a_certificate_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    trust(monkeypatch, path)
    with listening(tls=Secured(path).context) as receiver:
        send(receiver.url, "127.0.0.1")
        assert len(receiver.received) == 1


def test_the_certificate_of_another_host_is_not_taken(
    resolving: Resolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, x509.DNSName("other.example"))
    trust(monkeypatch, path)
    with listening(tls=Secured(path).context) as receiver:
        resolving(["127.0.0.1"])
        with pytest.raises(WebhookFailed, match="certificate") as failed:
            send(f"https://{NAME}:{receiver.port}/", NAME)
        assert failed.value.transient
        assert receiver.received == []


def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    resolving: Resolving, tmp_path: Path
) -> None:
    secured = Secured(certificate(tmp_path, x509.DNSName(NAME)))
    with listening(tls=secured.context) as receiver:
        resolving(["127.0.0.1"])
        with pytest.raises(WebhookFailed, match="certificate"):
            send(f"https://{NAME}:{receiver.port}/", NAME)
        assert receiver.received == []


def test_a_handshake_that_never_ends_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(WebhookFailed, match=r"within 0\.4 seconds"):
            send(f"https://127.0.0.1:{silent.getsockname()[1]}/", "127.0.0.1", timeout=0.4)
        assert time.monotonic() - began < 5
