"""What a compact text encoder learns before pictures are: to say which thing has which color.

A reconstruction: the paper's text encoder is a pretrained one. From the loss of pictures alone ours
learned next to nothing: it was hardly lower with true prompts than with exchanged ones. Here
prompts are asked about what they say. A question, such as `left bottle`, attends to the states
once: states of a thing's words must be found by its name, and tell its color, as pictures then need
it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.dream_transfer.training.sayings import SAID
from learning.batch import Batch
from learning.learns import Learns


class Reading(Learns):
    """A text encoder, and what answers questions from its states; only the first is kept."""

    def __init__(self, text_encoder: CompactTextEncoder) -> None:
        """Takes the encoder; what answers is made new."""
        super().__init__()
        self.text_encoder = text_encoder
        config = text_encoder.config
        self.query = nn.Linear(config["dim"], config["text_dim"])
        self.key = nn.Linear(config["text_dim"], config["text_dim"])
        self.value = nn.Sequential(
            nn.Linear(config["text_dim"], config["text_dim"]),
            nn.GELU(),
            nn.Linear(config["text_dim"], SAID),
        )

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The mean squared error (B,) of the answers.

        Args:
            batch: As `augment.dream_transfer.training.sayings.Sayings` has items.
            generator: Not used.
        """
        answers = self(batch["input_ids"], batch["attention_mask"], batch["questions"])
        wrong = (answers - batch["answers"]).square() * batch["given"]
        # A prompt may say nothing that is asked about.
        return {"loss": wrong.sum(dim=(1, 2)) / batch["given"].sum(dim=(1, 2)).clamp(min=1)}

    def forward(self, input_ids: Tensor, attention_mask: Tensor, questions: Tensor) -> Tensor:
        """Answers (B, Q, SAID) to questions (B, Q, words, G) about prompts (B, L, G)."""
        states = self.text_encoder(input_ids, attention_mask).last_hidden_state
        words = self.text_encoder.word_embedding(questions.flatten(0, 2))
        query = self.query(words.unflatten(0, questions.shape[:3]).sum(dim=2))
        logits = query @ self.key(states).transpose(1, 2) / query.shape[-1] ** 0.5
        padded = (attention_mask == 0)[:, None]
        weights = logits.masked_fill(padded, -torch.inf).softmax(dim=-1)
        found: Tensor = weights @ self.value(states)
        return found
