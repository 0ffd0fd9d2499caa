"""What runs without the server: a bundle proves itself, a model goes to its own page only."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.device.bundle import FOLDER, GOLDEN, contents, write_bundle
from app.device.runtime import FILES, runtime_files
from app.live import GONE
from app.live.model import model_route
from app.words.language import language_files
from model import Adapted, InputError, load_model
from tests.app.fakes import BLUE, RED, frames, house
from tests.app.server import ROOT
from tests.tiny import CALIBRATION, write_tiny

DEVICE = ROOT / "app" / "device"
LESSON = np.concatenate([frames(RED, 20), frames(BLUE, 20)])


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files in place of onnxruntime's: its own are 14 MB and need npm."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(name)
    monkeypatch.setattr(runtime_files, "__defaults__", (folder,))
    return folder


@pytest.fixture(params=[None, CALIBRATION], ids=["old", "calibrated"])
def adapted(request: pytest.FixtureRequest, tmp_path: Path) -> Adapted:
    tiny = load_model(write_tiny(tmp_path / "tiny", calibration=request.param))
    return tiny.adapt({"red {0} *": [LESSON[:20]], "blue 🔵": [LESSON[20:]]})


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """As somebody runs it who has nothing of ours: -I, and from elsewhere."""
    return subprocess.run(
        [sys.executable, "-I", folder / "check.py"], cwd="/", capture_output=True, text=True
    )


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(bytes(content))


def test_a_bundle_proves_itself_and_one_changed_byte_is_noticed(
    adapted: Adapted, runtime: Path, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "b.zip", adapted, LESSON, ["Nearly all looks were named right."])
    with ZipFile(tmp_path / "b.zip") as bundle:
        bundle.extractall(tmp_path)
    folder = tmp_path / FOLDER
    assert np.load(folder / "golden.npy").shape == (GOLDEN, 224, 224, 3)
    card = (folder / "MODEL_CARD.md").read_text()
    assert r"# red \{0\} \*, blue 🔵" in card and "- Nearly all looks" in card
    assert "MIT License" in (folder / "LICENCES.md").read_text()
    good = check(folder)
    assert good.returncode == 0, good.stderr
    for name in ("model.onnx", "golden.npy"):
        for at in (-1, (folder / name).stat().st_size // 2):
            flip(folder / name, at)
            changed = check(folder)
            assert changed.returncode == 1 and f"{name} was changed" in changed.stderr
            flip(folder / name, at)
    made = json.loads((folder / "things.json").read_text())
    made["expected"]["probabilities"][0][0] += 0.01
    (folder / "things.json").write_text(json.dumps(made))
    assert "away from what they were" in check(folder).stderr


def test_what_checks_needs_numpy_and_onnxruntime_only() -> None:
    tree = ast.walk(ast.parse((DEVICE / "check.py").read_text()))
    used = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    assert used - set(sys.stdlib_module_names) == {"numpy", "onnxruntime"}


def test_the_page_has_all_that_it_imports_and_nothing_else(adapted: Adapted, runtime: Path) -> None:
    there = contents(adapted, LESSON, [], adapted.answers)
    named = set(re.findall(r'(?:href|src)="([^"]+)"', there["index.html"].decode()))
    for path, code in there.items():
        if path.startswith("page/") and path.endswith(".js"):
            others = re.findall(r"""["'`]([^"'`\s]+\.js)["'`]""", code.decode())
            named |= {os.path.normpath(f"page/{other}") for other in others}
    named.remove("page/offline.js")  # beside the page, and so named
    named |= {f"page/{name}" for name in language_files()}
    assert named == {path for path in there if path.startswith("page/")}


def opened(body: bytes) -> tuple[list[str], bytes]:
    """Names and file of what `/model` answers."""
    begins = 4 + int.from_bytes(body[:4], "little")
    return json.loads(body[4:begins]), body[begins:]


def test_a_room_gives_its_model_to_its_own_page_only(adapted: Adapted, tmp_path: Path) -> None:
    rooms = house(tmp_path / "house").rooms
    room, api = rooms.open(), FastAPI()
    api.include_router(model_route(rooms))
    page, own = TestClient(api), {"authorization": f"Bearer {room.token}"}
    assert page.get("/model").status_code == 401
    assert (
        page.get("/model", headers={"authorization": "Bearer guess"}).json()["said"] == GONE.message
    )
    early = page.get("/model", headers=own)
    assert early.status_code == 409 and "Nothing is learned yet" in early.json()["problem"]
    room.adapted = adapted
    got = page.get("/model", headers=own)
    assert got.headers["cache-control"] == "no-store"
    assert opened(got.content) == (list(adapted.names), adapted.to_bytes())


def test_without_the_runtime_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"python -m app\.device\.install"):
        runtime_files(tmp_path)


def test_npm_checks_every_package_against_a_hash() -> None:
    wanted = json.loads((DEVICE / "package.json").read_text())["dependencies"]
    lock = json.loads((DEVICE / "package-lock.json").read_text())["packages"]
    assert lock.pop("")["dependencies"] == wanted
    assert lock["node_modules/onnxruntime-web"]["version"] == wanted["onnxruntime-web"]
    assert all(package["integrity"].startswith("sha512-") for package in lock.values())


def test_nothing_of_the_runtime_is_in_git() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout")
    assert not re.search(r"\.wasm$|/ort[.-]|node_modules", listed.stdout, re.M)
