#!/usr/bin/env python3
"""The OpenAPI document says the truth: every operation of it is driven with good and with hostile input, and each answer is held against it.
NWIMS_API_REQUESTS (4000) random requests come on top; `make api-fuzz` sends 100,000. NWIMS_API_SEED repeats a run."""
import http.client
import json
import multiprocessing
import os
import random
import secrets
import sys
import tempfile
import time
import unittest
import urllib.parse

os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = tempfile.mkdtemp()  # else it leaves a folder where it runs
import hypothesis
import jsonschema
from hypothesis import strategies

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api_generator
import forgery
import matrix_test
import nwims

SEED = int(os.environ.get("NWIMS_API_SEED", "0")) or secrets.randbits(32)
REQUESTS = int(os.environ.get("NWIMS_API_REQUESTS", "4000"))
EXAMPLES = int(os.environ.get("NWIMS_API_EXAMPLES", "15"))
WORKERS, PARTS, SECRET = 4, 5, forgery.secret("proxy")
# Each of the gateway's 256 threads keeps some 50 KiB of stack, buffers and glibc's small free blocks (at most seven of a size) once it has been used
# for requests of every kind: that is filled before memory is looked at, as far as the volume is worth it.
THREADS, FILLING, MOST_GROWTH_MIB = (240, 200, 4) if REQUESTS >= 100_000 else (240, 2, 8)
# What would end the driver's own session or the tenant it works in is driven by tests of its own.
LEFT_OUT = {"/auth/keys/rotate", "/stream", "/ws", "/tenants/{id}/suspend", "/tenants/{id}/resume", "/auth/password", "/auth/mfa/enroll", "/auth/mfa/verify", "/auth/mfa/disable"}


def document():
    return nwims.Client().call("GET", "/openapi.json").json


class Driver:
    """Sends what the generator makes, over a kept connection."""

    def __init__(self, generator, tokens):
        self.generator, self.tokens, self.client, self.answered = generator, tokens, nwims.Client(timeout=30), []
        self.slowest, self.kinds = 0, set()

    def send(self, rng, request):
        method, target, headers, data, _ = request
        # Failed logins lock an address out: each comes from another, by the word of a proxy.
        headers = {"Nwims-Proxy-Secret": SECRET, "X-Forwarded-For": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}", **headers}
        token, tenant = rng.choice(self.tokens)
        self.client.token = token if rng.random() < 0.97 else None
        if tenant:
            headers.setdefault("Nwims-Tenant", tenant)
        began = time.monotonic()
        answer = self.client.call(method, "/api/v1" + target, data, headers)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    def try_one(self, rng, operation, is_good):
        request = self.generator.request(rng, operation, is_good)
        answer = self.send(rng, request)
        self.answered.append((operation, answer))
        faults = self.generator.faults(operation, request, answer)
        return f"{'; '.join(faults)}\n    {request[:4]!r:.700}\n    {answer.status} {answer.body[:400]!r}" if faults else None


    def learn(self):
        """Not at once: Hypothesis repeats what failed, and the same choices must lead to the same request."""
        for operation, answer in self.answered:
            self.generator.learn(operation, answer)
            if answer.status >= 400 and b"urn:nwims:problem:" in answer.body:
                self.kinds.add(answer.json["type"].removeprefix("urn:nwims:problem:"))
        self.answered.clear()


def operations_of(generator):
    return [operation for operation in generator.operations if operation[1] not in LEFT_OUT]


def work(job):
    """A process of the volume test: (faults, count, slowest, statuses)."""
    url_document, tokens, seed, count = job
    rng, generator = random.Random(seed), api_generator.Generator(url_document)
    driver, faults, operations = Driver(generator, tokens), {}, operations_of(generator)
    for _ in range(count):
        operation = rng.choice(operations)
        fault = driver.try_one(rng, operation, rng.random() < 0.4)
        driver.learn()
        if fault and len(faults) < 40:
            faults.setdefault((operation[0], operation[1], fault.split("\n")[0]), fault)
    return list(faults.values()), driver.slowest


