"""Re-rendering: a demonstration's actions again, in a room that looks different.

The upper bound of all restyling: geometry is exact, and light, shadows and reflections are the
simulator's. It does not begin with pictures but with actions: physics runs again, and must do bit
for bit what it did.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from augment.restyling import RestylingError
from envs.demonstrations.dataset import DatasetInfo
from envs.demonstrations.episode_file import MATRICES, Episode
from envs.demonstrations.recording import RecordedEnv, ReplayError
from envs.objects.instances import FOR_GENERATORS
from envs.picture import Picture
from envs.randomization import VARIATIONS, Variation, draw, parse
from envs.randomness import stream
from envs.scene_settings import SceneSettings
from envs.source_code import physics_sha256
from envs.tasks import load_task

APPEARANCES = (
    "table_texture",
    "wall_texture",
    "light_direction",
    "light_color",
    "light_intensity",
    "light_shadow",
    "light_flicker",
    "object_appearance",
)
"""The variations that change nothing but colors."""

WIDE = MappingProxyType(
    {
        "table_texture": {"size": [0.5, 1.0], "textures": "seen"},
        "wall_texture": {"size": [0.5, 1.0], "textures": "seen"},
        "light_direction": {"size": [0.0, 60.0]},
        "light_color": {"size": [0.0, 0.6]},
        "light_intensity": {"size": [0.0, 0.75]},
        "light_shadow": {"size": [0.0, 0.6]},
        "object_appearance": {"numbers": list(FOR_GENERATORS)},
    }
)
"""All of it, widely, without any look that is kept for evaluation."""

_MEASURED = ("joint_position", "endpose")


@dataclass(frozen=True)
class ReRendering:
    """An episode that is being rendered again.

    Attributes:
        variations: What was drawn, by variation, as `DualArmEnv` logs it.
        instances: Which one of its family each thing is.
        frames: Pictures by camera of one observation after the other, each rendered when it is
            asked for. Raises `ReplayError` where physics differs from the source's.
    """

    variations: Mapping[str, Any]
    instances: Mapping[str, str]
    frames: Iterator[Mapping[str, Picture]]


def re_render(
    env: RecordedEnv,
    episode: Episode,
    appearance: Mapping[str, Any],
    seed: int,
    source_variations: Mapping[str, Any] = MappingProxyType({}),
) -> ReRendering:
    """Begins to render an episode again.

    Args:
        env: An environment of the episode's task with cameras as it was recorded with; the
            iteration steps it, so that it can do one episode at a time.
        episode: The source.
        appearance: What looks different, out of `APPEARANCES`, as `DualArmEnv` takes variations;
            `WIDE`, for one.
        seed: Of the appearance's draws: the same episode has as many looks as there are seeds.
        source_variations: What varied when it was recorded, as its data set says (`Part`).

    Raises:
        RestylingError: If the arguments do not fit the episode.
        envs.demonstrations.recording.ReplayError: If not even the first frame is the source's.
        envs.errors.InvalidOptionError: For variations that are not valid.
    """
    task = load_task(episode.info["task"]).name
    if env.task.name != task:
        raise RestylingError(f"{episode.path} is of {task}, the environment of {env.task.name}")
    if wrong := sorted(set(appearance) - set(APPEARANCES)):
        raise RestylingError(
            f"'{wrong[0]}' changes more than colors; valid are {', '.join(APPEARANCES)}"
        )
    drawn = _drawn(appearance, seed, _appearances(episode))
    kept = {name: value for name, value in source_variations.items() if name not in drawn}
    observation, info = _reset(env, episode.info["seed"], kept, drawn)
    _check_source(episode, {name: info["variations"][name] for name in kept}, set(drawn))
    _check_frame(env, episode, 0, observation)

    def frames() -> Iterator[Mapping[str, Picture]]:
        yield env.pictures
        for frame, action in enumerate(episode.action, start=1):
            observation, *_ = env.step(action)
            _check_frame(env, episode, frame, observation)
            yield env.pictures
        if env.state_sha256() != episode.info["state_sha256"]:
            raise _differs(episode, "the state at the end")

    return ReRendering(info["variations"], info["instances"], frames())


class SimulatorRestyler:
    """Renders the demonstrations of a data set again, each in a look that is drawn out of `WIDE`.

    It knows no words. What is drawn is drawn out of what generators learn from, too. Things of
    demonstrations that show one appearance of each share a number here as well.

    Attributes:
        appearance: What looks different.
    """

    name: ClassVar[str] = "re_rendering"
    cameras: ClassVar[None] = None
    frames: ClassVar[int] = 32
    needs_segmentation: ClassVar[bool] = False

    def __init__(self, info: DatasetInfo) -> None:
        """Takes what says how the data set's cameras were.

        Args:
            info: The data set's.
        """
        self.appearance = WIDE
        self._info = info
        self._env: RecordedEnv | None = None

    def begin_episode(
        self, episode: Episode, variations: Mapping[str, Any], seed: int
    ) -> Callable[[Clip], NDArray[np.uint8]]:
        """See `augment.restyling.EpisodeRestyler`."""
        task, info = load_task(episode.info["task"]).name, self._info
        if self._env is None or self._env.task.name != task:  # tasks come one after the other
            self._env = RecordedEnv(
                episode.info["task"],
                obs_mode="rgbd",
                cameras=info.cameras,
                camera_model=info.camera_model,
                resolution=info.resolution,
            )
        pictures = self._pictures(self._env, episode, variations, seed)

        def restyled(clip: Clip) -> NDArray[np.uint8]:
            return np.stack(list(itertools.islice(pictures, clip.frames)))

        return restyled

    def _pictures(
        self, env: RecordedEnv, episode: Episode, variations: Mapping[str, Any], seed: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Pictures (V, H, W, 3) of each frame; the last ones when physics has ended as it did."""
        try:
            frames = re_render(env, episode, self.appearance, seed, variations).frames
            for seen, _ in itertools.pairwise(itertools.chain(frames, [None])):
                assert seen is not None
                yield np.stack([seen[name].rgb for name in self._info.cameras])
        except ReplayError as error:
            raise RestylingError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class _Drawn(Variation):
    """A variation whose value is there already."""

    name: str  # type: ignore[misc]
    variation: Variation
    value: Any

    @classmethod
    def at_level(cls, level: int) -> Variation:
        """There are no levels."""
        raise NotImplementedError

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> Any:
        """The value."""
        return self.value

    def apply(self, value: Any, settings: SceneSettings) -> SceneSettings:
        """As the variation does it."""
        return self.variation.apply(value, settings)


