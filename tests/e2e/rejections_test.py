#!/usr/bin/env python3
"""What could not be taken, over every protocol there is: shown with its body, taken up again when a sensor was registered, and stored once with its own time."""
import base64
import json
import os
import socket
import subprocess
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
from mqtt_test import HOST, PORT, eventually
from nwims import series

HTTP, LINES_TLS_PORT = os.environ["NWIMS_HTTP_INGEST_URL"], int(os.environ["NWIMS_LINES_TLS_PORT"])
AT = int(time.time()) - 3 * 86400
RFC = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(AT))
PROFILE = json.dumps({"fields": [{"is": "time", "at": 0, "bits": 32}, {"sensor": "/level", "at": 4, "bits": 16, "scale": 0.001, "unit": "m"}]})


class Rejections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api, cls.other = nwims.tenant("rejections"), nwims.tenant("rejections-other")

    def device(self, protocol, **more):
        return nwims.device(self.api, protocol, **more)

    # ---- ways in: each sends one reading of 1.5 to a sensor that there is not ----
    def http(self, token, path, body, kind):
        return nwims.Client(HTTP).call("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": kind})

    def publish(self, token, topic, payload, *more):
        subprocess.run(["mosquitto_pub", "-h", HOST, "-p", str(PORT), "-u", "device", "-P", token, "-q", "1", "-t", topic, "-s", *more], input=payload,
                       check=True, timeout=30)

    def lines(self, token, sensor):
        says = "".join(json.dumps(line) + "\n" for line in ({"hello": {"epoch": 1, "oldest": 1, "next": 2, "acknowledged": 0}, "auth": {"token": token}},
                                                            {"s": 1, "t": AT, "m": {sensor: 1.5}}))
        client = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", f"{socket.gethostbyname(HOST)}:{LINES_TLS_PORT}"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        client.stdin.write(says.encode())
        client.stdin.flush()
        while b"ack" not in (line := client.stdout.readline()) or b"welcome" in line:
            self.assertTrue(line, "the connection ended")
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()

    WAYS = ("http-json", "http-senml", "influx", "thingsboard", "mqtt-json", "mqtt-value", "mqtt-thingsboard", "mqtt-raw", "tcp-lines", "api")

    def send(self, way, sensor, device, token):
        compact = json.dumps({"t": AT, "m": {sensor: 1.5}}).encode()
        if way == "http-json":
            self.assertEqual(self.http(token, "/ingest/v1/readings", compact, "application/json").status, 422)
        elif way == "http-senml":
            self.http(token, "/ingest/v1/readings", json.dumps([{"n": sensor, "t": AT, "v": 1.5}]).encode(), "application/senml+json")
        elif way == "influx":
            self.http(token, "/api/v2/write?precision=s", f"{sensor} value=1.5 {AT}".encode(), "text/plain")
        elif way == "thingsboard":
            self.http(token, f"/api/v1/{token}/telemetry", json.dumps({"ts": AT * 1000, "values": {sensor: 1.5}}).encode(), "application/json")
        elif way == "mqtt-json":
            self.publish(token, "nwims/v1/me/up", compact)
        elif way == "mqtt-value":
            self.publish(token, f"nwims/v1/me/up/{sensor}", b"1.5")
        elif way == "mqtt-thingsboard":
            self.publish(token, "v1/devices/me/telemetry", json.dumps({"ts": AT * 1000, "values": {sensor: 1.5}}).encode())
        elif way == "mqtt-raw":
            self.publish(token, "nwims/v1/me/raw", AT.to_bytes(4, "big") + (1500).to_bytes(2, "big"))
        elif way == "tcp-lines":
            self.lines(token, sensor)
        else:
            self.assertEqual(self.api.post("/batch/readings", [{"sensor_id": sensor, "value": 1.5, "timestamp": RFC}]).status, 422)

    def one(self, **query):
        found = eventually(lambda: self.api.get("/ingest/rejections", **query).json["items"])
        self.assertEqual(len(found or []), 1, found)
        return found[0]

    def replay(self, **body):
        answer = self.api.post("/ingest/rejections/replay", body)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_what_was_refused_is_shown_and_taken_up_again_whichever_way_it_came(self):
        for way in self.WAYS:
            with self.subTest(way):
                protocol = "api" if way == "api" else way.split("-")[0] if "-" in way else "http"
                device, token = self.device(protocol if protocol != "api" else "http", **({"payload_profile": PROFILE} if way == "mqtt-raw" else {}))
                sensor = f"{device['code']}/level"
                began = time.time()
                self.send(way, sensor, device, token)
                kept = self.one(**({"protocol": "api"} if way == "api" else {"device_id": device["id"]}))
                self.assertEqual((kept["reason"], kept["state"], kept["protocol"], kept["can_replay"]), ("unknown_sensor", "kept", protocol, True))
                self.assertEqual(kept.get("device_code"), None if way == "api" else device["code"])
                whole = self.api.get(f"/ingest/rejections/{kept['id']}").json
                self.assertEqual(len(base64.b64decode(whole["raw"])), whole["size"])
                self.assertEqual("text" in whole, way != "mqtt-raw")
                self.assertEqual(self.other.get(f"/ingest/rejections/{kept['id']}").status, 404)
                self.assertEqual(self.replay(ids=[kept["id"]])["failed"], 1)
                made = nwims.sensor(self.api, sensor, "level", "m")["id"]
                done = eventually(lambda: (job := self.replay(ids=[kept["id"]]))["updated"] and job, 10)
                self.assertEqual((done["updated"], done["failed"]), (1, 0))
                stored = eventually(lambda: series(self.api, made, from_at="2015-01-01T00:00:00Z"))
                self.assertEqual([value for _, value in stored], [1.5])
                if way == "mqtt-value":  # it has no time of its own: that of when it came
                    self.assertEqual(stored[0][0], kept["received_at"])
                else:
                    self.assertEqual(stored[0][0], RFC)
                self.assertEqual(self.replay(ids=[kept["id"]])["unchanged"], 1)
                self.assertEqual(self.api.get(f"/ingest/rejections/{kept['id']}").json["state"], "accepted")

    def test_what_had_been_stored_of_a_body_is_not_stored_again(self):
        device, token = self.device("http")
        good, bad = f"{device['code']}/good", f"{device['code']}/bad"
        ids = {good: nwims.sensor(self.api, good, "level", "m")["id"]}
        body = json.dumps([{"sensor_id": good, "value": 1}, {"sensor_id": bad, "value": 2}, {"n": 3}]).encode()  # no times: those of when it came
        self.assertEqual(self.http(token, "/ingest/v1/batch", body, "application/json").status, 202)
        kept = self.one(device_id=device["id"], reason="unknown_sensor")
        ids[bad] = nwims.sensor(self.api, bad, "level", "m")["id"]
        job = eventually(lambda: (job := self.replay(filter={"device_id": device["id"], "reason": "unknown_sensor"})) and
                         self.api.get(f"/ingest/rejections/{kept['id']}").json.get("replay_accepted") == 2 and job, 10)
        self.assertTrue(job)
        after = self.api.get(f"/ingest/rejections/{kept['id']}").json
        self.assertEqual((after["state"], after["replay_accepted"], after["replay_refused"]), ("partly", 2, 1))
        stored = lambda code: series(self.api, ids[code], from_at="2015-01-01T00:00:00Z")
        self.assertTrue(eventually(lambda: stored(bad)))
        time.sleep(1)
        self.assertEqual(([v for _, v in stored(good)], [v for _, v in stored(bad)]), ([1], [2]))

    def test_a_body_that_is_none_is_shown_as_it_came(self):
        device, token = self.device("http")
        self.assertEqual(self.http(token, "/ingest/v1/readings", b"[{\"sensor_id\":", "application/json").status, 400)
        kept = self.one(device_id=device["id"])
        self.assertEqual((kept["reason"], "readings" in kept), ("malformed", False))
        self.assertEqual(self.api.get(f"/ingest/rejections/{kept['id']}").json["text"], "[{\"sensor_id\":")
        job = self.replay(ids=[kept["id"]])
        self.assertEqual((job["failed"], job["items"][0]["outcome"]), (1, "failed"))

    def test_many_go_as_a_job_that_the_audit_knows(self):
        device, token = self.device("http")
        sensor = f"{device['code']}/x"
        for i in range(120):
            self.http(token, "/ingest/v1/readings", json.dumps({"t": AT + i, "m": {sensor: i}}).encode(), "application/json")
        self.assertTrue(eventually(lambda: len(self.api.get("/ingest/rejections", device_id=device["id"], limit=1000).json["items"]) == 120))
        page = self.api.get("/ingest/rejections", device_id=device["id"], limit=100).json
        self.assertEqual(len(page["items"]) + len(self.api.get("/ingest/rejections", device_id=device["id"], limit=100, cursor=page["next_cursor"]).json["items"]), 120)
        made = nwims.sensor(self.api, sensor, "level", "m")["id"]
        time.sleep(2.5)  # an absent sensor is remembered for two seconds
        answer = self.api.post("/ingest/rejections/replay", {"filter": {"device_id": device["id"]}})
        self.assertEqual(answer.status, 202, answer)
        job = eventually(lambda: (job := self.api.call("GET", answer.headers["Location"]).json)["state"] == "done" and job)
        self.assertEqual((job["total"], job["updated"], job["failed"]), (120, 120, 0))
        self.assertTrue(eventually(lambda: len(series(self.api, made, from_at="2015-01-01T00:00:00Z")) == 120))
        self.assertTrue(eventually(lambda: self.api.get("/audit", action="rejections.replay", entity_id=job["id"]).json["items"]))

    def test_the_accounts_of_every_way_in_add_up(self):
        """sent = stored + duplicate + refused, by protocol, in a tenant of its own."""
        api = nwims.tenant("accounts")
        nwims.sensor(api, "P1", "pressure", "bar")
        made = api.post("/devices", {"code": "LOGGER", "protocol": "http"}).json
        token = api.post(f"/devices/{made['id']}/credentials", {"kind": "token"}).json["secret"]
        body = [{"sensor_id": "P1", "value": i, "timestamp": (AT + i) * 1000} for i in range(10)] + [{"sensor_id": "NONE", "value": 1}] * 3
        for _ in range(2):
            self.assertEqual(self.http(token, "/ingest/v1/batch", json.dumps(body).encode(), "application/json").status, 202)
        self.http(token, "/ingest/v1/batch", b"{", "application/json")
        self.publish(token, "nwims/v1/me/up", json.dumps({"t": AT + 100, "m": {"P1": 1, "NONE": 2}}).encode())
        self.assertEqual(api.post("/batch/readings", [{"sensor_id": "P1", "value": 1, "timestamp": (AT + 200) * 1000}]).status, 200)
        count = lambda p: (p["stored"], p["duplicate"], p["refused"], {r["reason"]: r["readings"] for r in p.get("refusals", [])})
        wanted = {"http": (10, 10, 7, {"unknown_sensor": 6, "malformed": 1}), "mqtt": (1, 0, 1, {"unknown_sensor": 1}), "api": (1, 0, 0, {})}
        look = lambda: {p["protocol"]: count(p) for p in api.get("/ingest/statistics").json["protocols"]}
        eventually(lambda: look() == wanted, 15)
        self.assertEqual(look(), wanted)
        whole = api.get("/ingest/statistics").json
        self.assertEqual((whole["stored"], whole["duplicate"], whole["refused"]), (12, 10, 8))
        http = next(p for p in whole["protocols"] if p["protocol"] == "http")
        self.assertIn("last_seen_at", http)
        self.assertLessEqual(http["rate_1m"], 1)
        self.assertEqual(self.other.get("/ingest/statistics").json["stored"], 0)

    def test_what_is_asked_for_wrongly_is_named(self):
        for body in ({}, {"ids": ["x"]}, {"ids": [str(uuid.uuid4())], "filter": {}}, {"filter": {"reason": "bad luck"}}, {"what": 1}):
            self.assertEqual(self.api.post("/ingest/rejections/replay", body).status, 422, body)
        self.assertEqual(self.replay(ids=[str(uuid.uuid4())])["done"], 0)
        self.assertEqual(self.api.get("/ingest/rejections", cursor="x").status, 422)
        self.assertEqual(self.api.get("/ingest/rejections", device_id="x").status, 422)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
