"""A person's machine: an environment with app/requirements.txt and nothing of torch."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.app.server import launch
from tests.test_house import TORCH

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with what the app needs, and pytest."""
    folder = tmp_path_factory.mktemp("app only")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    interpreter = folder / "bin" / "python"
    install = [interpreter, "-m", "pip", "install", "-q", "--no-compile"]
    checks = ["pytest", "pytest-timeout", "httpx", "av"]  # av: the oracle of the decoder
    subprocess.run([*install, "-r", ROOT / "app" / "requirements.txt", *checks], check=True)
    return interpreter


def call(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_nothing_of_torch_is_there(python: Path) -> None:
    code = (
        f"from importlib.util import find_spec; print([m for m in {sorted(TORCH)} if find_spec(m)])"
    )
    assert call(python, "-c", code).stdout.strip() == "[]"


@pytest.mark.parametrize("how", [["tests/model"], ["tests", "--collect-only"]], ids=" ".join)
def test_the_models_fast_tests_pass_and_all_others_are_found(python: Path, how: list[str]) -> None:
    """To find a test is to import all that it runs."""
    fast = ["-q", "-m", "not slow and not browser", "-p", "no:cacheprovider"]
    done = call(python, "-m", "pytest", *fast, *how)
    assert done.returncode == 0, done.stdout + done.stderr


def test_adapts_recognises_and_exports(python: Path, tmp_path: Path) -> None:
    samples = ROOT / "assets" / "samples"
    video = sorted(samples.glob("*/clutter/*.mp4"))[0]
    table, model = str(tmp_path / "preds.csv"), str(tmp_path / "mine.onnx")
    done = call(python, "-m", "app", "recognise", "--objects", str(samples), "--video", str(video),
                "--out", table, "--export", model)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(Path(table).read_text().splitlines()) > 30 and Path(model).stat().st_size > 10e6


def test_the_app_starts(python: Path, tmp_path: Path) -> None:
    server = launch(tmp_path, [str(python), "-m", "app"])
    try:
        with urllib.request.urlopen(f"{server.url}/healthz") as answer:
            assert answer.status == 200
    finally:
        server.stop()
