import os
import sys

import pytest

from learning.whole_folder import put_in_place, staged, surviving


def filled(folder, content):
    staging = staged(folder)
    for name in "ab":
        (staging / name).write_text(content)
    return staging


def content_of(folder):
    (content,) = {(surviving(folder) / name).read_text() for name in "ab"}
    return content


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "deep" / "last"
    for content in "xyz":
        put_in_place(filled(folder, content), folder)
        assert content_of(folder) == content
    assert [path.name for path in folder.parent.iterdir()] == ["last"]


def test_what_a_kill_left_half_written_is_thrown_away(tmp_path):
    folder = tmp_path / "last"
    put_in_place(filled(folder, "x"), folder)
    (staged(folder) / "a").write_text("half")
    assert content_of(folder) == "x"
    put_in_place(filled(folder, "y"), folder)
    assert content_of(folder) == "y"


def dies_before_line(number, action):
    """Does something in a process that dies before a line of `whole_folder`; whether it ended."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        if frame.f_code.co_filename.endswith("whole_folder.py") and event == "line":
            lines += 1
            if lines > number:
                os._exit(7)
        return trace

    sys.settrace(trace)
    try:
        action()
        os._exit(0)
    finally:
        os._exit(8)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_at_any_line_leaves_one_whole_content(tmp_path):
    seen, number, ended = set(), 0, False
    while not ended:
        folder = tmp_path / str(number) / "last"
        put_in_place(filled(folder, "old"), folder)
        ended = dies_before_line(number, lambda at=folder: put_in_place(filled(at, "new"), at))
        seen.add((surviving(folder).name, content_of(folder)))
        number += 1
    assert number > 8
    assert seen == {("last", "old"), ("last.old", "old"), ("last", "new")}
