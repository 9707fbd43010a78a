import dataclasses

import numpy as np
import pytest
from made_clips import in_blocks

from augment.baselines.random_background import Background, RandomBackground, room_surface
from augment.baselines.surface_texture import TiledTexture
from augment.clip import Clip
from augment.restyling import RestylingError
from augment.video_metrics.correspondence import Geometry, correspond
from envs.objects import textures
from envs.room import room
from envs.scene_settings import SceneSettings

FRAMES = 3


@pytest.fixture
def clip(episode):
    return Clip.from_episode(episode, episode.cameras, 0, FRAMES, 4)


@pytest.fixture
def things(episode):
    return episode.info["things"]


def mask(clip, things, *surfaces):
    return clip.mask([n for t in things if room_surface(t) in surfaces for n in things[t]["ids"]])


def test_all_of_the_room_is_known_and_nothing_else(things):
    surfaces = {name: room_surface(name) for name in room(SceneSettings())}
    assert set(surfaces.values()) == {"floor", "wall", "table"}
    assert {name for name in things if room_surface(name)} == set(surfaces)


@pytest.mark.parametrize("table", [True, False])
def test_the_room_is_replaced_and_nothing_else(table, clip, things):
    made = RandomBackground(table=table).begin("", 0, things)(clip)
    replaced = mask(clip, things, "floor", "wall", *(["table"] if table else []))
    assert 0.2 < replaced.mean() < 0.95
    assert np.array_equal(made[~replaced], clip.rgb[~replaced])
    assert (made[replaced] != clip.rgb[replaced]).any(axis=-1).mean() > 0.9
    assert not np.shares_memory(made, clip.rgb)


def test_an_episode_has_one_background_whatever_the_blocks(clip, things):
    whole = RandomBackground().begin("", 3, things)(clip)
    again = in_blocks(RandomBackground().begin("red", 3, things), clip, 1, 2)
    assert np.array_equal(whole, again)
    assert not np.array_equal(whole, RandomBackground().begin("", 4, things)(clip))
    without = RandomBackground(table=False).begin("", 3, things)(clip)
    walls = mask(clip, things, "floor", "wall")
    assert np.array_equal(whole[walls], without[walls])


def pairs(clip):
    """All pairs of different pictures of a clip."""
    pictures = list(np.ndindex(clip.rgb.shape[:2]))
    return [(a, b) for a in pictures for b in pictures if a != b]


def test_a_surface_has_one_texture_in_all_views_and_frames(clip, things):
    """With a smooth texture, where interpolation errs little."""
    smooth = textures.mottled((0.4, 0.3, 0.3), np.random.default_rng(0), 0.9)
    surfaces = {
        name: [n for t in things if room_surface(t) == name for n in things[t]["ids"]]
        for name in ("floor", "wall", "table")
    }
    texture = TiledTexture(smooth, 1.5, (0.1, 0.6))
    made = Background(dict.fromkeys(surfaces, texture), surfaces)(clip)
    shown = mask(clip, things, "floor", "wall", "table")
    assert made[shown].std(axis=0).min() > 15
    errors = []
    for a, b in pairs(clip):
        here, there = (
            Geometry(
                clip.depth[one][None], clip.intrinsic_cv[one][None], clip.extrinsic_cv[one][None]
            )
            for one in (a, b)
        )
        found = correspond(here, there)
        both = shown[a].reshape(-1)[found.source] & shown[b].reshape(-1)[found.corners].all(axis=0)
        one, other = (made[each][None].astype(np.float32) for each in (a, b))
        errors.append(np.abs(found.seen(one) - found.seen_by_other(other))[both].max(axis=1))
    errors = np.concatenate(errors)
    assert len(errors) > 10_000
    assert np.quantile(errors, 0.99) < 5
    assert errors.mean() < 0.6


def test_what_is_lacking_is_named(clip, things):
    with pytest.raises(RestylingError, match="there is no floor among no things"):
        RandomBackground().begin("", 0, {})
    del things["table"]
    legs = [name for name in things if name.startswith("table_leg")]
    for leg in legs:
        del things[leg]
    with pytest.raises(RestylingError, match="there is no table among floor, wall"):
        RandomBackground().begin("", 0, things)
    restyling = RandomBackground(table=False).begin("", 0, things)
    with pytest.raises(RestylingError, match="needs segmentation; the clip has none"):
        restyling(dataclasses.replace(clip, segmentation=None))
