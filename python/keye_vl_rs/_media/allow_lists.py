"""Check allow-lists: which local files, hosts and addresses media may be read from.

Only the environment sets them: a message must not be able to.
"""

from __future__ import annotations

import ipaddress
import os
import socket

from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import SourceNotAllowedError

__all__ = ["check_address", "check_host", "check_path"]

# Addresses that a gateway translates to IPv4, whose last 32 bits are the IPv4 address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The part of IPv6 from which public addresses are assigned (IANA, RFC 4291 2.4).
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")

_PATHS = "KEYE_VL_RS_ALLOWED_MEDIA_PATH"
_DOMAINS = "KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS"
_PRIVATE = "KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES"


def check_path(path: str) -> str:
    """Return the path of a local file, with symbolic links resolved, if the file may be read.

    ``KEYE_VL_RS_ALLOWED_MEDIA_PATH`` lists folders, separated as in ``PATH``; if it is not set, all
    files may be read, and the path is returned unchanged.

    Raises:
        SourceNotAllowedError: the file is in none of the folders, or the list is empty.
    """
    listed = os.environ.get(_PATHS)
    if listed is None:
        return path
    folders = [folder for folder in listed.split(os.pathsep) if folder.strip()]
    if not folders:
        raise _empty_list(shorten(path), _PATHS, "no folder, so no file may be read")
    real = os.path.realpath(path)
    for folder in map(os.path.realpath, folders):
        if real == folder or real.startswith(os.path.join(folder, "")):
            return real
    hint = ""
    if any(folder.startswith("~") for folder in folders):
        hint = "; ~ is not expanded there: use absolute paths"
    raise SourceNotAllowedError(f"{shorten(path)} is outside {_PATHS}, which is {listed!r}{hint}")


def check_host(host: str, name: str) -> bool:
    """Tell if a host is on the allow-list, so that its addresses need no check.

    ``KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS`` lists domains, separated by commas; each includes its
    subdomains. If it is not set, all hosts with public addresses are allowed.

    Args:
        host: the host of an address.
        name: the name of the source in messages.

    Raises:
        SourceNotAllowedError: there is an allow-list without this host, or an empty one.
    """
    listed = os.environ.get(_DOMAINS)
    if listed is None:
        return False
    domains = [domain.strip().lower().strip(".") for domain in listed.split(",")]
    domains = [domain for domain in domains if domain]
    if not domains:
        raise _empty_list(name, _DOMAINS, "no domain, so no host may be read from")
    wanted = host.lower().rstrip(".")
    if any(wanted == domain or wanted.endswith(f".{domain}") for domain in domains):
        return True
    raise SourceNotAllowedError(
        f"{name}: {shorten(host)} is not on the allow-list {_DOMAINS}, which is {listed!r}"
    )


def check_address(host: str, port: int, name: str) -> list[str]:
    """Resolve a host and return its addresses, in the order to try them, without duplicates.

    Loopback, link-local, private and other addresses that are not public are refused unless
    ``KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES=1``.

    Args:
        host: a name or an address.
        port: the port to connect to.
        name: the name of the source in messages.

    Raises:
        SourceNotAllowedError: one of the addresses is not public. The others are refused too,
            because which one gets connected depends on which one answers.
        OSError: the host is not found.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if os.environ.get(_PRIVATE, "").strip() != "1":
        for address in addresses:
            if not _is_public(address):
                raise SourceNotAllowedError(
                    f"{name} leads to {address}, which is not a public address; to allow it, set "
                    f"{_PRIVATE}=1, or list the host in {_DOMAINS}"
                )
    return addresses


def _empty_list(source: str, variable: str, what: str) -> SourceNotAllowedError:
    """Return the error for a list that is set but empty, which must not allow everything."""
    return SourceNotAllowedError(
        f"{source}: {variable} is {os.environ[variable]!r}, which names {what}; unset it to allow "
        "all"
    )


def _is_public(address: str) -> bool:
    """Tell if an address, or an IPv4 address embedded in it, is on the public internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        # IPv4-mapped, 6to4 and Teredo addresses lead to the embedded IPv4 address.
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        if inner:
            return _is_public(str(inner))
        # Site-local addresses, a network's own NAT64 prefix and IPv4-compatible addresses lead to
        # internal networks, and not all releases of Python know them.
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast
