"""The learning curve: a CSV file that grows while a training runs.

A cell is empty where nothing was measured.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

Row = dict[str, float]


def append_row(path: Path, columns: Sequence[str], row: Mapping[str, float | None]) -> None:
    """Adds a line, and the header before the first one."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        if new:
            writer.writeheader()
        writer.writerow(row)


def read_curve(path: Path) -> list[Row]:
    """The lines of a curve with what was measured, none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {key: float(value) for key, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def cut_curve(path: Path, column: str, last: float) -> None:
    """Takes out the lines beyond a value of a column, because they will be done again."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    place = header.index(column)
    # The last line may have been cut off when the training was.
    kept = [row for row in rows if len(row) == len(header) and float(row[place]) <= last]
    staging = path.with_suffix(".part")
    with staging.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *kept])
    staging.replace(path)
