import pytest

from eval_protocols.policy_settings import (
    MAX_LENGTH,
    differences,
    distinctions,
    policy_settings,
    sampling_of,
)


def result(config, **training):
    return {"policy": {"config": config}, "training": {"seed": 0, **training}}


def test_settings_are_without_what_tells_training_runs_apart():
    config = {"seed": 3, "training": {"seed": 3, "steps": 9}, "parts": [{"checkpoint": "x"}]}
    assert policy_settings(result(config)) == {"training": {"steps": 9}, "parts": [{}]}


def test_sampling_is_there_once():
    sampling = {"sampler": "remix", "reference_sha256": "3"}
    config = {"training": {"sampling": sampling, "steps": 9}}
    found = result(config, sampling=sampling)
    assert policy_settings(found) == {"training": {"steps": 9}, "sampling": {"sampler": "remix"}}
    assert sampling_of(found) == {"sampler": "remix"}
    assert config["training"]["sampling"] is sampling
    assert sampling_of(result(config)) is None


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        ([{"a": 1}, {"a": 1}], ["", ""]),
        ([{"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}], ["a.c=2", "a.c=3"]),
        ([{"a": 1}, {"a": 1, "b": [1, {"c": 2}]}], ["", 'b=[1, {"c": 2}]']),
        ([{"a": True}, {"a": 1}], ["a=true", "a=1"]),
        ([{"a": {}}, {"a": {"b": 1}}], ["a={}", "a.b=1"]),
        ([None, {"a": 1}], ["null", "a=1"]),
        (
            [{"a": {"z": {"y": 1}}, "d": {"e": 1}, "sampling": {"s": 1}}, {}],
            ["sampling.s=1, d.e=1, a.z.y=1", "{}"],
        ),
        ([{"b": 1, "sampling": {"s": {"t": 1}}}, {}], ["sampling.s.t=1, b=1", "{}"]),
        (
            [{"sampling": {"floor": 0, "sampler": "per"}}, {}],
            ['sampling.sampler="per", sampling.floor=0', "{}"],
        ),
        ([{"a": 1}, {"a": 1}, {"a": 2}], ["a=1", "a=1", "a=2"]),
    ],
)
def test_what_differs_is_told_by_its_path(settings, texts):
    assert differences(settings) == texts


ADAMIX = [
    {"sampling": {"sampler": sampler, "floor": 0, "ape": ape, "jal": jal}, "sha256": sha}
    for sampler, ape, jal, sha in [
        *[("adamix", 1, 1, "d"), ("adamix", 1, 0, "d"), ("adamix", 0, 1, "d"), ("per", 1, 0, "d")],
        *[("uniform", 2, 2, "d"), ("uniform", 2, 2, "e")],
    ]
]


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        ([], []),
        ([{"a": 1}], [""]),
        ([{"a": 1}, {"a": 1}, {"a": 2}], ["a=1", "a=1", "a=2"]),
        ([{"a": 1, "b": 1}, {"a": 2, "b": 2}], ["a=1", "a=2"]),
        ([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}], ["b=1", "a=1, b=2", "a=2"]),
        ([{"a_sha256": 1, "b": 1}, {"a_sha256": 2, "b": 2}], ["b=1", "b=2"]),
        (
            [{"sampling": {"sampler": "per"}, "a": 1}, {"sampling": {"sampler": "per"}, "a": 2}],
            ["a=1", "a=2"],
        ),
        ([{"a": 1}, {"a": 1, "b": 2}], ["", "b=2"]),
        (
            ADAMIX,
            [
                'sampling.sampler="adamix", sampling.ape=1, sampling.jal=1',
                'sampling.sampler="adamix", sampling.jal=0',
                'sampling.sampler="adamix", sampling.ape=0',
                'sampling.sampler="per"',
                'sampling.sampler="uniform", sha256="d"',
                'sampling.sampler="uniform", sha256="e"',
            ],
        ),
    ],
)
def test_as_little_is_told_as_tells_it_from_all_others(settings, texts):
    assert distinctions(settings) == texts


@pytest.mark.parametrize("tell", [differences, distinctions])
def test_a_long_text_is_cut(tell):
    (text, _) = tell([{"a": "x" * 200}, {"a": 1}])
    assert len(text) == MAX_LENGTH
    assert text.endswith("...")
