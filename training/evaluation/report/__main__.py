"""One page of what several runs found, and a Markdown twin beside it.

    python -m training.evaluation.report runs/ours runs/frozen/* --out report.html

Each run is a folder with a record.json, as `training.evaluation.orbit` and `.vtab_md` leave it.
Runs of one benchmark must have answered the same episodes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from model.errors import InputError
from model.saving import atomic_write
from training.evaluation.record.record import load
from training.evaluation.report.comparison import compare
from training.evaluation.report.gradient import read_lite
from training.evaluation.report.pages import html, markdown
from training.settings.command_line import parser_for


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--lite", type=Path, help="folder of `training.experiments.lite`, to show")
    parser.add_argument("--out", type=Path, required=True, help="the page, .html; the twin is .md")
    args = parser.parse_args(argv)
    try:
        records = [load(path) for path in args.results]
        comparisons = compare(records)
        lite = read_lite(args.lite) if args.lite else None
        pages = {".html": html, ".md": markdown}
        for suffix, write in pages.items():
            with atomic_write(args.out.with_suffix(suffix)) as unfinished:
                unfinished.write_text(write(comparisons, records, lite), encoding="utf-8")
    except InputError as error:
        sys.exit(str(error))
    print(f"wrote {args.out.with_suffix('.html')} and {args.out.with_suffix('.md')}")


if __name__ == "__main__":
    main()
