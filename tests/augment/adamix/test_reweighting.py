import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.adamix.errors import ReweightingError
from augment.adamix.registry import REWEIGHTINGS, make_reweighting
from augment.adamix.reweighting import Evidence
from learning.configuration import ConfigurationError

GROUPS = np.array([10, 10, 30, 20, 20, 20])
SIZES = np.array([2, 3, 1])  # of groups 10, 20, 30
RNG = np.random.default_rng(0)
KNOWN = Evidence(RNG.random((6, 3)), RNG.random(6), RNG.random(6) / 2)


def make(name, seed=0, groups=GROUPS, kinds=None, **options):
    return make_reweighting(name, options, groups, seed, kinds)


def shares(weights):
    return weights / weights.sum()


@pytest.mark.parametrize("name", REWEIGHTINGS)
def test_weights_are_one_positive_number_for_each_unit_and_reproducible(name):
    first, second = make(name), make(name)
    for _ in range(3):
        weights = first.update(KNOWN, 10)
        assert weights.shape == (6,)
        assert (weights > 0).all()
        assert np.array_equal(weights, second.update(KNOWN, 10))


@pytest.mark.parametrize("name", REWEIGHTINGS)
def test_what_is_needed_is_checked(name):
    for need in REWEIGHTINGS[name].needs:
        known = {key: getattr(KNOWN, key) for key in ("metrics", "losses", "reference_losses")}
        with pytest.raises(ReweightingError, match=f"needs {need}"):
            make(name).update(Evidence(**{**known, need: None}), 1)
        with pytest.raises(ReweightingError, match=f"{need} of 5 units: expected 6"):
            make(name).update(Evidence(**{**known, need: known[need][:5]}), 1)
        spoiled = known[need].copy()
        spoiled[2] = np.nan
        with pytest.raises(ReweightingError, match=f"{need} of unit 2 is not finite"):
            make(name).update(Evidence(**{**known, need: spoiled}), 1)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"metrics": np.zeros(3)}, "metrics has 1 axes: expected 2"),
        ({"metrics": np.zeros((3, 2))}, "2 columns: expected ape, ts, jal"),
        ({"losses": np.zeros((3, 1))}, "losses has 2 axes: expected 1"),
    ],
    ids=["axes", "columns", "losses"],
)
def test_evidence_of_another_shape_is_refused(evidence, words):
    with pytest.raises(ReweightingError, match=words):
        Evidence(**evidence)


def test_uniform_is_uniform():
    assert (make("uniform").update(Evidence(), 1) == 1.0).all()


def test_prioritized_is_a_power_of_the_loss():
    losses = np.array([0.0, 1.0, 2.0, 4.0, -4.0, 1.0])
    weights = make("per").update(Evidence(losses=losses), 1)
    assert weights[0] == pytest.approx(1e-6**0.6)
    np.testing.assert_allclose(weights[1:], np.abs(losses[1:]) ** 0.6, rtol=1e-5)
    uniform = make("per", alpha=0.0).update(Evidence(losses=losses), 1)
    assert (uniform == 1.0).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 10), min_size=6, max_size=6), st.floats(0, 1))
def test_prioritized_loss_weights_undo_the_bias_in_the_end(losses, progress):
    per = make("per")
    drawn = shares(per.update(Evidence(losses=np.array(losses)), 1))
    found = per.loss_weights(drawn, progress)
    assert found.max() == 1.0
    beta = 0.4 + 0.6 * progress
    expected = (6 * drawn) ** -beta
    np.testing.assert_allclose(found, expected / expected.max())
    np.testing.assert_allclose(shares(drawn * per.loss_weights(drawn, 1.0)), 1 / 6)


def test_group_dro_multiplies_step_by_step():
    losses = KNOWN.losses
    by_group = np.array([losses[:2].mean(), losses[3:].mean(), losses[2]])
    expected = np.ones(3) / 3
    for _ in range(70):
        expected = expected * np.exp(0.01 * by_group)
        expected /= expected.sum()
    dro = make("group_dro")
    dro.update(KNOWN, 30)
    found = shares(dro.update(KNOWN, 40))
    np.testing.assert_allclose(found, (expected / SIZES)[[0, 0, 2, 1, 1, 1]])


def test_group_dro_survives_many_steps():
    dro = make("group_dro")
    weights = dro.update(Evidence(losses=np.array([1e3, 0, 0, 0, 0, 0])), 10**6)
    assert np.isfinite(weights).all()
    assert shares(weights)[:2].sum() == pytest.approx(1.0)


def test_remix_is_the_average_of_its_weights():
    losses = np.array([0.9, 0.5, 0.1, 0.4, 0.4, 0.4])
    reference = np.array([0.5, 0.9, 0.3, 0.1, 0.2, 0.3])
    excess = np.array([0.4 / 2, (0.3 + 0.2 + 0.1) / 3, 0.0])  # of units, at least 0
    weights, total = SIZES / 6, np.zeros(3)
    for _ in range(25):
        weights = weights * np.exp(0.2 * excess)
        weights = 0.95 * weights / weights.sum() + 0.05 * SIZES / 6
        total += weights
    remix = make("remix")
    known = Evidence(losses=losses, reference_losses=reference)
    remix.update(known, 10)
    found = remix.update(known, 15)
    np.testing.assert_allclose(found, (total / 25 / SIZES)[[0, 0, 2, 1, 1, 1]])


