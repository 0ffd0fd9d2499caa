"""The linear head of CNAPs (Requeima et al., 2019), after Versa (Gordon et al., 2019): a
class's weights and bias are generated from the mean of its support features.

    W_k = mu_k + g(mu_k),    b_k = h(mu_k),    logit_k(x) = W_k . x + b_k

g has three layers of D units and a skip over all of them, h three layers of one unit.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from model.nn.head import class_means


class GeneratedHead(nn.Module):
    """Class means (K, D) -> weights (K, D) and biases (K,)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = _three_layers(features, features)
        self.bias = _three_layers(features, 1)

    def forward(self, means: Tensor) -> tuple[Tensor, Tensor]:
        return means + self.weight(means), self.bias(means)[:, 0]

    def scorer(self, support: Tensor, labels: Tensor, ways: int) -> Callable[[Tensor], Tensor]:
        """Of support rows (N, D), labels (N,): from query rows (M, W, D) to logits (M, W, K)."""
        weights, biases = self(class_means(support, labels, ways))
        return lambda query: F.linear(query, weights, biases)


def _three_layers(inputs: int, units: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(3):
        layers += [nn.Linear(units if i else inputs, units), nn.ELU()]
    return nn.Sequential(*layers[:-1])
