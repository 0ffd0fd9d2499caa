"""The experiments measure what they say."""

import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
import pytest
import torch

from model.nn.checkpoint import save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from training.episodes.domains.sources import DOMAIN_OF
from training.experiments.cost import Cost, cost, random_task
from training.experiments.embedding import FILMS, Asked, compare, main
from training.experiments.given import effective_rank
from training.experiments.gradient import ESTIMATORS, N, Quality, qualities
from training.experiments.lite import write
from training.experiments.step import H, _bare
from training.lite import backward
from training.settings.config import LiteConfig


def test_only_lites_gradient_is_unbiased_and_all_are_exact_with_every_frame() -> None:
    found = qualities([2, 4, N])
    ours, *others = (found[name] for name in ESTIMATORS)
    assert max(ours[h].bias for h in (2, 4, N)) < 1e-9
    assert ours[2].error > ours[4].error > 0.1 and ours[N].error < 1e-9
    for other in others:
        assert other[4].bias > 0.1 and other[N].bias < 1e-9
    assert 2 not in found[ESTIMATORS[-1]]  # two frames cannot show three classes


def test_the_plots_are_written_with_their_numbers(tmp_path: Path) -> None:
    found = {name: {1: Quality(0.5, 1.0), 2: Quality(0.25, 0.5)} for name in ESTIMATORS}
    costs = {"LITE": {10: Cost(0.5, 1.0), 50: Cost(0.5, 3.0)}, "full": {10: Cost(0.6, 1.0)}}
    write(tmp_path, found, costs)
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["cost"]["LITE"]["50"] == {"gigabytes": 0.5, "seconds": 3.0}
    assert numbers["gradient"][ESTIMATORS[0]]["2"] == {"bias": 0.25, "error": 0.5}
    first = {name: (tmp_path / name).read_bytes() for name in ("gradient.svg", "cost.svg")}
    write(tmp_path, found, costs)
    assert all((tmp_path / name).read_bytes() == data for name, data in first.items())


def test_embeddings_are_compared_on_held_out_tasks_of_every_source(
    photos: Path, views: Path, fonts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(tmp_path / "c.safetensors", SimpleCnaps(CnapsConfig(film="constant")), {})
    words = ["--photos", str(photos), "--views", str(views), "--fonts", str(fonts), "--way", "2",
             "--shots", "1", "--queries", "1", "--validation", str(len(DOMAIN_OF))]  # fmt: skip
    main([str(tmp_path / "c.safetensors"), *words])
    head, *lines, film = capsys.readouterr().out.splitlines()
    assert all(f"own - {name}" in head for name in FILMS[1:-1]) and FILMS[-1] not in head
    named = [line.split()[0] for line in lines]
    assert sorted(named) == sorted({*DOMAIN_OF, *DOMAIN_OF.values(), "all"})
    for line in lines:  # one FiLM for all tasks, which is none
        assert line.count("+0.0 ±") == 3
    assert film == "FiLM: 0.0000 between tasks, effective rank 0.0"
    with pytest.raises(SystemExit, match="There is no checkpoint"):
        main([str(tmp_path / "nowhere.safetensors"), *words])
    save_checkpoint(tmp_path / "task.safetensors", SimpleCnaps(CnapsConfig(film="task")), {})
    with pytest.raises(SystemExit, match=r"--film task on .*; --constant takes"):
        main([str(tmp_path / "c.safetensors"), *words, "--constant",
              str(tmp_path / "task.safetensors")])  # fmt: skip
    with pytest.raises(SystemExit, match="need --photos, --views and --fonts"):
        main([str(tmp_path / "c.safetensors"), "--photos", str(photos)])


@pytest.mark.parametrize("film", ["constant", "task"])
def test_another_tasks_embedding_matters_only_where_film_listens(
    film: Literal["constant", "task"],
) -> None:
    torch.manual_seed(0)
    model = SimpleCnaps(CnapsConfig(film=film, windows=()))
    with torch.no_grad():
        for vector in model.pixel_parts()[1].vectors():
            vector.r.fill_(0.3)
    dark, light = random_task(4, 2, 4), random_task(4, 2, 4)
    light = replace(light, support=light.support // 2 + 128)
    found = compare(model, [Asked("cameras", dark), Asked("fonts", light)])
    own, mean, other, _ = found.right.T
    if film == "constant":
        assert effective_rank(found.films) == 0.0
        assert np.array_equal(own, mean) and np.array_equal(own, other)
    else:
        # Two tasks differ in one direction.
        assert effective_rank(found.films) == pytest.approx(1.0, abs=1e-3)
        crossed = compare(model, [Asked("fonts", light), Asked("cameras", dark)], found.films[0])
        assert np.array_equal(crossed.right[:, :4], found.right[::-1])  # in any order the same
        assert crossed.right[:, 4].tolist() == [other[1], own[0]]  # the one for all: of `dark`


def test_effective_rank_is_the_number_of_directions_that_films_take_alike() -> None:
    axes = torch.eye(3, 8)
    films = 5 + torch.cat([axes, -axes])
    assert effective_rank(films) == pytest.approx(3)
    # Half, a quarter and a quarter of what singular values sum to: exp(1.5 ln 2).
    uneven = films[0].new_tensor([2, 1, 1])[:, None] * axes
    assert effective_rank(torch.cat([uneven, -uneven])) == pytest.approx(2**1.5)


@pytest.mark.slow
def test_lites_memory_does_not_follow_n_and_full_back_propagations_does() -> None:
    # what the allocator leaves unused varies by a tenth from process to process
    lite = [median(cost(n, 2, "cpu", 1).gigabytes for _ in range(3)) for n in (20, 60)]
    full = cost(20, None, "cpu", 1).gigabytes
    assert lite[1] <= 1.2 * lite[0]
    assert full > 1.5 * lite[0]


@pytest.mark.slow
def test_the_bare_passes_reach_the_parameters_that_a_step_trains() -> None:
    """So that what a step is compared with leaves none of its work out."""
    reached = []
    for bare in (True, False):
        torch.manual_seed(0)
        model = SimpleCnaps(CnapsConfig(sites="deep", windows=()))
        task = random_task(H + 2, 2, 2)
        if bare:
            _bare(model, task, 16)
        else:
            backward(model, task, LiteConfig(), torch.Generator().manual_seed(0))
        reached.append({n for n, p in model.named_parameters() if p.grad is not None})
    assert reached[1] - reached[0] == {"log_temperature"}  # the head's, which is no pass
    assert not reached[0] - reached[1]
