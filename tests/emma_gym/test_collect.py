"""The command as people use it, with collections that take moments."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from augment.baselines.re_rendering import APPEARANCES
from augment.dream_transfer.light_words import light_words
from augment.video_metrics.attributes import LIGHTS
from emma_gym.collect import main
from emma_gym.collect_command import settings_from
from emma_gym.command_line import compose_options
from envs.demonstrations import worker_pool
from envs.demonstrations.dataset import Dataset, Part
from envs.objects.instances import UNSEEN
from envs.randomization import draw, parse
from envs.registration import task_names
from envs.scene_settings import SceneSettings
from eval_protocols.protocol import load_protocol

TASKS = Path(__file__).parents[1] / "envs" / "demonstrations"
GRIP, DEADLY = "demonstration_tasks:Grip", "demonstration_tasks:Deadly"
TINY = [
    *(f"tasks=['{GRIP}']", "episodes=3", "cameras=head_camera", "resolution=[24,16]"),
    *("workers=0", "output_dir=set"),
]


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder; returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TASKS)

    def run(*arguments):
        status = main([*TINY, *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_collection_is_written_kept_and_started_over(here, renderer):
    status, out, err = here("depth=false", "segmentation=true")
    assert status == 0, err
    assert "3/3" in err
    assert out.startswith(f"{GRIP}: 3 episodes, ")
    assert "seeds passed over" in out
    assert out.endswith("data set  set\n")
    dataset = Dataset(Path("set"))
    assert dataset.info.pictures == ("rgb", "segmentation")
    first = dataset.episodes(GRIP)[0].path
    before = first.stat().st_mtime_ns

    status, out, err = here("depth=false", "segmentation=true")
    assert (status, first.stat().st_mtime_ns) == (0, before)
    assert "going on: 3 of 3 episodes are there" in err

    status, out, err = here()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert 'pictures is ["rgb", "segmentation"] there and ["rgb", "depth"] here' in err
    assert first.stat().st_mtime_ns == before

    assert here("resume=false", "episodes=1")[0] == 0
    assert first.stat().st_mtime_ns != before
    assert len(list(first.parent.iterdir())) == 1


def settings(*arguments):
    return settings_from(compose_options("collect", arguments))


def test_all_tasks_are_collected_with_all_cameras_by_default():
    info = settings().info
    assert info.tasks == tuple(task_names())
    assert info.parts == (Part(100, {}),)
    assert (len(info.cameras), info.resolution, info.pictures) == (4, (320, 240), ("rgb", "depth"))
    assert settings("camera_model=L515").info.resolution == (320, 180)
    assert settings("resolution=[64,48]").info.resolution == (64, 48)


@pytest.mark.parametrize(
    "name", ["in_domain/nominal_20", "camera_extrinsic_few_shot/ext0_100_ext1_20"]
)
def test_a_training_set_says_what_is_collected(name):
    info = settings("tasks=tool_adjust", f"training={name}").info
    assert info.training_set == name
    protocol, _, training_set = name.partition("/")
    demonstrations = load_protocol(protocol).training_set(training_set).demonstrations
    assert info.parts == tuple(Part(each.episodes, each.variations) for each in demonstrations)


def test_named_variations_are_of_looks_alone_and_of_none_that_is_evaluated():
    (part,) = settings("tasks=tool_adjust", "variations=appearance").info.parts
    assert set(part.variations) <= set(APPEARANCES)
    assert not set(part.variations["object_appearance"]["numbers"]) & set(UNSEEN)
    assert {part.variations[f"{name}_texture"]["textures"] for name in ("table", "wall")} == {
        "seen"
    }
    parse(part.variations)


def test_generators_see_every_light_that_prompts_speak_of():
    (part,) = settings("tasks=tool_adjust", "variations=appearance").info.parts
    variations = parse({k: v for k, v in part.variations.items() if k.startswith("light_")})
    drawn = [draw(variations, seed, SceneSettings())[0].lighting for seed in range(300)]
    for kind, levels in LIGHTS.items():
        seen = Counter(getattr(light_words(lighting), kind) for lighting in drawn)
        assert all(seen[level] > 24 for level in levels), (kind, seen)


def test_folders_are_named_after_what_is_collected():
    def folder(*arguments):
        return str(settings(*arguments).folder.relative_to("outputs/demonstrations"))

    assert folder("tasks=tool_adjust", "seed=3") == "tool_adjust-100-3"
    assert folder("episodes=2", "variations.clutter=1") == "19_tasks-2-clutter-0"
    assert (
        folder("tasks=[tool_adjust,shoe_place]", "training=in_domain/nominal_50")
        == "2_tasks-in_domain-nominal_50-0"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tasks=tool"], "did you mean tool_adjust"),
        (["episods=3"], "did you mean episodes?"),
        (["episodes=0"], "episodes=0: expected an integer >= 1"),
        (["variations.cluter=1"], "unknown variation 'cluter'; did you mean clutter"),
        (["variations=apperance"], "a mapping, such as {a: 1} or one of appearance"),
        (["variations.clutter=9"], "level 9 is not an integer in 0 .. 5"),
        (["cameras=[head]"], "unknown camera 'head'; did you mean head_camera"),
        (["cameras=[head_camera,head_camera]"], "head_camera is given twice"),
        (["camera_model=D434"], "did you mean D435"),
        (["resolution=160"], "expected [width,height] in pixels or null"),
        (["resolution=[160,128.5]"], "expected [width,height] in pixels or null"),
        (["resolution=[8,8]"], "not within 16 .. 4096 pixels"),
        (["depth=1"], "expected true or false"),
        (["workers=-1"], "expected an integer >= 0 or auto"),
        (["seed=99998"], "seeds 99998 .. 100000 are not all below 100000"),
        (["training=in_domain", "episodes=100"], "expected PROTOCOL/NAME"),
        (["training=indomain/nominal_100", "episodes=100"], "did you mean in_domain"),
        (["training=in_domain/nominal", "episodes=100"], "no training set 'nominal'; valid: "),
        (
            ["training=in_domain/interaction", "episodes=100"],
            "has no demonstrations; those that can be collected: nominal_100, nominal_50",
        ),
        (["training=in_domain/nominal_100"], "leave those two out"),  # TINY has episodes=3
    ],
)
def test_wrong_options_are_explained_in_one_line_and_nothing_is_written(
    arguments, message, here, tmp_path
):
    status, out, err = here(*arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not out
    assert not list(tmp_path.iterdir())


def test_help_shows_every_option(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    for name in ("episodes=100", "training=null", "segmentation=false", "in_domain", "D435"):
        assert name in page


def test_an_expert_that_kills_its_process_ends_the_collection_in_a_line(here, monkeypatch):
    monkeypatch.setattr(worker_pool, "ATTEMPTS", 0)  # once is enough here
    status, _, err = here(f"tasks=['{DEADLY}']", "workers=1")
    assert status == 1
    assert f"error: worker processes die at {DEADLY}, seed 0; 0 of 3 episodes are in" in err
    assert "this continues:\n  python -m emma_gym.collect" in err
    assert "Traceback" not in err


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_whole_episodes_which_are_those_of_any_number_of_processes(
    here, tmp_path, renderer
):
    command = [sys.executable, "-m", "emma_gym.collect", *TINY, "episodes=50", "workers=2"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TASKS)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    episodes = tmp_path / "set" / GRIP.replace(":", ".")
    try:
        wait_for(lambda: len(list(episodes.glob("00000[012].h5"))) == 3, process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert " of 50 episodes are in set; this continues:\n  python -m emma_gym.collect" in err
    status, _, _ = here("episodes=3", "output_dir=other")
    assert status == 0
    for index in range(3):
        name = f"{index:06d}.h5"
        other = tmp_path / "other" / episodes.name / name
        assert (episodes / name).read_bytes() == other.read_bytes()


def wait_for(condition, process, limit_s=120):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it took too long"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
