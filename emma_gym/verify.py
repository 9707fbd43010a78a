"""Verifies a result by replay: `python -m emma_gym.verify RESULT.json`. See `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: By default those of the command line.

    Returns:
        Exit status: 0 if the result is verified, 1 if it is refused, 2 for a wrong option or a
        file that cannot be read or written, 130 after Ctrl-C or SIGTERM.
    """
    # Worker processes import this module as well, and need none of what the command needs.
    try:
        from emma_gym.verify_command import run
    except KeyboardInterrupt:  # imports take seconds; after them, `run` handles Ctrl-C
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
