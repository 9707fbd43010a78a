import pytest
import torch

from policies.sem.attention import (
    ImageAttention,
    TemporalAttention,
    attended,
    rotary_factors,
    rotated,
)

TIMES, JOINTS, DIM, HEADS = 4, 14, 16, 2


def factors():
    return rotary_factors(torch.arange(TIMES + 1), DIM // HEADS)


def test_rotary_products_depend_on_the_difference_of_positions():
    query, key = torch.randn(2, 8)
    angles = rotary_factors(torch.arange(10), 8)
    products = [(rotated(query, angles[i]) * rotated(key, angles[i + 3])).sum() for i in range(6)]
    torch.testing.assert_close(torch.stack(products), products[0].expand(6))
    assert (products[0] - (query * key).sum()).abs() > 1e-4


def test_time_flows_forward():
    torch.manual_seed(0)
    attention = TemporalAttention(DIM, HEADS)
    x, state = torch.randn(2, TIMES, JOINTS, DIM), attention.memory(torch.randn(2, JOINTS, DIM))
    before = attention(x, factors(), state)
    later = x.clone()
    later[:, 2:] += 1
    after = attention(later, factors(), state)
    torch.testing.assert_close(after[:, :2], before[:, :2])
    assert (after[:, 2:] - before[:, 2:]).abs().amax(dim=(0, 2, 3)).min() > 1e-3


def test_each_joint_sees_its_own_state_and_past():
    torch.manual_seed(0)
    attention = TemporalAttention(DIM, HEADS)
    x, features = torch.randn(1, TIMES, JOINTS, DIM), torch.randn(1, JOINTS, DIM)
    before = attention(x, factors(), attention.memory(features))
    features[:, 3] += 1
    x[:, :, 5] += 1
    after = attention(x, factors(), attention.memory(features))
    changed = (after - before).abs().amax(dim=(0, 3)) > 1e-5
    assert changed[:, [3, 5]].all()
    changed[:, [3, 5]] = False
    assert not changed.any()


def test_samples_of_an_observation_attend_to_its_images():
    torch.manual_seed(0)
    attention = ImageAttention(DIM, HEADS)
    tokens, x = torch.randn(2, 9, DIM), torch.randn(6, TIMES, JOINTS, DIM)
    together = attention(x, factors()[1:], attention.memory(tokens))
    for sample in range(6):
        observation = sample // 3
        memory = attention.memory(tokens[observation : observation + 1])
        alone = attention(x[sample : sample + 1], factors()[1:], memory)
        torch.testing.assert_close(together[sample : sample + 1], alone, atol=1e-5, rtol=1e-4)


def test_the_order_of_image_tokens_does_not_matter():
    torch.manual_seed(0)
    attention = ImageAttention(DIM, HEADS)
    tokens, x = torch.randn(1, 9, DIM), torch.randn(1, TIMES, JOINTS, DIM)
    results = [
        attention(x, factors()[1:], attention.memory(tokens[:, order]))
        for order in (torch.arange(9), torch.randperm(9))
    ]
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("added", [False, True])
def test_attention_is_the_same_with_gradients_and_without(added):
    query, key, value = (torch.randn(2, 3, count, 8) for count in (5, 7, 7))
    bias = torch.randn(3, 5, 7) if added else None
    with torch.no_grad():
        expected = attended(query, key, value, bias)
    assert torch.allclose(attended(query, key, value, bias), expected, atol=1e-6)
