import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.adamix.errors import ReweightingError
from augment.adamix.joint_limits import ALOHA_AGILEX
from augment.adamix.metrics import FrameMetrics, Predictions, frame_metrics

HZ = 250 / 15
SCALE = torch.linspace(0.5, 2.0, 14)
JOINTS = list(ALOHA_AGILEX.channels)
HOME = torch.zeros(14)


def measured(predicted, recorded=None, margin=0.03) -> FrameMetrics:
    recorded = predicted if recorded is None else recorded
    found = Predictions.from_trajectories(predicted, recorded)
    return frame_metrics(found, SCALE, control_hz=HZ, margin=margin)


def one_by_one(predicted, recorded, margin):
    """The metrics of a trajectory as the equations read, frame by frame."""
    predicted, recorded = predicted.double().numpy(), recorded.double().numpy()
    errors = [
        np.mean(((p - r) / SCALE.numpy()) ** 2) for p, r in zip(predicted, recorded, strict=True)
    ]
    q = predicted[:, JOINTS]
    accelerations = [
        np.linalg.norm(q[t + 1] - 2 * q[t] + q[t - 1]) * HZ**2 for t in range(1, len(q) - 1)
    ]
    low, high = np.array(ALOHA_AGILEX.lower) + margin, np.array(ALOHA_AGILEX.upper) - margin
    beyond = sum(bool((frame < low).any() or (frame > high).any()) for frame in q)
    return [np.mean(errors), np.mean(accelerations) if accelerations else 0.0, beyond]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.03, 0.5]),
)
def test_they_are_what_their_equations_say(lengths, seed, margin):
    generator = torch.Generator().manual_seed(seed)
    predicted = [2 * torch.randn(length, 14, generator=generator) for length in lengths]
    recorded = [torch.randn(length, 14, generator=generator) for length in lengths]
    found = measured(predicted, recorded, margin=margin).by_trajectory()
    expected = [one_by_one(p, r, margin) for p, r in zip(predicted, recorded, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 2**32))
def test_what_lies_beyond_the_end_counts_nowhere(lengths, seed):
    generator = torch.Generator().manual_seed(seed)
    predicted = [torch.randn(length, 14, generator=generator) for length in lengths]
    together = Predictions.from_trajectories(predicted, [each + 0.1 for each in predicted])
    spoiled = [
        each.where(together.inside[..., None], torch.nan)
        for each in (together.predicted, together.recorded)
    ]
    found = [
        frame_metrics(each, SCALE, control_hz=HZ, margin=0.03)
        for each in (together, Predictions(*spoiled, together.lengths))
    ]
    assert torch.equal(found[0].by_trajectory(), found[1].by_trajectory())
    assert torch.equal(found[0].by_frame(), found[1].by_frame())


def test_frames_are_those_of_the_trajectories_one_after_the_other():
    generator = torch.Generator().manual_seed(0)
    predicted = [torch.randn(length, 14, generator=generator) for length in (4, 7)]
    recorded = [torch.randn(length, 14, generator=generator) for length in (4, 7)]
    both = measured(predicted, recorded).by_frame()
    apart = [measured([p], [r]).by_frame() for p, r in zip(predicted, recorded, strict=True)]
    assert torch.equal(both, torch.cat(apart))
    assert len(both) == 11


def test_a_perfect_prediction_of_an_even_motion_is_0_in_all():
    motion = HOME + torch.linspace(0.0, 0.5, 9, dtype=torch.float64)[:, None]
    found = measured([motion, motion[:1], motion[:2]]).by_trajectory()
    np.testing.assert_allclose(found, 0.0, atol=1e-10)


def test_acceleration_is_in_rad_per_s2_and_of_joints_alone():
    seconds = torch.arange(20, dtype=torch.float64) / HZ
    parabola = HOME.double() + 0.1
    motion = parabola.repeat(20, 1)
    motion[:, 3] += 0.5 * 0.7 * seconds**2
    motion[:, 6] = torch.arange(20) % 2  # the gripper
    assert measured([motion]).by_trajectory()[0, 1] == pytest.approx(0.7)


@pytest.mark.parametrize(("margin", "frames"), [(0.0, 2), (0.1, 5), (0.2, 8)], ids=str)
def test_frames_near_a_limit_are_counted_once_each(margin, frames):
    motion = (HOME + 0.5).repeat(8, 1)
    motion[:2, JOINTS[4]] = 1.58  # beyond 1.57
    motion[1, JOINTS[5]] = 2.1
    motion[2:5, JOINTS[9]] = -1.52  # 0.08 from -1.6
    motion[5:, JOINTS[9]] = 1.4  # 0.15 from 1.55
    motion[:, 6] = 1.0  # an open gripper is no joint
    assert measured([motion], margin=margin).by_trajectory()[0, 2] == frames


def test_home_is_inside_the_band():
    assert measured([HOME.repeat(5, 1)]).by_trajectory()[0, 2] == 0


def test_they_do_not_depend_on_the_device():
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    generator = torch.Generator().manual_seed(0)
    pairs = [[torch.randn(n, 14, generator=generator) for n in (5, 90, 40)] for _ in range(2)]
    here = measured(*pairs).by_trajectory()
    there = frame_metrics(
        Predictions.from_trajectories(*([each.cuda() for each in pair] for pair in pairs)),
        SCALE.cuda(),
        control_hz=HZ,
        margin=0.03,
    ).by_trajectory()
    torch.testing.assert_close(there.cpu(), here, rtol=1e-12, atol=0)


GOOD = {
    "predicted": torch.zeros(2, 3, 14),
    "recorded": torch.zeros(2, 3, 14),
    "lengths": torch.tensor([3, 2]),
}
NAN = torch.zeros(2, 3, 14)
NAN[1, 1, 5] = torch.nan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recorded": torch.zeros(2, 4, 14)}, "the same"),
        ({"lengths": torch.tensor([3])}, "one for each of 2"),
        ({"lengths": torch.tensor([3, 0])}, r"outside 1 \.\. 3"),
        ({"lengths": torch.tensor([3, 4])}, r"outside 1 \.\. 3"),
        ({"predicted": NAN}, "predicted action of trajectory 1, frame 1 is not finite"),
        ({"recorded": NAN}, "recorded action of trajectory 1, frame 1"),
    ],
    ids=["shape", "lengths", "empty", "long", "nan-predicted", "nan-recorded"],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(ReweightingError, match=words):
        Predictions(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margin": -0.1}, "margin=-0.1"),
        ({"margin": 1.57}, "margin=1.57"),
        ({"control_hz": 0.0}, "control_hz"),
        ({"scale": torch.zeros(14)}, "scale"),
        ({"scale": torch.ones(3)}, "14 finite numbers"),
    ],
    ids=["negative", "wide", "rate", "zero-scale", "scale-shape"],
)
def test_options_out_of_range_are_refused(options, words):
    given = {"scale": SCALE, "control_hz": HZ, "margin": 0.03, **options}
    with pytest.raises(ReweightingError, match=words):
        frame_metrics(Predictions(**GOOD), **given)


def test_no_trajectory_is_refused():
    with pytest.raises(ReweightingError, match="no trajectory"):
        Predictions.from_trajectories([], [])
