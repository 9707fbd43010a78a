import re

import numpy as np
import pytest

from augment.adamix.errors import ReweightingError
from augment.adamix.page import SHOWN, hardest, render, shown, write_page
from augment.adamix.page_chart import Chart
from augment.adamix.refresh import Refresh

UNITS = 30
NAMES = [f"episode {i:02}" for i in range(UNITS)]
METRICS = np.arange(UNITS * 3, dtype=float).reshape(UNITS, 3)
DIFFICULTY = np.linspace(0.0, 1.0, UNITS)
RISING = np.arange(1.0, UNITS + 1) / np.arange(1.0, UNITS + 1).sum()
EVEN = np.full(UNITS, 1 / UNITS)
REFRESHES = [Refresh(200, EVEN, EVEN), Refresh(400, RISING, EVEN)]
THUMBNAILS = {i: np.full((6, 8, 3), i, dtype=np.uint8) for i in range(UNITS)}


def page(**change):
    given = {
        "title": "dp on pick",
        "names": NAMES,
        "metrics": METRICS,
        "difficulty": DIFFICULTY,
        "refreshes": REFRESHES,
        "thumbnails": THUMBNAILS,
    }
    return render(**{**given, **change})


def test_it_shows_the_hardest_and_the_easiest_with_metrics_and_weights():
    html = page()
    assert re.findall(r"<th>(episode \d+)</th>", html) == [*NAMES[:19:-1], *NAMES[:10]]
    assert shown(DIFFICULTY) == [*range(10), *range(20, 30)]
    first = html[html.index("<tbody>") : html.index("</tr>", html.index("<tbody>"))]
    cells = re.findall(r'<td class="num">(.*?)</td>', first)
    assert cells == ["87", "88", "89", "1.00", f"{30 * 30 / (30 * 31 / 2):.2f}"]
    assert html.count("data:image/jpeg;base64,") == 2 * SHOWN


def test_the_order_is_by_difficulty_whatever_the_weights_are():
    easy = np.array([0.5, 0.0, 1.0])
    for weights in (EVEN[:3] * 10, np.array([0.6, 0.3, 0.1])):  # as after a collapse, or shuffled
        last = Refresh(5, weights, EVEN[:3] * 10)
        html = page(names=NAMES[:3], metrics=METRICS[:3], difficulty=easy, refreshes=[last])
        order = [NAMES[i] for i in (2, 0, 1, 1, 0, 2)]
        assert re.findall(r"<th>(episode \d+)</th>", html) == order
    assert re.findall(r'<td class="num">(\S+)</td>\s*</tr>', html)[:3] == ["0.30", "1.80", "0.90"]
    assert hardest(np.zeros(3)) == [0, 1, 2]


def test_weights_are_against_those_that_were_equal():
    last = Refresh(5, np.array([0.4, 0.3, 0.3]), np.array([0.5, 0.2, 0.3]))
    html = page(names=NAMES[:3], metrics=METRICS[:3], difficulty=RISING[2::-1], refreshes=[last])
    weights = re.findall(r'<td class="num">(\S+)</td>\s*</tr>', html)
    assert weights[:3] == ["0.80", "1.50", "1.00"]


def test_it_shows_the_unevenness_over_refreshes():
    html = page()
    assert "Effective sample size, 1 for equal weights" in html
    assert re.search(r'<text class="y"[^>]*>1</text>', html)
    assert re.search(r'<text class="y"[^>]*>30</text>', html)
    assert html.count("<circle") == 4


def test_it_loads_nothing_and_escapes_names():
    html = page(title="<script>alert(1)</script>", names=["<img src=x>"] * UNITS)
    assert "<script" not in html
    assert "<img src=x>" not in html
    assert "&lt;img src=x&gt;" in html
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sources
    assert all(each.startswith("data:") for each in sources)
    assert "http:" not in html
    assert "https:" not in html
    assert "default-src 'none'" in html


def test_a_missing_thumbnail_and_a_collapse_are_said():
    collapsed = [*REFRESHES, Refresh(600, EVEN, EVEN, collapsed=True)]
    html = page(thumbnails={}, refreshes=collapsed)
    assert html.count("no picture") == 2 * SHOWN
    assert "from step 600 on samples are drawn uniformly" in html
    assert "diverged" not in page()


def test_few_trajectories_are_enough():
    few = Refresh(5, np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    html = page(names=NAMES[:2], metrics=METRICS[:2], difficulty=DIFFICULTY[:2], refreshes=[few])
    assert html.count("<th>episode") == 4


def test_it_is_written_whole(tmp_path):
    path = tmp_path / "hard.html"
    write_page(path, "\ud800 dp", NAMES, METRICS, DIFFICULTY, REFRESHES, THUMBNAILS)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refreshes": []}, "no weights have been made"),
        ({"names": NAMES[:3]}, "3 names"),
        ({"metrics": METRICS[:, :2]}, "three metrics"),
        ({"difficulty": DIFFICULTY[:2]}, "2 difficulties"),
    ],
    ids=["refreshes", "names", "metrics", "difficulty"],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(ReweightingError, match=words):
        page(**change)


def test_a_chart_is_inside_its_frame_and_leaves_out_what_is_infinite():
    chart = Chart([0, 10, 20], [1.0, float("inf"), 3.0])
    assert len(chart.points) == 2
    (left, bottom), (right, top) = chart.points
    assert 0 < left < right < chart.width
    assert 0 < top < bottom < chart.height
    assert [text for _, text in chart.x_labels] == ["0", "20"]
    assert [text for _, text in chart.y_labels] == ["1", "3"]
    assert not Chart([0], [float("inf")]).points
