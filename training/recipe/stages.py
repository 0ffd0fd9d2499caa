"""What the recipe runs: the table of trainings with their seeds and options, and every stage as a
command of `training` that could be typed by hand.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.plan.stage import Stage

NAME = "simple_cnaps"
# A trial's stages are those of the recipe with as little in them as they take.
TRIAL_VIEWS = "--views 2 --side 32 --processes 1"
TRIAL_TASKS = "--way 3 --shots 1 --workers 0"
TRIAL_RUN = TRIAL_TASKS + " --queries 1 --validation 1"


@dataclass(frozen=True)
class Training:
    """One training of LITE; all but the last have one FiLM for all tasks."""

    name: str
    steps: int
    options: str
    start: str = ""  # a training or a mean before it; empty: the frozen net
    scans_only: bool = False  # of the objects, the first folder alone


# A specialist is the mean of several trainings, which err in other directions; training/README.md
# says what each kind of episode brings and takes. At rate 0 stays the frozen net, which
# pulls a mean back.
CLASSES = (
    Training("mixed", 800, "--windows 5", scans_only=True),
    Training("mixed-2", 550, "--seed 2 --windows 4", scans_only=True),
    Training("photos", 700, "--seed 10 --weight-composites 0 --weight-classes 0.2 --windows 4"),
    Training("classes-more", 160, "--seed 11 --weight-composites 0 --weight-photos 0.6 "
             "--weight-classes 1 --windows 4", start="classes-first"),
    Training("frozen", 1, "--weight-composites 0 --windows 4 --rate 0 --rate-temperature 0"),
)  # fmt: skip
COMPOSITES = (
    Training("renders", 700, "--seed 10 --weight-composites 1.5 --weight-classes 0.2 "
             "--windows 4"),
    Training("renders-20", 480, "--seed 20 --weight-photos 1.5 --windows 4", start="renders"),
    Training("renders-21", 480, "--seed 21 --weight-photos 1.5 --windows 4", start="renders"),
)  # fmt: skip
FIRST = ("classes-first", CLASSES[:3])  # the mean that `classes-more` starts from
# The set encoder and the FiLM of the other domains, from the blend of the two specialists.
BLEND = Training("domains", 800, "--context blend --weight-domains 1 --weight-composites 0 "
                 "--weight-photos 0 --weight-classes 0 --windows 4 --tasks 2 "
                 "--rate 1e-3 --rate-temperature 0 --way 5", start="blend")  # fmt: skip


def stages(data: argparse.Namespace, out: Path) -> list[Stage]:
    """All of the recipe, in order."""
    trial = data.trial
    views = [out / f"views-{number}.npy" for number in range(len(data.objects))]
    turned = TRIAL_VIEWS.split() if trial else []
    found = [
        _stage("training.synthetic.__main__", path, "views", "--objects", objects, *turned)
        for path, objects in zip(views, data.objects, strict=True)
    ]
    sources = ["--photos", *data.photos]
    sources += ["--surfaces", data.surfaces] if data.surfaces else []
    sources += ["--cutouts", *data.cutouts] if data.cutouts else []
    sources += ["--apart", data.apart] if data.apart else []
    fonts = ["--fonts", data.fonts]
    filmed = ["--orbit", data.people] if data.people else []

    def trained(training: Training) -> Stage:
        shown = views[:1] if training.scans_only else views
        start = ["--start", _weights(out, training.start)] if training.start else []
        asked = 12 if training is BLEND else 9  # a source of episodes at least once
        more = TRIAL_RUN.split() if trial else ["--validation", asked]
        steps = 1 if trial else training.steps
        kind = [*fonts, *filmed] if training is BLEND else ["--film", "constant"]
        words = [*sources, "--views", *shown, *kind, "--threads", "1",
                 *training.options.split(), *start, "--steps", steps, *more]  # fmt: skip
        run = out / training.name
        argv = ("--out", str(run), *map(str, words))
        return Stage("training.train", argv, _weights(out, training.name))

    def mean(name: str, of: Sequence[Training]) -> Stage:
        parts = [_weights(out, training.name) for training in of]
        return _stage("training.average", _weights(out, name), *parts)

    for training in CLASSES:
        if training.start == FIRST[0]:
            found.append(mean(*FIRST))
        found.append(trained(training))
    found += [mean("classes", CLASSES), *map(trained, COMPOSITES), mean("composites", COMPOSITES)]
    kinds = [("--" + kind, _weights(out, kind)) for kind in ("composites", "classes")]
    size = ["--whitening", "2", *TRIAL_TASKS.split()] if trial else ["--whitening", "30"]
    found.append(
        _stage("training.blend", _weights(out, "blend"), *kinds[0], *kinds[1], *sources, *fonts,
               *filmed, "--views", *views, "--way", 5, "--threads", "1", *size)
    )  # fmt: skip
    found.append(trained(BLEND))
    runs = [out / training.name for training in (*CLASSES, *COMPOSITES, BLEND)]
    folder = out / NAME
    found.append(_stage("training.export.export", folder, _weights(out, BLEND.name), "--windows",
                        3, 4, "--runs", *runs))  # fmt: skip
    if data.people:
        words = (str(folder), "--orbit", str(data.people))
        found.append(Stage("training.calibration.clutter", words, folder / "clutter.f32"))
    size = ["--tasks", "6", *TRIAL_TASKS.split()] if trial else ["--way", "12"]
    argv = tuple(map(str, (folder, *sources, "--views", *views, *size)))
    return [*found, Stage("training.calibration.calibrate", argv, folder / "calibration.json")]


def _stage(module: str, makes: Path, *words: object) -> Stage:
    """A command that is told with --out what it makes."""
    return Stage(module, (*map(str, words), "--out", str(makes)), makes)


def _weights(out: Path, name: str) -> Path:
    """The checkpoint of a training, of a mean or of the whole."""
    trainings = {training.name for training in (*CLASSES, *COMPOSITES, BLEND)}
    return out / name / "last.safetensors" if name in trainings else out / f"{name}.safetensors"
