"""results.json as the challenge takes it, of both years, checked before it is written.

2021 (and the challenge of spring 2022): {user: {user_objects, user_videos: {video: [label of frame
1, 2, ...]}}}, of one task a user. 2022: {user: [{task_object_list, task_videos: {video: {frame:
label}}, task_macs_to_personalise} of every task]}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from model.errors import InputError
from training.evaluation.orbit.metrics import Named
from training.evaluation.orbit.protocol import UserTask

STRICT = ConfigDict(strict=True, extra="forbid")


@with_config(STRICT)
class User2021(TypedDict):
    """A user of the challenge."""

    user_objects: list[str]
    user_videos: dict[str, list[int]]


@with_config(STRICT)
class Task2022(TypedDict):
    """A task since December 2022."""

    task_object_list: list[str]
    task_videos: dict[str, dict[str, int]]
    task_macs_to_personalise: int


SCHEMAS: dict[str, TypeAdapter[Any]] = {
    "2021": TypeAdapter(dict[str, User2021]),
    "2022": TypeAdapter(dict[str, list[Task2022]]),
}


def submission(
    protocol: str, tasks: Sequence[UserTask], named: Sequence[Sequence[Named]], macs: Sequence[int]
) -> dict[str, Any]:
    """results.json of these tasks; named: of each task its videos, macs: to personalise each."""
    found: dict[str, Any] = {}
    for task, videos, count in zip(tasks, named, macs, strict=True):
        if protocol == "2021":
            given = {video.video: list(video.given) for video in videos}
            found.setdefault(
                task.user, {"user_objects": list(task.objects), "user_videos": given}
            )  # the first task's
            continue
        frames = {
            asked.name: {_number(frame.name): label for frame, label in
                         zip(asked.frames, video.given, strict=True)}
            for asked, video in zip(task.videos, videos, strict=True)
        }  # fmt: skip
        entry = {"task_object_list": list(task.objects), "task_videos": frames}
        found.setdefault(task.user, []).append(entry | {"task_macs_to_personalise": count})
    check(protocol, found)
    return found


def check(protocol: str, results: Any) -> None:
    """InputError that says where `results` is not laid out as the challenge's."""
    try:
        SCHEMAS[protocol].validate_python(results)
    except ValidationError as error:
        first = error.errors()[0]
        place = " > ".join(map(str, first["loc"]))
        raise InputError(
            f"results.json is not the challenge's of {protocol}: at {place}, {first['msg']}."
        ) from error
    for user, content in results.items():
        for task in content if protocol == "2022" else [content]:
            ways = len(task["task_object_list" if protocol == "2022" else "user_objects"])
            for video, labels in task[
                "task_videos" if protocol == "2022" else "user_videos"
            ].items():
                values = labels.values() if isinstance(labels, dict) else labels
                if not all(0 <= label < ways for label in values):
                    raise InputError(
                        f"results.json gives {video} of {user} a label outside its {ways} objects."
                    )


def _number(frame: str) -> str:
    """P1--mug--clean--x-00012.jpg -> "12"; a frame that is not numbered keeps its name."""
    stem = frame.removesuffix(".jpg")
    number = stem.rpartition("-")[2]
    return str(int(number)) if number.isdecimal() else stem