def fill(job):
    """A process of the filling: its share of the connections is open at once, so that each has a thread of its own."""
    url_document, tokens, seed, count = job
    rng, generator = random.Random(seed), api_generator.Generator(url_document)
    drivers, faults, operations = [Driver(generator, tokens) for _ in range(count)], {}, operations_of(generator)
    for _ in range(FILLING):
        for driver in drivers:
            operation = rng.choice(operations)
            fault = driver.try_one(rng, operation, rng.random() < 0.4)
            driver.learn()
            if fault and len(faults) < 40:
                faults.setdefault((operation[0], operation[1], fault.split("\n")[0]), fault)
    return list(faults.values()), max(driver.slowest for driver in drivers)


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def memory_mib():
    """Resident memory of every service: the least of some seconds, since a password that is being checked takes 19 MiB."""
    samples = []
    for _ in range(5):
        samples.append({name: resident_mib(pid) for name, pid in nwims.processes().items()})
        time.sleep(0.5)
    return {name: min(sample.get(name, value) for sample in samples) for name, value in samples[-1].items()}


def cached_mib():
    """What the gateway keeps of answers on purpose, up to CACHE_MEMORY_BYTES: that is no leak."""
    with open(f"/proc/{nwims.processes()['gateway']}/environ", encoding="utf-8") as file:
        address = dict(entry.split("=", 1) for entry in file.read().split("\0") if "=" in entry)["ADMIN_ADDRESS"]
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("nwims_cache_memory_bytes")) / 1048576


