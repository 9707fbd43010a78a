from learning.curve import append_row, cut_curve, read_curve


def test_lines_come_back_without_what_was_not_measured(tmp_path):
    path = tmp_path / "curve.csv"
    assert read_curve(path) == []
    for step, success in ((1, None), (2, 0.5)):
        append_row(
            path, ["step", "loss", "success"], {"step": step, "loss": 0.1, "success": success}
        )
    assert read_curve(path) == [
        {"step": 1.0, "loss": 0.1},
        {"step": 2.0, "loss": 0.1, "success": 0.5},
    ]


def test_a_cut_takes_out_what_comes_later_and_what_is_torn(tmp_path):
    path = tmp_path / "curve.csv"
    cut_curve(path, "step", 3)
    assert not path.exists()
    for step in range(1, 6):
        append_row(path, ["step", "loss"], {"step": step, "loss": 1 / 3})
    whole = path.read_text().splitlines()
    path.write_text("\n".join(whole[:-1]) + "\n5")  # the last line is cut off
    cut_curve(path, "step", 3)
    assert path.read_text().splitlines() == whole[:4], "what stays is the same to the last digit"
