#!/usr/bin/env python3
"""The system shows how it is: its processes, its streams, its pace; of all replicas, and nothing of any tenant."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
import replica

RUNNING = {"auditor", "batch-writer", "cache-warmer", "gateway", "history", "identity", "ingest-http", "ingest-mqtt", "registry"}
STREAMS = {"AUDIT", "DEAD", "EVENTS", "NOTIFY", "READINGS", "REFUSED"}


def eventually(what, seconds=60):
    end = time.monotonic() + seconds
    while not (got := what()) and time.monotonic() < end:
        time.sleep(0.2)
    return got


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tenant = nwims.tenant("system")

    def services(self, client=None):
        answer = (client or self.tenant).get("/system/services")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_every_service_of_the_stack_is_there_and_ready(self):
        shown = eventually(lambda: (s := self.services())["missing"] == 0 and s["not_ready"] == 0 and s) or self.services()
        self.assertEqual({item["name"] for item in shown["items"]} & RUNNING, RUNNING)
        self.assertEqual((shown["missing"], shown["not_ready"], shown["ready"]), (0, 0, len(shown["items"])), shown)
        version = self.tenant.get("/system/version").json["version"]
        for item in shown["items"]:
            self.assertEqual((item["state"], item["version"]), ("ready", version))
            self.assertGreater(item["resident_bytes"], 1 << 20)
            self.assertGreaterEqual(item["uptime_s"], 0)

    def test_a_replica_is_one_more_and_a_silent_service_is_missed(self):
        before = [item["instance"] for item in self.services()["items"] if item["name"] == "gateway"]
        with replica.Gateway(EXPECTED_SERVICES="gateway,no-such-service, registry") as other:
            client = other.client(self.tenant.token)
            shown = eventually(lambda: (s := self.services(client))["ready"] > len(RUNNING) and s)
            gateways = [item["instance"] for item in shown["items"] if item["name"] == "gateway"]
            self.assertEqual(len(set(gateways)), len(before) + 1)
            self.assertEqual([item for item in shown["items"] if item["state"] == "missing"], [{"name": "no-such-service", "state": "missing", "failing": []}])
            self.assertEqual(shown["missing"], 1)
        self.assertTrue(eventually(lambda: len([i for i in self.services()["items"] if i["name"] == "gateway"]) == len(before)))

    def test_streams_show_their_messages_their_ceiling_and_their_readers(self):
        nwims.sensor(self.tenant, "S")
        self.tenant.post("/batch/readings", [{"sensor_id": "S", "value": 1}])
        answer = self.tenant.get("/system/streams")
        self.assertEqual(answer.status, 200, answer)
        streams = {item["name"]: item for item in answer.json["items"]}
        self.assertEqual(set(streams) & STREAMS, STREAMS)
        readings = streams["READINGS"]
        self.assertGreater(readings["messages"], 0)
        self.assertLess(readings["oldest_at"], readings["newest_at"] + "z")
        self.assertAlmostEqual(readings["fill"], readings["bytes"] / readings["ceiling_bytes"])
        writer = next(c for c in readings["consumers"] if c["name"] == "batch-writer")
        self.assertGreater(writer["readers"], 0)
        self.assertTrue(eventually(lambda: self.lag() == 0), "batch-writer stays behind")

    def lag(self):
        streams = self.tenant.get("/system/streams").json["items"]
        return sum(c["lag"] + c["pending_acks"] for s in streams for c in s["consumers"] if c["name"] == "batch-writer")

    def route(self, performance, method, path):
        return next((r for r in performance["routes"] if (r["method"], r["route"]) == (method, "/api/v1" + path)), None)

    def test_performance_adds_up_the_requests_of_all_gateways(self):
        with replica.Gateway() as other:
            clients = [self.tenant, other.client(self.tenant.token)]
            for client in clients:
                for _ in range(40):
                    self.assertEqual(client.get("/zones").status, 200)
                self.assertEqual(client.get("/zones/nothing").status, 404)
            shown = eventually(lambda: (p := self.tenant.get("/system/performance").json)["gateways"] == 2
                               and (self.route(p, "GET", "/zones") or {}).get("requests", 0) >= 80 and p)
            self.assertTrue(shown, self.tenant.get("/system/performance"))
        zones, one = self.route(shown, "GET", "/zones"), self.route(shown, "GET", "/zones/{id}")
        self.assertGreater(zones["requests_per_s"], 0)
        self.assertTrue(0 < zones["p50_ms"] <= zones["p95_ms"] <= zones["p99_ms"], zones)
        self.assertGreaterEqual(one["refused"], 2)
        self.assertEqual(one["failed"], 0)
        self.assertIn("rpc_server_calls_total", {rate["what"] for rate in shown["rates"]})

    def test_nothing_of_a_tenant_is_shown(self):
        for path in ("services", "streams", "performance"):
            body = self.tenant.get(f"/system/{path}").body.decode()
            for word in ('"password"', "postgresql://", "nats://", "readings." + str(self.tenant.tenant_id), self.tenant.email):
                self.assertNotIn(word, body)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
