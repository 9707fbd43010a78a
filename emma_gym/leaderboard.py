"""Makes a leaderboard: `python -m emma_gym.leaderboard RESULTS... --output DIR`. See `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: By default those of the command line.

    Returns:
        Exit status: 0; 1 if nothing was accepted, if `--strict` and something was refused, or if
        the disk is full; 2 for a wrong option, file name or output; 130 after Ctrl-C or SIGTERM.
    """
    try:
        from emma_gym.leaderboard_command import run
    except KeyboardInterrupt:  # imports take seconds
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
