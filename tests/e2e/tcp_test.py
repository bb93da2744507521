#!/usr/bin/env python3
"""Drives ingest-tcp with a client of its own that knows the README only (nwt.py), with openssl s_client, and with bytes of no protocol."""
import hashlib
import hmac
import json
import os
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims
import nwt

PORT, TLS_PORT = int(os.environ["NWIMS_TCP_PORT"]), int(os.environ["NWIMS_TCPS_PORT"])
LINES_PORT, LINES_TLS_PORT = int(os.environ["NWIMS_LINES_PORT"]), int(os.environ["NWIMS_LINES_TLS_PORT"])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PATIENCE_S = 30
VERSIONS = (("-tls1_2", "-cipher", "PSK"), ("-tls1_3",))  # of 1.2 s_client would take the certificate's suites otherwise
(BYE_NORMAL, BYE_MALFORMED, BYE_VERSION, BYE_UNAUTHENTICATED, BYE_UNAVAILABLE, BYE_TAKEN_OVER, BYE_REVOKED, BYE_GOING, BYE_TOO_LARGE, BYE_PROTOCOL, BYE_EPOCH,
 BYE_IDLE, BYE_TOO_MANY) = range(13)


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


class Tcp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("tcp")
        cls.device = cls.api.post("/devices", {"code": "RTU", "protocol": "tcp"}).json
        other = cls.api.post("/devices", {"code": "OTHER", "protocol": "tcp"}).json
        nwims.sensor(cls.api, "P1", "pressure", "bar", device_id=cls.device["id"])
        nwims.sensor(cls.api, "F1", "flow", "m3/h")
        nwims.sensor(cls.api, "THEIRS", "flow", "m3/h", device_id=other["id"])
        cls.foreign = nwims.tenant("tcp-foreign")
        nwims.sensor(cls.foreign, "FOREIGN", "flow", "m3/h")
        cls.at = int(time.time()) - 20 * 86400
        cls.epoch = int(time.time())

    @classmethod
    def tearDownClass(cls):
        cls.api.close()
        cls.foreign.close()

    def setUp(self):
        type(self).at += 3600  # each test has an hour and an epoch of its own
        type(self).epoch += 1
        made = self.credential(kind="token")
        self.token, self.token_id = made["secret"], made["id"]

    def credential(self, **what):
        made = self.api.post(f"/devices/{self.device['id']}/credentials", what)
        self.assertEqual(made.status, 201, made)
        self.addCleanup(self.revoke, made.json["id"])
        return made.json

    def revoke(self, credential):
        return self.api.call("DELETE", f"/api/v1/devices/{self.device['id']}/credentials/{credential}")

    def pre_shared_key(self):
        made = self.credential(kind="psk", identity=f"rtu-{secrets.token_hex(6)}")
        return made["lookup"], made["secret"]

    def open(self, connection=None, **hello):
        device = nwt.Device(connection or nwt.plain(PORT), bare=connection is not None)
        self.addCleanup(device.close)
        return device.log_in(**{"way": 1, "name": self.token, "epoch": self.epoch, **hello})

    def record(self, second, **values):
        return json.dumps({"t": self.at + second, "m": values}).encode()

    def stored(self, sensor, second=0):
        """The value of a second of this test's hour; None if there is none."""
        return next((v for at, v in nwims.series(self.api, sensor) if at.startswith(rfc3339(self.at + second)[:-1])), None)

    def soon(self, sensor, second=0):
        return eventually(lambda: self.stored(sensor, second))

    def ends(self, device, code):
        with self.assertRaises(nwt.Ended) as ended:
            while True:
                device.next()
        self.assertEqual(ended.exception.code, code, ended.exception)
        return ended.exception

    # ---- who it is ----
    def test_a_token_works_plain_and_over_both_versions_of_tls(self):
        for i, connection in enumerate([None, nwt.over_tls(TLS_PORT), nwt.over_tls(TLS_PORT, version=ssl.TLSVersion.TLSv1_2)]):
            self.epoch += 1
            self.open(connection).send_data(1, self.record(i, P1=i + 0.5))
            self.assertEqual(self.soon("P1", i), i + 0.5)
        type(self).epoch = self.epoch

    def test_a_pre_shared_key_works_over_both_versions_of_tls(self):
        identity, key = self.pre_shared_key()
        for i, version in enumerate(VERSIONS):
            pipe = nwt.Pipe(TLS_PORT, *version, "-psk_identity", identity, "-psk", key)
            device = self.open(pipe, way=0, name="", next=i + 2, oldest=i + 1)
            self.assertEqual(device.committed, i)
            device.send_data(i + 1, self.record(i, P1=i + 1.5))
            device.wait_for(i + 1)
            self.assertEqual(self.soon("P1", i), i + 1.5)

    def test_a_wrong_pre_shared_key_gets_no_tls(self):
        identity, key = self.pre_shared_key()
        wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
        for version in VERSIONS:
            with nwt.Device(nwt.Pipe(TLS_PORT, *version, "-psk_identity", identity, "-psk", wrong), bare=True) as device:
                with self.assertRaises((nwt.Ended, OSError)) as ended:
                    device.log_in(way=0, epoch=self.epoch)
                self.assertIsNone(getattr(ended.exception, "code", None))

    def test_a_client_certificate_works_and_an_unknown_one_does_not(self):
        name = f"rtu-{secrets.token_hex(4)}"
        made = subprocess.run([os.path.join(ROOT, "scripts/local/device-certificate"), name], capture_output=True, text=True, check=True)
        folder = os.path.join(os.environ["NWIMS_VAR"], "tls/devices", name)
        files = (folder + ".pem", folder + ".key")
        with nwt.Device(nwt.over_tls(TLS_PORT, files), bare=True) as stranger:
            stranger.send(nwt.HELLO, 0, stranger.hello(epoch=self.epoch))
            self.ends(stranger, BYE_UNAUTHENTICATED)
        self.credential(kind="x509", fingerprint=made.stdout.split()[-1])
        self.assertTrue(eventually(lambda: self.is_let_in(nwt.over_tls(TLS_PORT, files))))

    def is_let_in(self, connection):
        try:
            self.open(connection, way=0, name="")
            return True
        except nwt.Ended:
            return False

    def test_without_tls_a_key_is_proven_and_every_frame_protected(self):
        identity, key = self.pre_shared_key()
        device = nwt.Device(nwt.plain(PORT))
        self.addCleanup(device.close)
        device.log_in_by_key(identity, bytes.fromhex(key), epoch=self.epoch)
        self.assertIsNotNone(device.key, "frames have no MAC")
        device.send_data(1, self.record(0, P1=2.5))
        device.wait_for(1)
        self.assertEqual(self.soon("P1"), 2.5)
        frame = bytearray(device.data(2, self.record(1, P1=3)))
        frame[-20] ^= 1  # somebody on the line
        device.connection.sendall(frame)
        self.ends(device, BYE_MALFORMED)
        with nwt.Device(nwt.plain(PORT)) as liar, self.assertRaises(nwt.Ended) as ended:
            liar.log_in_by_key(identity, os.urandom(32), epoch=self.epoch)
        self.assertEqual(ended.exception.code, BYE_UNAUTHENTICATED)

    def test_wrong_credentials_are_told_so(self):
        for way, name in ((1, "nwd_wrong"), (1, ""), (0, "")):
            with nwt.Device(nwt.plain(PORT)) as device:
                device.send(nwt.HELLO, 0, device.hello(way=way, name=name, epoch=self.epoch))
                self.ends(device, BYE_UNAUTHENTICATED)

    def test_a_revoked_token_ends_its_open_connection_within_two_seconds(self):
        device = self.open()
        began = time.monotonic()
        self.assertIn(self.revoke(self.token_id).status, (200, 204))
        self.ends(device, BYE_REVOKED)
        self.assertLess(time.monotonic() - began, 2)

    # ---- records ----
    def test_every_format_is_stored(self):
        device = self.open()
        device.send_data(1, self.record(0, P1=[412, "kPa"], F1=7))
        device.send_data(2, json.dumps([{"sensor_id": "F1", "value": 10, "unit": "L/s", "timestamp": rfc3339(self.at + 1)}]).encode())
        device.send_data(3, json.dumps([{"bn": "", "n": "P1", "u": "Pa", "t": self.at + 2, "v": 300000}]).encode(), format_=2)
        device.send_data(4, f'{{"sensor_id":"F1","value":1,"timestamp":"{rfc3339(self.at + 3)}"}}\n{{"sensor_id":"F1","value":2,"timestamp":"{rfc3339(self.at + 4)}"}}\n'.encode(), count=2, format_=4)
        device.send_data(6, f"timestamp,P1,F1\n{rfc3339(self.at + 5)},1.5,2.5\n".encode(), format_=5)
        device.wait_for(6)
        self.assertEqual(device.nacks, [])
        self.assertAlmostEqual(self.soon("P1", 0), 4.12)
        self.assertEqual(self.soon("F1", 0), 7)
        self.assertAlmostEqual(self.soon("F1", 1), 36)
        self.assertAlmostEqual(self.soon("P1", 2), 3)
        self.assertEqual([self.soon("F1", 3), self.soon("F1", 4)], [1, 2])
        self.assertEqual([self.soon("P1", 5), self.soon("F1", 5)], [1.5, 2.5])

    def test_bytes_are_read_by_the_devices_profile(self):
        """Format 7; the profile is changed while the connection is open. Format 8 is Cayenne LPP whatever the profile says."""
        nwims.sensor(self.api, "RAW", "pressure", "bar")
        profile = {"fields": [{"is": "time", "at": 0, "bits": 32}, {"sensor": "RAW", "at": 4, "bits": 16, "scale": 0.01, "unit": "bar"}]}
        patch = lambda what: self.api.call("PATCH", f"/api/v1/devices/{self.device['id']}", {"payload_profile": json.dumps(what)})
        body = lambda minute: struct.pack(">IH", self.at + 7200 + 60 * minute, 345)
        self.assertEqual(patch(profile).status, 200)
        device = self.open()
        for i in range(3):
            device.send_data(1 + i, body(i), format_=7)
        device.wait_for(3)
        profile["fields"][1]["scale"] = 0.1
        self.assertEqual(patch(profile).status, 200)
        time.sleep(1)
        device.send_data(4, body(3), format_=7)
        device.send_data(5, b"\0", format_=7)
        device.send_data(6, b"\x03\x67\x01", format_=8)
        device.wait_for(6)
        self.assertEqual([nack[0] for nack in device.nacks], [5, 6])
        at = rfc3339(self.at + 7200)
        stored = lambda: [round(value, 6) for _, value in nwims.series(self.api, "RAW", from_at=at, to_at=rfc3339(self.at + 7200 + 300))]
        self.assertEqual(eventually(lambda: len(stored()) == 4 and stored()), [3.45, 3.45, 3.45, 34.5])

    def test_what_cannot_be_taken_is_refused_for_good_and_the_rest_stored(self):
        device = self.open()
        device.send_data(1, self.record(0, P1=1, NONE=2, THEIRS=3, FOREIGN=4))
        device.send_data(2, b"{malformed")
        device.send_data(3, self.record(1, P1=2), format_=99)
        device.send_data(4, self.record(2, THEIRS=3))
        device.send_data(5, self.record(3, FOREIGN=3))
        device.send_data(6, self.record(4, P1=3))
        device.wait_for(6)
        self.assertEqual([(first, code) for first, _, code, _ in device.nacks], [(2, 1), (3, 1), (4, 1), (5, 1)])
        self.assertEqual([self.soon("P1", 0), self.soon("P1", 4)], [1, 3])
        self.assertFalse(nwims.series(self.api, "THEIRS"))
        self.assertFalse(nwims.series(self.foreign, "FOREIGN"))

    def test_more_than_the_window_is_acknowledged_in_order(self):
        device, count = self.open(), 1000
        self.assertLess(device.credit, count)
        device.connection.sendall(b"".join(device.data(i, self.record(i, F1=i)) for i in range(1, count + 1)))
        device.wait_for(count)
        wanted = {rfc3339(self.at + i)[:19]: i for i in range(1, count + 1)}
        self.assertTrue(eventually(lambda: {at[:19]: v for at, v in nwims.series(self.api, "F1") if at[:19] in wanted} == wanted))

    def test_after_a_break_a_device_goes_on_from_what_is_stored(self):
        device = self.open(next=101)
        device.connection.sendall(b"".join(device.data(i, self.record(i, F1=i)) for i in range(1, 51)))
        device.wait_for(50)
        device.close()
        device = self.open(next=101)  # it never heard of it
        self.assertEqual(device.committed, 50)
        device.connection.sendall(b"".join(device.data(i, self.record(i, F1=i)) for i in range(30, 101)))  # and repeats some all the same
        device.wait_for(100)
        values = eventually(lambda: [v for at, v in nwims.series(self.api, "F1") if rfc3339(self.at) <= at <= rfc3339(self.at + 101)][99:] and
                            [v for at, v in nwims.series(self.api, "F1") if rfc3339(self.at) <= at <= rfc3339(self.at + 101)])
        self.assertEqual(values, list(range(1, 101)))

    def test_numbers_below_what_is_stored_need_another_epoch(self):
        self.open(next=3).send_data(1, self.record(0, P1=1), count=2)
        self.assertTrue(self.soon("P1"))
        eventually(lambda: self.open(next=9).committed == 2)
        with nwt.Device(nwt.plain(PORT)) as device:
            device.send(nwt.HELLO, 0, device.hello(way=1, name=self.token, epoch=self.epoch, next=2))
            self.ends(device, BYE_EPOCH)
        type(self).epoch += 1
        self.assertEqual(self.open().committed, 0)

    def test_the_newest_connection_wins(self):
        first = self.open()
        second = self.open()
        self.ends(first, BYE_TAKEN_OVER)
        second.send_data(1, self.record(0, P1=1))
        second.wait_for(1)

    def test_a_command_goes_down_and_its_answer_comes_up(self):
        device = self.open()
        made = self.api.post(f"/devices/{self.device['id']}/commands", {"name": "open", "payload": {"percent": 40}})
        self.assertIn(made.status, (201, 202), made)
        type_, _, payload = device.next()
        self.assertEqual(type_, nwt.CMD)
        identifier = payload[1:1 + payload[0]].decode()
        self.assertEqual(identifier, made.json["id"])
        device.send(nwt.CMD_RES, 0, nwt.text(identifier) + b'{"ok":true}')
        state = lambda: [c["state"] for c in self.api.get(f"/devices/{self.device['id']}/commands").json["items"] if c["id"] == identifier]
        self.assertTrue(eventually(lambda: state() == ["succeeded"]), state())

    def test_ping_and_time_are_answered(self):
        device = self.open()
        device.send(nwt.PING, 7)
        self.assertEqual(device.next()[:2], (nwt.PONG, 7))
        device.send(nwt.TIME)
        type_, _, payload = device.next()
        self.assertEqual(type_, nwt.TIME)
        self.assertLess(abs(struct.unpack(">q", payload)[0] / 1e6 - time.time()), 60)

    # ---- bytes ----
    def test_frames_cut_at_every_byte_are_put_together(self):
        device = self.open()
        for byte in device.data(1, self.record(0, P1=8.5)):
            device.connection.sendall(bytes([byte]))
        device.wait_for(1)
        self.assertEqual(self.soon("P1"), 8.5)

    def test_a_connection_cut_within_a_frame_stores_nothing(self):
        whole = nwt.Device(None).data(1, self.record(0, P1=6.5))
        for cut in range(1, len(whole), 9):
            device = self.open()
            self.assertEqual(device.committed, 0)
            device.connection.sendall(whole[:cut])
            device.close()
        device = self.open()
        device.send_data(1, self.record(1, P1=1))
        device.wait_for(1)
        self.assertTrue(self.soon("P1", 1))
        self.assertIsNone(self.stored("P1", 0))

    def test_what_is_no_protocol_is_ended_with_its_reason(self):
        bare = nwt.Device(None, bare=True)
        cases = [(b"GET / HTTP/1.1\r\n\r\n", BYE_TOO_LARGE), (b"\x01\x00\x01", BYE_TOO_LARGE), (b'{"hello":{}}\n', BYE_TOO_LARGE), (b"\x00\x00\x05\x01", BYE_MALFORMED),
                 (b"\x00\x00\x10" + bytes(16), BYE_MALFORMED), (bare.frame(nwt.PING) + bytes(4), BYE_MALFORMED)]
        for bytes_, code in cases:
            with nwt.Device(nwt.plain(PORT)) as device:
                device.connection.sendall(bytes_)
                self.ends(device, code)
        for type_, payload, code in ((nwt.PING, b"", BYE_PROTOCOL), (nwt.ACK, b"\0\0\0\1", BYE_PROTOCOL), (nwt.HELLO, b"\x02\x00", BYE_VERSION), (nwt.HELLO, b"\x01\x00", BYE_MALFORMED)):
            with nwt.Device(nwt.plain(PORT)) as device:
                device.send(type_, 0, payload)
                self.ends(device, code)
        for first, count in ((0, 1), (1, 0), (1, 100001)):
            device = self.open()
            device.send_data(first, b"{}", count)
            self.ends(device, BYE_MALFORMED)
        device = self.open()
        device.send(nwt.HELLO, 0, device.hello())
        self.ends(device, BYE_PROTOCOL)

    # ---- lines ----
    def test_lines_are_taken_by_openssl_with_a_pre_shared_key(self):
        identity, key = self.pre_shared_key()
        lines = Lines(nwt.Pipe(LINES_TLS_PORT, "-psk_identity", identity, "-psk", key))
        self.addCleanup(lines.close)
        lines.say(hello={"epoch": self.epoch, "next": 3})
        self.assertEqual(lines.hear("welcome")["welcome"]["committed"], 0)
        lines.say(s=1, t=self.at, m={"P1": [412, "kPa"]})
        lines.say(s=2, t=self.at + 1, m={"F1": 7})
        while lines.hear("ack")["ack"] < 2:
            pass
        lines.say(ping=5)
        self.assertEqual(lines.hear()["pong"], 5)
        lines.say(time=1)
        self.assertIn("time", lines.hear())
        lines.say(s=3, m={"NONE": 1})
        self.assertEqual({**lines.hear("nack"), "problem": ""}, {"nack": 3, "code": "permanent", "problem": ""})
        self.assertEqual(lines.hear("ack")["ack"], 3)
        lines.say(bye=0)
        self.assertAlmostEqual(self.soon("P1"), 4.12)
        self.assertEqual(self.soon("F1", 1), 7)

    def test_lines_and_frames_are_one_count(self):
        lines = Lines(nwt.over_tls(LINES_TLS_PORT))
        self.addCleanup(lines.close)
        lines.say(auth={"token": self.token}, hello={"epoch": self.epoch, "next": 2})
        lines.hear("welcome")
        lines.say(s=1, t=self.at, m={"P1": 1})
        self.assertEqual(lines.hear("ack")["ack"], 1)
        self.assertEqual(self.open(next=5).committed, 1)
        self.assertEqual(lines.hear("bye")["bye"], "taken-over")

    def test_lines_without_tls_are_let_in_by_a_challenge(self):
        identity, key = self.pre_shared_key()
        lines, nonce = Lines(nwt.plain(LINES_PORT)), os.urandom(16)
        self.addCleanup(lines.close)
        lines.say(hello={"epoch": self.epoch}, auth={"identity": identity, "nonce": nonce.hex()})
        challenge = bytes.fromhex(lines.hear("challenge")["challenge"])
        said = b"NWT/1 device" + challenge + nwt.text(nonce) + nwt.text(identity) + struct.pack(">Q", self.epoch)
        lines.say(auth=hmac.new(bytes.fromhex(key), said, hashlib.sha256).hexdigest())
        self.assertEqual(lines.hear("welcome")["welcome"]["committed"], 0)

    def test_what_is_no_line_is_ended_with_its_reason(self):
        for line, reason in (("{", "malformed"), ("[]", "malformed"), ('{"s": 1}', "protocol"), ('{"hello": {"version": 9}}', "version"), ('{"hello": {}}', "unauthenticated"),
                             ('{"hello": {}, "auth": {"token": "nwd_wrong"}}', "unauthenticated"), ("x" * 70000, "too-large")):
            lines = Lines(nwt.plain(LINES_PORT))
            lines.connection.sendall(line.encode() + b"\n")
            answer = lines.hear("bye")
            self.assertEqual(answer["bye"], reason, answer)
            self.assertTrue(answer["problem"])
            lines.close()


