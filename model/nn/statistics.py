"""The set encoder by channel statistics, and its FiLM generator.

One pass of the frozen backbone gives a row a support frame: the mean of every channel at every FiLM
site, after its batch-norm, standardised over training frames. Of a task's rows (N, C) three
statistics a channel say which task it is: their mean, their variance within objects and between
objects. Log variances are kept, so that Fisher's ratio, how well a channel tells these objects
apart, is a difference of two of them. The rows hold nothing that is trained, so LITE has no row to
leave out here: the set encoder's gradient is exact.

The nearest published: contextual squeeze and excitation (Patacchiola et al., 2022) conditions
channels on the mean over the support, without variances; FLUTE (Triantafillou et al., 2021) blends
the FiLM of whole data sets, as the code here can.

FiLM is additive: gamma = 1 + b + V e + h(u), beta likewise. b is one FiLM for all tasks. e is a
code of E numbers, linear in all statistics and whitened over tasks at the start. h is a small
network that the channels of a site share, and u a channel's own three statistics. b, V and h's last
layer start at 0. In the usual form 1 + r g(e) what differs between tasks moves by the learning rate
times |r|, so that the constant outruns it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STATISTICS = 3  # a channel: mean, log variance within objects, log variance between them
HIDDEN = 16  # of a site's shared network
COMPONENTS = 40  # of the statistics, among which discriminants are sought
PRIOR = 1.0  # frames' worth of the variance over all training frames, which is 1


class ChannelRows(nn.Module):
    """Channel means (B, C) as the backbone has them -> standardised rows (B, C)."""

    centre: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    def forward(self, means: Tensor) -> Tensor:
        return (means - self.centre) * self.scale


def statistics(rows: Tensor, labels: Tensor) -> Tensor:
    """Rows (N, C) with labels (N,) that cover [0, K) -> (3C,): mean, log within, log between.

    A variance that cannot be measured (one frame an object, or one object) is the prior's, 1.
    """
    ways = int(labels.max()) + 1
    member = torch.eye(ways, dtype=rows.dtype, device=rows.device)[labels]  # (N, K)
    centres = (member / member.sum(0)).T @ rows  # (K, C)
    mean = centres.mean(0)
    within = (rows - centres[labels]).square().sum(0)
    between = (centres - mean).square().sum(0)
    spread = [
        ((total + PRIOR) / (freedom + PRIOR)).log()
        for total, freedom in ((within, len(rows) - ways), (between, ways - 1))
    ]
    return torch.cat([mean, *spread])


class StatisticsFilm(nn.Module):
    """Statistics (3C,) -> film (2C,): all gammas in the order of the sites, then all betas."""

    centre: Tensor

    def __init__(self, channels: tuple[int, ...], code: int) -> None:
        super().__init__()
        self.channels = channels
        total = sum(channels)
        self.register_buffer("centre", torch.zeros(STATISTICS * total))
        self.code = nn.Linear(STATISTICS * total, code, bias=False)
        self.constant = nn.Parameter(torch.zeros(2 * total))
        self.blend = nn.Parameter(torch.zeros(2 * total, code))  # V
        self.first = nn.ParameterList(
            torch.randn(HIDDEN, STATISTICS + 1) * 0.5 for _ in channels
        )  # the last column is the bias
        self.last = nn.ParameterList(torch.zeros(2, HIDDEN) for _ in channels)

    def forward(self, s: Tensor) -> Tensor:
        centred = s - self.centre
        film = self.constant + self.blend @ self.code(centred) + self._own(centred)
        return torch.cat([1 + film[: len(film) // 2], film[len(film) // 2 :]])

    def _own(self, s: Tensor) -> Tensor:
        """h: what a channel's own statistics say, (2C,)."""
        parts = s.unflatten(0, (STATISTICS, -1)).split(self.channels, 1)
        out = []
        for u, first, last in zip(parts, self.first, self.last, strict=True):
            hidden = torch.relu(first[:, :-1] @ u + first[:, -1:])  # (HIDDEN, C_site)
            out.append(last @ hidden / HIDDEN)
        return torch.cat(out, 1).flatten()

    def penalty(self) -> Tensor:
        """The L2 pull towards the frozen backbone."""
        return self.constant.square().sum() + self.blend.square().sum()

    def only_constant(self) -> None:
        """Train one FiLM for all tasks: the code's part and the channels' own stay 0."""
        self.requires_grad_(False)
        self.constant.requires_grad_(True)

    @torch.no_grad()
    def whiten(self, tasks: Tensor) -> None:
        """Set `code` by the statistics (T, 3C) of T training tasks: their E leading principal
        components, each of variance 1 over these tasks.
        """
        self.centre.copy_(tasks.mean(0))
        axes = _axes(tasks - self.centre, self.code.out_features)
        self.code.weight.zero_()
        self.code.weight[: len(axes)].copy_(axes)

    @torch.no_grad()
    def separate(self, tasks: Tensor, kinds: Tensor) -> None:
        """Set `code` as `whiten` does, but by what tells kinds of task apart, given the kind (T,)
        of each: linear discriminants, so that a code says little of the single task.
        """
        self.centre.copy_(tasks.mean(0))
        axes = _axes(tasks - self.centre, COMPONENTS)  # (P, 3C)
        codes = (tasks - self.centre) @ axes.T  # (T, P), covariance 1
        member = torch.eye(int(kinds.max()) + 1)[kinds]
        centres = member @ ((member / member.sum(0)).T @ codes)  # (T, P), that of each task's kind
        _, turn = torch.linalg.eigh(centres.T @ centres)  # ascending
        count = min(self.code.out_features, int(kinds.max()), len(axes))
        self.code.weight.zero_()
        self.code.weight[:count].copy_(turn.flip(1)[:, :count].T @ axes)


def _axes(centred: Tensor, count: int) -> Tensor:
    """The leading `count` principal axes of (T, S), scaled to give variance 1."""
    _, values, directions = torch.linalg.svd(centred, full_matrices=False)
    count = min(count, len(centred) - 1)
    scale = values[:count].clamp_min(1e-6) / len(centred) ** 0.5
    return directions[:count] / scale[:, None]
