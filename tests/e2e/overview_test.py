#!/usr/bin/env python3
"""Readings of many sensors, windows over them, and the tenant at a glance, held against what was sent."""
import json
import os
import random
import secrets
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

DAY = "2026-06-01"


class Overview(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = nwims.tenant("overview-a"), nwims.tenant("overview-b")
        cls.town = cls.a.post("/municipalities", {"code": "TOWN", "name": "Town", "latitude": 45.5, "longitude": 9.25}).json["id"]
        cls.zone = cls.a.post("/zones", {"code": "ZONE", "name": "Zone", "municipality_id": cls.town}).json["id"]
        cls.a.post("/devices", {"code": "D", "protocol": "http", "municipality_id": cls.town})
        for i in range(5):
            place = {"municipality_id": cls.town, "zone_id": cls.zone} if i < 3 else {}
            nwims.sensor(cls.a, f"FLOW-{i}", "flow", "m3/h", **place)
        nwims.sensor(cls.a, "P", "pressure", "bar", zone_id=cls.zone, municipality_id=cls.town)
        cls.a.call("PATCH", "/api/v1/sensors/FLOW-4", {"state": "disabled"})
        # Many at the very same time, so that pages break within one.
        chance = random.Random(1)
        cls.sent = [{"sensor_id": f"FLOW-{i}", "value": chance.random() * 100, "timestamp": f"{DAY}T{h:02}:{m:02}:00Z"}
                    for i in range(4) for h in range(5) for m in range(0, 60, 4)]
        cls.sent += [{"sensor_id": "P", "value": 3, "timestamp": f"{DAY}T01:00:00Z"}]
        answer = cls.a.post("/batch/readings", cls.sent)
        assert answer.json["stored"] == len(cls.sent), answer
        nwims.sensor(cls.b, "FLOW-0", "flow", "m3/h")
        cls.b.post("/batch/readings", [{"sensor_id": "FLOW-0", "value": -1, "timestamp": f"{DAY}T00:00:00Z"}])

    def all_of(self, client=None, **query):
        out, cursor = [], None
        for _ in range(1000):
            answer = (client or self.a).call("GET", "/api/v1/readings?" + nwims.urllib.parse.urlencode(
                {"from_at": f"{DAY}T00:00:00Z", "to_at": f"{DAY}T23:00:00Z", **query, **({"cursor": cursor} if cursor else {})}, doseq=True))
            self.assertEqual(answer.status, 200, answer)
            out += [(r["observed_at"], r["sensor_id"], r["value"]) for r in answer.json["items"]]
            cursor = answer.json.get("next_cursor")
            if not cursor:
                return out
        self.fail("the pages have no end")

    def expected(self, chosen):
        return [(r["timestamp"], r["sensor_id"], r["value"]) for r in self.sent if r["sensor_id"] in chosen]

    def test_readings_of_many_sensors_come_by_time_and_whole_over_all_pages(self):
        flows = [f"FLOW-{i}" for i in range(4)]
        for query, chosen in (({}, flows + ["P"]), ({"kind": "flow"}, flows), ({"zone_id": self.zone}, flows[:3] + ["P"]), ({"kind": "flow", "zone_id": self.zone}, flows[:3]),
                              ({"municipality_id": self.town, "kind": "pressure"}, ["P"]), ({"sensor_id": ["FLOW-1", "P", "FLOW-1"]}, ["FLOW-1", "P"])):
            for order in ("asc", "desc"):
                for limit in (1000, 7):
                    with self.subTest(query=query, order=order, limit=limit):
                        got = self.all_of(order=order, limit=limit, **query)
                        self.assertEqual(sorted(got), sorted(self.expected(chosen)))
                        times = [at for at, _, _ in got]
                        self.assertEqual(times, sorted(times, reverse=order == "desc"))

    def test_another_tenant_sees_its_own_only(self):
        self.assertEqual(self.all_of(self.b), [(f"{DAY}T00:00:00Z", "FLOW-0", -1)])
        self.assertEqual(self.b.get("/readings", zone_id=self.zone).json["items"], [])

    def test_what_cannot_be_answered_is_refused(self):
        for query, status in (({"sensor_id": "NO_SUCH"}, 404), ({"limit": 0}, 422), ({"limit": 10001}, 422), ({"cursor": "zz"}, 422), ({"cursor": "31"}, 422),
                              ({"from_at": "2026-06-02T00:00:00Z", "to_at": "2026-06-01T00:00:00Z"}, 422), ({"sensor_id": "P", "kind": "flow"}, 422), ({"order": "x"}, 422)):
            with self.subTest(query=query):
                self.assertEqual(self.a.get("/readings", **query).status, status)

    def window(self, **query):
        return self.a.call("GET", "/api/v1/readings/aggregate?" + nwims.urllib.parse.urlencode(
            {"from_at": f"{DAY}T00:00:00Z", "to_at": f"{DAY}T23:00:00Z", "window": "1h", **query}, doseq=True))

    def test_windows_over_many_sensors_are_those_of_all_their_readings(self):
        for query, chosen in (({"zone_id": self.zone, "kind": "flow"}, {"FLOW-0", "FLOW-1", "FLOW-2"}), ({"sensor_ids": ["FLOW-3", "FLOW-0"]}, {"FLOW-3", "FLOW-0"}),
                              ({"sensor_id": "FLOW-2", "sensor_ids": "FLOW-1"}, {"FLOW-1", "FLOW-2"})):
            answer = self.window(**query)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual((answer.json["sensors"], answer.json["unit"], len(answer.json["items"])), (len(chosen), "m3/h", 5))
            for item in answer.json["items"]:
                values = [r["value"] for r in self.sent if r["sensor_id"] in chosen and r["timestamp"][:13] == item["start_at"][:13]]
                self.assertEqual((item["count"], item["min"], item["max"]), (len(values), min(values), max(values)))
                self.assertAlmostEqual(item["sum"], sum(values), places=6)
                self.assertAlmostEqual(item["avg"], sum(values) / len(values), places=6)
        several = self.window(zone_id=self.zone)
        self.assertEqual(several.status, 422, several)
        self.assertIn("bar", several.body.decode())

    def test_the_overview_counts_what_there_is(self):
        answer = self.a.get("/overview")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["network"], {"municipalities": 1, "zones": 1, "sites": 0, "devices": 1, "devices_active": 1, "sensors": 6, "sensors_active": 5})
        readings = answer.json["readings"]
        self.assertEqual(readings["stored_today"] + readings["stored_week"], len(self.sent))
        self.assertIn("last_stored_at", readings)
        kpis = self.a.get("/overview/kpis").json
        self.assertAlmostEqual(kpis["sensors_active_share"], 5 / 6)
        self.assertLess(kpis["silence_s"], 900)
        self.assertEqual(self.b.get("/overview").json["network"]["sensors"], 1)

    def test_the_map_shows_where_things_are(self):
        answer = self.a.get("/overview/map")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["items"], [{"id": self.town, "code": "TOWN", "name": "Town", "latitude": 45.5, "longitude": 9.25, "sensors": 4, "sensors_active": 4, "devices": 1}])
        self.assertEqual(self.b.get("/overview/map").json["items"], [])

    def test_the_nation_sees_counts_and_means_but_never_single_sensors(self):
        c = nwims.tenant("overview-c")
        for i in range(12):
            nwims.sensor(c, f"METER-{i}", "volume", "m3")
            nwims.sensor(c, f"TANK-{i}", "level", "m")
        c.post("/batch/readings", [{"sensor_id": f"METER-{i}", "value": i, "timestamp": f"{DAY}T0{d}:00:00Z"} for i in range(12) for d in range(3)]
                    + [{"sensor_id": f"METER-{i}", "value": i, "timestamp": "2026-06-02T00:00:00Z"} for i in range(9)]
                    + [{"sensor_id": f"TANK-{i}", "value": 2, "timestamp": f"{DAY}T00:00:00Z"} for i in range(3)])
        root = nwims.admin()
        until = time.monotonic() + 60
        while True:
            # These tenants are the newest; the page begins right before them.
            answer = root.get("/overview/national", from_at=f"{DAY}T00:00:00Z", to_at="2026-06-03T00:00:00Z", cursor=self.a.tenant_id - 1, limit=20)
            self.assertEqual(answer.status, 200, answer)
            found = {item["tenant_id"]: item for item in answer.json["items"]}
            ours, theirs = found[self.a.tenant_id], found[c.tenant_id]
            if (ours["days"] and len(theirs["days"]) >= 2 and theirs["left_out"] >= 1) or time.monotonic() > until:
                break  # the rollups have caught up
            time.sleep(0.5)
        flows = [r["value"] for r in self.sent if r["sensor_id"].startswith("FLOW")]
        (flow,) = ours["days"]
        self.assertEqual((flow["kind"], flow["unit"], flow["sensors"], flow["count"]), ("flow", "m3/h", 4, len(flows)))
        self.assertAlmostEqual(flow["avg"], sum(flows) / len(flows), places=6)
        self.assertEqual((ours["left_out"], ours["readings"]), (1, len(self.sent)))  # one pressure sensor
        self.assertEqual([(day["kind"], day["sensors"], day["day_at"]) for day in theirs["days"]],
                         [("level", 3, f"{DAY}T00:00:00Z"), ("volume", 12, f"{DAY}T00:00:00Z")])
        self.assertEqual(theirs["left_out"], 1)  # nine meters of the second day
        for name in ("FLOW-0", "METER-1", self.zone):
            self.assertNotIn(name, answer.body.decode())
        for wrong in ({"from_at": "x"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "-1"}):
            self.assertEqual(root.get("/overview/national", **wrong).status, 422, wrong)
        first = root.get("/overview/national", limit=1).json
        second = root.get("/overview/national", limit=1, cursor=first["next_cursor"]).json
        self.assertLess(first["items"][0]["tenant_id"], second["items"][0]["tenant_id"])
        self.assertIn(self.a.get("/overview/national").status, (200, 403))

    def test_a_ministry_sees_what_utilities_add_up_to_and_nothing_of_a_household(self):
        """Two utilities, each with a household's meter and network sensors of the same kind, under a region, under the nation."""
        root = nwims.admin()
        region = nwims.tenant("ministry-region")
        self.assertEqual(root.call("PATCH", f"/api/v1/tenants/{region.tenant_id}", {"level": "region"}).status, 200)
        utilities = [nwims.tenant("ministry-utility") for _ in range(2)]
        homes = []
        for utility in utilities:
            self.assertEqual(root.call("PATCH", f"/api/v1/tenants/{utility.tenant_id}", {"parent_id": region.tenant_id}).status, 200)
            devices = [utility.post("/devices", {"code": code, "protocol": "http"}).json["id"] for code in ("STATION", "HOME")]
            for i in range(3):
                nwims.sensor(utility, f"FLOW-{i}", "flow", "m3/h", device_id=devices[0])
            home = nwims.sensor(utility, f"HOME-{utility.tenant_id}", "flow", "m3/h", device_id=devices[1], is_household=True)
            self.assertIs(utility.get(f"/sensors/{home['id']}").json["is_household"], True)
            self.assertEqual([s["code"] for s in utility.get("/sensors", is_household="true").json["items"]], [home["code"]])
            self.assertEqual(utility.get("/sensors", is_household="false").json["items"][0]["code"], "FLOW-0")
            answer = utility.post("/batch/readings", [{"sensor_id": f"FLOW-{i}", "value": i + 1, "timestamp": f"{DAY}T00:00:00Z"} for i in range(3)]
                                  + [{"sensor_id": home["code"], "value": 777, "timestamp": f"{DAY}T0{hour}:00:00Z"} for hour in range(1, 5)])
            self.assertEqual(answer.json["stored"], 7, answer)
            homes.append(home)
        readers = {"the region": self.reader(region, "analyst"), "the nation": self.reader(root, "viewer")}
        for name, reader in readers.items():
            for utility, home in zip(utilities, homes):
                with self.subTest(name):
                    item = self.seen(reader, utility.tenant_id)
                    self.assertEqual((item["network"]["sensors"], item["network"]["sensors_active"], item["network"]["devices"]), (3, 3, 1))
                    self.assertEqual([(d["kind"], d["sensors"], d["count"], d["avg"]) for d in item["days"]], [("flow", 3, 3, 2)])
                    self.assertEqual((item["readings"], item["left_out"], item["last_reading_at"]), (3, 0, f"{DAY}T00:00:00Z"))
                    text = json.dumps(item)
                    for secret in (home["id"], home["code"], "777", "HOME"):
                        self.assertNotIn(secret, text)
                    self.reaches_nothing(reader, utility, home)
        # The utility itself still reads and counts its own.
        self.assertEqual(utilities[0].get("/overview").json["network"]["sensors"], 4)
        self.assertEqual(len(nwims.series(utilities[0], homes[0]["code"])), 4)
        # A household that moves out of the count is out of it at once, and one that nobody flagged is a sensor like others.
        answer = utilities[0].post("/batch/sensors/update", {"ids": ["FLOW-2"], "set": {"is_household": True}})
        self.assertEqual(answer.status, 200, answer)
        answer = utilities[0].call("POST", "/api/v1/sensors/import", b"code,kind,unit,is_household\nMETER-1,flow,m3/h,true\n", {"Content-Type": "text/csv"})
        self.assertEqual(answer.status, 200, answer)
        item = self.seen(readers["the region"], utilities[0].tenant_id)
        self.assertEqual((item["network"]["sensors"], item["days"], item["left_out"], item["readings"]), (2, [], 1, 2))
        self.assertEqual(utilities[0].call("PATCH", "/api/v1/sensors/FLOW-2", {"is_household": None}).status, 422)

    def reader(self, admin, role):
        """Somebody who only reads, in the tenant of a region or of the nation."""
        email, password = f"{role}-{secrets.token_hex(6)}@ministry.example.org", secrets.token_urlsafe(18)
        self.assertEqual(admin.post("/users", {"email": email, "roles": [role], "password": password}).status, 201)
        return nwims.Client().login(email, password)

    def seen(self, reader, tenant_id):
        """What the national view says of a tenant, once the rollups have caught up."""
        until = time.monotonic() + 60
        while True:
            answer = reader.get("/overview/national", from_at=f"{DAY}T00:00:00Z", to_at="2026-06-02T00:00:00Z", cursor=tenant_id - 1, limit=1)
            self.assertEqual(answer.status, 200, answer)
            (item,) = answer.json["items"]
            self.assertEqual(item["tenant_id"], tenant_id)
            if item["readings"] or time.monotonic() > until:
                return item
            time.sleep(0.5)

    def reaches_nothing(self, reader, utility, home):
        """Neither by the sensor's name nor by naming the tenant."""
        period = f"from_at={DAY}T00:00:00Z&to_at=2026-06-02T00:00:00Z"
        for name in (home["id"], home["code"]):
            for path in (f"/sensors/{name}", f"/sensors/{name}/latest", f"/sensors/{name}/readings?{period}", f"/sensors/{name}/statistics?{period}",
                         f"/sensors/{name}/thresholds", f"/readings?sensor_id={name}&{period}", f"/readings/aggregate?sensor_id={name}&window=1h&{period}",
                         f"/devices/{home['device_id']}", f"/devices/{home['device_id']}/status"):
                self.assertEqual(reader.call("GET", "/api/v1" + path).status, 404, path)
                named = reader.call("GET", "/api/v1" + path, headers={"Nwims-Tenant": str(utility.tenant_id)})
                self.assertEqual(named.status, 403, path)
        for path in ("/sensors?limit=1000", "/sensors.geojson", f"/readings?{period}", "/overview", "/overview/map", "/stream"):
            named = reader.call("GET", "/api/v1" + path, headers={"Nwims-Tenant": str(utility.tenant_id)})
            self.assertEqual(named.status, 403, path)
        self.assertNotIn(home["id"], reader.get("/sensors", limit=1000).body.decode())

    def test_a_page_of_a_large_zone_does_not_take_long(self):
        began = time.monotonic()
        self.assertEqual(self.a.get("/readings", limit=100).status, 200)
        self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
