"""Every method that LITE trains, around the toy networks of `training.methods.tiny_cnaps`."""

import torch
from torch import Tensor, nn

from model.nn.blend import DOMAINS, BlendedFilm
from model.nn.case import CaseFilm
from model.nn.generated_head import GeneratedHead
from model.nn.head import distances
from model.nn.statistics import StatisticsFilm, statistics
from training.lite import Method
from training.methods.tiny_cnaps import TinyCnaps

ALL = ("raw", "unit", "protonets", "statistics", "generated", "case", "blend")


class TinyPrototypes(TinyCnaps):
    """ProtoNets: no set encoder, no FiLM, the nearest mean; the backbone is what is trained."""

    def __init__(self) -> None:
        super().__init__("raw")
        del self.set_encoder, self.film_generator

    def embeddings(self, frames: Tensor) -> Tensor:
        return frames.new_zeros(len(frames), 0)

    def film(self, embedding: Tensor) -> Tensor:
        return torch.cat([torch.ones(13), torch.zeros(13)]).double()

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.support_features(frames, film)[:, None]

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        return prototypes(self, support, labels, query, ways)


class TinyStatistics(TinyCnaps):
    """Simple CNAPs with a set encoder by channel statistics: its rows are the frames themselves."""

    def __init__(self) -> None:
        super().__init__("unit")
        self.set_encoder = nn.Identity()
        self.film_generator = StatisticsFilm((5, 8), code=4)
        self.project = torch.randn(12, 13)  # frozen: 12 numbers a frame -> 13 channels
        for name, parameter in self.film_generator.named_parameters():
            if not name.startswith(("code", "first")):  # those that start at 0
                nn.init.normal_(parameter, std=0.3)

    def embeddings(self, frames: Tensor) -> Tensor:
        return frames @ self.project.to(frames)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return statistics(rows, labels)


class TinyGenerated(TinyCnaps):
    """CNAPs: the networks of Simple CNAPs under a generated linear head."""

    def __init__(self) -> None:
        super().__init__("raw")
        del self.log_temperature
        self.head = GeneratedHead(8)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        return self.head.scorer(support, labels, ways)(query).amax(1)


class TinyCase(TinyCnaps):
    """CaSE: gates by the channel means of a frozen backbone with two sites, the nearest mean."""

    def __init__(self) -> None:
        super().__init__("raw")
        del self.set_encoder
        self.film_generator = CaseFilm((5, 8))
        for last in self.film_generator.last_layers():  # which starts at 0
            nn.init.normal_(last.weight)
        self.first.requires_grad_(False)
        self.last.requires_grad_(False)

    def embeddings(self, frames: Tensor) -> Tensor:
        return torch.cat([self.first(frames), self.last(torch.tanh(self.first(frames)))], 1)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        return prototypes(self, support, labels, query, ways)


class TinyBlend(TinyCnaps):
    """FiLM vectors of domains, blended by a line on what a frozen network sees."""

    def __init__(self) -> None:
        super().__init__("unit")
        self.set_encoder = nn.Linear(12, len(DOMAINS))
        self.film_generator = BlendedFilm((5, 8))
        for vectors in (self.film_generator.given, self.film_generator.trained):
            vectors.data.add_(0.3 * torch.randn(vectors.shape))


def prototypes(
    method: TinyCnaps, support: Tensor, labels: Tensor, query: Tensor, ways: int
) -> Tensor:
    d2 = distances(support, labels, query.flatten(0, 1), ways, "prototypes")
    return (-method.log_temperature.exp() * d2).unflatten(0, query.shape[:2]).amax(1)


def make(name: str) -> Method:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        if name == "protonets":
            return TinyPrototypes().double()
        if name == "generated":
            return TinyGenerated().double()
        if name == "case":
            return TinyCase().double()
        if name == "blend":
            return TinyBlend().double()
        method = TinyStatistics() if name == "statistics" else TinyCnaps(name)
    return method.double()
