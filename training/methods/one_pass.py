"""Adapting in one forward pass, of every method that LITE trains (`training.lite.Method`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from training.methods.learner import CHUNK, Clips, Recogniser, rows_of


class Pieces(Protocol):
    """The pieces of such a method; `training.lite` says what each takes and gives."""

    def embeddings(self, frames: Tensor) -> Tensor: ...
    def context(self, rows: Tensor, labels: Tensor) -> Tensor: ...
    def film(self, embedding: Tensor) -> Tensor: ...
    def support_features(self, frames: Tensor, film: Tensor) -> Tensor: ...
    def query_features(self, frames: Tensor, film: Tensor) -> Tensor: ...
    def scorer(self, support: Tensor, labels: Tensor, ways: int) -> Callable[[Tensor], Tensor]: ...


class OnePass:
    """together: frames that the set encoder sees at once, where it normalises their batch."""

    def __init__(self, method: Pieces, together: int = CHUNK) -> None:
        self.method, self.together = method, together

    @torch.no_grad()
    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        method = self.method
        rows = rows_of(method.embeddings, support, self.together)
        film = method.film(method.context(rows, labels))
        z = rows_of(lambda frames: method.support_features(frames, film), support)

        @torch.no_grad()
        def features(frames: Tensor) -> Tensor:
            return method.query_features(frames, film)

        return Recogniser(features, torch.no_grad()(method.scorer(z, labels, ways)))
