"""What the page's coach says to clips, good ones and spoilt ones, in one page of a real browser."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

import cv2
import numpy as np
from playwright.sync_api import Page

from model import Adapted, Personaliser
from tests.app.staged import (
    LOOKS,
    SIDES,
    STAGED,
    Clip,
    again,
    answers,
    covered,
    elsewhere,
    far_away,
)

# Every hint that is given to a clip, in order, `before` being the clip before of the same thing.
HINTS = """async ([name, frames, answers, before]) => {
  const { Coach } = await import("/page/coach.js");
  const canvas = new OffscreenCanvas(224, 224);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = async (jpeg) => {
    const blob = new Blob([Uint8Array.from(atob(jpeg), (c) => c.charCodeAt(0))]);
    pen.drawImage(await createImageBitmap(blob), 0, 0);
    return pen.getImageData(0, 0, 224, 224).data;
  };
  const earlier = new Coach();
  for (const [n, jpeg] of before.entries()) earlier.see(await pixels(jpeg), 100 * n);
  const coach = new Coach(name, before.length ? earlier.place : null);
  const hints = [];
  for (const [n, jpeg] of frames.entries()) {
    if (answers.length) coach.hear(answers[n], false, 100 * n);
    const hint = coach.see(await pixels(jpeg), 100 * n);
    if (hint && hint !== hints.at(-1)) hints.push(hint);
  }
  return hints;
}"""


@dataclass(frozen=True)
class Score:
    """How the coach does with one way to spoil a clip."""

    kind: str
    right: float  # share of the spoilt clips that get their hint and no other
    of: int  # spoilt clips
    false: float  # share of the good clips that get this hint


def hints(
    page: Page, clip: Clip, before: Clip | None = None, model: Adapted | None = None
) -> list[str]:
    """What the coach says; before: the clip before of its thing; model: what knows the thing."""
    told = answers(model, clip) if model else []
    return page.evaluate(HINTS, [clip.thing, _sent(clip), told, _sent(before) if before else []])


def measure(page: Page, models: dict[str, Adapted], clips: list[Clip]) -> tuple[list[Score], float]:
    """A score for each way, and the share of good clips that get any hint.

    Each clip is coached by a model that was taught the other clip of every thing, after a clip from
    another place.
    """
    rng = np.random.default_rng(0)
    good = [hints(page, clip, elsewhere(clip, clips), models[clip.name]) for clip in clips]
    scores = []
    for kind, (hint, spoil) in STAGED.items():
        knows = models if hint in (*SIDES, "hand") else {}
        told = [hints(page, spoil(c, rng), None, knows.get(c.name)) for c in _to_spoil(clips)]
        scores.append(_score(kind, hint, told, good))
    told = [hints(page, now, then) for then, now in (again(c, clips) for c in clips)]
    scores.append(_score("the same place", "same", told, good))
    return scores, float(np.mean([bool(given) for given in good]))


def other_way_round(page: Page, models: dict[str, Adapted], clips: list[Clip]) -> list[Score]:
    """Of a hand without a model, as in a first clip, and of what is too small with one."""
    rng = np.random.default_rng(0)
    told = [hints(page, covered(clip, rng)) for clip in _to_spoil(clips)]
    first = _score("a hand, first clip", "hand", told, [hints(page, clip) for clip in clips])
    far = [hints(page, far_away(c, rng), None, models[c.name]) for c in _to_spoil(clips)]
    good = [hints(page, c, None, models[c.name]) for c in clips]
    return [first, _score("too small, further clip", "small", far, good)]


def models_of(personaliser: Personaliser, clips: list[Clip]) -> dict[str, Adapted]:
    """For the clips of each name what was taught all the others."""
    return {
        name: personaliser.adapt({c.thing: [np.array(c.frames)] for c in clips if c.name != name})
        for name in sorted({clip.name for clip in clips})
    }


def _to_spoil(clips: list[Clip]) -> list[Clip]:
    """Those whose thing has a box, cut to as many looks as are needed."""
    return [replace(c, frames=c.frames[:LOOKS]) for c in clips if c.boxes is not None]


def _score(kind: str, hint: str, told: list[list[str]], good: list[list[str]]) -> Score:
    right = np.mean([given == [hint] for given in told])
    return Score(kind, float(right), len(told), float(np.mean([hint in given for given in good])))


def _sent(clip: Clip) -> list[str]:
    coded = (cv2.imencode(".jpg", cv2.cvtColor(f, cv2.COLOR_RGB2BGR))[1] for f in clip.frames)
    return [base64.b64encode(jpeg.tobytes()).decode() for jpeg in coded]
