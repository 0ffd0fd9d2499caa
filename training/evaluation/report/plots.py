"""Accuracy against cost, as SVG that stands in the page itself."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure

from training.evaluation.report.comparison import Comparison

COSTS = ("MACs to personalise", "seconds to personalise", "MACs a frame")


def accuracy_against_cost(comparison: Comparison) -> str:
    """A panel for each kind of cost that all methods have; empty where there is none."""
    costs = [c for c in COSTS if all(row.cost.get(c, 0) > 0 for row in comparison.rows)]
    if not costs:
        return ""
    matplotlib.rcParams["svg.hashsalt"] = "report"
    figure = Figure(figsize=(4.2 * len(costs), 3.6), layout="constrained")
    for axes, cost in zip(figure.subplots(1, len(costs), squeeze=False)[0], costs, strict=True):
        for row in comparison.rows:
            half = 100 * min(row.people.half, 1.0)
            at = row.cost[cost], 100 * row.people.mean
            axes.errorbar(*at, yerr=half, fmt="o", capsize=3)
            axes.annotate(row.method, at, xytext=(5, 4), textcoords="offset points", fontsize=7)
        axes.set_xscale("log")
        axes.set_xlabel(cost)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel(f"{comparison.measure}, %")
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]
