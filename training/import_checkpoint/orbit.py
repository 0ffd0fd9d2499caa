"""Checkpoints of ORBIT's program (microsoft/ORBIT-Dataset, since December 2022): Simple CNAPs,
CNAPs and ProtoNets.

ImageNet's mean and deviation on timm's EfficientNet-B0, FiLM on the parameters of 17 batch-norms,
and a set encoder whose batch-norm never leaves evaluation mode. A scale of the logits other than 1
is not in the file.
"""

from __future__ import annotations

from dataclasses import replace

from model.nn.blend import DOMAINS
from model.nn.cnaps import SimpleCnaps
from training.import_checkpoint.layout import (
    GENERATOR,
    HEAD,
    PUBLIC,
    SET_ENCODER,
    TRUNK,
    VECTOR_PARTS,
    Layout,
    set_encoder_name,
)


def theirs(model: SimpleCnaps, ours: str) -> str:
    if ours.startswith(SET_ENCODER):
        return set_encoder_name("set_encoder.encoder", ours)
    if ours.startswith(GENERATOR):
        return _generator(model, ours.removeprefix(GENERATOR))
    if ours.startswith(HEAD):
        kind, layer, part = ours.removeprefix(HEAD).split(".")
        return f"classifier.{kind}_processor.linear{int(layer) // 2 + 1}.{part}"
    return f"feature_extractor.{ours.removeprefix(TRUNK)}"


def _generator(model: SimpleCnaps, ours: str) -> str:
    """Their networks stand in the alphabetical order of the parameters that they make."""
    vectors, site, layer, *part = ours.split(".")
    sites = [name.removeprefix("net.") for name in model.sites]
    made = sorted(f"{name}.{kind}" for name in sites for kind in ("weight", "bias"))
    number = made.index(f"{sites[int(site)]}.{'weight' if vectors == 'gammas' else 'bias'}")
    if layer == "r":
        return f"film_generator.regularizers.{number}"
    block = (0, 1, 3)[VECTOR_PARTS.index(layer)]
    return f"film_generator.generators.{number}.block.{block}.{part[0]}"


CONFIG = replace(PUBLIC, inputs="imagenet", sites="orbit", film_on="parameters")
SIMPLE_CNAPS = Layout("Simple CNAPs of ORBIT's program", CONFIG, theirs)
CNAPS = Layout("CNAPs of ORBIT's program", replace(CONFIG, head="generated"), theirs)
# A blend that is never fitted stands for the set encoder that they lack: FiLM is the identity.
PROTONETS = Layout(
    "ProtoNets of ORBIT's program",
    replace(
        CONFIG,
        film="none",
        context="blend",
        embedding=len(DOMAINS),
        film_on="output",
        head="prototypes",
    ),
    theirs,
)
