"""Simple CNAPs with the real generator and head around toy networks: small enough to compute every
draw of LITE, in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.nn import head
from model.nn.film import FilmGenerator


class TinyCnaps(nn.Module):
    """Simple CNAPs with the real generator and head around toy networks: 12 numbers a frame."""

    def __init__(self, features: str) -> None:
        super().__init__()
        self.features = features
        self.set_encoder = nn.Sequential(nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 4))
        self.film_generator = FilmGenerator(4, (5, 8))
        self.first, self.last = nn.Linear(12, 5), nn.Linear(5, 8)
        self.log_temperature = nn.Parameter(torch.tensor(-1.0))
        for vector in self.film_generator.vectors():
            nn.init.normal_(vector.r, std=0.5)

    def embeddings(self, frames: Tensor) -> Tensor:
        return self.set_encoder(frames)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return rows.mean(0)

    def film(self, embedding: Tensor) -> Tensor:
        return self.film_generator(embedding)

    def maps(self, frames: Tensor, film: Tensor) -> Tensor:
        gamma_first, gamma_last, beta_first, beta_last = film.split((5, 8, 5, 8))
        x = torch.tanh(gamma_first * self.first(frames) + beta_first)
        return gamma_last * self.last(x) + beta_last

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.maps(frames, film)

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        rows = self.maps(frames, film)
        return torch.stack([rows, rows.flip(1)], 1)  # two "windows"

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        if self.features == "unit":
            support, query = head.unit(support), head.unit(query)
        d2 = head.distances(support, labels, query.flatten(0, 1), ways)
        logits = -self.log_temperature.exp() * d2
        return logits.unflatten(0, query.shape[:2]).amax(1)
