#!/usr/bin/env python3
"""Every write leaves one record: each POST, PUT, PATCH and DELETE of the OpenAPI document is driven, and the record found by its request id. An operation
that the document has and this test cannot drive fails: whoever adds a write says here how it is done and what it is called in the audit."""
import json
import os
import secrets
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
import totp

WRITES = ("post", "put", "patch", "delete")
# A POST that only asks, and one that goes on with a login that was recorded.
QUESTIONS = {"POST /readings/latest", "POST /auth/refresh"}
# They write nothing until alerting is there, and say so (bulk_test.py).
NOT_YET = {"POST /batch/alerts/resolve", "POST /batch/alerts/acknowledge"}

# The smallest water network: a tank of no end, a pipe, a house.
NETWORK = b"""[TITLE]
one
[JUNCTIONS]
J1 10 1
[RESERVOIRS]
R1 50
[PIPES]
P1 R1 J1 100 200 130 0 Open
[OPTIONS]
Units LPS
Headloss H-W
[END]
"""


def wait_for(ask, limit_s=30):
    """What ask gives as soon as it gives something; its last answer in the end."""
    end = time.monotonic() + limit_s
    while True:
        found = ask()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def records(client, limit_s=30, **query):
    return wait_for(lambda: client.get("/audit", **query).json["items"], limit_s)


def detail(record):
    return json.loads(record.get("detail", "{}"))


