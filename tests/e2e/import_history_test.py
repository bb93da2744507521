#!/usr/bin/env python3
"""Imports a large CSV with the one command, kills it half-way, goes on, and counts: every reading is there once.
NWIMS_IMPORT_READINGS (200000) says how many; the figures are printed."""
import csv
import gzip
import os
import signal
import subprocess
import sys
import tempfile
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

    def test_killed_half_way_it_ends_with_every_reading_once(self):
        path = self.path("history.csv.gz")
        with gzip.open(path, "wt", compresslevel=1) as file:
            file.write("sensor_id,timestamp,value\n")
            for i in range(COUNT):
                file.write(f"S{i % SENSORS:03},{(START_S + i // SENSORS) * 1000},{i % 977}\n")
        began = time.monotonic()
        process = self.start("--readings", str(max(1000, min(20000, COUNT // 40))), path)
        while not os.path.exists(path + ".nwims-import"):
            self.assertIsNone(process.poll(), "it ended before it could be killed")
            time.sleep(0.01)
        time.sleep(COUNT / 1e6)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        status, out, errors = self.run_import(path)
        self.assertEqual(status, 0, out + errors)
        self.assertIn("Going on where it ended before", errors)
        print(f"\n{COUNT} readings in {time.monotonic() - began:.1f} s with a kill: {out.strip()}")
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
