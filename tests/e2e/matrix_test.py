#!/usr/bin/env python3
"""Who may do what: every route of the gateway's own table x every built-in role x every kind of bad or foreign credential. What is expected is
worked out here from the roles' permissions, written down a second time on purpose: a role that may do more than before must be said twice."""
import json
import os
import secrets
import subprocess
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api_generator
import forgery
import nwims

READ = {f"{noun}:read" for noun in ("municipalities", "zones", "sites", "assets", "devices", "sensors", "readings", "alerts", "alert-rules",
                                    "incidents", "anomalies", "maintenance", "reports", "overview", "stream")}
ROLES = {
    "national_admin": {"*:*"},
    "tenant_admin": {f"{noun}:*" for noun in ("users", "roles", "api-keys", "municipalities", "zones", "sites", "assets", "devices", "sensors",
                                              "readings", "alerts", "alert-rules", "incidents", "anomalies", "maintenance", "notifications",
                                              "webhooks", "reports", "exports", "cache", "ingest")}
    | {"audit:read", "batch:read", "batch:write", "overview:read", "stream:read", "system:read"},
    "operator": READ | {f"{noun}:write" for noun in ("readings", "alerts", "incidents", "anomalies", "maintenance", "sensors", "devices", "alert-rules",
                                                     "reports", "exports", "cache")}
    | {"exports:read", "notifications:read", "ingest:read", "system:read"},
    "analyst": READ | {"anomalies:write", "reports:write", "exports:read", "exports:write", "exports:delete", "ingest:read", "audit:read"},
    "viewer": READ,
    "technician": READ | {f"{noun}:write" for noun in ("devices", "sensors", "maintenance", "readings", "alerts")} | {"ingest:read"},
    "device": {"readings:write"},
}
PUBLIC, ANYBODY = "public", ""


def may(permissions, needed):
    noun = needed.split(":")[0]
    return needed == ANYBODY or bool(permissions & {needed, f"{noun}:*", "*:*"})


def routes():
    out = subprocess.run([os.path.join(os.environ["NWIMS_VAR"], "bin", "gateway"), "--routes"], capture_output=True, check=True).stdout
    return json.loads(out)


