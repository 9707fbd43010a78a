import numpy as np
import pytest
from recorded_episode import CAMERAS, VARIATIONS, make_env, record_beginning

from augment.baselines.re_rendering import APPEARANCES, WIDE, re_render
from augment.restyling import RestylingError
from envs.demonstrations.episode_file import Episode
from envs.demonstrations.recording import RecordedEnv, ReplayError
from envs.objects.instances import FOR_GENERATORS, SEEN, UNSEEN
from envs.randomization import VARIATIONS as ALL_VARIATIONS
from envs.randomization import parse


def test_colors_differ_and_geometry_does_not(recorded_env, episode):
    own = recorded_env.variations
    again = re_render(recorded_env, episode, WIDE, 0, VARIATIONS)
    assert recorded_env.variations is own
    frames = list(again.frames)
    assert len(frames) == len(episode)
    assert set(again.variations) == {*WIDE, "camera_azimuth", "clutter"}
    assert again.variations["clutter"] == episode.info["variations"]["clutter"]
    for frame, pictures in enumerate(frames):
        stored = episode.observation(frame, CAMERAS, ("rgb", "depth", "segmentation"))["cameras"]
        for name, picture in pictures.items():
            for part in ("depth", "segmentation", "intrinsic_cv", "extrinsic_cv"):
                assert np.array_equal(getattr(picture, part), stored[name][part])
            assert np.abs(picture.rgb.astype(int) - stored[name]["rgb"]).mean() > 5


def test_an_episode_has_as_many_looks_as_seeds(recorded_env, episode):
    def first(seed):
        again = re_render(recorded_env, episode, WIDE, seed, VARIATIONS)
        return again, next(again.frames)["head_camera"].rgb

    (one, picture), (same, again), (other, different) = first(0), first(0), first(1)
    assert np.array_equal(picture, again)
    assert one.variations == same.variations
    assert not np.array_equal(picture, different)
    assert one.instances != other.instances
    shape = [each["tool"].rsplit("-", 1)[0] for each in (one.instances, episode.info["instances"])]
    assert shape[0] == shape[1]


def test_all_things_keep_their_shapes(renderer, tmp_path):
    task, one = "container_place", {"object_appearance": {"numbers": [0]}}
    env = make_env(task)
    record_beginning(env, tmp_path / "episode.h5", task, one)
    episode = Episode(tmp_path / "episode.h5")
    for seed in range(3):
        again = re_render(env, episode, WIDE, seed, one)
        for thing, instance in again.instances.items():
            family, shape, appearance = instance.split("-")
            assert f"{family}-{shape}-0" == episode.info["instances"][thing]
            assert int(appearance) in FOR_GENERATORS
        assert len(list(again.frames)) == len(episode)


def test_nothing_that_evaluation_keeps_is_shown():
    assert set(WIDE) <= set(APPEARANCES) <= set(ALL_VARIATIONS)
    assert not set(WIDE["object_appearance"]["numbers"]) & {*SEEN, *UNSEEN}
    assert {WIDE[name]["textures"] for name in ("table_texture", "wall_texture")} == {"seen"}
    parse(WIDE)


def test_a_variation_may_take_no_part(recorded_env, episode):
    dark = {"light_intensity": {"size": [1, 1], "sign": "-", "probability": 0.0}}
    again = re_render(recorded_env, episode, dark, 0, VARIATIONS)
    stored = episode.observation(0, CAMERAS)["cameras"]["head_camera"]["rgb"]
    assert np.array_equal(next(again.frames)["head_camera"].rgb, stored)


def test_a_replay_that_does_something_else_is_an_error(recorded_env, episode):
    episode.action[5, :3] += 0.01
    frames = re_render(recorded_env, episode, {}, 0, VARIATIONS).frames
    with pytest.raises(ReplayError, match=r"joint_position at frame 6 is not the source's$"):
        list(frames)


def test_other_code_is_named_as_the_likely_reason(recorded_env, episode):
    episode.info.update(physics_sha256="0" * 64, state_sha256="0" * 64)
    with pytest.raises(ReplayError, match=r"the state at the end .* recorded by other code"):
        list(re_render(recorded_env, episode, {}, 0, VARIATIONS).frames)
    episode.series["endpose"][0, 1] += 1e-6
    with pytest.raises(ReplayError, match=r"endpose at frame 0 .* recorded by other code"):
        re_render(recorded_env, episode, {}, 0, VARIATIONS)


def test_arguments_that_do_not_fit_are_refused(recorded_env, episode, renderer):
    with pytest.raises(RestylingError, match="'clutter' changes more than colors; valid are tab"):
        re_render(recorded_env, episode, {"clutter": 1}, 0, VARIATIONS)
    for source in ({}, {**VARIATIONS, "camera_azimuth": 2}):
        with pytest.raises(RestylingError, match="recorded under the variations"):
            re_render(recorded_env, episode, {}, 0, source)
    other = RecordedEnv("shoe_place", obs_mode="rgbd", cameras=CAMERAS, resolution=(24, 16))
    with pytest.raises(RestylingError, match="is of tool_adjust, the environment of shoe_place"):
        re_render(other, episode, {}, 0, VARIATIONS)
    small = RecordedEnv("tool_adjust", obs_mode="rgbd", cameras=CAMERAS, resolution=(24, 16))
    with pytest.raises(ReplayError, match="intrinsic_cv of head_camera at frame 0"):
        re_render(small, episode, {}, 0, VARIATIONS)
