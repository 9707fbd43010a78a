import pytest
import yaml

from emma_gym.reproduction.catalog import (
    SIZES,
    experiment_names,
    load_experiment,
    training_set,
)
from emma_gym.reproduction.errors import ExperimentError
from emma_gym.reproduction.planned_contrasts import PlannedContrast
from envs.registration import task_names
from policies.registry import load_policy_class

PROTOCOLS = ("in_domain", "camera_extrinsic_zero_shot")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", experiment_names())
def test_all_of_ours_can_be_made(name, size):
    experiment = load_experiment(name, size)
    assert set(experiment.tasks) <= set(task_names())
    for row in experiment.rows:
        load_policy_class(row.policy.policy)
        assert training_set(row.policy.training).demonstrations


def test_policies_of_a_name_are_one_training():
    rows = [row for name in experiment_names() for row in load_experiment(name, "small").rows]
    for row in rows:
        assert len({each.policy for each in rows if each.policy.name == row.policy.name}) == 1


def test_table_1_has_the_papers_sixteen_tasks():
    experiment = load_experiment("sem_table1", "full")
    assert len(set(experiment.tasks)) == 16
    sem = experiment.rows[0].paper
    assert set(sem) == set(experiment.tasks)
    assert sum(sem.values()) / 16 == pytest.approx(69.8, abs=0.05)  # its mean, as printed


def own(tmp_path, **changes):
    content = {
        "title": "Ours",
        "source": "nobody",
        "sizes": {"small": {"tasks": ["tool_adjust"]}},
        "rows": [{"policy": "mine", "protocol": "in_domain"}],
        "policies": {"mine": {"policy": "act", "training": "in_domain/nominal_20"}},
        **changes,
    }
    path = tmp_path / "ours.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_papers_figures_may_be_of_a_size(tmp_path):
    row = {"policy": "mine", "protocol": "in_domain", "paper": {"small": {"mean": 3}, "full": {}}}
    experiment = load_experiment(own(tmp_path, rows=[row], figures="on Mars"), "small")
    assert (experiment.rows[0].paper, experiment.figures) == ({"mean": 3}, "on Mars")
    for size, adamix in (("small", 79.2), ("full", 80.0)):  # of three tasks, of two of them
        rows = {row.name: row.paper for row in load_experiment("emma_visual", size).rows}
        assert rows["emma_adamix"] == {"mean": adamix}
        assert rows["emma_color_jitter"] == {}


def test_minutes_of_ones_own_are_added(tmp_path):
    ours = load_experiment("sem_table1", "small").minutes
    sizes = {"small": {"tasks": [], "minutes": {"generate mine": 7, "collect": 1}}}
    minutes = load_experiment(own(tmp_path, sizes=sizes), "small").minutes
    assert minutes == {**ours, "generate mine": 7, "collect": 1}


def test_contrasts_are_between_rows_of_one_protocol():
    experiment = load_experiment("emma_visual", "small")
    assert PlannedContrast("emma_unfiltered", "emma_recorded", 2.0) in experiment.contrasts
    assert PlannedContrast("emma_adamix", "emma_fixmix", 1.13) in experiment.contrasts
    some = experiment.of_rows(["emma_adamix", "emma_fixmix", "emma_recorded"])
    assert some.contrasts == (PlannedContrast("emma_adamix", "emma_fixmix", 1.13),)


def test_adamix_is_compared_with_every_other_sampler():
    experiment = load_experiment("emma_adamix_vs_fixmix", "small")
    others = {row.name for row in experiment.rows} - {"emma_adamix"}
    assert {each.than for each in experiment.contrasts} == others
    assert {each.better for each in experiment.contrasts} == {"emma_adamix"}
    goals = {each.than: each.goal for each in experiment.contrasts if each.goal}
    assert goals == {"emma_fixmix": 1.13}


def test_emmas_rows_draw_alike_but_for_their_share_and_weights():
    """So that a batch of recorded samples only is as even as one with a share of generated ones."""
    for name in ("emma_visual", "emma_mixing_ratio", "emma_adamix_vs_fixmix"):
        for row in load_experiment(name, "small").rows:
            assert "sampler_config.exact=true" in row.policy.options


def test_rows_that_act_otherwise_are_not_trained_again():
    rows = load_experiment("sem_table6", "small").of_rows(["sem_not_standardizing"]).rows
    assert [(row.name, row.policy.name) for row in rows] == [("sem_not_standardizing", "sem")]
    assert rows[0].acting == ("policy_config.standardized=false",)


def test_one_of_ones_own(tmp_path):
    experiment = load_experiment(own(tmp_path), "small")
    assert (experiment.name, experiment.tasks) == ("ours", ("tool_adjust",))
    assert experiment.rows[0].policy.training == "in_domain/nominal_20"


