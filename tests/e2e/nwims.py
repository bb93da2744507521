"""A small client of the REST API for the end-to-end tests: standard library only, one kept connection a client."""
import http.client
import json
import os
import secrets
import socket
import urllib.parse


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Client:
    def __init__(self, url=None, token=None, timeout=60):
        parts = urllib.parse.urlsplit(url or os.environ["NWIMS_URL"])
        self.host, self.port, self.timeout = parts.hostname, parts.port, timeout
        self.token, self.headers, self.connection = token, {}, None

    def call(self, method, path, body=None, headers=None, retry=True):
        """body: bytes as they are, anything else as JSON. A connection that was kept and closed meanwhile is opened once more."""
        all_headers = dict(self.headers)
        if self.token:
            all_headers["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        fresh = self.connection is None
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
                self.connection.connect()
                self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.connection.request(method, path, body=body, headers=all_headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the whole body was sent: the answer may be there all the same
            response = self.connection.getresponse()
            data = response.read()
            if response.getheader("Connection", "").lower() == "close":
                self.close()
            return Answer(response.status, response.headers, data)
        except (http.client.HTTPException, OSError):
            self.close()
            if fresh or not retry:
                raise
            return self.call(method, path, body, headers, retry=False)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, path, **query):
        return self.call("GET", "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body=None, headers=None):
        return self.call("POST", "/api/v1" + path, body, headers)

    def login(self, email, password):
        answer = self.post("/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer
        self.token = answer.json["access_token"]
        return self


def admin():
    """The first administrator of the stack under test."""
    with open(os.environ["NWIMS_ADMIN_PASSWORD_FILE"]) as file:
        return Client().login(os.environ.get("NWIMS_ADMIN_EMAIL", "admin@nwims.local"), file.read().strip())


def keep_policies(add_cleanup):
    """What a test sets of the cache's policies is undone after it: they are the whole system's, and other tests would read old answers."""
    before = admin().get("/cache/policies").json["policies"]

    def restore():
        answer = admin().call("PUT", "/api/v1/cache/policies", {"policies": before})
        assert answer.status == 200, answer
    add_cleanup(restore)
    return before


def tenant(code):
    """A client that is the administrator of a tenant of its own, made if need be."""
    root = admin()
    code = f"{code}-{secrets.token_hex(4)}"
    made = root.post("/tenants", {"code": code, "name": code})
    assert made.status == 201, made
    root.headers["Nwims-Tenant"] = str(made.json["id"])
    email, password = f"admin@{code}.example.org", secrets.token_urlsafe(18)
    user = root.post("/users", {"email": email, "roles": ["tenant_admin"], "password": password})
    assert user.status == 201, user
    client = Client().login(email, password)
    client.tenant_id, client.email, client.password = made.json["id"], email, password
    return client


def sensor(client, code, kind="other", unit="1", **more):
    answer = client.post("/sensors", {"code": code, "kind": kind, "unit": unit, **more})
    assert answer.status == 201, answer
    return answer.json


def device(client, protocol, **more):
    """A new device and its token."""
    made = client.post("/devices", {"code": f"D-{secrets.token_hex(4)}", "protocol": protocol, **more})
    assert made.status == 201, made
    return made.json, client.post(f"/devices/{made.json['id']}/credentials", {"kind": "token"}).json["secret"]


def series(client, code, **query):
    """Every reading of a sensor, over all pages: [(observed_at, value)]."""
    out, cursor = [], None
    while True:
        answer = client.get(f"/sensors/{code}/readings", limit=10000, order="asc", **query, **({"cursor": cursor} if cursor else {}))
        assert answer.status == 200, answer
        out += [(r["observed_at"], r["value"]) for r in answer.json["items"]]
        cursor = answer.json.get("next_cursor")
        if not cursor:
            return out


def processes():
    """{name: pid} of the stack's services."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[1] == os.environ["NWIMS_RUNNER_PID"] and os.path.exists(os.path.join(os.environ["NWIMS_VAR"], "bin", name)):
            out[name] = pid
    return out
