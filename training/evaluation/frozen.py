"""Features of the frozen ImageNet backbone, of whole frames and of the windows that ours has."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.nn.backbone import Backbone
from model.nn.head import global_pool, window_pool
from model.runtime import open_session, run
from training.evaluation.baselines import WINDOWS
from training.export.trunk import backbone_graph

BATCH = 16  # frames a run


class FrozenBackbone:
    """EfficientNet-Lite0 in onnxruntime, without FiLM."""

    def __init__(self) -> None:
        graph = backbone_graph(Backbone()).SerializeToString()
        self.session = open_session(graph, torch.get_num_threads())

    def features(self, frames: np.ndarray) -> Tensor:
        """(B, S, S, 3) uint8 -> (B, 1 + W, D): the whole frame, then its W windows."""
        batches = [frames[i : i + BATCH] for i in range(0, len(frames), BATCH)]
        maps = [torch.from_numpy(run(self.session, "map", batch)) for batch in batches]
        return torch.cat(
            [torch.cat([global_pool(m)[:, None], window_pool(m, WINDOWS)], 1) for m in maps]
        )

    def clips(self, clips: Tensor) -> Tensor:
        """(B, T, S, S, 3) uint8 -> (B, 1 + W, D), the mean over the T frames of a clip."""
        return torch.stack([self.features(clip.numpy()).mean(0) for clip in clips])
