"""Uploads, piece by piece, and how many at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import Request
from starlette.requests import ClientDisconnect

from model import InputError

MAX_UPLOADS = 2  # of one page at once
UPLOAD_SECONDS = 300.0
COMING = f"{MAX_UPLOADS} files are on their way already; wait for one of them."


@contextmanager
def one_more(counts: Counter[str], whose: str, most: int, refusal: str) -> Iterator[None]:
    """Count one more while it lasts; InputError with this sentence when there are enough."""
    if counts[whose] >= most:
        raise InputError(refusal)
    counts[whose] += 1
    try:
        yield
    finally:
        counts[whose] -= 1
        if not counts[whose]:
            del counts[whose]


async def receive(request: Request, path: Path, most: int, smaller: str) -> None:
    """Write an uploaded body of up to `most` bytes to `path`, piece by piece; InputError when it
    cannot be used.

    smaller: what a person can do about a file that is too large, or takes too long.
    """
    too_large = InputError(f"This file is larger than {most >> 20} MB; {smaller}.")
    if int(request.headers.get("content-length") or 0) > most:
        raise too_large
    size = 0
    try:
        with open(path, "wb") as file:
            async with asyncio.timeout(UPLOAD_SECONDS):
                async for piece in request.stream():
                    size += len(piece)
                    if size > most:
                        raise too_large
                    file.write(piece)
    except TimeoutError as error:  # an OSError, too
        raise InputError(f"The upload took more than {UPLOAD_SECONDS:.0f} s; {smaller}.") from error
    except ClientDisconnect as error:
        raise InputError("The upload broke off; choose the file again.") from error
    except OSError as error:
        raise InputError(
            f"This file could not be saved: {error.strerror}; what you taught is safe."
        ) from error
