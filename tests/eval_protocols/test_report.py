import copy
import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from example_result import condition, episode, example_result, failed, sweep_result

from eval_protocols.camera_views import View
from eval_protocols.report import write_report
from eval_protocols.report.media import load_clips, load_stills
from eval_protocols.report.outcomes import failure_groups, outcome
from eval_protocols.report.page import render
from eval_protocols.report.words import (
    MINUS,
    drawn_value,
    duration,
    p_value,
    percent,
    points,
    trained_on,
)
from eval_protocols.videos import Replay

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """Elements of a page, with the text in and between them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "circle", "line", "br", "img", "polyline", "polygon"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags are not nested"
        self.text += " " if tag in ("td", "th", "figcaption", "span") else ""

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(tmp_path, result):
    html = write_report(tmp_path, result).read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    return page, html


def film(tmp_path, *replays, size=100):
    for replay in replays:
        path = replay.path(tmp_path, ".mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        replay.path(tmp_path, ".jpg").write_bytes(bytes(10))
    listed = [dataclasses.asdict(replay) for replay in replays]
    (tmp_path / "videos" / "replays.json").write_text(json.dumps(listed))


def show(tmp_path, *views):
    for view in views:
        view.path(tmp_path).parent.mkdir(parents=True, exist_ok=True)
        view.path(tmp_path).write_bytes(bytes(100))
    (tmp_path / "views").mkdir(exist_ok=True)
    listed = [dataclasses.asdict(view) for view in views]
    (tmp_path / "views" / "index.json").write_text(json.dumps(listed))


def words_of(page):
    return " ".join(page.text.split())


def test_the_page_leads_with_the_number_and_says_how_sure_it_is(tmp_path):
    page, _ = page_of(tmp_path, example_result())
    text = " ".join(page.text.split())
    assert (
        "50.0% succeeded at least once: 2 of 4 episodes. 95% Wilson interval 15.0% to 85.0%" in text
    )
    assert "1 episode ended in an error and counts as a failure" in text
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_the_page_quotes_the_rate_that_the_protocol_names(tmp_path):
    result = example_result()
    result["protocol"]["headline"] = "success_at_end"
    page, _ = page_of(tmp_path, result)
    assert "25.0% were solved at the end: 1 of 4" in " ".join(page.text.split())


def strings(node, path=()):
    if isinstance(node, dict):
        for key, child in node.items():
            yield from strings(child, (*path, key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from strings(child, (*path, index))
    elif isinstance(node, str) and path[-1] != "headline":
        yield path


def test_whatever_a_result_says_stays_text(tmp_path):
    result = example_result([episode(HOSTILE, 1), failed(HOSTILE, 2, error=HOSTILE)])
    for path in strings(result):
        node = result
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = HOSTILE
    result["episodes"].append(failed(HOSTILE, 3, failure=HOSTILE, condition=HOSTILE))
    result["episodes"].append(failed(HOSTILE, 4, checks={HOSTILE: False}, condition=HOSTILE))
    result["policy"]["config"][HOSTILE] = HOSTILE
    result["seeds"]["lists"][HOSTILE] = HOSTILE
    page, _ = page_of(tmp_path, result)
    assert HOSTILE in page.text
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert "49" not in re.findall(r"\d+", page.text)


def test_a_lone_surrogate_does_not_stop_the_page(tmp_path):
    result = example_result([failed("t", 1, error="no such file: \udcff")])
    assert "no such file" in page_of(tmp_path, result)[0].text


def test_the_page_loads_nothing(tmp_path):
    film(tmp_path, Replay("nominal", "block_hammer_beat", 8, True))
    page, html = page_of(tmp_path, example_result())
    assert not re.search(r"https?:|//[a-z]|url\(|@import", html.replace("data:", ""))
    for tag, attrs in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "poster", "srcset", "data"):
            assert (attrs.get(name) or "data:").startswith("data:"), (tag, attrs)
    (csp,) = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
    assert "default-src 'none'" in csp
    assert "unsafe" not in csp
    assert not any("style" in attrs for _, attrs in page.elements), "the policy would drop these"


def test_an_oracle_is_called_one(tmp_path):
    result = example_result()
    assert "racle" not in page_of(tmp_path, result)[0].text
    result["policy"]["privileged"] = True
    assert "Oracle: reads the simulator" in page_of(tmp_path, result)[0].text


def test_seeds_that_are_not_validated_are_no_secret(tmp_path):
    result = example_result()
    assert "not from the validated lists" not in page_of(tmp_path, result)[0].text
    result["seeds"]["validated"] = False
    assert "not from the validated lists" in page_of(tmp_path, result)[0].text


def test_failures_come_before_successes_with_their_videos(tmp_path):
    film(
        tmp_path,
        Replay("nominal", "block_hammer_beat", 8, True),
        Replay("nominal", "block_hammer_beat", 7, False),
    )
    page, html = page_of(tmp_path, example_result())
    assert len(page.all("video")) == 2
    failures, worked = html.index("What failed, and why"), html.index("What worked")
    assert failures < html.index('id="nominal/block_hammer_beat/8"') < worked
    assert worked < html.index('id="nominal/block_hammer_beat/7"')
    links = [a["href"] for a in page.all("a")]
    assert "#nominal/block_hammer_beat/8" in links
    assert "1 video does not show what was scored" in " ".join(page.text.split())


def test_videos_beyond_the_limit_are_linked_and_counted(tmp_path):
    replays = [
        Replay("nominal", "block_hammer_beat", 8, True),
        Replay("nominal", "block_hammer_beat", 7, True),
        Replay("nominal", "block_handover", 8, None),
    ]
    film(tmp_path, *replays)
    clips = load_clips(tmp_path, limit=230)
    embedded = [key for key, clip in clips.items() if clip.data is not None]
    assert embedded == [("nominal", "block_hammer_beat", 8), ("nominal", "block_handover", 8)]
    page = Page(render(example_result(), clips, {}))
    assert len(page.all("video")) == 2
    assert "videos/nominal/block_hammer_beat/7.mp4" in [a["href"] for a in page.all("a")]
    assert "1 of 3 videos are not inside this page" in " ".join(page.text.split())


def test_a_run_without_failures_says_so(tmp_path):
    page, _ = page_of(tmp_path, example_result([episode("t", seed) for seed in range(3)]))
    assert "Nothing: all 3 episodes were solved" in page.text


def test_conditions_stand_side_by_side(tmp_path):
    episodes = [
        episode("t", 1),
        failed("t", 1, condition="new_camera"),
    ]
    text = " ".join(page_of(tmp_path, example_result(episodes))[0].text.split())
    assert "Nominal 100% succeeded" in text
    assert "New camera 0% succeeded" in text


@pytest.mark.parametrize(
    ("record", "kind", "reason"),
    [
        (episode("t", 1), "succeeded", ""),
        (failed("t", 1, error="worker died"), "error", "worker died"),
        (failed("t", 1, failure="the block fell"), "failed", "The block fell"),
        (failed("t", 1), "failed", "Time ran out; still missing: head touches block"),
        (failed("t", 1, checks={}), "failed", "Time ran out"),
        (
            episode("t", 1, success_at_end=False, checks={"in_hand": False, "up": True}),
            "undone",
            "Solved, but not any more at the end; no longer true: in hand",
        ),
    ],
)
def test_outcomes_in_words(record, kind, reason):
    assert (outcome(record).kind, outcome(record).reason) == (kind, reason)


def test_failures_are_grouped_by_task_and_reason_the_worst_first():
    episodes = [
        *[failed("common", seed) for seed in range(4)],
        failed("common", 9, failure="fell"),
        episode("common", 10, success_at_end=False),
        failed("broken", 1),
        failed("broken", 2, error="died"),
        episode("perfect", 1),
    ]
    groups = failure_groups(copy.deepcopy(episodes))
    assert list(groups) == ["broken", "common"]
    assert [group.outcome.kind for group in groups["broken"]] == ["error", "failed"]
    assert [len(group.episodes) for group in groups["common"]] == [4, 1, 1]
    assert groups["common"][-1].outcome.kind == "undone"


def test_a_protocol_with_twins_leads_with_what_is_left(tmp_path):
    text = words_of(page_of(tmp_path, sweep_result())[0])
    assert "Unperturbed 80.0% Succeeded at least once: 16 of 20 episodes" in text
    # Azimuth loses 1 of 8 with each level, roll nothing: (8 - 3 + 8) / 2 of 10 are left.
    assert "Perturbed 65.0% Over 10 conditions and 200 episodes" in text
    assert re.search(
        rf"Retention 81.2% 15.0 points lost; 95% interval .* {MINUS}\d\d.\d to {MINUS}\d", text
    )
    assert "In domain: 100 demonstrations a task. Training seed 0." in text
    assert "Behaviour score 4.40 of 5" in text


def test_no_interval_is_made_up_where_all_seeds_are_alike(tmp_path):
    text = words_of(page_of(tmp_path, sweep_result(clean=10, drop=(0, 0)))[0])
    assert "Retention 100% Nothing lost on average; the seeds of a task do not differ" in text


def test_every_factor_has_a_curve_with_its_area(tmp_path):
    page, _ = page_of(tmp_path, sweep_result())
    labels = [svg.get("aria-label", "") for svg in page.all("svg")]
    azimuth = "level 0 80.0%, level 1 70.0%, level 2 60.0%, level 3 50.0%, level 4 40.0%, level 5"
    (curve,) = [label for label in labels if label.startswith("camera azimuth: ")]
    # Trapezoids from 0.8 down to 0.3.
    assert curve == f"camera azimuth: {azimuth} 30.0%; area 0.55"
    assert sum(label.startswith("camera roll") for label in labels) == 1 + 2, "and each task's own"
    bands = [polygon["points"] for polygon in page.all("polygon")]
    assert all(len(band.split()) == 12 for band in bands)


def test_the_heat_map_has_the_number_and_the_counts_in_every_cell(tmp_path):
    page, html = page_of(tmp_path, sweep_result())
    cells = [td for td in page.all("td") if "shade" in td.get("class", "")]
    assert len(cells) == 3 * 2
    first = cells[0]["title"].splitlines()
    assert cells[0]["class"] == "shade loss-3"
    assert first[0].startswith("Camera azimuth, Block hammer beat: 25 of 50, twins 40; retention")
    assert first[-1] == "Camera azimuth 5: 3 of 10, p = 0.062"
    assert {cell["class"] for cell in cells[1::2]} == {"shade even"}
    assert f">{MINUS}30</td>" in html
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    for side in ("loss", "gain"):
        assert all(f".{side}-{step} {{" in style for step in range(1, 11))


def test_few_conditions_have_columns_of_their_own(tmp_path):
    conditions = [
        condition("seen"),
        condition("unseen_shape", "seen", factor="object_shape"),
        condition("unseen_look", "seen", factor="object_look"),
    ]
    episodes = [episode("t", 1, condition=each["name"]) for each in conditions]
    episodes[2] = failed("t", 1, condition="unseen_look")
    page, html = page_of(tmp_path, example_result(episodes, conditions=conditions))
    text = words_of(page)
    assert f"Task Unperturbed Unseen shape Unseen look T 100% 0 {MINUS}100" in text
    assert f"Unseen look 1 0% 100% {MINUS}100.0" in text
    assert not page.all("polygon"), "no sweep without levels"
    assert html.count("plot-task") >= 2, "so few are shown one by one"


def test_many_conditions_are_not_plotted_one_by_one(tmp_path):
    page, _ = page_of(tmp_path, sweep_result())
    assert "Task by task, unperturbed" in page.text
    rows = [span for span in page.all("span") if span.get("class") == "plot-label"]
    assert len(rows) == 3
    assert "All 11 conditions" in page.text
    assert "Camera azimuth 5 (7), camera azimuth 4 (6)" in words_of(page)


def test_hostile_names_of_twins_stay_text(tmp_path):
    named = json.dumps(sweep_result())
    for name in ("camera_azimuth", "block_handover", "clean"):
        named = named.replace(name, json.dumps(HOSTILE)[1:-1])
    show(tmp_path, View("camera_roll_1", "block_hammer_beat", 0, HOSTILE.replace("/", ""), "", {}))
    page, _ = page_of(tmp_path, json.loads(named))
    assert HOSTILE in page.text
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert not any("style" in attrs for _, attrs in page.elements)


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_a_browser_runs_the_script_and_nothing_else(tmp_path):
    named = json.dumps(sweep_result()).replace("block_handover", json.dumps(HOSTILE)[1:-1])
    page = write_report(tmp_path, json.loads(named))
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    seen = subprocess.run(
        [CHROMIUM, "--headless", *options, *quiet, profile, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    # The script has made every column's head a button: its hash is the policy's.
    heads = re.findall(r"<thead>.*?</thead>", seen, re.DOTALL)
    assert heads
    assert all(head.count("<th ") == head.count("<button ") for head in heads)
    assert "<img" not in seen


def test_twins_play_side_by_side_and_nowhere_else(tmp_path):
    task = "block_hammer_beat"
    film(
        tmp_path,
        Replay("clean", task, 7, True),
        Replay("camera_azimuth_5", task, 7, True),
        Replay("camera_roll_5", task, 7, True),
        Replay("clean", task, 1, True),
    )
    show(tmp_path, View("camera_azimuth_5", task, 7, "head_camera", "", {}))
    page, html = page_of(tmp_path, sweep_result())
    together = html[html.index('<section id="twins">') : html.index('<section id="failures">')]
    order = re.findall(r'id="(\w+)/block_hammer_beat/7"', together)
    assert order == ["clean", "camera_azimuth_5", "camera_roll_5"]
    videos = page.all("video")
    assert len(videos) == 4
    assert ["loop" in video for video in videos] == [False, False, False, True]
    assert [img["alt"] for img in page.all("img")] == ["What head camera saw at the beginning"]
    assert f'id="clean/{task}/1"' in html[html.index("What worked") :]


def test_what_the_cameras_saw_is_a_grid(tmp_path):
    seen = [
        View(name, "block_hammer_beat", 0, camera, said, drawn)
        for camera in ("head_camera", "front_camera")
        for name, said, drawn in (
            ("clean", "Hit the block.", {}),
            (
                "camera_azimuth_1",
                "Hit the block.",
                {"camera_azimuth": {"head": -5.0, "front": -5.0}},
            ),
            ("camera_roll_2", "Strike the cube.", {"camera_roll": {"head": 1.0, "front": 2.0}}),
        )
    ]
    show(tmp_path, *seen)
    page, _ = page_of(tmp_path, sweep_result())
    text = words_of(page)
    # The twin stands before each factor's levels.
    assert len(page.all("img")) == 2 * 4
    assert f"Camera azimuth 0, unperturbed 1 ({MINUS}5) no picture 2" in text
    assert "Camera roll 0, unperturbed Hit the block. no picture 1 2 Strike the cube. no" in text
    assert [each.get("open", "shut") for each in page.all("details")].count(None) == 1


def test_pictures_beyond_the_limit_are_left_out(tmp_path):
    show(
        tmp_path,
        View("clean", "t", 8, "head_camera", "", {}),
        View("clean", "t", 1, "head_camera", "", {}),
        View("clean", "t", 1, "front_camera", "", {}),
    )
    stills = load_stills(tmp_path, limit=250)
    assert {key: len(them) for key, them in stills.items()} == {("clean", "t", 1): 2}


def test_thousands_of_episodes_stay_a_small_page(tmp_path):
    conditions = sweep_result(1)["protocol"]["conditions"]
    episodes = [
        failed(f"task_{task}", seed, condition=each["name"])
        for each in conditions
        for task in range(19)
        for seed in range(24)
    ]
    path = write_report(tmp_path, example_result(episodes, conditions=conditions))
    assert len(episodes) > 5000
    assert path.stat().st_size < 3_000_000


def test_other_numbers_are_written_as_people_read_them():
    assert [points(x) for x in (0.125, -0.3, 0.0, -0.0001)] == ["+12.5", f"{MINUS}30.0", "0", "0"]
    assert [p_value(x) for x in (1.0, 0.0623, 1e-7)] == ["1", "0.062", "< 0.0001"]
    assert percent(None) == "none"
    assert percent(1.25) == "125.0%"
    assert trained_on({"name": "none", "description": "", "seed": None}) == "Nothing"
    drawn = {"a": {"x": 0.1, "y": 0.1}, "b": {"x": 1, "y": 2}, "c": "walnut", "d": None, "e": True}
    assert [drawn_value(drawn, name) for name in (*"abcdef", None)] == [
        "+0.1",
        "",
        "walnut",
        *[""] * 4,
    ]


def test_numbers_are_written_as_people_read_them():
    assert [percent(rate) for rate in (0, 1, 0.5, 0.99999)] == ["0%", "100%", "50.0%", "100.0%"]
    assert [duration(s) for s in (0.26, 59.9, 61.2, 3725.0)] == [
        "0.3 s",
        "59.9 s",
        "1 min 1 s",
        "1 h 2 min",
    ]