def test_remix_stays_uniform_where_the_reference_is_no_better():
    known = Evidence(losses=KNOWN.losses, reference_losses=KNOWN.losses)
    np.testing.assert_allclose(make("remix").update(known, 50), 1 / 6)


def test_shuffled_weights_are_adamix_weights_of_others_for_good():
    groups = np.arange(40)
    adamix = make("adamix", groups=groups)
    assignments = set()
    for seed in range(4):
        shuffled = make("adamix_shuffled", seed=seed, groups=groups)
        found = set()
        for refresh in range(3):
            metrics = Evidence(np.random.default_rng(refresh).random((40, 3)))
            right, wrong = adamix.update(metrics, 1), shuffled.update(metrics, 1)
            assert np.array_equal(np.sort(wrong), np.sort(right))
            found.add(tuple(np.flatnonzero(right == each)[0] for each in wrong))
        assert len(found) == 1
        assignments |= found
    assert len(assignments | {tuple(range(40))}) == 5


def test_weights_are_shuffled_within_a_kind():
    kinds = np.arange(40) % 2
    known = Evidence(np.random.default_rng(0).random((40, 3)))
    right = make("adamix", groups=np.arange(40), kinds=kinds).update(known, 1)
    wrong = make("adamix_shuffled", groups=np.arange(40), kinds=kinds).update(known, 1)
    assert not np.array_equal(right, wrong)
    for kind in (0, 1):
        assert np.array_equal(np.sort(wrong[kinds == kind]), np.sort(right[kinds == kind]))


KINDS = np.repeat([7, 3], 20)


@pytest.mark.parametrize("name", ["adamix", "group_dro", "remix"])
def test_a_kind_that_is_worse_changes_nothing_within_the_other(name):
    """Kinds keep their shares, so what one is like beside the other must not matter."""
    rng = np.random.default_rng(0)
    known = rng.random((40, 3)), rng.random(40) + 1, rng.random(40)
    worse = [each.copy() for each in known]
    for each in worse:
        each[20:] *= 50
    alone = make(name, groups=np.arange(20))
    alone.update(Evidence(*(each[:20] for each in known)), 100)
    expected = shares(alone.update(Evidence(*(each[:20] for each in known)), 100))
    for evidence in (known, worse):
        both = make(name, groups=np.arange(40), kinds=KINDS)
        both.update(Evidence(*evidence), 100)
        found = both.update(Evidence(*evidence), 100)
        np.testing.assert_allclose(shares(found[:20]), expected)


def test_group_dro_keeps_a_kind_apart_that_is_far_better():
    losses = np.append(np.linspace(0, 1, 20), np.full(20, 1e3))
    dro = make("group_dro", groups=np.arange(40), kinds=KINDS)
    weights = dro.update(Evidence(losses=losses), 1000)[:20]
    assert (np.diff(weights) > 0).all()


def test_a_group_of_two_kinds_is_two():
    made = make("group_dro", kinds=np.array([0, 1, 0, 0, 0, 0]))
    assert made.sizes.sum() == 6
    assert len(made.sizes) == 4
    assert (made.group_kinds[made.groups] == made.kinds).all()


def test_wrong_names_say_which_are_right():
    with pytest.raises(ConfigurationError, match="unknown sampler 'adamx'; did you mean adamix"):
        make("adamx")
    with pytest.raises(ConfigurationError, match=r"unknown sampler\.adamix\.lambda"):
        make("adamix", **{"lambda": 10.0})


def test_no_units_are_refused():
    with pytest.raises(ReweightingError, match="nothing to weight"):
        make("adamix", groups=np.zeros(0))


def test_kinds_of_other_units_are_refused():
    with pytest.raises(ReweightingError, match="kinds of 2 units: expected 6"):
        make("adamix", kinds=np.zeros(2))


REFUSED = [
    ("adamix", {"ape": -1.0}, "numbers >= 0"),
    ("adamix", {"ape": 0.0, "ts": 0.0, "jal": 0.0}, "one of them > 0"),
    ("adamix", {"margin": -0.01}, r"margin=-0.01: expected 0 <= margin < 1.57 rad"),
    ("adamix", {"normalization": "zscore"}, "valid: min_max, quantile"),
    ("adamix", {"rule": "linea"}, "did you mean linear"),
    ("adamix", {"low_quantile": 0.95}, "low_quantile < high_quantile"),
    ("adamix", {"strength": 0.5}, "strength=0.5: expected a number >= 1"),
    ("adamix", {"gamma": 0.0}, "gamma=0.0: expected a number > 0"),
    ("adamix_shuffled", {"strength": float("nan")}, "strength=nan"),
    ("per", {"alpha": 1.5}, r"alpha=1.5: expected 0 \.\. 1"),
    ("per", {"epsilon": 0.0}, "epsilon=0.0: expected a number > 0"),
    ("group_dro", {"eta": -0.1}, "eta=-0.1: expected a number >= 0"),
    ("remix", {"eta": float("inf")}, "eta=inf: expected a number >= 0"),
    ("remix", {"smoothing": 2.0}, r"smoothing=2.0: expected 0 \.\. 1"),
]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    REFUSED,
    ids=[f"{name}-{'-'.join(options)}" for name, options, _ in REFUSED],
)
def test_options_out_of_range_say_what_is_valid(name, options, words):
    with pytest.raises(ConfigurationError, match=words) as error:
        make(name, **options)
    assert "\n" not in str(error.value)
