"""Where media may be read from: which local files, which hosts, which addresses.

The environment alone says so: a message must not be able to.
"""

from __future__ import annotations

import ipaddress
import os
import socket

from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import SourceNotAllowedError

__all__ = ["check_address", "check_host", "check_path"]

# Addresses that a gateway turns into those of IPv4, which are their last 32 bits.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The part of IPv6 out of which public addresses are assigned (IANA, RFC 4291 2.4).
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")

_PATHS = "KEYE_VL_RS_ALLOWED_MEDIA_PATH"
_DOMAINS = "KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS"
_PRIVATE = "KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES"


def check_path(path: str) -> str:
    """The path of a local file without symbolic links, if it may be read.

    ``KEYE_VL_RS_ALLOWED_MEDIA_PATH`` names folders, separated as in ``PATH``; where it is not set,
    all may.

    Raises:
        SourceNotAllowedError: the file lies in none of the folders, or none is named.
    """
    listed = os.environ.get(_PATHS)
    if listed is None:
        return path
    folders = [folder for folder in listed.split(os.pathsep) if folder.strip()]
    if not folders:
        raise _names_nothing(shorten(path), _PATHS, "no folder, so that no file may be read")
    real = os.path.realpath(path)
    for folder in map(os.path.realpath, folders):
        if real == folder or real.startswith(os.path.join(folder, "")):
            return real
    hint = ""
    if any(folder.startswith("~") for folder in folders):
        hint = "; ~ is not expanded there: give whole paths"
    raise SourceNotAllowedError(
        f"{shorten(path)}: lies outside of {_PATHS}, which is {listed!r}{hint}"
    )


def check_host(host: str, name: str) -> bool:
    """Whether a host was named as allowed, so that its addresses need not be looked at.

    ``KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS`` lists domains, which stand for their subdomains too,
    separated by commas; where it is not set all hosts are allowed whose addresses are public.

    Args:
        host: out of an address.
        name: what messages call the source.

    Raises:
        SourceNotAllowedError: there is a list, and it does not hold the host, or none at all.
    """
    listed = os.environ.get(_DOMAINS)
    if listed is None:
        return False
    domains = [domain.strip().lower().strip(".") for domain in listed.split(",")]
    domains = [domain for domain in domains if domain]
    if not domains:
        raise _names_nothing(name, _DOMAINS, "no domain, so that no host may be read from")
    wanted = host.lower().rstrip(".")
    if any(wanted == domain or wanted.endswith(f".{domain}") for domain in domains):
        return True
    raise SourceNotAllowedError(
        f"{name}: {shorten(host)} is not in {_DOMAINS}, which is {listed!r}"
    )


def check_address(host: str, port: int, name: str) -> list[str]:
    """Return the addresses of a host to try in turn, each once, looked up now and checked.

    Loopback, link-local, private and other addresses that are not public are refused unless
    ``KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES=1``.

    Args:
        host: a name or an address.
        port: to connect to.
        name: what messages call the source.

    Raises:
        SourceNotAllowedError: one of the host's addresses is not public. Its public ones are
            refused too, for which is connected to would depend on what answers.
        OSError: the host is not found.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if os.environ.get(_PRIVATE, "").strip() != "1":
        for address in addresses:
            if not _is_public(address):
                raise SourceNotAllowedError(
                    f"{name}: leads to {address}, which is not a public address; "
                    f"{_PRIVATE}=1 or {_DOMAINS} allow it"
                )
    return addresses


def _names_nothing(source: str, variable: str, what: str) -> SourceNotAllowedError:
    """Give the error of a list that is set and empty, which must not open what it is to close."""
    return SourceNotAllowedError(
        f"{source}: {variable} is {os.environ[variable]!r}, which names {what}: unset it to allow "
        "all"
    )


def _is_public(address: str) -> bool:
    """Tell if an address, or the IPv4 address inside of it, leads to the public internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        # What is inside of an IPv4-mapped, 6to4 or Teredo address is what it leads to.
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        if inner:
            return _is_public(str(inner))
        # Site-local addresses, a network's own NAT64 and IPv4-compatible addresses lead inside, and
        # not all releases of Python know them.
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast
