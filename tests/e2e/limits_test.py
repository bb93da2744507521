#!/usr/bin/env python3
"""Who asks too often is told so, and for how long: a gateway of the test's own beside the stack's, with limits that can be reached."""
import os
import secrets
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forgery
import nwims
from replica import Gateway


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = nwims.tenant("limit-a"), nwims.tenant("limit-b")
        nwims.sensor(cls.a, "L1", "pressure", "bar")

    def flood(self, client, count, path="/auth/me"):
        return [client.get(path) for _ in range(count)]

    def turned_away(self, answers, kind):
        refused = [answer for answer in answers if answer.status == 429]
        self.assertTrue(refused, [answer.status for answer in answers])
        for answer in refused:
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertRegex(answer.headers["RateLimit-Policy"], rf'^"{kind}";q=\d+;w=1')
            self.assertRegex(answer.headers["RateLimit"], rf'^"{kind}";r=0;t=\d+$')
            self.assertTrue(answer.json["type"].endswith(":too-many-requests"))
        return len(refused)

    def test_an_address_is_limited_before_anybody_asks_who_it_is(self):
        with Gateway(ADDRESS_RATE="5") as gateway:
            stranger, other = gateway.client(address="203.0.113.7"), gateway.client(address="203.0.113.8")
            answers = self.flood(stranger, 40)
            self.assertGreater(self.turned_away(answers, "address"), 20)
            self.assertEqual(answers[0].status, 401)
            self.assertEqual(other.get("/auth/me").status, 401, "another address was limited too")
            # Without the proxy's word everybody here is one address.
            forged = gateway.client()
            forged.headers["X-Forwarded-For"] = "203.0.113.99"
            self.turned_away([forged.get("/auth/me") for _ in range(40)], "address")
            wait = int(answers[-1].headers["Retry-After"])
            time.sleep(wait)
            self.assertEqual(stranger.get("/auth/me").status, 401, "Retry-After was not true")

    def test_a_user_is_limited_and_others_of_the_tenant_are_not(self):
        email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
        self.assertEqual(self.a.post("/users", {"email": email, "roles": ["viewer"], "password": password}).status, 201)
        viewer = nwims.Client().login(email, password)
        with Gateway(KEY_RATE="5") as gateway:
            busy, quiet = gateway.client(self.a.token), gateway.client(viewer.token)
            answers = self.flood(busy, 40)
            self.turned_away(answers, "key")
            self.assertRegex(answers[0].headers["RateLimit"], r'^"key";r=9;t=0$')
            self.assertEqual(quiet.get("/auth/me").status, 200)

    def test_a_tenant_is_limited_and_others_are_not(self):
        with Gateway(TENANT_RATE="5", TENANT_BURST="10") as gateway:
            self.turned_away(self.flood(gateway.client(self.a.token), 40), "tenant")
            self.assertEqual(gateway.client(self.b.token).get("/auth/me").status, 200)

    def test_replicas_enforce_their_part(self):
        with Gateway(TENANT_RATE="20", TENANT_BURST="40", REPLICAS="4") as gateway:
            answers = self.flood(gateway.client(self.b.token), 60)
            self.assertLess(sum(answer.status == 200 for answer in answers), 40)

    def test_the_day_has_only_so_many_readings(self):
        with Gateway(TENANT_READINGS="100") as gateway:
            client = gateway.client(self.a.token)

            def batch(count, second):
                return [{"sensor_id": "L1", "value": i, "timestamp": f"2026-01-01T00:{second:02}:{i:02}Z"} for i in range(count)]
            self.assertEqual(client.post("/batch/readings", batch(60, 0)).status, 200)
            refused = client.post("/batch/readings", batch(60, 1))
            self.assertEqual(refused.status, 429, refused)
            self.assertTrue(refused.json["type"].endswith(":quota-used-up"))
            self.assertLessEqual(int(refused.headers["Retry-After"]), 86400)
            self.assertFalse([at for at, _ in nwims.series(self.a, "L1") if at.startswith("2026-01-01T00:01")], "what was refused was stored")
            # What was not taken was not charged either.
            bad = batch(30, 2)
            bad[0]["sensor_id"] = "NO_SUCH"
            for _ in range(5):
                self.assertEqual(client.post("/batch/readings", bad).status, 422)
            self.assertEqual(client.post("/batch/readings", batch(40, 3)).status, 200)
            self.assertEqual(client.post("/batch/readings", batch(1, 4)).status, 429)
            self.assertEqual(gateway.client(self.b.token).get("/auth/me").status, 200)

    def test_a_quota_of_its_own_holds_within_seconds(self):
        root = nwims.admin()
        set_quota = root.call("PUT", f"/api/v1/tenants/{self.b.tenant_id}/quota", {"requests_per_second": 5, "burst": 10})
        self.assertEqual(set_quota.status, 200, set_quota)
        with Gateway() as gateway:
            client = gateway.client(self.b.token)
            until = time.monotonic() + 10
            answers = self.flood(client, 40)
            while all(answer.status != 429 for answer in answers) and time.monotonic() < until:
                time.sleep(0.2)
                answers = self.flood(client, 40)
            self.turned_away(answers, "tenant")
        root.call("PUT", f"/api/v1/tenants/{self.b.tenant_id}/quota", {})


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
