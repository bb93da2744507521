#!/usr/bin/env python3
"""A Sparkplug B client that is none of ours (pysparkplug, from PyPI) works unchanged: births, data by name and by alias, deaths, commands and the request for a rebirth.
It is installed into a folder beside the system's; where PyPI cannot be reached the test is skipped and says so."""
import json
import os
import queue
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import nwims
from mqtt_test import HOST, PATIENCE_S, PORT, eventually, rfc3339

PACKAGES = ("pysparkplug==0.6.1", "paho-mqtt==1.6.1", "protobuf==6.31.1")
FOLDER = os.path.join(os.environ["NWIMS_VAR"], "test-sparkplug")


def python_with_packages():
    """A Python that has them; skips if they cannot be had."""
    python, done = os.path.join(FOLDER, "bin/python"), os.path.join(FOLDER, "done")
    if os.path.exists(done):
        return python
    subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True, capture_output=True)
    got = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15", *PACKAGES], capture_output=True, text=True)
    if got.returncode != 0:
        if "No matching distribution" in got.stderr and "Retrying" not in got.stderr and "onnection" not in got.stderr:
            raise AssertionError(got.stderr)
        raise unittest.SkipTest(f"PyPI cannot be reached, so there is no independent Sparkplug client: {got.stderr.strip().splitlines()[-1]}")
    open(done, "w").close()
    return python


class EdgeNode:
    """The client's process: what it tells is a list that grows."""

    def __init__(self, python, token, group, node):
        self.process = subprocess.Popen([python, os.path.join(HERE, "sparkplug_node.py"), HOST, str(PORT), token, group, node], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard, self.done = [], queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            told = json.loads(line)
            if told["what"] == "done":
                self.done.put(told["of"])
            else:
                self.heard.append(told)

    def do(self, what, **more):
        self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.process.stdin.flush()
        assert self.done.get(timeout=PATIENCE_S) == what

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Sparkplug(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with_packages()
        cls.api = nwims.tenant("sparkplug")
        cls.at = int(time.time()) - 20 * 86400

    def setUp(self):
        """A node with metrics of its own, and those of a device behind it."""
        type(self).at += 3600
        self.device, self.token = nwims.device(self.api, "mqtt")
        self.code = self.device["code"]
        self.sensors = {name: nwims.sensor(self.api, f"{self.code}-{name}", "level", "m", device_id=self.device["id"])["id"]
                        for name in ("level", "signed", "running", "pump/flow", "pump/total")}
        self.node = EdgeNode(self.python, self.token, "plant", self.code)
        self.addCleanup(self.node.kill)

    def metric(self, name, kind, value, after=0, **more):
        return {"name": name, "type": kind, "value": value, "at": (self.at + after) * 1000, **more}

    def begin(self, after=0):
        own = [self.metric(f"{self.code}-level", "DOUBLE", 1.5, after, alias=1), self.metric(f"{self.code}-signed", "INT32", -42, after, alias=2),
               self.metric(f"{self.code}-running", "BOOLEAN", True, after, alias=3), self.metric("Node Control/Rebirth", "BOOLEAN", False, after),
               self.metric("Properties/Hardware Make", "STRING", "Acme", after)]
        pump = [self.metric("flow", "FLOAT", 0.25, after, alias=11), self.metric("total", "INT64", 2**40, after, alias=12)]
        self.node.do("birth", metrics=own, devices=[(f"{self.code}-pump", pump)])

    def soon(self, sensor, after, value):
        """It is stored with this time and this value."""
        at = rfc3339(self.at + after)[:-1]
        found = lambda: [v for when, v in nwims.series(self.api, self.sensors[sensor]) if when.startswith(at)]
        self.assertEqual(eventually(found), [value], sensor)

    def rejections(self):
        return [r["reason"] + ": " + r["detail"] for r in self.api.get("/ingest/rejections", device_id=self.device["id"]).json["items"]]

    def presence(self, is_online):
        look = lambda: self.api.get(f"/devices/{self.device['id']}/status").json["is_online"] == is_online
        self.assertTrue(eventually(look), f"is_online is not {is_online}")

    def test_births_and_data_by_name_are_stored(self):
        self.begin()
        for sensor, value in (("level", 1.5), ("signed", -42), ("running", 1), ("pump/flow", 0.25), ("pump/total", 2**40)):
            self.soon(sensor, 0, value)
        self.node.do("data", metrics=[self.metric(f"{self.code}-level", "DOUBLE", 2.5, 1), self.metric(f"{self.code}-signed", "INT32", -43, 1)])
        self.node.do("device_data", device=f"{self.code}-pump", metrics=[self.metric("flow", "FLOAT", 0.5, 2)])
        for sensor, after, value in (("level", 1, 2.5), ("signed", 1, -43), ("pump/flow", 2, 0.5)):
            self.soon(sensor, after, value)
        self.assertEqual(self.rejections(), [])
        self.assertEqual(self.node.heard, [])

    def test_data_by_alias_has_the_name_and_the_type_that_the_birth_told(self):
        self.begin()
        self.soon("pump/total", 0, 2**40)
        nameless = lambda alias, kind, value, after: {"alias": alias, "type": kind, "value": value, "at": (self.at + after) * 1000}
        self.node.do("by_alias", sequence=2, metrics=[nameless(1, "DOUBLE", 3.5, 1), nameless(2, "INT32", -1, 1), nameless(3, "BOOLEAN", False, 1)])
        self.node.do("by_alias", sequence=3, device=f"{self.code}-pump", metrics=[nameless(11, "FLOAT", 0.75, 2)])
        for sensor, after, value in (("level", 1, 3.5), ("signed", 1, -1), ("running", 1, 0), ("pump/flow", 2, 0.75)):
            self.soon(sensor, after, value)
        self.assertEqual(self.node.heard, [])

    def test_a_gap_is_answered_by_the_request_for_a_rebirth_which_heals_it(self):
        self.begin()
        self.soon("level", 0, 1.5)
        self.node.do("by_alias", sequence=77, metrics=[{"alias": 1, "type": "DOUBLE", "value": 4.5, "at": (self.at + 1) * 1000}])
        self.soon("level", 1, 4.5)
        self.assertTrue(eventually(lambda: self.node.heard), "nobody asks for a rebirth")
        asked = self.node.heard[0]
        self.assertEqual((asked["topic"], asked["metrics"]), (f"spBv1.0/plant/NCMD/{self.code}", {"Node Control/Rebirth": True}))
        self.begin(after=10)
        self.soon("level", 10, 1.5)
        self.node.do("data", metrics=[self.metric(f"{self.code}-level", "DOUBLE", 5.5, 11)])
        self.soon("level", 11, 5.5)
        self.assertEqual(len(self.node.heard), 1)

    def test_deaths_are_heard_and_are_no_readings(self):
        self.begin()
        self.soon("pump/flow", 0, 0.25)
        self.presence(True)
        self.node.do("device_death", device=f"{self.code}-pump")
        self.node.do("data", metrics=[self.metric(f"{self.code}-level", "DOUBLE", 2.5, 1)])
        self.soon("level", 1, 2.5)
        self.node.do("death")
        self.presence(False)
        self.begin(after=10)
        self.soon("level", 10, 1.5)
        self.presence(True)
        self.node.kill()  # now its will is what is left of it
        self.presence(False)
        self.assertEqual(self.rejections(), [])
        self.assertEqual(self.node.heard, [])


if __name__ == "__main__":
    unittest.main()
