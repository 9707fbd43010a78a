"""Which files count, and why others do not."""

import itertools
import json
import os

import pytest
from example_result import condition
from submissions import known_block, only_ranking, reasons, result, sha256

from envs.seeds import seed_list_sha256, validated_seeds
from eval_protocols.leaderboard.submissions import read_submissions
from eval_protocols.protocol import load_protocol
from eval_protocols.results import write_result


def test_the_same_file_twice_counts_once(submit, tmp_path):
    document = submit(result(), result())
    assert reasons(document) == [f"the same file as {tmp_path / '0.json'}"]
    assert [len(entry["runs"]) for entry in only_ranking(document)["entries"]] == [1]


TIMING = {
    "started": "2026-01-02T03:04:05+00:00",
    "finished": "2026-01-03T03:05:05+00:00",
    "wall_s": 1.0,
    "episodes_per_minute": 4.0,
    "workers": 2,
}


@pytest.mark.parametrize(
    ("again", "what"),
    [
        (result(successes=[True, True]), "the same policy with the same weights"),
        (result(successes=[True, True, False]), "the same policy with the same weights"),
        (result(timing=TIMING), "the same policy with the same weights"),
        (
            result(policy={"weights_sha256": sha256("retrained")}),
            "the same policy with the same training seed 0",
        ),
        (
            result(training={"seed": 5}, policy={"weights_sha256": sha256("act 0")}),
            "the same policy with the same weights",
        ),
    ],
    ids=["better", "more seeds", "later", "other weights", "other seed"],
)
def test_the_same_policy_cannot_be_submitted_twice(submit, tmp_path, again, what):
    document = submit(result(), again)
    assert document["refused"] == [
        {
            "file": str(tmp_path / "1.json"),
            "reason": f"{what} on the same episodes as {tmp_path / '0.json'}",
        }
    ]
    assert only_ranking(document)["entries"][0]["rate"]["value"] == 0.5


def test_a_policy_without_weights_counts_once(submit):
    scripted = {"policy": {"weights_sha256": None}, "training": {"name": "none", "seed": None}}
    document = submit(result(**scripted), result(successes=[True, True], **scripted))
    assert "the same policy on the same episodes" in reasons(document)[0]


def drawn(sampler, seed=0, **changes):
    """A training's sampling, as results of our checkpoints have it, and its weights."""
    sampling = {"sampler": sampler, "reference_sha256": sha256(str(seed)), **changes}
    return {
        "policy": {
            "config": {"training": {"seed": seed, "sampling": sampling}},
            "weights_sha256": sha256(f"{sampling} {seed}"),
        },
        "training": {"seed": seed, "sampling": sampling},
    }


def test_policies_whose_trainings_drew_samples_otherwise_are_different_ones(submit):
    runs = [result(**drawn(sampler, n)) for sampler in ("uniform", "adamix") for n in range(2)]
    only_told = result(training={"sampling": {"sampler": "per"}})
    document = submit(*runs, only_told, result())
    assert reasons(document) == []
    assert sorted(len(entry["runs"]) for entry in only_ranking(document)["entries"]) == [1, 1, 2, 2]
    variants = {policy["variant"].partition(",")[0] for policy in document["policies"]}
    assert variants >= {f'sampling.sampler="{name}"' for name in ("uniform", "adamix", "per")}


def test_the_same_policy_on_other_seeds_is_no_duplicate(submit):
    assert reasons(submit(result(), result(first_seed=50))) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headline": "success_at_end"}, "protocol.headline: success_at_end, but in_domain"),
        ({"after_success_steps": 0}, "protocol.after_success_steps: 0, but in_domain"),
        ({"version": 77}, "protocol.version: 77, but in_domain"),
        ({"conditions": [condition("nominal", factor="x")]}, "protocol.conditions: not those"),
    ],
)
def test_a_result_that_lies_about_a_known_protocol_is_refused(submit, changes, reason):
    (found,) = reasons(submit(result(protocol=known_block(**changes))))
    assert found.startswith(reason)


def test_a_known_protocol_has_its_title_and_only_its_training_data(submit):
    protocol = known_block()
    known = load_protocol("in_domain")
    good = result(protocol=protocol, training={"name": known.training[0].name})
    document = submit(good, result("b", protocol=protocol, training={"name": "all_i_found"}))
    (block,) = document["protocols"]
    assert (block["known"], block["title"]) == (True, known.title)
    assert block["trainings"][0]["description"] == known.training[0].description
    assert reasons(document)[0].startswith("training.name: all_i_found, but in_domain knows")


def test_seeds_must_be_from_the_list_that_is_named(submit):
    seeds = {
        "validated": True,
        "start": 0,
        "lists": {"block_handover": seed_list_sha256("block_handover")},
    }
    first = validated_seeds("block_handover", 1)[0]
    outside = next(n for n in itertools.count() if n not in validated_seeds("block_handover", 100))
    document = submit(
        result("honest", [True], first_seed=first, seeds=seeds),
        result("chosen", [True], first_seed=outside, seeds=seeds),
        result("no list", [True], first_seed=first, seeds=seeds | {"lists": {}}),
    )
    assert reasons(document) == [
        "seeds.validated: true, but block_handover has others than its list",
        "seeds.lists: no list of block_handover, but seeds are 'validated'",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": NaN}', "not a finite number"),
        ('{"a": 1, "a": 2}', "given twice"),
        ("null", "not of type 'object'"),
        ('{"schema_version": "1.0"}', ""),
    ],
)
def test_what_is_no_result_is_refused_with_its_reason(tmp_path, text, reason):
    (tmp_path / "result.json").write_text(text)
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert accepted == []
    assert refusal.file == str(tmp_path / "result.json")
    assert reason in refusal.reason
    assert "\n" not in refusal.reason
    assert str(tmp_path) not in refusal.reason


def edited(**changes):
    claimed = result()
    for cell in (*claimed["summary"]["overall"], *claimed["summary"]["tasks"]):
        cell.update(changes)
    return claimed


@pytest.mark.parametrize(
    "changes",
    [
        {"episodes": 10**9},
        {"episodes": 100},
        {"success_once": {"count": 2, "rate": 1.0, "low": 0.3, "high": 1.0}},
    ],
)
def test_claims_that_the_episodes_do_not_bear_out_are_refused(tmp_path, changes):
    (tmp_path / "result.json").write_text(json.dumps(edited(**changes)))
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert accepted == []
    assert refusal.reason.startswith("summary.")


def test_files_that_are_too_many_or_too_large_are_not_read(tmp_path, monkeypatch):
    for index in range(3):
        (tmp_path / str(index)).mkdir()
        write_result(tmp_path / str(index) / "result.json", result(str(index)))
    module = "eval_protocols.leaderboard.submissions"
    monkeypatch.setattr(f"{module}.MAX_FILES", 2)
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert (len(accepted), "more than 2" in refusal.reason) == (2, True)
    size = (tmp_path / "0" / "result.json").stat().st_size
    monkeypatch.setattr(f"{module}.MAX_TOTAL_BYTES", size + 1)
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert (len(accepted), "bytes" in refusal.reason) == (1, True)
    with (tmp_path / "0" / "result.json").open("r+b") as file:
        file.truncate(2**40)  # takes no space
    monkeypatch.undo()
    _, refused = read_submissions([tmp_path / "0"], {})
    assert "bytes" in refused[0].reason


def test_links_and_pipes_are_not_followed(tmp_path):
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(inner / "result.json")
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert (accepted, refusal.reason) == ([], "not a file")
