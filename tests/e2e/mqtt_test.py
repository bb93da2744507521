#!/usr/bin/env python3
"""Drives ingest-mqtt with clients that know nothing of it: mosquitto_pub and mosquitto_sub, Paho, a Mosquitto broker as bridge; and with bytes of its own."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append("/usr/lib/python3/dist-packages")
import jwt
import nwims
import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HOST, PORT, TLS_PORT = os.environ["NWIMS_MQTT_HOST"], int(os.environ["NWIMS_MQTT_PORT"]), int(os.environ["NWIMS_MQTTS_PORT"])
PATIENCE_S = 30
TELEMETRY = "v1/devices/me/telemetry"


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def eventually(what, seconds=PATIENCE_S):
    """What it gives, once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return what()


class Paho:
    """A Paho client that waits: every answer of the server is a list that grows."""

    def __init__(self, token, version=mqtt.MQTTv311, client_id="", port=PORT, username=False, **connect):
        clean = {} if version == mqtt.MQTTv5 else {"clean_session": True}
        self.client = mqtt.Client(client_id=client_id, protocol=version, **clean)
        self.client.username_pw_set(token if username else "device", None if username else token)
        self.connected, self.ended, self.messages, self.acknowledged, self.granted = [], [], [], [], []
        self.client.on_connect = lambda c, u, flags, rc, properties=None: self.connected.append((rc.value if hasattr(rc, "value") else rc, properties))
        self.client.on_disconnect = lambda c, u, rc, properties=None: self.ended.append(rc.value if hasattr(rc, "value") else rc)
        self.client.on_message = lambda c, u, message: self.messages.append(message)
        self.client.on_publish = lambda c, u, mid: self.acknowledged.append(mid)
        self.client.on_subscribe = lambda c, u, mid, granted, properties=None: self.granted.append([g.value if hasattr(g, "value") else g for g in granted])
        if port == TLS_PORT:
            self.client.tls_set(os.environ["NWIMS_CA_FILE"])
        self.keepalive, self.connect_more, self.port = connect.pop("keepalive", 60), connect, port

    def __enter__(self):
        self.client.connect(HOST, self.port, keepalive=self.keepalive, **self.connect_more)
        self.client.loop_start()
        assert eventually(lambda: self.connected), "no CONNACK"
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def send(self, topic, payload, qos=1, retain=False):
        info = self.client.publish(topic, payload if isinstance(payload, (str, bytes)) else json.dumps(payload), qos=qos, retain=retain)
        return info.mid

    def send_and_wait(self, topic, payload, **more):
        mid = self.send(topic, payload, **more)
        assert eventually(lambda: mid in self.acknowledged), f"{topic}: not acknowledged"


