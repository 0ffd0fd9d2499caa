"""Simple CNAPs (Bateni et al., 2020) as pieces that work frame by frame.

set encoder -> mean -> FiLM generator -> FiLM on the frozen backbone -> Mahalanobis head. Each piece
takes rows, so that whoever trains can decide which rows carry a gradient; that choice (LITE) is not
known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn
from torch.func import functional_call

from model.card import sides
from model.errors import InputError
from model.nn import head
from model.nn.backbone import FEATURES, NORMS, PACKAGED, SERVED, Backbone, Name
from model.nn.blend import DOMAINS, BlendedFilm, DomainEncoder
from model.nn.case import CaseFilm
from model.nn.film import FilmGenerator
from model.nn.generated_head import GeneratedHead
from model.nn.published_set_encoder import PublishedSetEncoder
from model.nn.set_encoder import SetEncoder
from model.nn.statistics import ChannelRows, StatisticsFilm, statistics

Scorer = Callable[[Tensor], Tensor]  # query rows -> logits, or rows -> what they are made of
HeadKind = Literal["mahalanobis", "scalar", "prototypes", "cosine", "generated"]


@dataclass(frozen=True)
class CnapsConfig:
    """What a checkpoint must say so that its weights make a model again."""

    # constant: the embedding stays 0, so that every task gets the same FiLM; none: no FiLM at all
    film: Literal["task", "constant", "none"] = "task"
    sites: Literal["paper", "deep", "all", "orbit"] = "paper"  # which norms, see `site_names`
    embedding: int = 64  # E
    # what tells the FiLM generator which task it is in: a convolutional net on the pixels, channel
    # statistics of the frozen backbone, a score of each domain, by which their FiLM is blended
    # (E = K), or the convolutional net that was published (E = 64); case: channel means of the
    # frozen backbone
    context: Literal["pixels", "statistics", "blend", "published", "case"] = "pixels"
    features: Literal["raw", "unit"] = "unit"  # unit: rows scaled to length sqrt(D) for the head
    # a query frame is scored at every w x w window of its 7 x 7 map, for each of these sides w;
    # none: whole, as published
    windows: tuple[int, ...] = (4,)
    # windows shorter than this share of the support's median norm are left out
    window_floor: float = 0.35
    # R, directions in which clutter moves features (`training.calibration.clutter`)
    clutter: int = 0
    # What checkpoints of other programs need (`training.import_checkpoint`):
    backbone: Name = "tf_efficientnet_lite0"
    inputs: Literal["half", "imagenet"] = "half"  # mean and deviation of the pixels
    batch_norm: Literal["running", "batch"] = "running"  # statistics in the published set encoder
    # output: gamma y + beta; parameters: gamma times the norm's weight, beta plus its bias
    film_on: Literal["output", "parameters"] = "output"
    # scalar: an object of one frame gets the variance over its D features in all of S_k, as all
    # public code has it; prototypes: the nearest mean; cosine: the mean at the smallest angle, of
    # unit features; generated: the linear head of CNAPs
    head: HeadKind = "mahalanobis"
    # the backbone itself is trained, as in ProtoNets and MAML, and a checkpoint keeps it
    backbone_trained: bool = False
    # steps: a start from which a task takes gradient steps, as in MAML; no one pass adapts it
    adapts: Literal["pass", "steps"] = "pass"

    def __post_init__(self) -> None:
        """Raise ValueError for settings that no model has."""
        for name, kind in get_type_hints(type(self)).items():
            known = get_args(kind)
            if get_origin(kind) is Literal and getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, none of {', '.join(known)}")
        sides(list(self.windows))
        if type(self.embedding) is not int or self.embedding < 1:
            raise ValueError(f"embedding is {self.embedding!r}, not a whole number from 1")
        if self.context == "blend" and self.backbone not in SERVED:
            raise ValueError(f"a blend cannot read {self.backbone}, only {' or '.join(SERVED)}")
        if self.context == "blend" and self.embedding != len(DOMAINS):
            raise ValueError(
                f"a blend has a score for each of {len(DOMAINS)} domains, not {self.embedding}"
            )
        if type(self.backbone_trained) is not bool:
            raise ValueError(f"backbone_trained is {self.backbone_trained!r}, not true or false")
        if self.sites in ("paper", "orbit") and self.backbone not in SERVED:
            raise ValueError(f"sites {self.sites!r} are those of {' and '.join(SERVED)}")
        if self.context == "published" and self.embedding != 64:
            raise ValueError(f"the published set encoder gives 64 numbers, not {self.embedding}")
        if type(self.clutter) is not int or not 0 <= self.clutter <= FEATURES:
            raise ValueError(f"clutter is {self.clutter!r}, not a number of directions")
        if type(self.window_floor) not in (int, float) or not 0 <= self.window_floor <= 1:
            raise ValueError(f"window_floor is {self.window_floor!r}, not a number from 0 to 1")


class SimpleCnaps(nn.Module):
    """Set encoder, FiLM generator, frozen backbone, head."""

    def __init__(self, config: CnapsConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.backbone, config.inputs)
        self.sites = site_names(self.backbone, config.sites)
        self.channels = tuple(self._norm(site).weight.numel() for site in self.sites)
        self.set_encoder: SetEncoder | ChannelRows | DomainEncoder | PublishedSetEncoder
        self.film_generator: FilmGenerator | StatisticsFilm | BlendedFilm | CaseFilm
        if config.context == "blend":
            self.set_encoder, self.film_generator = DomainEncoder(), BlendedFilm(self.channels)
        elif config.context == "statistics":
            self.set_encoder = ChannelRows(sum(self.channels))
            self.film_generator = StatisticsFilm(self.channels, config.embedding)
        elif config.context == "case":
            self.set_encoder = ChannelRows(sum(self.channels))
            self.film_generator = CaseFilm(self.channels)
        else:
            published = config.context == "published"
            self.set_encoder = (
                PublishedSetEncoder(config.batch_norm, config.inputs)
                if published
                else SetEncoder(config.embedding)
            )
            self.film_generator = FilmGenerator(config.embedding, self.channels)
        features = self.backbone.features
        self.head = GeneratedHead(features) if config.head == "generated" else None
        # of prototypes: as 10 times a cosine; more leaves nothing to learn from
        start = 10 / (2 * features) if config.head in head.PROTOTYPES else 0.1
        self.log_temperature = nn.Parameter(torch.tensor(start).log())
        clutter = torch.zeros(config.clutter, features) if config.clutter else None
        self.clutter: Tensor | None
        self.register_buffer("clutter", clutter)  # F (R, D)
        if config.film == "constant" and isinstance(self.film_generator, StatisticsFilm):
            self.film_generator.only_constant()
        elif config.film == "constant" and isinstance(self.set_encoder, SetEncoder):
            nn.init.zeros_(self.set_encoder.project.weight)
            nn.init.zeros_(self.set_encoder.project.bias)
            self.set_encoder.requires_grad_(False)
        elif config.film == "none":
            self.set_encoder.requires_grad_(False)
            self.film_generator.requires_grad_(False)
        self.backbone.requires_grad_(config.backbone_trained)

    def embeddings(self, frames: Tensor) -> Tensor:
        """phi: (B, 224, 224, 3) uint8 -> (B, E) of pixels, or (B, C) channel means."""
        if self.config.film == "none":  # nobody asks which task it is
            return frames.new_zeros((len(frames), self.config.embedding), dtype=torch.float32)
        if isinstance(self.set_encoder, ChannelRows):
            return self.set_encoder(self.channel_means(frames))
        if isinstance(self.set_encoder, DomainEncoder):
            return self.set_encoder(self.backbone.early(frames))
        return self.set_encoder(frames)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        """All rows of `embeddings` -> the task embedding: their mean (E,), or statistics (3C,)."""
        if isinstance(self.film_generator, StatisticsFilm):
            return statistics(rows.float(), labels)
        return rows.mean(0)

    @torch.no_grad()
    def channel_means(self, frames: Tensor) -> Tensor:
        """(B, 224, 224, 3) uint8 -> (B, C): the mean of every channel after every site's norm,
        before its activation, in the frozen backbone.
        """
        means: list[Tensor] = []

        def keep(norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if isinstance(norm, nn.LayerNorm):
                means.append(output.float().mean(1))  # over what stands for the whole, and patches
                return
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None and norm.running_var is not None
            normed = (inputs[0].float().mean((2, 3)) - norm.running_mean) * (
                norm.running_var + norm.eps
            ).rsqrt()
            means.append(normed * norm.weight + norm.bias)

        hooks = [self._norm(site).register_forward_hook(keep) for site in self.sites]
        try:
            self.backbone(frames)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.cat(means, 1)

    def film(self, embedding: Tensor) -> Tensor:
        """Task embedding -> film (2C,), gammas then betas in the order of `sites`."""
        film = self.film_generator(embedding)
        if self.config.film_on == "output":
            return film
        gammas, betas = film.chunk(
            2
        )  # w' = gamma w, b' = b + beta = gamma b + (beta - (gamma-1) b)
        return torch.cat([gammas, betas - (gammas - 1) * self.norm_biases()])

    def norm_biases(self) -> Tensor:
        """(C,) of the batch-norms that FiLM reaches, as they are in the frozen backbone."""
        return torch.cat([self._norm(site).bias for site in self.sites])

    def kept(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of the weights: all that does not come from a package."""
        packaged = self.config.backbone == PACKAGED and not self.config.backbone_trained
        tensors = self.state_dict()
        return {n: t for n, t in tensors.items() if not (packaged and n.startswith("backbone."))}

    def maps(self, frames: Tensor, film: Tensor) -> Tensor:
        """(B, 224, 224, 3) uint8 -> (B, D, 7, 7) under the task's FiLM."""
        return functional_call(self.backbone, self.adapted_norms(film), (frames,))

    def adapted_norms(self, film: Tensor) -> dict[str, Tensor]:
        """Batch-norms with FiLM: gamma (w BN0 + b) + beta = (gamma w) BN0 + (gamma b + beta)."""
        gammas, betas = (half.split(self.channels) for half in film.chunk(2))
        adapted = {}
        for site, gamma, beta in zip(self.sites, gammas, betas, strict=True):
            norm = self._norm(site)
            adapted[f"{site}.weight"] = gamma * norm.weight
            adapted[f"{site}.bias"] = gamma * norm.bias + beta
        return adapted

    def pixel_parts(self) -> tuple[SetEncoder, FilmGenerator]:
        """Set encoder and generator of a model whose context are pixels; InputError for others."""
        encoder, generator = self.set_encoder, self.film_generator
        if isinstance(encoder, SetEncoder) and isinstance(generator, FilmGenerator):
            return encoder, generator
        raise InputError(
            "This needs a set encoder that reads pixels; the checkpoint's reads the frozen "
            "backbone."
        )

    def _norm(self, site: str) -> nn.BatchNorm2d | nn.LayerNorm:
        norm = self.backbone.get_submodule(site)
        assert isinstance(norm, NORMS)
        return norm

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        """(B, 224, 224, 3) uint8 -> (B, D): what the head learns from."""
        return head.global_pool(self.maps(frames, film))

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        """(B, 224, 224, 3) uint8 -> (B, W, D): what the head scores, W windows a frame."""
        return head.window_pool(self.maps(frames, film), self.config.windows)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        """Support rows (N, D), their labels (N,), query rows (M, W, D) -> (M, K) in float64."""

        def measure(taught: Tensor) -> Scorer:
            return lambda rows: head.distances(taught, labels, rows, ways, self.config.head)

        return self._scorer(support, labels, ways, measure)(query)

    @torch.no_grad()
    def scorer(self, support: Tensor, labels: Tensor, ways: int) -> Scorer:
        """`logits` of query rows that come later: what the support alone decides is done once."""

        def measure(taught: Tensor) -> Scorer:
            return head.measure(taught, labels, ways, self.config.head)

        return self._scorer(support, labels, ways, measure)

    def _scorer(
        self, support: Tensor, labels: Tensor, ways: int, measure: Callable[[Tensor], Scorer]
    ) -> Scorer:
        """measure: from support rows to the squared distances (R, K) of rows (R, D)."""
        taught = self._as_measured(support)
        if self.head is None:
            d2 = measure(taught)

            def scores(rows: Tensor) -> Tensor:  # (M, W, D) -> (M, W, K)
                return -d2(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])

        else:
            linear = self.head.scorer(taught.float(), labels, ways)

            def scores(rows: Tensor) -> Tensor:
                # weights of a network are float32, and so are their gradients
                return linear(rows.float()).double()

        def logits(query: Tensor) -> Tensor:
            kept = head.nonempty(query.double(), support.double(), self.config.window_floor)
            windows = scores(self._as_measured(query))
            return head.best_window(self.log_temperature.double().exp() * windows, kept)

        return logits

    def _as_measured(self, rows: Tensor) -> Tensor:
        """Rows (..., D) as the head takes them, in float64."""
        rows = rows.double()
        if self.config.features == "unit":
            rows = head.unit(rows)
        return rows if self.clutter is None else head.without_clutter(rows, self.clutter)


def site_names(backbone: nn.Module, sites: str) -> tuple[str, ...]:
    """Names of the batch-norms that FiLM reaches, in the order in which a frame meets them.

    Of EfficientNet-Lite0 and B0: paper: after the stem, every depthwise convolution and the last
    convolution (18); all: every one (49); deep: all but the stem's and the first block's (46), so
    that back-propagation ends early; orbit: the paper's but the first block's (17), as ORBIT's code
    has them. Of other networks: all, or deep. A transformer's are layer norms.
    """
    norms = [name for name, module in backbone.named_modules() if isinstance(module, NORMS)]
    early = ("net.bn1", "net.blocks.0.", "net.layer1.")
    if sites == "all":
        return tuple(norms)
    if sites == "deep":
        return tuple(name for name in norms if not name.startswith(early))
    depthwise = {
        f"{name.removesuffix('.conv_dw')}.bn{1 if name.startswith('net.blocks.0.') else 2}"
        for name, _ in backbone.named_modules()
        if name.endswith(".conv_dw")
    }
    paper = tuple(n for n in norms if n in depthwise or n in ("net.bn1", "net.bn2"))
    return tuple(n for n in paper if sites == "paper" or not n.startswith("net.blocks.0."))
