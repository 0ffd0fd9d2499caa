"""`make load`: one person alone, then many at once; exits with 1 if an aim is missed.

python -m tests.load --people 8 --minutes 5
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.app.server import Server, start
from tests.load.person import Person, p95, rate

ALONE_SECONDS = 20.0
MOST_SLOWER = 9.0  # p95 of many / p95 of one
MOST_GROWTH = 0.05  # of memory, from two fifths of the time to its end


@dataclass(frozen=True)
class Crowd:
    """What some people at once met with."""

    people: list[Person]
    seconds: float
    megabytes: list[float]  # of the server with its children, once a second

    @property
    def delays(self) -> list[float]:
        return [delay for person in self.people for delay in person.delays]

    @property
    def growth(self) -> float:
        """How much more memory it takes at the end than after two fifths of the time."""
        length = max(1, len(self.megabytes) // 20)
        early = self.megabytes[2 * len(self.megabytes) // 5 :][:length]
        late = self.megabytes[-length:]
        return sum(late) / len(late) / (sum(early) / len(early)) - 1


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        try:
            one = asyncio.run(crowd(server, range(1), ALONE_SECONDS))
            many = asyncio.run(crowd(server, range(1, options.people + 1), 60 * options.minutes))
        finally:
            server.stop()
    return report(one, many)


def report(one: Crowd, many: Crowd) -> int:
    """Print what was measured; 1 if an aim is missed."""
    for crowd in (one, many):
        each = rate(crowd.delays, crowd.seconds) / len(crowd.people)
        print(
            f"{len(crowd.people)} people, {crowd.seconds:.0f} s: {each:.1f} answers/s each, "
            f"95 % within {1000 * p95(crowd.delays):.0f} ms, "
            f"{sum(person.learned for person in crowd.people)} models, "
            f"{crowd.megabytes[-1]:.0f} MB"
        )
    errors = [error for person in (*one.people, *many.people) for error in person.errors]
    foreign = [name for person in (*one.people, *many.people) for name in person.foreign]
    slower = p95(many.delays) / p95(one.delays)
    print(f"errors: {len(errors)}", *errors[:20], sep="\n  ")
    print(f"names of others seen: {len(foreign)}")
    print(f"p95 of many / p95 of one: {slower:.1f} (at most {MOST_SLOWER:.0f})")
    print(f"memory grew by {100 * many.growth:.1f} % (at most {100 * MOST_GROWTH:.0f})")
    missed = errors or foreign or not slower <= MOST_SLOWER or not many.growth <= MOST_GROWTH
    return int(bool(missed))


async def crowd(server: Server, numbers: range, seconds: float) -> Crowd:
    """So many people teach, and once all have a model, watch for so many seconds."""
    people = [Person(server.url, number) for number in numbers]
    ready, until = asyncio.Barrier(len(people) + 1), asyncio.Event()
    lives = [asyncio.create_task(person.live(ready, until)) for person in people]
    async with asyncio.timeout(300):
        await ready.wait()
    megabytes = []
    for _ in range(round(seconds)):
        await asyncio.sleep(1)
        megabytes.append(memory(server.process.pid))
    until.set()
    await asyncio.wait(lives, timeout=60)
    return Crowd(people, seconds, megabytes)


def memory(pid: int) -> float:
    """MB of a process and all below it, pages that they share counted once (Linux)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own / 1000 + sum(memory(int(child)) for child in children)


if __name__ == "__main__":
    sys.exit(main())
