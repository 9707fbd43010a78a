import json
import logging

import numpy as np
import pytest
from example_result import condition, episode, example_result
from PIL import Image

import eval_protocols.camera_views as camera_views
from envs.errors import RenderingUnavailableError
from eval_protocols.camera_views import MAX_VIEW_BYTES, View, read_views, record_views, small_jpeg
from eval_protocols.protocol import load_protocol
from eval_protocols.videos import Replay

TASK = "tool_adjust"


def result_of(protocol, cameras=("head_camera",), task=TASK):
    """A result of one seed under every condition of a protocol."""
    specification = load_protocol(protocol)
    conditions = [
        condition(each.name, each.twin, factor=each.factor, level=each.level)
        for each in specification.conditions
    ]
    episodes = [episode(task, 3, condition=each["name"]) for each in conditions]
    result = example_result(episodes, conditions=conditions, protocol={"name": protocol})
    result["policy"]["observes"]["cameras"] = list(cameras)
    result["policy"]["observes"]["resolution"] = [160, 120]
    result["timing"]["workers"] = 1
    return result


def protocol_of(result):
    return load_protocol(result["protocol"]["name"])


def asked_for(monkeypatch, tmp_path, result, filmed=()):
    """What would be rendered: {(condition, task, seed): cameras}."""
    calls = []
    monkeypatch.setattr(
        camera_views,
        "call_apart",
        lambda function, them, workers: calls.extend(them) or [[] for _ in them],
    )
    record_views(tmp_path, result, protocol_of(result), filmed)
    return {(unit.condition, unit.task, unit.seed): cameras for _, unit, _, cameras, _ in calls}


def test_a_protocol_that_perturbs_nothing_has_no_views(tmp_path):
    result = result_of("in_domain")
    assert record_views(tmp_path, result, protocol_of(result)) == []
    assert list(tmp_path.iterdir()) == []


def test_all_conditions_of_the_first_seed_and_what_was_filmed(tmp_path, monkeypatch):
    cameras = ("front_camera", "left_camera")
    result = result_of("objects_unseen", cameras)
    filmed = [Replay("seen", TASK, 8, True), Replay("unseen_both", TASK, 3, True)]
    asked = asked_for(monkeypatch, tmp_path, result, filmed)
    first = {(each["name"], TASK, 3): cameras for each in result["protocol"]["conditions"]}
    assert len(first) == 4
    assert asked == {("seen", TASK, 8): ("front_camera",), **first}


def test_a_policy_without_pictures_has_the_usual_cameras(tmp_path, monkeypatch):
    asked = asked_for(monkeypatch, tmp_path, result_of("objects_unseen", ()))
    assert set(asked.values()) == {camera_views.DEFAULT_CAMERAS}


def test_views_that_were_deleted_are_not_found(tmp_path):
    assert read_views(tmp_path) == []
    (tmp_path / "views").mkdir()
    listed = [View("seen", "t", 1, "head_camera", "Do it.", {}).__dict__]
    (tmp_path / "views" / "index.json").write_text(json.dumps(listed))
    assert read_views(tmp_path) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_even_noise_becomes_a_small_picture(width):
    noise = np.random.default_rng(0).integers(0, 256, (width * 3 // 4, width, 3), dtype=np.uint8)
    content = small_jpeg(Image.fromarray(noise))
    assert len(content) <= 1.5 * MAX_VIEW_BYTES, "as far as a low quality goes"
    smooth = Image.linear_gradient("L").resize((width, width)).convert("RGB")
    assert len(small_jpeg(smooth)) <= MAX_VIEW_BYTES


def test_pictures_show_what_a_policy_gets(tmp_path):
    """Another camera model looks different, and standardized again nearly the same."""
    result = result_of("camera_intrinsic")
    try:
        views = record_views(tmp_path, result, protocol_of(result))
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    assert views == read_views(tmp_path)
    pictures = {}
    for view in views:
        assert view.path(tmp_path).stat().st_size <= MAX_VIEW_BYTES
        with Image.open(view.path(tmp_path)) as picture:
            assert picture.size == (160, 120)
            pictures[view.condition] = np.asarray(picture, dtype=float)
    assert pictures.keys() == {each["name"] for each in result["protocol"]["conditions"]}
    assert all(view.instruction for view in views)

    def apart(name):
        return np.abs(pictures[name] - pictures["d435"]).mean()

    assert apart("d435_standardized") < 2.0
    assert apart("l515") > 2 * apart("l515_standardized")
    before = (tmp_path / "views" / "index.json").stat().st_mtime_ns
    assert record_views(tmp_path, result, protocol_of(result)) == views
    assert (tmp_path / "views" / "index.json").stat().st_mtime_ns == before, "nothing is missing"


def test_a_process_that_dies_costs_only_pictures(tmp_path, monkeypatch, caplog):
    (tmp_path / "deadly_view.py").write_text("import os\nos._exit(9)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with caplog.at_level(logging.WARNING):
        result = result_of("objects_unseen", task="deadly_view:Task")
        views = record_views(tmp_path, result, protocol_of(result))
    assert views == []
    assert "no picture of deadly_view:Task, seen: a rendering process died" in caplog.text
