import json

import numpy as np
import pytest

from augment.clip import Clip
from augment.judging import QUALITY
from augment.pretrained.weights import DREAM_TRANSFER
from emma_gym.generate_command import run
from emma_gym.judge import main as judge
from envs.demonstrations.dataset import Dataset, DatasetInfo, Part
from envs.demonstrations.recording import RecordedEnv, plan, record_to_file
from envs.dual_arm_env import DualArmEnv
from learning.whole_folder import folder_sha256

TASK = "tool_adjust"
CAMERAS = ("head_camera", "left_camera", "right_camera")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, renderer):
    folder = tmp_path_factory.mktemp("data")
    size, pictures = (32, 24), ("rgb", "depth")
    info = DatasetInfo((TASK,), (Part(1, {}),), 0, CAMERAS, "D435", size, pictures, 16.67)
    info.save(folder)
    (folder / TASK).mkdir()
    env = RecordedEnv(TASK, obs_mode="rgbd", cameras=CAMERAS, resolution=size)
    planned = plan(DualArmEnv(TASK), TASK, 1, {})
    record_to_file(env, planned, pictures, folder / TASK / "000000.h5", {})
    return folder


def test_looks_of_a_demonstration(dataset, tmp_path, capsys):
    folder = tmp_path / "made"
    arguments = [f"dataset={dataset}", "method=color_jitter", "per_demo=2", f"output_dir={folder}"]
    assert run(arguments) == 0
    assert str(folder) in capsys.readouterr().out
    prompts = [each.info["generated"]["prompt"] for each in Dataset(folder).episodes(TASK)]
    assert len(set(prompts)) == 2
    assert json.loads((folder / "generated.json").read_text())["settings"]["prompts"] == "train"


def test_prompts_from_a_file(dataset, tmp_path):
    file, folder = tmp_path / "prompts.txt", tmp_path / "made"
    file.write_text("a red room\n\n")
    arguments = [f"dataset={dataset}", "method=color_jitter", f"prompts={file}"]
    assert run([*arguments, f"output_dir={folder}"]) == 0
    (episode,) = Dataset(folder).episodes(TASK)
    assert episode.info["generated"]["prompt"] == "a red room"
    assert episode.info["generated"]["settings"]["prompts_sha256"]


def test_the_shipped_generator_is_the_default(dataset, tmp_path):
    folder = tmp_path / "made"
    assert run([f"dataset={dataset}", "steps=1", "guidance_scale=1", f"output_dir={folder}"]) == 0
    (source,), (made,) = Dataset(dataset).episodes(TASK), Dataset(folder).episodes(TASK)
    told = made.info["generated"]["settings"]
    assert told["model_sha256"] == folder_sha256(DREAM_TRANSFER)
    true, new = (Clip.from_episode(each, CAMERAS, 0, 3) for each in (source, made))
    assert new.rgb.shape == true.rgb.shape
    assert not np.array_equal(new.rgb, true.rgb)
    assert np.array_equal(new.depth, true.depth)


def test_fewer_bits_make_about_the_same_pictures(dataset, tmp_path):
    made = {}
    for precision in ("fp32", "bf16"):
        folder = tmp_path / precision
        arguments = [f"dataset={dataset}", "steps=2", "guidance_scale=1", f"precision={precision}"]
        assert run([*arguments, f"output_dir={folder}"]) == 0
        (episode,) = Dataset(folder).episodes(TASK)
        assert episode.info["generated"]["settings"]["precision"] == precision
        made[precision] = Clip.from_episode(episode, CAMERAS, 0, 3).rgb.astype(float)
    difference = np.abs(made["fp32"] - made["bf16"]).mean()
    assert 0 < difference < 5


def test_who_judges_by_clip_has_its_weights(dataset, tmp_path, capsys):
    folder = tmp_path / "made"
    assert run([f"dataset={dataset}", "method=color_jitter", f"output_dir={folder}"]) == 0
    assert judge([f"dataset={folder}", f"clip_model={tmp_path}"]) == 2
    assert f"there is no CLIP model in {tmp_path}" in capsys.readouterr().err
    assert not (folder / QUALITY).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dataset=null"], "dataset=FOLDER is needed, which `python -m emma_gym.collect` makes"),
        (["method=jitter"], "method=jitter; did you mean color_jitter?"),
        (
            ["model=/nowhere"],
            "/nowhere is no DreamTransferPipeline: it has no readable model_index",
        ),
        (["method=color_jitter", "prompts=nowhere.txt"], "prompts=nowhere.txt: expected train"),
        (["method=color_jitter", "tasks=shoe_place"], "has no task 'shoe_place'"),
        (["method=random_background"], "needs segmentation"),
        (["precision=fp8"], "precision=fp8; did you mean fp32?"),
        (["method=color_jitter", "per_demo=0"], "per_demo=0: expected an integer >= 1"),
        (["method=color_jitter", "steps=5"], "steps is an option of dream_transfer, not of method"),
    ],
    ids=[
        "dataset",
        "method",
        "model",
        "prompts",
        "task",
        "segmentation",
        "precision",
        "count",
        "foreign",
    ],
)
def test_what_is_wrong_is_said_in_a_line(dataset, tmp_path, capsys, arguments, words):
    folder = tmp_path / "made"
    assert run([f"dataset={dataset}", f"output_dir={folder}", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not folder.exists()


def test_help_lists_the_options(capsys):
    assert run(["--help"]) == 0
    assert "per_demo=1" in capsys.readouterr().out
