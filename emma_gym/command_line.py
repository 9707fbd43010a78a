"""What our commands share: options from a Hydra file and the command line, errors, help.

A wrong name or value is a `UsageError`: one line that says what is wrong and what is valid.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import signal
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

CONF_FOLDER = Path(__file__).resolve().parent / "conf"

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class UsageError(ValueError):
    """A wrong name or value on the command line."""


class Options:
    """The options of a command, by name; checks types and bounds as they are asked for."""

    def __init__(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._values, self._defaults = values, defaults

    def text(self, name: str) -> str:
        """A non-empty text; what looks like a number is one as well."""
        value = self._values[name]
        if isinstance(value, (bool, dict, list)) or value is None or str(value) == "":
            raise self._wrong(name, "a text")
        return str(value)

    def optional_text(self, name: str) -> str | None:
        """A non-empty text, or None for null."""
        return None if self._values[name] is None else self.text(name)

    def line(self, name: str) -> str:
        """A text of one line, which may be empty."""
        value = self._values[name]
        if not isinstance(value, str) or not (value == "" or value.isprintable()):
            raise self._wrong(name, "a text of one line")
        return value

    def optional_path(self, name: str) -> Path | None:
        """A path, or None for null."""
        return None if self._values[name] is None else Path(self.text(name)).expanduser()

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._values[name]
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def integer(self, name: str, minimum: int, *, also: str = "") -> int:
        """An integer from `minimum` upward. `also` is named in the error."""
        value = self._values[name]
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value < 2**62:
            raise self._wrong(name, f"an integer >= {minimum}{also}")
        return value

    def optional_integer(self, name: str, minimum: int) -> int | None:
        """An integer from `minimum` upward, or None for null."""
        return None if self._values[name] is None else self.integer(name, minimum, also=" or null")

    def seconds(self, name: str) -> float:
        """A positive duration."""
        value = self._values[name]
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1e9:
            raise self._wrong(name, "a number of seconds > 0")
        return float(value)

    def number(self, name: str, minimum: float) -> float:
        """A finite number from `minimum` upward."""
        value = self._values[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not minimum <= value < float("inf"):
            raise self._wrong(name, f"a number >= {minimum:g}")
        return float(value)

    def optional_number(self, name: str, minimum: float) -> float | None:
        """A finite number from `minimum` upward, or None for null."""
        return None if self._values[name] is None else self.number(name, minimum)

    def texts(self, name: str) -> list[str]:
        """One text, or a list of different ones."""
        value = self._values[name]
        if not isinstance(value, list):
            return [self.text(name)]
        if not value or not all(isinstance(item, str) and item for item in value):
            raise self._wrong(name, "a list of names, such as [a,b]")
        if twice := [item for item in value if value.count(item) > 1]:
            raise UsageError(f"{name}: {twice[0]} is given twice")
        return value

    def integers(self, name: str, minimum: int) -> list[int]:
        """A list of different integers from `minimum` upward."""
        value = self._values[name]
        numbers = isinstance(value, list) and all(type(item) is int for item in value)
        if not numbers or not value or min(value) < minimum or len({*value}) < len(value):
            raise self._wrong(name, f"a list of different integers >= {minimum}, such as [0,1]")
        return list(value)

    def optional_size(self, name: str) -> tuple[int, int] | None:
        """Width and height, or None for null."""
        value = self._values[name]
        if value is None:
            return None
        if not isinstance(value, list) or [type(item) for item in value] != [int, int]:
            raise self._wrong(name, "[width,height] in pixels or null")
        return value[0], value[1]

    def mapping(self, name: str, *, also: str = "") -> dict[str, Any]:
        """A mapping with names as keys. `also` is named in the error."""
        value = self._values[name]
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self._wrong(name, f"a mapping, such as {{a: 1}}{also}")
        return value

    def is_text(self, name: str, text: str) -> bool:
        """Whether an option is just this word."""
        return bool(self._values[name] == text)

    def changed(self, names: Iterable[str]) -> list[str]:
        """Those of the options that are not as they are by default."""
        return [name for name in names if self._values[name] != self._defaults[name]]

    def is_null(self, name: str) -> bool:
        """Whether an option is null."""
        return self._values[name] is None

    def _wrong(self, name: str, expected: str) -> UsageError:
        value = self._values[name]
        shown = json.dumps(value) if isinstance(value, bool) or value is None else value
        return UsageError(f"{name}={shown}: expected {expected}")


def compose_options(name: str, arguments: Sequence[str]) -> Options:
    """Reads a command's options.

    Args:
        name: Of the file in `conf`, without `.yaml`.
        arguments: `key=value` in Hydra's grammar. A key below a mapping that is empty by default
            needs no plus.

    Raises:
        UsageError: For keys that do not exist, with the nearest ones, and for syntax errors.
    """
    defaults: Any = OmegaConf.to_container(OmegaConf.load(CONF_FOLDER / f"{name}.yaml"))
    overrides = [_override(argument, defaults) for argument in arguments]
    try:
        with initialize_config_dir(str(CONF_FOLDER), version_base="1.3"):
            config = compose(name, overrides=overrides)
        values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_first_line(error)) from None
    return Options(values, defaults)


def help_page(
    name: str,
    summary: str,
    examples: Mapping[str, str],
    notes: Sequence[str],
    files: Mapping[str, str] | None = None,
) -> str:
    """The page that `--help` shows: summary, all options from the files' comments, examples.

    Args:
        name: Of the command.
        summary: What the command does.
        examples: Arguments by what they are for.
        notes: Lines at the end.
        files: Its files in `conf` by the headings of their options; None for one named as it is.
    """
    lines = [f"python -m emma_gym.{name} [key=value ...]", "", summary.strip()]
    for heading, file in (files or {"Options": name}).items():
        lines += ["", f"{heading}:", *_option_lines(file)]
    lines += ["", "Examples:"]
    for purpose, arguments in examples.items():
        lines += [f"  # {purpose}", f"  python -m emma_gym.{name} {arguments}".rstrip()]
    return "\n".join([*lines, "", *notes])


def _option_lines(name: str) -> list[str]:
    """All options of a file in `conf`, each with its comment."""
    lines: list[str] = []
    comment: list[str] = []
    for line in (CONF_FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.lstrip("# "))
        elif ":" in line:
            key, _, value = line.partition(":")
            lines.append(f"  {key}={value.strip()}")
            lines += textwrap.wrap(
                " ".join(comment), 92, initial_indent=" " * 6, subsequent_indent=" " * 6
            )
            comment = []
        else:  # what stands alone is about the file
            comment = []
    return lines


def fail(error: Exception | str) -> int:
    """Shows a usage error in one line; returns its exit status."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return EXIT_USAGE


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends commands of batch systems: as Ctrl-C, but it reaches us alone."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Lets the first Ctrl-C or SIGTERM raise KeyboardInterrupt, and a second one quit at once."""
    seen = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            os._exit(EXIT_INTERRUPTED)
        seen = True
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _override(argument: str, defaults: Mapping[str, Any]) -> str:
    """Checks one argument, and returns it as Hydra wants it."""
    if argument.startswith("-"):
        key = argument.lstrip("-").partition("=")[0].replace("-", "_")
        raise UsageError(f"'{argument}': options are key=value; {_nearest(key, defaults)}")
    try:
        override: Override = OverridesParser.create().parse_override(argument)
    except HydraException as error:
        if "=" not in argument:
            key = argument.partition("=")[0]
            raise UsageError(
                f"'{argument}': options are key=value; {_nearest(key, defaults)}"
            ) from None
        raise UsageError(
            f"'{argument}': {_first_line(error)} (a value with special characters needs quotes of "
            "its own: \"key='value'\")"
        ) from None
    key, _, below = override.key_or_group.partition(".")
    if key not in defaults or override.package is not None:
        raise UsageError(f"unknown option '{override.key_or_group}'; {_nearest(key, defaults)}")
    if override.is_delete():
        raise UsageError(f"'{argument}': options cannot be deleted")
    if override.is_sweep_override():
        raise UsageError(f"'{argument}': several values are written {key}=[...]")
    free = defaults[key] == {}
    if below and not free:
        raise UsageError(f"unknown option '{override.key_or_group}': {key} has nothing below it")
    if free:  # Hydra would ask for a plus before keys that the file does not have
        return "++" + argument.lstrip("+")
    return argument.lstrip("+")


def _nearest(key: str, defaults: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, defaults, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else f"valid: {', '.join(defaults)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
