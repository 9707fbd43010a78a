"""What LeRobot reads, without LeRobot; `scripts/check_lerobot_export.py` checks with its loader."""

import io
import json
import threading

import imageio.v3 as imageio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_data import CAMERAS, make_dataset
from PIL import Image

pytest.importorskip("pyarrow")
import pandas as pd
import pyarrow.parquet as pq

from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError
from envs.demonstrations.lerobot.export import export_lerobot
from envs.demonstrations.lerobot.features import depth_mm
from envs.demonstrations.lerobot.layout import DATA, Place
from envs.demonstrations.lerobot.selection import Selection
from envs.demonstrations.lerobot.statistics import PixelStatistics, merged, vector_statistics
from envs.demonstrations.lerobot.tables import FrameFiles, write_episodes
from envs.demonstrations.lerobot.video_files import VideoFiles

FRAMES = 5 + 9 + 5 + 9
STATISTICS = {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstrations") / "noise"
    make_dataset(folder)
    return Dataset(folder)


def export(dataset, folder, **changes):
    selection = {"tasks": dataset.info.tasks, "episodes": None, "cameras": CAMERAS}
    settings = {**selection, "videos": False, "depth": True, **changes}
    export_lerobot(dataset, folder, Selection(**settings), lambda done, total: None)
    return folder


@pytest.fixture(scope="module")
def pictures(dataset, tmp_path_factory):
    return export(dataset, tmp_path_factory.mktemp("lerobot") / "pictures")


@pytest.fixture(scope="module")
def videos(dataset, tmp_path_factory):
    return export(dataset, tmp_path_factory.mktemp("lerobot") / "videos", videos=True, depth=False)


def rows(folder, pattern="data/*/*.parquet"):
    return [row for path in sorted(folder.glob(pattern)) for row in pq.read_table(path).to_pylist()]


def transitions(dataset):
    """Every step of every episode, in the order of the export."""
    for task in dataset.info.tasks:
        for episode in dataset.episodes(task):
            for t in range(len(episode.action)):
                yield episode, t


def test_info_describes_what_is_there(pictures):
    info = json.loads((pictures / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert info["fps"] == pytest.approx(50 / 3, rel=1e-12)
    assert [info[f"total_{name}"] for name in ("episodes", "frames", "tasks")] == [4, FRAMES, 4]
    assert info["splits"] == {"train": "0:4"}
    assert info["video_path"] is None
    columns = rows(pictures)[0]
    assert set(info["features"]) == set(columns)
    for name, feature in info["features"].items():
        if feature["dtype"] != "image":
            assert np.shape(columns[name]) == (() if feature["shape"] == [1] else (14,)) or (
                np.shape(columns[name]) == tuple(feature["shape"])
            )
            assert feature["names"] is None or len(feature["names"]) == feature["shape"][0]
    depth = info["features"]["observation.images.head_camera_depth"]
    assert depth["shape"] == [24, 32, 1]
    assert depth["info"] == {"is_depth_map": True, "depth_unit": "mm"}


def test_every_frame_is_what_was_recorded(dataset, pictures):
    tasks = pd.read_parquet(pictures / "meta/tasks.parquet")
    table = rows(pictures)
    assert len(table) == FRAMES
    for index, (row, (episode, t)) in enumerate(zip(table, transitions(dataset), strict=True)):
        seen = episode.observation(t)
        assert np.array_equal(np.float32(row["observation.state"]), seen["joint_position"])
        assert np.array_equal(np.float32(row["observation.joint_target"]), seen["joint_target"])
        assert np.array_equal(np.float32(row["observation.endpose"]), seen["endpose"].ravel())
        assert np.array_equal(np.float32(row["action"]), episode.action[t])
        assert row["next.success"] == episode.series["success"][t + 1]
        assert row["next.done"] == (t == len(episode.action) - 1)
        assert (row["index"], row["frame_index"]) == (index, t)
        assert row["timestamp"] == np.float32(t * 15 / 250)
        assert tasks.iloc[row["task_index"]].name == episode.info["instruction"]
        for camera, parts in seen["cameras"].items():
            for matrix in ("intrinsic_cv", "extrinsic_cv"):
                stored = np.float32(row[f"observation.{camera}.{matrix}"])
                assert np.array_equal(stored, parts[matrix].ravel())
            key = f"observation.images.{camera}"
            rgb, mm = (
                np.asarray(Image.open(io.BytesIO(row[name]["bytes"])))
                for name in (key, f"{key}_depth")
            )
            assert np.array_equal(rgb, parts["rgb"])
            assert mm.dtype == np.uint16
            assert np.abs(mm / 1000 - parts["depth"]).max() <= 0.00051


def test_episodes_say_where_they_are(dataset, pictures):
    episodes = rows(pictures, "meta/episodes/*/*.parquet")
    lengths = [5, 9, 5, 9]
    assert [row["length"] for row in episodes] == lengths
    assert [row["dataset_to_index"] for row in episodes] == list(np.cumsum(lengths))
    assert [row["tasks"] for row in episodes] == [
        *(["lift it 0"], ["lift it 1"], ["push it 0"], ["push it 1"])
    ]
    assert all(row["data/chunk_index"] == row["data/file_index"] == 0 for row in episodes)
    known = [json.loads(line) for line in (pictures / "meta/demonstrations.jsonl").open()]
    assert [each["seed"] for each in known] == [0, 1, 0, 1]


def test_weights_are_a_column_of_the_table_of_episodes(dataset, tmp_path):
    paths = [each.path.resolve() for task in ("lift", "push") for each in dataset.episodes(task)]
    weights = dict(zip(paths, (0.4, 0.3, 0.2, 0.1), strict=True))
    made = export(dataset, tmp_path / "made", depth=False, weights=weights)
    found = [row["sampling_weight"] for row in rows(made, "meta/episodes/*/*.parquet")]
    assert found == [0.4, 0.3, 0.2, 0.1]
    weights.popitem()  # as of one that the filter of generated demonstrations dropped
    made = export(dataset, tmp_path / "fewer", depth=False, weights=weights)
    found = [row["sampling_weight"] for row in rows(made, "meta/episodes/*/*.parquet")]
    assert found == [0.4, 0.3, 0.2, 0.0]
    with pytest.raises(DemonstrationError, match="none of the demonstrations in"):
        export(dataset, tmp_path / "other", weights={tmp_path / "000000.h5": 1.0})
    assert not (tmp_path / "other").exists()


def test_statistics_are_complete_and_right(dataset, pictures):
    info = json.loads((pictures / "meta/info.json").read_text())
    stats = json.loads((pictures / "meta/stats.json").read_text())
    assert set(stats) == set(info["features"])
    assert all(set(each) == STATISTICS for each in stats.values())
    steps = list(transitions(dataset))
    action = np.stack([episode.action[t] for episode, t in steps]).astype(np.float64)
    rgb = np.stack(
        [episode.observation(t)["cameras"]["head_camera"]["rgb"] for episode, t in steps]
    )
    for key, values, axes, shape in (
        ("action", action, 0, (14,)),
        ("observation.images.head_camera", rgb / 255, (0, 1, 2), (3, 1, 1)),
    ):
        for name in ("min", "max", "mean", "std"):
            right = getattr(values, name)(axis=axes).reshape(shape)
            np.testing.assert_allclose(stats[key][name], right, rtol=1e-9, atol=1e-12)
        assert stats[key]["count"] == [FRAMES]
    assert np.shape(stats["observation.images.head_camera_depth"]["q50"]) == (1, 1, 1)
    first = rows(pictures, "meta/episodes/*/*.parquet")[0]
    expected = np.quantile(action[:5], 0.9, axis=0)
    np.testing.assert_allclose(first["stats/action/q90"], expected)


@given(
    arrays.arrays(np.uint8, st.tuples(st.just(3), st.integers(1, 5), st.integers(1, 5), st.just(2)))
)
@settings(max_examples=30, deadline=None)
def test_pixel_statistics_are_numpys(pictures):
    counted = PixelStatistics(2, np.uint8, 0.5)
    for picture in pictures:
        counted.add(picture)
    result = counted.result()
    values = pictures.reshape(-1, 2) * 0.5
    assert result["count"] == 3
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(result[name].ravel(), getattr(values, name)(axis=0), atol=1e-9)
    for name, q in (("q01", 0.01), ("q50", 0.5), ("q99", 0.99)):
        right = np.quantile(values, q, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(result[name].ravel(), right)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_merged_statistics_are_those_of_all_frames(lengths, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(rng.normal(), 2, (length, 3)) for length in lengths]
    together = merged([vector_statistics(part) for part in parts])
    right = vector_statistics(np.concatenate(parts))
    for name in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(together[name], right[name], atol=1e-12)


def test_videos_hold_all_frames_in_order(dataset, videos):
    info = json.loads((videos / "meta/info.json").read_text())
    assert info["features"]["observation.images.head_camera"]["dtype"] == "video"
    assert "observation.images.head_camera" not in rows(videos)[0]
    path = videos / "videos/observation.images.head_camera/chunk-000/file-000.mp4"
    frames = imageio.imread(path, plugin="FFMPEG")
    assert len(frames) == FRAMES
    for frame, (episode, t) in zip(frames, transitions(dataset), strict=True):
        rgb = episode.observation(t)["cameras"]["head_camera"]["rgb"]
        assert np.abs(frame.astype(float) - rgb).mean() < 6
    episodes = rows(videos, "meta/episodes/*/*.parquet")
    key = "videos/observation.images.head_camera"
    starts = [row[f"{key}/from_timestamp"] for row in episodes]
    np.testing.assert_allclose(starts, np.array([0, 5, 14, 19]) * 15 / 250, atol=1e-12)
    assert episodes[-1][f"{key}/to_timestamp"] == pytest.approx(FRAMES * 15 / 250)
    assert imageio.immeta(path, plugin="FFMPEG")["fps"] == pytest.approx(50 / 3, abs=0.01)


def test_a_part_is_exported(dataset, tmp_path):
    folder = export(
        dataset, tmp_path / "part", tasks=["push"], episodes=1, cameras=["left_camera"], depth=False
    )
    table = rows(folder)
    assert len(table) == 5
    assert "observation.left_camera.intrinsic_cv" in table[0]
    assert not any("head_camera" in name or "depth" in name for name in table[0])


def test_files_stay_below_their_limits(tmp_path):
    features = {"action": {"dtype": "float32", "shape": [1000]}}
    rng = np.random.default_rng(0)
    episode = {"action": rng.normal(size=(5, 1000)).astype(np.float32)}
    with FrameFiles(tmp_path, features, max_bytes=90_000) as files:
        places = [files.write(episode, {}) for _ in range(7)]
    assert [place["data/file_index"] for place in places] == [0, 0, 0, 1, 1, 1, 2]
    assert all(path.stat().st_size <= 90_000 for path in tmp_path.glob("data/*/*"))
    assert len(rows(tmp_path)) == 35

    write_episodes(tmp_path, [{"episode_index": i, "length": 1} for i in range(10)], max_bytes=64)
    written = sorted(tmp_path.glob("meta/episodes/*/*"))
    assert len(written) == 3
    table = rows(tmp_path, "meta/episodes/*/*.parquet")
    assert [row["episode_index"] for row in table] == list(range(10))
    assert [row["meta/episodes/file_index"] for row in table] == [0] * 4 + [1] * 4 + [2] * 2


def test_a_folder_has_a_thousand_files():
    last, first = Place.of(999).path(DATA), Place.of(1000).path(DATA)
    assert (last, first) == ("data/chunk-000/file-999.parquet", "data/chunk-001/file-000.parquet")


def test_a_video_that_grows_too_large_or_long_goes_on_in_another_file(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)

    def write(folder, **limits):
        with VideoFiles(folder, "camera", 10, (64, 48), **limits) as video:
            for _ in range(4):
                yield video.begin(20)
                for _ in range(20):
                    video.add(noise)

    one = list(write(tmp_path / "one"))
    assert [place["videos/camera/file_index"] for place in one] == [0, 0, 0, 0]
    monkeypatch.setattr("envs.demonstrations.lerobot.video_files.MAX_SECONDS", 5.0)
    two = list(write(tmp_path / "two"))
    assert [place["videos/camera/file_index"] for place in two] == [0, 0, 1, 1]
    assert [place["videos/camera/from_timestamp"] for place in two] == [0.0, 2.0, 0.0, 2.0]
    assert len(imageio.imread(tmp_path / "two/videos/camera/chunk-000/file-001.mp4")) == 40


def test_a_full_disk_is_an_error(tmp_path):
    path = tmp_path / "videos/camera/chunk-000/file-000.mp4"
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")
    video = VideoFiles(tmp_path, "camera", 10, (64, 48))
    video.begin(1)
    video.add(np.zeros((48, 64, 3), dtype=np.uint8))
    with pytest.raises(OSError, match=r"ffmpeg could not write .*file-000.mp4: .*No space left"):
        video.close()


def test_depth_beyond_16_bits_is_invalid():
    depth = np.float32([[0.0, 0.0004, 1.2346, 65.535, 65.536, 100.0]])
    assert depth_mm(depth).tolist() == [[0, 0, 1235, 65535, 0, 0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": ["front_camera"]}, "no camera front_camera"),
        ({"tasks": ["pull"]}, "no task 'pull'"),
        ({"episodes": 3}, "is for 2 episodes, not 3"),
    ],
)
def test_what_a_data_set_has_not_is_refused(dataset, tmp_path, changes, message):
    with pytest.raises(DemonstrationError, match=message):
        export(dataset, tmp_path / "out", **changes)
    assert not list(tmp_path.iterdir())


def test_odd_sizes_make_no_video(tmp_path):
    make_dataset(tmp_path / "odd", tasks=("lift",), episodes=1, size=(31, 24))
    odd = Dataset(tmp_path / "odd")
    with pytest.raises(DemonstrationError, match="31 x 24 make no H"):
        export(odd, tmp_path / "out", videos=True)
    assert len(rows(export(odd, tmp_path / "out"))) == 5


def test_an_existing_folder_is_refused_and_a_failure_leaves_none(dataset, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(DemonstrationError, match="exists"):
        export(dataset, tmp_path / "there")

    def interrupted(done, total):
        if done == 1:
            raise KeyboardInterrupt

    selection = Selection(("lift",), None, CAMERAS, videos=True, depth=False)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        export_lerobot(dataset, tmp_path / "out", selection, interrupted)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert threading.active_count() == before
