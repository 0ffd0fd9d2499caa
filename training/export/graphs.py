"""The torch parts as ONNX graphs. Nothing is compared here; `export` does that."""

from __future__ import annotations

import onnx

from model.nn.blend import BlendedFilm, DomainEncoder
from model.nn.cnaps import SimpleCnaps
from model.nn.film import FilmGenerator
from model.nn.published_set_encoder import PublishedSetEncoder
from training.export.adapting import (
    blended_film_graph,
    domain_encoder_graph,
    film_generator_graph,
    published_set_encoder_graph,
    set_encoder_graph,
)
from training.export.trunk import backbone_graph


def parts(model: SimpleCnaps) -> tuple[onnx.ModelProto, onnx.ModelProto, onnx.ModelProto]:
    """Set encoder, FiLM generator and backbone; InputError where the context is statistics."""
    encoder, generator = model.set_encoder, model.film_generator
    if isinstance(encoder, DomainEncoder) and isinstance(generator, BlendedFilm):
        adapting = domain_encoder_graph(model.backbone, encoder), blended_film_graph(generator)
    elif isinstance(encoder, PublishedSetEncoder) and isinstance(generator, FilmGenerator):
        biases = model.norm_biases() if model.config.film_on == "parameters" else None
        film = film_generator_graph(generator, model.config.embedding, biases)
        adapting = published_set_encoder_graph(encoder), film
    else:
        encoder, generator = model.pixel_parts()
        adapting = (
            set_encoder_graph(encoder),
            film_generator_graph(generator, model.config.embedding),
        )
    return *adapting, backbone_graph(model.backbone)
