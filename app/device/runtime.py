"""onnxruntime for browsers: where it lies once it is installed. Nothing of it is in git."""

from __future__ import annotations

import sys
from pathlib import Path

import onnxruntime

from app.words.language import Refused, Said

# Beside the packages of the environment, and with them it goes.
RUNTIME = Path(sys.prefix) / "share" / "onnxruntime-web"
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = (SCRIPT, WASM)
# What adapting in a page needs besides: ml-matrix, protobufjs, fast-png and fflate in one file.
LEARNING = ("learning.min.mjs", "learning.LICENSES.txt")


def runtime_files(folder: Path = RUNTIME) -> list[Path]:
    """The files of the runtime; InputError unless all are there."""
    return _files(folder, FILES)


def learning_files(folder: Path = RUNTIME) -> list[Path]:
    """The files that adapting needs besides; InputError unless all are there."""
    return _files(folder, LEARNING)


def runtime_licences() -> dict[str, bytes]:
    """Those of onnxruntime: its Python package has the notices that the one of npm lacks."""
    theirs = Path(onnxruntime.__file__).parent
    names = ("LICENSE", "ThirdPartyNotices.txt")
    return {f"runtime/{name}": (theirs / name).read_bytes() for name in names}


def _files(folder: Path, names: tuple[str, ...]) -> list[Path]:
    files = [folder / name for name in names]
    if not all(file.is_file() for file in files):
        raise Refused(Said("device-missing"))
    return files
