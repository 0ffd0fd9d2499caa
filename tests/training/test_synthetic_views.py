"""Views for pasting: premultiplied, filling their square, the same from the seed."""

from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from tests.training.synthetic_world import open_renderer, write_catalogue
from training.episodes.views import load_views
from training.synthetic.filming.views import render_views, write_views
from training.synthetic.geometry.objects import MeshEntry, read_catalogue


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    open_renderer(16, 16).release()
    folder = tmp_path_factory.mktemp("views") / "objects"
    return write_catalogue(folder, [(220, 40, 40), (40, 60, 220)])


@pytest.fixture(scope="module")
def things(objects: Path) -> tuple[MeshEntry, ...]:
    return read_catalogue(objects)


def test_views_fill_their_square_and_keep_the_colour(
    objects: Path, things: tuple[MeshEntry, ...]
) -> None:
    views = render_views(objects, things, count=6, side=64, processes=1)
    assert views.rgba.shape == (2, 6, 64, 64, 4)
    alpha = views.rgba[..., 3]
    assert (views.rgba[..., :3] <= alpha[..., None]).all()  # premultiplied
    for picture in alpha.reshape(-1, 64, 64) > 128:
        columns, rows = np.flatnonzero(picture.any(0)), np.flatnonzero(picture.any(1))
        longest = max(np.ptp(columns), np.ptp(rows)) + 1
        assert 59 <= longest <= 64
        assert abs(columns[0] + columns[-1] - 63) <= 2 and abs(rows[0] + rows[-1] - 63) <= 2
    solid = alpha > 250
    red, blue = (views.rgba[k][solid[k]][:, :3].mean(0) for k in range(2))
    assert red[0] > 2 * red[2] and blue[2] > 2 * blue[0]


def test_the_file_gives_back_what_was_rendered(
    objects: Path, things: tuple[MeshEntry, ...], tmp_path: Path
) -> None:
    out = tmp_path / "views.npy"
    written = write_views(objects, things, out, count=2, side=32, processes=1)
    loaded = load_views(out)
    again = render_views(objects, things, count=2, side=32, processes=1)
    assert np.array_equal(loaded.rgba, again.rgba)
    assert (loaded.names, loaded.labels, loaded.groups) == (
        written.names,
        written.labels,
        written.groups,
    )
    assert np.allclose(loaded.sizes, 0.1)


def test_a_view_does_not_depend_on_the_other_things(
    objects: Path, things: tuple[MeshEntry, ...]
) -> None:
    both = render_views(objects, things, count=2, side=32, processes=1)
    second = render_views(objects, things[1:], count=2, side=32, processes=1)
    assert second.names == both.names[1:] and np.array_equal(second.rgba, both.rgba[1:])


def test_damaged_views_are_refused_in_words(
    objects: Path, things: tuple[MeshEntry, ...], tmp_path: Path
) -> None:
    out = tmp_path / "views.npy"
    write_views(objects, things, out, count=2, side=32, processes=1)
    whole, about = out.read_bytes(), out.with_suffix(".json").read_text()
    for data, text, sentence in (
        (whole[:900], about, "are damaged; render them again"),
        (whole, about[:9], "are damaged; render them again"),
        (whole, about.replace("[0.1, 0.1]", "[0.1]"), r"is not about .*views\.npy"),
    ):
        out.write_bytes(data)
        out.with_suffix(".json").write_text(text)
        with pytest.raises(InputError, match=sentence):
            load_views(out)
    np.save(out, np.zeros((2, 3)))
    with pytest.raises(InputError, match="holds no views"):
        load_views(out)


def test_missing_views_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no views at"):
        load_views(tmp_path / "views.npy")
