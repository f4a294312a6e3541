"""Whether an address may be given a visitor's own key: by what it says, without asking anyone. Pure.

A host that only this machine or its network knows is never open to strangers' keys: a server there may check no
key at all, and would be used at the operator's cost.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

OWN_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "invalid", "test", "arpa")
"""Last parts of names that no public service has."""
_HIDDEN = tuple(ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that lead to an IPv4 address which another system chooses."""
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


def is_public(url: str) -> bool:
    """Return whether the host of an address is one of the public network: a full name or a global number."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    labels = host.split(".")
    try:
        return _is_global(ip_address(host))
    except ValueError:
        pass
    if ":" in host or not host.isascii() or _NUMBER.fullmatch(labels[-1]):
        return False  # 127.1, 0x7f000001 and the like: forms of a number that resolvers still read
    return len(labels) > 1 and all(labels) and labels[-1] not in OWN_NAMES


def is_loopback(url: str) -> bool:
    """Return whether an address is written as one of this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_global(address.ipv4_mapped)
        if any(address in net for net in _HIDDEN):
            return False
    return address.is_global and not address.is_multicast
