"""The executed actions of all episodes of a result, in one small file beside it: `actions.npz`.

It is a NumPy archive (a zip) with an entry `<condition>/<task>/<seed>` for each episode that has
actions, in the order of the result. Bits are kept: physics is deterministic, and the hash of an
episode's last state depends on every one of them.

Actions are smooth, so what is stored are the differences from step to step, of the float32 numbers
read as integers: small integers, whose upper bytes are mostly alike. An entry is an array (4, A, T)
of uint8 for T control steps of A numbers: first the lowest byte of all differences, joint by joint,
last the highest. That is 32 % of float32 for the experts' actions, where `numpy.savez_compressed`
comes to 39 %. To read one:

    planes = numpy.load("actions.npz")["nominal/block_handover/100000"]
    differences = numpy.ascontiguousarray(planes.transpose(2, 1, 0)).view("<u4")[..., 0]
    actions = numpy.cumsum(differences, axis=0, dtype="<u4").view("<f4")  # (T, A)

The first row is the difference from zero; sums run modulo 2**32.

Contents:
    write_archive: Gathers the actions of an evaluation.
    ActionArchive: Reads those of a result that anybody may have sent.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eval_protocols.episodes import WorkUnit
from eval_protocols.journal import actions_path

ARCHIVE_NAME = "actions.npz"

#: Bytes that an entry takes beside its name and its data, in the zip and in NumPy's header.
_ENTRY_BYTES = 1000
#: The end of a zip, and what one of more than 65535 entries has before it (APPNOTE 4.3.14, 16).
_END, _END_64, _LOCATOR_64_BYTES = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), 20

Actions = NDArray[np.float32]


class ArchiveError(ValueError):
    """An archive that is damaged, hostile or not the result's; says in one line what is wrong."""


