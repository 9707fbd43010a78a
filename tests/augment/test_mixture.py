import numpy as np
import pytest

from augment.mixture import MixtureError, shares

FRAMES = np.array([10, 30, 20, 20, 40])
GENERATED = np.array([False, False, True, True, True])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_share_is_the_generated_trajectories(share):
    found = shares(GENERATED, FRAMES, share)
    assert found.sum() == pytest.approx(1)
    assert found[GENERATED].sum() == pytest.approx(share)
    for kind in (GENERATED, ~GENERATED):
        each = found[kind] / FRAMES[kind]
        np.testing.assert_allclose(each, each[0])


def test_without_a_share_every_frame_is_as_likely():
    np.testing.assert_allclose(shares(GENERATED, FRAMES, None), FRAMES / 120)


def test_shares_that_cannot_be_had():
    with pytest.raises(MixtureError, match=r"generated_share=1.5: expected 0 .. 1"):
        shares(GENERATED, FRAMES, 1.5)
    with pytest.raises(MixtureError, match="no generated trajectories"):
        shares(np.zeros(5, dtype=bool), FRAMES, 0.5)
    with pytest.raises(MixtureError, match="no recorded trajectories"):
        shares(np.ones(5, dtype=bool), FRAMES, 0.5)
