"""Every protocol, run: by the expert, which sees no pictures, and by a policy that sees only them.

One task and one seed for each condition; physics and pictures are real.
"""

from pathlib import Path

import gymnasium
import pytest

from envs.registration import make_env
from eval_protocols.evaluation import RESULT_NAME, EvaluationSettings, Watcher, evaluate
from eval_protocols.protocol import load_protocol, protocol_names
from eval_protocols.results import read_result

ROOT = Path(__file__).parents[2]
PICKER = "examples.colour_picker:ColourPicker"
QUICK_TASK, STACKING = "tool_adjust", "blocks_stack_easy"

ONLY_SEEN = [
    *(name for name in protocol_names() if name.startswith("camera_")),
    *("appearance", "emma_visual", "language", "lighting", "sensor_noise"),
]
"""Protocols in which nothing varies that can be touched."""


class Nobody(Watcher):
    def begin(self, folder, done, total):
        pass

    def episode(self, record):
        pass

    def output(self, line):
        pass


def make_env_of_three_steps(task, **kwargs):
    """An environment for those who want to know whether it runs, not how it ends."""
    return gymnasium.wrappers.TimeLimit(make_env(task, **kwargs), 3)


def make_env_of_one_try(task, **kwargs):
    """An environment that ends when a stacking policy has either made it or not."""
    return gymnasium.wrappers.TimeLimit(make_env(task, **kwargs), 260)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Evaluates here, and returns the result as it is read from its file."""
    monkeypatch.syspath_prepend(str(ROOT))

    def go(policy, task, protocol, *, episodes=1, environments=make_env, **config):
        settings = EvaluationSettings(
            [task],
            policy,
            config,
            protocol,
            episodes=episodes,
            workers=0,
            output_dir=tmp_path / str(config),
        )
        folder, _ = evaluate(settings, Nobody(), environments=environments)
        result = read_result(folder / RESULT_NAME)
        assert all(episode["error"] is None for episode in result["episodes"])
        conditions = load_protocol(protocol).conditions
        perturbed = [each.name for each in conditions if each.twin]
        assert len(result["episodes"]) == episodes * len(conditions)
        assert [each["condition"] for each in result["summary"]["twins"]] == [
            name for name in perturbed for _ in ("all tasks", "the task")
        ]
        return result

    return go


def by_condition(result):
    found = {}
    for episode in result["episodes"]:
        found.setdefault(episode["condition"], []).append(episode)
    return found


def rates(result):
    return {
        name: sum(episode["success_once"] for episode in episodes) / len(episodes)
        for name, episodes in by_condition(result).items()
    }


@pytest.mark.parametrize("protocol", protocol_names())
def test_the_expert_runs_and_loses_nothing_where_only_pictures_change(run, protocol):
    result = run("expert", QUICK_TASK, protocol)
    twin = result["protocol"]["conditions"][0]["name"]
    (unperturbed,) = by_condition(result)[twin]
    assert unperturbed["success_once"]
    for condition in result["protocol"]["conditions"]:
        (episode,) = by_condition(result)[condition["name"]]
        assert episode["variations"].keys() == condition["variations"].keys()
        if protocol in ONLY_SEEN:
            for key in ("success_once", "success_at_end", "steps", "return", "state_sha256"):
                assert episode[key] == unperturbed[key], (condition["name"], key)
    differ = {episode["state_sha256"] for episode in result["episodes"]}
    assert (len(differ) == 1) == (protocol in [*ONLY_SEEN, "in_domain"])


@pytest.mark.parametrize("protocol", protocol_names())
def test_an_image_policy_runs(run, renderer, protocol):
    result = run(PICKER, STACKING, protocol, environments=make_env_of_three_steps)
    assert result["policy"]["privileged"] is False


def test_who_does_not_know_the_camera_drops_when_it_moves(run, renderer):
    """The difference that the protocols are to show, between two policies that know its cause."""
    blind, knowing = (
        rates(
            run(
                PICKER,
                STACKING,
                "camera_extrinsic_zero_shot",
                episodes=5,
                environments=make_env_of_one_try,
                calibrated=calibrated,
            )
        )
        for calibrated in (False, True)
    )
    assert blind["ext0"] == knowing["ext0"] >= 0.8
    assert knowing["ext1"] >= knowing["ext0"] - 0.2
    assert blind["ext1"] <= blind["ext0"] - 0.6


def test_standardized_pictures_give_back_what_another_camera_model_takes(run, renderer):
    result = run(
        PICKER,
        STACKING,
        "camera_intrinsic",
        episodes=2,
        environments=make_env_of_one_try,
        calibrated=False,
    )
    rate = rates(result)
    assert rate["d435"] == rate["d435_standardized"] == rate["l515_standardized"] == 1.0
    assert rate["l515"] <= 0.5
    plain, control = (by_condition(result)[name] for name in ("d435", "d435_standardized"))
    for episode, twin in zip(control, plain, strict=True):
        assert episode["state_sha256"] == twin["state_sha256"], "the control changes something"
