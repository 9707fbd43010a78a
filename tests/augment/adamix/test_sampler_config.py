import pytest

from augment.adamix.sampler_config import SamplerConfig
from learning.configuration import ConfigurationError, configured


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"per": "episode"}, "valid: trajectory, frame"),
        ({"refresh_every": 0}, ">= 1"),
        ({"warmup_steps": 0}, "multiple of refresh_every=200"),
        ({"warmup_steps": 300}, "multiple of refresh_every=200"),
        ({"floor": 1.5}, r"expected 0 \.\. 1"),
        ({"max_ratio": 0.5}, "null or a number >= 1"),
        ({"collapse_tolerance": 1.0}, "a number > 1"),
        ({"collapse_patience": 0}, ">= 1"),
    ],
    ids=["per", "every", "no-warmup", "warmup", "floor", "ratio", "tolerance", "patience"],
)
def test_options_out_of_range_say_what_is_valid(options, words):
    with pytest.raises(ConfigurationError, match=words) as error:
        configured(SamplerConfig, options, "sampling")
    assert "\n" not in str(error.value)
