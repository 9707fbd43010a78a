"""Training on a mixture: every episode varies in one of several ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.errors import InvalidOptionError
from envs.randomization import parse
from envs.randomness import stream


class RandomVariations(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Draws one of several `variations` at each reset.

    SEM's training at heights of 0, 10 and 20 cm (section 4, camera generalization) is

        RandomVariations(env, [
            {},
            {"camera_height": {"size": [0.1, 0.1]}},
            {"camera_height": {"size": [0.2, 0.2]}},
        ])

    Which one it is follows from the episode's seed alone; without a seed, from the environment's
    generator. `info["mixture"]` has its place in the mixture, or None where `reset` was called with
    `variations` of its own, which come first.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        mixture: Sequence[Mapping[str, Any]],
        weights: Sequence[float] | None = None,
    ) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped.
            mixture: Variations, as `DualArmEnv` takes them.
            weights: How often each is drawn, compared with the others; None for all alike.

        Raises:
            envs.errors.InvalidOptionError: For a mixture or weights that are not valid.
        """
        super().__init__(env)
        self.set_mixture(mixture, weights)

    def set_mixture(
        self, mixture: Sequence[Mapping[str, Any]], weights: Sequence[float] | None = None
    ) -> None:
        """Replaces the mixture from the next reset on, as a curriculum does.

        Args:
            mixture: As at the beginning.
            weights: Likewise.

        Raises:
            envs.errors.InvalidOptionError: For what is not valid; the old mixture stays.
        """
        if isinstance(mixture, Mapping) or not mixture:
            raise InvalidOptionError(f"a mixture is a list of variations, not {mixture!r}")
        for variations in mixture:
            parse(variations)
        given = np.asarray([1.0] * len(mixture) if weights is None else weights, dtype=float)
        if (
            given.shape != (len(mixture),)
            or not (given >= 0.0).all()
            or not 0 < given.sum() < np.inf
        ):
            raise InvalidOptionError(
                f"weights {weights!r} are not {len(mixture)} numbers >= 0 with a positive sum"
            )
        self._mixture = list(mixture)
        self._probabilities = given / given.sum()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode with drawn variations."""
        rng = self.np_random if seed is None else stream(seed, "mixture")
        drawn = int(rng.choice(len(self._mixture), p=self._probabilities))
        options = {"variations": self._mixture[drawn], **(options or {})}
        observation, info = self.env.reset(seed=seed, options=options)
        info["mixture"] = drawn if options["variations"] is self._mixture[drawn] else None
        return observation, info
