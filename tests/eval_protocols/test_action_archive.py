"""Bits survive, equal episodes give equal bytes, and hostile archives are refused cheaply."""

import contextlib
import hashlib
import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from eval_protocols.action_archive import (
    ARCHIVE_NAME,
    ActionArchive,
    ArchiveError,
    decode,
    encode,
    write_archive,
)
from eval_protocols.episodes import WorkUnit
from eval_protocols.journal import actions_path

SIZE = 14


def smooth(steps, seed=0):
    """Actions as an expert's: slow, with joints that rest."""
    time = np.linspace(0, 1, max(steps, 1))[:steps, None]
    phase = np.random.default_rng(seed).uniform(0, 3, SIZE)
    return np.where(phase < 1, phase, np.sin(time * 3 + phase)).astype(np.float32)


def evaluation(folder, actions):
    """Leaves what a journal leaves; returns the records."""
    records = []
    for unit, executed in actions.items():
        path = actions_path(folder, unit)
        path.parent.mkdir(parents=True, exist_ok=True)
        if executed is not None:
            np.save(path, executed)
        about = {"task": unit.task, "seed": unit.seed, "condition": unit.condition}
        records.append({**about, "state_sha256": None if executed is None else "0" * 64})
    return records


def sealed(path):
    """The block of a file as it is."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "sha256": digest, "bytes": len(content)}


@pytest.mark.parametrize("steps", [0, 1, 2, 300])
def test_bits_survive_whatever_they_are(steps):
    rng = np.random.default_rng(steps)
    bits = rng.integers(0, 2**32, (steps, SIZE), dtype=np.uint32)  # NaNs with payloads, too
    assert decode(encode(bits.view(np.float32))).tobytes() == bits.tobytes()


def test_the_recipe_of_the_docstring_reads_an_archive(tmp_path):
    unit, actions = WorkUnit("a_task", 7, "nominal"), smooth(50)
    write_archive(tmp_path, evaluation(tmp_path, {unit: actions}))
    planes = np.load(tmp_path / ARCHIVE_NAME)["nominal/a_task/7"]
    differences = np.ascontiguousarray(planes.transpose(2, 1, 0)).view("<u4")[..., 0]
    assert (np.cumsum(differences, axis=0, dtype="<u4").view("<f4") == actions).all()


def test_equal_episodes_give_equal_bytes_and_lost_ones_no_entry(tmp_path):
    units = {WorkUnit("t", 0, "c"): smooth(80), WorkUnit("t", 1, "c"): None}
    stale = actions_path(tmp_path / "b", WorkUnit("t", 1, "c"))  # of an attempt that was lost
    blocks = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        records = evaluation(folder, units)
        if folder.name == "b":
            np.save(stale, smooth(3))
        blocks.append(write_archive(folder, records))
        assert blocks[-1] == sealed(folder / ARCHIVE_NAME)
    assert blocks[0] == blocks[1]
    steps = {unit: 0 if actions is None else len(actions) for unit, actions in units.items()}
    with ActionArchive(tmp_path / "a" / ARCHIVE_NAME, blocks[0], steps) as archive:
        assert [unit in archive for unit in units] == [True, False]
        with pytest.raises(ArchiveError, match=r"c/t/1: no actions in actions\.npz"):
            archive.read(WorkUnit("t", 1, "c"), SIZE)


def test_no_actions_are_no_file(tmp_path):
    (tmp_path / ARCHIVE_NAME).touch()  # of a run before
    assert write_archive(tmp_path, evaluation(tmp_path, {WorkUnit("t", 0, "c"): None})) is None
    assert not (tmp_path / ARCHIVE_NAME).exists()


def test_it_is_much_smaller_than_numpy_makes_it(tmp_path):
    actions = {WorkUnit("t", seed, "c"): smooth(150, seed) for seed in range(10)}
    block = write_archive(tmp_path, evaluation(tmp_path, actions))
    plain = io.BytesIO()
    np.savez_compressed(plain, **{str(unit.seed): each for unit, each in actions.items()})
    assert block["bytes"] < 0.8 * len(plain.getvalue())


UNIT = WorkUnit("t", 0, "c")


def read(path, steps=80):
    with ActionArchive(path, sealed(path), {UNIT: steps}) as archive:
        return archive.read(UNIT, SIZE)


@pytest.fixture
def path(tmp_path):
    write_archive(tmp_path, evaluation(tmp_path, {UNIT: smooth(80)}))
    return tmp_path / ARCHIVE_NAME


def test_another_file_is_refused_by_size_and_hash(path):
    block = sealed(path)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-1])
    with pytest.raises(ArchiveError, match=r"bytes, but the result says"):
        ActionArchive(path, block, {UNIT: 80})
    content[50] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="not the file that the result names"):
        ActionArchive(path, block, {UNIT: 80})
    path.unlink()
    with pytest.raises(ArchiveError, match=r"actions\.npz: No such file"):
        ActionArchive(path, block, {UNIT: 80})


@pytest.mark.parametrize("kept", [0, 10, 21, 22, 200, -1, -22])
def test_a_truncated_archive_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArchiveError, match="no archive"):
        read(path)


def test_no_flipped_byte_changes_the_actions_or_raises_anything_else(path):
    whole, actions = path.read_bytes(), smooth(80).tobytes()
    for place in range(0, len(whole), 7):
        content = bytearray(whole)
        content[place] ^= 0x41
        path.write_bytes(content)
        with contextlib.suppress(ArchiveError):
            assert read(path).tobytes() == actions  # a date, say


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"c/t/0": encode(smooth(79))}, "c/t/0: 79 actions, but 80 steps"),
        ({"c/t/0": encode(smooth(81))}, "c/t/0: 81 actions, but 80 steps"),
        ({"c/t/0": encode(smooth(80)[:, :13])}, r"actions are uint8 \(4, 13, 80\), not"),
        ({"c/t/0": smooth(80)}, r"actions are float32 \(80, 14\), not"),
        ({"c/t/0": np.asfortranarray(encode(smooth(80)))}, "Fortran"),
        ({"c/t/0": np.array([{"a": 1}], dtype=object)}, "actions are object"),
        ({"c/t/0": encode(smooth(80)), "c/t/1": encode(smooth(80))}, "c/t/1.npy belongs to no"),
        ({"../../etc/x": encode(smooth(80))}, "../../etc/x.npy belongs to no episode"),
        ({}, "c/t/0: no actions"),
    ],
)
def test_what_is_none_of_the_episode_is_refused(path, arrays, message):
    np.savez_compressed(path, **arrays)
    with pytest.raises(ArchiveError, match=message):
        read(path)


def entry(shape, data):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return header.getvalue() + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (entry((4, SIZE, 10**12), b""), "1000000000000 actions, but 80 steps"),
        (entry((4, SIZE, 80), b"x"), "not as long as their header says"),
        (entry((4, SIZE, 80), bytes(50_000_000)), "not as long as their header says"),
        (bytes(50_000_000), "damaged actions"),
        (b"\x93NUMPY\x01\x00\xff\x00" + b"[" * 255, "damaged actions"),
        (b"", "damaged actions"),
    ],
)
def test_bombs_are_not_unpacked(path, content, message):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c/t/0.npy", content)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match=message):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("entries", [100, 70_000])
def test_a_list_of_very_many_entries_is_not_read(path, entries, monkeypatch):
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(entries):
            archive.writestr(f"{index}", b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArchiveError, match="lists more than 1 entries"):
        read(path)


def test_an_entry_given_twice_or_packed_otherwise_is_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("c/t/0.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("c/t/0.npy", b"")
    with pytest.raises(ArchiveError, match=r"c/t/0\.npy is given twice"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("c/t/0.npy", b"")
    with pytest.raises(ArchiveError, match="neither stored nor deflated"):
        read(path)


def test_a_comment_cannot_hide_the_end(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(ArchiveError, match="no archive"):
        read(path)
