"""AdaMix's three metrics of how well a policy does each trajectory.

    APE  Action Prediction Error: predicted against recorded actions, in normalized space
    TS   Trajectory Smoothness: acceleration of the predicted joints, in rad/s^2
    JAL  Joint Angle Limitation: frames in which a predicted joint is near or beyond a limit

Greater is worse in all of them. Predictions are open loop: the policy sees recorded observations,
and its chunks are joined as if each had been executed until the next. Names and units are the
paper's; the equations are **our reconstruction**. TS and JAL are of what is predicted: those of a
recorded expert would not depend on the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from augment.adamix.errors import ReweightingError
from augment.adamix.joint_limits import ALOHA_AGILEX, JointLimits

METRICS = ("ape", "ts", "jal")
"""In the order of the columns of all arrays of metrics."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a policy predicted for N trajectories of up to T frames.

    Attributes:
        predicted: (N, T, D) actions, one for each recorded one.
        recorded: (N, T, D) actions. What lies beyond a trajectory's end counts nowhere.
        lengths: (N,) int64, frames of each trajectory, 1 .. T.
    """

    predicted: Tensor
    recorded: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        """Checks shapes and numbers.

        Raises:
            ReweightingError: In one line.
        """
        if self.predicted.shape != self.recorded.shape or self.predicted.dim() != 3:
            raise ReweightingError(
                f"predicted has shape {tuple(self.predicted.shape)} and recorded "
                f"{tuple(self.recorded.shape)}: expected the same (N, T, D)"
            )
        number, frames, _ = self.predicted.shape
        if self.lengths.shape != (number,) or not number:
            raise ReweightingError(
                f"lengths has shape {tuple(self.lengths.shape)}: expected one for each of "
                f"{number} trajectories, of which there is at least one"
            )
        if self.lengths.min() < 1 or self.lengths.max() > frames:
            raise ReweightingError(f"a length is outside 1 .. {frames}")
        for name in ("predicted", "recorded"):
            wrong = self.inside & ~getattr(self, name).isfinite().all(dim=-1)
            if wrong.any():
                trajectory, frame = wrong.nonzero()[0].tolist()
                raise ReweightingError(
                    f"{name} action of trajectory {trajectory}, frame {frame} is not finite"
                )

    @classmethod
    def from_trajectories(
        cls, predicted: Sequence[Tensor], recorded: Sequence[Tensor]
    ) -> Predictions:
        """Trajectories of any lengths.

        Args:
            predicted: Of each trajectory (T_i, D).
            recorded: Of the same.

        Raises:
            ReweightingError: If they do not fit together.
        """
        if [each.shape for each in predicted] != [each.shape for each in recorded]:
            raise ReweightingError("predicted and recorded trajectories differ in shape")
        if not predicted:
            raise ReweightingError("there is no trajectory")
        return cls(
            pad_sequence(list(predicted), batch_first=True),
            pad_sequence(list(recorded), batch_first=True),
            torch.tensor([len(each) for each in predicted], device=predicted[0].device),
        )

    @property
    def inside(self) -> Tensor:
        """(N, T) bool: which frames there are."""
        frames = torch.arange(self.predicted.shape[1], device=self.lengths.device)
        return frames < self.lengths[:, None]


@dataclass(frozen=True, eq=False)
class FrameMetrics:
    """The metrics of every frame, and what they are of trajectories.

    Attributes:
        values: (N, T, 3) float64: error, acceleration, and 1 near or beyond a limit; 0 where a
            trajectory has no such frame.
        inside: (N, T) bool: which frames there are.
    """

    values: Tensor
    inside: Tensor

    def by_trajectory(self) -> Tensor:
        """(N, 3) float64: mean error, mean acceleration in rad/s^2, frames near or beyond a limit.

        A trajectory of fewer than three frames has no acceleration: 0.
        """
        total, frames = self.values.sum(dim=1), self.inside.sum(dim=1)
        ape, ts, jal = total.unbind(dim=1)
        return torch.stack([ape / frames, ts / (frames - 2).clamp(min=1), jal], dim=1)

    def by_frame(self) -> Tensor:
        """(F, 3) float64: the values of all frames, one trajectory after the other."""
        return self.values[self.inside]


def frame_metrics(
    predictions: Predictions,
    scale: Tensor,
    *,
    control_hz: float,
    margin: float,
    limits: JointLimits = ALOHA_AGILEX,
) -> FrameMetrics:
    """Measures predictions, on the device that they are on.

    Args:
        predictions: Of a policy.
        scale: (D,) what the policy's normalizer divides actions by, not 0.
        control_hz: Actions in a second.
        margin: Width in rad of the band inside the limits that counts as beyond them.
        limits: Of the joints.

    Raises:
        ReweightingError: If arguments do not fit together.
    """
    if not 0 <= margin < limits.widest_margin:
        raise ReweightingError(
            f"margin={margin}: expected 0 <= margin < {limits.widest_margin:.3g} rad"
        )
    if not control_hz > 0:
        raise ReweightingError(f"control_hz={control_hz}: expected a positive number")
    channels = predictions.predicted.shape[2]
    if scale.shape != (channels,) or not (scale.isfinite() & (scale != 0)).all():
        raise ReweightingError(f"scale must be {channels} finite numbers that are not 0")
    inside = predictions.inside
    values = torch.stack(
        [
            _errors(predictions, scale),
            _accelerations(predictions, limits, control_hz),
            _beyond(predictions, limits, margin),
        ],
        dim=-1,
    )
    return FrameMetrics(values.where(inside[..., None], 0.0), inside)


def _errors(predictions: Predictions, scale: Tensor) -> Tensor:
    """(N, T) mean squared error of the normalized action."""
    difference = predictions.predicted.double() - predictions.recorded.double()
    return (difference / scale.double()).square().mean(dim=-1)


def _accelerations(predictions: Predictions, limits: JointLimits, control_hz: float) -> Tensor:
    """(N, T) Euclidean norm over the joints, in rad/s^2; 0 at both ends."""
    joints = predictions.predicted[..., list(limits.channels)].double()
    second = joints[:, 2:] - 2 * joints[:, 1:-1] + joints[:, :-2]
    found = joints.new_zeros(joints.shape[:2])
    found[:, 1:-1] = torch.linalg.vector_norm(second, dim=-1) * control_hz**2
    last = predictions.lengths[:, None] - 1
    return found.where(torch.arange(found.shape[1], device=found.device) < last, 0.0)


def _beyond(predictions: Predictions, limits: JointLimits, margin: float) -> Tensor:
    """(N, T) 1 where any joint is outside its safe band, else 0."""
    joints = predictions.predicted[..., list(limits.channels)].double()
    lower, upper = (joints.new_tensor(each) for each in (limits.lower, limits.upper))
    outside = (joints < lower + margin) | (joints > upper - margin)
    return outside.any(dim=-1).double()
