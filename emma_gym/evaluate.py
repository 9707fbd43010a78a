"""Evaluates a policy: `python -m emma_gym.evaluate policy=expert episodes=20`. See `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: `key=value` options; by default those of the command line.

    Returns:
        Exit status: 0, 1 for a bug of ours or a full disk, 2 for a wrong name or value (nothing is
        written then), 130 after Ctrl-C or SIGTERM.
    """
    # Worker processes import this module as well (multiprocessing's spawn). They need none of what
    # the command needs, and start a second earlier without it.
    try:
        from emma_gym.evaluation_command import run
    except KeyboardInterrupt:  # imports take seconds; after them, `run` handles Ctrl-C
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