def test_a_policy_like_another_differs_in_what_it_says(tmp_path):
    first = {"policy": "act", "training": "in_domain/nominal_20", "options": ["a=1", "b=1"]}
    policies = {"first": first, "mine": {"like": "first", "options": ["b=2", "c=3"]}}
    policies["last"] = {"like": "mine", "training": "in_domain/nominal_100"}
    rows = [{"policy": name, "protocol": "in_domain"} for name in policies]
    found = load_experiment(own(tmp_path, policies=policies, rows=rows), "small").rows
    _, mine, last = (row.policy for row in found)
    assert (mine.training, mine.options) == ("in_domain/nominal_20", ("a=1", "b=2", "c=3"))
    assert (last.training, last.options) == ("in_domain/nominal_100", mine.options)


@pytest.mark.parametrize(("size", "options"), [("small", ("a=1", "b=2")), ("full", ("a=1",))])
def test_a_size_may_have_options_of_its_own(tmp_path, size, options):
    mine = {"policy": "act", "training": "in_domain/nominal_20", "options": ["a=1"]}
    path = own(
        tmp_path,
        policies={
            "mine": {**mine, "small": ["b=2"]},
            "other": {"like": "mine"},
            "more": {"like": "mine", "small": ["c=3"]},
        },
        rows=[{"policy": name, "protocol": "in_domain"} for name in ("mine", "other", "more")],
        sizes={each: {"tasks": ["tool_adjust"]} for each in ("small", "full")},
    )
    found = [row.policy.options for row in load_experiment(path, size).rows]
    assert found == [options, options, (*options, "c=3")[: len(options) + (size == "small")]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sizes": {"full": {"tasks": []}}}, "'small' is missing"),
        ({"colour": 1}, "nobody reads 'colour'"),
        ({"rows": [{"policy": "min", "protocol": "in_domain"}]}, "unknown policy 'min'"),
        (
            {"rows": [{"policy": "mine", "protocol": "camera_sweep"}]},
            "mine learns from no training set of camera_sweep",
        ),
        ({"sizes": {"small": {"tasks": [], "episode": 3}}}, "nobody reads 'episode'"),
        (
            {"policies": {"mine": {"policy": "act", "training": "in_domain/nominal_20", "x": 1}}},
            "mine: nobody reads 'x'",
        ),
        (
            {
                "policies": {
                    "mine": {
                        "policy": "act",
                        "training": "in_domain/nominal_20",
                        "generator": "color_jitter",
                    }
                }
            },
            "mine: in_domain/nominal_20 and a generator do not go together",
        ),
        (
            {"rows": [{"policy": "mine", "protocol": "in_domain", "paper": {"mean": 3}}]},
            "'figures' is missing",
        ),
        ({"contrasts": [{"better": "mine"}]}, "'than' is missing"),
        ({"contrasts": [{"better": "mine", "than": "min"}]}, "no row 'min'; did you mean mine"),
        ({"contrasts": [{"better": "mine", "than": "mine"}]}, "expected two rows of one protocol"),
        (
            {
                "rows": [{"policy": "act", "protocol": each} for each in PROTOCOLS[:1]]
                + [{"policy": "dp", "protocol": each} for each in PROTOCOLS[1:]],
                "contrasts": [{"better": "act", "than": "dp"}],
            },
            "act and dp: expected two rows of one protocol",
        ),
        (
            {
                "rows": [{"policy": name, "protocol": "in_domain"} for name in ("act", "dp")],
                "contrasts": [{"better": "act", "than": "dp", "goal": 0}],
            },
            "goal=0: expected a ratio",
        ),
        ({"contrasts": [{"better": "mine", "then": "x"}]}, "contrasts: nobody reads 'then'"),
        ({"policies": {"mine": {"like": "semm"}}}, "unknown policy 'semm'; did you mean sem"),
        ({"policies": {"mine": {"like": "mine"}}}, "mine is like itself"),
    ],
    ids=[
        "size",
        "key",
        "policy",
        "training",
        "size_key",
        "policy_key",
        "generator",
        "figures",
        "than",
        "contrast_row",
        "contrast_self",
        "contrast_protocols",
        "goal",
        "contrast_key",
        "like",
        "self",
    ],
)
def test_what_is_wrong_in_it_is_said(tmp_path, changes, words):
    with pytest.raises(ExperimentError, match=words):
        load_experiment(own(tmp_path, **changes), "small")


def test_names_that_are_none():
    with pytest.raises(ExperimentError, match="did you mean sem_table"):
        load_experiment("sem_tabel1", "small")
    with pytest.raises(ExperimentError, match="size=tiny; valid: small, full"):
        load_experiment("sem_table1", "tiny")
    with pytest.raises(ExperimentError, match="no row 'dpp'; did you mean dp"):
        load_experiment("sem_table1", "small").of_rows(["dpp"])
