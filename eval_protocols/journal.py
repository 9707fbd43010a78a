"""The journal of an evaluation: what was run, and every episode as it ended.

    run.json         what decides the numbers (`identity`), written once
    episodes.jsonl   one record a line, each on the disk before the next begins
    actions/         the executed actions, `<condition>/<task>/<seed>.npy`

Whatever kills the evaluation, at most the last line is torn; it is dropped, and its episode is run
again. A line that is wrong elsewhere is no accident of that kind, and is an error.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from eval_protocols.episodes import RECORD_KEYS, EpisodeRecord, FinishedEpisode, WorkUnit, unit_of
from eval_protocols.whole_file import write_whole

RUN_NAME = "run.json"
EPISODES_NAME = "episodes.jsonl"
ACTIONS_NAME = "actions"

#: Everything an evaluation writes into its folder, results, report and videos included.
OWN_NAMES = (
    *(RUN_NAME, EPISODES_NAME, ACTIONS_NAME, "result.json", "actions.npz"),
    *("report.html", "videos", "views"),
)

_KINDS: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "seed": (int,),
    "condition": (str,),
    "success_once": (bool,),
    "success_at_end": (bool,),
    "steps": (int,),
    "return": (int, float),
    "error": (str, type(None)),
    "failure": (str, type(None)),
    "checks": (dict,),
    "progress": (int, float),
    "score": (int,),
    "variations": (dict,),
    "attempts": (int,),
    "state_sha256": (str, type(None)),
    "wall_s": (int, float),
}


class JournalError(ValueError):
    """A journal that cannot be read, or that belongs to another run."""


def fingerprint(identity: Mapping[str, Any]) -> str:
    """Hash of everything that decides a run's numbers."""
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The open journal of one evaluation; nobody else can open it meanwhile."""

    def __init__(self, folder: Path, run: Mapping[str, Any], file: IO[bytes]) -> None:
        """Use `create` or `resume`."""
        self.folder = folder
        self.run = run
        self.records: dict[WorkUnit, EpisodeRecord] = {}
        self._file = file

    @classmethod
    def create(cls, folder: Path, run: Mapping[str, Any]) -> Journal:
        """Begins a journal; what an earlier run left in the folder is deleted, and nothing else.

        Args:
            folder: Made if it is missing.
            run: Has "identity"; what else it has is kept for people.

        Raises:
            JournalError: If nothing can be written there, another process writes there, or files
                that would be replaced are no run's.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check_replaceable(folder)  # before the lock, which makes a file
            file = _lock(folder)
        except OSError as error:
            raise JournalError(f"cannot write to {folder}: {error.strerror}") from None
        file.truncate(0)
        for name in OWN_NAMES:
            # A kill leaves run.json, by which the rest is known to be a run's.
            if name in (RUN_NAME, EPISODES_NAME):
                continue
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        text = json.dumps(run, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        write_whole(folder / RUN_NAME, (text + "\n").encode())
        return cls(folder, run, file)

    @classmethod
    def resume(cls, folder: Path, identity: Mapping[str, Any]) -> Journal:
        """Opens the journal of an earlier run, to continue it.

        Args:
            folder: Holds a run (`holds_run`).
            identity: What decides the numbers now.

        Raises:
            JournalError: In one line: what differs between the runs, which line is wrong, or that
                another process writes to this journal.
        """
        run = read_run(folder)
        here = json.loads(json.dumps(identity))  # tuples become lists, as they did in the file
        differing = list(differences("", run["identity"], here))
        if differing:
            more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
            raise JournalError(
                f"{folder} holds another run: {'; '.join(differing[:3])}{more}. "
                "Choose another output_dir, or resume=false to start over"
            )
        file = _lock(folder)
        journal = cls(folder, run, file)
        journal.records, end = _parse(folder / EPISODES_NAME)
        file.truncate(end)
        return journal

    def append(self, episode: FinishedEpisode) -> None:
        """Writes a finished episode to the disk: its actions, then its record."""
        unit = unit_of(episode.record)
        if unit in self.records:
            raise ValueError(f"{unit} was recorded before")
        if episode.actions is not None:
            buffer = io.BytesIO()
            np.save(buffer, episode.actions, allow_pickle=False)
            path = actions_path(self.folder, unit)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, buffer.getvalue())
        ordered = {key: episode.record[key] for key in RECORD_KEYS}  # type: ignore[literal-required]
        line = json.dumps(ordered, ensure_ascii=False, allow_nan=False) + "\n"
        # One unbuffered call: an interrupt between two would tear the line.
        if self._file.write(line.encode()) != len(line.encode()):
            raise OSError(errno.ENOSPC, "the disk is full", str(self.folder / EPISODES_NAME))
        os.fsync(self._file.fileno())
        self.records[unit] = episode.record

    def close(self) -> None:
        """Closes the file and lets others open the journal."""
        self._file.close()


