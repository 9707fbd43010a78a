"""The result file of an evaluation: what is in it, and how it is checked, written and read.

`result.schema.json` describes the file. `validate` checks what a schema cannot say as well: every
number is finite, no episode is listed twice, twins exist, and the summary follows from the
episodes, so that nobody who ranks results needs to trust the sums of whoever sent them.

Contents:
    validate, validate_block: The checks, of all or of a part.
    read_result, write_result: The file.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from eval_protocols.summary import summarize
from eval_protocols.whole_file import write_whole

SCHEMA_VERSION = "2.0"
KIND = "emma_gym.evaluation"

#: What the file is called in the folder of an evaluation.
RESULT_NAME = "result.json"

#: The largest file that is read, in bytes; 100,000 episodes take about a third of it.
MAX_FILE_BYTES = 128 * 1024 * 1024

Result = dict[str, Any]


class InvalidResultError(ValueError):
    """A result that does not follow the schema, or contradicts itself."""


def validate(result: Any) -> None:
    """Checks a result.

    Args:
        result: Anything; what `json.load` returned, or what is about to be written.

    Raises:
        InvalidResultError: In one line that names the first place that is wrong.
    """
    _check_schema(result, _schema(), ())
    _check_conditions(result["protocol"]["conditions"])
    _check_episodes(result["episodes"])
    _check_summary(result)


def validate_block(name: str, block: Any) -> None:
    """Checks one block of a result, before an evaluation spends hours on the rest.

    Args:
        name: The block's key in the result, such as "policy".
        block: Its content.

    Raises:
        InvalidResultError: In one line that names the first place that is wrong.
    """
    schema = {"$defs": _schema()["$defs"], **_schema()["properties"][name]}
    _check_schema(block, schema, (name,))


def read_result(path: Path) -> Result:
    """Reads and validates a result file.

    Args:
        path: The file.

    Returns:
        The result.

    Raises:
        InvalidResultError: In one line that names the file and the first place that is wrong.
        OSError: If the file cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InvalidResultError(f"{path}: {size} bytes, more than {MAX_FILE_BYTES}")
    try:
        result = json.loads(path.read_bytes(), object_pairs_hook=_unique_keys)
        validate(result)
    except InvalidResultError as error:
        raise InvalidResultError(f"{path}: {error}") from None
    except ValueError as error:  # not JSON, or not UTF-8
        raise InvalidResultError(f"{path}: not JSON: {_brief(str(error))}") from None
    except RecursionError:
        raise InvalidResultError(f"{path}: nested too deeply") from None
    return dict(result)


def write_result(path: Path, result: Result) -> None:
    """Validates a result and writes it, whole or not at all.

    The text depends on the content alone, not on the order of keys in memory, and has one line for
    each episode, so that two results can be compared with `diff`.

    Args:
        path: The file; an existing one is replaced.
        result: The result.

    Raises:
        InvalidResultError: If the result is not valid; nothing is written then.
    """
    try:
        plain = json.loads(json.dumps(result))  # tuples become lists, as whoever reads it will see
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidResultError(f"result: not JSON: {_brief(str(error))}") from None
    validate(plain)
    write_whole(path, _text(plain).encode())


