import numpy as np
import pytest

from augment.baselines.surface_texture import SurfacePoints, TiledTexture, surface_points

RNG = np.random.default_rng(0)
TEXTURE = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def corner():
    """World (9, 8, 3) of a floor, rows 0-3, and a wall above it; one thing, rows 2 cm apart."""
    rows, columns = np.mgrid[:9, :8].astype(np.float32)
    x = 0.01 * columns + 1
    y = np.where(rows < 4, 0.02 * rows, 0.08)
    z = np.where(rows < 4, 0.5, 0.5 + 0.02 * (rows - 4))
    return np.stack([x, y, z], axis=-1).astype(np.float32), np.ones((9, 8), np.int16)


@pytest.mark.parametrize("across", range(3))
def test_textures_lie_along_the_face_that_a_point_is_on(across):
    world, thing = corner()
    turned = np.roll(world, across, axis=2)
    points = surface_points(turned, thing)
    floor, wall = points.place[: 3 * 8], points.place[5 * 8 :]
    for places, rows, normal in ((floor, slice(0, 3), 2), (wall, slice(5, 9), 1)):
        axes = [axis for axis in range(3) if axis != (normal + across) % 3]
        assert np.array_equal(places, turned[rows][..., axes].reshape(-1, 2))
    assert np.allclose(points.pixel, 0.02, atol=1e-6)


def test_neighbours_on_other_things_do_not_count():
    world, thing = corner()
    world[:, 4:] += 5
    thing[:, 4:] = 2
    thing[:, 6:] = 0
    points = surface_points(world, thing)
    assert len(points.place) == 9 * 6
    assert np.allclose(points.pixel, 0.02, atol=1e-6)


def at(texture, *places, pixel=0.0):
    count = len(places)
    return texture.seen(
        SurfacePoints(np.array(places, np.float32), np.full(count, pixel, np.float32))
    )


def test_a_texture_repeats_and_columns_run_along_the_first_axis():
    texture = TiledTexture(TEXTURE, 0.8, (0.0, 0.0))
    here, there, beyond = at(texture, (0.25, 0.15), (0.25 + 0.8, 0.15 - 1.6), (-0.55, 0.95))
    assert np.array_equal(here, TEXTURE[1, 2])
    assert np.array_equal(here, there)
    assert np.array_equal(here, beyond)
    shifted = TiledTexture(TEXTURE, 0.8, (0.5, 0.25))
    assert np.array_equal(at(shifted, (0.25 - 0.4, 0.15 - 0.2))[0], TEXTURE[1, 2])


def test_between_texels_colors_are_mixed_over_the_seam_too():
    texture = TiledTexture(TEXTURE, 0.8, (0.0, 0.0))
    (mixed,) = at(texture, (0.0, 0.05))
    expected = (TEXTURE[0, 0].astype(float) + TEXTURE[0, 7]) / 2
    assert np.abs(mixed - expected).max() <= 0.5


def test_far_away_only_the_mean_color_is_left():
    texture = TiledTexture(TEXTURE, 0.8, (0.0, 0.0))
    mean = TEXTURE.astype(float).mean(axis=(0, 1))
    for pixel in (0.8, 50.0):
        assert np.abs(at(texture, (0.3, 0.1), (0.7, 0.2), pixel=pixel) - mean).max() <= 0.5
    halves = TEXTURE.reshape(4, 2, 4, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(at(texture, (0.3, 0.1), pixel=0.2)[0] - halves[0, 1]).max() <= 0.5
    between = at(texture, (0.25, 0.15), pixel=0.1 * 2**0.5)[0].astype(float)
    assert np.abs(between - at(texture, (0.25, 0.15))[0]).max() > 1


def test_a_texture_of_one_texel_is_a_color():
    texture = TiledTexture(TEXTURE[:1, :1], 0.8, (0.0, 0.0))
    assert (at(texture, (0.3, 0.1), (7.0, 2.0), pixel=1.0) == TEXTURE[0, 0]).all()


@pytest.mark.parametrize("shape", [(8, 4, 3), (6, 6, 3), (8, 8)], ids=str)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="not \\(2\\^n, 2\\^n, 3\\)"):
        TiledTexture(np.zeros(shape, np.uint8), 1.0, (0.0, 0.0))
