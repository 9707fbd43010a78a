import pytest

from envs import simulation


@pytest.fixture(scope="session")
def renderer():
    """Skips a test that needs pictures on a machine that cannot make any."""
    try:
        return simulation.render_device()
    except simulation.RenderingUnavailableError as error:
        pytest.skip(str(error))