class Mqtt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("mqtt")
        cls.device = cls.api.post("/devices", {"code": "LOGGER", "protocol": "mqtt"}).json
        cls.other = cls.api.post("/devices", {"code": "OTHER", "protocol": "mqtt"}).json
        nwims.sensor(cls.api, "P1", "pressure", "bar", device_id=cls.device["id"])
        nwims.sensor(cls.api, "F1", "flow", "m3/h")
        nwims.sensor(cls.api, "THEIRS", "flow", "m3/h", device_id=cls.other["id"])
        cls.of_gateway = nwims.sensor(cls.api, "Dev-A/T1", "temperature", "Cel")["id"]
        cls.at = int(time.time()) - 20 * 86400

    def setUp(self):
        type(self).at += 3600  # each test has an hour of its own
        made = self.api.post(f"/devices/{self.device['id']}/credentials", {"kind": "token"})
        self.assertEqual(made.status, 201, made)
        self.token, self.credential = made.json["secret"], made.json["id"]
        self.addCleanup(self.revoke)

    def revoke(self):
        return self.api.call("DELETE", f"/api/v1/devices/{self.device['id']}/credentials/{self.credential}")

    def soon(self, sensor, seconds):
        value = eventually(lambda: [v for at, v in nwims.series(self.api, sensor) if at.startswith(rfc3339(seconds)[:-1])])
        self.assertTrue(value, f"{sensor} has no reading at {rfc3339(seconds)}")
        return value[0]

    def raw(self, **more):
        connection = Raw(self.token, **more)
        self.addCleanup(connection.socket.close)
        return connection

    def telemetry(self, seconds, **values):
        return {"ts": seconds * 1000, "values": values}

    # ---- Mosquitto's clients ----
    def mosquitto_pub(self, *more, port=PORT):
        return subprocess.run(["mosquitto_pub", "-h", HOST, "-p", str(port), *more], capture_output=True, text=True, timeout=PATIENCE_S)

    def test_mosquitto_pub_speaks_both_versions_plain_and_tls(self):
        for i, (version, port) in enumerate([("mqttv311", PORT), ("mqttv5", PORT), ("mqttv311", TLS_PORT), ("mqttv5", TLS_PORT)]):
            more = ["--cafile", os.environ["NWIMS_CA_FILE"]] if port == TLS_PORT else []
            sent = self.mosquitto_pub("-V", version, *more, "-u", self.token, "-q", "1", "-t", TELEMETRY, "-m", json.dumps(self.telemetry(self.at + i, P1=i + 0.5)), port=port)
            self.assertEqual((sent.returncode, sent.stderr), (0, ""), sent)
            self.assertEqual(self.soon("P1", self.at + i), i + 0.5)

    def test_many_lines_of_mosquitto_pub_are_all_stored(self):
        lines = "".join(json.dumps(self.telemetry(self.at + i, F1=i)) + "\n" for i in range(500))
        sent = subprocess.run(["mosquitto_pub", "-h", HOST, "-p", str(PORT), "-u", self.token, "-q", "1", "-t", TELEMETRY, "-l"],
                              input=lines, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual((sent.returncode, sent.stderr), (0, ""), sent)
        hour = rfc3339(self.at)[:13]
        wanted = {rfc3339(self.at + i)[:19]: i for i in range(500)}
        self.assertTrue(eventually(lambda: {at[:19]: v for at, v in nwims.series(self.api, "F1") if at[:19] in wanted} == wanted), hour)

    def test_a_wrong_token_is_told_so(self):
        for version in ("mqttv311", "mqttv5"):
            sent = self.mosquitto_pub("-V", version, "-u", "nwd_wrong", "-q", "1", "-t", TELEMETRY, "-m", "{}")
            self.assertNotEqual(sent.returncode, 0)
            self.assertIn("bad user name or password", sent.stderr.lower())

    # ---- Paho's clients in C ----
    def paho_c(self, program, port, *more):
        return [program, "-c", f"{'ssl' if port == TLS_PORT else 'tcp'}://{HOST}:{port}", *(["--cafile", os.environ["NWIMS_CA_FILE"]] if port == TLS_PORT else []), *more]

    def test_paho_c_speaks_both_versions_plain_and_tls(self):
        for i, (version, port) in enumerate([("311", PORT), ("5", PORT), ("311", TLS_PORT), ("5", TLS_PORT)]):
            sent = subprocess.run(self.paho_c("paho_c_pub", port, "-V", version, "-u", self.token, "-q", "1", "-t", TELEMETRY, "-m",
                                              json.dumps(self.telemetry(self.at + i, P1=i + 0.25))), capture_output=True, text=True, timeout=PATIENCE_S)
            self.assertEqual((sent.returncode, sent.stderr), (0, ""), sent)
            self.assertEqual(self.soon("P1", self.at + i), i + 0.25)
            # It says why it was refused (MQTT 3.1.1's return code 4, MQTT 5's reason 0x86), and then stays for good: its own way.
            refused = subprocess.Popen(self.paho_c("paho_c_pub", port, "-V", version, "-u", "nwd_wrong", "-q", "1", "-t", TELEMETRY, "-m", "{}"), stderr=subprocess.PIPE, text=True)
            try:
                self.assertIn({"311": "code 4", "5": "code 134"}[version], refused.stderr.readline())
            finally:
                refused.kill()
                refused.communicate()

    def test_paho_c_is_given_its_commands(self):
        for version, port in (("311", PORT), ("5", TLS_PORT)):
            listener = subprocess.Popen(self.paho_c("paho_c_sub", port, "-V", version, "-i", f"paho-c-{version}", "-u", self.token, "-q", "1", "-t", "nwims/v1/me/cmd"),
                                        stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(self.api.post(f"/devices/{self.device['id']}/commands", {"name": "set-period", "payload": {"seconds": 60}}).status, 201)
                heard = eventually(lambda: (line := listener.stdout.readline()) and json.loads(line))
                self.assertEqual((heard["name"], heard["payload"]), ("set-period", {"seconds": 60}))
            finally:
                listener.kill()
                listener.communicate()

    # ---- forms and topics ----
    def test_every_form_of_the_own_topics_is_stored(self):
        with Paho(self.token) as device:
            device.send_and_wait("nwims/v1/me/up", {"t": self.at, "m": {"P1": [412, "kPa"], "F1": 7}})
            device.send_and_wait(f"nwims/v1/{self.api.tenant_id}/LOGGER/up", [{"sensor_id": "F1", "value": 10, "unit": "L/s", "timestamp": rfc3339(self.at + 1)}])
            device.send_and_wait(f"nwims/v1/{self.api.tenant_id}/{self.device['id']}/up/F1", "2.25")
            device.send_and_wait("v1/gateway/telemetry", {"Dev-A": [self.telemetry(self.at + 2, T1=11.5)]})
        self.assertAlmostEqual(self.soon("P1", self.at), 4.12)
        self.assertEqual(self.soon("F1", self.at), 7)
        self.assertAlmostEqual(self.soon("F1", self.at + 1), 36)
        self.assertEqual(self.soon(self.of_gateway, self.at + 2), 11.5)
        self.assertTrue(eventually(lambda: 2.25 in [v for _, v in nwims.series(self.api, "F1")]))

    def test_version_5_names_its_content_type(self):
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/senml+json"
        with Paho(self.token, mqtt.MQTTv5) as device:
            info = device.client.publish("nwims/v1/me/up", json.dumps([{"bt": self.at, "n": "P1", "u": "Pa", "v": 300000}]), qos=1, properties=properties)
            self.assertTrue(eventually(lambda: info.mid in device.acknowledged))
        self.assertAlmostEqual(self.soon("P1", self.at), 3)

    def test_a_retained_message_is_taken_as_any_other(self):
        with Paho(self.token) as device:
            device.send_and_wait(TELEMETRY, self.telemetry(self.at, P1=1.25), retain=True)
        self.assertEqual(self.soon("P1", self.at), 1.25)

    def test_qos_0_is_stored_as_well(self):
        with Paho(self.token) as device:
            device.send(TELEMETRY, self.telemetry(self.at, P1=1.75), qos=0)
            self.assertEqual(self.soon("P1", self.at), 1.75)

    def test_what_cannot_be_taken_is_acknowledged_with_its_reason_and_the_rest_stored(self):
        with Paho(self.token, mqtt.MQTTv5) as device:
            device.send_and_wait(TELEMETRY, self.telemetry(self.at, P1=1, NONE=2, THEIRS=3))
            device.send_and_wait(TELEMETRY, "{malformed")
            device.send_and_wait(TELEMETRY, self.telemetry(self.at + 1, P1=2))
        self.assertEqual(self.soon("P1", self.at), 1)
        self.assertEqual(self.soon("P1", self.at + 1), 2)
        self.assertFalse([v for v in nwims.series(self.api, "THEIRS")])

    def test_another_devices_or_tenants_topic_is_refused(self):
        for topic in (f"nwims/v1/{self.api.tenant_id}/OTHER/up", f"nwims/v1/{self.api.tenant_id + 1}/LOGGER/up", "nwims/v1/1/x/up/P1"):
            with Paho(self.token, mqtt.MQTTv5) as device:
                device.send_and_wait(topic, {"m": {"THEIRS": 1}})  # PUBACK 0x87; the connection stays
                device.send_and_wait(TELEMETRY, {"P1": 1})
            with Paho(self.token) as device:
                device.send(topic, {"m": {"THEIRS": 1}})
                self.assertTrue(eventually(lambda: device.ended), "3.1.1 has no other word than the end")
        self.assertFalse(nwims.series(self.api, "THEIRS"))

    # ---- Sparkplug B ----
    def test_an_edge_node_of_sparkplug_is_heard_and_asked_to_begin_anew_after_a_gap(self):
        """Messages of an independent encoder; their times are put where nothing is yet."""
        def metric(value, name=None, alias=None, seconds=self.at):
            body = (b"\x0a" + bytes([len(name)]) + name.encode() if name else b"") + (b"\x10" + bytes([alias]) if alias else b"")
            return body + b"\x18" + varint(seconds * 1000) + b"\x20\x0a\x69" + struct.pack("<d", value)

        def message(sequence, *metrics):
            return b"\x08" + varint(self.at * 1000) + b"".join(b"\x12" + bytes([len(m)]) + m for m in metrics) + b"\x18" + bytes([sequence])
        with Paho(self.token) as node:
            node.client.subscribe("spBv1.0/plant/NCMD/edge", qos=1)
            node.client.subscribe("spBv1.0/STATE/nwims", qos=1)
            self.assertTrue(eventually(lambda: node.messages), "nobody says that the host is there")
            self.assertTrue(json.loads(node.messages.pop().payload)["online"])
            node.send_and_wait("spBv1.0/plant/NBIRTH/edge", message(0, metric(1.5, "F1", 7)))
            node.send("spBv1.0/plant/NDATA/edge", message(1, metric(2.5, alias=7, seconds=self.at + 1)), qos=0)
            node.send_and_wait("spBv1.0/plant/NDATA/edge", message(2, metric(3.5, "P1", seconds=self.at + 2)))
            self.assertEqual([self.soon("F1", self.at), self.soon("F1", self.at + 1), self.soon("P1", self.at + 2)], [1.5, 2.5, 3.5])
            self.assertFalse(node.messages)
            node.send_and_wait("spBv1.0/plant/NDATA/edge", message(9, metric(4.5, alias=7, seconds=self.at + 3)))
            self.assertTrue(eventually(lambda: node.messages), "nobody asks for a rebirth")
            self.assertEqual(node.messages[0].topic, "spBv1.0/plant/NCMD/edge")
            self.assertIn(b"Node Control/Rebirth", node.messages[0].payload)
            self.assertEqual(self.soon("F1", self.at + 3), 4.5)

    # ---- version 5's own ----
    def test_connack_of_version_5_says_what_there_is(self):
        with Paho(self.token, mqtt.MQTTv5) as device:
            code, properties = device.connected[0]
            self.assertEqual((code, properties.MaximumQoS, properties.ReceiveMaximum), (0, 1, 64))
            self.assertEqual(properties.SharedSubscriptionAvailable, 0)
            self.assertTrue(properties.AssignedClientIdentifier)

    def test_qos_2_ends_the_connection_with_its_reason(self):
        with Paho(self.token, mqtt.MQTTv5) as device:
            device.send(TELEMETRY, {"P1": 1}, qos=2)
            self.assertTrue(eventually(lambda: device.ended))
            self.assertEqual(device.ended[0], 0x9B)

    def test_subscriptions_are_granted_for_own_commands_only(self):
        for version, denied in ((mqtt.MQTTv311, 0x80), (mqtt.MQTTv5, 0x87)):
            with Paho(self.token, version) as device:
                device.client.subscribe("nwims/v1/me/cmd", qos=2)
                device.client.subscribe("v1/devices/me/rpc/request/+", qos=0)
                device.client.subscribe(f"nwims/v1/{self.api.tenant_id}/OTHER/cmd", qos=1)
                device.client.subscribe("#", qos=1)
                self.assertTrue(eventually(lambda: len(device.granted) == 4))
                self.assertEqual(device.granted[:3], [[1], [0], [denied]])
                self.assertGreaterEqual(device.granted[3][0], 0x80)

    # ---- connections ----
    def test_the_same_client_id_takes_the_older_connection_over(self):
        with Paho(self.token, mqtt.MQTTv5, client_id="one") as first:
            with Paho(self.token, mqtt.MQTTv5, client_id="one") as second:
                self.assertTrue(eventually(lambda: first.ended))
                first.client.loop_stop()
                self.assertEqual(first.ended[0], 0x8E)
                second.send_and_wait(TELEMETRY, {"P1": 1})
            with Paho(self.token, mqtt.MQTTv5, client_id="two") as third:
                third.send_and_wait(TELEMETRY, {"P1": 1})

    def test_a_revoked_token_ends_its_open_connection_within_two_seconds(self):
        with Paho(self.token, mqtt.MQTTv5) as device:
            device.send_and_wait(TELEMETRY, {"P1": 1})
            began = time.monotonic()
            self.assertIn(self.revoke().status, (200, 204))
            self.assertTrue(eventually(lambda: device.ended))
            self.assertLess(time.monotonic() - began, 2)
            self.assertEqual(device.ended[0], 0x87)

    def own_token(self, key=None, algorithm="ES256", kid=None, **claims):
        """As a device makes it: with PyJWT."""
        claims = {"aud": "nwims-ingest", "sub": "LOGGER", "exp": int(time.time()) + 600, **claims}
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, None if algorithm == "none" else key or self.key, algorithm=algorithm, headers={"kid": kid or self.kid})

    def own_key(self):
        """A key pair of the device's own, and a credential of its public half."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        made = self.api.post(f"/devices/{self.device['id']}/credentials", {"kind": "jwt", "public_key": self.public})
        self.assertEqual(made.status, 201, made)
        self.assertNotIn("secret", made.json)
        self.kid = made.json["lookup"]
        der = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(self.kid, hashlib.sha256(der).hexdigest())
        path = f"/api/v1/devices/{self.device['id']}/credentials/{made.json['id']}"
        self.addCleanup(lambda: self.api.call("DELETE", path))
        return path

    def test_a_token_of_the_devices_own_making_lets_it_in_until_it_ends(self):
        self.own_key()
        for version in (mqtt.MQTTv311, mqtt.MQTTv5):
            for port in (PORT, TLS_PORT):
                with Paho(self.own_token(), version, port=port) as device:
                    self.assertEqual(device.connected[0][0], 0)
                    device.send_and_wait(TELEMETRY, {"ts": (self.at + 1) * 1000, "values": {"P1": 1}})
        self.soon("P1", self.at + 1)
        with Paho(self.own_token(sub=self.device["id"], exp=int(time.time()) + 3), mqtt.MQTTv5) as device:
            device.send_and_wait(TELEMETRY, {"P1": 1})
            self.assertTrue(eventually(lambda: device.ended, 8))
            self.assertEqual(device.ended[0], 0x87)

    def test_a_token_that_another_made_or_for_another_purpose_lets_nobody_in(self):
        self.own_key()
        now, stranger = int(time.time()), ec.generate_private_key(ec.SECP256R1())
        head, body, _ = self.own_token().split(".")
        confused = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": self.kid}).encode()).rstrip(b"=").decode() + "." + body
        mac = hmac.new(self.public.encode(), confused.encode(), hashlib.sha256).digest()
        bad = [self.own_token(stranger), self.own_token(aud="nwims-api"), self.own_token(aud=None), self.own_token(exp=None), self.own_token(exp=now - 1),
               self.own_token(exp=now + 3 * 86400), self.own_token(nbf=now + 300), self.own_token(sub="OTHER"), self.own_token(kid="0" * 64),
               self.own_token(algorithm="none"), confused + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode(), head + "." + body + "."]
        for token in bad:
            with Paho(token, mqtt.MQTTv5) as device:
                self.assertEqual(device.connected[0][0], 0x86, token)

    def test_a_revoked_key_ends_its_open_connection_within_two_seconds(self):
        path = self.own_key()
        with Paho(self.own_token(), mqtt.MQTTv5) as device:
            device.send_and_wait(TELEMETRY, {"P1": 1})
            began = time.monotonic()
            self.assertIn(self.api.call("DELETE", path).status, (200, 204))
            self.assertTrue(eventually(lambda: device.ended))
            self.assertLess(time.monotonic() - began, 2)
            self.assertEqual(device.ended[0], 0x87)
        with Paho(self.own_token(), mqtt.MQTTv5) as device:
            self.assertEqual(device.connected[0][0], 0x86)

    def test_a_device_that_comes_back_shows_the_ticket_it_was_given(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=os.environ["NWIMS_CA_FILE"])
            context.minimum_version = context.maximum_version = version
            session, hello = None, packet(0x10, text("MQTT") + bytes([4, 0x82, 0, 60]) + text("back") + text(self.token))
            for visit in range(3):
                with socket.create_connection((HOST, TLS_PORT), timeout=PATIENCE_S) as plain, context.wrap_socket(plain, server_hostname="localhost", session=session) as device:
                    self.assertEqual(device.session_reused, visit > 0, version)
                    device.sendall(hello)
                    self.assertEqual(device.recv(4), b"\x20\x02\x00\x00")
                    session = device.session

    def test_silence_beyond_the_keep_alive_ends_a_connection(self):
        raw = self.raw(keep_alive=1)
        began = time.monotonic()
        self.assertEqual(raw.read_to_end(), b"")
        self.assertGreater(time.monotonic() - began, 1.2)

    def test_the_will_of_a_device_that_vanishes_is_stored(self):
        raw = self.raw(will=(TELEMETRY, json.dumps(self.telemetry(self.at, P1=9.5)).encode()))
        raw.socket.close()
        self.assertEqual(self.soon("P1", self.at), 9.5)

    # ---- bytes ----
    def test_packets_cut_at_every_byte_are_put_together(self):
        body = json.dumps(self.telemetry(self.at, P1=8.5)).encode()
        raw = self.raw()
        packet = publish(TELEMETRY, body, 7)
        for byte in range(len(packet)):
            raw.socket.sendall(packet[byte:byte + 1])
        self.assertEqual(raw.read(4), b"\x40\x02\x00\x07")
        self.assertEqual(self.soon("P1", self.at), 8.5)

    def test_a_connection_cut_within_a_packet_stores_nothing(self):
        packet = publish(TELEMETRY, json.dumps(self.telemetry(self.at, P1=6.5)).encode(), 7)
        for cut in range(1, len(packet), 7):
            raw = self.raw()
            raw.socket.sendall(packet[:cut])
            raw.socket.close()
        with Paho(self.token) as device:
            device.send_and_wait(TELEMETRY, self.telemetry(self.at + 1, P1=1))
        self.soon("P1", self.at + 1)
        self.assertFalse([at for at, _ in nwims.series(self.api, "P1") if at.startswith(rfc3339(self.at)[:-1])])

    def test_nonsense_is_ended_at_once(self):
        for bytes_ in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\x7f", b"\xc0\x00", b"\x00\x00", b"\x10\xff\xff\xff\x7f"):
            with socket.create_connection((HOST, PORT), timeout=PATIENCE_S) as raw:
                raw.sendall(bytes_)
                self.assertEqual(raw.recv(100), b"", bytes_)

    def test_an_oversize_packet_is_refused_by_its_header(self):
        raw = self.raw()
        raw.socket.sendall(b"\x32\xff\xff\xff\x7f")  # 256 MiB to come
        self.assertEqual(raw.read_to_end(), b"")

    def test_an_unknown_version_is_answered(self):
        with socket.create_connection((HOST, PORT), timeout=PATIENCE_S) as raw:
            raw.sendall(b"\x10\x0d\x00\x04MQTT\x09\x02\x00\x3c\x00\x01a")
            self.assertEqual(raw.recv(100), b"\x20\x02\x00\x01")

    def test_more_than_the_window_is_acknowledged_in_order(self):
        raw = self.raw()
        raw.socket.sendall(b"".join(publish(TELEMETRY, json.dumps(self.telemetry(self.at + i, F1=i)).encode(), i + 1) for i in range(300)))
        got = raw.read(4 * 300)
        self.assertEqual([got[4 * i + 2] * 256 + got[4 * i + 3] for i in range(300)], list(range(1, 301)))

    # ---- a broker as bridge ----
    def test_a_mosquitto_broker_reaches_us_as_a_bridge(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        os.chmod(folder, 0o755)
        # By number: where localhost is ::1 first, its bridge takes the refusal for a connection.
        with open(f"{folder}/mosquitto.conf", "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nconnection nwims\naddress 127.0.0.1:{TLS_PORT}\nremote_username {self.token}\n"
                       f"bridge_cafile {os.environ['NWIMS_CA_FILE']}\ntopic # out 1 plant/ nwims/v1/me/up/\nrestart_timeout 1\n")
        broker = subprocess.Popen(["mosquitto", "-c", f"{folder}/mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.terminate)
        value = 100 + self.at % 1000 / 8

        def through_the_bridge():
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", "plant/F1", "-m", str(value)], capture_output=True)
            return value in [v for _, v in nwims.series(self.api, "F1")]
        self.assertTrue(eventually(through_the_bridge))


def varint(value):
    out = b""
    while True:
        out += bytes([value % 128 | (128 if value > 127 else 0)])
        value //= 128
        if not value:
            return out


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return len(value).to_bytes(2, "big") + value


def packet(header, body):
    length, out = len(body), b""
    while True:
        out += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return bytes([header]) + out + body


def publish(topic, body, packet_id):
    return packet(0x32, text(topic) + packet_id.to_bytes(2, "big") + body)


class Raw:
    """A connection of 3.1.1 by hand."""

    def __init__(self, token, keep_alive=60, will=None):
        flags = 0x82 | (0x0C if will else 0)
        body = text("MQTT") + bytes([4, flags]) + keep_alive.to_bytes(2, "big") + text(f"raw-{threading.get_ident()}-{time.monotonic_ns()}")
        body += (text(will[0]) + text(will[1]) if will else b"") + text(token)
        self.socket = socket.create_connection((HOST, PORT), timeout=PATIENCE_S)
        self.socket.sendall(packet(0x10, body))
        answer = self.read(4)
        assert answer == b"\x20\x02\x00\x00", answer

    def read(self, size):
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            assert more, f"the connection ended after {got!r}"
            got += more
        return got

    def read_to_end(self):
        got = b""
        while True:
            more = self.socket.recv(4096)
            if not more:
                return got
            got += more


if __name__ == "__main__":
    unittest.main()
