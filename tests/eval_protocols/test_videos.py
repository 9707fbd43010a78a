import io
import json
import logging

import imageio.v2 as imageio
import numpy as np
import pytest
from example_result import SHA256, episode, example_result, failed
from PIL import Image

import envs.registration
from envs.errors import RenderingUnavailableError
from envs.registration import make_env
from eval_protocols import videos
from eval_protocols.episodes import WorkUnit
from eval_protocols.journal import actions_path
from eval_protocols.protocol import load_protocol
from eval_protocols.videos import Replay, read_replays, record_videos

TASK = "block_hammer_beat"
IN_DOMAIN = load_protocol("in_domain")


def store_actions(folder, record, actions):
    path = actions_path(folder, WorkUnit(record["task"], record["seed"], record["condition"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.asarray(actions, dtype=np.float32))


def moving_square(count, noise=None):
    for index in range(count):
        frame = np.full((240, 320, 3), 90, dtype=np.uint8)
        frame[100:140, 4 * index % 280 : 4 * index % 280 + 40] = (220, 80, 60)
        yield frame if noise is None else noise.integers(0, 255, frame.shape, dtype=np.uint8)


def test_a_video_is_what_browsers_play_and_in_real_time(tmp_path):
    last = videos._write_video(tmp_path / "a.mp4", moving_square(50), 100, 16.6667)
    content = (tmp_path / "a.mp4").read_bytes()
    assert b"avc1" in content
    assert content.index(b"moov") < content.index(b"mdat"), "cannot start before it is loaded"
    with imageio.get_reader(tmp_path / "a.mp4") as reader:
        meta = reader.get_meta_data()
        frames = list(reader.iter_data())
    assert meta["codec"] == "h264"
    assert meta["pix_fmt"].startswith("yuv420p")
    assert meta["size"] == (320, 240)
    assert meta["fps"] == pytest.approx(16.6667 / videos.STRIDE, abs=0.01)
    assert len(frames) == 50 + videos.LINGER_FRAMES
    assert np.abs(frames[-1].astype(int) - last).mean() < 6
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]


def test_even_noise_stays_small(tmp_path):
    noise = np.random.default_rng(0)
    videos._write_video(tmp_path / "a.mp4", moving_square(40, noise), 80, 16.6667)
    assert (tmp_path / "a.mp4").stat().st_size <= videos.MAX_VIDEO_BYTES


def test_a_replay_that_breaks_leaves_no_video(tmp_path):
    def breaking():
        yield from moving_square(3)
        raise ValueError("the environment broke")

    with pytest.raises(ValueError, match="broke"):
        videos._write_video(tmp_path / "a.mp4", breaking(), 100, 16.6667)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("info", "filled", "color"),
    [
        ({"progress": 0.5, "success": False}, 160, videos.BAR_PROGRESS),
        ({"progress": 0.9, "success": True}, 320, videos.BAR_SUCCESS),
        ({"progress": 7.0, "success": False}, 320, videos.BAR_PROGRESS),
    ],
)
def test_the_bar_shows_progress_and_success(info, filled, color):
    picture = np.full((240, 320, 3), 200, dtype=np.uint8)
    frame = videos._with_bar(picture, info)
    assert (picture == 200).all(), "the renderer's own buffer must stay as it is"
    assert (frame[: -videos.BAR_PIXELS] == 200).all()
    assert int((frame[-1] == color).all(axis=1).sum()) == filled


def test_only_what_can_be_replayed_is_filmed(tmp_path, monkeypatch):
    episodes = [episode(TASK, 1), failed(TASK, 2), failed(TASK, 3)]
    for record in episodes[:2]:
        store_actions(tmp_path, record, np.zeros((1, 14)))
    filmed = []
    monkeypatch.setattr(
        videos, "call_apart", lambda function, calls, workers: filmed.extend(calls) or [OSError()]
    )
    assert record_videos(tmp_path, example_result(episodes), IN_DOMAIN, 1) == []
    ((folder, record, options),) = filmed
    assert (folder, record["seed"]) == (tmp_path, 2)
    assert options == {"action_mode": "joint", "variations": {}}


