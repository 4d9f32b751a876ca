"""CPython's own, in the shapes of some of our rows: prints {row: nanoseconds an operation} as JSON.

`python3 peers.py ROUNDS MILLISECONDS`: medians of so many rounds, each of about so many milliseconds.
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


def lock(turns):
    held = threading.Lock()
    for _ in repeat(None, turns):
        with held:
            pass


def semaphore(turns):
    permits = threading.Semaphore(1)
    for _ in repeat(None, turns):
        with permits:
            pass


def event(turns):
    flag = threading.Event()
    flag.set()
    for _ in repeat(None, turns):
        flag.wait()


def queue_alone(turns):
    items = queue.Queue(128)
    for _ in repeat(None, turns):
        items.put(7)
        items.get()


def queue_with_task_done(turns):
    items = queue.Queue(128)
    for _ in repeat(None, turns):
        items.put(7)
        items.get()
        items.task_done()


def queue_between_two(turns):
    items = queue.Queue(1)

    def produce():
        for _ in repeat(None, turns):
            items.put(7)

    producer = threading.Thread(target=produce)
    producer.start()
    for _ in repeat(None, turns):
        items.get()
    producer.join()


def number():
    return 1


def batches(turns):
    for _ in range(0, turns, 1000):
        jobs = [POOL.submit(number) for _ in repeat(None, min(turns, 1000))]
        assert sum(job.result() for job in jobs) == len(jobs)


def round_trips(turns):
    for _ in repeat(None, turns):
        POOL.submit(number).result()


# By the names of our rows, with the turns of the first try.
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


def nanoseconds(run, turns):
    began = time.perf_counter_ns()
    run(turns)
    return (time.perf_counter_ns() - began) / turns


def measure(run, turns, rounds, slice_ns):
    """The median; each round has as many turns as fit, a whole number of the first try's."""
    lots = max(1, round(slice_ns / (nanoseconds(run, turns) * turns)))
    return statistics.median(nanoseconds(run, turns * lots) for _ in range(rounds))


if __name__ == "__main__":
    ROUNDS, MILLISECONDS = map(int, sys.argv[1:])
    with ThreadPoolExecutor(2) as POOL:
        rows = {name: measure(*shape, ROUNDS, MILLISECONDS * 1_000_000) for name, shape in SHAPES.items()}
    print(json.dumps({"version": f"{platform.python_implementation()} {platform.python_version()}", "rows": rows}))
