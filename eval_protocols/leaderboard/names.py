"""Names from strangers: shown so that nothing hides in them, and turned into file names.

Contents:
    visible: A text with its invisible characters made visible.
    skeleton, look_alikes: Which names a reader would take for one another.
    slug: A file name that no name can break.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable

#: Marks (accents) in a row that are shown; stacks of hundreds cover the lines around them.
_MAX_MARKS = 2

#: Categories that have no glyph, or change how their surroundings are shown: control, format
#: (zero-width, right-to-left overrides), surrogate, private use, unassigned, line separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

#: Letters and digits that pass for Latin letters, a selection of UTS 39's confusables.txt.
_LATIN = str.maketrans(
    {
        **dict(zip("авԁегһіјӏкмноԛрѕтухѵԝ", "abderhijlkmhoqpstyxvw", strict=True)),
        **dict(zip("αβγεικνορτυχω", "abyeikvoptuxw", strict=True)),
        **dict(zip("հոսօıɡ", "hnuoig", strict=True)),  # noqa: RUF001
        **dict(zip("с01|", "coll", strict=True)),  # noqa: RUF001
    }
)


def visible(text: str) -> str:
    """Makes what is invisible in a text visible; line breaks stay.

    A name must not look like another one, nor turn around the text beside it: zero-width and
    right-to-left characters appear as their code, such as `<U+202E>`.

    Args:
        text: Any text.
    """
    shown, marks = [], 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if (category in _UNSEEN and char != "\n") or marks > _MAX_MARKS:
            shown.append(f"<U+{ord(char):04X}>")
        else:
            shown.append(char)
    return "".join(shown)


def skeleton(name: str) -> str:
    """What is left of a name when all that a reader may overlook is taken away.

    Case, accents, spaces and punctuation go, and letters of other scripts that look like Latin
    ones become those, as in Unicode's UTS 39.

    Args:
        name: A name.
    """
    folded = unicodedata.normalize("NFKD", name).casefold().translate(_LATIN)
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LN") or name


def look_alikes(names: Iterable[str]) -> dict[str, list[str]]:
    """Finds names that may be taken for one another.

    Args:
        names: Different names, or the same ones again.

    Returns:
        For each name that has any: the others, sorted.
    """
    ordered = sorted(set(names), key=lambda name: (skeleton(name), name))
    found: dict[str, list[str]] = {}
    for _, members in itertools.groupby(ordered, skeleton):
        group = list(members)
        if len(group) > 1:
            found |= {name: [other for other in group if other != name] for name in group}
    return found


def slug(name: str, identity: str) -> str:
    """A file name: readable, at most 53 characters of `a-z0-9_-`, different for each identity.

    Args:
        name: What a reader should recognize.
        identity: What tells it from all others; only its hash is used.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub("[^a-z0-9_]+", "-", ascii_name)[:40].strip("-_")
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{words}-{digest}" if words else digest
