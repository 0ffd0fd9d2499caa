"""A task's gradient and accuracy, whichever method is trained: LITE's, or MAML's by inner steps."""

from __future__ import annotations

import torch

from model.nn.cnaps import SimpleCnaps
from training.episodes.episode import Task
from training.lite import backward, logits_of
from training.methods.maml import Maml
from training.settings.config import LiteConfig, TrainConfig


def add_gradient(
    config: TrainConfig, model: SimpleCnaps, task: Task, generator: torch.Generator
) -> tuple[float, float]:
    """Add the task's gradient to every parameter's `.grad`; returns loss and accuracy."""
    if config.method == "maml":
        return Maml(model.backbone, model.backbone.features).backward(task)
    return backward(model, task, config, generator)


def accuracy_on(config: TrainConfig, model: SimpleCnaps, task: Task) -> float:
    """Share of a held-out task's query clips that are named right after adapting."""
    if config.method == "maml":
        logits = Maml(model.backbone, model.backbone.features).logits(task)
    else:
        logits = logits_of(model, task, LiteConfig(chunk=config.chunk, bf16=config.bf16))
    return (logits.argmax(1) == task.targets).float().mean().item()
