"""Addresses of webhooks: what they look like, which IP addresses are public, and what may be private all the same."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from django.core.checks import run_checks

from state.refusals import ConfigInvalid
from state.sync.webhooks import addresses
from state.sync.webhooks.addresses import AddressInvalid, AddressPrivate

NOTHING: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com/hook?key=a%20b&c=",
        "HTTPS://Example.COM:8443/x",
        "https://example.com./",
        "https://a_b.example.com:1/",
        "https://例子.中国/路?问=答",
        "https://3com.com:65535/",
        "http://8.8.8.8/",
        "http://[2606:4700:4700::1111]:80/",
        "https://redis/",  # what it stands for is seen at sending
        "https://example.com/" + "a" * 1980,
    ],
)
def test_addresses_that_are_taken(url: str) -> None:
    addresses.check(url, NOTHING)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "begins with"),
        ("example.com/hook", "begins with"),
        ("//example.com/", "begins with"),
        ("ftp://example.com/", "begins with"),
        ("file:///etc/passwd", "begins with"),
        ("javascript:alert(1)", "begins with"),
        ("gopher://example.com:6379/_FLUSHALL", "begins with"),
        ("https:/example.com", "no host"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://:443/", "no host"),
        ("https://ada:secret@example.com/", "password"),
        ("https://ada@example.com/", "password"),
        ("https://:@example.com/", "password"),
        ("https://good.example\\@evil.example/", "password"),
        ("https://example.com/#top", "'#'"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "looks like|port"),
        ("https://example.com:http/", "looks like"),
        ("https://example.com/" + "a" * 1981, "2000"),
        ("https://exa mple.com/", "no host"),
        ("https://example.com\r\nX: y/", "looks like"),
        (" https://example.com/", "begins with|looks like"),
        ("https://exa%6dple.com/", "no host"),
        ("https://-example.com/", "no host"),
        ("https://a..b/", "no host"),
        ("https://./", "no host"),
        ("https://" + "a" * 64 + ".com/", "no host"),
        ("https://" + ".".join(["abcdefgh"] * 30) + "/", "no host"),
        ("https://*.example.com/", "no host"),
        ("https://[::1/", "looks like"),
        ("http://[fe80::1%25eth0]/", "no host"),
        # IPv4 as only resolvers and browsers write it.
        ("http://127.1/", "no host"),
        ("http://2130706433/", "no host"),
        ("http://0x7f000001/", "no host"),
        ("http://0177.0.0.01/", "looks like"),
        ("http://127.0.0.0x1/", "no host"),
        ("http://1.2.3.4.5/", "no host"),
        ("http://256.1.1.1/", "looks like"),
    ],
)
def test_addresses_that_are_not(url: str, told: str) -> None:
    with pytest.raises(AddressInvalid, match=told) as refused:
        addresses.check(url, ("0.0.0.0/0", "::/0", "localhost"))
    assert refused.value.fields == {"address": [refused.value.message]}
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/",
        "http://LOCALHOST./",
        "http://db.localhost/",
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://127。0。0。1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_what_is_private_at_sight_is_refused_at_once(url: str) -> None:
    with pytest.raises(AddressInvalid) as refused:
        addresses.check(url, NOTHING)
    assert list(refused.value.fields) == ["address"]


PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "223.255.255.254",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
PRIVATE = [
    # this machine, this network
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "::",
    "::1",
    # private and shared networks
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    # of one link, and what clouds put there
    "169.254.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    # to many
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "ff02::1",
    "ff0e::1",
    # documentation, measuring, protocols
    "192.0.0.8",
    "192.88.99.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    # reserved, or not given out
    "240.0.0.1",
    "4000::1",
    "5f00::1",
    # IPv4 within IPv6
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
]


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_ip_addresses(ip: str) -> None:
    assert addresses.may_send_to(ip, NOTHING)


@pytest.mark.parametrize("ip", PRIVATE)
def test_ip_addresses_that_are_not_public(ip: str) -> None:
    assert not addresses.may_send_to(ip, NOTHING)


@pytest.mark.parametrize(
    ("ip", "allowed", "may"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.2.3", ["10.1.0.0/16"], False),
        ("10.1.2.3", ["10.1.2.3"], True),
        ("10.1.2.4", ["10.1.2.3"], False),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], True),
        ("64:ff9b::a01:203", ["10.1.0.0/16"], True),
        ("fd00::5", ["fd00::/8"], True),
        ("fd00::5", ["[fd00::5]"], True),
        ("10.1.2.3", ["fd00::/8", "internal.example"], False),
        ("fe80::1", ["0.0.0.0/0"], False),
    ],
)
def test_networks_may_be_allowed(ip: str, allowed: list[str], may: bool) -> None:
    assert addresses.may_send_to(ip, allowed) is may


def test_allowed_hosts_may_be_named_in_the_address() -> None:
    addresses.check("http://localhost:9/", ["LocalHost"])
    addresses.check("http://127.0.0.1:9/", ["127.0.0.1"])
    addresses.check("http://[::1]:9/", ["[::1]"])
    with pytest.raises(AddressPrivate):
        addresses.check("http://127.0.0.1:9/", ["localhost"])


@pytest.mark.parametrize(
    "item", ["10.0.0.0/33", "http://internal", "internal:80", "*.internal", "a b", "", "127.1"]
)
def test_what_the_setting_cannot_mean_is_named(item: str) -> None:
    with pytest.raises(ConfigInvalid, match="STARS_WEBHOOK_ALLOWED"):
        addresses.check("http://127.0.0.1/", ["fine.example", item])


def test_a_setting_that_means_nothing_stops_the_start(settings: Any) -> None:
    def found() -> list[str | None]:
        return [each.id for each in run_checks() if each.id == "stars.E009"]

    settings.STARS_WEBHOOK_ALLOWED = ["10.0.0.0/8", "internal.example"]
    assert found() == []
    settings.STARS_WEBHOOK_ALLOWED = ["10.0.0.0/8;172.16.0.0/12"]
    assert found() == ["stars.E009"]


def stands_for(monkeypatch: pytest.MonkeyPatch, *ips: str) -> None:
    """The resolver answers with these IP addresses, each twice, as it does for several kinds of sockets."""

    def answer(host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        return [(0, 0, 0, "", (ip, port)) for ip in ips for _ in range(2)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


HOOK = httpx.URL("https://hooks.example/")


def test_a_name_is_as_good_as_its_worst_ip_address(monkeypatch: pytest.MonkeyPatch) -> None:
    stands_for(monkeypatch, "8.8.8.8", "2606:4700::1")
    assert addresses.resolve(HOOK, NOTHING) == ["8.8.8.8", "2606:4700::1"]
    for ip in PRIVATE:
        stands_for(monkeypatch, "8.8.8.8", ip)
        with pytest.raises(AddressPrivate) as refused:
            addresses.resolve(HOOK, NOTHING)
        assert ip not in refused.value.message, "what a name stands for is not told"


def test_a_name_that_is_allowed_may_stand_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    stands_for(monkeypatch, "10.0.0.7")
    assert addresses.resolve(HOOK, ["hooks.example"]) == ["10.0.0.7"]
    assert addresses.resolve(HOOK, ["10.0.0.0/29"]) == ["10.0.0.7"]
    for other in ("example", "ooks.example", "a.hooks.example", "10.0.0.8"):
        with pytest.raises(AddressPrivate):
            addresses.resolve(HOOK, [other])
