#!/usr/bin/env python3
"""Drives ingest-http as devices would: JSON and SenML, units, refusals, revoked tokens, clocks that are wrong."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims


class Ingest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("ingest")
        cls.device = cls.api.post("/devices", {"code": "LOGGER", "protocol": "http"}).json
        nwims.sensor(cls.api, "P1", "pressure", "bar", device_id=cls.device["id"], range_max=10)
        nwims.sensor(cls.api, "F1", "flow", "m3/h", device_id=cls.device["id"])

    def make_client(self):
        made = self.api.post(f"/devices/{self.device['id']}/credentials", {"kind": "token"})
        self.assertEqual(made.status, 201, made)
        return nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], made.json["secret"]), made.json["id"]

    def setUp(self):
        for old in self.api.get(f"/devices/{self.device['id']}/credentials").json["items"]:
            self.api.call("DELETE", f"/api/v1/devices/{self.device['id']}/credentials/{old['id']}")
        self.client, self.credential = self.make_client()

    def send(self, body, **headers):
        return self.client.call("POST", "/ingest/v1/readings", body, headers)

    def soon(self, sensor, at):
        """What is stored for that second, once batch-writer has it."""
        for _ in range(100):
            got = dict(nwims.series(self.api, sensor))
            if at in got:
                return got[at]
            time.sleep(0.05)
        self.fail(f"{sensor} has no reading at {at}")

    def test_units_are_converted_to_the_sensors_own(self):
        answer = self.send([{"sensor_id": "P1", "value": 412, "unit": "kPa", "timestamp": "2026-05-01T00:00:00Z"},
                            {"sensor_id": "F1", "value": 10, "unit": "L/s", "timestamp": "2026-05-01T00:00:00Z"}])
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 2), answer)
        self.assertAlmostEqual(self.soon("P1", "2026-05-01T00:00:00Z"), 4.12, places=12)
        self.assertAlmostEqual(self.soon("F1", "2026-05-01T00:00:00Z"), 36, places=12)

    def test_senml_is_understood(self):
        body = b'[{"bt":1777680000,"n":"P1","u":"Pa","v":300000},{"n":"F1","u":"m3/s","v":0.01,"t":-60}]'
        answer = self.send(body, **{"Content-Type": "application/senml+json"})
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 2), answer)
        self.assertAlmostEqual(self.soon("P1", "2026-05-02T00:00:00Z"), 3, places=12)
        self.assertAlmostEqual(self.soon("F1", "2026-05-01T23:59:00Z"), 36, places=12)

    def test_what_cannot_be_taken_is_told_and_the_rest_is_stored(self):
        answer = self.send([{"sensor_id": "P1", "value": 1, "timestamp": "2026-05-03T00:00:00Z"}, {"sensor_id": "NONE", "value": 1},
                            {"sensor_id": "P1", "value": 1, "unit": "furlong"}, {"sensor_id": "P1", "value": 1, "unit": "L/s"}])
        self.assertEqual((answer.status, answer.json["accepted"], answer.json["refused"]), (202, 1, 3), answer)
        self.assertEqual([r["reason"] for r in answer.json["rejected"]], ["unknown_sensor", "unknown_unit", "unknown_unit"])
        self.assertEqual(self.soon("P1", "2026-05-03T00:00:00Z"), 1)

    def test_a_clock_that_is_ahead_costs_no_reading(self):
        answer = self.send([{"sensor_id": "P1", "value": 2, "timestamp": "2200-01-01T00:00:00Z"}])
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 1), answer)
        for _ in range(100):
            latest = self.api.get("/sensors/P1/latest").json
            if latest.get("flags", 0) & 2:
                break
            time.sleep(0.05)
        self.assertTrue(latest["flags"] & 2 and latest["observed_at"] < "2100", latest)

    def test_a_token_that_was_removed_is_dead_within_two_seconds(self):
        self.assertEqual(self.send([{"sensor_id": "P1", "value": 1}]).status, 202)
        self.assertEqual(self.api.call("DELETE", f"/api/v1/devices/{self.device['id']}/credentials/{self.credential}").status, 204)
        end = time.monotonic() + 2
        while self.send([{"sensor_id": "P1", "value": 1}]).status != 401:
            self.assertLess(time.monotonic(), end, "the token still works")
            time.sleep(0.05)

    def test_two_tokens_live_at_a_time_and_no_third(self):
        second, _ = self.make_client()
        third = self.api.post(f"/devices/{self.device['id']}/credentials", {"kind": "token"})
        self.assertEqual(third.status, 409, third)
        self.assertEqual(second.call("POST", "/ingest/v1/readings", [{"sensor_id": "P1", "value": 1}]).status, 202)

    def test_what_is_no_reading_is_refused(self):
        self.assertEqual(self.send(b"{").status, 400)
        self.assertEqual(self.send(b"a,b", **{"Content-Type": "text/plain"}).status, 415)
        self.assertEqual(self.send([{"sensor_id": "NONE", "value": 1}]).status, 422)
        self.assertEqual(nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"]).call("POST", "/ingest/v1/readings", []).status, 401)
        self.assertEqual(self.client.call("GET", "/time").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=1)
