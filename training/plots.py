"""Figures as SVG: panels of curves side by side; the same numbers give the same file."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

Curve = dict[int, float]  # x -> y


def plot(path: Path, across: str, panels: dict[str, dict[str, Curve]], log: bool = False) -> None:
    """panels: name of the y axis -> name of the curve -> curve; across: name of the x axis."""
    matplotlib.rcParams["svg.hashsalt"] = "curves"
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, (what, curves) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for name, points in curves.items():
            marker = "o" if len(points) < 50 else ""
            axes.plot(list(points), list(points.values()), marker=marker, label=name)
        if log:
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        axes.set_xlabel(across)
        axes.set_ylabel(what)
        axes.grid(alpha=0.3)
        if len(curves) > 1 and (log is False or axes is figure.axes[0]):
            axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def reliability(path: Path, curves: dict[str, np.ndarray]) -> None:
    """Reliability diagrams: (n, 3) bins of mean confidence, share that is right, share of answers.

    The larger a point, the more answers; on the dashed line they are as sure as they are right.
    """
    matplotlib.rcParams["svg.hashsalt"] = "curves"
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    for name, bins in curves.items():
        confidence, right, share = bins.T
        (line,) = axes.plot(confidence, right, alpha=0.5)
        axes.scatter(confidence, right, 10 + 400 * share, color=line.get_color(), label=name)
    axes.set_xlabel("probability of the name given")
    axes.set_ylabel("share that is right")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
