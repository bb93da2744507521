#!/usr/bin/env python3
"""Who may do what, from outside: roles in parts of a tenant, custom roles, nobody above themselves, second factor, passwords, API keys, suspension and
everything that ends a token early, here and at a second gateway."""
import os
import secrets
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
import totp
from replica import Gateway

EVERYTHING = "*:*"


def word():
    return secrets.token_urlsafe(18)


class Identity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = nwims.admin()
        cls.admin = nwims.tenant("identity")
        cls.other = Gateway()
        cls.other_url = cls.other.url
        cls.towns = [cls.admin.post("/municipalities", {"code": f"T{n}", "name": f"T{n}"}).json["id"] for n in range(2)]
        for n, town in enumerate(cls.towns):
            nwims.sensor(cls.admin, f"S{n}", municipality_id=town)

    @classmethod
    def tearDownClass(cls):
        cls.other.__exit__()

    def person(self, **more):
        """A new user, logged in: a client with id, email and password."""
        email, password = f"{secrets.token_hex(6)}@example.org", word()
        made = self.admin.post("/users", {"email": email, "password": password, **more})
        self.assertEqual(made.status, 201, made)
        client = nwims.Client().login(email, password)
        client.id, client.email, client.password = made.json["id"], email, password
        return client

    def at_the_other(self, client):
        other = nwims.Client(self.other_url, client.token)
        other.headers = client.headers
        return other

    def gone_within(self, clients, seconds=2, path="/auth/me"):
        end = time.monotonic() + seconds
        for client in clients:
            while (answer := client.get(path)).status != 401:
                self.assertLess(time.monotonic(), end, answer)
                time.sleep(0.03)

    # ---- roles and where they hold ----
    def test_a_role_holds_in_its_municipality_only(self):
        client = self.person(roles=["viewer"], assignments=[{"role": "operator", "municipality_ids": [self.towns[0]]}])
        me = client.get("/auth/me").json
        self.assertEqual((me["roles"], me["grants"][0]["municipality_ids"]), (["viewer"], [self.towns[0]]))
        self.assertEqual([client.get(f"/sensors/S{n}").status for n in range(2)], [200, 200])
        self.assertEqual([client.call("PATCH", f"/api/v1/sensors/S{n}", {"name": "x"}).status for n in range(2)], [200, 404])
        self.assertEqual([client.post("/batch/readings", [{"sensor_id": f"S{n}", "value": 1}]).status for n in range(2)], [200, 422])
        nowhere = "0190b8a0-0000-7000-8000-0000000000aa"
        for field in ("region_ids", "municipality_ids"):
            for answer in (self.admin.post("/users", {"email": f"{secrets.token_hex(4)}@example.org", "password": word(), "assignments": [{"role": "operator", field: [nowhere]}]}),
                           self.admin.call("PUT", f"/api/v1/users/{client.id}/roles", {"assignments": [{"role": "operator", field: [self.towns[0], nowhere]}]}),
                           self.admin.post("/api-keys", {"name": "k", "permissions": ["sensors:read"], field: [nowhere]})):
                self.assertEqual(answer.status, 422, answer)
                self.assertIn(field, answer.json["errors"][0]["field"])
        only = self.person(assignments=[{"role": "operator", "municipality_ids": [self.towns[1]]}])
        self.assertEqual([only.get(f"/sensors/S{n}").status for n in range(2)], [404, 200])
        self.assertEqual([s["code"] for s in only.get("/sensors").json["items"]], ["S1"])
        self.assertEqual([only.get(f"/sensors/S{n}/readings").status for n in range(2)], [404, 200])

    def test_administration_in_a_part_of_the_tenant_is_no_administration(self):
        client = self.person(assignments=[{"role": "tenant_admin", "municipality_ids": [self.towns[0]]}])
        for path in ("/users", "/roles", "/api-keys", "/audit"):
            self.assertEqual(client.get(path).status, 403, path)

    def test_custom_roles_are_made_given_changed_and_taken(self):
        name = f"night-{secrets.token_hex(3)}"
        self.assertEqual(self.admin.post("/roles", {"name": name, "permissions": ["sensors:read"]}).status, 201)
        client = self.person(roles=[name])
        self.assertEqual((client.get("/sensors").status, client.get("/zones").status), (200, 403))
        self.assertEqual(self.admin.call("PATCH", f"/api/v1/roles/{name}", {"permissions": ["zones:read"]}).status, 200)
        self.gone_within([client, self.at_the_other(client)])
        client.login(client.email, client.password)
        self.assertEqual((client.get("/sensors").status, client.get("/zones").status), (403, 200))
        self.assertEqual(self.admin.call("DELETE", f"/api/v1/roles/{name}").status, 409)
        self.assertEqual(self.admin.call("PUT", f"/api/v1/users/{client.id}/roles", {"roles": ["viewer"]}).status, 200)
        self.assertEqual(self.admin.call("DELETE", f"/api/v1/roles/{name}").status, 204)
        for wrong in ({"name": "operator", "permissions": ["sensors:read"]}, {"name": "x y", "permissions": ["sensors:read"]},
                      {"name": "good", "permissions": []}, {"name": "good", "permissions": ["moon:read"]}):
            self.assertEqual(self.admin.post("/roles", wrong).status, 422, wrong)
        self.assertIn("sensors:read", [p["name"] for p in self.admin.get("/permissions").json["items"]])

    def test_nobody_gives_or_touches_what_is_above_them(self):
        name = f"people-{secrets.token_hex(3)}"
        permissions = ["users:*", "roles:*", "api-keys:*", "sensors:read"]
        self.assertEqual(self.admin.post("/roles", {"name": name, "permissions": permissions}).status, 201)
        client = self.person(roles=[name])
        admin_id = self.admin.get("/auth/me").json["id"]
        for method, path, body in (
                ("POST", "/users", {"email": "x@example.org", "password": word(), "roles": ["tenant_admin"]}),
                ("POST", "/users", {"email": "x@example.org", "password": word(), "roles": ["national_admin"]}),
                ("PUT", f"/users/{client.id}/roles", {"roles": ["tenant_admin"]}),
                ("PUT", f"/users/{client.id}/roles", {"roles": [name, "operator"]}),
                ("PATCH", f"/users/{admin_id}", {"email": "mine@example.org"}), ("POST", f"/users/{admin_id}/reset-password", {}),
                ("POST", f"/users/{admin_id}/disable", {}), ("DELETE", f"/users/{admin_id}", None),
                ("POST", "/roles", {"name": "more", "permissions": [EVERYTHING]}), ("POST", "/roles", {"name": "more", "permissions": ["zones:read"]}),
                ("POST", "/api-keys", {"name": "k", "permissions": ["zones:read"]}), ("POST", "/api-keys", {"name": "k", "permissions": [EVERYTHING]})):
            self.assertEqual(client.call(method, "/api/v1" + path, body).status, 403, (method, path, body))
        self.assertEqual(client.get("/users/" + admin_id).status, 200)

    def test_the_last_administrator_stays(self):
        own = nwims.tenant("last")
        own_id = own.get("/auth/me").json["id"]
        for method, path, body in (("POST", f"/users/{own_id}/disable", {}), ("DELETE", f"/users/{own_id}", None),
                                   ("PUT", f"/users/{own_id}/roles", {"roles": ["viewer"]})):
            self.assertEqual(own.call(method, "/api/v1" + path, body).status, 409, (method, path))
        self.assertEqual(own.get("/users").status, 200)

    def test_another_tenants_people_are_not_there(self):
        other = nwims.tenant("foreign")
        client = self.person(roles=["viewer"])
        for method, path, body in (("GET", f"/users/{client.id}", None), ("PATCH", f"/users/{client.id}", {"name": "x"}),
                                   ("PUT", f"/users/{client.id}/roles", {"roles": ["viewer"]}), ("POST", f"/users/{client.id}/disable", {}),
                                   ("POST", f"/users/{client.id}/reset-password", {}), ("DELETE", f"/users/{client.id}", None)):
            self.assertEqual(other.call(method, "/api/v1" + path, body).status, 404, (method, path))

    # ---- what ends a token ----
    def test_a_disabled_user_is_out_everywhere_within_two_seconds(self):
        client = self.person(roles=["viewer"])
        both = [client, self.at_the_other(client)]
        self.assertEqual([c.get("/sensors").status for c in both], [200, 200])
        self.assertEqual(self.admin.post(f"/users/{client.id}/disable", {}).status, 200)
        self.gone_within(both)
        self.assertEqual(nwims.Client().post("/auth/login", {"email": client.email, "password": client.password}).status, 401)
        self.assertEqual(self.admin.post(f"/users/{client.id}/enable", {}).status, 200)
        self.assertEqual(client.get("/sensors").status, 401)
        client.login(client.email, client.password)
        self.assertEqual(client.get("/sensors").status, 200)

    def test_other_roles_count_within_two_seconds(self):
        client = self.person(roles=["operator"])
        self.assertEqual(self.admin.call("PUT", f"/api/v1/users/{client.id}/roles", {"roles": ["viewer"]}).status, 200)
        self.gone_within([client, self.at_the_other(client)])

    def test_a_logout_everywhere_ends_every_session(self):
        client = self.person(roles=["viewer"])
        first = nwims.Client().post("/auth/login", {"email": client.email, "password": client.password}).json
        tokens = nwims.Client().post("/auth/login", {"email": client.email, "password": client.password}).json
        alone, elsewhere = nwims.Client(token=tokens["access_token"]), nwims.Client(self.other_url, first["access_token"])
        self.assertEqual(nwims.Client().post("/auth/logout", {"refresh_token": tokens["refresh_token"]}).status, 204)
        self.gone_within([alone])
        self.assertEqual(elsewhere.get("/auth/me").status, 200)
        self.assertEqual(nwims.Client().post("/auth/logout", {"refresh_token": first["refresh_token"], "all": True}).status, 204)
        self.gone_within([client, elsewhere])

    def test_a_suspended_tenant_is_out_with_people_keys_and_devices(self):
        own = nwims.tenant("suspended")
        device = own.post("/devices", {"code": "D", "protocol": "http"}).json
        nwims.sensor(own, "S", device_id=device["id"])
        token = own.post(f"/devices/{device['id']}/credentials", {"kind": "token"}).json["secret"]
        key = nwims.Client(token=own.post("/api-keys", {"name": "k", "permissions": ["sensors:read"]}).json["key"])
        logger = nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], token)

        def send():
            return logger.call("POST", "/ingest/v1/readings", [{"sensor_id": "S", "value": 1}]).status
        self.assertEqual((key.get("/sensors").status, send()), (200, 202))
        self.assertEqual(self.root.post(f"/tenants/{own.tenant_id}/suspend", {}).status, 200)
        end = time.monotonic() + 2
        self.gone_within([own, self.at_the_other(own)])
        self.gone_within([key], path="/sensors")
        while send() != 401:
            self.assertLess(time.monotonic(), end, "the device still sends")
        self.assertEqual(self.root.post(f"/tenants/{own.tenant_id}/resume", {}).status, 200)
        self.assertEqual(own.get("/sensors").status, 401, "a token of before must stay dead")
        own.login(own.email, own.password)
        self.assertEqual(own.get("/sensors").status, 200)

    # ---- passwords and the second factor ----
    def test_passwords_that_are_tried_first_are_refused(self):
        for password in ("password1234", "qwertyuiop123", "aaaaaaaaaaaa", "short", "identity@example.org"):
            answer = self.admin.post("/users", {"email": "identity@example.org", "roles": ["viewer"], "password": password})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (422, "password"), (password, answer))

    def test_a_reset_gives_a_secret_that_is_good_once(self):
        client = self.person(roles=["viewer"])
        reset = self.admin.post(f"/users/{client.id}/reset-password", {})
        self.assertEqual(reset.status, 200, reset)
        self.gone_within([client])
        self.assertEqual(nwims.Client().post("/auth/login", {"email": client.email, "password": client.password}).status, 401)
        body = {"reset_secret": reset.json["reset_secret"], "new_password": word()}
        self.assertEqual(nwims.Client().post("/auth/password/reset", body).status, 204)
        self.assertEqual(nwims.Client().post("/auth/password/reset", body).status, 401)
        client.login(client.email, body["new_password"])

    def test_the_second_factor_is_asked_for_and_used_once(self):
        client = self.person(roles=["viewer"])
        self.assertEqual(client.post("/auth/mfa/enroll", {"password": "wrong"}).status, 403)
        enrolled = client.post("/auth/mfa/enroll", {"password": client.password})
        self.assertEqual(enrolled.status, 200, enrolled)
        self.assertTrue(enrolled.json["otpauth_uri"].startswith("otpauth://totp/"))
        login = {"email": client.email, "password": client.password}
        self.assertEqual(nwims.Client().post("/auth/login", login).status, 200, "not before it is verified")
        code = totp.code(enrolled.json["secret"])
        self.assertEqual(client.post("/auth/mfa/verify", {"otp": code}).status, 204)
        refused = nwims.Client().post("/auth/login", login)
        self.assertEqual((refused.status, refused.json["type"]), (401, "urn:nwims:problem:mfa-required"), refused)
        self.assertEqual(nwims.Client().post("/auth/login", {**login, "otp": code}).status, 401, "a code is good once")
        self.assertEqual(nwims.Client().post("/auth/login", {**login, "otp": totp.code(enrolled.json["secret"], 1)}).status, 200)
        recovery = enrolled.json["recovery_codes"][0]
        self.assertEqual(nwims.Client().post("/auth/login", {**login, "otp": recovery}).status, 200)
        self.assertEqual(nwims.Client().post("/auth/login", {**login, "otp": recovery}).status, 401)

    # ---- API keys ----
    def test_an_api_key_does_what_it_may_and_no_more(self):
        made = self.admin.post("/api-keys", {"name": "export", "permissions": ["sensors:read", "readings:read"], "municipality_ids": [self.towns[0]]})
        self.assertEqual(made.status, 201, made)
        self.assertTrue(made.json["key"].startswith("nwk_"))
        key = nwims.Client(token=made.json["key"])
        self.assertEqual([key.get(f"/sensors/S{n}").status for n in range(2)], [200, 404])
        self.assertIn("zones:read, which this API key does not have", key.get("/zones").json["detail"])
        self.assertIn("zones:write, which none of your roles has", self.person(roles=["viewer"]).post("/zones", {}).json["detail"])
        self.assertEqual((key.get("/zones").status, key.post("/auth/password", {"current_password": "x", "new_password": word()}).status), (403, 403))
        self.assertEqual(nwims.Client().call("GET", "/api/v1/sensors", headers={"X-Api-Key": made.json["key"]}).status, 200)
        listed = [k for k in self.admin.get("/api-keys").json["items"] if k["id"] == made.json["id"]][0]
        self.assertNotIn("key", listed)
        self.assertIn("last_used_at", listed)

    def test_a_rotated_key_is_good_for_its_grace_and_a_removed_one_not_at_all(self):
        made = self.admin.post("/api-keys", {"name": "k", "permissions": ["sensors:read"]}).json
        old = nwims.Client(token=made["key"])
        self.assertEqual(old.get("/sensors").status, 200)
        rotated = self.admin.post(f"/api-keys/{made['id']}/rotate", {"grace_seconds": 60}).json
        new = nwims.Client(token=rotated["key"])
        self.assertEqual((old.get("/sensors").status, new.get("/sensors").status), (200, 200))
        again = self.admin.post(f"/api-keys/{made['id']}/rotate", {"grace_seconds": 0}).json
        self.gone_within([old, new, self.at_the_other(new)], path="/sensors")
        newest = nwims.Client(token=again["key"])
        self.assertEqual(newest.get("/sensors").status, 200)
        self.assertEqual(self.admin.call("DELETE", f"/api/v1/api-keys/{made['id']}").status, 204)
        self.gone_within([newest, self.at_the_other(newest)], path="/sensors")

    def test_a_key_does_less_when_its_maker_may_do_less(self):
        maker = self.person(roles=["tenant_admin"])
        key = nwims.Client(token=maker.post("/api-keys", {"name": "k", "permissions": ["sensors:read"]}).json["key"])
        self.assertEqual(key.get("/sensors").status, 200)
        self.assertEqual(self.admin.post(f"/users/{maker.id}/disable", {}).status, 200)
        self.gone_within([key], path="/sensors")

    # ---- tenants ----
    def test_levels_fall_and_a_region_sees_its_utilities_in_sums(self):
        mark = secrets.token_hex(4)
        region = self.root.post("/tenants", {"code": f"reg-{mark}", "name": "r", "level": "region"})
        self.assertEqual((region.status, region.json["parent_id"]), (201, 1), region)
        utility = self.root.post("/tenants", {"code": f"uti-{mark}", "name": "u", "parent_id": region.json["id"]}).json
        self.assertEqual(self.root.call("PATCH", f"/api/v1/tenants/{region.json['id']}", {"parent_id": utility["id"]}).status, 422)
        self.assertEqual(self.root.call("PATCH", f"/api/v1/tenants/{region.json['id']}", {"level": "utility"}).status, 422)
        self.root.headers["Nwims-Tenant"] = str(region.json["id"])
        password = word()
        self.assertEqual(self.root.post("/users", {"email": f"{mark}@example.org", "roles": ["viewer"], "password": password}).status, 201)
        del self.root.headers["Nwims-Tenant"]
        ministry = nwims.Client().login(f"{mark}@example.org", password)
        self.assertEqual([t["tenant_id"] for t in ministry.get("/overview/national").json["items"]], [utility["id"]])
        self.assertEqual(self.person(roles=["viewer"]).get("/overview/national").json.get("items", []), [])

    def test_a_quota_of_users_holds_and_usage_is_told(self):
        own = nwims.tenant("quota")
        self.assertEqual(self.root.call("PUT", f"/api/v1/tenants/{own.tenant_id}/quota", {"users": 2}).status, 200)
        for status in (201, 409):
            answer = own.post("/users", {"email": f"{secrets.token_hex(4)}@example.org", "roles": ["viewer"], "password": word()})
            self.assertEqual(answer.status, status, answer)
        usage = self.root.get(f"/tenants/{own.tenant_id}/usage").json
        self.assertEqual((usage["users"], usage["active_users"]), (2, 2))


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