def _appearances(episode: Episode) -> int:
    """How many numbers each thing's appearance was drawn out of."""
    numbers = episode.info["variations"].get("object_appearance")
    return len(SceneSettings().object_appearances if numbers is None else numbers)


def _drawn(appearance: Mapping[str, Any], seed: int, appearances: int) -> dict[str, Variation]:
    """The variations by name, each with a value drawn from the seed; those that take part.

    Args:
        appearance: As for `re_render`.
        seed: Likewise.
        appearances: How many numbers things get theirs out of. Out of more or less than in the
            source, what is drawn after a thing's appearance would be another shape.
    """
    variations = parse(appearance)
    _, values = draw(variations, seed, SceneSettings())
    if values.get("object_appearance") is not None:
        # Which of the numbers a thing gets follows from the episode's own seed: in another order,
        # it gets another one.
        rng = stream(seed, "order of appearances")
        numbers = rng.permutation(values["object_appearance"])
        values["object_appearance"] = np.resize(numbers, appearances).tolist()
    return {
        each.name: _Drawn(name=each.name, variation=each, value=values[each.name])
        for each in variations
        if values[each.name] is not None
    }


def _reset(
    env: RecordedEnv, seed: int, kept: Mapping[str, Any], drawn: Mapping[str, Variation]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Resets the environment with variations, and leaves its own ones as they are."""
    merged = {**{each.name: each for each in parse(kept)}, **drawn}
    own = env.variations
    env.variations = tuple(merged[name] for name in VARIATIONS if name in merged)
    try:
        return env.reset(seed=seed)
    finally:
        env.variations = own


def _check_source(episode: Episode, values: Mapping[str, Any], replaced: set[str]) -> None:
    """Checks that what varied in the source varies again, but for what is replaced."""
    recorded = {
        name: value for name, value in episode.info["variations"].items() if name not in replaced
    }
    if json.loads(json.dumps(values)) != recorded:
        raise RestylingError(
            f"{episode.path} was recorded under the variations {recorded}, but source_variations "
            f"draw {dict(values)}"
        )


def _check_frame(
    env: RecordedEnv, episode: Episode, frame: int, observation: Mapping[str, Any]
) -> None:
    """Checks that robot and cameras are where they were."""
    for name in _MEASURED:
        if not np.array_equal(observation[name], episode.series[name][frame]):
            raise _differs(episode, f"{name} at frame {frame}")
    shared = [name for name in env.cameras if name in episode.cameras]
    for name, camera in episode.observation(frame, shared, ())["cameras"].items():
        for matrix in MATRICES:
            if not np.array_equal(getattr(env.pictures[name], matrix), camera[matrix]):
                raise _differs(episode, f"{matrix} of {name} at frame {frame}")


def _differs(episode: Episode, what: str) -> ReplayError:
    same_code = episode.info.get("physics_sha256") == physics_sha256()
    reason = "" if same_code else "; it was recorded by other code"
    return ReplayError(f"{episode.path}: {what} is not the source's{reason}")
