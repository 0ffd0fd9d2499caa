"""What `python -m training.experiments.lite` measured, for the report: gradient and memory."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError

NUMBERS, PLOTS = "numbers.json", ("gradient.svg", "cost.svg")
ABOUT = (
    "Of the estimator's gradient on one small task, over every draw: bias and standard error, as "
    "shares of the full gradient's length. Memory and time of a task of N frames at 224 px."
)


@dataclass(frozen=True)
class LiteNumbers:
    """Two tables, the first row the head, and two pictures."""

    gradient: list[list[str]]
    cost: list[list[str]]
    plots: tuple[str, ...]  # each a data: address, in which no script of a foreign file runs


def read_lite(folder: Path) -> LiteNumbers:
    """InputError where `folder` is not what that command leaves."""
    try:
        numbers = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
        gradient = [["estimator", "H", "bias", "error"]]
        for name, values in numbers["gradient"].items():
            gradient += [
                [name, h, f"{v['bias']:.2g}", f"{v['error']:.2g}"] for h, v in values.items()
            ]
        cost = [["back-propagation", "N", "GB", "seconds"]]
        for name, values in numbers["cost"].items():
            cost += [
                [name, n, f"{v['gigabytes']:.2f}", f"{v['seconds']:.1f}"] for n, v in values.items()
            ]
        plots = tuple(_address(folder / plot) for plot in PLOTS)
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder} is not what training.experiments.lite leaves.") from error
    return LiteNumbers(gradient, cost, plots)


def _address(picture: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.read_bytes()).decode()}"
