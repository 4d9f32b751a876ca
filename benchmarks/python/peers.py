"""CPython's primitives in the shapes of some rows: prints {row: nanoseconds per operation} as JSON.

`python3 peers.py ROUNDS MILLISECONDS`: medians over the rounds, each of about that many milliseconds.
"""
import json
import platform
import queue
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat


def lock(operations):
    held = threading.Lock()
    for _ in repeat(None, operations):
        with held:
            pass


def semaphore(operations):
    permits = threading.Semaphore(1)
    for _ in repeat(None, operations):
        with permits:
            pass


def event(operations):
    flag = threading.Event()
    flag.set()
    for _ in repeat(None, operations):
        flag.wait()


def queue_alone(operations):
    items = queue.Queue(128)
    for _ in repeat(None, operations):
        items.put(7)
        items.get()


def queue_with_task_done(operations):
    items = queue.Queue(128)
    for _ in repeat(None, operations):
        items.put(7)
        items.get()
        items.task_done()


def queue_between_two(operations):
    items = queue.Queue(1)

    def produce():
        for _ in repeat(None, operations):
            items.put(7)

    producer = threading.Thread(target=produce)
    producer.start()
    for _ in repeat(None, operations):
        items.get()
    producer.join()


def number():
    return 1


def batches(operations):
    for _ in range(0, operations, 1000):
        jobs = [POOL.submit(number) for _ in repeat(None, min(operations, 1000))]
        assert sum(job.result() for job in jobs) == len(jobs)


def round_trips(operations):
    for _ in repeat(None, operations):
        POOL.submit(number).result()


# By the names of the rows; the number is that of the operations of the first run.
SHAPES = {
    "Lock, uncontended": (lock, 1000),
    "Semaphore, acquire + release": (semaphore, 1000),
    "Event, wait when set": (event, 1000),
    "Queue, st, b128": (queue_alone, 1000),
    "Queue with task_done, st, b128": (queue_with_task_done, 1000),
    "Queue, b1 1x1": (queue_between_two, 100),
    "Pool, submit + result, batch of 1000": (batches, 1000),
    "Pool, submit + result, round trip": (round_trips, 100),
}


def nanoseconds(run, operations):
    began = time.perf_counter_ns()
    run(operations)
    return (time.perf_counter_ns() - began) / operations


def measure(run, operations, rounds, slice_ns):
    """The median; a round has a multiple of the operations of the first run, as many as fit into the slice."""
    times = max(1, round(slice_ns / (nanoseconds(run, operations) * operations)))
    return statistics.median(nanoseconds(run, operations * times) for _ in range(rounds))


if __name__ == "__main__":
    ROUNDS, MILLISECONDS = map(int, sys.argv[1:])
    with ThreadPoolExecutor(2) as POOL:
        rows = {name: measure(*shape, ROUNDS, MILLISECONDS * 1_000_000) for name, shape in SHAPES.items()}
    print(json.dumps({"version": f"{platform.python_implementation()} {platform.python_version()}", "rows": rows}))
