from importlib.metadata import EntryPoint

import numpy as np
import pytest

from policies import registry
from policies.policy import Policy
from policies.registry import UnknownPolicyError, load_policy_class, make_policy
from policies.scripted import HoldPolicy, RandomPolicy


class Plugin(Policy):
    def __init__(self, size=3):
        self.size = size

    def act(self, observation):
        return np.zeros((1, self.size))


def test_built_in_names():
    assert load_policy_class("hold") is HoldPolicy
    assert isinstance(make_policy("random"), RandomPolicy)
    assert load_policy_class("expert").privileged


def test_module_and_class():
    policy = make_policy(f"{__name__}:Plugin", size=5)
    assert policy.act({}).shape == (1, 5)


def test_entry_points_are_found_and_cannot_replace_built_ins(monkeypatch):
    entries = [
        EntryPoint("mine", f"{__name__}:Plugin", registry.ENTRY_POINT_GROUP),
        EntryPoint("hold", f"{__name__}:Plugin", registry.ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(registry.metadata, "entry_points", lambda group: entries)
    assert type(make_policy("mine")).__name__ == "Plugin"
    assert load_policy_class("hold") is HoldPolicy


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exprt", "did you mean expert"),
        ("no_such_module:Thing", "cannot import no_such_module"),
        ("policies.scripted:Expert", "did you mean ExpertPolicy"),
        ("policies.policy:Observes", r"is not a policies\.policy\.Policy"),
    ],
)
def test_wrong_names_are_explained_in_one_line(name, message):
    with pytest.raises(UnknownPolicyError, match=message) as caught:
        load_policy_class(name)
    assert "\n" not in str(caught.value)


def test_an_error_in_somebodys_module_is_said_in_one_line_with_its_place(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("import os\nos.nothing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownPolicyError, match=r"AttributeError: .*broken_module.py, line 2\)$"):
        load_policy_class("broken_module:Policy")


def test_wrong_arguments_are_explained():
    with pytest.raises(UnknownPolicyError, match="hold"):
        make_policy("hold", learning_rate=1)


def test_batches_default_to_one_by_one():
    assert len(Plugin().act_batch([{}, {}])) == 2
