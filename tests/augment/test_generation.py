import numpy as np
import pytest
from generated_data import make, source_of
from recorded_episode import CAMERAS, TASK, VARIATIONS

from augment.baselines.color_jitter import ColorJitter
from augment.baselines.re_rendering import SimulatorRestyler
from augment.generation import listed_prompts, sampled_prompts
from augment.restyling import RestylingError
from envs.demonstrations.dataset import Part
from envs.demonstrations.episode_file import DemonstrationError


@pytest.fixture
def source(tmp_path, recorded_path):
    return source_of(tmp_path / "source", recorded_path)


def test_pictures_are_new_and_all_else_is_the_sources(source, tmp_path):
    made = make(source, tmp_path / "made")
    assert made.info.parts == (Part(3, {}),)
    assert made.info.training_set is None
    (original,) = source.episodes(TASK)
    looks = []
    for episode in made.episodes(TASK):
        assert np.array_equal(episode.action, original.action)
        assert episode.pictures == original.pictures
        for frame in (0, len(original) - 1):
            old, new = original.observation(frame), episode.observation(frame)
            assert np.array_equal(old["joint_target"], new["joint_target"])
            for camera in CAMERAS:
                before, now = old["cameras"][camera], new["cameras"][camera]
                assert np.array_equal(before["depth"], now["depth"])
                assert np.array_equal(before["extrinsic_cv"], now["extrinsic_cv"])
                assert not np.array_equal(before["rgb"], now["rgb"])
        looks.append(episode.observation(0)["cameras"]["head_camera"]["rgb"].tobytes())
    assert len(set(looks)) == 3


def test_an_episode_says_what_it_came_from(source, recorded_path, tmp_path):
    episodes = make(source, tmp_path / "made", settings={"strength": 2}).episodes(TASK)
    told = [episode.info["generated"] for episode in episodes]
    assert {each["restyler"] for each in told} == {"color_jitter"}
    assert {each["source"]["path"] for each in told} == {str(recorded_path.resolve())}
    assert len({each["prompt"] for each in told}) == len({each["seed"] for each in told}) == 3
    assert told[0]["settings"] == {"strength": 2}
    assert told[0]["source"]["seed"] == 1


def test_the_simulator_renders_a_demonstration_again(recorded_path, tmp_path):
    source = source_of(tmp_path / "source", recorded_path, VARIATIONS)
    restyler = SimulatorRestyler(source.info)
    (original,) = source.episodes(TASK)
    looks = []
    for episode in make(source, tmp_path / "made", restyler, per_demo=2).episodes(TASK):
        assert len(episode) == len(original)
        for frame in range(len(original)):
            old, new = (each.observation(frame)["cameras"] for each in (original, episode))
            for camera in CAMERAS:
                before, now = old[camera]["rgb"].astype(int), new[camera]["rgb"]
                assert np.abs(before - now).mean() > 5
        looks.append(new["head_camera"]["rgb"].tobytes())
    assert len(set(looks)) == 2


def test_what_the_simulator_does_not_do_again_is_an_error(recorded_path, tmp_path):
    source = source_of(tmp_path / "source", recorded_path, {})
    with pytest.raises(RestylingError, match="was recorded under the variations"):
        make(source, tmp_path / "made", SimulatorRestyler(source.info))
    assert not list((tmp_path / "made").rglob("*.h5"))


def test_interrupted_it_goes_on_and_makes_the_same(source, tmp_path):
    def interrupt(done, total):
        if done == 1:
            raise KeyboardInterrupt

    whole = make(source, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make(source, tmp_path / "made", progress=interrupt)
    first = tmp_path / "made" / TASK / "000000.h5"
    before = first.stat().st_mtime_ns
    made = make(source, tmp_path / "made")
    assert first.stat().st_mtime_ns == before
    pairs = zip(made.episodes(TASK), whole.episodes(TASK), strict=True)
    assert all(one.path.read_bytes() == other.path.read_bytes() for one, other in pairs)


@pytest.mark.parametrize("changed", [{"seed": 6}, {"per_demo": 2}, {"settings": {"strength": 1}}])
def test_a_folder_with_something_else_is_left_alone(source, tmp_path, changed):
    make(source, tmp_path / "made", per_demo=1)
    with pytest.raises(RestylingError, match="holds another data set"):
        make(source, tmp_path / "made", **{"per_demo": 1, **changed})


class NeedsAnotherView(ColorJitter):
    cameras = ("head_camera", "right_camera")


def test_what_a_restyler_needs(source, tmp_path):
    with pytest.raises(RestylingError, match="color_jitter needs right_camera"):
        make(source, tmp_path / "made", NeedsAnotherView())
    assert not (tmp_path / "made").exists()


def test_prompts_out_of_a_list(source, tmp_path):
    (episode,) = source.episodes(TASK)
    prompts = listed_prompts(["a red room", "a blue room"])
    drawn = {prompts(episode, np.random.default_rng(seed)).prompt for seed in range(20)}
    assert drawn == {"a red room", "a blue room"}
    with pytest.raises(RestylingError, match="no prompt"):
        listed_prompts([])


def test_sampled_prompts_need_to_know_the_things(source):
    (episode,) = source.episodes(TASK)
    del episode.info["things"]
    with pytest.raises(DemonstrationError, match="give prompts=FILE"):
        sampled_prompts("train")(episode, np.random.default_rng(0))


def test_what_is_generated_is_not_generated_from(source, tmp_path):
    made = make(source, tmp_path / "made")
    with pytest.raises(RestylingError, match="is generated: begin with what it was made of"):
        make(made, tmp_path / "again")
    assert not (tmp_path / "again").exists()
