"""Simple CNAPs under another FiLM than its own: what the experiments compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.nn.cnaps import SimpleCnaps


@dataclass(frozen=True)
class GivenFilm:
    """Simple CNAPs under a FiLM that is given, whatever the support shows; a `lite.Method`."""

    model: SimpleCnaps
    given: Callable[[], Tensor]

    def embeddings(self, frames: Tensor) -> Tensor:
        return torch.zeros(len(frames), 1)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return rows.mean(0)

    def film(self, embedding: Tensor) -> Tensor:
        return self.given()

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.model.support_features(frames, film)

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.model.query_features(frames, film)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        return self.model.logits(support, labels, query, ways)
