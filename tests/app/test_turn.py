"""One at a time, and first come first served even against somebody who comes back at once."""

import threading
import time

from app.turn import Turn


def wait_for_line(turn: Turn, length: int) -> None:
    """Until so many are in line, the one whose turn it is included."""
    end = time.monotonic() + 10
    while len(turn._line) < length:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_one_at_a_time() -> None:
    turn, inside, most = Turn(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turn:
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_long_work_lets_others_go_first() -> None:
    turn, order = Turn(), []
    holding = threading.Event()

    def long_work() -> None:
        with turn:
            holding.set()
            wait_for_line(turn, 3)  # both frames have come and wait
            for batch in range(3):
                order.append(f"batch {batch}")
                turn.pass_on()

    def frame(name: str) -> None:
        with turn:
            order.append(name)

    threads = [threading.Thread(target=long_work)]
    threads[0].start()
    holding.wait()
    for name in ("frame 0", "frame 1"):
        threads.append(threading.Thread(target=frame, args=(name,)))
        threads[-1].start()
        if name == "frame 0":
            wait_for_line(turn, 2)  # so that it is in line before the other
    for thread in threads:
        thread.join()
    assert order == ["batch 0", "frame 0", "frame 1", "batch 1", "batch 2"]
