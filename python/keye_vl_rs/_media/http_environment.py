"""Read proxies, certificates and credentials for http from the environment.

The variables and files are those that requests and curl read. httpx supports only some of them: not
networks in ``no_proxy``, ``REQUESTS_CA_BUNDLE`` or ``NETRC``.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from contextlib import suppress
from netrc import NetrcParseError, netrc
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import MediaError

__all__ = ["certificates_hint", "netrc_credentials", "proxy_of", "tls_context"]

# The first one that is set is used.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def proxy_of(scheme: str, host: str, port: int, name: str) -> httpcore.Proxy | None:
    """Return the proxy to use for a host, or None.

    ``http_proxy``, ``https_proxy`` and ``all_proxy`` set proxies; ``no_proxy`` lists domains,
    addresses and networks to connect to directly. macOS and Windows also have system settings.

    Args:
        scheme: http or https.
        host: a name or an address.
        port: the port of the host.
        name: the name of the source in messages.

    Raises:
        MediaError: the proxy's address is invalid or of an unsupported scheme.
    """
    proxies = getproxies()
    address = proxies.get(scheme) or proxies.get("all")
    if not address or _is_direct(host, port):
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        raise MediaError(
            f"{name}: the proxy of the environment for {scheme} cannot be used: expected an "
            f"http://, https:// or socks5:// address in {scheme}_proxy or all_proxy"
        ) from None
    url = proxy.url
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        auth=proxy.raw_auth,
        ssl_context=tls_context(name) if url.scheme == "https" else None,
    )


def tls_context(name: str) -> ssl.SSLContext:
    """Return a TLS context that verifies servers.

    ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name the
    trusted certificates; the default is those of certifi.

    Args:
        name: the name of the source in messages.

    Raises:
        MediaError: the certificates cannot be read; the message names the variable and its value.
    """
    variable, path = _certificates()
    try:
        if path is None:
            context = httpx.create_ssl_context(trust_env=False)
        # SSL_CERT_DIR may list several folders, which OpenSSL tells apart by itself.
        elif any(map(os.path.isdir, path.split(os.pathsep))):
            context = ssl.create_default_context(capath=path)
        else:
            context = ssl.create_default_context(cafile=path)
    except OSError as error:
        if path is None:
            raise MediaError(
                f"{name}: the certificates of certifi cannot be read: {error.strerror or error}; "
                "reinstall certifi"
            ) from None
        # OpenSSL raises SSLError for a file without certificates.
        reason = "no certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise MediaError(
            f"{name}: {variable} is {short_repr(path)}, which cannot be read ({reason or error}): "
            "expected a file or a folder of trusted certificates, or unset it for those of certifi"
        ) from None
    # Check the subject alternative names only (RFC 9525 6.3), as other clients do.
    context.hostname_checks_common_name = False
    return context


def certificates_hint() -> str:
    """Return which variable names the certificates, for errors of verification; else ""."""
    variable, path = _certificates()
    if path is None:
        return ""
    return f"; the trusted certificates are those of {variable}, which is {short_repr(path)}"


def _certificates() -> tuple[str, str | None]:
    """Return the variable that names the trusted certificates, and its value; None if none does."""
    variable = next((one for one in _CERTIFICATES if os.environ.get(one)), "")
    return variable, os.environ.get(variable)


def netrc_credentials(host: str) -> tuple[str, str] | None:
    """Return the user and password that ``NETRC`` or ``~/.netrc`` has for a host, or None."""
    given = os.environ.get("NETRC")
    for path in ["~/.netrc", "~/_netrc"] if given is None else [given]:
        # Ignore a file that is missing or cannot be read.
        with suppress(OSError, NetrcParseError):
            found = netrc(os.path.expanduser(path)).authenticators(host)
            return (found[0] or found[1] or "", found[2] or "") if found and any(found) else None
    return None


def _is_direct(host: str, port: int) -> bool:
    if proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return True
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    for text in listed.split(","):
        # Neither need be an address or a network.
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(text.strip(), strict=False):
                return True
    return False
