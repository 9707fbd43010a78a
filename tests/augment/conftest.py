"""A short episode of the simulator, as it was recorded."""

import pytest
from recorded_episode import make_env, record_beginning

from envs.demonstrations.episode_file import Episode


@pytest.fixture(scope="session")
def recorded_env(renderer):
    return make_env()


@pytest.fixture(scope="session")
def recorded_path(recorded_env, tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "episode.h5"
    record_beginning(recorded_env, path)
    return path


@pytest.fixture
def episode(recorded_path):
    return Episode(recorded_path)
