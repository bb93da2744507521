#!/usr/bin/env python3
"""Bulk operations as their users send them: many sensors changed at once, devices, sensors and assets from CSV, all or nothing or the good ones, dry runs, jobs
with progress, cancelling, failed rows that are mended and sent again, and what others see of all that."""
import csv
import gzip
import io
import os
import secrets
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forgery
import nwims

MANY = int(os.environ.get("NWIMS_BULK_ROWS", "5000"))
TOKENS = 1500  # a job, and more than one page
ASYNC = {"Prefer": "respond-async"}


def update(client, body, headers=None, **query):
    return client.post("/batch/sensors/update?" + "&".join(f"{k}={v}" for k, v in query.items()), body, headers)


def load(client, noun, text, headers=None, **query):
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(f"/{noun}/import?" + "&".join(f"{k}={v}" for k, v in query.items()), body, {"Content-Type": "text/csv", **(headers or {})})


def finished(client, answer, limit_s=180):
    """The job behind a 202, once it is over."""
    assert answer.status == 202, answer
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        job = client.call("GET", answer.headers["Location"])
        assert job.status == 200, job
        if job.json["state"] not in ("queued", "running"):
            return job.json
        time.sleep(0.1)
    raise AssertionError(f"the job did not end: {job}")


def counts(job):
    return tuple(job[name] for name in ("created", "updated", "unchanged", "failed"))


def audits(client, action, limit_s=20):
    """The records of an action; they come a moment after the answer."""
    until = time.monotonic() + limit_s
    while True:
        items = client.get("/audit", action=action, limit=50).json["items"]
        if items or time.monotonic() > until:
            return items
        time.sleep(0.1)


