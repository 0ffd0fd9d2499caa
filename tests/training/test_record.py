"""MACs against hand counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.evaluation.record.cost import Cost, counted, timed


def test_macs_of_two_networks_are_those_counted_by_hand() -> None:
    cost = Cost()
    layers = nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3, bias=False))
    with torch.no_grad(), counted(cost):
        layers(torch.zeros(11, 7))
    assert cost.macs == 11 * (7 * 5 + 5 * 3)
    depthwise = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)
    convolutions = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), depthwise, nn.Conv2d(8, 4, 1))
    with torch.no_grad(), counted(cost):
        convolutions(torch.zeros(2, 3, 10, 10))
    places = 10 * 10, 5 * 5
    per_frame = places[0] * 3 * 8 * 9 + places[1] * 8 * 9 + places[1] * 8 * 4
    assert cost.macs == 11 * (7 * 5 + 5 * 3) + 2 * per_frame
    assert cost.seconds == 0
    with timed(cost):
        sum(range(1000))
    assert cost.seconds > 0


def test_a_step_back_is_counted_too() -> None:
    cost, layer = Cost(), nn.Linear(7, 5)
    with counted(cost):
        layer(torch.zeros(11, 7)).sum().backward()
    assert cost.macs == 2 * 11 * 7 * 5  # forward, and the weights' gradient; the input needs none


@pytest.mark.parametrize("groups", [1, 4, 8])
def test_a_convolution_back_counts_its_groups(groups: int) -> None:
    """Forward, the weights' gradient and the input's are each as many."""
    layer, frames = nn.Conv2d(8, 8, 3, padding=1, groups=groups), torch.zeros(2, 8, 10, 10)
    for needed, passes in ((False, 2), (True, 3)):
        cost = Cost()
        with counted(cost):
            layer(frames.clone().requires_grad_(needed)).sum().backward()
        assert cost.macs == passes * 2 * 100 * 8 * (8 // groups) * 9
