"""Text states for cross-attention.

A reconstruction: the paper does not name its text encoder. Wan's is UMT5 (`full`), which comes
pretrained. `small` has one of its own, small enough to be trained from scratch with the rest.
`encode_prompts` calls both in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.outputs import BaseOutput
from torch import Tensor, nn

from augment.dream_transfer.tokenizer import FIRST_NGRAM, PADDING, WordTokenizer


@dataclass
class TextStates(BaseOutput):
    """States of prompts, named as transformers names them.

    Attributes:
        last_hidden_state: (B, L, text_dim), 0 where padded.
        attention_mask: (B, L), 1 for words and the begin.
    """

    last_hidden_state: Tensor
    attention_mask: Tensor


class CompactTextEncoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A small pre-norm transformer over words that are bags of n-grams.

    Its tokenizer follows from its configuration; nothing else is to be saved or downloaded.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        text_dim: int = 128,
        dim: int = 128,
        heads: int = 4,
        layers: int = 2,
        ffn_dim: int = 256,
        max_length: int = 64,
        buckets: int = 4096,
        ngrams: Sequence[int] = (3, 5),
    ) -> None:
        """Builds it with fresh weights.

        Args:
            text_dim: Channels of the states.
            dim: Channels inside.
            heads: Attention heads.
            layers: Transformer layers.
            ffn_dim: Hidden channels of feed-forward networks.
            max_length: Most words of a prompt, and one for its begin.
            buckets: Number of ids that n-grams are hashed to.
            ngrams: Least and greatest length of n-grams.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.tokenizer = WordTokenizer(max_length, buckets, (ngrams[0], ngrams[1]))
        self.word_embedding = nn.EmbeddingBag(
            FIRST_NGRAM + buckets, dim, mode="mean", padding_idx=PADDING
        )
        self.position_embedding = nn.Parameter(0.1 * torch.randn(max_length, dim))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                dim,
                heads,
                ffn_dim,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.projection = nn.Linear(dim, text_dim)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> TextStates:
        """Encodes tokenized prompts.

        Args:
            input_ids: (B, L, G) ids of n-grams.
            attention_mask: (B, L), 1 for words and the begin.
        """
        words = self.word_embedding(input_ids.flatten(0, 1)).unflatten(0, input_ids.shape[:2])
        x = words + self.position_embedding[: words.shape[1]]
        padded = attention_mask == 0
        for block in self.blocks:
            x = block(x, src_key_padding_mask=padded)
        states = self.projection(self.norm(x)).masked_fill(padded[..., None], 0)
        return TextStates(last_hidden_state=states, attention_mask=attention_mask)


def tokenized(
    prompts: Sequence[str], text_encoder: Any, tokenizer: Any = None, max_length: int = 512
) -> tuple[Tensor, Tensor]:
    """Tokens of prompts, all of one length.

    Args:
        prompts: B texts; the empty one stands for no prompt.
        text_encoder: `CompactTextEncoder`, or a `transformers.UMT5EncoderModel`.
        tokenizer: The encoder's, of transformers; None for one that the encoder carries.
        max_length: Tokens of each, at most as many as the tokenizer allows.

    Returns:
        Identities (B, L), or (B, L, G) of words that are bags of G n-grams, and mask (B, L).

    Raises:
        ValueError: If a prompt is too long (none is cut), or without prompts or a tokenizer.
    """
    if not prompts:
        raise ValueError("no prompt; the empty one is ''")
    tokenizer = getattr(text_encoder, "tokenizer", None) if tokenizer is None else tokenizer
    if tokenizer is None:
        raise ValueError(f"the text encoder {type(text_encoder).__name__} needs its tokenizer")
    length = min(max_length, tokenizer.model_max_length)
    tokens = tokenizer(list(prompts), padding="max_length", max_length=length, truncation=False)
    for prompt, mask in zip(prompts, tokens.attention_mask, strict=True):
        if sum(mask) > length:
            raise ValueError(
                f"a prompt has {sum(mask)} tokens; the limit is {length}: '{prompt[:60]}...'"
            )
    return torch.tensor(tokens.input_ids), torch.tensor(tokens.attention_mask)


def encode_tokens(ids: Tensor, mask: Tensor, text_encoder: Any) -> Tensor:
    """States (B, L, text_dim) of `tokenized` prompts, zero where padded."""
    ids, mask = ids.to(text_encoder.device), mask.to(text_encoder.device)
    states: Tensor = text_encoder(ids, attention_mask=mask).last_hidden_state
    return states.masked_fill(mask[..., None] == 0, 0)


def encode_prompts(
    prompts: Sequence[str], text_encoder: Any, tokenizer: Any = None, max_length: int = 512
) -> Tensor:
    """States (B, L, text_dim) of prompts as the transformer reads them.

    Wan's transformer attends to the padding as well, so that the length is part of what it has
    learned: training and use must have the same `max_length`.

    Args:
        prompts: As `tokenized` takes them, like all that follows.
        text_encoder: Likewise.
        tokenizer: Likewise.
        max_length: Likewise.

    Raises:
        ValueError: As `tokenized` does.
    """
    return encode_tokens(
        *tokenized(prompts, text_encoder, tokenizer, max_length), text_encoder=text_encoder
    )
