import re

import pytest

from emma_gym import progress_bar
from emma_gym.progress_bar import ProgressBar


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(progress_bar.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_a_log_has_a_line_now_and_then(clock, capsys):
    with ProgressBar() as bar:
        bar.begin(0)
        for done in range(1, 101):
            clock.now += 1.0
            bar.show(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("/")[0] for line in lines] == ["30", "60", "90"]
    assert lines[1] == "60/100 60.0 episodes/min  0:00:40 left"


@pytest.mark.parametrize("said", [True, False])
def test_pace_does_not_count_what_was_there_before(clock, capsys, said):
    bar = ProgressBar()
    if said:
        bar.begin(90)
    bar.show(90, 100, log=True)  # of what is shown first, all was there
    clock.now += 10.0
    bar.show(95, 100, "success 40.0 %", log=True)
    bar.show(100, 100, log=True)
    assert capsys.readouterr().err.splitlines() == [
        "90/100 running",
        "95/100 success 40.0 %  30.0 episodes/min  0:00:10 left",
        "100/100 60.0 episodes/min",
    ]


def test_a_terminal_has_a_bar(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with ProgressBar() as bar:
        bar.begin(0)
        bar.show(3, 8, "[bold]place[/bold]")
        bar.line("above [red]")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "3/8" in text
    assert "episodes/min" in text
    assert "[bold]place[/bold]" in text
    assert "above [red]" in text