SLAVE = """
import struct, sys
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
def floats(*values, order=">"):
    return [word for value in values for word in struct.unpack(">HH", struct.pack(">f", value))]
high, low = floats(123.456)
holding = [0] * 300
holding[107:109] = [high, low]
holding[109:111] = [low, high]
holding[111] = 0xFFFF
holding[120] = 412
inputs = [0] * 300
inputs[3] = 0x10000 - 150
slave = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, holding), ir=ModbusSequentialDataBlock(0, inputs), di=ModbusSequentialDataBlock(0, [1] * 20), zero_mode=True)
StartTcpServer(context=ModbusServerContext(slaves={17: slave}, single=False), address=("127.0.0.1", int(sys.argv[1])))
"""


class Modbus(unittest.TestCase):
    """pymodbus is the device."""

    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("modbus")
        cls.sensors = {"ABCD": "m", "CDAB": "m", "DEAD": "m", "P1": "bar", "T1": "Cel", "ON": "1"}
        for code, unit in cls.sensors.items():
            nwims.sensor(cls.api, code, "other", unit)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            cls.port = free.getsockname()[1]
        cls.device = cls.api.post("/devices", {"code": "PLC", "protocol": "tcp"}).json["id"]

    @classmethod
    def tearDownClass(cls):
        cls.api.call("DELETE", f"/api/v1/devices/{cls.device}")
        cls.api.close()

    def slave(self):
        process = subprocess.Popen(["/usr/bin/python3", "-c", SLAVE, str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def configure(self, **modbus):
        configuration = {"modbus": {"host": "127.0.0.1", "port": self.port, "unit_id": 17, "period_s": 1, "timeout_ms": 500, **modbus}}
        answer = self.api.call("PATCH", f"/api/v1/devices/{self.device}", {"configuration": configuration})
        self.assertEqual(answer.status, 200, answer)

    def newest(self, sensor):
        answer = self.api.get(f"/sensors/{sensor}/readings", limit=1, order="desc")
        return answer.json["items"][0] if answer.status == 200 and answer.json["items"] else None

    def test_its_registers_become_readings(self):
        registers = [{"sensor": "ABCD", "address": 107, "type": "float32"}, {"sensor": "CDAB", "address": 109, "type": "float32", "order": "cdab"},
                     {"sensor": "DEAD", "address": 111, "invalid": [65535]}, {"sensor": "P1", "address": 120, "unit": "kPa"},
                     {"sensor": "T1", "table": "input", "address": 3, "type": "int16", "scale": 0.1}, {"sensor": "ON", "table": "discrete", "address": 2, "type": "bool"}]
        process = self.slave()
        self.configure(registers=registers)
        self.assertTrue(eventually(lambda: self.newest("ON")))
        self.assertAlmostEqual(self.newest("ABCD")["value"], 123.456, places=3)
        self.assertAlmostEqual(self.newest("CDAB")["value"], 123.456, places=3)
        self.assertAlmostEqual(self.newest("P1")["value"], 4.12)
        self.assertAlmostEqual(self.newest("T1")["value"], -15)
        self.assertEqual(self.newest("ON")["value"], 1)
        self.assertEqual(self.newest("DEAD")["status"], 0x808C0000)
        process.kill()  # it goes away, and comes back
        process.wait()
        before = self.newest("ON")["observed_at"]
        time.sleep(2)
        self.slave()
        self.assertTrue(eventually(lambda: self.newest("ON")["observed_at"] > max(before, rfc3339(time.time() - 3))), "it is never asked again")

    def test_an_address_that_may_not_be_reached_is_not(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.2", 0))
            listener.listen()
            listener.settimeout(4)
            self.configure(host="127.0.0.2", port=listener.getsockname()[1], registers=[{"sensor": "ON", "address": 1}])
            with self.assertRaises(TimeoutError):
                listener.accept()

    def test_a_configuration_is_an_object(self):
        answer = self.api.call("PATCH", f"/api/v1/devices/{self.device}", {"configuration": [1]})
        self.assertIn(answer.status, (400, 422), answer)


class Lines:
    """The same protocol as lines of JSON."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""

    def close(self):
        self.connection.close()

    def say(self, **what):
        self.connection.sendall(json.dumps(what).encode() + b"\n")

    def hear(self, wanted=None):
        """The next message; with wanted the next that has this member."""
        while True:
            while b"\n" not in self.buffer:
                more = self.connection.recv(65536)
                assert more, f"the connection ended, {wanted} was waited for"
                self.buffer += more
            line, self.buffer = self.buffer.split(b"\n", 1)
            message = json.loads(line)
            if wanted is None or wanted in message:
                return message


if __name__ == "__main__":
    unittest.main()
