"""What a public program calls our tensors, and what its model is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.nn.cnaps import CnapsConfig, SimpleCnaps

SET_ENCODER, GENERATOR, TRUNK, HEAD = "set_encoder.", "film_generator.", "backbone.net.", "head."
VECTOR_PARTS = ("first", "norm", "last")  # the layers of `model.nn.film.FilmVector`

# What all of them share: EfficientNet-B0, no windows, logits without a temperature, and the scalar
# covariance of an object of one frame.
PUBLIC = CnapsConfig(
    context="published",
    features="raw",
    windows=(),
    window_floor=0.0,
    backbone="tf_efficientnet_b0",
    head="scalar",
)


@dataclass(frozen=True)
class Layout:
    """A program's checkpoint: the model in it, and its names for our tensors."""

    name: str
    config: CnapsConfig
    theirs: Callable[[SimpleCnaps, str], str]  # of one of our tensors
    unused: tuple[str, ...] = ()  # theirs that nothing needs


def set_encoder_name(at: str, ours: str) -> str:
    """set_encoder.norms.0.bias -> <at>.layer1.1.bias, as both programs have it."""
    kind, layer, part = ours.removeprefix(SET_ENCODER).split(".")
    return f"{at}.layer{int(layer) + 1}.{int(kind == 'norms')}.{part}"