class SensorsUpdate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = nwims.tenant("bulk-update")
        cls.town = cls.client.post("/municipalities", {"code": "TOWN", "name": "Town"}).json["id"]
        cls.ids = {code: nwims.sensor(cls.client, code, "pressure", "bar", municipality_id=cls.town if code < "S3" else None)["id"] for code in ("S1", "S2", "S3", "S4")}

    def sensor(self, code):
        return self.client.get(f"/sensors/{code}").json

    def test_each_sensor_gets_a_change_of_its_own(self):
        answer = update(self.client, {"items": [{"id": "S1", "name": "one", "low": 1, "high": 9}, {"id": self.ids["S2"].upper(), "name": "two", "period_s": 60}]})
        self.assertEqual((answer.status, counts(answer.json)), (200, (0, 2, 0, 0)), answer)
        self.assertEqual([(i["index"], i["id"], i["outcome"]) for i in answer.json["items"]], [(0, self.ids["S1"], "updated"), (1, self.ids["S2"], "updated")])
        self.assertEqual((self.sensor("S1")["name"], self.sensor("S2")["period_s"]), ("one", 60))
        limits = self.client.get("/sensors/S1/thresholds").json
        self.assertEqual((limits["low"], limits["high"]), (1, 9))
        again = update(self.client, {"items": [{"id": "S1", "name": "one", "low": 1, "high": 9}]})
        self.assertEqual(counts(again.json), (0, 0, 1, 0), again)
        cleared = update(self.client, {"items": [{"id": "S1", "name": None, "low": None}]})
        self.assertEqual(counts(cleared.json), (0, 1, 0, 0), cleared)
        self.assertNotIn("name", self.sensor("S1"))
        self.assertNotIn("low", self.client.get("/sensors/S1/thresholds").json)

    def test_one_change_is_for_all_that_are_named_or_selected(self):
        answer = update(self.client, {"ids": ["S3", self.ids["S4"]], "set": {"state": "disabled"}})
        self.assertEqual((answer.status, counts(answer.json)), (200, (0, 2, 0, 0)), answer)
        self.assertEqual(self.sensor("S4")["state"], "disabled")
        answer = update(self.client, {"filter": {"municipality_id": self.town}, "set": {"elevation_m": 12}})
        self.assertEqual(counts(answer.json), (0, 2, 0, 0), answer)
        self.assertEqual((self.sensor("S1")["elevation_m"], self.sensor("S3").get("elevation_m")), (12, None))
        answer = update(self.client, {"filter": {"code_prefix": "NONE-"}, "set": {"elevation_m": 12}})
        self.assertEqual((answer.status, answer.json["total"]), (200, 0), answer)

    def test_one_bad_item_and_nothing_is_changed(self):
        before = self.sensor("S1")
        bad = [{"id": "S1", "range_max": 77}, {"id": "NO-SUCH"}, {"id": "S2", "low": 5, "high": 3}, {"id": "S2", "unit": "kPa"}, {"id": "S2", "zone_id": str(uuid.uuid4())}]
        answer = update(self.client, {"items": bad})
        self.assertEqual((answer.status, answer.json["type"]), (422, "urn:nwims:problem:bad-items"), answer)
        self.assertEqual([(e["index"], e.get("field")) for e in answer.json["errors"]], [(1, None), (2, "high"), (3, "unit"), (4, "zone_id")])
        self.assertEqual(self.sensor("S1"), before)
        job = self.client.call("GET", answer.headers["Location"]).json
        self.assertEqual((job["state"], counts(job)), ("failed", (0, 0, 0, 4)))
        answer = update(self.client, {"items": bad}, on_error="skip")
        self.assertEqual((answer.status, counts(answer.json)), (200, (0, 1, 0, 4)), answer)
        self.assertEqual(self.sensor("S1")["range_max"], 77)

    def test_a_dry_run_tells_and_changes_nothing(self):
        before = self.sensor("S2")
        answer = update(self.client, {"items": [{"id": "S2", "name": "dry"}, {"id": "NO-SUCH", "name": "x"}]}, dry_run="true")
        self.assertEqual((answer.status, answer.json["dry_run"], counts(answer.json)), (200, True, (0, 1, 0, 1)), answer)
        self.assertEqual(self.sensor("S2"), before)
        job = finished(self.client, update(self.client, {"ids": ["S2"], "set": {"name": "dry"}}, ASYNC, dry_run="true"))
        self.assertEqual((job["state"], job["dry_run"], counts(job)), ("done", True, (0, 1, 0, 0)))
        self.assertEqual(self.sensor("S2"), before)

    def test_a_call_that_comes_again_with_its_key_is_done_once(self):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first, second = (update(self.client, {"ids": ["S2"], "set": {"period_s": 33}}, key) for _ in range(2))
        self.assertEqual((first.status, first.json), (200, second.json))
        self.assertEqual(counts(first.json), (0, 1, 0, 0))

    def test_what_makes_no_sense_is_refused(self):
        for body in ({}, {"items": []}, {"ids": ["S1"]}, {"ids": ["S1"], "set": {}}, {"ids": ["S1"], "items": [{"id": "S1"}]}, {"items": [{"name": "x"}]},
                     {"ids": ["S1"], "set": {"code": "X"}}, {"filter": {"zone_id": "x"}, "set": {"name": "x"}}, {"ids": ["S1"], "set": {"nonsense": 1}}, []):
            answer = update(self.client, body)
            self.assertIn(answer.status, (400, 422), (body, answer))
        self.assertEqual(update(self.client, {"ids": ["S1"], "set": {"name": "x"}}, on_error="maybe").status, 422)
        self.assertEqual(update(self.client, {"ids": ["S1"], "set": {"name": "x"}}, nonsense="1").status, 422)

    def test_each_call_leaves_one_record_with_its_counts(self):
        client = nwims.tenant("bulk-audit")
        nwims.sensor(client, "A")
        job = update(client, {"ids": ["A", "B"], "set": {"name": "x"}}, on_error="skip").json
        records = audits(client, "sensors.update")
        self.assertEqual([r["entity_id"] for r in records], [job["id"]])
        detail = records[0]["detail"]
        for count in ('"items":2', '"updated":1', '"failed":1', '"on_error":"skip"'):
            self.assertIn(count, detail if isinstance(detail, str) else str(detail).replace("'", '"').replace(": ", ":"))

    def test_it_is_for_administrators_and_stays_within_their_scope(self):
        root = nwims.admin()
        root.headers["Nwims-Tenant"] = str(self.client.tenant_id)
        for role, status in (("operator", 403), ("technician", 403), ("viewer", 403)):
            email, password = f"{role}-{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(18)
            self.assertEqual(root.post("/users", {"email": email, "roles": [role], "password": password}).status, 201)
            person = nwims.Client().login(email, password)
            self.assertEqual(update(person, {"ids": ["S1"], "set": {"name": "x"}}).status, status, role)
            self.assertEqual(load(person, "devices", "code,protocol\nX,http\n").status, status, role)


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = nwims.tenant("bulk-jobs")
        rows = "".join(f"J{i:06},flow\n" for i in range(MANY))
        began = time.monotonic()
        cls.made = finished(cls.client, load(cls.client, "sensors", "code,kind\n" + rows))
        print(f"{MANY} sensors made from CSV: {time.monotonic() - began:.1f} s", file=sys.stderr)
        cls.ids = [f"J{i:06}" for i in range(MANY)]

    def test_a_large_import_is_a_job_and_its_repeat_changes_nothing(self):
        self.assertEqual((self.made["state"], self.made["total"], counts(self.made)), ("done", MANY, (MANY, 0, 0, 0)))
        rows = "".join(f"J{i:06},flow\n" for i in range(MANY))
        again = finished(self.client, load(self.client, "sensors", gzip.compress(("code,kind\n" + rows).encode()), {"Content-Encoding": "gzip"}))
        self.assertEqual((again["state"], counts(again)), ("done", (0, 0, MANY, 0)))

    def test_a_large_update_is_a_job_with_all_or_nothing(self):
        began = time.monotonic()
        job = finished(self.client, update(self.client, {"ids": self.ids + ["NO-SUCH"], "set": {"name": "changed"}}))
        self.assertEqual((job["state"], job["done"], counts(job)), ("failed", MANY + 1, (0, 0, 0, 1)), job)
        self.assertEqual([(i["index"], i["code"]) for i in job["items"]], [(MANY, "NO-SUCH")])
        self.assertNotIn("name", self.client.get(f"/sensors/{self.ids[0]}").json)
        job = finished(self.client, update(self.client, {"filter": {"kind": "flow"}, "set": {"period_s": 900}}))
        self.assertEqual((job["state"], counts(job)), ("done", (0, MANY, 0, 0)), job)
        print(f"{MANY} sensors changed twice, once in vain: {time.monotonic() - began:.1f} s", file=sys.stderr)

    def test_a_job_that_is_cancelled_stops_and_all_or_nothing_is_nothing(self):
        answer = update(self.client, {"ids": self.ids * (100000 // MANY), "set": {"name": f"cancelled {uuid.uuid4()}"}})
        self.assertEqual(answer.status, 202, answer)
        path = answer.headers["Location"]
        cancelled = self.client.call("POST", path + "/cancel")
        self.assertEqual(cancelled.status, 200, cancelled)
        job = finished(self.client, answer)
        self.assertEqual((job["state"], counts(job)), ("cancelled", (0, 0, 0, 0)), job)
        self.assertLess(job["done"], 100000)
        self.assertNotIn("cancelled", self.client.get(f"/sensors/{self.ids[0]}").json.get("name", ""))
        self.assertEqual(self.client.call("POST", path + "/cancel").json["state"], "cancelled", "to cancel what is over changes nothing")

    def test_jobs_are_listed_the_newest_first(self):
        for _ in range(3):
            finished(self.client, update(self.client, {"ids": ["NO-SUCH"], "set": {"name": "x"}}, ASYNC))
        first = self.client.get("/batch", limit=2, state="failed")
        self.assertEqual(first.status, 200, first)
        second = self.client.get("/batch", limit=2, state="failed", cursor=first.json["next_cursor"])
        ids = [job["id"] for job in first.json["items"] + second.json["items"]]
        self.assertEqual(ids, sorted(set(ids), reverse=True))
        self.assertEqual({job["kind"] for job in first.json["items"]}, {"sensors.update"})

    def test_a_job_is_seen_by_its_own_tenant_only(self):
        answer = update(self.client, {"ids": ["NO-SUCH"], "set": {"name": "x"}}, ASYNC)
        finished(self.client, answer)
        other, path = nwims.tenant("bulk-other"), answer.headers["Location"]
        for method, tail in (("GET", ""), ("GET", "/failed"), ("POST", "/cancel")):
            self.assertEqual(other.call(method, path + tail).status, 404, tail)
        self.assertEqual(other.get("/batch").json["items"], [])
        self.assertEqual(nwims.Client().call("GET", path).status, 401)
        for name in ("registry-x", "registry-" + str(uuid.uuid4()), "nobody-" + str(uuid.uuid4()), "x", str(uuid.uuid4())):
            self.assertEqual(self.client.get(f"/batch/{name}").status, 404, name)

    def test_no_tenant_has_more_jobs_open_than_its_share(self):
        client = nwims.tenant("bulk-share")
        nwims.sensor(client, "A")
        answers = [update(client, {"ids": ["A"] * 20000, "set": {"name": str(i)}}) for i in range(25)]
        refused = [a for a in answers if a.status == 429]
        self.assertTrue(refused, [a.status for a in answers])
        self.assertLessEqual(len([a for a in answers if a.status == 202]), 25 - len(refused))
        for answer in answers:
            if answer.status == 202:
                client.call("POST", answer.headers["Location"] + "/cancel")


class Readings(unittest.TestCase):
    """A caller who does not wait learns later what became of the batch."""

    @classmethod
    def setUpClass(cls):
        cls.client = nwims.tenant("bulk-readings")
        nwims.sensor(cls.client, "A")

    def send(self, readings, headers=None, **query):
        path = "/batch/readings?" + "&".join(f"{k}={v}" for k, v in query.items())
        return self.client.post(path, readings, {**ASYNC, **(headers or {})})

    def test_stored_duplicate_and_refused_are_told_when_they_are_known(self):
        good = [{"sensor_id": "A", "value": i, "timestamp": f"2026-01-01T00:00:{i:02}Z"} for i in range(30)]
        first = self.send(good[:20])
        self.assertEqual((first.json["status"], first.json["id"]), ("accepted", first.headers["Location"].rsplit("/", 1)[1]), first)
        job = finished(self.client, first)
        self.assertEqual([job[n] for n in ("state", "kind", "total", "stored", "duplicate", "refused")], ["done", "readings", 20, 20, 0, 0], job)
        second = self.send(good + [{"sensor_id": "NO-SUCH", "value": 1}], on_error="skip")
        job = finished(self.client, second)
        self.assertEqual([job[n] for n in ("state", "total", "stored", "duplicate", "refused")], ["done", 31, 10, 20, 1], job)
        self.assertIn("finished_at", job)

    def test_a_repeat_under_its_key_leads_to_the_same_status(self):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = [{"sensor_id": "A", "value": 1, "timestamp": "2026-01-02T00:00:00Z"}]
        first, second = self.send(body, key), self.send(body, key)
        self.assertEqual(first.headers["Location"], second.headers["Location"])
        self.assertEqual(finished(self.client, second)["stored"], 1)

    def test_nobody_else_and_no_made_up_id_is_told_anything(self):
        answer = self.send([{"sensor_id": "A", "value": 1}])
        finished(self.client, answer)
        self.assertEqual(nwims.tenant("bulk-nosy").call("GET", answer.headers["Location"]).status, 404)
        for name in ("readings-", "readings-1", "readings-0-1-0", "readings-999999999999-1-0", "readings-1-2-3-4", "readings--1-1-1", "readings-1-999999-0",
                     "readings-99999999999999999999-1-0", answer.json["id"] + "0", answer.json["id"].replace("-1-0", "-2-0")):
            self.assertEqual(self.client.get(f"/batch/{name}").status, 404, name)


class NotThereYet(unittest.TestCase):
    """The contracts; alarms come with the service alerting, anomalies with anomaly-detector, and until then the answers say so."""

    def test_the_calls_are_checked_and_say_that_nobody_keeps_alarms_yet(self):
        client = nwims.tenant("bulk-alarms")
        for path in ("/batch/alerts/resolve", "/batch/alerts/acknowledge"):
            for body in (["alert_id_1", "alert_id_2", "alert_id_3"], {"ids": ["alert_id_1"], "comment": "flushed"}, {"filter": {"priority": "low"}}):
                answer = client.post(path, body)
                self.assertEqual((answer.status, answer.json["type"]), (503, "urn:nwims:problem:no-alerting"), answer)
            for body in ([], {}, {"ids": ["x"], "filter": {}}, {"filter": {"priority": "huge"}}, [1], "x", {"nonsense": 1}):
                self.assertIn(client.post(path, body).status, (400, 422), body)

    def test_anomalies_of_a_sensor_are_asked_for_and_nobody_looks_for_them_yet(self):
        client = nwims.tenant("bulk-anomalies")
        nwims.sensor(client, "A", "flow", "m3/h")
        for query in ({}, {"from_at": "2026-01-01T00:00:00Z", "limit": 10, "min_score": 0.5}):
            answer = client.get("/sensors/A/anomalies", **query)
            self.assertEqual((answer.status, answer.json["type"]), (503, "urn:nwims:problem:no-detector"), answer)
            self.assertIn("anomaly-detector", answer.json["detail"])
            self.assertIn("Retry-After", answer.headers)
        for query in ({"limit": 0}, {"min_score": 2}, {"from_at": "x"}, {"nonsense": 1}):
            self.assertEqual(client.get("/sensors/A/anomalies", **query).status, 422, query)


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = nwims.tenant("bulk-import")
        cls.town = cls.client.post("/municipalities", {"code": "TOWN", "name": "Town"}).json["id"]
        cls.zone = cls.client.post("/zones", {"code": "DMA-1", "name": "One", "municipality_id": cls.town}).json["id"]

    def test_devices_and_sensors_come_in_with_what_they_belong_to(self):
        answer = load(self.client, "devices", "code,name,protocol,zone\nL1,\"Logger, \"\"one\"\"\",mqtt,DMA-1\nL2,,http,\n")
        self.assertEqual((answer.status, counts(answer.json)), (200, (2, 0, 0, 0)), answer)
        device = self.client.get("/devices/L1").json
        self.assertEqual((device["name"], device["zone_id"]), ('Logger, "one"', self.zone))
        answer = load(self.client, "sensors", "\ufeffcode;kind;unit;device;high\r\nP1;pressure;bar;L1;9.5\r\nP2;pressure;;L2;\r\n")
        self.assertEqual((answer.status, counts(answer.json)), (200, (2, 0, 0, 0)), answer)
        self.assertEqual(self.client.get("/sensors/P1").json["device_id"], device["id"])
        self.assertEqual(self.client.get("/sensors/P1/thresholds").json["high"], 9.5)
        answer = load(self.client, "sensors", "code,name\nP1,first\nP2,\nP1,first\n")
        self.assertEqual((answer.status, counts(answer.json)), (200, (0, 1, 2, 0)), answer)
        self.assertEqual(self.client.get("/sensors/P1").json["unit"], "bar")

    def test_assets_come_in_from_csv_too(self):
        text = "code\tkind\tzone\tdiameter_mm\tparent\nPLANT\ttreatment_unit\tDMA-1\t\t\nPIPE-1\tpipe\t\t150\tPLANT\n"
        answer = load(self.client, "assets", "code\tkind\tzone\tdiameter_mm\nPLANT\ttreatment_unit\tDMA-1\t\n")
        self.assertEqual((answer.status, counts(answer.json)), (200, (1, 0, 0, 0)), answer)
        answer = load(self.client, "assets", text)
        self.assertEqual((answer.status, counts(answer.json)), (200, (1, 0, 1, 0)), answer)
        self.assertEqual(self.client.get("/assets/PIPE-1").json["parent_id"], self.client.get("/assets/PLANT").json["id"])
        ring = load(self.client, "assets", "code,parent\nPLANT,PIPE-1\n")
        self.assertEqual((ring.status, ring.json["errors"][0]["field"]), (422, "parent_id"), ring)

    def test_failed_rows_come_back_as_csv_are_mended_and_sent_again(self):
        rows = [["code", "name", "kind", "unit", "zone"], ["R1", "good", "flow", "", "DMA-1"], ["R2", 'a "quoted", name', "nonsense", "", ""], ["R3", "two\nlines", "flow", "bar", ""],
                ["R4", "", "flow", "", "DMA-9"], ["", "no code", "flow", "", ""], ["R6", "short"], ["R/7 bad", "", "flow", "", ""]]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        for headers in ({}, ASYNC):
            client = nwims.tenant("bulk-mend")
            town = client.post("/municipalities", {"code": "TOWN", "name": "Town"}).json["id"]
            client.post("/zones", {"code": "DMA-1", "name": "One", "municipality_id": town})
            answer = load(client, "sensors", text.getvalue(), headers, on_error="skip")
            job = finished(client, answer) if headers else answer.json
            self.assertEqual(counts(job), (1, 0, 0, 6), job)
            lines = {item["index"]: item["line"] for item in job["items"] if item["outcome"] == "failed"}
            self.assertEqual(lines, {1: 3, 2: 4, 3: 6, 4: 7, 5: 8, 6: 9})
            failed = client.get(f"/batch/{job['id']}/failed")
            self.assertEqual((failed.status, failed.headers["Content-Type"].split(";")[0]), (200, "text/csv"), failed)
            back = list(csv.reader(io.StringIO(failed.body.decode(), newline="")))
            self.assertEqual(back[0], rows[0] + ["reason"])
            self.assertEqual([row[:-1] for row in back[1:]], rows[2:])
            self.assertTrue(all(row[-1] for row in back[1:]), "each says why")
            back[1][2], back[2][3], back[3][4], back[4][0], back[5], back[6][0] = "flow", "", "DMA-1", "R5", ["R6", "long", "flow", "", "", ""], "R7"
            mended = io.StringIO()
            csv.writer(mended).writerows(back)
            answer = load(client, "sensors", mended.getvalue())
            self.assertEqual((answer.status, counts(answer.json)), (200, (6, 0, 0, 0)), answer)
            self.assertEqual(client.get("/sensors/R3").json["name"], "two\nlines")

    def test_failed_rows_keep_the_divider_of_their_file(self):
        for divider in (";", "\t", ","):
            text = io.StringIO()
            csv.writer(text, delimiter=divider).writerows([["code", "kind", "name"], [f"DIV{ord(divider)}", "pigeon", f"one{divider} \"two\", three"]])
            job = load(self.client, "sensors", text.getvalue(), on_error="skip").json
            self.assertEqual(counts(job), (0, 0, 0, 1), job)
            failed = self.client.get(f"/batch/{job['id']}/failed").body.decode()
            back = list(csv.reader(io.StringIO(failed, newline=""), delimiter=divider))
            self.assertEqual((back[0], back[1][:-1], len(back)), (["code", "kind", "name", "reason"], [f"DIV{ord(divider)}", "pigeon", f"one{divider} \"two\", three"], 2), failed)

    def test_an_id_is_one_column_of_the_failed_whatever_is_in_it(self):
        ids = ["no,such", 'none "of" these', "a;b", "plain"]
        job = update(self.client, {"ids": ids, "set": {"name": "x"}}, on_error="skip").json
        self.assertEqual(counts(job), (0, 0, 0, len(ids)), job)
        failed = self.client.get(f"/batch/{job['id']}/failed").body.decode()
        self.assertEqual([row[0] for row in csv.reader(io.StringIO(failed, newline=""))], ["id"] + ids, failed)

    def test_one_bad_row_and_nothing_is_made(self):
        answer = load(self.client, "devices", "code,protocol\nD1,http\nD2,pigeon\n")
        self.assertEqual(answer.status, 422, answer)
        self.assertEqual([(e["index"], e["field"], e["code"]) for e in answer.json["errors"]], [(1, "protocol", "D2")])
        self.assertIn("line 3: ", answer.json["errors"][0]["reason"])
        self.assertEqual(self.client.get("/devices/D1").status, 404)
        job = finished(self.client, load(self.client, "devices", "code,protocol\nD1,http\nD2,pigeon\n", ASYNC))
        self.assertEqual((job["state"], counts(job)), ("failed", (0, 0, 0, 1)), job)
        self.assertEqual(self.client.get("/devices/D1").status, 404)

    def tokens_of(self, client, job):
        answer = client.post(f"/batch/{job['id']}/tokens")
        self.assertEqual((answer.status, answer.headers["Content-Type"].split(";")[0]), (200, "text/csv"), answer)
        self.assertIn("no-store", answer.headers["Cache-Control"])
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        self.assertEqual(list(rows[0]), ["code", "id", "token"])
        return rows

    def assert_taken(self, client, job):
        self.assertEqual(client.post(f"/batch/{job['id']}/tokens").status, 404)

    def test_devices_come_in_with_tokens_that_are_given_once(self):
        client = nwims.tenant("bulk-tokens")
        client.post("/devices", {"code": "T0", "protocol": "http"})
        answer = load(client, "devices", "code,protocol\nT0,mqtt\nT1,http\nT2,http\nT1,http\n", tokens="true")
        self.assertEqual((answer.status, counts(answer.json)), (200, (2, 1, 1, 0)), answer)
        self.assertNotIn(b"nwd_", answer.body)
        waiting = forgery.sql("registry", f"SELECT wrapped FROM registry.import_token WHERE tenant_id = {client.tenant_id}")
        self.assertEqual(len(waiting), 2)
        email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
        client.post("/users", {"email": email, "password": password, "roles": ["tenant_admin"]})
        self.assert_taken(nwims.Client().login(email, password), answer.json)  # whoever did not ask for it
        rows = self.tokens_of(client, answer.json)
        self.assertEqual([(r["code"], r["id"]) for r in rows], [(c, client.get(f"/devices/{c}").json["id"]) for c in ("T1", "T2")])
        self.assert_taken(client, answer.json)
        nwims.sensor(client, "V1", device_id=rows[0]["id"])
        posted = nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], rows[0]["token"]).call("POST", "/ingest/v1/readings", [{"sensor_id": "V1", "value": 1}])
        self.assertEqual(posted.status, 202, posted)
        self.assertEqual([c["kind"] for c in client.get("/devices/T1/credentials").json["items"]], ["token"])
        for stored in waiting:
            self.assertFalse(any(row["token"].encode().hex() in stored[0] for row in rows), "in clear")
        self.assertEqual(forgery.sql("registry", f"SELECT count(*) FROM registry.import_token WHERE tenant_id = {client.tenant_id}"), [["0"]])
        self.assertEqual(audits(client, "devices.tokens_given")[0]["detail"], '{"tokens":2}')

    def test_a_large_import_of_devices_has_a_token_for_each(self):
        client = nwims.tenant("bulk-many-tokens")
        rows = [f"M{i:05},http" for i in range(TOKENS)]
        for mode in ("skip", "abort"):
            text = "code,protocol\n" + "\n".join(row.replace("M", f"M-{mode}-") for row in rows) + "\n"
            began = time.monotonic()
            job = finished(client, load(client, "devices", text, tokens="true", on_error=mode))
            self.assertEqual((job["state"], counts(job)), ("done", (TOKENS, 0, 0, 0)), job)
            tokens = self.tokens_of(client, job)
            print(f"{TOKENS} devices with tokens, on_error={mode}: {time.monotonic() - began:.1f} s", file=sys.stderr)
            self.assertEqual(sorted(t["code"] for t in tokens), sorted(row.split(",")[0].replace("M", f"M-{mode}-") for row in rows))
            self.assertEqual(len({t["token"] for t in tokens}), TOKENS)
            self.assert_taken(client, job)

    def test_no_tokens_are_made_where_no_devices_are(self):
        dry = load(self.client, "devices", "code,protocol\nNT1,http\n", tokens="true", dry_run="true")
        self.assertEqual((dry.status, counts(dry.json)), (200, (1, 0, 0, 0)), dry)
        self.assert_taken(self.client, dry.json)
        refused = finished(self.client, load(self.client, "devices", "code,protocol\nNT1,http\nNT2,pigeon\n", ASYNC, tokens="true"))
        self.assertEqual(refused["state"], "failed", refused)
        self.assert_taken(self.client, refused)
        plain = load(self.client, "devices", "code,protocol\nNT3,http\n")
        self.assert_taken(self.client, plain.json)
        self.assertEqual(load(self.client, "sensors", "code,kind\nNT1,flow\n", tokens="true").status, 422)
        self.assertEqual(forgery.sql("registry", f"SELECT count(*) FROM registry.credential WHERE tenant_id = {self.client.tenant_id}"), [["0"]])

    def test_what_is_no_such_file_is_refused_with_the_line(self):
        for text, word in (("", "heading"), ("code,nonsense\nA,1\n", "nonsense"), ("protocol\nhttp\n", "code"), ("code,code\nA,B\n", "twice"),
                           ("code,protocol\nA,\"http\nB,http\n", "line 2"), ("code,protocol\nA,ht\"tp\n", "line 2"), ("code,protocol\n\"A\"x,http\n", "line 2")):
            answer = load(self.client, "devices", text)
            self.assertEqual(answer.status, 422, (text, answer))
            self.assertIn(word, answer.json["detail"], text)
        self.assertEqual(self.client.post("/devices/import", {}).status, 415)
        self.assertEqual(load(self.client, "devices", "").status, 422)
        hostile = load(self.client, "devices", b"code,protocol,name\nA\x00B,http,\nB,http,\xff\xfe\nC,http," + b"x" * 5000 + b"\n")
        self.assertEqual((hostile.status, len(hostile.json["errors"])), (422, 3), hostile)


if __name__ == "__main__":
    unittest.main(verbosity=2)
