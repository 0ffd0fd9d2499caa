"""Evaluation: its statistics and baselines against written-out loops, and the whole of it on a tiny
tree.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from model import load_model
from model.errors import InputError
from tests.tiny import write_tiny
from tests.training.tree import write_tree
from training.episodes.episode import load
from training.episodes.orbit import read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.evaluation import evaluate
from training.evaluation.baselines import cnaps_raw, cnaps_unit, cosine, dense
from training.evaluation.evaluate import EvaluationTasks, main, served
from training.evaluation.intervals import clustered, student
from training.evaluation.scores import Scores, report, table

WAYS = 3


def rows(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Support (7, 6), labels with 1, 2 and 4 shots, query (9, 6)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([0, 1, 1, 2, 2, 2, 2])
    centres = 2 * torch.randn(WAYS, 6, generator=generator)
    support = centres[labels] + torch.randn(7, 6, generator=generator)
    return support, labels, torch.randn(9, 6, generator=generator)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (5, 2.571), (16, 2.120), (100_000, 1.960)]
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(0.975, freedom) == pytest.approx(quantile, abs=1e-3)


def test_an_interval_counts_users_not_tasks_as_a_loop_does() -> None:
    rng = np.random.default_rng(0)
    users = ["b", "a", "c", "a", "b", "b", "d"]
    scores = rng.uniform(size=7).tolist()
    means = []
    for user in ("a", "b", "c", "d"):
        total, count = 0.0, 0
        for score, of in zip(scores, users, strict=True):
            if of == user:
                total, count = total + score, count + 1
        means.append(total / count)
    centre = sum(means) / 4
    variance = sum((m - centre) ** 2 for m in means) / 3
    interval = clustered(scores, users)
    assert interval.mean == pytest.approx(centre, abs=1e-12)
    assert interval.half == pytest.approx(3.18245 * math.sqrt(variance / 4), rel=1e-4)
    # the same tasks asked ten times over say nothing more about people
    again = clustered(scores * 10, users * 10)
    assert (again.mean, again.half) == pytest.approx((interval.mean, interval.half))
    assert clustered([0.5, 0.7], ["a", "a"]).half == math.inf


def test_an_interval_holds_the_truth_in_95_of_100_draws() -> None:
    rng, held = np.random.default_rng(0), 0
    users = [str(u) for u in range(6) for _ in range(3)]
    for _ in range(400):
        own = rng.normal(0, 1, 6).repeat(3)  # what the tasks of a user share
        interval = clustered((own + rng.normal(0, 0.5, 18)).tolist(), users)
        held += abs(interval.mean) <= interval.half
    assert 0.92 <= held / 400 <= 0.98


def test_leads_are_paired() -> None:
    users, hard = tuple("aabbcc"), [0.1, 0.2, 0.5, 0.6, 0.8, 0.9]
    scores = Scores(users, {"ours": [h + 0.1 for h in hard], "theirs": hard})
    assert scores.of("ours").half > 0.5  # users differ much,
    lead = scores.lead("theirs")
    assert lead.mean == pytest.approx(0.1) and lead.half < 1e-9  # the difference does not
    assert "+10.0 +-  0.0" in table(scores) and "3 users, 6 tasks" in table(scores)
    one = report(Scores(("a",), {"ours": [0.5], "theirs": [0.25]}), {})
    assert json.loads(json.dumps(one, allow_nan=False))["methods"]["theirs"]["lead"] == [0.25, None]


def test_cosine_is_the_nearest_mean_direction() -> None:
    z, labels, x = rows()
    scores = cosine(z, labels, x, WAYS)
    for i, query in enumerate(x):
        for k in range(WAYS):
            mean = sum(row / row.norm() for row, y in zip(z, labels, strict=True) if y == k)
            assert isinstance(mean, torch.Tensor)
            expected = (query @ mean / (query.norm() * mean.norm())).item()
            assert scores[i, k].item() == pytest.approx(expected, abs=1e-6)


def test_the_frozen_mahalanobis_head_is_the_dense_formula() -> None:
    z, labels, x = (t.double() if t.is_floating_point() else t for t in rows())
    length = z.shape[1] ** 0.5
    scaled = [t * length / t.norm(dim=1, keepdim=True) for t in (z, x)]
    for head, (support, query) in ((cnaps_raw, (z, x)), (cnaps_unit, scaled)):
        everything = torch.cov(support.T)
        for k in range(WAYS):
            own = support[labels == k]
            share = len(own) / (len(own) + 1)
            spread = torch.cov(own.T) if len(own) > 1 else torch.zeros_like(everything)
            q = share * spread + (1 - share) * everything + torch.eye(6).double()
            d = query - own.mean(0)
            expected = -(d @ q.inverse() * d).sum(1)
            torch.testing.assert_close(head(z, labels, x, WAYS)[:, k], expected)


def test_the_dense_head_is_adam_written_out() -> None:
    generator = torch.Generator().manual_seed(1)
    z, x = (torch.randn(count, 6, generator=generator) for count in (20, 9))
    labels = torch.arange(20) % WAYS
    generator = torch.Generator().manual_seed(0)  # the head's own
    into, out = ((2 * torch.rand(shape, generator=generator).double().numpy() - 1) / shape[0] ** 0.5
                 for shape in ((6, 100), (100, WAYS)))  # fmt: skip
    weights = [into, np.zeros(100), out]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    step = 0
    for _ in range(50):
        order = torch.randperm(20, generator=generator).numpy()
        for part in (order[:16], order[16:]):
            rows = z.double().numpy()[part]
            hidden = np.maximum(rows @ weights[0] + weights[1], 0)
            scores = np.exp(hidden @ weights[2])
            wrong = scores / scores.sum(1, keepdims=True) - np.eye(WAYS)[labels.numpy()[part]]
            wrong /= len(part)
            back = wrong @ weights[2].T * (hidden > 0)
            step += 1
            for i, g in enumerate((rows.T @ back, back.sum(0), hidden.T @ wrong)):
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g**2
                mean, square = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
                weights[i] = weights[i] - 1e-3 * mean / (np.sqrt(square) + 1e-8)
    expected = np.maximum(x.double().numpy() @ weights[0] + weights[1], 0) @ weights[2]
    np.testing.assert_allclose(dense(z, labels, x, WAYS).numpy(), expected, atol=1e-3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("orbit")
    write_tree(root, "test")
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("assets") / "tiny")


def test_every_user_is_asked_equally_often_and_for_all_objects(tree: Path) -> None:
    rules = OrbitRules(way=(99, 99), shots=(2, 2), queries=1)
    asked = EvaluationTasks(OrbitEpisodes(read_split(tree, "test"), rules), 0)
    episodes = list(load(asked, range(4), 0))
    assert [e.group for e in episodes if e] == ["P100", "P200", "P100", "P200"]
    assert [e.task.ways for e in episodes if e] == [3, 2, 3, 2]


def test_a_clip_is_answered_by_the_mean_of_its_frames_probabilities(tree: Path, tiny: Path) -> None:
    rules = OrbitRules(way=(99, 99), shots=(1, 1), queries=2, clip_length=3)
    episode = OrbitEpisodes(read_split(tree, "test"), rules).episode(np.random.default_rng(0))
    task, personaliser = episode.task, load_model(tiny)
    ours = served(personaliser)(task)
    adapted = personaliser.adapt(
        {
            str(k): [clip.numpy() for clip in task.support[task.labels == k]]
            for k in range(task.ways)
        }
    )
    for row, clip in zip(ours, task.query, strict=True):
        np.testing.assert_allclose(row, adapted.predict(clip.numpy()).mean(0), atol=1e-6)


def test_evaluation_runs_from_the_command_line(
    tree: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []
    for workers in ("0", "1"):
        out = tmp_path / f"{workers}.json"
        counts = ["--tasks", "1", "--shots", "1", "--queries", "2", "--workers", workers]
        which = ["--personaliser", str(tiny), "--orbit", str(tree), "--json", str(out)]
        main([*which, *counts, "--threads", "1"])
        written.append(json.loads(out.read_text()))
    printed = capsys.readouterr().out
    assert "2 users, 2 tasks" in printed and "frozen, dense head" in printed
    assert written[0]["methods"] == written[1]["methods"]
    methods = written[0]["methods"]
    assert next(iter(methods)) == str(tiny) and len(methods) == 9
    for name, method in methods.items():
        mean = sum(method["tasks"]) / 2
        assert method["accuracy"][0] == pytest.approx(mean), name
        assert method["lead"][0] == pytest.approx(sum(methods[str(tiny)]["tasks"]) / 2 - mean)


def test_what_cannot_be_evaluated_is_said_in_words(
    tree: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate.torch, "set_num_threads", lambda count: None)
    for arguments, sentence in (
        ([], "There is nothing to evaluate; give --personaliser or --checkpoint."),
        (["--personaliser", "nowhere"], "has no card.json"),
        (["--personaliser", str(tiny), "--split", "train"], "has no split 'train'; it has test."),
        (["--checkpoint", "nowhere"], "There is no checkpoint nowhere."),
        (["--personaliser", str(tiny), "--shots", "0"], "--shots must be at least 1."),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["--orbit", str(tree), *arguments])
        assert sentence in str(stopped.value)


def test_a_sentence_from_a_worker_stays_a_sentence(tmp_path: Path) -> None:
    write_tree(tmp_path, "test")
    for frame in (tmp_path / "test" / "P100").rglob("*.jpg"):
        frame.write_bytes(b"")
    asked = EvaluationTasks(OrbitEpisodes(read_split(tmp_path, "test"), OrbitRules()), 0)
    with pytest.raises(
        InputError, match=r"^The frame \S+[^\n]*is not a whole JPEG\.[^\n]*bad to g"
    ):
        next(load(asked, range(2), 1))