class Drive:
    """How each operation is done, in an order in which what a later one needs is there. Each gives (answer, action)."""

    def __init__(self, root, client):
        self.root, self.client, self.ids, self.done = root, client, {}, {}
        self.secrets = []

    def call(self, client, method, path, body, request_id):
        kind = {"Content-Type": "text/csv" if b"," in body else "text/plain"} if isinstance(body, bytes) else {}
        return client.call(method, "/api/v1" + path, body, {"X-Request-Id": request_id, **kind})

    def made(self, name, answer):
        if answer.status == 201 and answer.json:
            self.ids[name] = answer.json.get("id")
            if answer.json.get("secret"):
                self.secrets.append(answer.json["secret"])

    def recipes(self):
        """operation: (path, body, action, name of what is made, whose client)."""
        i, mark = self.ids, secrets.token_hex(4)
        yield "POST /regions", "/regions", {"code": f"R-{mark}", "name": "r"}, "region.created", "region"
        yield "PATCH /regions/{id}", f"/regions/{i['region']}", {"name": "r2"}, "region.updated", None
        yield "POST /municipalities", "/municipalities", {"code": f"M-{mark}", "name": "m"}, "municipality.created", "town"
        yield "PATCH /municipalities/{id}", f"/municipalities/{i['town']}", {"name": "m2"}, "municipality.updated", None
        yield "POST /zones", "/zones", {"code": f"Z-{mark}", "name": "z", "municipality_id": i["town"]}, "zone.created", "zone"
        yield "PATCH /zones/{id}", f"/zones/{i['zone']}", {"name": "z2"}, "zone.updated", None
        yield "POST /sites", "/sites", {"code": f"S-{mark}", "name": "s", "kind": "pumping_station"}, "site.created", "site"
        yield "PATCH /sites/{id}", f"/sites/{i['site']}", {"name": "s2"}, "site.updated", None
        yield "POST /devices", "/devices", {"code": f"D-{mark}", "protocol": "http"}, "device.created", "device"
        yield "PATCH /devices/{id}", f"/devices/{i['device']}", {"name": "d2"}, "device.updated", None
        yield "POST /devices/{id}/credentials", f"/devices/{i['device']}/credentials", {"kind": "token"}, "credential.created", "credential"
        yield "DELETE /devices/{id}/credentials/{credential_id}", f"/devices/{i['device']}/credentials/{i['credential']}", None, "credential.deleted", None
        yield "POST /devices/{id}/commands", f"/devices/{i['device']}/commands", {"name": "open"}, "device_command.created", None
        yield "POST /sensors", "/sensors", {"code": f"Q-{mark}", "kind": "pressure", "unit": "bar"}, "sensor.created", "sensor"
        yield "PATCH /sensors/{id}", f"/sensors/{i['sensor']}", {"name": "q2"}, "sensor.updated", None
        yield "PUT /sensors/{id}/thresholds", f"/sensors/{i['sensor']}/thresholds", {"high": 9.5}, None, None
        yield "POST /readings", "/readings", {"sensor_id": f"Q-{mark}", "value": 1}, "readings.batch", None
        yield "POST /batch/readings", "/batch/readings", [{"sensor_id": f"Q-{mark}", "value": 2}], "readings.batch", None
        yield "POST /assets", "/assets", {"code": f"A-{mark}", "name": "a", "kind": "pump"}, "asset.created", "asset"
        yield "PATCH /assets/{id}", f"/assets/{i['asset']}", {"name": "a2"}, "asset.updated", None
        yield "DELETE /assets/{id}", f"/assets/{i['asset']}", None, "asset.deleted", None
        yield "POST /assets/import", f"/assets/import?network=N-{mark}", NETWORK, None, None
        yield "DELETE /networks/{id}", f"/networks/N-{mark}?with_assets=true", None, "network.deleted", None
        yield "POST /batch/sensors/update", "/batch/sensors/update", {"ids": [i["sensor"]], "set": {"name": "q3"}}, "sensors.update", None
        yield "POST /devices/import", "/devices/import", f"code,protocol\nDI-{mark},http\n".encode(), "devices.import", None
        job = self.client.call("POST", "/api/v1/devices/import?tokens=true", f"code,protocol\nDT-{mark},http\n".encode(), {"Content-Type": "text/csv"})
        yield "POST /batch/{id}/tokens", f"/batch/{job.json['id']}/tokens", None, "devices.tokens_given", None
        yield "POST /ingest/rejections/replay", "/ingest/rejections/replay", {"filter": {"device_id": i["device"]}}, "rejections.replay", None
        yield "POST /sensors/import", "/sensors/import", f"code,kind,unit\nQI-{mark},pressure,bar\n".encode(), "sensors.import", None
        job = self.client.post("/batch/sensors/update", {"ids": [i["sensor"]] * 100000, "set": {"name": "q4"}})
        assert job.status == 202, job
        yield "POST /batch/{id}/cancel", f"/batch/{job.json['id']}/cancel", None, "batch.cancelled", None
        yield "DELETE /sensors/{id}", f"/sensors/{i['sensor']}", None, "sensor.deleted", None
        yield "DELETE /devices/{id}", f"/devices/{i['device']}", None, "device.deleted", None
        yield "DELETE /sites/{id}", f"/sites/{i['site']}", None, "site.deleted", None
        yield "DELETE /zones/{id}", f"/zones/{i['zone']}", None, "zone.deleted", None
        yield "DELETE /municipalities/{id}", f"/municipalities/{i['town']}", None, "municipality.deleted", None
        yield "DELETE /regions/{id}", f"/regions/{i['region']}", None, "region.deleted", None

    def people(self):
        """Identity's writes: operation: (client, path, body, action, tenant of the record). Each gives its answer back."""
        root, client, mark = self.root, self.client, secrets.token_hex(4)
        own = client.tenant_id
        tenant = yield "POST /tenants", root, "/tenants", {"code": f"t-{mark}", "name": "t"}, "tenant.created", None
        t = tenant["id"]
        yield "PATCH /tenants/{id}", root, f"/tenants/{t}", {"name": "t2"}, "tenant.updated", t
        yield "PUT /tenants/{id}/quota", root, f"/tenants/{t}/quota", {"users": 5}, "tenant.quota-changed", t
        yield "POST /tenants/{id}/suspend", root, f"/tenants/{t}/suspend", {}, "tenant.suspended", t
        yield "POST /tenants/{id}/resume", root, f"/tenants/{t}/resume", {}, "tenant.resumed", t
        yield "POST /tenants/{id}/suspend", root, f"/tenants/{t}/suspend", {}, "tenant.suspended", t
        yield "DELETE /tenants/{id}", root, f"/tenants/{t}", None, "tenant.deleted", t
        yield "POST /roles", client, "/roles", {"name": f"r{mark}", "permissions": ["sensors:read"]}, "role.created", own
        yield "PATCH /roles/{id}", client, f"/roles/r{mark}", {"permissions": ["zones:read"]}, "role.updated", own
        password = secrets.token_urlsafe(18)
        self.secrets.append(password)
        user = yield "POST /users", client, "/users", {"email": f"u{mark}@example.org", "roles": [f"r{mark}"], "password": password}, "user.created", own
        u = user["id"]
        yield "PATCH /users/{id}", client, f"/users/{u}", {"name": "U"}, "user.updated", own
        yield "PUT /users/{id}/roles", client, f"/users/{u}/roles", {"roles": ["viewer"]}, "user.roles-changed", own
        yield "DELETE /roles/{id}", client, f"/roles/r{mark}", None, "role.deleted", own
        yield "POST /users/{id}/disable", client, f"/users/{u}/disable", {}, "user.disabled", own
        yield "POST /users/{id}/enable", client, f"/users/{u}/enable", {}, "user.enabled", own
        nobody = nwims.Client()
        tokens = yield "POST /auth/login", nobody, "/auth/login", {"email": f"u{mark}@example.org", "password": password}, "login.accepted", own
        person = nwims.Client(token=tokens["access_token"])
        second = yield "POST /auth/mfa/enroll", person, "/auth/mfa/enroll", {"password": password}, "mfa.enrolled", own
        self.secrets.append(second["secret"])
        yield "POST /auth/mfa/verify", person, "/auth/mfa/verify", {"otp": totp.code(second["secret"])}, "mfa.enabled", own
        yield ("POST /auth/mfa/disable", person, "/auth/mfa/disable", {"password": password, "otp": second["recovery_codes"][0]},
               "mfa.disabled", own)
        fresh = secrets.token_urlsafe(18)
        self.secrets.append(fresh)
        tokens = yield ("POST /auth/password", person, "/auth/password", {"current_password": password, "new_password": fresh}, "password.changed", own)
        tokens = yield "POST /auth/refresh", nobody, "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, None, own
        yield "POST /auth/logout", nobody, "/auth/logout", {"refresh_token": tokens["refresh_token"]}, "session.ended", own
        reset = yield "POST /users/{id}/reset-password", client, f"/users/{u}/reset-password", {}, "password.reset", own
        self.secrets.append(reset["reset_secret"])
        yield ("POST /auth/password/reset", nobody, "/auth/password/reset",
               {"reset_secret": reset["reset_secret"], "new_password": secrets.token_urlsafe(18)}, "password.changed", own)
        yield "DELETE /users/{id}", client, f"/users/{u}", None, "user.deleted", own
        key = yield "POST /api-keys", client, "/api-keys", {"name": "k", "permissions": ["sensors:read"]}, "api-key.created", own
        self.secrets.append(key["key"])
        key = yield "POST /api-keys/{id}/rotate", client, f"/api-keys/{key['id']}/rotate", {}, "api-key.rotated", own
        self.secrets.append(key["key"])
        yield "DELETE /api-keys/{id}", client, f"/api-keys/{key['id']}", None, "api-key.deleted", own
        yield "POST /batch/cache/warm", client, "/batch/cache/warm", None, "cache.warmed", own
        yield "POST /cache/invalidate", client, "/cache/invalidate", {"kinds": ["sensor"]}, "cache.invalidated", own
        yield ("PUT /cache/policies", root, "/cache/policies", {"policies": [{"class": "summary", "keep_ms": 120000, "memory_ms": 30000}]},
               "cache.policies-set", 1)
        yield "POST /auth/keys/rotate", root, "/auth/keys/rotate", {}, "signing-key.rotated", 1

    def run(self):
        for operation, path, body, action, name in self.recipes():
            request_id = f"audit-{secrets.token_hex(8)}"
            answer = self.call(self.client, operation.split()[0], path, body, request_id)
            assert answer.status in (200, 201, 204), (operation, answer)
            if name:
                self.made(name, answer)
            self.done[operation] = (request_id, action, self.client.tenant_id)
        steps, answer = self.people(), None
        while True:
            try:
                operation, client, path, body, action, tenant = steps.send(answer and answer.json)
            except StopIteration:
                break
            request_id = f"audit-{secrets.token_hex(8)}"
            answer = self.call(client, operation.split()[0], path, body, request_id)
            assert answer.status in (200, 201, 204), (operation, answer)
            if operation not in QUESTIONS:
                self.done[operation] = (request_id, action, tenant or answer.json["id"])


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = nwims.admin()
        cls.client = nwims.tenant("audit")
        cls.drive = Drive(cls.root, cls.client)
        cls.drive.run()

    def test_every_write_leaves_one_record(self):
        document = nwims.Client().call("GET", "/openapi.json").json
        operations = {f"{m.upper()} {path}" for path, methods in document["paths"].items() for m in methods if m in WRITES} - QUESTIONS - NOT_YET
        unknown = operations - set(self.drive.done)
        self.assertFalse(unknown, "writes that this test cannot drive: say in Drive.recipes how they are done and what they are called")
        reader = nwims.admin()
        for operation, (request_id, action, tenant) in self.drive.done.items():
            with self.subTest(operation=operation):
                reader.headers["Nwims-Tenant"] = str(tenant)
                found = records(reader, request_id=request_id)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0]["outcome"], "ok")
                self.assertTrue(found[0]["actor"])
                self.assertEqual(found[0]["tenant_id"], tenant)
                if action:
                    self.assertEqual(found[0]["action"], action)

    def test_a_refused_login_is_recorded_with_its_reason(self):
        request_id = f"login-{secrets.token_hex(8)}"
        answer = nwims.Client().call("POST", "/api/v1/auth/login", {"email": self.client.email, "password": "not-the-word"}, {"X-Request-Id": request_id})
        self.assertEqual(answer.status, 401)
        found = records(self.client, request_id=request_id)
        self.assertEqual([(r["action"], r["outcome"], detail(r)["reason"]) for r in found], [("login.refused", "refused", "wrong password")])

    def test_a_batch_is_recorded_with_its_counts(self):
        nwims.sensor(self.client, "COUNTED")
        readings = [{"sensor_id": "COUNTED", "value": v, "timestamp": f"2026-03-01T00:00:{v:02}Z"} for v in range(10)]
        for body, more, status, outcome, counts in (
                (readings, "", 200, "ok", {"received": 10, "stored": 10, "duplicate": 0, "refused": 0}),
                (readings, "", 200, "ok", {"received": 10, "stored": 0, "duplicate": 10, "refused": 0}),
                (readings[:5] + [{"sensor_id": "NO_SUCH", "value": 1}], "", 422, "refused", {"received": 6, "stored": 0, "refused": 1}),
                (readings[:5] + [{"sensor_id": "NO_SUCH", "value": 1}], "?on_error=skip", 200, "ok", {"received": 6, "duplicate": 5, "refused": 1})):
            request_id = f"batch-{secrets.token_hex(8)}"
            answer = self.client.post("/batch/readings" + more, body, {"X-Request-Id": request_id})
            self.assertEqual(answer.status, status, answer)
            found = records(self.client, request_id=request_id)
            self.assertEqual([(r["action"], r["outcome"]) for r in found], [("readings.batch", outcome)])
            self.assertEqual({k: detail(found[0])[k] for k in counts}, counts)

    def test_a_refused_access_is_recorded(self):
        request_id = f"refused-{secrets.token_hex(8)}"
        self.assertEqual(self.client.call("GET", "/api/v1/tenants", headers={"X-Request-Id": request_id}).status, 403)
        found = records(self.client, request_id=request_id)
        self.assertEqual([(r["action"], r["outcome"], r["entity_id"]) for r in found], [("access.refused", "refused", "GET /tenants")])
        self.assertEqual(detail(found[0])["status"], 403)

    def test_an_access_of_nobody_is_recorded_for_who_sees_all(self):
        request_id = f"nobody-{secrets.token_hex(8)}"
        refused = nwims.Client(token="nonsense").call("DELETE", f"/api/v1/zones/{secrets.token_hex(8)}", headers={"X-Request-Id": request_id})
        self.assertEqual(refused.status, 401)
        found = records(self.root, request_id=request_id, unattributed="true")
        self.assertEqual([(r["action"], r.get("actor"), r.get("tenant_id")) for r in found], [("access.refused", None, None)])
        self.assertEqual(self.client.get("/audit", unattributed="true").status, 403)

    def test_a_flood_of_refusals_is_sampled(self):
        other = nwims.tenant("flood")
        for _ in range(60):
            self.assertIn(other.get("/tenants").status, (403, 429))
        wait_for(lambda: len(other.get("/audit", action="access.refused").json["items"]) >= 10, 10)
        self.assertEqual(len(other.get("/audit", action="access.refused").json["items"]), 10)

    def test_a_wrong_device_token_is_recorded(self):
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2))
        device = nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], "wrong-token")
        self.assertIn(device.call("POST", "/ingest/v1/readings", [{"sensor_id": "X", "value": 1}]).status, (401, 429))
        found = records(self.root, action="device.refused", unattributed="true", from_at=since)
        self.assertTrue(found)
        self.assertNotIn("wrong-token", json.dumps(found))

    def test_no_secret_is_in_the_audit(self):
        words = self.drive.secrets + [self.client.password, self.client.token]
        self.assertGreaterEqual(len(words), 3)
        cursor = None
        while True:
            page = self.client.get("/audit", limit=1000, **({"cursor": cursor} if cursor else {})).json
            text = json.dumps(page)
            for word in words:
                self.assertNotIn(word, text)
            cursor = page.get("next_cursor")
            if not cursor:
                break

    def test_the_chain_is_whole(self):
        answer = wait_for(lambda: (lambda a: a if a.json.get("records", 0) >= len(self.drive.done) else None)(self.client.get("/audit/verify")))
        self.assertTrue(answer and answer.json["ok"], answer)
        last = {"expected_sequence": answer.json["last_sequence"], "expected_hash": answer.json["last_hash"]}
        self.assertTrue(self.client.get("/audit/verify", **last).json["ok"])
        last["expected_hash"] = "0" * 64
        wrong = self.client.get("/audit/verify", **last).json
        self.assertEqual((wrong["ok"], wrong["problems"][0]["kind"]), (False, "differs"))

    def test_other_tenants_see_nothing_of_it(self):
        mine = records(self.client)[0]["id"]
        other = nwims.tenant("other")
        self.assertEqual(self.client.get(f"/audit/{mine}").status, 200)
        self.assertEqual(other.get(f"/audit/{mine}").status, 404)
        self.assertNotIn(mine, json.dumps(other.get("/audit", limit=1000).json))

    def test_the_public_keys_are_there_for_everybody(self):
        keys = nwims.Client().get("/audit/keys")
        self.assertEqual(keys.status, 200)
        self.assertEqual({(k["kty"], k["crv"], k["alg"]) for k in keys.json["keys"]}, {("EC", "P-256", "ES256")})
        self.assertNotIn('"d"', keys.body.decode())


if __name__ == "__main__":
    unittest.main()
