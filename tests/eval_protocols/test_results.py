import copy
import json
import math

import jsonschema
import pytest
from example_result import (
    SHA256,
    condition,
    episode,
    example_result,
    failed,
    sweep_result,
)

from eval_protocols import results, whole_file
from eval_protocols.results import (
    InvalidResultError,
    read_result,
    validate,
    validate_block,
    write_result,
)
from eval_protocols.summary import summarize

ACTIONS = {"file": "actions.npz", "sha256": SHA256, "bytes": 1000}
NOMINAL = [condition("nominal")]


def changed(path, value, result=None):
    result = copy.deepcopy(example_result() if result is None else result)
    *parents, last = path
    node = result
    for step in parents:
        node = node[step]
    node[last] = value
    return result


def test_schema_is_a_schema_and_takes_the_example():
    jsonschema.Draft202012Validator.check_schema(results._schema())
    validate(example_result())
    validate(example_result(actions=ACTIONS))
    validate(sweep_result())


def all_objects(node, path=()):
    if isinstance(node, dict):
        yield path, node
        for key, child in node.items():
            yield from all_objects(child, (*path, key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from all_objects(child, (*path, index))


#: Objects whose keys are chosen by others: policies, tasks, protocols.
FREE = ("config", "net", "checks", "lists", "variations")


def with_all_blocks():
    return sweep_result(seeds=1, clean=1, drop=(0, 0), actions=ACTIONS)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path, _ in all_objects(with_all_blocks())
        if (not path or path[-1] not in FREE) and not any(isinstance(s, int) and s for s in path)
    ],
    ids=lambda path: "/".join(map(str, path)) or "result",
)
def test_every_key_is_needed_and_no_other_is_taken(path):
    def at(result):
        for step in path:
            result = result[step]
        return result

    for key in list(at(with_all_blocks())):
        result = copy.deepcopy(with_all_blocks())
        del at(result)[key]
        with pytest.raises(InvalidResultError, match=key):
            validate(result)
    result = copy.deepcopy(with_all_blocks())
    at(result)["surplus"] = 1
    with pytest.raises(InvalidResultError, match="surplus"):
        validate(result)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("schema_version",), "1.0", "schema_version"),
        (("kind",), "other", "kind"),
        (("episodes", 0, "return"), math.nan, r"episodes\[0\].return"),
        (("episodes", 0, "wall_s"), math.inf, r"episodes\[0\].wall_s"),
        (("policy", "config", "lr"), math.nan, "policy.config.lr"),
        (("episodes", 0, "seed"), -1, r"episodes\[0\].seed"),
        (("episodes", 0, "seed"), 2**63, r"episodes\[0\].seed"),
        (("episodes", 0, "seed"), True, r"episodes\[0\].seed"),
        (("episodes", 0, "progress"), 1.01, r"episodes\[0\].progress"),
        (("episodes", 0, "success_once"), 1, r"episodes\[0\].success_once"),
        (("episodes", 0, "attempts"), 3, r"episodes\[0\].attempts"),
        (("episodes", 0, "state_sha256"), SHA256 + "\n", r"episodes\[0\].state_sha256"),
        (("episodes", 0, "task"), "../../etc", r"episodes\[0\].task"),
        (("episodes", 0, "task"), "..", r"episodes\[0\].task"),
        (("episodes", 0, "condition"), "a/b", r"episodes\[0\].condition"),
        (("episodes", 3, "error"), "x" * 2_000_000, r"episodes\[3\].error"),
        (("policy", "name"), "x" * 2_000_000, "policy.name"),
        (("policy", "config", "x" * 300), 1, "policy.config"),
        (("timing", "started"), "yesterday", "timing.started"),
        (("episodes", 0, "score"), 6, r"episodes\[0\].score"),
        (("episodes", 0, "score"), 4.5, r"episodes\[0\].score"),
        (("episodes", 0, "variations"), [], r"episodes\[0\].variations"),
        (("episodes", 0, "variations"), {"x": math.inf}, r"episodes\[0\].variations.x"),
        (("training", "name"), "../x", "training.name"),
        (("training", "seed"), -1, "training.seed"),
        (("training", "description"), "x" * 1001, "training.description"),
        (("actions",), ACTIONS | {"file": "../../etc/passwd"}, "actions"),
        (("actions",), ACTIONS | {"bytes": 0}, "actions"),
        (("versions", "physics_sha256"), None, "versions.physics_sha256"),
        (("protocol", "conditions"), [], "protocol.conditions"),
        (("protocol", "conditions", 0, "level"), 6, r"protocol.conditions\[0\].level"),
        (("protocol", "conditions", 0, "level"), 1.5, r"protocol.conditions\[0\].level"),
        (("protocol", "conditions", 0, "name"), "a/b", r"protocol.conditions\[0\].name"),
        (("protocol", "headline"), "steps", "protocol.headline"),
        (("episodes",), [], "episodes"),
        (("episodes",), {}, "episodes"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(path, value, place):
    with pytest.raises(InvalidResultError, match=place) as refusal:
        validate(changed(path, value))
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("value", [None, 3, "text", [], [{}], math.nan])
def test_what_is_no_result_is_refused(value):
    with pytest.raises(InvalidResultError):
        validate(value)


def test_an_episode_with_an_error_is_no_success():
    with pytest.raises(InvalidResultError, match=r"episodes\[0\]"):
        validate(example_result([episode("t", 1, error="it broke")]))
    with pytest.raises(InvalidResultError, match=r"episodes\[0\]"):
        validate(example_result([failed("t", 1, success_at_end=True)]))


def test_the_score_is_five_for_success_and_for_nothing_else():
    for record in (episode("t", 1, score=4), failed("t", 1, score=5)):
        with pytest.raises(InvalidResultError, match=r"episodes\[0\]"):
            validate(example_result([record]))


def test_an_episode_counts_once():
    with pytest.raises(InvalidResultError, match=r"episodes\[1\].*episodes\[0\]"):
        validate(example_result([episode("t", 1), episode("t", 1)]))


@pytest.mark.parametrize(
    ("path", "claim"),
    [
        (("overall", 0, "success_once", "count"), 4),
        (("overall", 0, "success_once", "rate"), 1),
        (("overall", 0, "success_at_end", "high"), 1),
        (("overall", 0, "errors"), 0),
        (("tasks", 1, "success_once", "low"), 1),
        (("tasks", 1, "mean_steps"), 1),
        (("tasks", 0, "mean_score"), 5.0),
    ],
)
def test_a_summary_that_claims_something_else_is_refused(path, claim):
    with pytest.raises(InvalidResultError, match=rf"summary\.{path[0]}\[{path[1]}\]\.{path[2]}"):
        validate(changed(("summary", *path), claim))


@pytest.mark.parametrize(
    ("key", "claim"),
    [
        ("condition", "clean"),
        ("twin", "camera_roll_1"),
        ("task", "block_handover"),
        ("pairs", 19),
        ("rate", 0.8),
        ("twin_rate", 0.9),
        ("difference", {"value": -0.1, "low": -0.1, "high": -0.1}),
        ("retention", None),
        ("p_value", 0.01),
    ],
)
def test_a_twin_that_claims_something_else_is_refused(key, claim):
    with pytest.raises(InvalidResultError, match=rf"summary\.twins\[0\]\.{key}"):
        validate(changed(("summary", "twins", 0, key), claim, sweep_result()))


def test_twins_that_are_left_out_are_missed():
    result = sweep_result()
    result["summary"]["twins"].pop()
    with pytest.raises(InvalidResultError, match=r"summary\.twins"):
        validate(result)


@pytest.mark.parametrize(
    ("index", "key", "value", "complaint"),
    [
        (1, "twin", "nowhere", r"conditions\[1\]\.twin: nowhere, no condition"),
        (1, "twin", "camera_roll_1", r"conditions\[1\]\.twin: camera_roll_1, has a twin itself"),
        (1, "twin", "camera_azimuth_1", r"conditions\[1\]\.twin"),
        (1, "name", "clean", r"conditions\[1\]\.name: clean is given twice"),
        (1, "factor", None, r"conditions\[1\]\.level: 1, but of no factor"),
        (1, "name", "other", r"summary\.overall: not one cell for each condition"),
    ],
)
def test_conditions_that_contradict_themselves_are_refused(index, key, value, complaint):
    path = ("protocol", "conditions", index, key)
    with pytest.raises(InvalidResultError, match=complaint):
        validate(changed(path, value, sweep_result()))


def test_a_condition_that_was_not_run_is_refused():
    result = example_result()
    result["protocol"]["conditions"].append(condition("other"))
    with pytest.raises(InvalidResultError, match=r"summary\.overall"):
        validate(result)


def test_many_claimed_cells_cost_nothing():
    """A thousand conditions by a thousand tasks would be a million cells to compute."""
    result = example_result()
    cell = result["summary"]["tasks"][0]
    result["summary"]["tasks"] = [cell | {"task": f"t{index}"} for index in range(1000)]
    names = [f"c{index}" for index in range(1000)]
    result["protocol"]["conditions"] = [condition(name) for name in names]
    overall = result["summary"]["overall"][0]
    result["summary"]["overall"] = [overall | {"condition": name} for name in names]
    with pytest.raises(InvalidResultError, match=r"summary\.tasks: not one cell"):
        validate(result)


def test_a_summary_without_a_task_is_refused():
    result = example_result()
    result["summary"]["tasks"].pop()
    with pytest.raises(InvalidResultError, match="summary"):
        validate(result)


def test_summary_counts_errors_as_failures():
    episodes = [
        episode("a", 1, steps=10),
        episode("a", 2, steps=20, success_at_end=False),
        failed("a", 3, steps=1000, error="it broke"),
        failed("b", 1),
    ]
    summary = summarize(episodes, ["b", "a"], NOMINAL, "success_once")
    assert [cell["task"] for cell in summary["tasks"]] == ["b", "a"]
    cell = summary["tasks"][1]
    assert (cell["episodes"], cell["errors"]) == (3, 1)
    assert cell["success_once"]["count"] == 2
    assert cell["success_at_end"]["rate"] == pytest.approx(1 / 3)
    assert cell["mean_steps"] == 15
    assert cell["mean_score"] == 4
    (overall,) = summary["overall"]
    assert overall["task"] is None
    assert overall["success_once"]["rate"] == 0.5
    assert summarize(list(reversed(episodes)), ["b", "a"], NOMINAL, "success_once") == summary


def test_summary_of_errors_alone_has_no_means():
    (cell,) = summarize([failed("a", 1, error="x")], ["a"], NOMINAL, "success_once")["tasks"]
    assert cell["mean_steps"] is None
    assert cell["mean_return"] is None
    validate(example_result([failed("a", 1, error="x")]))


def test_summary_needs_every_task_and_no_other():
    with pytest.raises(ValueError, match="no episode of b"):
        summarize([episode("a", 1)], ["a", "b"], NOMINAL, "success_once")
    with pytest.raises(ValueError, match="of a under nominal"):
        summarize([episode("a", 1)], ["b"], NOMINAL, "success_once")


def test_a_result_round_trips_whatever_the_order_of_its_keys(tmp_path):
    result = example_result()
    result["policy"]["name"] = "naïve \ud800 <policy>"
    write_result(tmp_path / "a.json", result)
    assert read_result(tmp_path / "a.json") == result

    def reordered(node):
        if isinstance(node, dict):
            return {key: reordered(node[key]) for key in reversed(node)}
        return [reordered(child) for child in node] if isinstance(node, list) else node

    # The order of checks is the task's, and kept.
    turned = reordered(result)
    for record, original in zip(turned["episodes"], result["episodes"], strict=True):
        record["checks"] = original["checks"]
    write_result(tmp_path / "b.json", turned)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert sum('"state_sha256"' in line for line in lines) == len(result["episodes"])


def test_tuples_are_written_as_lists(tmp_path):
    result = example_result()
    result["policy"]["observes"]["resolution"] = (320, 240)
    write_result(tmp_path / "result.json", result)
    assert read_result(tmp_path / "result.json") == example_result()


@pytest.mark.parametrize("value", [math.nan, {1, 2}, object()])
def test_nothing_is_written_unless_valid(tmp_path, value):
    path = tmp_path / "result.json"
    write_result(path, example_result())
    before = path.read_bytes()
    with pytest.raises(InvalidResultError):
        write_result(path, changed(("policy", "config", "x"), value))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_is_interrupted_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_result(path, example_result())
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(whole_file.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_result(path, example_result([episode("other", 1)]))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" * 500 + b"]" * 500, "is not of type"),
        (b'{"kind": 1, "kind": 2}', "'kind' is given twice"),
        (b"null", "is not of type"),
    ],
)
def test_a_file_that_is_no_result_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "sent.json"
    path.write_bytes(content)
    with pytest.raises(InvalidResultError, match=complaint) as refusal:
        read_result(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_lacks_are_refused(tmp_path, number):
    path = tmp_path / "sent.json"
    path.write_text(json.dumps(example_result()).replace("12.5", number))
    with pytest.raises(InvalidResultError, match=r"episodes\[\d\].return: -?(nan|inf) is not"):
        read_result(path)


def test_a_deep_configuration_is_refused_and_no_crash(tmp_path):
    path = tmp_path / "sent.json"
    deep = "[" * 900 + "]" * 900
    path.write_text(json.dumps(changed(("policy", "config", "x"), "DEEP")).replace('"DEEP"', deep))
    with pytest.raises(InvalidResultError, match="nested too deeply"):
        read_result(path)


def test_a_huge_file_is_not_even_read(tmp_path):
    path = tmp_path / "sent.json"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(InvalidResultError, match="1000000000 bytes"):
        read_result(path)


def test_messages_carry_nothing_to_the_terminal(tmp_path):
    path = tmp_path / "sent.json"
    result = changed(("policy", "\x1b[31mred\n"), 1)
    path.write_text(json.dumps(result))
    with pytest.raises(InvalidResultError) as refusal:
        read_result(path)
    assert str(refusal.value).isprintable()


def test_a_block_is_checked_by_itself():
    policy = example_result()["policy"]
    validate_block("policy", policy)
    with pytest.raises(InvalidResultError, match=r"policy\.weights_sha256"):
        validate_block("policy", policy | {"weights_sha256": "unknown"})
    with pytest.raises(InvalidResultError, match=r"policy\.config\.lr"):
        validate_block("policy", policy | {"config": {"lr": math.nan}})
