import numpy as np
import pytest
import torch
from scenes import scene
from torch import nn

from augment.dream_transfer.color_words import lab_of, named
from augment.dream_transfer.surface_words import PATTERNS
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.dream_transfer.training.reading import Reading
from augment.dream_transfer.training.sayings import SAID, Sayings, statements

SCENES = (scene("dark green soda bottle", "orange thermos flask"), scene("red mottled block"))


def encoder():
    torch.manual_seed(0)
    return CompactTextEncoder(text_dim=32, dim=32, heads=2, layers=1, ffn_dim=64, buckets=512)


def test_statements_are_what_the_prompt_says():
    said = scene("dark green soda bottle", "mallet with emerald handle", light=("dim", None) * 2)
    found = {question: (answer, given) for question, answer, given in statements(said)}
    assert set(found) == {"left bottle", "right mallet", "table", "wall", "light"}
    answer, given = found["right mallet"]
    assert given.sum() == 3
    scaled = (lab_of(named("emerald")) - (50, 0, 0)) / (50, 60, 60)
    assert answer[:3] == pytest.approx(scaled)
    answer, given = found["table"]
    pattern = answer[6 : 6 + len(PATTERNS)]
    assert PATTERNS[int(pattern.argmax())] == said.table.pattern
    assert given.sum() == 3 * min(len(said.table.colors), 2) + len(PATTERNS)
    answer, given = found["light"]
    assert answer[-3:].tolist() == [-1, 0, 0]
    assert given[-3:].tolist() == [1, 0, 0]


def test_items_fit_together_and_follow_from_the_seed():
    one, again, other = (Sayings(SCENES, encoder(), 6, seed) for seed in (0, 0, 1))
    items = [one[index] for index in range(len(one))]
    assert len(items) == 6
    for item in items:
        asked = item["questions"].any(dim=(1, 2))
        assert torch.equal(asked, item["given"].any(dim=1))
        assert item["answers"].shape == (len(asked), SAID)
        assert not item["answers"][item["given"] == 0].any()
    assert all(torch.equal(one[2][name], again[2][name]) for name in items[2])
    assert not torch.equal(one[2]["answers"], other[2]["answers"])


def test_a_prompt_without_statements_costs_nothing():
    network = Reading(encoder())
    item = Sayings(SCENES, network.text_encoder, 1, 0)[0]
    batch = {name: value[None] for name, value in item.items()}
    batch["given"] = torch.zeros_like(batch["given"])
    assert network.losses(batch, torch.Generator())["loss"].tolist() == [0]


def test_learns_to_read_prompts_that_it_has_not_seen():
    network = Reading(encoder())
    known, new = (Sayings(SCENES, network.text_encoder, 512, seed) for seed in (0, 1))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    rng = np.random.default_rng(0)

    def error(sayings, places, others=0):
        items = [sayings[int(place)] for place in places]
        batch = {name: torch.stack([item[name] for item in items]) for name in items[0]}
        for name in ("input_ids", "attention_mask"):
            batch[name] = batch[name].roll(others, dims=0)
        return network.losses(batch, torch.Generator())["loss"].mean()

    for _ in range(150):
        error(known, rng.integers(len(known), size=32)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        assert error(new, range(64)) < 0.5 * error(new, range(64), others=2)
