"""E-mail and IP addresses of people: how they look, and which of them are nobody's.

It knows reserved domains and blocks, and what only looks like an address (packages, versions, sections). It does
not ask whether an address is in use.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from .matches import Match

# Latin, Greek and Cyrillic letters; not \w, since Chinese and Japanese stand beside an address without a space.
_LETTER: Final = "A-Za-zªºÀ-ÖØ-öø-ɏͰ-ԯ"
_LOCAL: Final = re.compile(rf"[{_LETTER}0-9._%+'&~-]{{1,65}}+")
_LONGEST_LOCAL: Final = 64
_LABEL: Final = rf"[{_LETTER}0-9][{_LETTER}0-9-]{{0,62}}+"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,8}}+")
_TOP: Final = re.compile(r"[A-Za-z]{2,24}(?![A-Za-z0-9])|xn--[A-Za-z0-9-]{2,59}")
_IN_AUTHORITY: Final = re.compile(r"://[^\s/<>]{0,80}\Z")
_NUMBERED: Final = re.compile(r"v?[0-9]+\.[0-9]+(?:\.|$)")

_RESERVED: Final = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu)|example|test|invalid|localhost|local|localdomain|internal|lan|home|corp)$"
)
_FILE_ENDING: Final = re.compile(
    r"js|ts|rb|hs|kt|vb|jl|tsx|jsx|png|jpe?g|gif|svg|webp|pdf|s?css|html?|json|ya?ml|xml|txt|[ct]sv|zip|gz|tar|exe|"
    r"dll|jar|war|class|java|[ch]pp|conf|cfg|ini|log|lock|toml|ipynb"
)
_COMMON_TOP: Final = frozenset(("com", "org", "net", "edu", "gov", "info", "io"))
_SERVICE: Final = frozenset(("git", "hg", "svn"))


def emails(text: str) -> Iterator[Match]:
    """Addresses of RFC 5321 with an unquoted local part, whose domain could be registered.

    Nobody's, and left alone: reserved domains (RFC 2606, 6761, 6762: example.com, *.test, *.local, …); the user
    before the host of a URL; git@host; a version or a file's ending for a domain; an expression such as a@b.dot(c).
    """
    at = text.find("@")
    while at >= 0:
        found = _email(text, at)
        if found:
            yield found
        at = text.find("@", found.end if found else at + 1)


def _email(text: str, at: int) -> Match | None:
    domain = _DOMAIN.match(text, at + 1)
    before = _LOCAL.match(text[max(at - _LONGEST_LOCAL - 1, 0) : at][::-1]) if domain else None
    if domain is None or before is None or len(before[0]) > _LONGEST_LOCAL or before[0][0] in ".'":
        return None
    start = at - len(before[0].rstrip("._%+'&~-"))
    if text[start - 1 : start] == "\\" and text[start] in "nrt" and start + 1 < at:
        start += 1  # an escape such as \n, written out
    host, dot, last = domain[0].rpartition(".")
    top = _TOP.match(last)
    if start == at or not top or (top.end() < len(last) and last[top.end()].isascii() and last[top.end()] != "-"):
        return None
    end = domain.start() + len(host) + len(dot) + top.end()
    name, following = text[domain.start() : end].lower(), text[end : end + 2]
    suffix = top[0].lower()
    called = following[:1] in ("(", "[") and suffix not in _COMMON_TOP
    if called or _FILE_ENDING.fullmatch(suffix) or _RESERVED.search(name) or _NUMBERED.match(name):
        return None
    local = text[start:at].lower()
    on_host = local in _SERVICE or following in (":/", ":~")
    if on_host or _IN_AUTHORITY.search(text, max(start - 83, 0), start):
        return None
    return Match("email", start, end, f"{local}@{name}")


_MAY_HOLD_IP: Final = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]")
_IPV4: Final = re.compile(
    r"[0-9](?<![\w.+^][0-9])(?<![A-Za-z][-/][0-9])(?<![=<>~!]=[0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}"
    r"(?!\w|\.[0-9]|-[A-Za-z])",
    re.ASCII,
)
_IPV6: Final = re.compile(r"[23](?<![\w:.][23])[0-9A-Fa-f]{3}:[0-9A-Fa-f:.]{2,42}+(?!\w)", re.ASCII)
_NUMBERING: Final = re.compile(
    r"(?:\b(?:version|ver|v|release|rel|section|sections|sec|chapter|clause|article|figure|fig|table|appendix|build|"
    r"revision|rev|firmware|driver|patch|step|theorem|lemma|exercise|(?:upgraded?|updated?) to)|§)[ .:=(\"#-]{0,3}\Z",
    re.ASCII | re.IGNORECASE,
)
_SMALL: Final = 20
_RESOLVERS: Final = frozenset((
    "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220", "2001:4860:4860::8888",
    "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe",
))  # fmt: skip


def may_hold_ip(text: str) -> bool:
    return _MAY_HOLD_IP.search(text) is not None


def ips(text: str) -> Iterator[Match]:
    """Globally routable unicast addresses (IPv4; IPv6 within 2000::/3).

    Left alone: private, documentation (192.0.2.x, 2001:db8::) and other special blocks of the IANA registries;
    public resolvers such as 8.8.8.8; numbers after 'version', 'section' and the like, after a product's slash or
    hyphen or '=='; and four numbers all under 20, which are sections and versions far more often than hosts.
    """
    for found in _IPV4.finditer(text):
        if _NUMBERING.search(text, max(found.start() - 24, 0), found.start()):
            continue
        if max(map(int, found[0].split("."))) >= _SMALL and (value := _public(found[0])):
            yield Match("ip", found.start(), found.end(), value)
    for found in _IPV6.finditer(text):
        written = found[0].rstrip(".")
        if written.endswith(":") and not written.endswith("::"):
            written = written[:-1]
        if value := _public(written):
            yield Match("ip", found.start(), found.start() + len(written), value)


def _public(written: str) -> str | None:
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return None
    public = address.is_global and not address.is_multicast and not address.is_reserved
    return str(address) if public and str(address) not in _RESOLVERS else None