class Document(unittest.TestCase):
    """The rules of a document that tools can work with; @redocly/cli's recommended ones among them."""

    @classmethod
    def setUpClass(cls):
        cls.document = document()
        cls.generator = api_generator.Generator(cls.document)

    def test_it_tells_of_every_route_and_of_no_other(self):
        told = {(method, path) for method, path, _ in self.generator.operations}
        self.assertEqual(told, {(route["method"], route["path"]) for route in matrix_test.routes()})

    def test_every_reference_leads_somewhere_and_every_component_is_used(self):
        text = json.dumps(self.document)
        for kind, components in self.document["components"].items():
            for name in components:
                if kind != "securitySchemes":
                    self.assertIn(f'"#/components/{kind}/{name}"', text, f"{name} is not used")
        for part in text.split('"$ref": "')[1:]:
            self.generator.resolve({"$ref": part.split('"')[0]})

    def test_every_operation_is_named_described_and_guarded(self):
        tags = {tag["name"]: tag.get("description") for tag in self.document["tags"]}
        self.assertTrue(all(tags.values()), tags)
        ids = [item["operationId"] for _, _, item in self.generator.operations]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(self.document["servers"], [{"url": "/api/v1"}])
        self.assertIn("license", self.document["info"])
        for method, path, item in self.generator.operations:
            with self.subTest(f"{method} {path}"):
                self.assertTrue(item["summary"] and item["summary"] != item["operationId"])
                self.assertIn(item["tags"][0], tags)
                named = {p["name"] for p in item["parameters"] if p["in"] == "path"}
                self.assertEqual(named, {part[1:-1] for part in path.split("/") if part.startswith("{")})
                self.assertTrue(all(p["required"] for p in item["parameters"] if p["in"] == "path"))
                self.assertTrue(all(p.get("description") for p in item["parameters"]), [p["name"] for p in item["parameters"]])
                classes = {status[0] for status in item["responses"]}
                self.assertTrue({"2", "4"} <= classes or {"1", "4"} <= classes, item["responses"].keys())
                self.assertEqual("401" in item["responses"], item.get("security") != [] or method != "GET")
                self.assertNotIn("requestBody", item if method in ("GET", "DELETE") else {})

    def test_every_schema_is_one_and_its_examples_keep_to_it(self):
        def walk(value):
            if isinstance(value, dict):
                if "examples" in value and "type" in value:
                    for example in value["examples"]:
                        self.generator.validator({key: item for key, item in value.items() if key != "examples"}).validate(example)
                for item in value.values():
                    walk(item)
            elif isinstance(value, list):
                for item in value:
                    walk(item)
        for name, schema in self.document["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
        walk(self.document)


class Truth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        nwims.keep_policies(cls.addClassCleanup)
        cls.tenant = nwims.tenant("openapi")
        root = nwims.admin()
        cls.tokens = [(cls.tenant.token, None)] * 3 + [(root.token, str(cls.tenant.tenant_id))]
        cls.generator = api_generator.Generator(document())
        cls.driver = Driver(cls.generator, cls.tokens)
        nwims.sensor(cls.tenant, "SENSOR_001", "pressure", "bar")

    def test_every_operation_keeps_its_word(self):
        faults = []
        for operation in operations_of(self.generator):
            for is_good in (True, False):
                try:
                    self.drive(operation, is_good)
                except AssertionError as error:
                    faults.append(f"{operation[0]} {operation[1]}: {error}")
        self.assertFalse(faults, "\n" + "\n".join(faults))
        page = nwims.Client().call("GET", "/docs/problems").body.decode()
        self.assertFalse([kind for kind in self.driver.kinds if f"<code>{kind}</code>" not in page], "kinds of problems that /docs/problems does not explain")

    def drive(self, operation, is_good):
        @hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, print_blob=False, report_multiple_bugs=False,
                             suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate])
        @hypothesis.given(strategies.randoms(use_true_random=False))
        def one(rng):
            fault = self.driver.try_one(rng, operation, is_good)
            if fault:
                raise AssertionError(fault)
        try:
            one()
        finally:
            self.driver.learn()

    def test_every_filter_of_every_list_can_be_used(self):
        """Each query parameter alone, with values that the document allows: 200, or a refusal that names another parameter."""
        rng = random.Random(1)
        for method, path, item in operations_of(self.generator):
            query = [p for p in item["parameters"] if p["in"] == "query"]
            if method != "GET" or "{" in path:
                continue
            needed = {p["name"]: self.generator.value(rng, p["schema"]) for p in query if p.get("required")}
            for parameter in query:
                with self.subTest(f"{path}?{parameter['name']}"):
                    pairs = {**needed, parameter["name"]: self.generator.value(rng, parameter["schema"])}
                    answer = self.tenant.call("GET", "/api/v1" + path + "?" + urllib.parse.urlencode(pairs, doseq=True))
                    self.assertLess(answer.status, 500, answer)
                    if answer.status == 422 and parameter["name"] != "cursor":
                        self.assertNotIn("there is no such query parameter here", answer.body.decode(), answer)

    def test_volumes_of_random_requests_do_no_harm(self):
        """In five parts, each with tokens of its own, which last 15 minutes. Buffers and directories fill up in the first two; after that
        memory stays, but for what the cache of answers is allowed."""
        doc = document()
        print(f"seed {SEED}: NWIMS_API_SEED repeats it", file=sys.stderr)
        faults, slowest, marks = [], 0, []
        with multiprocessing.Pool(WORKERS) as pool:
            for part in range(-1, PARTS):
                tenant = nwims.tenant("openapi-volume")
                tokens = [(tenant.token, None)] * 3 + [(nwims.admin().token, str(tenant.tenant_id))]
                nwims.sensor(tenant, "SENSOR_001", "pressure", "bar")
                send, count = (fill, THREADS // WORKERS) if part < 0 else (work, REQUESTS // PARTS // WORKERS)
                for found, slow in pool.imap_unordered(send, [(doc, tokens, SEED + part * WORKERS + i, count) for i in range(WORKERS)]):
                    faults.extend(found)
                    slowest = max(slowest, slow)
                if part < 0:
                    began = time.monotonic()
                    continue
                marks.append({**memory_mib(), "gateway's cache": cached_mib()})
        took = time.monotonic() - began
        print(f"{REQUESTS} requests (after {THREADS * FILLING} over {THREADS} connections at once) in {took:.0f} s, {REQUESTS / took:.0f}/s, the slowest {slowest * 1000:.0f} ms", file=sys.stderr)
        for name in sorted(marks[-1]):
            print(f"{name:20} {marks[1].get(name, 0):7.1f} MiB before, {marks[-1][name]:7.1f} after; all: {' '.join(f'{mark.get(name, 0):.1f}' for mark in marks)}",
                  file=sys.stderr)
        self.assertFalse(faults, "\n" + "\n".join(sorted(faults)))
        self.assertLess(slowest, 20, "hung")
        kept = marks[-1].pop("gateway's cache") - marks[1].pop("gateway's cache")
        for name in marks[-1]:
            growth = marks[-1][name] - marks[1].get(name, 0) - (kept if name == "gateway" else 0)
            self.assertLess(growth, MOST_GROWTH_MIB, f"{name} grew in the last three of five parts")


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