def write_archive(folder: Path, episodes: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Gathers the actions that the journal keeps, and writes them whole or not at all.

    The same episodes give the same bytes.

    Args:
        folder: Of the evaluation.
        episodes: Their records, in the order of the result.

    Returns:
        The result's block `actions`; None if there are no actions, and no file then.
    """
    path = folder / ARCHIVE_NAME
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for episode in episodes:
                    unit = WorkUnit(episode["task"], episode["seed"], episode["condition"])
                    source = actions_path(folder, unit)
                    # A worker that died took its episode's actions along. What may lie there is
                    # of an attempt before.
                    if episode["state_sha256"] is not None and source.exists():
                        actions = np.load(source, allow_pickle=False)
                        entry = zipfile.ZipInfo(_entry(unit))  # dated 1980, whenever this is
                        entry.compress_type = zipfile.ZIP_DEFLATED
                        archive.writestr(entry, _npy(encode(actions)), compresslevel=9)
                empty = not archive.namelist()
            file.flush()
            os.fsync(file.fileno())
        if empty:
            path.unlink(missing_ok=True)
            return None
        with temporary.open("rb") as file:
            digest, size = file_sha256(file), file.tell()
        block = {"file": ARCHIVE_NAME, "sha256": digest, "bytes": size}
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return block


def encode(actions: Actions) -> NDArray[np.uint8]:
    """Actions (T, A) as an entry of an archive, (4, A, T)."""
    bits = np.ascontiguousarray(actions, dtype="<f4").view("<u4")
    differences = np.diff(bits, axis=0, prepend=np.zeros_like(bits[:1]))
    planes = np.ascontiguousarray(differences[..., None]).view(np.uint8)
    return np.ascontiguousarray(planes.transpose(2, 1, 0))


def decode(planes: NDArray[np.uint8]) -> Actions:
    """What `encode` was given."""
    differences = np.ascontiguousarray(planes.transpose(2, 1, 0)).view("<u4")[..., 0]
    bits = np.cumsum(differences, axis=0, dtype="<u4")
    return bits.view("<f4").astype(np.float32, copy=False)


class ActionArchive:
    """An archive that anybody may have made: nothing in it is believed, or allocated, unchecked."""

    def __init__(self, path: Path, block: Mapping[str, Any], steps: Mapping[WorkUnit, int]) -> None:
        """Opens an archive.

        Args:
            path: The file.
            block: The result's block `actions`.
            steps: The control steps of each episode of the result.

        Raises:
            ArchiveError: If the file is missing, not the one that the result names, no archive, or
                has an entry that belongs to no episode of the result.
        """
        self._name = path.name
        self._steps = {_entry(unit): count for unit, count in steps.items()}
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise ArchiveError(f"{path.name}: {error.strerror}") from None
        try:
            self._check_identity(block)
            self._check_directory(block["bytes"])
            self._zip = zipfile.ZipFile(self._file)
            self._infos = self._checked_infos()
        except ArchiveError:
            self._file.close()
            raise
        except Exception as error:  # whatever hostile bytes make the zip module raise
            self._file.close()
            raise ArchiveError(f"{path.name}: no archive: {_line(error)}") from error

    def __enter__(self) -> ActionArchive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
        self._file.close()

    def __contains__(self, unit: WorkUnit) -> bool:
        """Whether there are actions of an episode."""
        return _entry(unit) in self._infos

    def read(self, unit: WorkUnit, size: int) -> Actions:
        """Actions of an episode.

        Args:
            unit: The episode.
            size: Numbers that an action has.

        Returns:
            As many as the episode has steps, (T, A); whatever bits they consist of.

        Raises:
            ArchiveError: If there is no entry, or its shape is another.
        """
        name = _entry(unit)
        if name not in self._infos:
            raise ArchiveError(f"{title(unit)}: no actions in {self._name}")
        steps = self._steps[name]
        shape = (4, size, steps)
        most = math.prod(shape) + _ENTRY_BYTES
        try:
            with self._zip.open(self._infos[name]) as entry:
                stream = io.BytesIO(entry.read(most))
                found, dtype = _read_header(stream)
                planes = np.frombuffer(stream.read(), np.uint8)
                complete = not entry.read(1)
        except Exception as error:  # whatever hostile bytes make zip, zlib and NumPy raise
            raise ArchiveError(f"{title(unit)}: damaged actions: {_line(error)}") from error
        if dtype != np.uint8 or len(found) != 3 or found[:2] != shape[:2]:
            valid = f"uint8 (4, {size}, steps)"
            raise ArchiveError(f"{title(unit)}: actions are {dtype} {found}, not {valid}")
        if found[2] != steps:
            raise ArchiveError(f"{title(unit)}: {found[2]} actions, but {steps} steps")
        if not complete or planes.size != math.prod(shape):
            raise ArchiveError(f"{title(unit)}: damaged actions: not as long as their header says")
        return decode(planes.reshape(shape))

    def _check_identity(self, block: Mapping[str, Any]) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size != block["bytes"]:
            raise ArchiveError(f"{self._name}: {size} bytes, but the result says {block['bytes']}")
        if file_sha256(self._file) != block["sha256"]:
            raise ArchiveError(f"{self._name}: not the file that the result names, by its hash")

    def _check_directory(self, size: int) -> None:
        """Refuses a list of entries so long that reading it would be the attack."""
        most = sum(2 * len(name.encode()) + _ENTRY_BYTES for name in self._steps)
        if _directory_bytes(self._file, size) > most:
            raise ArchiveError(f"{self._name}: lists more than {len(self._steps)} entries")

    def _checked_infos(self) -> dict[str, zipfile.ZipInfo]:
        infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.filename not in self._steps:
                raise ArchiveError(
                    f"{self._name}: {_line(info.filename)} belongs to no episode of the result"
                )
            if info.filename in infos:
                raise ArchiveError(f"{self._name}: {info.filename} is given twice")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ArchiveError(f"{self._name}: {info.filename} is neither stored nor deflated")
            infos[info.filename] = info
        return infos


def title(unit: WorkUnit) -> str:
    """How an episode is called in messages, and in an archive."""
    return f"{unit.condition}/{unit.task}/{unit.seed}"


def _entry(unit: WorkUnit) -> str:
    return f"{title(unit)}.npy"


def _npy(array: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of a stored array, without making it: it may claim any size."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("another version of NumPy's format than 1.0")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if fortran_order:
        raise ValueError("in Fortran's order")
    return tuple(shape), dtype


def _directory_bytes(file: IO[bytes], size: int) -> int:
    """Bytes of a zip's list of entries, as its end tells. Ours have no comment behind that."""
    end = size - _END.size
    file.seek(end)
    mark, *_, directory_bytes, _, comment_bytes = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or comment_bytes:
        raise zipfile.BadZipFile("it does not end as one does")
    end_64 = end - _LOCATOR_64_BYTES - _END_64.size
    if end_64 >= 0:
        file.seek(end_64)
        mark, *_, directory_bytes_64, _ = _END_64.unpack(file.read(_END_64.size))
        if mark == b"PK\6\6":
            overflow = directory_bytes == 0xFFFFFFFF  # then it says nothing
            return max(int(directory_bytes_64), 0 if overflow else int(directory_bytes))
    return int(directory_bytes)


def file_sha256(file: IO[bytes]) -> str:
    """Hash of a file from here to its end."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _line(error: object) -> str:
    """What somebody else's file has put into a message, in one short line."""
    text = "".join(char if char.isprintable() else " " for char in str(error))
    return text if len(text) <= 120 else f"{text[:117]}..."
