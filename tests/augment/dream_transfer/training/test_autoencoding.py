import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from augment.dream_transfer.training.autoencoding import (
    Autoencoding,
    AutoencodingConfig,
    _decoded,
    _recolored,
)


def vae():
    torch.manual_seed(0)
    return AutoencoderKLWan(
        base_dim=4,
        z_dim=16,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        patch_size=2,
    )


def test_it_learns_from_what_the_vae_decodes_and_from_what_it_clamps_as_well():
    net, latents = vae(), 30 * torch.randn(1, 16, 2, 4, 4)
    with torch.no_grad():
        found = _decoded(net, latents)
        assert torch.equal(found.clamp(-1, 1), net.decode(latents).sample)
    net.decoder.conv_out.bias.data += 5.0  # everything is too bright
    video = torch.zeros(1, 3, 5, 32, 32)
    losses = Autoencoding(net, AutoencodingConfig(crop=32)).losses(
        {"video": video, "depth_video": video}, torch.Generator().manual_seed(0)
    )
    losses["loss"].mean().backward()
    assert net.decoder.conv_out.bias.grad.min() > 0


def test_recolored_videos_have_the_same_channels_up_to_signs():
    video, generator = torch.rand(3, 1, 4, 4) + 0.1, torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(600):
        other = _recolored(video, generator)
        order = []
        for channel in other:
            (same,) = [i for i in range(3) if torch.equal(channel.abs(), video[i])]
            order.append((same, bool(channel.mean() > 0)))
        seen.add(tuple(order))
    assert len(seen) == 48  # 3! orders times 2^3 signs
