#!/usr/bin/env python3
"""How a device is, and what it is to do: commands by REST reach devices over MQTT, at once or when they come back, and never after their time."""
import json
import os
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
from mqtt_test import Paho, eventually

import paho.mqtt.client as mqtt

COMMANDS = "nwims/v1/me/cmd"


class Devices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api, cls.other = nwims.tenant("devices"), nwims.tenant("devices-other")

    def device(self, protocol, **more):
        return nwims.device(self.api, protocol, **more)

    def command(self, device, name="open", headers=None, **more):
        answer = self.api.post(f"/devices/{device['id']}/commands", {"name": name, **more}, headers)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def commands(self, device, **query):
        answer = self.api.get(f"/devices/{device['id']}/commands", **query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json["items"]

    def state(self, device, command, state):
        """The command, once it is in this state."""
        found = lambda: next((c for c in self.commands(device) if c["id"] == command["id"] and c["state"] == state), None)
        return eventually(found) or self.fail(f"not {state}: {self.commands(device)}")

    def status(self, device, what=lambda s: True):
        def look():
            answer = self.api.get(f"/devices/{device['id']}/status")
            self.assertEqual(answer.status, 200, answer)
            return answer.json if what(answer.json) else None
        return eventually(look) or self.fail(f"the status stays {self.api.get('/devices/' + device['id'] + '/status')}")

    def listen(self, client, qos=1):
        client.client.subscribe(COMMANDS, qos=qos)
        self.assertTrue(eventually(lambda: client.granted))

    def bodies(self, client, command):
        return [json.loads(m.payload) for m in client.messages if json.loads(m.payload)["id"] == command["id"]]

    # ---- status ----
    def test_a_device_that_posts_is_there(self):
        device, token = self.device("http")
        self.assertFalse(self.status(device)["is_online"])
        ingest = nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], token)
        for _ in range(3):
            ingest.call("POST", "/ingest/v1/readings", [{"sensor_id": "NO-SUCH", "value": 1}])
        here = self.status(device, lambda s: s["is_online"])
        self.assertEqual(here["address_kind"], "loopback")
        self.assertIn("last_seen_at", here)

    def test_a_device_that_was_never_heard_of_is_away(self):
        device, _ = self.device("mqtt")
        nwims.sensor(self.api, f"{device['code']}/P", "pressure", "bar", device_id=device["id"], period_s=60)
        status = self.status(device)
        self.assertEqual((status["is_online"], status["state"], status["protocol"], status["commands_open"]), (False, "active", "mqtt", 0))
        self.assertNotIn("last_seen_at", status)
        self.assertEqual([(s["code"], s["period_s"]) for s in status["sensors"]], [(f"{device['code']}/P", 60)])

    def test_coming_and_going_over_mqtt_is_seen(self):
        device, token = self.device("mqtt")
        for _ in range(2):
            with Paho(token):
                here = self.status(device, lambda s: s["is_online"])
                self.assertIn(here["address_kind"], ("loopback", "ipv4-private"))
                self.assertIn("connected_at", here)
            gone = self.status(device, lambda s: not s["is_online"])
            self.assertEqual(gone["disconnect_reason"], "client")
            self.assertGreaterEqual(gone["disconnected_at"], gone["connected_at"])

    def test_one_connection_that_takes_over_from_another_leaves_the_device_online(self):
        device, token = self.device("mqtt")
        with Paho(token, client_id="same") as first:
            self.status(device, lambda s: s["is_online"])
            with Paho(token, client_id="same"):
                self.assertTrue(eventually(lambda: first.ended))
                first.client.loop_stop()  # else it comes back for its place
                self.status(device, lambda s: s.get("disconnect_reason") == "taken-over")
                self.assertTrue(self.status(device)["is_online"])
            self.status(device, lambda s: not s["is_online"])

    def test_missing_readings_are_counted_in_periods(self):
        device, token = self.device("mqtt")
        codes = [f"{device['code']}/{x}" for x in "AB"]
        for code in codes:
            nwims.sensor(self.api, code, "pressure", "bar", device_id=device["id"], period_s=600)
        at = int(time.time()) - 3 * 600 - 60
        with Paho(token) as client:
            client.send_and_wait("v1/devices/me/telemetry", {"ts": at * 1000, "values": {codes[0]: 1}})
        status = self.status(device, lambda s: "last_reading_at" in s["sensors"][0])
        self.assertEqual((status["sensors"][0]["missed_periods"], status["missed_periods"]), (3, 3))
        self.assertNotIn("last_reading_at", status["sensors"][1])
        self.assertEqual(status["last_reading_at"][:19], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)))

    # ---- records with numbers of their own ----
    def sequence(self, device, missing, late=0):
        """What its status says, once so many ranges are missing and so many records came late."""
        told = lambda s: len(s.get("sequence", {}).get("missing", [])) == len(missing) and s.get("sequence", {}).get("late_records") == late
        sequence = self.status(device, told)["sequence"]
        self.assertEqual([(r["first"], r["last"]) for r in sequence["missing"]], missing)
        return sequence

    def numbered(self, device, *numbers):
        """Compact records with these numbers."""
        at = int(time.time()) - 1000
        return {"b": [{"s": n, "t": at + n, "m": {f"{device['code']}/P": n}} for n in numbers]}

    def test_what_is_missing_of_numbered_records_is_told_whichever_way_they_come(self):
        device, token = self.device("mqtt")
        nwims.sensor(self.api, f"{device['code']}/P", "pressure", "bar", device_id=device["id"])
        with Paho(token) as client:
            for records in (self.numbered(device, 1, 2, 3), self.numbered(device, 6), self.numbered(device, 10, 9)):
                client.send_and_wait("nwims/v1/me/up", records)
            self.assertEqual(self.sequence(device, [(4, 5), (7, 8)])["missing_records"], 4)
            client.send_and_wait("nwims/v1/me/up", self.numbered(device, 8))
        self.sequence(device, [(4, 5), (7, 7)], late=1)
        ingest = self.ingest(token)
        self.assertEqual(ingest.call("POST", "/ingest/v1/readings", self.numbered(device, 7, 5)).status, 202)
        self.sequence(device, [(4, 4)], late=3)
        refused = {"s": 4, "t": int(time.time()) - 996, "m": {"NO-SUCH": 4}}
        self.assertEqual(ingest.call("POST", "/ingest/v1/readings", refused).status, 422)
        self.sequence(device, [], late=4)  # refused, but it has come

    def test_records_that_come_twice_or_without_numbers_are_not_missed(self):
        device, token = self.device("http")
        nwims.sensor(self.api, f"{device['code']}/P", "pressure", "bar", device_id=device["id"])
        ingest = self.ingest(token)
        for records in (self.numbered(device, 100, 101), self.numbered(device, 100, 101), {"m": {f"{device['code']}/P": 1}}, self.numbered(device, 102), self.numbered(device, 104)):
            self.assertEqual(ingest.call("POST", "/ingest/v1/readings", records).status, 202)
        self.assertEqual(self.sequence(device, [(103, 103)])["missing_records"], 1)

    # ---- commands over HTTP ----
    def ingest(self, token):
        return nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], token)

    def posted(self, ingest, sensor):
        answer = ingest.call("POST", "/ingest/v1/readings", {"t": int(time.time()), "m": {sensor: 1}})
        self.assertEqual(answer.status, 202, answer)
        return answer.json.get("commands", [])

    def test_a_device_that_posts_gets_its_commands_in_the_answer_until_it_says_what_became_of_them(self):
        device, token = self.device("http")
        sensor = f"{device['code']}/P"
        nwims.sensor(self.api, sensor, "pressure", "bar")
        ingest = self.ingest(token)
        waited = self.command(device, "before-it-ever-came")
        self.assertEqual([c["name"] for c in self.posted(ingest, sensor)], ["before-it-ever-came"])
        self.state(device, waited, "sent")
        made = self.command(device, "set-period", payload={"seconds": 60, "deep": {"list": [1, "zwei"]}})
        both = eventually(lambda: len(got := self.posted(ingest, sensor)) == 2 and got, 5)
        self.assertEqual([c["id"] for c in both], [waited["id"], made["id"]])
        self.assertEqual((both[1]["name"], both[1]["payload"]), ("set-period", {"seconds": 60, "deep": {"list": [1, "zwei"]}}))
        self.assertIn("expires_at", both[1])
        self.assertEqual(ingest.call("POST", f"/ingest/v1/commands/{waited['id']}", {"ok": True, "period": 60}).status, 204)
        self.assertEqual(json.loads(self.state(device, waited, "succeeded")["result"]), {"ok": True, "period": 60})
        self.assertEqual([c["id"] for c in self.posted(ingest, sensor)], [made["id"]])
        self.assertEqual(ingest.call("POST", f"/ingest/v1/commands/{made['id']}", {"ok": False, "error": "stuck"}).status, 204)
        self.state(device, made, "failed")
        self.assertEqual(self.posted(ingest, sensor), [])
        self.assertEqual(ingest.call("GET", "/ingest/v1/commands").json, {"commands": []})

    def test_a_device_may_ask_for_its_commands_and_gets_nobody_elses(self):
        device, token = self.device("http")
        _, other = self.device("http")
        made = self.command(device, "open")
        found = self.ingest(token).call("GET", "/ingest/v1/commands")
        self.assertEqual((found.status, [c["id"] for c in found.json["commands"]]), (200, [made["id"]]))
        self.assertEqual(self.ingest(other).call("GET", "/ingest/v1/commands").json, {"commands": []})
        self.assertEqual(self.ingest(other).call("POST", f"/ingest/v1/commands/{made['id']}", {"ok": True}).status, 204)
        time.sleep(0.5)  # nothing came of that: it is not its command
        self.state(device, made, "sent")
        self.assertEqual(self.ingest(token).call("GET", "/ingest/v1/commands").json["commands"][0]["id"], made["id"])
        self.assertEqual(self.ingest("nwd_wrong").call("GET", "/ingest/v1/commands").status, 401)
        self.assertEqual(self.ingest(token).call("POST", "/ingest/v1/commands/no-id", {}).status, 422)
        self.assertEqual(self.ingest(token).call("POST", f"/ingest/v1/commands/{made['id']}", b"x" * 20000).status, 413)

    def test_a_command_over_its_time_is_not_in_an_answer_any_more(self):
        device, token = self.device("http")
        ingest = self.ingest(token)
        self.assertEqual(ingest.call("GET", "/ingest/v1/commands").json, {"commands": []})
        made = self.command(device, expires_in_s=2)
        self.assertTrue(eventually(lambda: ingest.call("GET", "/ingest/v1/commands").json["commands"], 1.5))
        self.state(device, made, "expired")
        self.assertEqual(ingest.call("GET", "/ingest/v1/commands").json, {"commands": []})

    # ---- commands over MQTT ----
    def test_a_command_reaches_a_device_and_its_answer_comes_back(self):
        for version in (mqtt.MQTTv311, mqtt.MQTTv5):
            device, token = self.device("mqtt")
            with Paho(token, version) as client:
                self.listen(client)
                made = self.command(device, "set-period", payload={"seconds": 60, "deep": {"list": [1, "zwei"]}})
                self.assertEqual((made["state"], made["payload"], made["device_id"]), ("queued", {"seconds": 60, "deep": {"list": [1, "zwei"]}}, device["id"]))
                (got,) = eventually(lambda: self.bodies(client, made)) or self.fail("no command came")
                self.assertEqual(got, {"id": made["id"], "name": "set-period", "payload": made["payload"]})
                self.state(device, made, "delivered")
                client.send_and_wait(f"nwims/v1/me/cmdack/{made['id']}", {"ok": True, "was": 300})
                done = self.state(device, made, "succeeded")
                self.assertEqual(json.loads(done["result"]), {"ok": True, "was": 300})
                for time_of in ("sent_at", "delivered_at", "finished_at"):
                    self.assertIn(time_of, done)
                refused = self.command(device, "explode")
                self.assertTrue(eventually(lambda: self.bodies(client, refused)))
                client.send_and_wait(f"nwims/v1/me/cmdack/{refused['id']}", {"ok": False, "error": "no"})
                self.state(device, refused, "failed")
            self.assertEqual(self.status(device)["commands_open"], 0)

    def test_a_command_waits_for_a_device_that_is_away(self):
        device, token = self.device("mqtt")
        first, second = self.command(device, "first"), self.command(device, "second")
        self.assertEqual(self.status(device)["commands_open"], 2)
        with Paho(token) as client:
            self.listen(client)
            self.assertTrue(eventually(lambda: len(client.messages) >= 2))
            self.assertEqual([json.loads(m.payload)["name"] for m in client.messages[:2]], ["first", "second"])
            self.state(device, first, "delivered")
            self.state(device, second, "delivered")
        with Paho(token) as client:  # what was delivered does not come again
            third = self.command(device, "third")
            self.listen(client)
            self.assertTrue(eventually(lambda: self.bodies(client, third)))
            self.assertEqual({json.loads(m.payload)["name"] for m in client.messages}, {"third"})

    def test_what_is_over_its_time_is_never_sent(self):
        device, token = self.device("mqtt")
        short, lasting = self.command(device, "short", expires_in_s=1), self.command(device, "lasting")
        self.state(device, short, "expired")
        with Paho(token) as client:
            self.listen(client)
            self.assertTrue(eventually(lambda: self.bodies(client, lasting)))
            self.assertEqual(self.bodies(client, short), [])
            client.send_and_wait(f"nwims/v1/me/cmdack/{short['id']}", {"ok": True})  # nobody sent it: it stays expired
            client.send_and_wait(f"nwims/v1/me/cmdack/{lasting['id']}", {"ok": True})
            self.state(device, lasting, "succeeded")
        self.state(device, short, "expired")

    def test_another_devices_answer_counts_for_nothing(self):
        device, _ = self.device("mqtt")
        _, token = self.device("mqtt")
        made = self.command(device)
        with Paho(token) as client:
            client.send_and_wait(f"nwims/v1/me/cmdack/{made['id']}", {"ok": True})
            client.send_and_wait("nwims/v1/me/cmdack/not-an-id", {"ok": True})
        with Paho(self.api.post(f"/devices/{device['id']}/credentials", {"kind": "token"}).json["secret"]) as client:
            client.send_and_wait(f"nwims/v1/me/cmdack/{made['id']}", {"ok": False})
            self.state(device, made, "failed")

    # ---- the API ----
    def test_commands_are_bounded_listed_by_page_and_repeated_safely(self):
        device, _ = self.device("mqtt")
        key = {"Idempotency-Key": f"k-{uuid.uuid4()}"}
        first = self.command(device, "c0", key)
        self.assertEqual(self.command(device, "c0", key)["id"], first["id"])
        for i in range(1, 32):
            self.command(device, f"c{i}")
        over = self.api.post(f"/devices/{device['id']}/commands", {"name": "one-too-many"})
        self.assertEqual(over.status, 429, over)
        names, cursor = [], None
        while True:
            page = self.api.get(f"/devices/{device['id']}/commands", limit=7, state="queued", **({"cursor": cursor} if cursor else {})).json
            names += [c["name"] for c in page["items"]]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        self.assertEqual(names, [f"c{i}" for i in range(31, -1, -1)])

    def test_what_is_no_command_is_refused(self):
        device, _ = self.device("mqtt")
        path = f"/devices/{device['id']}/commands"
        for body in ({}, {"name": ""}, {"name": "a b"}, {"name": "x" * 65}, {"name": "x", "payload": [1]}, {"name": "x", "payload": "{}"},
                     {"name": "x", "payload": {"a": "b" * 20000}}, {"name": "x", "expires_in_s": 0}, {"name": "x", "expires_in_s": 2592001}):
            self.assertEqual(self.api.post(path, body).status, 422, body)
        for query in ({"limit": 0}, {"cursor": "x"}, {"cursor": f"1.{uuid.uuid4()}x"}, {"state": "x"}):
            self.assertEqual(self.api.get(path, **query).status, 422, query)
        self.api.call("PATCH", f"/api/v1/devices/{device['id']}", {"state": "disabled"})
        self.assertEqual(self.api.post(path, {"name": "x"}).status, 409)

    def test_another_tenant_sees_no_device_of_ours(self):
        device, _ = self.device("mqtt")
        self.command(device)
        for method, path, body in (("GET", "status", None), ("GET", "commands", None), ("POST", "commands", {"name": "x"})):
            self.assertEqual(self.other.call(method, f"/api/v1/devices/{device['id']}/{path}", body).status, 404)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
