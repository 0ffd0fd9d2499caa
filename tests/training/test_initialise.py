"""Step 0: embeddings that tell tasks apart, and what is taken over from another checkpoint."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.errors import InputError
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from tests.model.test_nn_parts import frames, random_cnaps
from training.initialise import RIDGE, load_pretrained, whiten
from training.lite import task_embedding
from training.settings.config import LiteConfig

TASK = CnapsConfig(embedding=8)
ONE = replace(TASK, film="constant")


@pytest.fixture(scope="module")
def supports() -> list[Tensor]:
    """24 tasks of 2 support clips of one frame, each task in other colours."""
    return [torch.from_numpy(frames(k, 2))[:, None] for k in range(24)]


def embeddings(model: SimpleCnaps, supports: list[Tensor]) -> Tensor:
    label = torch.zeros(2, dtype=torch.long)
    return torch.stack([task_embedding(model, s, label, LiteConfig()) for s in supports]).double()


def test_whitened_embeddings_have_mean_0_and_covariance_1(supports: list[Tensor]) -> None:
    model = random_cnaps(TASK)
    before = embeddings(model, supports)
    assert before.std(0).mean() < 0.2 * before.abs().mean()  # alike, as a random net has them
    returned = whiten(model, supports)
    after = embeddings(model, supports)
    torch.testing.assert_close(returned.double(), after, rtol=1e-4, atol=1e-4)
    assert after.mean(0).abs().max() < 1e-3
    # an independent reference: along each principal direction, v / (v + ridge) is what remains
    _, s, directions = torch.linalg.svd(before - before.mean(0), full_matrices=False)
    variances = s.square() / len(supports)
    kept = variances / (variances + RIDGE * variances.mean())
    found = (after @ directions.T).var(0, correction=0)
    torch.testing.assert_close(found, kept, rtol=0.02, atol=1e-3)


def test_no_task_moves_the_start_of_film(supports: list[Tensor]) -> None:
    with torch.random.fork_rng():
        model = SimpleCnaps(TASK)
    whiten(model, supports)
    film = model.film(embeddings(model, supports)[0].float())
    assert torch.equal(film, torch.cat([torch.ones(len(film) // 2), torch.zeros(len(film) // 2)]))


def test_alike_tasks_stay_finite(supports: list[Tensor]) -> None:
    model = random_cnaps(TASK)
    whiten(model, [supports[0], supports[0]])
    assert embeddings(model, supports).isfinite().all()


def test_one_film_for_all_is_what_the_tasks_then_vary_around(supports: list[Tensor]) -> None:
    given, model = random_cnaps(ONE), random_cnaps(TASK)
    with torch.no_grad():
        given.log_temperature.fill_(0.5)
    load_pretrained(model, given, "given")
    with torch.no_grad():
        for vector in model.pixel_parts()[1].vectors():
            vector.last.weight.zero_()  # what varies
        own = model.film(embeddings(model, supports)[0].float())
        torch.testing.assert_close(own, given.film(torch.zeros(8)), rtol=1e-5, atol=1e-6)
    assert model.log_temperature.item() == 0.5
    assert not torch.equal(
        model.pixel_parts()[0].project.weight, given.pixel_parts()[0].project.weight
    )


def test_the_same_kind_is_taken_over_whole_and_another_refused() -> None:
    given, model = random_cnaps(TASK), SimpleCnaps(TASK)
    load_pretrained(model, given, "given")
    for (name, a), b in zip(model.state_dict().items(), given.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    with pytest.raises(InputError, match=r"old\.pt was trained with film task, not constant"):
        load_pretrained(SimpleCnaps(ONE), given, "old.pt")
    with pytest.raises(InputError, match=r"old\.pt was trained with sites paper, not deep"):
        load_pretrained(SimpleCnaps(replace(TASK, sites="deep")), given, "old.pt")
    with pytest.raises(InputError, match=r"old\.pt was trained with head mahalanobis, not gener"):
        load_pretrained(SimpleCnaps(replace(TASK, head="generated")), given, "old.pt")
    other = SimpleCnaps(replace(TASK, backbone="tf_efficientnet_b0", inputs="imagenet"))
    with pytest.raises(InputError, match=r"with backbone tf_efficientnet_lite0, not tf_effic"):
        load_pretrained(other, given, "old.pt")
    with pytest.raises(InputError, match=r"old\.pt has embeddings of 8 numbers; .* those of 64"):
        load_pretrained(SimpleCnaps(CnapsConfig()), given, "old.pt")