class CountingEnv:
    """Moves a bar; its state is the sum of all actions."""

    control_hz = 10.0

    def __init__(self):
        self.total = 0.0

    def get_wrapper_attr(self, name):
        return getattr(self, name)

    def reset(self, seed):
        self.total = float(seed)
        return {}, {"progress": 0.0, "success": False}

    def step(self, action):
        self.total += float(action.sum())
        return {}, 0.0, False, False, {"progress": 0.5, "success": False}

    def render(self):
        return np.full((240, 320, 3), int(self.total) % 200, dtype=np.uint8)

    def state_sha256(self):
        return f"{int(self.total):064x}"

    def close(self):
        pass


@pytest.mark.parametrize(
    ("state", "reproduced"), [(f"{3 + 14 * 5:064x}", True), (SHA256, False), (None, None)]
)
def test_a_replay_tells_whether_it_reproduced_the_episode(tmp_path, monkeypatch, state, reproduced):
    monkeypatch.setattr(envs.registration, "make_env", lambda task, **options: CountingEnv())
    record = failed("t", 3, state_sha256=state)
    store_actions(tmp_path, record, np.ones((5, 14)))
    replay = videos._record(tmp_path, record, {"action_mode": "joint"})
    assert replay == Replay("nominal", "t", 3, reproduced)
    with Image.open(replay.path(tmp_path, ".jpg")) as poster:
        assert poster.size == (320, 240)
    with imageio.get_reader(replay.path(tmp_path, ".mp4")) as reader:
        # Steps 0, 2, 4 and the last.
        assert len(list(reader.iter_data())) == 4 + videos.LINGER_FRAMES


def test_actions_from_strangers_are_not_unpickled(tmp_path):
    record = failed("t", 3)
    store_actions(tmp_path, record, np.ones((5, 14)))
    path = actions_path(tmp_path, WorkUnit("t", 3, "nominal"))
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"an": "object"}]), allow_pickle=True)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="allow_pickle"):
        videos._record(tmp_path, record, {"action_mode": "joint"})


def test_videos_that_were_deleted_are_not_found(tmp_path):
    assert read_replays(tmp_path) == []
    (tmp_path / "videos").mkdir()
    listed = [{"condition": "nominal", "task": "t", "seed": 1, "reproduced": True}]
    (tmp_path / "videos" / "replays.json").write_text(json.dumps(listed))
    assert read_replays(tmp_path) == []


def test_nothing_to_film_starts_no_process(tmp_path):
    assert record_videos(tmp_path, example_result(), IN_DOMAIN, 2) == []
    assert list(tmp_path.iterdir()) == []


def test_a_real_episode_is_replayed_to_the_same_state(tmp_path, caplog):
    env = make_env(TASK)
    episodes = []
    for seed, count in ((0, 6), (1, 6), (2, 4)):
        env.reset(seed=seed)
        env.action_space.seed(seed)
        actions = [env.action_space.sample() for _ in range(count)]
        for action in actions:
            env.step(action)
        state = env.get_wrapper_attr("state_sha256")()
        record = failed(TASK, seed, steps=count, state_sha256=state if seed != 1 else SHA256)
        store_actions(tmp_path, record, actions if seed != 2 else np.full((4, 14), np.nan))
        episodes.append(record)
    result = example_result(episodes)
    result["timing"]["workers"] = 1
    try:
        with caplog.at_level(logging.WARNING):
            paths = record_videos(tmp_path, result, IN_DOMAIN, per_task=3)
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    folder = tmp_path / "videos" / "nominal" / TASK
    assert paths == [folder / "0.mp4", folder / "1.mp4"]
    assert [replay.reproduced for replay in read_replays(tmp_path)] == [True, False]
    assert f"replay of {TASK}, seed 1 (nominal) ended in another state" in caplog.text
    assert f"no video of {TASK}, seed 2 (nominal): action[0] = nan" in caplog.text
    with imageio.get_reader(paths[0]) as reader:
        assert reader.get_data(0).std() > 20, "a picture of one colour"


def test_a_replay_that_kills_its_process_costs_only_videos(tmp_path, monkeypatch, caplog):
    (tmp_path / "deadly_task.py").write_text("import os\nos._exit(9)\n")
    monkeypatch.syspath_prepend(tmp_path)
    record = failed("deadly_task:Task", 1)
    store_actions(tmp_path, record, np.zeros((2, 14)))
    result = example_result([record])
    with caplog.at_level(logging.WARNING):
        assert record_videos(tmp_path, result, IN_DOMAIN, per_task=1) == []
    assert "a replaying process died; 1 of 1 videos are missing" in caplog.text
    assert read_replays(tmp_path) == []
