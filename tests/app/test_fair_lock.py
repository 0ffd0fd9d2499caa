"""One at a time, and first come first served even against somebody who comes back at once."""

import threading
import time

from app.fair_lock import FairLock


def wait_for_line(lock: FairLock, length: int) -> None:
    """Until so many are in line, the one whose turn it is included."""
    end = time.monotonic() + 10
    while len(lock._line) < length:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_one_at_a_time() -> None:
    lock, inside, most = FairLock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock:
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
    lock, order = FairLock(), []
    holding = threading.Event()

    def long_work() -> None:
        with lock:
            holding.set()
            wait_for_line(lock, 3)  # both frames have come and wait
            for batch in range(3):
                order.append(f"batch {batch}")
                lock.yield_turn()

    def frame(name: str) -> None:
        with lock:
            order.append(name)

    threads = [threading.Thread(target=long_work)]
    threads[0].start()
    holding.wait()
    for name in ("frame 0", "frame 1"):
        threads.append(threading.Thread(target=frame, args=(name,)))
        threads[-1].start()
        if name == "frame 0":
            wait_for_line(lock, 2)  # so that it is in line before the other
    for thread in threads:
        thread.join()
    assert order == ["batch 0", "frame 0", "frame 1", "batch 1", "batch 2"]
