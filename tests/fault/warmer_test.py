#!/usr/bin/env python3
"""Of several replicas of cache-warmer one works. Killed, it is replaced within the time of its lock, by one, which begins with everything."""
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import nwims
import replica
from kill_test import victims

HOLD_S = 5  # how long the lock lasts without being renewed: HOLD_MS of services/cache-warmer/warmer.c
SLACK_S = 2


class OfTheStack:
    """The replica that scripts/run started."""

    def __init__(self):
        self.pid = victims()["cache-warmer"]
        with open(f"/proc/{self.pid}/environ") as file:
            self.admin_address = dict(pair.split("=", 1) for pair in file.read().split("\0") if "=" in pair)["ADMIN_ADDRESS"]

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


class OurOwn(replica.Warmer):
    def kill(self):
        self.process.kill()
        self.process.wait(10)


class Failover(unittest.TestCase):
    def setUp(self):
        self.replicas = [OfTheStack(), OurOwn(), OurOwn()]
        self.addCleanup(lambda: [own.kill() for own in self.replicas if isinstance(own, OurOwn)])

    def look(self):
        """What those say that are there: works, fills."""
        out = {}
        for one in self.replicas:
            try:
                values = replica.metrics(one.admin_address)
                out[one] = (int(values["nwims_warmer_works"]), int(values["nwims_warmer_fills_total"]))
            except (OSError, KeyError):  # it begins
                pass
        working = [one for one, (works, _) in out.items() if works]
        self.assertLessEqual(len(working), 1, out)
        return working[0] if working else None, out

    def wait_for_holder(self, limit_s):
        end = time.monotonic() + limit_s
        while True:
            holder, out = self.look()
            if holder and len(out) == len(self.replicas):
                return holder
            self.assertLess(time.monotonic(), end, "nobody works")
            time.sleep(0.05)

    def wait_for_fills(self, one, limit_s=20):
        end = time.monotonic() + limit_s
        while self.look()[1][one][1] == 0:
            self.assertLess(time.monotonic(), end, "whoever took over warms nothing")
            time.sleep(0.05)

    def kill(self, holder):
        holder.kill()
        self.replicas.remove(holder)
        began = time.monotonic()
        if isinstance(holder, OfTheStack):
            self.replicas.append(self.started_again())
        next_one = self.wait_for_holder(HOLD_S + SLACK_S)
        print(f"cache-warmer: another works {time.monotonic() - began:.1f} s after the one that did was killed", flush=True)
        self.wait_for_fills(next_one)
        return next_one

    def started_again(self, limit_s=30):
        """By the runner: it waits as the others do."""
        end = time.monotonic() + limit_s
        while True:
            try:
                one = OfTheStack()
                replica.metrics(one.admin_address)
                return one
            except (KeyError, OSError):
                pass
            self.assertLess(time.monotonic(), end, "the runner does not start it again")
            time.sleep(0.1)

    def test_one_works_and_another_takes_its_place(self):
        holder = self.wait_for_holder(30)
        self.assertIsInstance(holder, OfTheStack)  # it was there before
        first = self.kill(holder)
        second = self.kill(first)
        _, out = self.look()
        self.assertEqual({one: fills for one, (works, fills) in out.items() if one is not second and fills > 0}, {}, "two have warmed")
        answer = nwims.tenant("warmer").post("/batch/cache/warm")
        self.assertEqual(answer.status, 200, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
