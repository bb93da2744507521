#!/usr/bin/env python3
"""Every other way into ingest-http: Influx clients, ThingsBoard's path, signed requests, CBOR, Cayenne LPP, declared bytes, keys for repeats, cut bodies."""
import base64
import concurrent.futures
import gzip
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

import cbor2
import influxdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

URL = os.environ["NWIMS_HTTP_INGEST_URL"]
AT = 1777680000  # 2026-05-02


class IngestHttp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("http")
        cls.device = cls.api.post("/devices", {"code": "L-7", "protocol": "http"}).json
        cls.ids = {}
        for code, kind, unit in (("P1", "pressure", "bar"), ("F1", "flow", "m3/h"), ("F1/max", "flow", "m3/h"), ("L-7/temperature_3", "temperature", "Cel"),
                                 ("L-7/voltage_1", "voltage", "V"), ("L-7/level", "level", "m")):
            cls.ids[code] = nwims.sensor(cls.api, code, kind, unit, device_id=cls.device["id"])["id"]
        cls.token = cls.api.post(f"/devices/{cls.device['id']}/credentials", {"kind": "token"}).json["secret"]
        cls.key = secrets.token_bytes(32)
        cls.key_id = f"meter-{secrets.token_hex(4)}"
        made = cls.api.post(f"/devices/{cls.device['id']}/credentials", {"kind": "psk", "identity": cls.key_id, "key": cls.key.hex()})
        assert made.status == 201, made
        cls.client = nwims.Client(URL, cls.token)

    def stored(self, sensor, value, at=None):
        """Waits until batch-writer has it."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            got = nwims.series(self.api, self.ids[sensor])
            if any(abs(v - value) < 1e-9 and (at is None or t == at) for t, v in got):
                return
            time.sleep(0.05)
        self.fail(f"{sensor} has no {value} at {at}: {got}")

    # ---- Influx ----
    def influx(self, path, body, **headers):
        return nwims.Client(URL).call("POST", path, body, {"Authorization": f"Token {self.token}", "Content-Type": "text/plain", **headers})

    def test_influx_lines_of_both_versions(self):
        self.assertEqual(self.influx("/write?db=x&precision=s", b"flow,sensor_id=F1 value=1.5,max=2i %d" % AT).status, 204)
        self.stored("F1", 1.5, "2026-05-02T00:00:00Z")
        self.stored("F1/max", 2)
        body = gzip.compress(b"flow,sensor_id=F1,unit=L/s value=10 %d\n" % ((AT + 60) * 10**9))
        self.assertEqual(self.influx("/api/v2/write?org=o&bucket=b&precision=ns", body, **{"Content-Encoding": "gzip"}).status, 204)
        self.stored("F1", 36, "2026-05-02T00:01:00Z")

    def test_an_influx_client_works_unchanged(self):
        client = influxdb.InfluxDBClient(urllib.parse.urlsplit(URL).hostname, urllib.parse.urlsplit(URL).port, "anybody", self.token, "any", gzip=True)
        self.assertEqual(client.ping(), "1.8")
        self.assertTrue(client.write_points([{"measurement": "P1", "time": AT * 1000 + 120000, "fields": {"value": 4.25}}], time_precision="ms"))
        self.stored("P1", 4.25, "2026-05-02T00:02:00Z")
        with self.assertRaises(influxdb.exceptions.InfluxDBClientError) as raised:
            client.write_points([{"measurement": "P1", "fields": {"value": 4.5}}, {"measurement": "NONE", "fields": {"value": 1.0}}])
        self.assertIn("partial write", str(raised.exception))
        self.stored("P1", 4.5)

    def test_curl_writes_influx_lines(self):
        answer = subprocess.run(["curl", "-sS", "-o", "/dev/stderr", "-w", "%{http_code}", "-H", f"Authorization: Bearer {self.token}", "--data-binary",
                                 f"P1 value=3.75 {AT + 180}", f"{URL}/write?precision=s"], capture_output=True, text=True, check=True)
        self.assertEqual(answer.stdout, "204", answer.stderr)
        self.stored("P1", 3.75, "2026-05-02T00:03:00Z")

    def test_influx_errors_have_its_form(self):
        wrong = self.influx("/write", b"P1 value=12.5.1")
        self.assertEqual((wrong.status, wrong.json["code"]), (400, "invalid"), wrong)
        self.assertIn("line 1", wrong.json["message"])
        self.assertEqual(self.influx("/write?precision=days", b"P1 value=1").status, 400)
        none = nwims.Client(URL).call("POST", "/write", b"P1 value=1")
        self.assertEqual((none.status, none.json["code"]), (401, "unauthorized"), none)
        large = self.influx("/write", b"P1 value=1\n" * 900000)
        self.assertEqual((large.status, large.json["code"]), (413, "request too large"), large)

    # ---- ThingsBoard ----
    def test_thingsboards_path_and_nothing_logs_its_token(self):
        client = nwims.Client(URL)
        path = f"/api/v1/{self.token}/telemetry"
        answer = client.call("POST", path, {"ts": (AT + 240) * 1000, "values": {"P1": 2.25, "NOBODYS": 1}})
        self.assertEqual((answer.status, answer.body), (200, b""), answer)
        self.stored("P1", 2.25, "2026-05-02T00:04:00Z")
        self.assertEqual(client.call("POST", path, b"{").status, 400)
        self.assertEqual(client.call("POST", path, {"NOBODYS": 1}).status, 400)
        self.assertEqual(client.call("GET", path).status, 405)
        wrong = "nwd_" + secrets.token_urlsafe(32)
        refused = client.call("POST", f"/api/v1/{wrong}/telemetry", {"P1": 1})
        self.assertEqual(refused.status, 401)
        self.assertNotIn(wrong, refused.body.decode())
        self.assertEqual(client.call("POST", f"/api/v1/{wrong}/x/telemetry", {"P1": 1}).status, 404)
        folder = os.path.join(os.environ.get("NWIMS_VAR", "var"), "log")
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read()
                self.assertNotIn(self.token.encode(), text, name)
                self.assertNotIn(wrong.encode(), text, name)

    # ---- signatures ----
    def signed(self, body, path="/ingest/v1/readings", query="", key=None, ts=None, nonce=None, sent=None, **headers):
        ts, nonce = str(ts or int(time.time())), nonce or secrets.token_hex(8)
        text = "\n".join(["POST", path + ("?" + query if query else ""), ts, nonce, hashlib.sha256(body).hexdigest()])
        sig = hmac.new(key or self.key, text.encode(), hashlib.sha256).hexdigest()
        headers["Nwims-Signature"] = f"keyid={self.key_id}, ts={ts}, nonce={nonce}, alg=hmac-sha256, sig={sig}"
        return nwims.Client(URL).call("POST", path + ("?" + query if query else ""), sent or body, headers)

    def test_a_signed_request_is_taken_once(self):
        body = json.dumps([{"sensor_id": "P1", "value": 5.125, "timestamp": AT + 300}]).encode()
        nonce = secrets.token_hex(8)
        answer = self.signed(body, nonce=nonce)
        self.assertEqual(answer.status, 202, answer)
        self.stored("P1", 5.125, "2026-05-02T00:05:00Z")
        again = self.signed(body, nonce=nonce)
        self.assertEqual((again.status, again.json["type"].rsplit(":", 1)[1]), (401, "replayed"), again)
        self.assertEqual(self.signed(body).status, 202)
        self.assertEqual(self.signed(body, query="a=b").status, 202)
        self.assertEqual(self.signed(body, sent=gzip.compress(body), **{"Content-Encoding": "gzip"}).status, 202)

    def test_a_signature_of_another_key_time_or_body_is_refused(self):
        body = b'[{"sensor_id": "P1", "value": 1}]'
        self.assertEqual(self.signed(body, key=b"x" * 32).status, 401)
        self.assertEqual(self.signed(body, sent=body.replace(b"1}", b"2}")).status, 401)
        old = self.signed(body, ts=int(time.time()) - 400)
        self.assertEqual(old.status, 401)
        self.assertIn("seconds off", old.json["detail"])
        self.assertEqual(self.signed(body, ts=int(time.time()) + 400).status, 401)

    def test_standard_webhooks_are_understood(self):
        body, message, ts = b'[{"sensor_id": "P1", "value": 6.5}]', f"msg_{secrets.token_hex(8)}", str(int(time.time()))
        sig = base64.b64encode(hmac.new(self.key, f"{message}.{ts}.".encode() + body, hashlib.sha256).digest()).decode()
        headers = {"webhook-id": message, "webhook-timestamp": ts, "webhook-signature": f"v1,{sig}", "Nwims-Key-Id": self.key_id}
        self.assertEqual(nwims.Client(URL).call("POST", "/ingest/v1/readings", body, headers).status, 202)
        self.stored("P1", 6.5)
        self.assertEqual(nwims.Client(URL).call("POST", "/ingest/v1/readings", body, headers).status, 401)

    # ---- forms ----
    def send(self, body, content_type, **headers):
        return self.client.call("POST", "/ingest/v1/readings", body, {"Content-Type": content_type, **headers})

    def test_cbor_of_both_kinds(self):
        pack = cbor2.dumps([{-2: "P", -3: AT + 360, 0: "1", 1: "Pa", 2: 412000}])
        self.assertEqual(self.send(pack, "application/senml+cbor").status, 202)
        self.stored("P1", 4.12, "2026-05-02T00:06:00Z")
        compact = cbor2.dumps({"t": AT + 420, "m": {"P1": [300, "kPa"], "F1": 7.5}})
        self.assertEqual(self.send(compact, "application/cbor").json["accepted"], 2)
        self.stored("P1", 3, "2026-05-02T00:07:00Z")
        self.stored("F1", 7.5, "2026-05-02T00:07:00Z")
        cut = self.send(compact[:-1], "application/cbor")
        self.assertEqual((cut.status, "at byte" in cut.json["detail"]), (400, True), cut)

    def test_compact_json_is_understood(self):
        self.assertEqual(self.send({"d": "L-7", "t": AT + 480, "m": {"P1": [2.5, "bar"]}}, "application/json").status, 202)
        self.stored("P1", 2.5, "2026-05-02T00:08:00Z")

    def test_cayenne_lpp(self):
        answer = self.send(bytes.fromhex("0367011001740bb8"), "application/x-cayenne-lpp")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 2), answer)
        self.stored("L-7/temperature_3", 27.2)
        self.stored("L-7/voltage_1", 30)

    def test_bytes_by_the_devices_own_profile(self):
        device = f"/devices/{self.device['id']}"
        self.assertEqual(self.send(b"\x01\x02", "application/octet-stream").status, 400)
        wrong = self.api.call("PATCH", "/api/v1" + device, {"payload_profile": "{\"fields\":[{}]}"})
        self.assertEqual((wrong.status, "bits" in wrong.body.decode()), (422, True), wrong)
        profile = {"endian": "little", "fields": [{"is": "time", "at": 0, "bits": 32}, {"sensor": "/level", "at": 4, "bits": 16, "scale": 0.001, "unit": "m", "count": 2, "step_s": -3600}]}
        self.assertEqual(self.api.call("PATCH", "/api/v1" + device, {"payload_profile": json.dumps(profile)}).status, 200)
        body = (AT + 540).to_bytes(4, "little") + (4250).to_bytes(2, "little") + (4100).to_bytes(2, "little")
        end = time.monotonic() + 10
        while (answer := self.send(body, "application/octet-stream")).status != 202:  # until the change has got about
            self.assertLess(time.monotonic(), end, answer)
            time.sleep(0.1)
        self.assertEqual(answer.json["accepted"], 2)
        self.stored("L-7/level", 4.25, "2026-05-02T00:09:00Z")
        self.stored("L-7/level", 4.1, "2026-05-01T23:09:00Z")
        self.assertEqual(self.send(body[:5], "application/octet-stream").status, 400)

    # ---- repeats and cuts ----
    def test_a_key_is_for_one_body(self):
        key = {"Idempotency-Key": secrets.token_hex(8)}
        first = self.send({"sensor_id": "P1", "value": 1}, "application/json", **key)
        again = self.send({"sensor_id": "P1", "value": 1}, "application/json", **key)
        self.assertEqual((first.status, again.status, again.json["duplicate"]), (202, 200, True), again)
        self.assertEqual(first.json["batch_id"], again.json["batch_id"])
        self.assertEqual(self.send({"sensor_id": "P1", "value": 2}, "application/json", **key).status, 422)

    def test_requests_under_one_key_at_once_are_one(self):
        """Whoever comes while the first is under way is told so (409), whoever comes later gets its answer (200); it is taken once."""
        seen = set()
        for _ in range(5):
            key, body = {"Idempotency-Key": secrets.token_hex(8)}, [{"sensor_id": "P1", "value": i, "timestamp": 1750000000000 + i} for i in range(20000)]
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                answers = list(pool.map(lambda _: nwims.Client(URL, self.token).call("POST", "/ingest/v1/readings", body, key), range(12)))
            statuses = [answer.status for answer in answers]
            self.assertEqual(statuses.count(202), 1, statuses)
            self.assertLessEqual(set(statuses), {200, 202, 409})
            for answer in answers:
                if answer.status == 409:
                    self.assertIn("Retry-After", answer.headers)
            seen |= set(statuses)
            if 409 in seen:
                return
        self.fail(f"nobody was told that the first is under way: {seen}")

    def test_a_body_that_is_cut_stores_nothing(self):
        parts = urllib.parse.urlsplit(URL)
        body = json.dumps([{"sensor_id": "F1", "value": 987.5}]).encode()
        head = f"POST /ingest/v1/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for cut in range(0, len(body), 5):
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
                connection.sendall(head + body[:cut])
        self.assertEqual(self.send({"sensor_id": "F1", "value": 1.25}, "application/json").status, 202)
        self.stored("F1", 1.25)
        self.assertNotIn(987.5, [v for _, v in nwims.series(self.api, "F1")])


if __name__ == "__main__":
    unittest.main(verbosity=1)
