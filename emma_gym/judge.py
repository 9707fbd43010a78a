"""How good generated demonstrations are: `python -m emma_gym.judge dataset=...`. See `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: `key=value` options; by default those of the command line.

    Returns:
        Exit status: 0, 1 if something cannot be written, 2 for a wrong name or value or a damaged
        data set, 130 after Ctrl-C or SIGTERM.
    """
    try:
        from emma_gym.judge_command import run
    except KeyboardInterrupt:  # imports take seconds; after them, `run` handles Ctrl-C
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
