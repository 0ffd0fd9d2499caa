"""The report: refusals, paired differences against loops, and the same tables in both twins."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from training.evaluation.record.record import Record, Score, load, save
from training.evaluation.report.__main__ import main
from training.evaluation.report.comparison import compare

USERS = ("P1", "P1", "P2", "P3", "P3", "P3")


def record(method: str, values: list[float], seed: int = 0, episodes: str = "e") -> Record:
    scores = tuple(
        Score(user, str(i), {"frame accuracy": v, "video accuracy": float(v > 0.5)})
        for i, (user, v) in enumerate(zip(USERS, values, strict=True))
    )
    cost = {"MACs to personalise": 2e12, "seconds to personalise": 3.0, "parameters": 4.1e6}
    machine = {"processor": "x & y", "commit": "abc"}
    return Record(
        "ORBIT", f"{episodes}{seed}", method, seed, {"data": "home"}, machine, cost, scores
    )


def test_differences_are_paired_and_clustered_by_user() -> None:
    rng = np.random.default_rng(0)
    values = {m: rng.uniform(size=(2, 6)) for m in ("a", "b")}
    records = [record(m, v[s].tolist(), s) for m, v in values.items() for s in (1, 0)]
    (found,) = compare(records)
    assert (found.groups, found.items) == (3, 12)
    users = np.array(USERS)
    means = {m: [v[:, users == u].mean() for u in ("P1", "P2", "P3")] for m, v in values.items()}
    best, other = sorted(means, key=lambda m: -np.mean(means[m]))
    assert [row.method for row in found.rows] == [best, other]
    gaps = np.array(means[best]) - np.array(means[other])
    behind = found.rows[1].behind
    assert behind is not None and found.rows[0].behind is None
    assert behind.mean == pytest.approx(gaps.mean())
    assert behind.half == pytest.approx(4.303 * gaps.std(ddof=1) / 3**0.5, rel=1e-3)
    assert found.rows[0].pooled.mean == pytest.approx(values[best].mean())


def test_what_cannot_be_compared_is_refused() -> None:
    some = [0.5] * 6
    for records, sentence in (
        ([record("a", some), record("b", some, episodes="f")], "answered different episodes"),
        ([record("a", some), record("a", some)], "a was given twice with seed 0"),
        ([record("a", some), record("a", some, 1), record("b", some)], r"b has the seeds \[0\]"),
    ):
        with pytest.raises(InputError, match=sentence):
            compare(records)


def test_page_and_twin_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = []
    for method, value in (("ours <1>", 0.75), ("knn", 0.5)):
        folder = tmp_path / method
        folder.mkdir()
        save(folder / "record.json", record(method, [value] * 6))
        folders.append(str(folder))
    main([*folders, "--out", str(tmp_path / "report.html")])
    assert "report.html and" in capsys.readouterr().out
    page, twin = ((tmp_path / f"report.{s}").read_text() for s in ("html", "md"))
    assert "<svg" in page and "ours &lt;1&gt;" in page and "x &amp; y" in page
    assert not re.search(r"(src|href)=.(?!#)", page)  # nothing is fetched
    assert "| ours <1> | 75.0 ± 0.0 | 75.0 ± 0.0 | 100.0 | best |" in twin
    assert "| knn | 50.0 ± 0.0 | 50.0 ± 0.0 | 0.0 | 25.0 ± 0.0 |" in twin
    assert "| knn | 2 T | 3 | 4.1 M |" in twin and "2 T</td>" in page
    assert load(tmp_path / "knn") == record("knn", [0.5] * 6)


def test_the_gradient_and_the_memory_are_shown(tmp_path: Path) -> None:
    save(tmp_path / "record.json", record("ours", [0.5] * 6))
    lite = Path(__file__).resolve().parents[2] / "assets" / "lite"
    out = tmp_path / "report.html"
    main([str(tmp_path), "--lite", str(lite), "--out", str(out)])
    page, twin = out.read_text(), out.with_suffix(".md").read_text()
    assert page.count('<img src="data:image/svg+xml;base64,') == 2
    peak = json.loads((lite / "numbers.json").read_text())["cost"]["LITE, H = 8"]["1000"]
    row = f"| LITE, H = 8 | 1000 | {peak['gigabytes']:.2f} | {peak['seconds']:.1f} |"
    assert row in twin and f"<td>{peak['gigabytes']:.2f}</td>" in page
    for folder, sentence in ((tmp_path / "none", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(SystemExit, match=sentence):
            main([str(tmp_path), "--lite", str(folder), "--out", str(out)])
    (tmp_path / "numbers.json").write_text("[]")
    with pytest.raises(SystemExit, match=r"is not what training\.experiments\.lite leaves"):
        main([str(tmp_path), "--lite", str(tmp_path), "--out", str(out)])


def test_bad_records_are_named(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    save(path, record("a", [0.5] * 6))
    whole = path.read_text()
    for text, sentence in (
        ("", "is no record"),
        (whole[:100], "is no record"),
        ("[]", "is no record"),
        (whole.replace('"format": 1', '"format": 9'), "has format 9; this program reads 1"),
        (whole.replace("0.5", "1.5"), "is no record"),
    ):
        path.write_text(text)
        with pytest.raises(SystemExit, match=sentence):
            main([str(path), "--out", str(tmp_path / "out.html")])
    with pytest.raises(SystemExit, match="did its run end"):
        main([str(tmp_path / "nothing"), "--out", str(tmp_path / "out.html")])
    with pytest.raises(InputError, match="could not be saved"):
        save(tmp_path / "no" / "folder" / "record.json", replace(record("a", [0.5] * 6), seed=1))
