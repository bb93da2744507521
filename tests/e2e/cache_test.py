#!/usr/bin/env python3
"""The cache as callers see it, over several gateways: nobody gets what was there before their write, nobody sees another's tenant or scope, and whatever
happens to Redis costs time, bounded, and no error."""
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forgery
import nwims
import replica


def wait_for(ask, limit_s=30):
    end = time.monotonic() + limit_s
    while not ask():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.05)


def in_use(client, members):
    """Not while the gateway starts: it may refuse the question."""
    answer = client.get("/cache/statistics")
    return answer.status == 200 and len(answer.json["members"]) >= members and all(member["is_in_use"] for member in answer.json["members"])


def hits(client):
    """Answers from a level, over all classes and gateways."""
    classes = client.get("/cache/statistics").json["classes"]
    return {level: sum(int(c[level]) for c in classes) for level in ("memory_hits", "redis_hits", "shared_hits", "misses", "passed")}


class SeveralGateways(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.admin = nwims.tenant("cache")
        cls.replicas = [replica.Gateway(**replica.stack_redis("gateway")) for _ in range(2)]
        cls.addClassCleanup(lambda: [gateway.__exit__() for gateway in cls.replicas])
        cls.clients = cls.at_each(cls.admin.token)
        for client in cls.clients:
            wait_for(lambda client=client: in_use(client, 3))

    @classmethod
    def at_each(cls, token):
        """The same caller at every gateway."""
        return [nwims.Client(token=token)] + [gateway.client(token) for gateway in cls.replicas]

    def ok(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def test_what_was_written_at_one_is_read_at_every_other_at_once(self):
        sensor = nwims.sensor(self.admin, f"W-{secrets.token_hex(4)}")
        paths = (f"/sensors/{sensor['id']}", f"/sensors/{sensor['code']}")
        for i in range(60):
            for client in self.clients:
                for path in paths:
                    self.ok(client.get(path))
            writer = self.clients[i % 3]
            self.ok(writer.call("PATCH", f"/api/v1{paths[0]}", {"name": f"name {i}"}))
            for client in self.clients:
                for path in paths:
                    self.assertEqual(self.ok(client.get(path))["name"], f"name {i}")
                page = self.ok(client.get("/sensors", code_prefix=sensor["code"]))
                self.assertEqual(page["items"][0]["name"], f"name {i}")

    def test_readers_in_a_crowd_never_go_back_in_time(self):
        """Whoever begins to read after a write was answered gets that write or a later one, whoever else reads and fills meanwhile."""
        sensor = nwims.sensor(self.admin, f"C-{secrets.token_hex(4)}")
        path, answered, stale, reads, over = f"/sensors/{sensor['id']}", [0], [], [0], threading.Event()

        def read(seed):
            clients, rng = self.at_each(self.admin.token), random.Random(seed)
            while not over.is_set():
                least = answered[0]
                got = rng.choice(clients).get(path).json["elevation_m"]
                reads[0] += 1
                if got < least:
                    stale.append((got, least))
        self.ok(self.admin.call("PATCH", f"/api/v1{path}", {"elevation_m": 0}))
        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        writers = self.at_each(self.admin.token)
        for version in range(1, 121):
            self.ok(writers[version % 3].call("PATCH", f"/api/v1{path}", {"elevation_m": version}))
            answered[0] = version
        over.set()
        for thread in threads:
            thread.join()
        self.assertGreater(reads[0], 200)
        self.assertEqual(stale, [])

    def test_readings_that_were_written_are_read_at_once(self):
        code = nwims.sensor(self.admin, f"R-{secrets.token_hex(4)}")["code"]
        for i in range(15):
            for client in self.clients:
                client.get(f"/sensors/{code}/latest")
            self.ok(self.clients[i % 3].post("/batch/readings", [{"sensor_id": code, "value": i}]))
            for client in self.clients:
                self.assertEqual(self.ok(client.get(f"/sensors/{code}/latest"))["value"], i)
                self.assertEqual(int(self.ok(client.get(f"/sensors/{code}/statistics"))["count"]), i + 1)

    def test_a_place_that_moves_takes_its_sensors_along(self):
        """What shows up under a zone depends on more than the sensor."""
        towns = [self.ok(self.admin.post("/municipalities", {"code": f"T-{secrets.token_hex(4)}", "name": "t"}), 201)["id"] for _ in range(2)]
        zone = self.ok(self.admin.post("/zones", {"code": f"Z-{secrets.token_hex(4)}", "name": "z", "municipality_id": towns[0]}), 201)["id"]
        nwims.sensor(self.admin, f"M-{secrets.token_hex(4)}", zone_id=zone)
        counts = lambda: [(len(self.ok(c.get("/sensors", municipality_id=t))["items"]), int(self.ok(c.get(f"/municipalities/{t}/summary"))["sensors"]))
                          for c in self.clients for t in towns]
        self.assertEqual(counts(), [(1, 1), (0, 0)] * 3)
        self.ok(self.admin.call("PATCH", f"/api/v1/zones/{zone}", {"municipality_id": towns[1]}))
        self.assertEqual(counts(), [(0, 0), (1, 1)] * 3)

    def test_tenants_and_scopes_have_answers_of_their_own(self):
        other = nwims.tenant("cache-other")
        code = f"S-{secrets.token_hex(4)}"
        mine, theirs = nwims.sensor(self.admin, code)["id"], nwims.sensor(other, code)["id"]
        towns = [self.ok(self.admin.post("/municipalities", {"code": f"L-{secrets.token_hex(4)}", "name": "t"}), 201)["id"] for _ in range(2)]
        seen = [nwims.sensor(self.admin, f"{code}-{i}", municipality_id=town)["id"] for i, town in enumerate(towns)]
        scoped = []
        for town in towns:
            email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
            self.ok(self.admin.post("/users", {"email": email, "password": password, "assignments": [{"role": "viewer", "municipality_ids": [town]}]}), 201)
            scoped.append(nwims.Client().login(email, password))
        for _ in range(3):
            for client in self.clients:
                self.assertEqual(self.ok(client.get(f"/sensors/{code}"))["id"], mine)
                self.assertEqual(len(self.ok(client.get("/sensors", code_prefix=f"{code}-"))["items"]), 2)
            for client in self.at_each(other.token):
                self.assertEqual(self.ok(client.get(f"/sensors/{code}"))["id"], theirs)
                self.assertEqual(client.get(f"/sensors/{mine}").status, 404)
            for at, caller in enumerate(scoped):
                for client in self.at_each(caller.token):
                    self.assertEqual([s["id"] for s in self.ok(client.get("/sensors", code_prefix=f"{code}-"))["items"]], [seen[at]])
                    self.assertEqual(client.get(f"/sensors/{seen[1 - at]}").status, 404)
                    self.ok(client.get(f"/sensors/{seen[at]}"))

    def test_who_was_shut_out_gets_nothing_from_the_cache(self):
        email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
        user = self.ok(self.admin.post("/users", {"email": email, "password": password, "roles": ["viewer"]}), 201)
        person = self.at_each(nwims.Client().login(email, password).token)
        for client in person:
            self.ok(client.get("/sensors"))
        self.ok(self.admin.post(f"/users/{user['id']}/disable", {}))
        for client in person:
            wait_for(lambda client=client: client.get("/sensors").status == 401, 2)

    def test_an_answer_from_the_cache_has_the_etag_and_its_304(self):
        path = f"/sensors/{nwims.sensor(self.admin, f'E-{secrets.token_hex(4)}')['id']}"
        first = self.admin.get(path)
        for client in self.clients:
            again = client.get(path)
            self.assertEqual((again.body, again.headers["ETag"]), (first.body, first.headers["ETag"]))
            self.assertEqual(client.call("GET", f"/api/v1{path}", headers={"If-None-Match": first.headers["ETag"]}).status, 304)
        changed = self.admin.call("PATCH", f"/api/v1{path}", {"name": "new"}, {"If-Match": first.headers["ETag"]})
        self.ok(changed)
        self.assertEqual(self.admin.call("PATCH", f"/api/v1{path}", {"name": "newer"}, {"If-Match": first.headers["ETag"]}).status, 412)
        self.assertEqual(self.clients[1].call("GET", f"/api/v1{path}", headers={"If-None-Match": first.headers["ETag"]}).status, 200)

    def test_statistics_tell_where_answers_came_from_at_all_gateways(self):
        path = f"/sensors/{nwims.sensor(self.admin, f'H-{secrets.token_hex(4)}')['id']}"
        wait_for(lambda: in_use(self.admin, 3))
        before = hits(self.admin)
        self.ok(self.clients[1].get(path))
        wait_for(lambda: hits(self.clients[0])["misses"] > before["misses"])  # the others say so within a second
        for _ in range(5):
            self.ok(self.clients[1].get(path))
        self.ok(self.clients[2].get(path))
        wait_for(lambda: hits(self.clients[0])["memory_hits"] >= before["memory_hits"] + 4)
        whole = self.ok(self.admin.get("/cache/statistics"))
        self.assertGreater(whole["hit_rate"], 0)
        self.assertGreater(int(whole["memory_bytes"]), 0)
        self.assertGreater(int(whole["redis_bytes"]), 0)
        self.assertEqual({member["redis"] for member in whole["members"]}, {"closed"})

    def test_policies_change_everywhere_at_once_and_name_what_is_wrong(self):
        root = nwims.admin()
        before = nwims.keep_policies(self.addCleanup)
        self.ok(root.call("PUT", "/api/v1/cache/policies", {"policies": [{"class": "entity", "keep_ms": 0, "memory_ms": 0}]}))
        for client in self.at_each(root.token):
            wait_for(lambda client=client: {p["class"]: int(p["keep_ms"]) for p in client.get("/cache/policies").json["policies"]}["entity"] == 0, 5)
        for bad in ({"class": "entity", "keep_ms": 5, "memory_ms": 6}, {"class": "nonsense", "keep_ms": 5, "memory_ms": 5}, {"class": "list"},
                    {"class": "list", "keep_ms": -1, "memory_ms": 0}, {"class": "list", "keep_ms": 86400001, "memory_ms": 0}):
            self.assertEqual(root.call("PUT", "/api/v1/cache/policies", {"policies": [bad]}).status, 422, bad)
        self.assertEqual(self.admin.call("PUT", "/api/v1/cache/policies", {"policies": []}).status, 403)
        self.ok(root.call("PUT", "/api/v1/cache/policies", {"policies": before}))

    def test_invalidation_makes_every_gateway_ask_anew(self):
        path = f"/sensors/{nwims.sensor(self.admin, f'I-{secrets.token_hex(4)}')['id']}"
        for client in self.clients:
            self.ok(client.get(path))
        done = self.ok(self.admin.post("/cache/invalidate", {"kinds": ["sensor"]}))
        self.assertEqual((done["kinds"], done["is_everywhere"]), (["sensor"], True))
        self.assertEqual(self.ok(self.admin.post("/cache/invalidate"))["kinds"], ["any"])
        self.assertEqual(self.admin.post("/cache/invalidate", {"kinds": ["nonsense"]}).status, 422)
        misses = hits(self.admin)["misses"]
        self.ok(self.admin.get(path))
        self.assertGreater(hits(self.admin)["misses"], misses)


class Warmed(unittest.TestCase):
    """cache-warmer puts what the gateways would have put."""

    @classmethod
    def setUpClass(cls):
        cls.admin = nwims.tenant("cache-warm")
        cls.town = cls.admin.post("/municipalities", {"code": f"W-{secrets.token_hex(4)}", "name": "w", "population": 5,
                                                      "geometry": {"type": "Point", "coordinates": [8.5, 47.25]}}).json["id"]
        cls.sensors = [nwims.sensor(cls.admin, f"W{i}-{secrets.token_hex(4)}", municipality_id=cls.town, range_min=0, range_max=9.5) for i in range(5)]
        cls.paths = [f"/sensors/{s[name]}" for s in cls.sensors for name in ("id", "code")] + \
            [f"/municipalities/{cls.town}", f"/municipalities/{cls.town}/summary", "/municipalities", "/sensors", "/sensors?state=active"]

    def warm(self, body=None):
        """As soon as the warmer is at work."""
        answers = []

        def is_done():
            answers.append(self.admin.post("/batch/cache/warm", body))
            return answers[-1].status == 200 and all(s["is_complete"] for s in answers[-1].json["subjects"] if s["subject"] != "critical_alerts")
        wait_for(is_done)
        return answers[-1].json

    def levels(self):
        """Of a gateway that is asked: (from Redis, from the owner)."""
        with replica.Gateway(**replica.stack_redis("gateway")) as gateway:
            client = gateway.client(self.admin.token)
            wait_for(lambda: in_use(client, 2))
            for path in self.paths:
                answer = client.get(path)
                self.assertEqual(answer.status, 200, answer)
                yield path, answer
            mine = client.get("/cache/statistics").json["members"][0]
            self.from_redis = sum(int(c["redis_hits"]) for c in mine["classes"])

    def test_what_was_warmed_is_what_the_owner_says_byte_for_byte(self):
        self.admin.post("/cache/invalidate")
        asked = {path: self.admin.get(path) for path in self.paths}

        def all_come_from_where_the_warmer_put_them():
            """Not so while policies that another test set are on their way to the warmer, or Redis was slow for a moment."""
            self.admin.post("/cache/invalidate")
            done = self.warm({"subjects": ["municipalities", "active_sensors"]})
            self.assertEqual({s["subject"]: int(s["keys"]) for s in done["subjects"]}, {"municipalities": 3, "active_sensors": 12})
            for path, answer in self.levels():
                self.assertEqual((answer.body, answer.headers["ETag"]), (asked[path].body, asked[path].headers["ETag"]), path)
            return self.from_redis == len(self.paths)
        wait_for(all_come_from_where_the_warmer_put_them)

    def statistics_hits(self, client):
        """(Answers that no owner was asked for, answers of the owner) of this gateway alone, for statistics."""
        mine = next(c for c in client.get("/cache/statistics").json["members"][0]["classes"] if c["class"] == "statistics")
        return int(mine["memory_hits"]) + int(mine["redis_hits"]), int(mine["misses"])

    def keep_statistics(self, keep_ms, memory_ms):
        root = nwims.admin()
        nwims.keep_policies(self.addCleanup)
        answer = root.call("PUT", "/api/v1/cache/policies", {"policies": [{"class": "statistics", "keep_ms": keep_ms, "memory_ms": memory_ms}]})
        self.assertEqual(answer.status, 200, answer)

    def test_statistics_that_were_warmed_are_there_by_id_and_by_code(self):
        """Under the preset policy: kept for a second, so warmed again until the reads came in time."""
        with replica.Gateway(**replica.stack_redis("gateway")) as gateway:
            client = gateway.client(self.admin.token)
            wait_for(lambda: in_use(client, 2))

            def all_are_hits():
                time.sleep(1.1)  # what was read before is over
                warmed = self.warm({"subjects": ["sensor_statistics"]})["subjects"][0]
                self.assertEqual((int(warmed["keys"]), warmed.get("reason")), (2 * len(self.sensors), None))
                before = self.statistics_hits(client)
                for sensor in self.sensors:
                    for name in ("id", "code"):
                        self.assertEqual(client.get(f"/sensors/{sensor[name]}/statistics").status, 200)
                after = self.statistics_hits(client)
                return (after[0] - before[0], after[1] - before[1]) == (2 * len(self.sensors), 0)
            wait_for(all_are_hits)

    def test_statistics_that_are_asked_for_are_kept_fresh_and_are_never_older_than_a_write(self):
        self.keep_statistics(2000, 500)
        sensor = self.sensors[0]["code"]
        with replica.Gateway(**replica.stack_redis("gateway")) as gateway:
            client = gateway.client(self.admin.token)
            wait_for(lambda: in_use(client, 2))

            def reads_for_six_seconds_ask_the_owner_at_most_twice():
                before = self.statistics_hits(client)
                for _ in range(30):
                    self.assertEqual(client.get(f"/sensors/{sensor}/statistics").status, 200)
                    time.sleep(0.2)
                after = self.statistics_hits(client)
                return after[1] - before[1] <= 2 and after[0] - before[0] >= 28
            wait_for(reads_for_six_seconds_ask_the_owner_at_most_twice, 60)
            for count in range(1, 31):
                answer = client.post("/batch/readings", [{"sensor_id": sensor, "value": count % 9, "timestamp": time.time_ns() // 1000000}])
                self.assertEqual(answer.status, 200, answer)
                for reader in (client, self.admin):
                    self.assertEqual(int(reader.get(f"/sensors/{sensor}/statistics").json["count"]), count)
                time.sleep(0.1)

    def test_critical_alarms_are_answered_with_that_there_are_none_yet(self):
        alarms = self.warm({"subjects": ["critical_alerts"]})["subjects"]
        self.assertEqual([(s["subject"], int(s["keys"])) for s in alarms], [("critical_alerts", 0)])
        self.assertIn("no alarms", alarms[0]["reason"])
        self.assertIn("critical_alerts", [s["subject"] for s in self.warm()["subjects"]])

    def test_a_change_is_warmed_again_by_itself(self):
        self.warm()
        self.admin.call("PATCH", f"/api/v1/sensors/{self.sensors[0]['id']}", {"name": "changed"})

        def comes_from_redis():
            time.sleep(1)
            list(self.levels())
            return self.from_redis == len(self.paths)
        wait_for(comes_from_redis, 60)

    def warmer_counts(self):
        with open(f"/proc/{nwims.processes()['cache-warmer']}/environ") as file:
            address = next(line.split("=", 1)[1] for line in file.read().split("\0") if line.startswith("ADMIN_ADDRESS="))
        counts = replica.metrics(address)
        return counts["nwims_warmer_fills_total"], counts["nwims_warmer_keys_total"]

    def test_a_call_does_not_wait_for_what_is_warmed_by_itself(self):
        """Another tenant's municipalities are two questions each; while they are warmed this call is answered."""
        other = nwims.tenant("cache-warm-long")
        towns = [other.post("/municipalities", {"code": f"L{i:03}", "name": "l"}).json["id"] for i in range(500)]
        self.warm({"subjects": ["active_sensors"]})

        def is_answered_before_the_other_is_done():
            """Keys are counted when a subject is done. Not so while what was begun by the making of them goes on."""
            other.post("/cache/invalidate")
            begun, keys = self.warmer_counts()
            wait_for(lambda: self.warmer_counts()[0] > begun)
            self.warm({"subjects": ["active_sensors"]})
            return self.warmer_counts()[1] - keys < 2 * len(towns)
        wait_for(is_answered_before_the_other_is_done)

    def test_only_who_may_warms_and_wrong_subjects_are_named(self):
        self.assertEqual(self.admin.post("/batch/cache/warm", {"subjects": ["nonsense"]}).status, 422)
        email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(18)
        self.assertEqual(self.admin.post("/users", {"email": email, "password": password, "roles": ["viewer"]}).status, 201)
        self.assertEqual(nwims.Client().login(email, password).post("/batch/cache/warm").status, 403)


class Redis:
    """A Redis of the test's own, without a password, and a proxy before it that can be slow or away."""

    def __init__(self, *options):
        self.port, self.door = replica.free_port(), replica.free_port()
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                                         "--dir", self.folder.name, *options], stdout=subprocess.DEVNULL)
        self.delay_s, self.is_away, self.pairs = 0, False, []
        self.listener = socket.create_server(("127.0.0.1", self.door), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port), 5)
            except OSError:
                client.close()
                continue
            if self.is_away:
                client.close(), server.close()
                continue
            self.pairs.append((client, server))
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, sink, may_wait):
        try:
            while data := source.recv(65536):
                if may_wait and self.delay_s:
                    time.sleep(self.delay_s * data.count(b"*"))  # each command begins with one
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_away = True
        for client, _ in self.pairs:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.pairs = []

    def tell(self, *words):
        subprocess.run(["redis-cli", "-p", str(self.port), *words], check=True, stdout=subprocess.DEVNULL)

    def close(self):
        self.listener.close()
        self.cut()
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()


class RedisInTrouble(unittest.TestCase):
    """Two gateways on a Redis of their own. Latency is held against what the same reads took while all was well, on the same machine."""

    @classmethod
    def setUpClass(cls):
        cls.admin = nwims.tenant("cache-redis")
        cls.redis = Redis("--maxmemory-policy", "noeviction")
        cls.addClassCleanup(cls.redis.close)
        cls.gateways = [replica.Gateway(REDIS_ADDRESS=f"127.0.0.1:{cls.redis.door}", REDIS_MS="20") for _ in range(2)]
        cls.addClassCleanup(lambda: [gateway.__exit__() for gateway in cls.gateways])
        cls.clients = [gateway.client(cls.admin.token) for gateway in cls.gateways]
        cls.codes = [nwims.sensor(cls.admin, f"F{i}-{secrets.token_hex(4)}")["code"] for i in range(40)]

    def setUp(self):
        self.wait_until_well()

    def of_redis(self, client):
        return [member["redis"] for member in client.get("/cache/statistics").json["members"]][0]

    def wait_until_well(self):
        for client in self.clients:
            wait_for(lambda client=client: in_use(client, 3) and self.of_redis(client) == "closed")

    def read_and_write(self, rounds):
        """Every read is answered and true; gives how long the slowest two in a hundred took, at least."""
        took = []
        for i in range(rounds):
            code, at = self.codes[i % len(self.codes)], i % 2
            changed = self.clients[at].call("PATCH", f"/api/v1/sensors/{code}", {"name": f"n{i}"})
            self.assertEqual(changed.status, 200, changed)
            for client in self.clients:
                for path in (f"/sensors/{code}", f"/sensors/{self.codes[(i * 7) % len(self.codes)]}"):
                    began = time.monotonic()
                    answer = client.get(path)
                    took.append(time.monotonic() - began)
                    self.assertEqual(answer.status, 200, answer)
                    if path.endswith(code):
                        self.assertEqual(answer.json["name"], f"n{i}")
        took.sort()
        return took[len(took) * 98 // 100]

    def bounded(self, name, troubled, well):
        print(f"reads while Redis is {name}: 98th percentile {troubled * 1000:.1f} ms, while it is well {well * 1000:.1f} ms", file=sys.stderr)
        self.assertLess(troubled, well + 0.1)

    def recovered(self):
        self.wait_until_well()
        before = hits(self.clients[0])["redis_hits"]

        def asks_redis():
            for code in self.codes[:10]:
                self.clients[0].post("/cache/invalidate", {"kinds": ["sensor"]})
                self.clients[0].get(f"/sensors/{code}")
                time.sleep(0.05)
                self.clients[1].get(f"/sensors/{code}")
            return hits(self.clients[1])["redis_hits"] > before
        wait_for(asks_redis)

    def test_redis_that_is_away_fails_nobody(self):
        well = self.read_and_write(60)
        self.redis.cut()
        self.bounded("away", self.read_and_write(60), well)
        self.redis.is_away = False
        self.recovered()

    def test_redis_that_takes_a_second_for_a_command_fails_nobody(self):
        well = self.read_and_write(60)
        self.redis.delay_s = 1
        self.bounded("slow", self.read_and_write(60), well)
        self.redis.delay_s = 0
        self.recovered()

    def test_redis_that_is_full_fails_nobody(self):
        well = self.read_and_write(60)
        self.redis.tell("CONFIG", "SET", "maxmemory", "1")
        self.bounded("full", self.read_and_write(60), well)
        self.redis.tell("CONFIG", "SET", "maxmemory", "0")
        self.recovered()


if __name__ == "__main__":
    unittest.main()
