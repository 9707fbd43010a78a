"""What transformer, text encoder and ControlNet branch learn: flows of latents under prompts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.text_encoder import encode_prompts, encode_tokens
from augment.dream_transfer.training_loss import FlowMatching, flow_matching_loss
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel
from learning.batch import Batch
from learning.learns import Learns


class Flows(Learns):
    """The networks that denoise, and their loss."""

    def __init__(
        self,
        transformer: DreamTransferTransformer3DModel,
        text_encoder: Any,
        controlnet: DreamTransferControlNetModel | None,
        settings: FlowMatching,
        tokenizer: Any = None,
    ) -> None:
        """Takes the networks; which of them learn is decided by `trainable_parameters`.

        Args:
            transformer: The main branch.
            text_encoder: Encodes prompts; it has learned to before.
            controlnet: The depth branch; None trains the main branch without it.
            settings: Of the loss.
            tokenizer: The text encoder's, of transformers; None for one that it carries.
        """
        super().__init__()
        self.transformer, self.text_encoder, self.controlnet = transformer, text_encoder, controlnet
        self.settings, self._tokenizer = settings, tokenizer

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss (B,) of each item.

        Args:
            batch: `clean` and `depth`, normalized latents (B, C, f, h, w); `input_ids` (B, K, L)
                or (B, K, L, G), `attention_mask` (B, K, L): K wordings, one of which is drawn.
            generator: Of wordings and noise.
        """
        ids, mask = batch["input_ids"], batch["attention_mask"]
        items = torch.arange(len(ids))
        drawn = torch.randint(ids.shape[1], (len(ids),), generator=generator)
        with torch.no_grad():
            text = encode_tokens(ids[items, drawn], mask[items, drawn], self.text_encoder)
            empty = encode_prompts([""], self.text_encoder, self._tokenizer)
        loss = flow_matching_loss(
            self.transformer,
            batch["clean"].float(),
            text,
            empty,
            generator,
            self.settings,
            controlnet=self.controlnet,
            depth=None if self.controlnet is None else batch["depth"].float(),
        )
        return {"loss": loss}
