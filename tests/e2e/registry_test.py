#!/usr/bin/env python3
"""Master data through the gateway: places and scope of lists, idempotency keys, entity tags, merge patch, maps, thresholds, and credentials that end at once."""
import http.client
import os
import sys
import time
import unittest
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

SQUARE = {"type": "Polygon", "coordinates": [[[8, 47], [9, 47], [9, 48], [8, 48], [8, 47]]]}


class Registry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.a = nwims.tenant("registry")

    def made(self, path, **body):
        answer = self.a.post(path, body)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def patch(self, path, body, **headers):
        return self.a.call("PATCH", "/api/v1" + path, body, headers)

    def code(self, prefix):
        return f"{prefix}-{uuid.uuid4().hex[:8]}"

    def town(self, **more):
        return self.made("/municipalities", code=self.code("T"), name="Town", **more)

    def test_a_country_from_region_to_sensor(self):
        region = self.made("/regions", code=self.code("R"), name="North")
        town = self.town(region_id=region["id"], population=1200, geometry=SQUARE)
        zone = self.made("/zones", code=self.code("Z"), name="Zone", municipality_id=town["id"], geometry=SQUARE)
        site = self.made("/sites", code=self.code("P"), name="Pumps", zone_id=zone["id"], kind="pumping_station", elevation_m=410.5)
        device = self.made("/devices", code=self.code("D"), protocol="http", site_id=site["id"])
        sensor = self.made("/sensors", code=self.code("S"), kind="flow", device_id=device["id"], latitude=47.5, longitude=8.5)
        for path, thing in (("/zones", zone), ("/sites", site), ("/devices", device), ("/sensors", sensor)):
            listed = self.a.get(path, municipality_id=town["id"]).json["items"]
            self.assertEqual([item["id"] for item in listed], [thing["id"]], path)
        self.assertEqual([item["id"] for item in self.a.get("/sensors", region_id=region["id"]).json["items"]], [sensor["id"]])
        summary = self.a.get(f"/municipalities/{town['code']}/summary").json
        self.assertEqual((summary["zones"], summary["sites"], summary["devices"], summary["sensors"]), (1, 1, 1, 1))
        for path, thing, kind in (("/municipalities.geojson", town, "Polygon"), ("/zones.geojson", zone, "Polygon"), ("/sensors.geojson", sensor, "Point")):
            answer = self.a.get(path, code_prefix=thing["code"])
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/geo+json"), answer)
            self.assertEqual(answer.json["type"], "FeatureCollection")
            feature = answer.json["features"][0]
            self.assertEqual((feature["type"], feature["id"], feature["geometry"]["type"]), ("Feature", thing["id"], kind))
        self.assertEqual(self.a.get(f"/zones/{zone['id']}").json["geometry"], SQUARE)
        answer = self.a.call("DELETE", f"/api/v1/regions/{region['id']}")
        self.assertEqual(answer.status, 409, answer)

    def test_a_write_that_is_sent_again_is_done_once(self):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"code": self.code("T"), "name": "Once"}
        first, again = self.a.post("/municipalities", body, headers), self.a.post("/municipalities", body, headers)
        self.assertEqual((first.status, again.status), (201, 201), again)
        self.assertEqual(first.json, again.json)
        other = self.a.post("/municipalities", {"code": self.code("T"), "name": "Other"}, headers)
        self.assertEqual(other.status, 422, other)
        self.assertEqual(other.json["type"], "urn:nwims:problem:idempotency-key-reused")
        for bad in ("x" * 129, "", "a\tb"):
            self.assertEqual(self.a.post("/municipalities", body, {"Idempotency-Key": bad}).status, 400, bad)

    def test_only_who_has_seen_the_last_version_changes_it(self):
        town = self.town()
        tag = self.a.get(f"/municipalities/{town['id']}").headers["ETag"]
        changed = self.patch(f"/municipalities/{town['id']}", {"name": "Two"}, **{"If-Match": tag})
        self.assertEqual(changed.status, 200, changed)
        self.assertNotEqual(changed.headers["ETag"], tag)
        for method, body in (("PATCH", {"name": "Three"}), ("DELETE", None)):
            late = self.a.call(method, f"/api/v1/municipalities/{town['id']}", body, {"If-Match": tag})
            self.assertEqual(late.status, 412, late)
        gone = self.a.call("DELETE", f"/api/v1/municipalities/{town['id']}", None, {"If-Match": changed.headers["ETag"]})
        self.assertEqual(gone.status, 204, gone)

    def test_null_clears_and_absent_keeps(self):
        town = self.town(population=5, latitude=47, geometry=SQUARE)
        answer = self.patch(f"/municipalities/{town['id']}", {"population": None, "geometry": None})
        self.assertEqual(answer.status, 200, answer)
        self.assertNotIn("population", answer.json)
        self.assertNotIn("geometry", answer.json)
        self.assertEqual(answer.json["latitude"], 47)
        answer = self.patch(f"/municipalities/{town['id']}", {"name": None})
        self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (422, "name"), answer)
        self.assertEqual(self.patch(f"/municipalities/{town['id']}", {"clear": ["name"]}).status, 422)

    def test_bad_outlines_are_named(self):
        for geometry in ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, {"type": "Point", "coordinates": [200, 0]},
                         {"type": "Circle", "coordinates": [0, 0]}, {"coordinates": []}, "POINT(0 0)", [1, 2], 7,
                         {"type": "Polygon", "coordinates": [[[8, 47]] * 10002]}):
            answer = self.a.post("/municipalities", {"code": self.code("T"), "name": "x", "geometry": geometry})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (422, "geometry"), answer)

    def test_lists_are_sorted_and_paged_as_asked(self):
        prefix = self.code("L")
        for i, name in enumerate(("b", "a", "c", "a")):
            self.made("/sensors", code=f"{prefix}-{i}", kind="level", name=name)

        def order(sort):
            codes, cursor = "", None
            while True:
                page = self.a.get("/sensors", code_prefix=prefix, sort=sort, limit=3, **({"cursor": cursor} if cursor else {}))
                self.assertEqual(page.status, 200, page)
                codes += "".join(item["code"][-1] for item in page.json["items"])
                cursor = page.json.get("next_cursor")
                if not cursor:
                    return codes
        self.assertEqual([order(s) for s in ("code", "-code", "name", "-name", "created_at", "-created_at")],
                         ["0123", "3210", "1302", "2031", "0123", "3210"])
        cursor = self.a.get("/sensors", code_prefix=prefix, limit=2).json["next_cursor"]
        self.assertEqual(self.a.get("/sensors", sort="-code", cursor=cursor).status, 422)
        for query in ({"sort": "unit"}, {"kind": "nonsense"}, {"zone_id": "x"}, {"no_such": 1}, {"cursor": "AAAA"}, {"limit": 0}):
            self.assertEqual(self.a.get("/sensors", **query).status, 422, query)

    def test_thresholds_are_put_as_a_whole(self):
        sensor = self.made("/sensors", code=self.code("S"), kind="pressure")
        path = f"/api/v1/sensors/{sensor['code']}/thresholds"
        put = self.a.call("PUT", path, {"low_low": 1, "low": 2, "high": 6, "high_high": 8, "hysteresis": 0.1, "on_delay_s": 60})
        self.assertEqual((put.status, put.json["high_high"]), (200, 8), put)
        self.assertEqual(self.a.call("PUT", path, {"high": 6}).json, {"id": sensor["id"], "high": 6})
        self.assertEqual(self.a.call("GET", path).json, {"id": sensor["id"], "high": 6})
        self.assertEqual(self.a.call("PUT", path, {"low": 7, "high": 6}).status, 422)

    def test_secrets_are_shown_once_and_never_again(self):
        device = self.made("/devices", code=self.code("D"), protocol="mqtt")
        path = f"/devices/{device['id']}/credentials"
        psk = self.made(path, kind="psk", identity=self.code("psk"))
        lora = self.made(path, kind="lorawan", dev_eui=uuid.uuid4().hex[:16], join_eui="0000000000000001")
        self.assertEqual((len(psk["secret"]), len(lora["app_key"])), (64, 32))
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self.assertEqual(self.a.post(path, {"kind": "token"}, headers).status, 201)
        self.assertEqual(self.a.post(path, {"kind": "token"}, headers).status, 409)
        listed = self.a.get(path)
        self.assertEqual(len(listed.json["items"]), 3, listed)
        for secret in (psk["secret"], lora["app_key"]):
            self.assertNotIn(secret.encode(), listed.body)
        self.assertEqual(self.a.post(path, {"kind": "psk", "phone": "+41791234567"}).status, 422)

    def device_with_token(self):
        device = self.made("/devices", code=self.code("D"), protocol="http")
        sensor = self.made("/sensors", code=self.code("S"), kind="other", unit="1", device_id=device["id"])
        return device, sensor, self.made(f"/devices/{device['id']}/credentials", kind="token")

    def send(self, connection, token, sensor):
        connection.request("POST", "/ingest/v1/readings", body=f'[{{"sensor_id":"{sensor["code"]}","value":1}}]',
                           headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status

    def test_a_revoked_token_is_dead_within_two_seconds_on_an_open_connection(self):
        device, sensor, credential = self.device_with_token()
        parts = urllib.parse.urlsplit(os.environ["NWIMS_HTTP_INGEST_URL"])
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self.assertEqual(self.send(connection, credential["secret"], sensor), 202)
        socket = connection.sock
        revoked = self.a.call("DELETE", f"/api/v1/devices/{device['id']}/credentials/{credential['id']}")
        self.assertEqual(revoked.status, 204, revoked)
        began = time.monotonic()
        while self.send(connection, credential["secret"], sensor) == 202:
            self.assertLess(time.monotonic() - began, 2)
        print(f"revoked token refused after {1000 * (time.monotonic() - began):.0f} ms", file=sys.stderr)
        self.assertIs(connection.sock, socket, "the connection was opened anew")
        connection.close()


if __name__ == "__main__":
    unittest.main()
