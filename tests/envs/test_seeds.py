import json

import pytest

import envs
from envs import source_code
from envs.seeds import SeedListError, lists, seed_list_sha256, source_sha256, validated_seeds


@pytest.mark.parametrize("task", envs.task_names())
def test_lists_are_whole_and_fresh(task):
    seeds = validated_seeds(task, 100)
    assert len(set(seeds)) == 100
    assert seeds == sorted(seeds)
    assert min(seeds) >= 100_000
    content = json.loads(lists.list_path(task).read_text())
    passed_over = {int(seed) for seed in content["failed"]}
    assert set(range(100_000, seeds[-1] + 1)) == set(seeds) | passed_over
    assert not lists.is_stale(task), f"run python -m envs.seeds.validate {task}"


def test_more_than_there_are_is_refused():
    with pytest.raises(SeedListError, match="has 100 validated seeds, 101"):
        validated_seeds("block_handover", 101)


def test_a_task_without_a_list_is_named():
    with pytest.raises(SeedListError, match="some_module:Task"):
        validated_seeds("some_module:Task", 1)
    with pytest.raises(SeedListError, match="validated_seeds=false"):
        seed_list_sha256("../../etc/passwd")


def test_hash_notices_code_and_ignores_words(tmp_path, monkeypatch):
    task = "block_handover"
    original = source_code.ROOT
    for path in original.glob("envs/**/*.py"):
        copy = tmp_path / path.relative_to(original)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    monkeypatch.setattr(source_code, "ROOT", tmp_path)
    before = source_sha256(task)
    for name in ("envs/tasks/block_handover.py", "envs/experts/motion.py"):
        file = tmp_path / name
        text = file.read_text()
        file.write_text("# a comment\n" + text.replace('"""', '"""Other words. ', 1))
        assert source_sha256(task) == before
        file.write_text(text + "\nCHANGED = 1\n")
        assert source_sha256(task) != before
        file.write_text(text)
    other = tmp_path / "envs/tasks/blocks_stack_easy.py"
    other.write_text(other.read_text() + "\nCHANGED = 1\n")
    assert source_sha256(task) == before, "another task's module does not matter"
    physics = source_code.physics_sha256.__wrapped__
    before_physics = physics()
    variation = tmp_path / "envs/randomization/workspace.py"
    variation.write_text(variation.read_text() + "\nCHANGED = 1\n")
    assert source_sha256(task) == before, "an unperturbed scene has no variations"
    assert physics() != before_physics, "a perturbed one has"
    pictures = tmp_path / "envs/rendering.py"
    before_physics = physics()
    pictures.write_text(pictures.read_text() + "\nCHANGED = 1\n")
    assert physics() == before_physics


EVERYTHING = '''
"""Words."""
import a.b as c


@d(1, k=...)
class E(F, metaclass=G):
    """Words."""

    x: int = 1_000

    async def f(self, /, a, *b, c=b"\\x00", **d) -> str | None:
        match a:
            case {"k": [1, *_]} if (n := len(b)) > 2j:
                return f"{a!r:>{n}} {c}" "and" " more"
        return lambda: (yield)
'''


def test_hashes_are_the_same_in_all_versions_of_python(tmp_path, monkeypatch):
    """The number is that of Python 3.10, 3.11, 3.12 and 3.13."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "module.py").write_text(EVERYTHING)
    monkeypatch.setattr(source_code, "ROOT", tmp_path)
    found = source_code.sha256({"envs.module": source_code.code("envs.module")})
    assert found == "a49cf9089adc913d40a457b2fd8569c4b3d450ebf3f7e4b4622e0765afe524fe"


def test_a_damaged_list_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "_FOLDER", tmp_path)
    (tmp_path / "block_handover.json").write_text("{")
    with pytest.raises(SeedListError, match="damaged"):
        validated_seeds("block_handover", 1)