def actions_path(folder: Path, unit: WorkUnit) -> Path:
    """Where the executed actions of an episode are kept."""
    return folder / ACTIONS_NAME / unit.condition / unit.task / f"{unit.seed}.npy"


def holds_run(folder: Path) -> bool:
    """Whether a folder holds the files of an evaluation."""
    episodes = folder / EPISODES_NAME
    # An empty one is left when `create` is killed at its very start.
    return (folder / RUN_NAME).exists() or (episodes.exists() and episodes.stat().st_size > 0)


def read_run(folder: Path) -> dict[str, Any]:
    """Reads run.json.

    Raises:
        JournalError: If it is missing or malformed.
    """
    path = folder / RUN_NAME
    try:
        run = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise JournalError(
            f"{folder} has {EPISODES_NAME} but no {RUN_NAME}: choose another output_dir"
        ) from None
    except ValueError as error:
        raise JournalError(f"{path}: not JSON: {error}; choose another output_dir") from None
    if not isinstance(run, dict) or not isinstance(run.get("identity"), dict):
        raise JournalError(f"{path}: has no identity: choose another output_dir")
    return run


def read_records(folder: Path) -> list[EpisodeRecord]:
    """Reads all episodes of a journal, in the order in which they ended; changes nothing.

    Raises:
        JournalError: In one line that names the line that is wrong.
    """
    records, _ = _parse(folder / EPISODES_NAME)
    return list(records.values())


def _check_replaceable(folder: Path) -> None:
    """Refuses a folder that has files of our names but holds no run.

    Raises:
        JournalError: In one line.
    """
    there = {path.name for path in folder.iterdir()}
    if not holds_run(folder):
        there.discard(EPISODES_NAME)  # empty: left when `create` is killed at its very start
    foreign = sorted(there.intersection(OWN_NAMES))
    try:
        if foreign:
            read_run(folder)
    except JournalError:
        raise JournalError(
            f"{folder} holds no evaluation but other files, such as {foreign[0]}: choose another "
            "output_dir, or empty this one"
        ) from None


def _parse(path: Path) -> tuple[dict[WorkUnit, EpisodeRecord], int]:
    """All records, and the offset behind the last whole line."""
    records: dict[WorkUnit, EpisodeRecord] = {}
    end = 0
    # What follows the last line break is empty, or a line that was torn when the process died.
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        record = _record(f"{path}, line {number}", line)
        if unit_of(record) in records:
            raise JournalError(f"{path}, line {number}: this episode was recorded before")
        records[unit_of(record)] = record
        end += len(line) + 1
    return records, end


def _record(where: str, line: bytes) -> EpisodeRecord:
    try:
        record = json.loads(line, parse_constant=_no_constant)
    except ValueError as error:
        raise JournalError(f"{where}: not JSON: {error}") from None
    if not isinstance(record, dict) or set(record) != set(RECORD_KEYS):
        raise JournalError(f"{where}: the keys are not those of an episode")
    for key, kinds in _KINDS.items():
        value = record[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise JournalError(f"{where}: {key} is {value!r}")
    return record  # type: ignore[return-value]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _lock(folder: Path) -> IO[bytes]:
    """Opens episodes.jsonl for appending, for one process at a time."""
    file = (folder / EPISODES_NAME).open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise JournalError(f"another evaluation is writing to {folder}") from None
    return file


def differences(path: str, there: Any, here: Any) -> Iterator[str]:
    """What differs between two JSON values, as `policy.config.lr is 1 there and 2 here`."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            yield from differences(f"{path}.{key}", there.get(key), here.get(key))
    elif there != here:
        yield f"{path.removeprefix('.')} is {_brief(there)} there and {_brief(here)} here"


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