@functools.cache
def _schema() -> dict[str, Any]:
    """The JSON Schema of a result."""
    file = resources.files("eval_protocols").joinpath("result.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def _check_schema(value: Any, schema: dict[str, Any], at: tuple[str, ...]) -> None:
    """Refuses what does not follow a schema; `at` is where the value stands in the result."""
    for path, number in _numbers(value):
        if not math.isfinite(number):  # a schema's limits let NaN through
            raise InvalidResultError(f"{_location((*at, *path))}: {number} is not a finite number")
    try:
        error = best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    except RecursionError:
        raise InvalidResultError(f"{_location(at)}: nested too deeply") from None
    if error is not None:
        place = _location((*at, *error.absolute_path))
        raise InvalidResultError(f"{place}: {_brief(error.message)}")


def _numbers(value: Any) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """All floats in a JSON value with their paths; not recursive, which a file could exhaust."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while pending:
        path, item = pending.pop()
        if isinstance(item, float):
            yield path, item
        elif isinstance(item, dict):
            pending.extend(((*path, key), child) for key, child in item.items())
        elif isinstance(item, list):
            pending.extend(((*path, index), child) for index, child in enumerate(item))


def _check_episodes(episodes: list[dict[str, Any]]) -> None:
    """Refuses an episode that is listed twice, which would count twice."""
    seen: dict[tuple[str, str, int], int] = {}
    for index, episode in enumerate(episodes):
        key = (episode["condition"], episode["task"], episode["seed"])
        if key in seen:
            raise InvalidResultError(f"episodes[{index}]: the same as episodes[{seen[key]}]")
        seen[key] = index


def _check_conditions(conditions: list[dict[str, Any]]) -> None:
    """Refuses conditions that share a name, or whose twin is none."""
    by_name: dict[str, dict[str, Any]] = {}
    for index, condition in enumerate(conditions):
        at = f"protocol.conditions[{index}]"
        if condition["name"] in by_name:
            raise InvalidResultError(f"{at}.name: {_brief(condition['name'])} is given twice")
        if condition["level"] is not None and condition["factor"] is None:
            raise InvalidResultError(f"{at}.level: {condition['level']}, but of no factor")
        by_name[condition["name"]] = condition
    for index, condition in enumerate(conditions):
        twin = condition["twin"]
        if twin is not None and (twin not in by_name or by_name[twin]["twin"] is not None):
            why = "has a twin itself" if twin in by_name else "no condition"
            raise InvalidResultError(f"protocol.conditions[{index}].twin: {_brief(twin)}, {why}")


def _check_summary(result: Result) -> None:
    """Refuses a summary that does not follow from the episodes."""
    claimed = result["summary"]
    conditions = result["protocol"]["conditions"]
    tasks = list(dict.fromkeys(cell["task"] for cell in claimed["tasks"]))
    names = [condition["name"] for condition in conditions]
    if [cell["condition"] for cell in claimed["overall"]] != names:
        raise InvalidResultError("summary.overall: not one cell for each condition of the protocol")
    if len(claimed["tasks"]) != len(tasks) * len(names):  # before so many are computed
        raise InvalidResultError("summary.tasks: not one cell for each condition and task")
    try:
        computed = summarize(result["episodes"], tasks, conditions, result["protocol"]["headline"])
    except ValueError as error:
        raise InvalidResultError(f"summary: {_brief(str(error))}") from None
    if len(claimed["twins"]) != len(computed["twins"]):
        raise InvalidResultError("summary.twins: not one entry for each condition with a twin")
    for part, entries in computed.items():
        for index, (one, other) in enumerate(zip(claimed[part], entries, strict=True)):
            for key, value in other.items():
                if not _same(one[key], value):
                    raise InvalidResultError(
                        f"summary.{part}[{index}].{key}: {_brief(str(one[key]))}, but the episodes "
                        f"give {value}"
                    )


def _same(one: Any, other: Any) -> bool:
    """Whether two values of the summary agree; another SciPy may differ in the last digits."""
    if isinstance(other, dict):
        return all(_same(one[key], value) for key, value in other.items())
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON file; refuses a key given twice, which readers resolve differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise InvalidResultError(f"the key {_brief(repr(twice))} is given twice in one object")
    return found


def _location(path: Iterable[str | int]) -> str:
    """A path into the result, as one reads it: `episodes[3].return`."""
    text = ""
    for step in path:
        if isinstance(step, str) and step.isidentifier():
            text += f".{_brief(step)}"
        else:
            text += f"[{_brief(repr(step))}]"
    return text.removeprefix(".") or "result"


def _brief(message: str, length: int = 160) -> str:
    """A message in one line: the validator's quote the value, which may be long or hostile."""
    line = "".join(char if char.isprintable() else " " for char in message)
    if len(line) <= length:
        return line
    return f"{line[: length // 2]} ... {line[-length // 2 :]}"


def _text(result: Result) -> str:
    """The file's text: the schema's order outside, sorted keys inside, an episode on a line."""
    schema = _schema()
    blocks = []
    for key in schema["properties"]:
        if key == "episodes":
            names = list(schema["$defs"]["episode"]["properties"])
            lines = [json.dumps({name: episode[name] for name in names}) for episode in result[key]]
            body = "[\n    " + ",\n    ".join(lines) + "\n  ]"
        else:
            body = json.dumps(result[key], indent=2, sort_keys=True)
            body = body.replace("\n", "\n  ")  # no string holds a line break in JSON
        blocks.append(f'  "{key}": {body}')
    return "{\n" + ",\n".join(blocks) + "\n}\n"
