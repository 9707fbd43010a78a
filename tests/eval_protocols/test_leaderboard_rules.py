"""Which files count, what is compared with what, and who is ahead."""

import dataclasses
import hashlib
import itertools
import json

import pytest
from example_result import SHA256, condition, episodes_of, example_result, sweep_result
from hypothesis import given
from hypothesis import strategies as st

from envs.seeds import seed_list_sha256, validated_seeds
from eval_protocols.leaderboard.document import make_document
from eval_protocols.leaderboard.entries import group
from eval_protocols.leaderboard.names import look_alikes, skeleton, slug, visible
from eval_protocols.leaderboard.submissions import known_protocols, read_submissions
from eval_protocols.protocol import load_protocol
from eval_protocols.results import write_result


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def result(name="act", successes=(True, False), first_seed=0, seed=0, **changes):
    """A result of one task; the weights follow from name and training seed."""
    policy = {"name": name, "weights_sha256": sha256(f"{name} {seed}")} | changes.pop("policy", {})
    training = {"seed": seed} | changes.pop("training", {})
    episodes = episodes_of("block_handover", "nominal", successes, first_seed)
    return example_result(episodes, policy=policy, training=training, **changes)


@pytest.fixture
def submit(tmp_path):
    """Writes results into files `0.json`, `1.json` ... and makes a leaderboard of them."""

    def run(*results):
        paths = []
        for index, each in enumerate(results):
            paths.append(tmp_path / f"{index}.json")
            write_result(paths[-1], each)
        accepted, refused = read_submissions(paths, known_protocols())
        return make_document(group(accepted), refused, known_protocols())

    return run


def rankings(document):
    """Names of the entries by protocol's name, training data and number of the ranking."""
    return {
        (protocol["name"], training["name"], index): [entry["name"] for entry in each["entries"]]
        for protocol in document["protocols"]
        for training in protocol["trainings"]
        for index, each in enumerate(training["rankings"])
    }


def only_ranking(document):
    (protocol,) = document["protocols"]
    (training,) = protocol["trainings"]
    (ranking,) = training["rankings"]
    return ranking


def ranks(document):
    return {
        entry["name"]: (entry["rank"]["low"], entry["rank"]["high"])
        for entry in only_ranking(document)["entries"]
    }


def reasons(document):
    return [refusal["reason"] for refusal in document["refused"]]


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


def test_the_same_policy_on_other_seeds_is_no_duplicate(submit):
    assert reasons(submit(result(), result(first_seed=50))) == []


def known_block(**changes):
    protocol = load_protocol("in_domain")
    keys = ("name", "version", "headline", "after_success_steps", "sha256")
    return {key: getattr(protocol, key) for key in keys} | changes


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
    import os

    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(inner / "result.json")
    accepted, (refusal,) = read_submissions([tmp_path], {})
    assert (accepted, refusal.reason) == ([], "not a file")


def flags(good, total=40):
    return [True] * good + [False] * (total - good)


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


NAMES = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


@given(NAMES, NAMES)
def test_slugs_are_safe_short_and_differ(one, other):
    first, second = slug("policy", one), slug("policy", other)
    assert (first == second) == (one == other)
    named = slug(one, other)
    assert 12 <= len(named) <= 53
    assert set(named) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@given(NAMES)
def test_nothing_invisible_is_left(name):
    assert visible(visible(name)) == visible(name)
    assert all(char.isprintable() or char == "\n" or char.isspace() for char in visible(name))


def test_names_that_are_easily_confused_are_found():
    cyrillic = "\u0430\u0441t"
    assert skeleton("ACT") == skeleton(cyrillic) == skeleton("a\u200bct") == skeleton("A-C-T")
    found = look_alikes(["ACT", "act", cyrillic, "dp3", "SEM"])
    assert found["act"] == ["ACT", cyrillic]
    assert found.keys() == {"ACT", "act", cyrillic}


def test_a_wall_of_accents_is_cut():
    assert visible("a" + "\u0301" * 3) == "a\u0301\u0301<U+0301>"
    assert visible("a\u202eb") == "a<U+202E>b"


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
