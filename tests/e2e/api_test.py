#!/usr/bin/env python3
"""Drives the running system as a caller would: the documented calls, every kind of bad input, and two tenants that must not see each other."""
import concurrent.futures
import json
import math
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = nwims.tenant("api-a"), nwims.tenant("api-b")
        for i in range(1, 4):
            nwims.sensor(cls.a, f"SENSOR_{i:03}", "pressure", "bar")

    def stored(self, code="SENSOR_001"):
        return len(nwims.series(self.a, code))

    def refused(self, answer, status, index=None, field=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual(problem["status"], status)
        for key in ("type", "title", "detail", "request_id"):
            self.assertIn(key, problem)
        if index is not None:
            self.assertIn(index, [e.get("index") for e in problem["errors"]], problem)
        if field is not None:
            self.assertIn(field, [e.get("field") for e in problem["errors"]], problem)
        return problem

    def test_the_documented_curl_call_works_to_the_letter(self):
        body = '[{"sensor_id":"SENSOR_001","value":3.5,"unit":"bar"},{"sensor_id":"SENSOR_002","value":350,"unit":"kPa"}]'
        out = subprocess.run(["curl", "-s", "-X", "POST", f"{os.environ['NWIMS_URL']}/api/v1/batch/readings",
                              "-H", f"Authorization: Bearer {self.a.token}", "-H", "Content-Type: application/json", "-d", body],
                             capture_output=True, check=True).stdout
        answer = json.loads(out)
        self.assertEqual((answer["status"], answer["stored"], answer["refused"]), ("committed", 2, 0), answer)
        self.assertEqual(self.a.get("/sensors/SENSOR_001/latest").json["value"], 3.5)
        self.assertEqual(self.a.get("/sensors/SENSOR_002/latest").json["value"], 3.5)

    def test_a_thousand_readings_with_one_bad_are_refused_whole_and_named(self):
        def thousand():
            return [{"sensor_id": "SENSOR_003", "value": i, "unit": "bar", "timestamp": f"2026-01-01T00:{i // 60:02}:{i % 60:02}Z"} for i in range(1000)]
        before = self.stored("SENSOR_003")
        for change, field in (({"sensor_id": "NO_SUCH"}, "sensor_id"), ({"unit": "m3/h"}, "unit"), ({"unit": "furlong"}, "unit"),
                              ({"timestamp": "2200-01-01T00:00:00Z"}, "timestamp"), ({"timestamp": "yesterday"}, "timestamp"),
                              ({"value": "3.5"}, "value"), ({"value": None}, "value")):
            readings = thousand()
            readings[777].update(change)
            with self.subTest(change=change):
                self.refused(self.a.post("/batch/readings", readings), 422, index=777, field=field)
        nan = json.dumps(thousand()).replace('"value": 777,', '"value": NaN,')
        answer = self.a.post("/batch/readings", nan.encode())
        self.assertIn(answer.status, (400, 422), answer)
        self.assertEqual(self.stored("SENSOR_003"), before)

    def test_skip_stores_the_good_and_reports_the_rest(self):
        readings = [{"sensor_id": "SENSOR_003", "value": 1, "timestamp": f"2026-02-01T00:00:{i:02}Z"} for i in range(10)]
        readings[3]["sensor_id"], readings[7]["unit"] = "NO_SUCH", "m3/h"
        answer = self.a.post("/batch/readings?on_error=skip", readings)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["stored"], answer.json["refused"]), (8, 2))
        self.assertEqual([r["index"] for r in answer.json["rejected"]], [3, 7])
        again = self.a.post("/batch/readings?on_error=skip", readings)
        self.assertEqual((again.json["stored"], again.json["duplicate"]), (0, 8), again)

    def test_bodies_that_are_none_are_refused(self):
        for body in (b"", b"{", b"[1,2", b"nonsense", b'[{"sensor_id":"SENSOR_001","value":1}] x', b"[" * 100000, b'"text"', b"null", b"[]",
                     b'{"sensor_id":"SENSOR_001"}', b'[{"sensor_id":"\xff","value":1}]', b"\x00" * 100):
            with self.subTest(body=body[:40]):
                answer = self.a.post("/batch/readings", body)
                self.assertIn(answer.status, (400, 422), answer)
                self.refused(answer, answer.status)

    def test_a_body_that_is_too_large_is_refused_before_it_is_read(self):
        with socket.create_connection((self.a.host, self.a.port), timeout=20) as s:
            s.sendall((f"POST /api/v1/batch/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.a.token}\r\n"
                       "Content-Type: application/json\r\nContent-Length: 209715200\r\n\r\n[").encode())
            self.assertIn(b" 413 ", s.recv(4096).split(b"\r\n")[0])

    def resident_mib(self, service="gateway"):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                name, rest = open(f"/proc/{pid}/stat").read().split("(", 1)[1].rsplit(")", 1)
                if name == service and rest.split()[1] == os.environ["NWIMS_RUNNER_PID"]:
                    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS:")) / 1024
            except OSError:
                continue
        self.fail(f"no {service} runs")

    def test_a_hundred_logins_leave_no_memory_behind(self):
        # A hash works in 19 MiB: one that was kept would show. Each answer comes after its hash was given back.
        def log_in(_):
            def attempt():
                return nwims.Client().post("/auth/login", {"email": self.a.email, "password": self.a.password}).status
            for _ in range(100):
                status = attempt()
                if status not in (429, 503):
                    return status
                time.sleep(0.2)
            return status
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(set(pool.map(log_in, range(100))), {200})
        self.assertLess(self.resident_mib("identity"), 20)

    def test_bad_bodies_leave_no_memory_behind(self):
        bad = json.dumps([{"sensor_id": "NO_SUCH", "value": i} for i in range(20000)]).encode()
        for _ in range(5):
            self.a.post("/batch/readings", bad)
        before = self.resident_mib()
        for i in range(100):
            answer = self.a.post("/batch/readings", bad if i % 2 else bad[:-5])
            self.assertIn(answer.status, (400, 422))
        self.assertLess(self.resident_mib() - before, 16, "the gateway grew")

    def test_a_body_cut_short_stores_nothing(self):
        before = self.stored()
        body = b'[{"sensor_id":"SENSOR_001","value":9,"timestamp":"2026-03-01T00:00:00Z"}]'
        for cut in (1, 10, len(body) - 1):
            with socket.create_connection((self.a.host, self.a.port), timeout=20) as s:
                s.sendall((f"POST /api/v1/batch/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.a.token}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body[:cut])
                s.shutdown(socket.SHUT_WR)
                got = s.recv(4096)
                self.assertTrue(got == b"" or b" 400 " in got.split(b"\r\n")[0], got)
        self.assertEqual(self.stored(), before)

    def test_requests_that_smuggle_are_refused(self):
        for head in ("Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5", "Content-Length: 4x",
                     "Content-Length: +4", "Content-Length: 99999999999999999999"):
            with self.subTest(head=head), socket.create_connection((self.a.host, self.a.port), timeout=20) as s:
                s.sendall(f"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{{}}  ".encode())
                self.assertRegex(s.recv(4096).split(b"\r\n")[0], rb" 4(00|13) ")

    def test_tokens_that_are_not_good_are_refused(self):
        none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4IiwidGlkIjoxLCJwZXJtIjoiKjoqIn0."
        for token in (None, "x", none, self.a.token[:-4] + "AAAA", "a" * 100000):
            with self.subTest(token=(token or "")[:20]):
                answer = nwims.Client(token=token).get("/sensors")
                self.assertIn(answer.status, (400, 401, 431), answer.status)

    def test_one_tenant_sees_and_writes_nothing_of_another(self):
        ours = self.a.get("/sensors/SENSOR_001").json
        town = self.a.post("/municipalities", {"code": "TOWN", "name": "Town"}).json
        device = self.a.post("/devices", {"code": "DEV", "protocol": "http"}).json
        zone = self.a.post("/zones", {"code": "Z", "name": "Z", "municipality_id": town["id"]}).json
        self.a.post("/batch/readings", [{"sensor_id": "SENSOR_001", "value": 1}])
        for path in (f"/sensors/{ours['id']}", "/sensors/SENSOR_001", "/sensors/SENSOR_001/latest", f"/sensors/{ours['id']}/readings",
                     f"/sensors/{ours['id']}/statistics", f"/municipalities/{town['id']}", f"/devices/{device['id']}", f"/zones/{zone['id']}",
                     f"/devices/{device['id']}/credentials"):
            with self.subTest(path=path):
                self.assertEqual(self.b.get(path).status, 404, path)
        for path in ("/sensors", "/municipalities", "/devices", "/zones"):
            self.assertEqual(self.b.get(path).json["items"], [], path)
        self.assertEqual(self.b.post("/readings/latest", {"sensor_ids": ["SENSOR_001", ours["id"]]}).json["items"], [])
        self.refused(self.b.post("/batch/readings", [{"sensor_id": ours["id"], "value": 1}]), 422, index=0, field="sensor_id")
        for method, path, body in (("PATCH", f"/sensors/{ours['id']}", {"name": "stolen"}), ("DELETE", f"/sensors/{ours['id']}", None),
                                   ("PATCH", f"/devices/{device['id']}", {"name": "stolen"}), ("DELETE", f"/municipalities/{town['id']}", None),
                                   ("POST", f"/devices/{device['id']}/credentials", {"kind": "token"})):
            with self.subTest(method=method, path=path):
                self.assertEqual(self.b.call(method, "/api/v1" + path, body).status, 404)
        self.assertIn(self.b.post("/sensors", {"code": "X", "kind": "flow", "device_id": device["id"]}).status, (404, 409, 422))
        self.refused(self.b.call("GET", "/api/v1/sensors", headers={"Nwims-Tenant": str(self.a.tenant_id)}), 403)
        self.refused(self.b.get("/tenants"), 403)
        self.assertEqual(self.a.get("/sensors/SENSOR_001").json, {**ours, "updated_at": self.a.get("/sensors/SENSOR_001").json["updated_at"]})

    def test_entities_are_made_listed_changed_and_removed(self):
        made = self.a.post("/sensors", {"code": "CRUD-1", "kind": "flow"})
        self.assertEqual((made.status, made.json["unit"]), (201, "m3/h"), made)
        self.assertTrue(made.headers["Location"].endswith(made.json["id"]))
        self.refused(self.a.post("/sensors", {"code": "CRUD-1", "kind": "flow"}), 409)
        self.refused(self.a.post("/sensors", {"code": "bad code!", "kind": "flow", "zz": 1}), 422, field="code")
        self.refused(self.a.post("/sensors", {"kind": "flow"}), 422, field="code")
        self.refused(self.a.post("/sensors", {"code": "U", "kind": "flow", "unit": "bar"}), 422, field="unit")
        changed = self.a.call("PATCH", "/api/v1/sensors/CRUD-1", {"name": "Inflow", "range_max": 100})
        self.assertEqual((changed.status, changed.json["name"]), (200, "Inflow"), changed)
        for i in range(25):
            nwims.sensor(self.a, f"PAGE-{i:02}", "flow", "m3/h")
        seen, cursor = [], None
        while True:
            page = self.a.get("/sensors", limit=10, code_prefix="PAGE-", **({"cursor": cursor} if cursor else {})).json
            seen += [s["code"] for s in page["items"]]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        self.assertEqual(seen, [f"PAGE-{i:02}" for i in range(25)])
        self.assertEqual(self.a.call("DELETE", "/api/v1/sensors/CRUD-1").status, 204)
        self.refused(self.a.get("/sensors/CRUD-1"), 404)
        self.refused(self.a.get("/sensors", limit=0), 422, field="limit")
        self.refused(self.a.get("/sensors", nonsense=1), 422, field="nonsense")

    def test_what_is_not_there_says_so(self):
        self.refused(self.a.get("/nothing"), 404)
        answer = self.a.call("DELETE", "/api/v1/auth/login")
        self.refused(answer, 405)
        self.assertEqual(answer.headers["Allow"], "POST")
        self.refused(self.a.post("/batch/readings", b"a,b", {"Content-Type": "text/plain"}), 415)

    def test_an_unchanged_answer_is_not_sent_again(self):
        first = self.a.get("/sensors/SENSOR_001")
        again = self.a.call("GET", "/api/v1/sensors/SENSOR_001", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_the_same_key_with_the_same_body_is_taken_once(self):
        body = [{"sensor_id": "SENSOR_003", "value": 5}]
        headers = {"Idempotency-Key": "once-" + self.a.token[-12:]}
        first = self.a.post("/batch/readings", body, headers)
        second = self.a.post("/batch/readings", body, headers)
        self.assertEqual(first.json["batch_id"], second.json["batch_id"])
        self.assertEqual(first.json["stored"], 1)

    def test_async_is_answered_before_the_commit(self):
        answer = self.a.post("/batch/readings", [{"sensor_id": "SENSOR_003", "value": 6}], {"Prefer": "respond-async"})
        self.assertEqual((answer.status, answer.json["status"]), (202, "accepted"), answer)

    def test_the_document_tells_of_every_route(self):
        document = self.a.call("GET", "/openapi.json").json
        self.assertTrue(document["openapi"].startswith("3.1"))
        self.assertIn("/api/v1/batch/readings", [p if p.startswith("/api") else "/api/v1" + p for p in document["paths"]])
        page = self.a.call("GET", "/docs")
        self.assertEqual(page.status, 200)
        self.assertNotIn(b"https://cdn", page.body)

    def test_aggregates_and_statistics_agree_with_the_readings(self):
        nwims.sensor(self.a, "AGG", "flow", "m3/h")
        values = [(f"2026-04-01T{h:02}:{m:02}:00Z", math.sin(h * 60 + m) + 5) for h in range(6) for m in range(60)]
        self.assertEqual(self.a.post("/batch/readings", [{"sensor_id": "AGG", "value": v, "timestamp": t} for t, v in values]).json["stored"], 360)
        got = self.a.get("/readings/aggregate", sensor_id="AGG", from_at="2026-04-01T00:00:00Z", to_at="2026-04-02T00:00:00Z", window="1h").json["items"]
        self.assertEqual(len(got), 6)
        for hour, window in enumerate(got):
            part = [v for _, v in values[hour * 60:hour * 60 + 60]]
            self.assertEqual((window["count"], window["min"], window["max"], window["last"]), (60, min(part), max(part), part[-1]))
            self.assertAlmostEqual(window["sum"], sum(part), places=9)
        stats = self.a.get("/sensors/AGG/statistics", from_at="2026-04-01T00:00:00Z", to_at="2026-04-02T00:00:00Z").json
        self.assertEqual((stats["count"], stats["min"]), (360, min(v for _, v in values)))


if __name__ == "__main__":
    unittest.main(verbosity=1)
