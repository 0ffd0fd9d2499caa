"""The report as a page that needs nothing beside it, and as Markdown: the same tables in both."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment

from training.evaluation.intervals import percent
from training.evaluation.record.record import Record
from training.evaluation.report.comparison import Comparison
from training.evaluation.report.gradient import ABOUT, LiteNumbers
from training.evaluation.report.plots import accuracy_against_cost

Table = list[list[str]]  # the first row is the head

TITLE = "Few-shot recognition: methods compared"
LITE = "LITE: the gradient and the memory"
INTERVALS = (
    "Intervals are 95 %. Pooled: over all items, as ORBIT's leaderboard has it, which takes them "
    "for independent. Clustered: Student's over users or data sets, which are. Behind: how far the "
    "best is ahead, paired item by item, clustered. MACs are convolutions and matrix products; "
    "reading files is in no time."
)
PAGE = """{% macro table_of(table) %}
<table>
<tr>{% for cell in table[0] %}<th scope="col">{{ cell }}</th>{% endfor %}</tr>
{% for row in table[1:] %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endmacro -%}
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } svg, img { max-width: 100%; height: auto }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #bbb; text-align: right }
th:first-child, td:first-child { text-align: left }
</style>
<h1>{{ title }}</h1>
<p>{{ intervals }}</p>
{% for part in parts %}
<h2>{{ part.head }}</h2>
<p>{{ part.about }}</p>
{% for table in part.tables %}{{ table_of(table) }}{% endfor %}
<figure aria-label="{{ part.head }}: accuracy against cost">{{ part.plot | safe }}</figure>
{% endfor %}
{% if lite %}
<h2>{{ lite_head }}</h2>
<p>{{ lite_about }}</p>
{% for plot in lite.plots %}<img src="{{ plot }}" alt="">
{% endfor %}
{% for table in [lite.gradient, lite.cost] %}{{ table_of(table) }}{% endfor %}
{% endif %}
<h2>Runs</h2>
{{ table_of(runs) }}
</html>
"""


def html(
    comparisons: Sequence[Comparison], records: Sequence[Record], lite: LiteNumbers | None = None
) -> str:
    parts = [
        {
            "head": c.benchmark,
            "about": _about(c),
            "tables": [accuracies(c), costs(c)],
            "plot": accuracy_against_cost(c),
        }
        for c in comparisons
    ]
    page = Environment(autoescape=True).from_string(PAGE)
    return page.render(
        title=TITLE, intervals=INTERVALS, parts=parts, runs=runs(records), lite=lite,
        lite_head=LITE, lite_about=ABOUT,
    )  # fmt: skip


def markdown(
    comparisons: Sequence[Comparison], records: Sequence[Record], lite: LiteNumbers | None = None
) -> str:
    blocks = [f"# {TITLE}", INTERVALS]
    for c in comparisons:
        blocks += [f"## {c.benchmark}", _about(c), _lines(accuracies(c)), _lines(costs(c))]
    if lite:
        blocks += [f"## {LITE}", ABOUT, _lines(lite.gradient), _lines(lite.cost)]
    return "\n\n".join([*blocks, "## Runs", _lines(runs(records))]) + "\n"


def accuracies(comparison: Comparison) -> Table:
    """The measure that counts with both intervals, the others, and the distance to the best."""
    others = list(comparison.rows[0].others)
    head = ["method", f"{comparison.measure}, clustered", "pooled", *others, "behind the best"]
    rows = [
        [
            row.method, percent(row.people), percent(row.pooled),
            *(f"{100 * row.others[name]:.1f}" for name in others),
            percent(row.behind) if row.behind else "best",
        ]
        for row in comparison.rows
    ]  # fmt: skip
    return [head, *rows]


def costs(comparison: Comparison) -> Table:
    names = list(comparison.rows[0].cost)
    head = ["method", *names]
    return [head, *([row.method, *(number(row.cost[n]) for n in names)] for row in comparison.rows)]


def runs(records: Sequence[Record]) -> Table:
    """What made each record."""
    head = ["benchmark", "method", "seed", "data", "episodes", "weights", *records[0].machine]
    table = [head]
    for r in records:
        asked = [r.benchmark, r.method, str(r.seed), str(r.settings.get("data", ""))]
        made = [r.machine.get(name, "") for name in records[0].machine]
        weights = str(r.settings.get("weights") or "")
        table.append([*asked, r.episodes[:12], weights[:12], *made])
    return table


def number(value: float) -> str:
    """Three digits, with a letter for the thousands: 1.23 M."""
    for letter, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _about(c: Comparison) -> str:
    seeds = sorted({seed for row in c.rows for seed in row.seeds})
    return f"{c.items} items of {c.groups} groups; seeds {', '.join(map(str, seeds))}."


def _lines(table: Table) -> str:
    rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
