import copy
import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest
from example_result import episode, example_result, failed

from eval_protocols.report import write_report
from eval_protocols.report.media import load_clips
from eval_protocols.report.outcomes import failure_groups, outcome
from eval_protocols.report.page import duration, percent, render
from eval_protocols.videos import Replay

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """Elements of a page, with the text in and between them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "circle", "line", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags are not nested"

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
    page = Page(render(example_result(), clips))
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


def test_numbers_are_written_as_people_read_them():
    assert [percent(rate) for rate in (0, 1, 0.5, 0.99999)] == ["0%", "100%", "50.0%", "100.0%"]
    assert [duration(s) for s in (0.26, 59.9, 61.2, 3725.0)] == [
        "0.3 s",
        "59.9 s",
        "1 min 1 s",
        "1 h 2 min",
    ]
