"""FineTuner with FiLM (ORBIT, 2022): a linear layer and the FiLM of a frozen backbone, trained
together on a user's support clips, 50 steps of Adam. What trains the linear layer alone is in
`frozen`.

Every step sees one batch of clips, drawn anew, and every norm is tuned; ORBIT's goes over all
clips in each step, N / 16 times the work, and tunes 17 norms. The FiLM starts as the identity, the
layer at 0; seeded.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from model.nn.backbone import NORMS
from model.nn.head import global_pool
from training.methods.learner import Clips, Recogniser

STEPS, RATE, BATCH = 50, 1e-3, 16


class FilmTuner:
    """A frozen backbone, frames (B, S, S, 3) uint8 -> maps (B, D, s, s), with norms."""

    def __init__(self, backbone: nn.Module, features: int) -> None:
        self.backbone, self.features = backbone.requires_grad_(False).eval(), features

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        generator = torch.Generator().manual_seed(0)
        norms = {
            f"{name}.{kind}": value.detach().clone().requires_grad_(True)
            for name, module in self.backbone.named_modules()
            if isinstance(module, NORMS)
            for kind, value in module.named_parameters()
        }
        layer = nn.Linear(self.features, ways)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        optimiser = torch.optim.Adam([*norms.values(), *layer.parameters()], RATE)
        for _ in range(STEPS):
            rows = torch.randperm(len(labels), generator=generator)[:BATCH].sort().values
            clips = torch.cat([support[int(i) : int(i) + 1] for i in rows])  # (B, T, ...)
            optimiser.zero_grad()
            z = self._rows(clips.flatten(0, 1), norms).unflatten(0, clips.shape[:2]).mean(1)
            F.cross_entropy(layer(z), labels[rows]).backward()
            optimiser.step()
        tuned = {name: value.detach() for name, value in norms.items()}
        layer.requires_grad_(False)

        @torch.no_grad()
        def features(frames: Tensor) -> Tensor:
            return self._rows(frames, tuned)[:, None]

        return Recogniser(features, lambda x: layer(x[:, 0]))

    def _rows(self, frames: Tensor, norms: dict[str, Tensor]) -> Tensor:
        # whoever shares the backbone may train it; here only what is tuned has a gradient
        weights = {name: value.detach() for name, value in self.backbone.named_parameters()}
        return global_pool(functional_call(self.backbone, weights | norms, (frames,)))