class Place:
    """A tenant with one thing of every kind that a path can name, each with a mark that no other tenant may ever see."""

    def __init__(self, root, code):
        self.admin = nwims.tenant(code)
        self.mark = f"mark{secrets.token_hex(8)}"
        admin, mark = self.admin, self.mark
        town = self.made(admin.post("/municipalities", {"code": mark, "name": mark}))
        zone = self.made(admin.post("/zones", {"code": mark, "name": mark, "municipality_id": town}))
        device = self.made(admin.post("/devices", {"code": mark, "protocol": "http"}))
        credential = self.made(admin.post(f"/devices/{device}/credentials", {"kind": "token"}))
        sensor = self.made(admin.post("/sensors", {"code": mark, "kind": "flow", "device_id": device}))
        user = self.made(admin.post("/users", {"email": f"{mark}@example.org", "roles": ["viewer"], "password": secrets.token_urlsafe(18)}))
        admin.post("/batch/readings", [{"sensor_id": mark, "value": 1.5}])
        job = admin.post("/batch/sensors/update", {"ids": [mark], "set": {"name": mark}})
        assert job.status == 200, job
        root.headers["Nwims-Tenant"] = str(admin.tenant_id)
        self.ids = {"municipalities": town, "zones": zone, "devices": device, "sensors": sensor, "users": user, "credential_id": credential, "batch": job.json["id"],
                    "tenants": str(admin.tenant_id)}

    @staticmethod
    def made(answer):
        assert answer.status == 201, answer
        return answer.json["id"]

    def path(self, route):
        """The route's path with this tenant's ids in it, and whether all of them are known here."""
        path, known = route["path"], True
        while "{" in path:
            before, _, rest = path.partition("{")
            name, _, after = rest.partition("}")
            noun = name if name != "id" else route["path"].split("/")[1]
            value = self.ids.get(noun)
            known = known and value is not None
            path = before + (value or str(uuid.uuid4())) + after
        return path, known


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.routes = routes()
        root = nwims.admin()
        cls.ours, cls.theirs = Place(root, "matrix-a"), Place(root, "matrix-b")
        cls.forger = forgery.Forger()
        cls.cells = 0
        cls.clients = {role: cls.client(root, cls.ours, role) for role in ROLES}

    @classmethod
    def tearDownClass(cls):
        print(f"{len(cls.routes)} routes, {len(ROLES)} roles: {cls.cells} cells", file=sys.stderr)

    @classmethod
    def client(cls, root, place, role):
        """Somebody of a tenant with one role. National administrators are of tenant 1 and say where they work; devices have no login."""
        client = nwims.Client(token=place.admin.token)
        if role == "national_admin":
            client.token = root.token
            client.headers["Nwims-Tenant"] = str(place.admin.tenant_id)
        elif role == "device":
            client.token = cls.forger.changed(place.admin.token, roles="device", perm="readings:write", jti=str(uuid.uuid4()))
        else:
            email, password = f"{role}-{place.mark}@example.org", secrets.token_urlsafe(18)
            answer = place.admin.post("/users", {"email": email, "roles": [role], "password": password})
            assert answer.status == 201, answer
            client.login(email, password)
        return client

    def ask(self, client, route, path, headers=None):
        """Bodies are empty objects: whoever may not is refused before a body is looked at, whoever may is told what is missing."""
        body = {} if route["method"] in ("POST", "PUT", "PATCH") else None
        if route["path"] in ("/stream", "/ws"):
            return self.peek(client, path, headers)
        return client.call(route["method"], "/api/v1" + path, body, headers)

    @staticmethod
    def peek(client, path, headers):
        """Only how the answer begins: it has no end."""
        import http.client
        connection = http.client.HTTPConnection(client.host, client.port, timeout=20)
        authorization = {"Authorization": f"Bearer {client.token}"} if client.token else {}
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        connection.request("GET", "/api/v1" + path, headers={**client.headers, **authorization, **(upgrade if path == "/ws" else {}), **(headers or {})})
        response = connection.getresponse()
        answer = nwims.Answer(response.status, response.headers, response.read() if response.status >= 400 else b"")
        connection.close()
        return answer

    def check(self, answer, allowed, what):
        type(self).cells += 1
        if answer.status == 503 and answer.json["type"].removeprefix("urn:nwims:problem:") in api_generator.NOT_THERE_YET.values() and set(allowed) - {401, 403}:
            return  # who gets so far may, and its owner comes later
        self.assertIn(answer.status, allowed, f"{what}: {answer}")
        if answer.status >= 400:
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json", what)
        self.assertNotIn(self.theirs.mark.encode(), answer.body, f"{what} shows what belongs to another tenant")

    def guarded(self):
        return [route for route in self.routes if route["permission"] != PUBLIC]

    # What cannot be undone with the ids that there are is tried with ids that there are not: 404 shows that it was allowed.
    DONE = range(200, 300)
    TOLD = (400, 404, 409, 412, 415, 422, 428)

    def expected(self, route, known):
        if route["method"] == "GET" and known:
            return [route["success"], 422, 404] if "{" in route["path"] else [route["success"], 422]
        return [*self.DONE, *self.TOLD]

    def test_every_role_may_what_its_permissions_say_and_nothing_else(self):
        for route in self.guarded():
            path, known = self.ours.path(route)
            if route["method"] != "GET":
                path, known = Place.path(Nothing, route)
            for role, client in self.clients.items():
                what = f"{role} {route['method']} {path}"
                if route["permission"] == ANYBODY and route["method"] != "GET":
                    continue  # these change the caller, see the next test
                with self.subTest(what):
                    allowed = self.expected(route, known) if may(ROLES[role], route["permission"]) else [403]
                    self.check(self.ask(client, route, path), allowed, what)

    def test_what_is_about_the_caller_is_open_to_every_role(self):
        for route in self.guarded():
            if route["permission"] != ANYBODY or route["method"] == "GET":
                continue
            for role in ("tenant_admin", "operator", "analyst", "viewer", "technician"):
                email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
                self.assertEqual(self.ours.admin.post("/users", {"email": email, "roles": [role], "password": password}).status, 201)
                path, _ = Place.path(Nothing, route)
                answer = self.ask(nwims.Client().login(email, password), route, path)
                self.check(answer, [*self.DONE, *self.TOLD], f"{role} {route['method']} {path} about the caller")

    def test_what_a_role_may_read_is_there_and_of_the_own_tenant(self):
        for noun in ("municipalities", "zones", "devices", "sensors"):
            for role, client in self.clients.items():
                if may(ROLES[role], f"{noun}:read"):
                    answer = client.get(f"/{noun}/{self.ours.ids[noun]}")
                    self.assertEqual((answer.status, answer.json["code"]), (200, self.ours.mark), f"{role} {noun}")

    def test_nobody_reaches_another_tenant(self):
        for route in self.guarded():
            path, known = self.theirs.path(route)
            for role, client in self.clients.items():
                if role == "national_admin" or (route["permission"] == ANYBODY and route["method"] != "GET"):
                    continue
                allowed_here = may(ROLES[role], route["permission"])
                with self.subTest(f"{role} {route['method']} {path} of another tenant"):
                    if "{" in route["path"]:
                        allowed = [404, 422, *([400, 409, 415, 428] if route["method"] != "GET" else [])] if allowed_here else [403]
                        self.check(self.ask(client, route, path), allowed, f"{role} {route['method']} {path} with another tenant's id")
                with self.subTest(f"{role} {route['method']} {path} as another tenant"):
                    answer = self.ask(client, route, path, {"Nwims-Tenant": str(self.theirs.admin.tenant_id)})
                    self.check(answer, [403], f"{role} {route['method']} {path} naming another tenant")
        for noun in ("municipalities", "zones", "devices", "sensors"):
            answer = self.theirs.admin.get(f"/{noun}/{self.theirs.ids[noun]}")
            self.assertEqual((answer.status, answer.json["code"]), (200, self.theirs.mark), "something was changed from outside")

    def test_no_token_and_bad_tokens_are_taken_nowhere(self):
        good = self.clients["tenant_admin"].token
        bad = {"no token": None, "an empty token": "", "no token at all": "x", **self.forger.bad(good)}
        for route in self.guarded():
            path, _ = self.ours.path(route)
            for name, token in bad.items():
                with self.subTest(f"{route['method']} {path} with a token {name}"):
                    answer = self.ask(nwims.Client(token=token), route, path)
                    self.check(answer, [401], f"{route['method']} {path} with a token {name}")
                    self.assertIn("WWW-Authenticate", answer.headers)
        for headers in ({"Authorization": f"Basic {good}"}, {"Authorization": f"Token {good}"}, {"Authorization": good},
                        {"Authorization": f"Bearer {good} {good}"}, {"Cookie": f"token={good}"}, {"X-Api-Key": good}):
            with self.subTest(headers=str(headers)[:40]):
                self.assertEqual(nwims.Client().call("GET", "/api/v1/sensors", headers=headers).status, 401)

    def test_the_tokens_of_no_role_are_taken_spoilt(self):
        """The kinds that the one above tries with an administrator's, for everybody else."""
        for role, client in self.clients.items():
            bad = self.forger.bad(client.token)
            for name in ("expired", "of the wrong key", "alg none"):
                spoilt = nwims.Client(token=bad[name])
                spoilt.headers.update(client.headers)
                for route in self.guarded():
                    path, _ = self.ours.path(route)
                    with self.subTest(f"{role} {route['method']} {path} with a token {name}"):
                        self.check(self.ask(spoilt, route, path), [401], f"{role} {route['method']} {path} with a token {name}")

    def test_a_role_in_an_empty_region_reaches_nothing_of_the_tenant(self):
        """Every role that people have, in a region where nothing lies: what is elsewhere is not there, and what is of the whole tenant is not theirs."""
        admin = self.ours.admin
        region = Place.made(admin.post("/regions", {"code": f"r{secrets.token_hex(6)}", "name": "Nowhere"}))
        for role in ("tenant_admin", "operator", "analyst", "viewer", "technician"):
            email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
            made = admin.post("/users", {"email": email, "assignments": [{"role": role, "region_ids": [region]}], "password": password})
            self.assertEqual(made.status, 201, made)
            client = nwims.Client().login(email, password)
            for route in self.guarded():
                if route["permission"] == ANYBODY:
                    continue
                path, known = self.ours.path(route)
                what = f"{role} of an empty region {route['method']} {path}"
                with self.subTest(what):
                    answer = self.ask(client, route, path)
                    if not may(ROLES[role], route["permission"]):
                        allowed = [403]
                    elif "{" in route["path"] and known:
                        allowed = [403, 404, *([400, 409, 415, 422, 428] if route["method"] != "GET" else [])]
                    else:
                        allowed = [*self.DONE, *self.TOLD, 403]
                    self.check(answer, allowed, what)
                    if answer.status < 300:
                        self.assertNotIn(self.ours.mark.encode(), answer.body, f"{what} shows what lies elsewhere")
        for noun in ("municipalities", "zones", "devices", "sensors"):
            answer = admin.get(f"/{noun}/{self.ours.ids[noun]}")
            self.assertEqual((answer.status, answer.json["code"]), (200, self.ours.mark), f"the one of {noun} was changed from elsewhere")

    def test_public_routes_ask_for_no_token_and_take_no_bad_one_amiss(self):
        for route in self.routes:
            if route["permission"] == PUBLIC:
                path, _ = self.ours.path(route)
                answer = self.ask(nwims.Client(), route, path)
                self.check(answer, [*self.DONE, 400, 422], f"{route['method']} {path} without a token")

    def test_the_claims_of_a_good_signature_are_kept_to(self):
        """Not even our own key makes a token good for more than it says."""
        token = self.forger.changed(self.clients["viewer"].token, perm="sensors:read", jti=str(uuid.uuid4()))
        client = nwims.Client(token=token)
        self.assertEqual((answer := client.get("/sensors")).status, 200, answer)
        self.assertEqual(client.get("/zones").status, 403)
        none = nwims.Client(token=self.forger.changed(self.clients["viewer"].token, perm="", jti=str(uuid.uuid4())))
        self.assertEqual(none.get("/sensors").status, 403)

    def soon(self, ask, status, within_s=2):
        """Asks until it is refused as it should be, at most as long as a revocation may take."""
        until = time.monotonic() + within_s
        while (answer := ask()).status != status and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(answer.status, status, answer)

    def test_a_suspended_tenant_is_shut_out_of_every_route(self):
        root = nwims.admin()
        place = Place(root, "matrix-c")
        clients = {role: self.client(root, place, role) for role in ROLES if role != "national_admin"}
        answer = root.post(f"/tenants/{place.admin.tenant_id}/suspend", {})
        self.assertLess(answer.status, 300, answer)
        self.soon(lambda: place.admin.get("/sensors"), 401)
        for role, client in clients.items():
            for route in self.guarded():
                path, _ = place.path(route)
                with self.subTest(f"{role} {route['method']} {path}"):
                    self.check(self.ask(client, route, path), [401, 403], f"{role} {route['method']} {path} of a suspended tenant")
        login = nwims.Client().post("/auth/login", {"email": place.admin.email, "password": place.admin.password})
        self.assertIn(login.status, (401, 403), login)

    def test_an_api_key_does_what_it_is_for_and_revoked_is_taken_nowhere(self):
        """One with the permissions of every role; those of national administrators are made by one."""
        for role, maker in {**{role: self.ours.admin for role in ROLES}, "national_admin": self.clients["national_admin"]}.items():
            made = maker.post("/api-keys", {"name": "matrix", "permissions": sorted(ROLES[role])})
            self.assertEqual(made.status, 201, f"{role}: {made}")
            client = nwims.Client(token=made.json["key"])
            for route in self.guarded():
                if route["method"] == "GET" and route["permission"] != ANYBODY:
                    path, known = self.ours.path(route)
                    allowed = self.expected(route, known) if may(ROLES[role], route["permission"]) else [403]
                    self.check(self.ask(client, route, path), allowed, f"API key of {role} {route['method']} {path}")
            self.assertEqual(maker.call("DELETE", f"/api/v1/api-keys/{made.json['id']}").status, 204)
            self.soon(lambda: client.get("/sensors"), 401)
            for route in self.guarded():
                path, _ = self.ours.path(route)
                with self.subTest(f"{role} {route['method']} {path}"):
                    self.check(self.ask(client, route, path), [401], f"{role} {route['method']} {path} with a revoked API key")


class Nothing:
    """No tenant: every id is one that there is not."""
    ids = {"tenants": "2147483647"}


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
