"""Scores of the episodes that were judged already, so that a judgement can go on or be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from envs.demonstrations.episode_file import DemonstrationError

Scores = Mapping[str, float]


class KeptScores:
    """A file of scores: a line that says what they depend on, then a line for each episode.

    Each line is on the disk before the next episode is judged. Several processes may add to it.
    """

    def __init__(self, path: Path, decided_by: Mapping[str, Any]) -> None:
        """Reads what is there; scores that depend on something else are deleted.

        Args:
            path: The file; it is made with the first scores.
            decided_by: What all scores depend on, as JSON.

        Raises:
            DemonstrationError: If it is damaged.
        """
        self._path, self._head = path, _line({"decided_by": decided_by})
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        self._kept: dict[str, Scores] = {}
        if lines and lines[0] != self._head:
            path.unlink()
            return
        for line in lines[1:]:
            if line.endswith("\n"):  # a kill leaves half of the last one
                try:
                    found = json.loads(line)
                    self._kept[_line(found["of"])] = found["scores"]
                except (ValueError, TypeError, KeyError):
                    raise DemonstrationError(f"{path} is damaged: delete it") from None
        if lines and not lines[-1].endswith("\n"):
            path.write_text("".join(lines[:-1]), encoding="utf-8")

    def scores(self, of: Mapping[str, Any], compute: Callable[[], Scores]) -> Scores:
        """What is kept, or what is computed and kept from now on.

        Args:
            of: Tells the episode from all others, and from itself made otherwise, as JSON.
            compute: Its scores.
        """
        key = _line(of)
        if key not in self._kept:
            scores = compute()
            with self._path.open("a", encoding="utf-8") as file:
                head = self._head if file.tell() == 0 else ""
                file.write(head + _line({"of": of, "scores": scores}))
            self._kept[key] = scores
        return self._kept[key]


def _line(content: Any) -> str:
    return json.dumps(content) + "\n"
