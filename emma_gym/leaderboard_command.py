"""The command behind `emma_gym.leaderboard`: result files in, a static site out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from emma_gym.command_line import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    fail,
    interruptible,
)
from eval_protocols.leaderboard import (
    DEFAULT_DATASET_ID,
    Document,
    check_replaceable,
    check_source_url,
    make_leaderboard,
    visible,
    write_leaderboard,
)

DESCRIPTION = """
Checks result files, ranks what may be compared, and writes a static site that opens from the file
system: an index, a page for each protocol and policy, the rules, what was refused and why;
leaderboard.json, with all of it as data; and .eval_results/POLICY.yaml for the Hugging Face Hub.
"""

EPILOG = """
examples:
  python -m emma_gym.leaderboard results/ --output site
  python -m emma_gym.leaderboard ours/result.json submissions/ --output site --strict

Results are compared only under the same protocol, training data and episodes. Files that are
refused are listed with the reason; of two files that exclude each other the first one is kept, so
name those that you trust first. DIR is replaced whole or not at all, and only if it is a
leaderboard, empty or new.

exit status: 0; 1 if no file was accepted, or if one was refused and --strict is given (nothing is
written then); 2 for a wrong option, file name or DIR; 130 after Ctrl-C or SIGTERM.
"""

#: Refused files shown; all are on the site.
MAX_REFUSED_SHOWN = 20


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    with interruptible():
        try:
            return _run(options)
        except KeyboardInterrupt:
            print("interrupted; nothing was written", file=sys.stderr)
            return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """One line, as all our commands have it."""
        raise SystemExit(fail(f"{message}; see --help"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m emma_gym.leaderboard",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "results",
        metavar="RESULTS",
        nargs="+",
        type=Path,
        help="result files, or folders that are searched for result.json",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="folder of the site"
    )
    parser.add_argument(
        "--strict", action="store_true", help="write nothing if any file is refused"
    )
    parser.add_argument(
        "--dataset-id",
        metavar="ID",
        default=DEFAULT_DATASET_ID,
        help="the benchmark's data set on the Hugging Face Hub (default: %(default)s)",
    )
    parser.add_argument(
        "--source-url",
        metavar="URL",
        help="where DIR will be published, for links in .eval_results (default: no links)",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        check_replaceable(options.output)
        source_url = None if options.source_url is None else check_source_url(options.source_url)
        for path in options.results:
            if not path.exists():
                raise FileNotFoundError(f"{path}: no such file or folder")
            if path.resolve().is_relative_to(options.output.resolve()):
                raise ValueError(f"{path}: inside {options.output}, which would be replaced")
        document = make_leaderboard(options.results)
    except (ValueError, FileNotFoundError) as error:
        return fail(error)
    _show_refused(document)
    if not document["policies"]:
        print("error: no result was accepted; nothing is written", file=sys.stderr)
        return EXIT_FAILURE
    if options.strict and document["refused"]:
        print("error: --strict, and files were refused; nothing is written", file=sys.stderr)
        return EXIT_FAILURE
    try:
        write_leaderboard(document, options.output, options.dataset_id, source_url)
    except ValueError as error:
        return fail(error)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILURE
    _show(document, options.output)
    return 0


def _show_refused(document: Document) -> None:
    console = Console(stderr=True, highlight=False)
    refused = document["refused"]
    for refusal in refused[:MAX_REFUSED_SHOWN]:
        line = visible(f"{refusal['file']}: {refusal['reason']}").replace("\n", " ")
        console.print(f"[yellow]refused[/yellow] {escape(line)}", soft_wrap=True)
    if len(refused) > MAX_REFUSED_SHOWN:
        console.print(f"... and {len(refused) - MAX_REFUSED_SHOWN} other files")


def _show(document: Document, output: Path) -> None:
    """Prints the main rankings, and where the site is."""
    console = Console(highlight=False)
    variants = {policy["id"]: policy["variant"] for policy in document["policies"]}
    for protocol in document["protocols"]:
        for training in protocol["trainings"]:
            ranking = training["rankings"][0]
            title = f"{protocol['name']} v{protocol['version']}, training data: {training['name']}"
            console.print(f"\n[bold]{escape(visible(title))}[/bold]")
            for entry in (*ranking["entries"], *ranking["references"]):
                low, high = (entry["rank"] or {"low": 0, "high": 0}).values()
                rank = f"{low}" if low == high else f"{low}-{high}"
                rate = entry["rate"]
                name = f"{entry['name']} {variants[entry['policy']]}".rstrip()
                console.print(
                    f"{rank if entry['rank'] else 'oracle':>7}  {100 * rate['value']:5.1f}%  "
                    f"{100 * rate['low']:5.1f} to {100 * rate['high']:5.1f}  "
                    f"{escape(visible(name))}",
                    soft_wrap=True,
                )
            if len(training["rankings"]) > 1:
                count = len(training["rankings"]) - 1
                console.print(f"         {count} more with other tasks or seeds: see the site")
    console.print(f"\nsite    {output / 'index.html'}", markup=False, soft_wrap=True)
