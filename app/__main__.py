"""The command line: `python -m app` starts the app; its other commands need no browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from app.device.bundle import write_bundle
from app.device.runtime import runtime_files
from app.device.site import write_site
from app.folders import read_objects
from app.learning import Progress
from app.naming.frames import NamedFrame, name_video, write_csv
from app.profile.file import read_profile
from app.words.report_card import sentences
from model import InputError, Personaliser, Seen, SupportSet, load_model
from model.frames import stream

PROFILE_HELP = "a file that the page saved, in place of --objects"
OBJECTS_HELP = "a folder with one folder of clips or photos for each object, named like the object"
CHECKPOINT_HELP = "a personaliser folder (default: the shipped one)"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, or 2 after one line on stderr about bad input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # a folder that may not be read, a full disk behind a redirection
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as shells say it
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    _serve_options(parser)
    parser.set_defaults(run=_serve, **_defaults())
    commands = parser.add_subparsers(
        title="commands", metavar="{serve,recognise,export,report,static}"
    )
    given: dict[str, Any] = {"argument_default": argparse.SUPPRESS}  # else it hides the parser's
    serve = commands.add_parser("serve", help="start the app in the browser (default)", **given)
    _serve_options(serve)
    serve.set_defaults(run=_serve)
    recognise = commands.add_parser(
        "recognise", help="name the objects in a video, frame by frame", **given
    )
    _taught_options(recognise)
    recognise.add_argument("--video", type=Path, required=True, metavar="FILE", help="the video")
    recognise.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="CSV",
        help="the table: frame, time_s, label (empty: none of them), confidence, unknown, "
        "one column per object",
    )
    recognise.add_argument(
        "--export", type=Path, default=None, metavar="ONNX", help="also save the adapted model"
    )
    _checkpoint_option(recognise)
    recognise.set_defaults(run=_recognise)
    export = commands.add_parser("export", help="save a model adapted to the objects", **given)
    _taught_options(export)
    export.add_argument("--out", type=Path, default=None, metavar="ONNX", help="the model")
    export.add_argument(
        "--bundle",
        type=Path,
        default=None,
        metavar="ZIP",
        help="the model, a page that runs it "
        "offline in any browser, and a check that it answers as here",
    )
    _checkpoint_option(export)
    export.set_defaults(run=_export)
    report = commands.add_parser(
        "report", help="say how good a model of the objects will be", **given
    )
    _taught_options(report)
    _checkpoint_option(report)
    report.set_defaults(run=_report)
    static = commands.add_parser(
        "static", help="write a site that does without a server, for any static host", **given
    )
    static.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    _checkpoint_option(static)
    static.set_defaults(run=_static)
    return parser


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        help="address to listen at (default: HOST, else 127.0.0.1, with --https every one)",
    )
    parser.add_argument("--port", type=int, help="port (default: PORT, else 7860)")
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        help="the path below which a proxy shows the app, such as /things (default: ROOT_PATH)",
    )
    parser.add_argument(
        "--allowed-origin",
        action="append",
        metavar="ORIGIN",
        help="another address whose pages may use the app, such as https://things.example.org "
        "(repeatable; default: ALLOWED_ORIGINS, between blanks)",
    )
    parser.add_argument(
        "--https",
        action="store_true",
        help="for a phone in the same network: make a certificate for this machine, print the "
        "address as a QR code",
    )
    _checkpoint_option(parser)


def _taught_options(parser: argparse.ArgumentParser) -> None:
    taught = parser.add_mutually_exclusive_group(required=True)
    taught.add_argument("--objects", type=Path, default=None, metavar="DIR", help=OBJECTS_HELP)
    taught.add_argument("--profile", type=Path, default=None, metavar="FILE", help=PROFILE_HELP)


def _checkpoint_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, metavar="DIR", help=CHECKPOINT_HELP)


def _defaults() -> dict[str, Any]:
    """Of the options that may stand before a command and after it."""
    return {
        "host": os.environ.get("HOST", ""),
        "port": os.environ.get("PORT", "7860"),
        "root_path": os.environ.get("ROOT_PATH", ""),
        "allowed_origin": os.environ.get("ALLOWED_ORIGINS", "").split(),
        "https": False,
        "checkpoint": None,
    }


def _serve(options: argparse.Namespace) -> None:
    # Gradio takes three seconds to import; the other commands do without.
    from app.serve import Serving, serve

    origins = tuple(options.allowed_origin)
    serving = Serving(options.host, options.port, options.root_path, origins, options.https)
    serve(load_model(options.checkpoint), serving)


def _recognise(options: argparse.Namespace) -> None:
    taught = _taught(options)
    outputs = [path for path in (options.out, options.export) if path]
    _check_outputs(outputs, [options.video, *taught.files])
    next(stream(options.video))  # a video that cannot be read is said before anything is learned
    personaliser = load_model(options.checkpoint)
    _, seen = _see(personaliser, taught)
    adapted = personaliser.fit(seen)
    if options.export:
        adapted.save(options.export)
    with tqdm(desc="naming", unit=" frames") as bar:
        write_csv(options.out, adapted.names, _counted(name_video(adapted, options.video), bar))
    _done(options.out, f"{bar.n} frames of {options.video.name}")


def _export(options: argparse.Namespace) -> None:
    taught = _taught(options)
    outputs = [path for path in (options.out, options.bundle) if path]
    if not outputs:
        raise InputError("Say what to write: --out for the model, --bundle for a page with it.")
    _check_outputs(outputs, taught.files)
    if options.bundle:
        runtime_files()  # what is missing is said before anything is learned
    personaliser = load_model(options.checkpoint)
    support, seen = _see(personaliser, taught)
    adapted = personaliser.fit(seen)
    if options.out:
        adapted.save(options.out)
        _done(options.out, f"a model of {len(taught.objects)} objects")
    if options.bundle:
        report = sentences(personaliser.report(seen))
        write_bundle(options.bundle, adapted, support.frames()[0], report)
        _done(options.bundle, f"a page that names {len(taught.objects)} objects")


def _report(options: argparse.Namespace) -> None:
    taught, personaliser = _taught(options), load_model(options.checkpoint)
    _, seen = _see(personaliser, taught)
    print(*sentences(personaliser.report(seen)), sep="\n")


def _static(options: argparse.Namespace) -> None:
    size = write_site(options.out, options.checkpoint)
    host = f"python -m http.server -d {options.out}"
    print(f"{options.out}: a site of {size / 1e6:.1f} MB; try it: {host}")


@dataclass(frozen=True)
class Taught:
    """What a command learns from."""

    objects: Mapping[str, Sequence[str | np.ndarray]]
    foreign: Sequence[np.ndarray]  # clips that show none of them
    files: list[Path]  # which it may not overwrite


def _taught(options: argparse.Namespace) -> Taught:
    """What a folder or a profile teaches; what was left out of a folder is said."""
    if options.profile:
        with read_profile(options.profile) as (profile, clips):
            things = [thing for thing in profile.things if thing.clips]
            if len(things) < 2:
                raise InputError(
                    f"{options.profile} holds {len(things)} things with a clip; teach at least 2."
                )
            objects = {thing.name: [next(clips) for _ in thing.clips] for thing in things}
            return Taught(objects, list(clips), [options.profile])
    found = read_objects(options.objects)
    if found.left_out:
        print(found, file=sys.stderr)
    return Taught(found.objects, [], [Path(c) for clips in found.objects.values() for c in clips])


def _done(out: Path, what: str) -> None:
    """Say what was written, unless it was written to where this would go."""
    print(f"{out}: {what}", file=sys.stdout if out.is_file() else sys.stderr)


def _check_outputs(outputs: list[Path], inputs: list[Path]) -> None:
    """Nothing that was given may be overwritten, and there must be a place for every result."""
    for path in outputs:
        if not path.name or path.is_dir():
            raise InputError(f"{path} is a folder; give the name of a file to write.")
        if not path.parent.is_dir():
            raise InputError(f"There is no folder {path.parent} to write {path.name} to.")
        if path.exists() and any(other.exists() and path.samefile(other) for other in inputs):
            raise InputError(f"{path} is one of the files given; give another name for the result.")
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise InputError("The two results need two names.")


def _see(personaliser: Personaliser, taught: Taught) -> tuple[SupportSet, Seen]:
    support = SupportSet.read(taught.objects)
    with tqdm(desc="learning", unit=" frames") as bar:
        return support, personaliser.see(support, _progress(bar), None, taught.foreign)


def _progress(bar: tqdm) -> Progress:
    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return progress


def _counted(rows: Iterator[NamedFrame], bar: tqdm) -> Iterator[NamedFrame]:
    for row in rows:
        bar.update()
        yield row


if __name__ == "__main__":
    sys.exit(main())
