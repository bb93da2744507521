#!/usr/bin/env python3
"""Imports a large CSV with the one command, kills it half-way, goes on, and counts: every reading is there once.
A device posts live readings meanwhile. NWIMS_IMPORT_READINGS (200000) says how many; the figures are printed: rate, time, memory, latency."""
import csv
import gzip
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

COUNT = int(os.environ.get("NWIMS_IMPORT_READINGS", "200000"))
SENSORS = 100
PROGRAM = os.path.join(os.environ["NWIMS_VAR"], "bin", "nwims-import")
START_S = 1500000000


def stored_in_all(api):
    seconds = COUNT // SENSORS + 1
    bounds = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (START_S, START_S + seconds)]
    return sum(api.get(f"/sensors/S{n:03}/statistics", from_at=bounds[0], to_at=bounds[1]).json["count"] for n in range(SENSORS))


def read(path):
    with open(path) as file:
        return file.read()


def percentile(latencies, share):
    return sorted(latencies)[min(len(latencies) - 1, int(len(latencies) * share))] * 1000


class LiveDevice(threading.Thread):
    """Posts a reading every 50 ms over HTTP, as a field device does, and knows how long each took to be accepted."""

    def __init__(self, api):
        super().__init__(daemon=True)
        device = api.post("/devices", {"code": "LIVE", "protocol": "http"}).json
        nwims.sensor(api, "LIVE", device_id=device["id"])
        token = api.post(f"/devices/{device['id']}/credentials", {"kind": "token"}).json["secret"]
        self.client = nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], token)
        self.latencies, self.refused, self.must_stop = [], 0, False

    def run(self):
        while not self.must_stop:
            began = time.monotonic()
            answer = self.client.call("POST", "/ingest/v1/readings", [{"sensor_id": "LIVE", "value": len(self.latencies)}])
            self.latencies.append(time.monotonic() - began)
            self.refused += answer.status != 202
            time.sleep(0.05)


class Memory(threading.Thread):
    """The most that each process of the stack took, in MiB, looked at every quarter of a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.must_stop = {}, False

    def look(self):
        runner = int(os.environ["NWIMS_RUNNER_PID"])
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status").splitlines())
                if int(fields["PPid"]) == runner and "VmRSS" in fields:
                    name = os.path.basename(read(f"/proc/{pid}/cmdline").split("\0")[0].split()[0])
                    self.most[name] = max(self.most.get(name, 0), int(fields["VmRSS"].split()[0]) / 1024)
            except (OSError, IndexError):
                pass  # it has ended

    def run(self):
        while not self.must_stop:
            self.look()
            time.sleep(0.25)


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("import")
        for n in range(SENSORS):
            nwims.sensor(cls.api, f"S{n:03}", "flow", "m3/h")
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def start(self, *words, **options):
        environment = dict(os.environ, NWIMS_TOKEN=self.api.login(self.api.email, self.api.password).token)
        return subprocess.Popen([PROGRAM, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run_import(self, *words):
        process = self.start(*words)
        out, errors = process.communicate(timeout=3600)
        return process.returncode, out, errors

    def kill_half_way(self, process, path):
        """With kill -9, once its own account of how far it came says about half."""
        while process.poll() is None:
            try:
                if int(read(path + ".nwims-import").split()[3]) >= self.plain_bytes // 2:
                    break
            except (OSError, IndexError):
                pass
            time.sleep(0.005)
        self.assertIsNone(process.poll(), "it ended before it could be killed")
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def wait_until_stored(self, code, count):
        end = time.monotonic() + 60
        while (stored := self.api.get(f"/sensors/{code}/statistics").json["count"]) != count:
            self.assertLess(time.monotonic(), end, f"{stored} of {count} live readings are stored")
            time.sleep(0.5)

    def test_killed_half_way_it_ends_with_every_reading_once(self):
        path = self.path("history.csv.gz")
        with gzip.open(path, "wt", compresslevel=1) as file:
            file.write("sensor_id,timestamp,value\n")
            for i in range(COUNT):
                file.write(f"S{i % SENSORS:03},{(START_S + i // SENSORS) * 1000},{i % 977}\n")
            self.plain_bytes = file.tell()
        live, memory = LiveDevice(self.api), Memory()
        live.start()
        time.sleep(3)
        alone = len(live.latencies)
        memory.start()
        began = time.monotonic()
        process = self.start("--readings", str(max(1000, min(20000, COUNT // 40))), path)
        self.kill_half_way(process, path)
        killed_after = time.monotonic() - began
        status, out, errors = self.run_import(path)
        self.assertEqual(status, 0, out + errors)
        self.assertIn("Going on where it ended before", errors)
        took = time.monotonic() - began
        live.must_stop = memory.must_stop = True
        live.join()
        memory.join()
        print(f"\n{COUNT} readings in {took:.1f} s ({COUNT / took:.0f}/s) with a kill after {killed_after:.1f} s: {out.strip()}")
        print("most memory, MiB: " + ", ".join(f"{name} {size:.0f}" for name, size in sorted(memory.most.items(), key=lambda item: -item[1])))
        for name, part in ("before", live.latencies[:alone]), ("during", live.latencies[alone:]):
            print(f"live posts {name} the import: {len(part)}, p50 {percentile(part, .5):.1f} ms, p99 {percentile(part, .99):.1f} ms, most {percentile(part, 1):.1f} ms")
        self.assertEqual(live.refused, 0)
        self.wait_until_stored("LIVE", len(live.latencies))
        self.assertEqual(stored_in_all(self.api), COUNT)
        status, out, errors = self.run_import("--anew", path)
        self.assertEqual(status, 0, out + errors)
        self.assertIn(f"0 stored, {COUNT} there already, 0 refused", out)

    def test_what_is_refused_is_kept_with_its_line(self):
        path = self.path("bad.csv")
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([["sensor_id", "value", "timestamp"], ["S000", "1", "2018-01-01T00:00:00Z"], ["NONE", "1", "2018-01-01T00:00:00Z"],
                              ["S001", "x", "2018-01-01T00:00:00Z"], ["S002", "2", "2018-01-01T00:00:00Z"]])
        status, out, errors = self.run_import(path)
        self.assertEqual(status, 1, out + errors)
        self.assertIn("2 stored, 0 there already, 2 refused", out)
        with open(path + ".rejected") as file:
            lines = file.read()
        self.assertIn('"line":3,"field":"sensor_id","code":"unknown_sensor"', lines)
        self.assertIn('"line":4,"field":"value"', lines)

    def test_mistakes_are_said_in_words(self):
        empty, other = self.path("empty.csv"), self.path("other.csv.gz")
        open(empty, "w").close()
        with open(other, "wb") as file:
            file.write(gzip.compress(b"sensor_id,value\nS000,1\n")[:-6])
        for words, status, text in [(["--callers", "0", empty], 64, "--callers takes 1 to 64"), ([], 64, "name one file"),
                                    ([empty], 64, "is empty"), ([self.path("none.csv")], 64, "is no file"),
                                    ([other], 1, "damaged"), (["--url", "http://127.0.0.1:9", "--patience", "1", path_of_two(self)], 75, "no good answer")]:
            got, out, errors = self.run_import(*words)
            self.assertEqual(got, status, (words, out, errors))
            self.assertIn(text, errors)


def path_of_two(test):
    path = test.path("two.csv")
    with open(path, "w") as file:
        file.write("timestamp,S000\n2018-02-01T00:00:00Z,5\n")
    return path


if __name__ == "__main__":
    unittest.main(verbosity=2)
