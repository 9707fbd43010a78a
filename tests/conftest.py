import pytest

from envs import rendering
from envs.errors import RenderingUnavailableError


@pytest.fixture(scope="session")
def renderer():
    """Skips a test that needs pictures on a machine that cannot make any."""
    try:
        return rendering.render_device()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
