"""What is compared with what, and who is ahead."""

import dataclasses
import hashlib
import itertools
import json

import pytest
from example_result import SHA256, example_result, sweep_result
from submissions import (
    flags,
    only_ranking,
    rankings,
    ranks,
    result,
    sha256,
)

from eval_protocols.leaderboard.document import make_document
from eval_protocols.leaderboard.entries import group
from eval_protocols.leaderboard.submissions import known_protocols, read_submissions
from eval_protocols.results import write_result


def test_different_training_data_never_meet(submit):
    names = ["few", "many", "other", "none"]
    document = submit(*(result(f"on {name}", training={"name": name}) for name in names))
    assert list(rankings(document).values()) == [[f"on {name}"] for name in names]


def test_different_protocols_never_meet_whatever_they_call_themselves(submit):
    document = submit(
        result("a"),
        result("b", protocol={"version": 2}),
        result("c", protocol={"sha256": sha256("another")}),
        result("d", protocol={"after_success_steps": 0}),
        result("e", protocol={"headline": "success_at_end"}),
    )
    assert sorted(only["name"] for only in document["policies"]) == list("abcde")
    assert len(document["protocols"]) == 5
    assert len({protocol["id"] for protocol in document["protocols"]}) == 5


def test_other_tasks_or_seeds_are_ranked_apart_as_partial(submit):
    document = submit(
        result("quick", [True]),
        result("a", [True] * 4),
        result("b", [True] * 4),
        result("elsewhere", [True] * 4, first_seed=50),
    )
    assert list(rankings(document).values()) == [["a", "b"], ["elsewhere"], ["quick"]]
    (training,) = document["protocols"][0]["trainings"]
    assert [each["partial"] for each in training["rankings"]] == [False, True, True]


def test_seeds_that_are_not_validated_are_ranked_apart_and_last(submit):
    free = {"validated": False, "start": 0, "lists": {}}
    document = submit(result("a", seeds=free), result("b", seeds=free), result("c"))
    assert list(rankings(document).values()) == [["c"], ["a", "b"]]


def test_oracles_are_references_without_rank(submit):
    oracle = result("expert", [True, True], policy={"privileged": True, "weights_sha256": None})
    ranking = only_ranking(submit(result("act"), oracle))
    assert [entry["name"] for entry in ranking["entries"]] == ["act"]
    assert ranking["entries"][0]["rank"] == {"low": 1, "high": 1}
    assert [(entry["name"], entry["rank"]) for entry in ranking["references"]] == [("expert", None)]


def test_training_runs_of_a_policy_are_one_entry_with_mean_and_deviation(submit):
    ranking = only_ranking(
        submit(
            *(
                result("act", [True] * good + [False] * (10 - good), seed=seed)
                for seed, good in enumerate([4, 6, 8])
            )
        )
    )
    (entry,) = ranking["entries"]
    assert entry["rate"]["value"] == pytest.approx(0.6)
    assert entry["rate"]["std"] == pytest.approx(0.2)  # sample standard deviation of .4 .6 .8
    assert entry["rate"]["interval"] == "bootstrap"
    assert entry["rate"]["low"] < 0.4 < 0.8 < entry["rate"]["high"]
    assert [run["training_seed"] for run in entry["runs"]] == [0, 1, 2]


def test_only_keys_that_tell_runs_apart_may_differ_in_a_policys_configuration(submit):
    def run(seed, **config):
        return result(seed=seed, policy={"config": config | {"training": {"seed": seed}}})

    document = submit(
        run(0, checkpoint="runs/0", chunk=8),
        run(1, checkpoint="runs/1", chunk=8),
        run(2, checkpoint="runs/2", chunk=16),
    )
    entries = only_ranking(document)["entries"]
    assert sorted(len(entry["runs"]) for entry in entries) == [1, 2]
    assert len(document["policies"]) == 2


def test_what_the_seeds_do_not_tell_apart_is_a_tie(submit):
    document = submit(
        result("best", flags(40)), result("good", flags(38)), result("poor", flags(10))
    )
    assert ranks(document) == {"best": (1, 2), "good": (1, 2), "poor": (3, 3)}


def test_ties_need_not_be_transitive(submit):
    """b is neither shown to differ from a nor from c, but a and c are."""
    document = submit(result("a", flags(25)), result("b", flags(21)), result("c", flags(17)))
    assert ranks(document) == {"a": (1, 2), "b": (1, 3), "c": (2, 3)}


def test_pairs_on_the_same_seeds_tell_more_than_rates(submit):
    """20 against 26 of 40, but whatever the one solves, the other does as well."""
    document = submit(result("a", flags(26)), result("b", flags(20)))
    assert ranks(document) == {"a": (1, 1), "b": (2, 2)}
    crossed = submit(result("a", flags(26)), result("b", flags(20)[::-1]))
    assert ranks(crossed) == {"a": (1, 2), "b": (1, 2)}


