"""What drivers in Python share of the contract in ../README.md: the action, lines, pace, and the word to stop."""

import json
import os
import sys
import threading
import time
import traceback

SESSION_MS = 10_000
HEARTBEAT_MS = 500
COMMIT_EVERY_S = 0.2
PADDING = "x" * 100
PORTION_EVERY_S = 0.02
PORTION_MAX = 1_000
SHOWN_S_MAX = 5
INSIST_S_MAX = 20

_lock = threading.Lock()
# A copy, so that a client that prints on standard output can be sent elsewhere.
_out = os.fdopen(os.dup(1), "w")


def say(**line):
    with _lock:
        _out.write(json.dumps(line) + "\n")
        _out.flush()


def drive(actions):
    """Runs the action that the process was started for, and ends the process."""
    asked = json.loads(sys.argv[-1])
    act = actions.get(asked["action"])
    if act is None:
        say(unsupported="there is no " + asked["action"])
        sys.exit(0)
    try:
        act(asked)
    except Exception as error:
        say(error=words_of(error))
        traceback.print_exc()
        sys.exit(1)
    # Threads of clients that were closed must not hold up the end.
    os._exit(0)


def words_of(error):
    words = f"{type(error).__name__}: {error}"
    return words if error.__cause__ is None else f"{words}: {words_of(error.__cause__)}"


def key_of(n):
    return f"k{n}".encode()


def value_of(n):
    return f"v{n}:{PADDING}".encode()


def name_of(value):
    """`v17` of `v17:xxx`."""
    return value.split(b":", 1)[0].decode()


def portions(asked):
    """The numbers to send next, at the pace that was asked for; an empty range where none is due yet."""
    first, count, pace = asked["first"], asked["count"], asked.get("perSecond")
    began = time.monotonic()
    at, end = first, first + count
    while at < end:
        due = count if pace is None else int((time.monotonic() - began) * pace)
        until = min(end, first + due, at + PORTION_MAX)
        yield range(at, max(until, at))
        if until <= at:
            time.sleep(PORTION_EVERY_S)
        at = max(until, at)


def stop_asked():
    """An event that is set at a line `stop`, or when the other side is gone."""
    event = threading.Event()

    def listen():
        for line in sys.stdin:
            if line.strip() == "stop":
                break
        event.set()

    threading.Thread(target=listen, daemon=True).start()
    return event


class Rebalances:
    """What listeners with coroutines do. `commit` is awaited before partitions are given up."""

    def __init__(self, commit, following):
        self.commit = commit
        self.following = following

    async def on_partitions_revoked(self, revoked):
        if not revoked:
            return
        await self.commit()
        for place in revoked:
            self.following.pop(place, None)
        say(revoked=[place.partition for place in revoked])

    async def on_partitions_assigned(self, assigned):
        say(assigned=[place.partition for place in assigned])


def tell_found(found):
    """Tells what was looked up, and returns the offsets to read; a place where nothing is has None."""
    for place, at in found.items():
        say(found=[place.partition, -1 if at is None else at.offset])
    return {place: at.offset for place, at in found.items() if at is not None}


def tell_read(batches, wanted):
    """Tells the records that were looked for, which are wanted no more."""
    for place, records in batches.items():
        for record in records:
            if wanted.get(place) == record.offset:
                say(record=[place.partition, record.offset, name_of(record.value)])
                del wanted[place]


def is_created(seen):
    return seen["partitions"] == 3


def is_altered(seen):
    return seen == {"partitions": 5, "retentionMs": 120_000}


def shown(ask, is_expected):
    """Asks until the answer is the one expected, or for five seconds; whatever was shown last."""
    give_up = time.monotonic() + SHOWN_S_MAX
    while True:
        seen = ask()
        if is_expected(seen) or time.monotonic() > give_up:
            return seen
        time.sleep(0.1)


def insist(call, is_done=lambda error: False):
    """Calls again what the client gives up, and tells of each failure. `is_done`: the last call had succeeded unseen."""
    give_up = time.monotonic() + INSIST_S_MAX
    tries = 0
    while True:
        try:
            return call()
        except Exception as error:
            if tries > 0 and is_done(error):
                return None
            if time.monotonic() > give_up:
                raise
            say(error=words_of(error))
            time.sleep(0.2)
            tries += 1
