"""Which addresses webhooks may be sent to: looked at as text when they are given, and as IP addresses at each sending.

Both are needed against requests forged into the installation's own network (SSRF): what a name stands for is up to
whoever owns the name, and may change at any time.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, NamedTuple

import httpx

from state.errors import Invalid
from state.refusals import ConfigInvalid

#: The most characters an address may have.
LONGEST: Final = 2000
#: The setting that names the hosts which may be private.
SETTING: Final = "STARS_WEBHOOK_ALLOWED"
PORTS: Final = {"http": 80, "https": 443}

#: A part of a host name between dots; underscores are not by the book and in use.
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: The end of what resolvers read as an IPv4 address in its historic spellings (127.1, 0x7f000001, 0177.0.0.1).
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: Everything that IANA has given out for use in the internet; what lies outside goes nowhere or stays at home.
_UNICAST: Final = IPv6Network("2000::/3")
#: Addresses of IPv4 as IPv6 networks with translation see them (RFC 6052).
_NAT64: Final = IPv6Network("64:ff9b::/96")
#: Not public either, whatever Python's own list says (it differs by version): protocols, relays of 6to4, documentation,
#: and an address, global by its number, that is the door to the host's configuration in Microsoft's cloud.
_NOT_PUBLIC: Final = (
    ip_network("192.0.0.0/24"),
    ip_network("192.88.99.0/24"),
    ip_network("3fff::/20"),
    ip_network("168.63.129.16"),
)


class AddressInvalid(Invalid):
    """This is not an address that webhooks can be sent to."""


class AddressPrivate(AddressInvalid):
    """Webhooks go to public addresses only, and this one is not."""

    reason = "private_address"


class Allowed(NamedTuple):
    """What may be private: hosts by name, whatever they stand for, and networks."""

    names: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]


def check(url: str, allowed: Sequence[str]) -> None:
    """Look at an address as text, without asking for the host's IP addresses; that is done at each sending.

    `allowed` are host names, IP addresses and networks (CIDR) that may be private. Raises AddressInvalid, and
    AddressPrivate for what is private at sight, with `fields["address"]`; ConfigInvalid if `allowed` means nothing.
    """
    parse(url, allowed)


def parse(url: str, allowed: Sequence[str]) -> httpx.URL:
    """The address in its parts, checked as `check` does; a host's name as DNS has it."""
    if len(url) > LONGEST:
        raise _invalid(f"The address may have {LONGEST} characters at most.")
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        raise _invalid(
            "This is not the address of anything; it looks like https://host/path."
        ) from None
    if parts.scheme not in PORTS:
        raise _invalid("The address begins with https:// or http://.")
    if parts.userinfo:
        raise _invalid(
            "Leave name and password out of the address; receivers know Stars by the signature."
        )
    if parts.fragment:
        raise _invalid("Leave out '#' and what follows it; it is never sent.")
    if parts.port is not None and not 1 <= parts.port <= 65535:
        raise _invalid("A port is a number from 1 to 65535.")
    host = host_of(parts)
    if not _is_host(host):
        raise _invalid(
            "The address has no host, or one that cannot be; it looks like https://host/path."
        )
    if _is_private_at_sight(host, allowed):
        raise _private(host)
    return parts


def resolve(parts: httpx.URL, allowed: Sequence[str]) -> list[str]:
    """The IP addresses of the host, in the order in which they are to be tried; connect to these and ask no more.

    Raises AddressPrivate if any of them is private and not allowed: who answers with a mixture means no good. Raises
    OSError if the name stands for nothing just now. Takes as long as the machine's resolver does.
    """
    host = host_of(parts)
    port = parts.port or PORTS[parts.scheme]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    by_name = _name(host) in read_allowed(tuple(allowed)).names
    if not by_name and not all(may_send_to(address, allowed) for address in addresses):
        raise _private(host)
    return addresses


def may_send_to(address: str, allowed: Sequence[str]) -> bool:
    """Whether this IP address is public, or in one of the allowed networks."""
    ip = ip_address(address)
    meant = _within(ip) or ip
    networks = read_allowed(tuple(allowed)).networks
    return _is_public(meant) or any(ip in network or meant in network for network in networks)


def host_of(parts: httpx.URL) -> str:
    """The host's name as DNS has it, or its IP address without brackets."""
    return parts.raw_host.decode("ascii")


@lru_cache(maxsize=8)
def read_allowed(allowed: tuple[str, ...]) -> Allowed:
    """Sort what the setting says. Raises ConfigInvalid naming what is neither a host's name nor a network."""
    names: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for given in allowed:
        try:
            networks.append(ip_network(given.strip("[]"), strict=False))
        except ValueError:
            name = _name(given)
            if not _is_host(name):
                told = f"'{given}' is neither a host name nor a network such as 10.0.0.0/8."
                raise ConfigInvalid(f"{SETTING}: {told}", fields={SETTING: [told]}) from None
            names.add(name)
    return Allowed(frozenset(names), tuple(networks))


def _is_host(host: str) -> bool:
    if _is_ip(host):
        return "%" not in host  # the name of a network card of this machine
    labels = _name(host).split(".")
    return (
        len(host) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )


def _is_private_at_sight(host: str, allowed: Sequence[str]) -> bool:
    if _is_ip(host):
        return not may_send_to(host, allowed)
    name = _name(host)
    loopback = name == "localhost" or name.endswith(".localhost")  # RFC 6761, 6.3
    return loopback and name not in read_allowed(tuple(allowed)).names


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Stricter than `is_global`, which takes multicast, and of IPv6 what is reserved, for global as well."""
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _NOT_PUBLIC):
        return False
    return isinstance(ip, IPv4Address) or ip in _UNICAST


def _within(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that one of IPv6 stands for and where its packets end up: mapped, translated or tunnelled."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


def _name(host: str) -> str:
    return host.lower().removesuffix(".")


def _invalid(told: str) -> AddressInvalid:
    return AddressInvalid(told, fields={"address": [told]})


def _private(host: str) -> AddressPrivate:
    told = f"'{host}' is not a public address. Whoever runs this installation can allow it by {SETTING}."
    return AddressPrivate(told, fields={"address": [told]})