def test_training_runs_that_scatter_make_ties(submit):
    """A lead of 10 of 40 on the same seeds, which is less than runs differ among themselves."""
    steady = [result("a", flags(30), seed=0), result("b", flags(20), seed=0)]
    assert ranks(submit(*steady)) == {"a": (1, 1), "b": (2, 2)}
    scattered = [
        *(result("a", flags(good), seed=seed) for seed, good in enumerate([10, 40, 40])),
        *(result("b", flags(good), seed=seed) for seed, good in enumerate([40, 10, 10])),
    ]
    assert ranks(submit(*scattered)) == {"a": (1, 2), "b": (1, 2)}


def test_ranks_come_from_what_is_perturbed_and_numbers_from_the_twins(submit):
    steady = sweep_result(drop=(0, 0), clean=6, policy={"name": "steady"})
    fragile = sweep_result(
        drop=(1, 1), clean=8, policy={"name": "fragile", "weights_sha256": sha256("f")}
    )
    ranking = only_ranking(submit(fragile, steady))
    assert [entry["name"] for entry in ranking["entries"]] == ["steady", "fragile"]
    assert "clean" not in ranking["scored_conditions"]
    first, second = ranking["entries"]
    assert (first["rate"]["value"], first["unperturbed"], first["retention"]) == (0.6, 0.6, 1.0)
    # Rates .7 .6 .5 .4 .3 after .8: mean .5, area (.4 + .7 + .6 + .5 + .4 + .15) / 5.
    assert second["retention"] == pytest.approx(0.5 / 0.8)
    assert [factor["area"] for factor in second["factors"]] == pytest.approx([0.55, 0.55])
    assert [factor["rate"] for factor in second["factors"]] == pytest.approx([0.5, 0.5])
    levels = [each["rate"]["value"] for each in second["conditions"][1:6]]
    assert levels == pytest.approx([0.7, 0.6, 0.5, 0.4, 0.3])
    assert second["tasks"][0]["rate"]["low"] is None  # a seed counts under ten conditions


def test_conditions_of_a_seed_are_not_taken_for_independent_episodes(submit):
    """One more seed solved under all ten conditions is one fact, not ten."""
    one = sweep_result(drop=(0, 0), clean=7, policy={"name": "a", "weights_sha256": sha256("a")})
    other = sweep_result(drop=(0, 0), clean=6, policy={"name": "b"})
    assert ranks(submit(one, other)) == {"a": (1, 2), "b": (1, 2)}


def test_success_everywhere_still_has_an_interval(submit):
    (entry,) = only_ranking(submit(sweep_result(drop=(0, 0), clean=10)))["entries"]
    assert entry["rate"]["value"] == entry["rate"]["high"] == 1
    assert 0.8 < entry["rate"]["low"] < 0.9  # Wilson of 20 of 20


def test_policies_of_one_name_are_told_apart_by_what_differs_in_their_configuration(submit):
    results = [
        example_result(policy={"name": "sem", "config": {"wide": wide, "seed": seed, "layers": 6}})
        for seed, wide in enumerate((True, False))
    ]
    alone = example_result(policy={"name": "dp", "config": {"wide": True}})
    policies = submit(*results, alone)["policies"]
    variants = sorted((policy["name"], policy["variant"]) for policy in policies)
    assert variants == [("dp", ""), ("sem", "wide=false"), ("sem", "wide=true")]


def test_order_and_bytes_follow_from_the_content(submit, tmp_path):
    results = [result(name, flags(good)) for name, good in (("a", 30), ("b", 20), ("c", 30))]
    texts = []
    for index, order in enumerate(itertools.permutations(results)):
        paths = []
        for each in order:
            folder = tmp_path / str(index)
            folder.mkdir(exist_ok=True)
            paths.append(folder / f"{each['policy']['name']}.json")
            write_result(paths[-1], each)
        accepted, refused = read_submissions(paths, {})
        document = make_document(group(accepted), refused, {})
        texts.append(json.dumps(document).replace(str(folder), ""))
    assert len(set(texts)) == 1


def test_an_entry_of_a_result_is_what_its_file_says(submit, tmp_path):
    actions = {"file": "actions.npz", "sha256": SHA256, "bytes": 10}
    document = submit(result(actions=actions))
    (run,) = only_ranking(document)["entries"][0]["runs"]
    assert run["file"] == str(tmp_path / "0.json")
    assert run["sha256"] == hashlib.sha256((tmp_path / "0.json").read_bytes()).hexdigest()
    assert run["actions"] == actions


def test_protocols_of_this_installation_can_be_compared_with():
    for protocol in known_protocols().values():
        assert dataclasses.is_dataclass(protocol)
        assert [each.name for each in protocol.conditions]
