"""Licences as people declare them: read as SPDX where they are that, and classed by what they let one do.

It knows spellings, SPDX expressions and classes. It guesses no licence, checks no claim, and is no legal advice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import Any, Final, Literal

UNSPECIFIED: Final = "unspecified"
Class = Literal["commercial", "unspecified", "non-commercial", "academic-only"]
CLASSES: Final[tuple[Class, ...]] = ("commercial", "unspecified", "non-commercial", "academic-only")
"""From free to strict; the order follows the Data Provenance Initiative (Longpre et al. 2023). The strictest wins."""


@dataclass(frozen=True)
class Licence:
    """One declaration: `spdx` is None where the text spells no SPDX expression, `kind` is what it allows.

    `known` says whether the class was read from the declaration; otherwise it is "unspecified" for want of better.
    """

    declared: str
    spdx: str | None
    kind: Class = "unspecified"
    known: bool = False
    attribution: bool = False
    share_alike: bool = False
    no_derivatives: bool = False

    @property
    def told(self) -> str:
        """As an SPDX expression where it is one, else as it was written; "unspecified" without one."""
        return self.spdx or self.declared or UNSPECIFIED

    @property
    def flags(self) -> list[str]:
        names = ("attribution", "share_alike", "no_derivatives")
        return [name.replace("_", "-") for name in names if getattr(self, name)]


def read(declared: str | None) -> Licence:
    """What a declaration says. A text that is no SPDX expression and no known spelling stays "unspecified"."""
    text = " ".join((declared or "").split())
    plain = _TERMS.get(_key(text))
    if plain is not None:
        return Licence(text, None, plain, known=True)
    parsed = _parsed(text) if text else None
    if parsed is None:
        return Licence(text, None)
    return replace(_classed(parsed), declared=text, spdx=str(parsed))


def spdx(text: str) -> str | None:
    """The SPDX expression a text spells (SPDX 3, Annex B; case does not matter); None when it is none."""
    parsed = _parsed(text)
    return None if parsed is None else str(parsed)


def is_within(declared: str | None, allowed: Collection[str]) -> bool:
    """Whether a declaration lies within some classes and SPDX expressions: of an OR one part is enough, of an AND each
    must."""
    licence = read(declared)
    if licence.kind in allowed or licence.told in allowed:
        return True
    return licence.spdx is not None and _is_within(_parsed(licence.spdx), allowed)


def _is_within(node: Any, allowed: Collection[str]) -> bool:
    licensing = _licensing()
    if isinstance(node, licensing.AND | licensing.OR):
        within = (_is_within(part, allowed) for part in node.args)
        return all(within) if isinstance(node, licensing.AND) else any(within)
    return str(node) in allowed or _classed(node).kind in allowed


def strictest(declared: Iterable[str | None]) -> Class:
    """The class of data drawn from several sources; "unspecified" without any."""
    kinds = [read(one).kind for one in declared]
    return max(kinds, key=CLASSES.index) if kinds else "unspecified"


def doubt(declared: str | None) -> str:
    """A sentence about a declaration that was not understood; "" where it was, or where there is none."""
    licence = read(declared)
    if not licence.declared or licence.known:
        return ""
    if licence.spdx is not None:
        return f"the licence {licence.spdx} has no class here and counts as {UNSPECIFIED}"
    names = {_key(name): name for name in (*_ALIASES.values(), *_PERMISSIVE, *_COPYLEFT, *_FREE)}
    close = difflib.get_close_matches(_key(licence.declared), names, n=1, cutoff=0.6)
    hint = f"; nearest: {names[close[0]]}" if close else ""
    return f"the licence {licence.declared!r} is no SPDX expression and counts as {UNSPECIFIED}{hint}"


def _parsed(text: str) -> Any:
    """An identifier counts only when it stands there: the library would read "GPL" as GPL-1.0-or-later."""
    from license_expression import ExpressionError

    wanted = _ALIASES.get(_key(text), _WORD.sub("", text.strip()))
    try:
        parsed = _licensing().parse(wanted, validate=True, strict=True)
    except (ExpressionError, ValueError, AttributeError):
        return None
    words = set(re.findall(r"[a-z0-9.+-]+", wanted.lower()))
    if parsed is None or any(symbol.key.lower() not in words for symbol in _symbols(parsed)):
        return None
    return parsed


def _symbols(parsed: Any) -> list[Any]:
    return [part for symbol in parsed.symbols for part in symbol.decompose()]


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _classed(node: Any) -> Licence:
    """AND binds to the strictest and to every duty; OR leaves the choice, so the freest counts."""
    licensing = _licensing()
    if isinstance(node, licensing.AND):
        return reduce(_both, map(_classed, node.args))
    if isinstance(node, licensing.OR):
        return min(map(_classed, node.args), key=lambda one: (CLASSES.index(one.kind), not one.known, len(one.flags)))
    return _class_of(next(iter(node.decompose())).key)


def _both(one: Licence, other: Licence) -> Licence:
    return Licence(
        "", None, max(one.kind, other.kind, key=CLASSES.index), one.known and other.known,
        one.attribution or other.attribution, one.share_alike or other.share_alike,
        one.no_derivatives or other.no_derivatives,
    )  # fmt: skip


def _class_of(identifier: str) -> Licence:
    parts = identifier.upper().split("-")
    if parts[:2] == ["CC", "BY"]:
        kind: Class = "non-commercial" if "NC" in parts else "commercial"
        return Licence("", None, kind, True, True, "SA" in parts, "ND" in parts)
    if identifier in _NON_COMMERCIAL:
        return Licence("", None, "non-commercial", True, True)
    if identifier in _FREE:
        return Licence("", None, "commercial", True)
    if identifier in _PERMISSIVE:
        return Licence("", None, "commercial", True, True)
    if identifier in _COPYLEFT:
        return Licence("", None, "commercial", True, True, True)
    return Licence("", None)


_FREE: Final = frozenset(["CC0-1.0", "PDDL-1.0", "Unlicense", "0BSD", "MIT-0", "WTFPL", "CC-PDDC", "O-UDA-1.0"])
_PERMISSIVE: Final = frozenset(
    [
        "MIT", "Apache-2.0", "Apache-1.1", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "ISC", "Zlib", "BSL-1.0",
        "PSF-2.0", "Python-2.0", "UPL-1.0", "AFL-3.0", "Artistic-2.0", "ECL-2.0", "MS-PL", "NCSA", "PostgreSQL",
        "ODC-By-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "C-UDA-1.0", "OGL-UK-1.0", "OGL-UK-2.0",
        "OGL-UK-3.0", "OGL-Canada-2.0", "etalab-2.0", "DL-DE-BY-2.0", "NLOD-1.0", "NLOD-2.0",
    ]
)  # fmt: skip
_COPYLEFT: Final = frozenset(
    [
        *(f"{name}-{mode}" for name in ("GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0",
                                        "GFDL-1.1", "GFDL-1.2", "GFDL-1.3") for mode in ("only", "or-later")),
        "MPL-1.1", "MPL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "CDDL-1.0", "MS-RL", "OSL-3.0",
        "ODbL-1.0", "CDLA-Sharing-1.0",
    ]
)  # fmt: skip
_NON_COMMERCIAL: Final = frozenset(["PolyForm-Noncommercial-1.0.0"])

_TERMS: Final[dict[str, Class]] = {
    "non commercial": "non-commercial",
    "noncommercial": "non-commercial",
    "non commercial use only": "non-commercial",
    "academic": "academic-only",
    "academic only": "academic-only",
    "academic use only": "academic-only",
    "research only": "academic-only",
    "research use only": "academic-only",
    "non commercial research": "academic-only",
    "non commercial research only": "academic-only",
    "public domain": "commercial",
}
"""What people write where there is no licence text but a plain word about use."""

_WORD: Final = re.compile(r"\s+licen[cs]e$", re.IGNORECASE)


def _key(text: str) -> str:
    text = text.lower().strip().removeprefix("the ").removesuffix(" international")
    text = re.sub(r"^creative commons\b", "cc", text).replace("attribution", "by").replace("share alike", "sa")
    text = text.replace("sharealike", "sa").replace("noderivatives", "nd").replace("noderivs", "nd")
    if text.startswith("cc"):
        text = re.sub(r"non-?commercial", "nc", text).replace("zero", "0")
    text = re.sub(r",?\s*\bversion\s+|\bv(?=\d)", " ", text)
    return " ".join(re.sub(r"[^a-z0-9.]+", " ", _WORD.sub("", text)).split())


_ALIASES: Final = {
    **{
        f"cc {name} {version}": f"CC-{name.upper().replace(' ', '-')}-{version}"
        for name in ("by", "by sa", "by nc", "by nd", "by nc sa", "by nc nd")
        for version in ("2.0", "2.5", "3.0", "4.0")
    },
    "cc0": "CC0-1.0",
    "cc 0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "cc 0 1.0 universal": "CC0-1.0",
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license 2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "mit": "MIT",
    "odc by": "ODC-By-1.0",
    "odc by 1.0": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
    "bsd 3 clause": "BSD-3-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "2 clause bsd": "BSD-2-Clause",
    "gpl 2.0": "GPL-2.0-only",
    "gpl 3.0": "GPL-3.0-only",
    "gpl 3": "GPL-3.0-only",
    "lgpl 3.0": "LGPL-3.0-only",
    "agpl 3.0": "AGPL-3.0-only",
    "mpl 2": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
}
"""Spellings that name one licence and no other, but are no SPDX identifiers."""
