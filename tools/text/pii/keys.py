"""Keys and tokens: what opens a door for whoever reads it.

It knows the prefixes of providers, JSON web tokens, PEM blocks, passwords in URLs and assignments of random strings.
It does not know whether a key still works, and takes no ordinary password for one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from .matches import Match

# What a text must hold for a key to be looked for, and the key's shape.
_PROVIDERS: Final = (
    ("sk-", r"sk-[A-Za-z0-9_-]{20,300}"),  # OpenAI, Anthropic and others that follow them
    ("k_live_", r"[sr]k_live_[A-Za-z0-9]{16,200}"),  # Stripe
    ("k_test_", r"[sr]k_test_[A-Za-z0-9]{16,200}"),
    ("whsec_", r"whsec_[A-Za-z0-9+/]{24,100}"),
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),  # GitHub
    ("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    ("glpat-", r"glpat-[A-Za-z0-9_-]{20,100}"),  # GitLab
    ("AKIA", r"AKIA[A-Z0-9]{16}"),  # Amazon Web Services
    ("ASIA", r"ASIA[A-Z0-9]{16}"),
    ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),  # Slack
    ("xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{20,250}"),
    ("hooks.slack.com", r"hooks\.slack\.com/services/T[A-Za-z0-9]{5,20}/B[A-Za-z0-9]{5,20}/[A-Za-z0-9]{16,40}"),
    ("AIza", r"AIza[A-Za-z0-9_-]{35}"),  # Google
    ("ya29.", r"ya29\.[A-Za-z0-9_-]{20,300}"),
    ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,60}"),
    ("hf_", r"hf_[A-Za-z0-9]{34,60}"),  # Hugging Face
    ("npm_", r"npm_[A-Za-z0-9]{36}"),
    ("pypi-", r"pypi-AgE[A-Za-z0-9_-]{50,300}"),
    ("SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),  # SendGrid
    ("dop_v1_", r"dop_v1_[a-f0-9]{64}"),  # DigitalOcean
    ("shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),  # Shopify
    ("dapi", r"dapi[a-f0-9]{32}"),  # Databricks
    ("gsk_", r"gsk_[A-Za-z0-9]{40,80}"),  # Groq
    ("xai-", r"xai-[A-Za-z0-9]{60,100}"),
    ("r8_", r"r8_[A-Za-z0-9]{37}"),  # Replicate
    (":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),  # Telegram
    ("eyJ", r"eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{5,8000}\.[A-Za-z0-9_-]{10,2000}"),  # JSON web token
)
_PREFIXES: Final = tuple(prefix for prefixes, _ in _PROVIDERS for prefix in prefixes.split())
_ISSUED: Final = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))(?:"
    + "|".join(shape.replace("}", "}+") for _, shape in _PROVIDERS)
    + ")(?![A-Za-z0-9])"
)

_PEM_BODY: Final = r"(?:[^<>-]|-(?!----)){0,20000}+"
_PEM: Final = re.compile(
    rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----({_PEM_BODY})(-----END [A-Z0-9 ]{{1,60}}-----)?"
)
_PEM_BYTES: Final = re.compile(r"[A-Za-z0-9+/=]{40,}+")

_IN_URL: Final = re.compile(r"://[^\s/:@<>\"'?#]{0,64}+:([^\s/@<>\"']{3,128}+)@(?=[\w\[])", re.ASCII)
_PLAIN_PASSWORD: Final = re.compile(
    r"pass|passw[0o]rd|passwd|pwd|pw|secret|token|key|user(?:name)?|root|admin|postgres|mysql|guest", re.IGNORECASE
)

_NAMES: Final = ("key", "token", "secret", "passw", "pwd", "passphrase", "credential", "bearer")
_ASSIGNED: Final = re.compile(
    r"(?:(?:api|access|secret|private|auth|client|account|encryption|signing|app|master|storage|subscription|shared)"
    r"[_ -]?key|secret|token|passw(?:or)?d|pwd|passphrase|credentials?)"
    r"(?:\\?[\"'`]\]?)?\s{0,4}+(?::=|=>|[:=])\s{0,4}+(?:\\?[\"'`])?"
    r"(?:bearer |basic )?([A-Za-z0-9+/_~-]{16,4096}+={0,2})(?![A-Za-z0-9(\[.@])"
    r"|\bbearer ([A-Za-z0-9+/_~.-]{20,4096}+={0,2})(?![A-Za-z0-9(\[@])",
    re.ASCII | re.IGNORECASE,
)
_SHOWN: Final = re.compile(
    r"example|your|xxxx|placeholder|changeme|change_me|dummy|sample|redacted|test|insert|replace|1234567|0123456|"
    r"abcdef|\.\.\.|\*\*\*|[{}$%<]",
    re.IGNORECASE,
)
_TURN: Final = re.compile(r"(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def may_hold_key(text: str) -> bool:
    return _issued(text) or "://" in text or "PRIVATE KEY" in text or _named(text)


def _issued(text: str) -> bool:
    return any(map(text.__contains__, _PREFIXES))


def _named(text: str) -> bool:
    return any(map(text.lower().__contains__, _NAMES))


def keys(text: str) -> Iterator[Match]:
    """Private key blocks, keys by their provider's prefix, JSON web tokens, the password of a URL, and random strings
    that are assigned to a name such as `api_key` or follow 'Bearer'.

    Random: letters and digits take turns at least 3 times, and a character carries 3 bits or more (Shannon's
    entropy of the string itself). Values that say they are none (EXAMPLE, your-…, xxxx, 1234567, {…}) are left
    alone, and so are words such as 'password' in a URL.
    """
    if "PRIVATE KEY" in text:
        for found in _PEM.finditer(text):
            lines = [line.end() for line in _PEM_BYTES.finditer(text, found.start(1), found.end(1))]
            if lines:
                end = found.end() if found[2] else lines[-1]
                yield Match("key", found.start(), end, text[found.start() : end])
    if _issued(text):
        for found in _ISSUED.finditer(text):
            if not _shown(found[0]) and (_random(found[0]) if found[0].startswith("sk-") else _rich(found[0])):
                yield Match("key", found.start(), found.end(), found[0])
    if "://" in text:
        for found in _IN_URL.finditer(text):
            if not _PLAIN_PASSWORD.fullmatch(found[1]) and not _SHOWN.search(found[1]):
                yield Match("key", found.start(1), found.end(1), found[1])
    if _named(text):
        for found in _ASSIGNED.finditer(text):
            group = 1 if found[1] else 2
            if not _SHOWN.search(found[group]) and _random(found[group]):
                yield Match("key", found.start(group), found.end(group), found[group])


def _shown(key: str) -> bool:
    """Whether a key says that it is none; the `test` of a provider's own prefix says nothing."""
    return _SHOWN.search(key.replace("_test_", "_", 1)) is not None


def _random(value: str) -> bool:
    return len(_TURN.findall(value)) >= 3 and _rich(value)


def _rich(value: str) -> bool:
    counts = Counter(value).values()
    bits = -math.fsum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= 3
