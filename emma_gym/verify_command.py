"""The command behind `emma_gym.verify`: a result file in; a verdict out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape

from emma_gym.command_line import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    UsageError,
    fail,
    interruptible,
)
from emma_gym.progress_bar import ProgressBar
from eval_protocols.episodes import one_line
from eval_protocols.protocol import find_protocol
from eval_protocols.provenance import usable_cores
from eval_protocols.verification import NOT_SHOWN, Verdict, verify
from eval_protocols.whole_file import write_whole

KIND = "emma_gym.verification"

#: Reasons shown in a terminal; `--json` has them all.
MAX_REFUSALS_SHOWN = 10

DESCRIPTION = """\
Verifies a result: replays the actions in actions.npz beside it, without rendering, and confirms
every outcome and the hash of every final state. Protocol, seeds and physics are those of this
installation; the result has to agree with them. No code that a result names is run."""

EPILOG = """\
Examples:
  python -m emma_gym.verify outputs/expert/result.json
  # 50 episodes, drawn with a seed that the sender cannot know
  python -m emma_gym.verify submission/result.json --sample 50 --json verdict.json

Not shown by a replay:
{}

Exit status: 0 verified; 1 refused; 2 for a wrong option or file; 130 after Ctrl-C or SIGTERM."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    with interruptible():
        try:
            return _run(_parser().parse_args(list(arguments)))
        except UsageError as error:
            return fail(error)
        except OSError as error:
            return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        except KeyboardInterrupt:
            print("interrupted: no verdict", file=sys.stderr)
            return EXIT_INTERRUPTED
        except SystemExit as leaving:  # --help
            return int(leaving.code or 0)


class _Parser(argparse.ArgumentParser):
    """Its errors are ours: one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see --help")


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m emma_gym.verify",
        description=DESCRIPTION,
        epilog=EPILOG.format("\n".join(f"  {line}" for line in NOT_SHOWN)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("result", metavar="RESULT.json", type=Path, help="the result file")
    parser.add_argument(
        "--protocol",
        metavar="FILE.yaml",
        help="the protocol, where it is not one of ours (default: the one of ours that it names)",
    )
    parser.add_argument(
        "--sample",
        metavar="K",
        type=_integer(1),
        help="replay K random episodes (default: all); everything else is checked in full",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=_integer(0),
        help="what to draw them with (default: fresh randomness, which is printed)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_integer(0),
        help="processes; 0 replays in this one (default: one for each core)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="where to write the verdict")
    return parser


def _integer(minimum: int) -> Any:
    def integer(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        if value < minimum:
            raise argparse.ArgumentTypeError(f"'{text}' is not an integer >= {minimum}")
        return value

    return integer


def _run(options: argparse.Namespace) -> int:
    if options.seed is not None and options.sample is None:
        raise UsageError("--seed draws the episodes of --sample; without that, all are replayed")
    target: Path | None = options.json
    if target is not None and (target.is_dir() or not target.absolute().parent.is_dir()):
        raise UsageError(f"--json {target}: not a file in an existing folder")
    workers = usable_cores() if options.workers is None else options.workers
    try:
        protocol = None if options.protocol is None else find_protocol(options.protocol)
    except ValueError as error:
        raise UsageError(f"--protocol: {error}") from None
    started = time.monotonic()
    with ProgressBar() as progress:
        verdict = verify(
            options.result,
            protocol=protocol,
            sample=options.sample,
            seed=options.seed,
            workers=workers,
            progress=progress.show,
        )
    _show(options.result, verdict, time.monotonic() - started)
    if target is not None:
        document = {"file": str(options.result), **_document(verdict)}
        write_whole(target, (json.dumps(document, indent=2) + "\n").encode())
    return 0 if verdict.verified else EXIT_FAILURE


def _show(path: Path, verdict: Verdict, seconds: float) -> None:
    """Prints the verdict."""
    console = Console(highlight=False)
    for what, words in _about(verdict).items():
        console.print(f"{what:10}{escape(words)}", soft_wrap=True)
    if verdict.replayed:
        console.print(f"{'took':10}{seconds:.1f} s")
    if verdict.verified:
        console.print(f"[bold green]verified[/bold green]  {escape(one_line(str(path)))}")
        console.print("not shown by a replay:")
        for line in NOT_SHOWN:
            console.print(f"  {line}", soft_wrap=True)
        return
    console.print(f"[bold red]refused[/bold red]   {escape(one_line(str(path)))}", soft_wrap=True)
    for line in verdict.refusals[:MAX_REFUSALS_SHOWN]:
        console.print(f"  {escape(one_line(line))}", soft_wrap=True)
    if len(verdict.refusals) > MAX_REFUSALS_SHOWN:
        console.print(f"  ... and {len(verdict.refusals) - MAX_REFUSALS_SHOWN} more")


def _about(verdict: Verdict) -> dict[str, str]:
    """What was verified, as far as the file could be read."""
    result = verdict.result
    if result is None:
        return {}
    protocol, policy, seeds = result["protocol"], result["policy"], result["seeds"]
    total = len(result["episodes"])
    drawn = "" if verdict.sample_seed is None else f", drawn with --seed {verdict.sample_seed}"
    oracle = ", which says that it reads the simulator" if policy["privileged"] else ""
    return {
        "policy": one_line(f"{policy['name']}{oracle}"),
        "protocol": one_line(f"{protocol['name']} v{protocol['version']}"),
        "seeds": "validated" if seeds["validated"] else f"from {seeds['start']} on, not validated",
        "replayed": f"{verdict.replayed} of {total} episodes{drawn}",
    }


def _document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON, for leaderboards."""
    result = verdict.result
    keys = ("emma_gym", "sapien", "physics_sha256")
    return {
        "kind": KIND,
        "verified": verdict.verified,
        "refusals": list(verdict.refusals),
        "result_sha256": verdict.result_sha256,
        "episodes": None if result is None else len(result["episodes"]),
        "replayed": verdict.replayed,
        "sample_seed": verdict.sample_seed,
        "versions": None if result is None else {key: result["versions"][key] for key in keys},
        "not_shown": list(NOT_SHOWN),
    }
