"""Compares two policies: `python -m emma_gym.compare A.json B.json`. See `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Two sides and options; by default those of the command line.

    Returns:
        Exit status: 0 whatever the comparison shows, 2 for results that cannot be compared, 130
        after Ctrl-C.
    """
    try:
        from emma_gym.compare_command import run
    except KeyboardInterrupt:  # imports take seconds; after them, `run` handles Ctrl-C
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
