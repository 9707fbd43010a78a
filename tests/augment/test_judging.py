import json
import shutil

import numpy as np
import pytest
from generated_data import make, source_of
from recorded_episode import TASK

from augment import judging
from augment.judging import QUALITY, SCORES, dropped_episodes, judge
from augment.kept_scores import KeptScores
from augment.video_metrics.depth_net import DepthNet
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError


class Blank:
    """Paints everything grey."""

    name, cameras, frames, needs_segmentation = "blank", None, 9, False

    def begin(self, prompt, seed, things):
        return lambda clip: np.full_like(clip.rgb, 128)


class Same(Blank):
    """Changes nothing."""

    name = "same"

    def begin(self, prompt, seed, things):
        return lambda clip: clip.rgb


@pytest.fixture
def source(tmp_path, recorded_path):
    return source_of(tmp_path / "source", recorded_path)


def judged(generated, source, **options):
    kept = KeptScores(generated.folder / SCORES, options.pop("decided_by", {}))
    options = {"kept": kept, "clips": 2, "depth_net": None, "drop_at_most": 0.5, **options}
    return judge(generated, source, progress=lambda done, total: None, **options)


def test_what_is_not_changed_is_as_good_as_the_simulator(source, tmp_path):
    found = judged(make(source, tmp_path / "made", Same()), source)
    means = found.means()
    for name in ("cross_view_difference", "over_time_difference", "edge_f1"):
        mine, theirs = means[name]
        assert mine == pytest.approx(theirs)
    assert found.diversity == pytest.approx(0.0)
    # The prompts ask for another look: some of what they claim must be wrong.
    mine, theirs = means["attribute_accuracy"]
    assert mine < theirs
    assert len(found.generated) == 3


def test_a_broken_restyler_is_worse_and_goes(source, tmp_path):
    made = make(source, tmp_path / "made", Blank())
    found = judged(made, source, depth_net=DepthNet())
    mine, theirs = found.means()["edge_f1"]
    assert mine < 0.5 * theirs
    assert "depth_abs_rel" in found.means()
    assert len(found.filtering[TASK].dropped) == 1  # half of three
    found.save(made.folder)
    assert dropped_episodes(made.folder) == found.dropped()
    written = json.loads((made.folder / QUALITY).read_text())
    assert written["means"]["edge_f1"] == {"generated": mine, "simulator": theirs}
    assert len(written["episodes"]) == 3
    assert judged(made, source, drop_at_most=0.0).dropped() == {}


def test_a_similarity_is_one_of_pictures_and_their_prompt(source, tmp_path):
    made = make(source, tmp_path / "made", Blank())
    found = judged(made, source, prompt_similarity=lambda clip, prompt: len(prompt) / 1000)
    for each in found.generated:
        assert each.scores["prompt_similarity"] == pytest.approx(len(each.prompt) / 1000)
    assert found.means()["prompt_similarity"][1] is None


def test_what_is_judged_is_not_judged_again(source, tmp_path, monkeypatch):
    made = make(source, tmp_path / "made", Blank())
    first, path = judged(made, source), made.folder / SCORES
    quality = first.save(made.folder).read_bytes()
    lines = path.read_text().splitlines(keepends=True)
    computed = []
    scores = judging.clip_scores
    monkeypatch.setattr(
        judging, "clip_scores", lambda *args, **more: computed.append(1) or scores(*args, **more)
    )
    again = judged(made, source)
    assert again.save(made.folder).read_bytes() == quality
    assert not computed
    path.write_text("".join(lines[:-2]) + lines[-2][:40])  # as a kill leaves it
    assert judged(made, source) == first
    assert len(computed) == 2 * 2  # episodes and clips
    assert path.read_text().splitlines(keepends=True) == lines
    computed.clear()
    judged(made, source, decided_by={"clips": 1}, clips=1)
    assert len(computed) == len(lines) - 1
    path.write_text(path.read_text().splitlines(keepends=True)[0] + "{}\n")
    with pytest.raises(DemonstrationError, match=r"scores\.jsonl is damaged: delete it"):
        judged(made, source, decided_by={"clips": 1}, clips=1)


def test_another_look_in_the_same_place_is_judged_anew(source, tmp_path):
    folder = tmp_path / "made"
    before = judged(make(source, folder, Same()), source)
    kept = (folder / SCORES).read_text()
    shutil.rmtree(folder)
    made = make(source, folder, Blank())
    (folder / SCORES).write_text(kept)
    assert judged(made, source).means()["edge_f1"][0] < before.means()["edge_f1"][0]


def test_nobody_judged_is_nothing_dropped(tmp_path):
    assert dropped_episodes(tmp_path) == {}


def test_only_generated_data_of_this_source_is_judged(source, tmp_path):
    with pytest.raises(DemonstrationError, match=r"is not generated: it has no generated\.json"):
        judged(source, source)
    made = make(source, tmp_path / "made", Same())
    other = Dataset(source.folder)
    episode = other.episodes
    other.episodes = lambda task: [_inverted(each) for each in episode(task)]
    with pytest.raises(DemonstrationError, match="was not made of"):
        judged(made, other)


def _inverted(episode):
    """The same episode in other colors."""
    observation = episode.observation

    def inverted(*arguments):
        seen = observation(*arguments)
        for camera in seen["cameras"].values():
            camera["rgb"] = 255 - camera["rgb"]
        return seen

    episode.observation = inverted
    return episode
