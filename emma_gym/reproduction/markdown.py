"""Parts of a page in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100


def paragraph(words: str) -> str:
    """A paragraph in lines of `WIDTH` characters."""
    return textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table.

    Args:
        head: Names of the columns.
        rows: Cells of each line, as many as there are columns at most; what is missing is empty.
    """
    filled = ([*row, *[""] * (len(head) - len(row))] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *filled])
