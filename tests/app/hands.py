"""A drawn hand on an arm, which lies over a thing."""

from __future__ import annotations

import cv2
import numpy as np


def lay_over(frame: np.ndarray, box: np.ndarray, skin: np.ndarray, angle: float) -> np.ndarray:
    """A frame (S, S, 3) uint8 RGB whose box (left, top, right, bottom: pixels) a hand as large as
    the box covers, its skin RGB; its arm leaves the picture in the direction of `angle` (radians).
    """
    middle, extent = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    out = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-out[1], out[0]])
    length, width = float(extent @ np.abs(out)), float(extent @ np.abs(across))
    hand, gaps = (np.zeros(frame.shape[:2], np.uint8) for _ in range(2))
    palm = middle + 0.15 * length * out
    tips, knuckles = palm - 0.55 * length * out, palm - 0.15 * length * out

    def line(to: np.ndarray, start: np.ndarray, end: np.ndarray, thickness: float) -> None:
        ends = (start.astype(int).tolist(), end.astype(int).tolist())
        cv2.line(to, *ends, 255, max(2, round(thickness)), cv2.LINE_AA)

    for place in (-0.36, -0.12, 0.12, 0.36):
        aside = width * place * across
        line(hand, palm + 0.8 * aside, tips + aside, 0.2 * width)
    for place in (-0.24, 0, 0.24):
        aside = width * place * across
        line(gaps, knuckles + 0.9 * aside, tips + aside, 0)
    line(hand, palm, palm + 2 * max(frame.shape) * out, 0.55 * width)
    axes = (round(0.42 * length) + 1, round(0.48 * width) + 1)
    cv2.ellipse(hand, palm.astype(int).tolist(), axes, np.degrees(angle), 0, 360, 255, -1)
    inside = cv2.distanceTransform(hand, cv2.DIST_L2, 3) / (0.2 * width + 1)
    shade = (0.7 + 0.3 * np.clip(inside, 0, 1)) * (1 - 0.5 * gaps / 255)
    light = np.clip(frame.mean() / 128, 0.6, 1.2)
    colour = np.clip(skin * shade[..., None] * light, 0, 255)
    opaque = cv2.GaussianBlur(hand, (0, 0), 1)[..., None] / 255
    return (frame * (1 - opaque) + colour * opaque).astype(np.uint8)
