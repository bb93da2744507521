#!/usr/bin/env python3
"""Readings and changes as they happen, over server-sent events and WebSocket: who sees what, going on after a break, and how a stream ends."""
import base64
import hashlib
import http.client
import json
import os
import queue
import secrets
import socket
import struct
import sys
import threading
import time
import unittest
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forgery
import nwims
from limits_test import Gateway


class Events:
    """A reader of /stream on a thread of its own; what came is in a queue."""

    def __init__(self, client, query="", headers=None):
        self.connection = http.client.HTTPConnection(client.host, client.port, timeout=60)
        self.connection.request("GET", "/api/v1/stream" + query, headers={**client.headers, "Authorization": f"Bearer {client.token}", **(headers or {})})
        self.response = self.connection.getresponse()
        self.socket, self.status = self.connection.sock or self.response.fp.raw._sock, self.response.status
        self.events, self.ended = queue.Queue(), threading.Event()
        if self.status == 200:
            assert self.response.getheader("Content-Type") == "text/event-stream"
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        event = {}
        try:
            for line in self.response:
                line = line.decode().rstrip("\n")
                if not line:
                    if "data" in event:
                        self.events.put(event)
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = json.loads(value) if name == "data" else value
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.ended.set()

    def next(self, kind, within_s=10):
        """The next event of that kind."""
        until = time.monotonic() + within_s
        while (left := until - time.monotonic()) > 0:
            try:
                event = self.events.get(timeout=left)
            except queue.Empty:
                break
            if event.get("event") == kind:
                return event
        raise AssertionError(f"no event {kind}")

    def readings(self, count, within_s=10):
        """So many readings as (sensor, value), over as many events as it takes."""
        out = []
        while len(out) < count:
            out += [(item["sensor_id"], item["value"]) for item in self.next("readings", within_s)["data"]["items"]]
        return out

    def silent(self, for_s=1.0):
        time.sleep(for_s)
        return [event for event in list(self.events.queue) if event.get("event") == "readings"] == []

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)


class WebSocket:
    """Just enough of RFC 6455 from the client's side."""

    def __init__(self, client, query="", version="13"):
        self.socket = socket.create_connection((client.host, client.port), timeout=30)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET /api/v1/ws{query} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}",
                 f"Authorization: Bearer {client.token}"]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            assert piece, head
            head += piece
        self.status, self.head = int(head.split()[1]), head.decode().lower()
        expected = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert self.status != 101 or f"sec-websocket-accept: {expected}".lower() in self.head, head

    def send(self, opcode, payload=b"", fin=True, masked=True, length=None):
        length = len(payload) if length is None else length
        size = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length) if length < 65536 else b"\x7f" + struct.pack(">Q", length)
        size = bytes([size[0] | (0x80 if masked else 0)]) + size[1:]
        mask = secrets.token_bytes(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        self.socket.sendall(bytes([(0x80 if fin else 0) | opcode]) + size + (mask if masked else b"") + data)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def receive(self):
        """(opcode, payload)"""
        first, second = self.exactly(2)
        assert not second & 0x80, "a server's frames have no mask"
        size = second & 0x7F
        size = struct.unpack(">H", self.exactly(2))[0] if size == 126 else struct.unpack(">Q", self.exactly(8))[0] if size == 127 else size
        return first & 0x0F, self.exactly(size)

    def message(self, kind):
        while True:
            opcode, payload = self.receive()
            if opcode == 1 and json.loads(payload)["type"] == kind:
                return json.loads(payload)

    def closed_with(self):
        while True:
            opcode, payload = self.receive()
            if opcode == 8:
                return struct.unpack(">H", payload[:2])[0]


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = nwims.tenant("stream-a"), nwims.tenant("stream-b")
        cls.town = cls.a.post("/municipalities", {"code": "TOWN", "name": "Town"}).json["id"]
        cls.zone = cls.a.post("/zones", {"code": "ZONE", "name": "Zone", "municipality_id": cls.town}).json["id"]
        nwims.sensor(cls.a, "IN-ZONE", "pressure", "bar", zone_id=cls.zone, municipality_id=cls.town)
        nwims.sensor(cls.a, "FLOW", "flow", "m3/h")
        nwims.sensor(cls.a, "OTHER", "pressure", "bar")
        nwims.sensor(cls.b, "FLOW", "flow", "m3/h")
        cls.forger = forgery.Forger()

    def send(self, client, *readings):
        answer = client.post("/batch/readings", [{"sensor_id": sensor, "value": value} for sensor, value in readings])
        self.assertEqual(answer.status, 200, answer)

    def test_readings_come_as_they_are_accepted_and_only_of_the_own_tenant(self):
        ours, theirs = Events(self.a), Events(self.b)
        self.send(self.a, ("FLOW", 1.5), ("OTHER", 350.25))
        self.assertEqual(ours.readings(2), [("FLOW", 1.5), ("OTHER", 350.25)])
        self.assertTrue(theirs.silent(), "another tenant sees our readings")
        self.send(self.b, ("FLOW", 7))
        self.assertEqual(theirs.readings(1), [("FLOW", 7)])
        self.assertTrue(ours.silent())
        ours.close(), theirs.close()

    def test_filters_narrow_it(self):
        for query, expect in (("?kind=flow", {"FLOW"}), (f"?zone_id={self.zone}", {"IN-ZONE"}), (f"?municipality_id={self.town}", {"IN-ZONE"}),
                              ("?sensor_id=FLOW&sensor_id=OTHER", {"FLOW", "OTHER"}), ("?sensor_id=FLOW&kind=pressure", set())):
            with self.subTest(query):
                events = Events(self.a, query)
                self.send(self.a, ("FLOW", 1), ("OTHER", 2), ("IN-ZONE", 3))
                if expect:
                    self.assertEqual({sensor for sensor, _ in events.readings(len(expect))}, expect)
                self.assertTrue(events.silent(0.4))
                events.close()
        for query, status in (("?kind=", 422), ("?zone_id=x", 422), ("?nonsense=1", 422), ("?sensor_id=NO_SUCH", 404), ("?" + "&".join(["sensor_id=FLOW"] * 101), 422)):
            with self.subTest(query[:20]):
                self.assertIn(Events(self.a, query).status, (status, 400) if "&" in query else (status,))

    def test_changes_are_told_and_new_sensors_are_seen(self):
        events = Events(self.a)
        code = f"NEW-{secrets.token_hex(4)}"
        made = nwims.sensor(self.a, code, "flow", "m3/h")
        change = events.next("change")["data"]
        self.assertEqual((change["entity"], change["id"], change["change"]), ("sensor", made["id"], "created"))
        for value in range(100):
            self.send(self.a, (code, value))
            try:
                self.assertIn(code, [sensor for sensor, _ in events.readings(1, 0.3)])
                break
            except AssertionError:
                continue
        else:
            self.fail("a new sensor never came into the stream")
        events.close()

    def test_a_stream_goes_on_where_it_broke_off(self):
        keeper, first = Events(self.a, "?kind=flow"), Events(self.a, "?kind=flow")
        self.send(self.a, ("FLOW", 1))
        last = first.next("readings")["id"]
        first.close()
        self.send(self.a, ("FLOW", 2))
        self.send(self.a, ("FLOW", 3))
        keeper.readings(3)
        again = Events(self.a, "?kind=flow", {"Last-Event-ID": last})
        self.assertEqual(again.readings(2), [("FLOW", 2), ("FLOW", 3)])
        for unknown in ("x", last.split("-")[0] + "-999999999", "0000000000000000-1", last + "x"):
            with self.subTest(unknown):
                stranger = Events(self.a, "?kind=flow", {"Last-Event-ID": unknown})
                self.assertIn("GET /readings", stranger.next("lost")["data"]["reason"])
                stranger.close()
        keeper.close(), again.close()

    def test_a_stream_ends_with_its_token(self):
        claims = {"exp": int(time.time()) + 3, "jti": str(uuid.uuid4())}
        client = nwims.Client(token=self.forger.changed(self.a.token, **claims))
        events, socket_ = Events(client), WebSocket(client)
        self.assertEqual((events.status, socket_.status), (200, 101))
        self.assertIn("token", events.next("end", 15)["data"]["reason"])
        self.assertTrue(events.ended.wait(5))
        self.assertEqual(socket_.closed_with(), 1008)

    def test_who_may_not_gets_none(self):
        for perm, status in (("sensors:read readings:read", 403), ("stream:read", 403), ("stream:read sensors:read", 200)):
            client = nwims.Client(token=self.forger.changed(self.a.token, perm=perm, roles="", jti=str(uuid.uuid4())))
            events = Events(client)
            self.assertEqual(events.status, status, perm)
            if status == 200:
                events.close()
        self.assertEqual(WebSocket(nwims.Client(token="x")).status, 401)

    def test_a_websocket_says_the_same(self):
        ws = WebSocket(self.a, "?kind=flow")
        self.assertEqual(ws.status, 101)
        self.send(self.a, ("FLOW", 4.25))
        message = ws.message("readings")
        self.assertEqual((message["data"]["items"][0]["sensor_id"], message["data"]["items"][0]["value"]), ("FLOW", 4.25))
        ws.send(9, b"are you there")
        self.assertEqual(ws.receive(), (10, b"are you there"))
        ws.send(1, b"hello", fin=False)
        ws.send(9, b"")
        self.assertEqual(ws.receive(), (10, b""))
        ws.send(0, b" world")
        ws.send(8, struct.pack(">H", 1000))
        self.assertEqual(ws.closed_with(), 1000)

    def test_frames_against_the_rules_end_a_websocket(self):
        for name, send, code in (("no mask", lambda ws: ws.send(1, b"x", masked=False), 1002), ("reserved opcode", lambda ws: ws.send(3, b"x"), 1002),
                                 ("a fragmented ping", lambda ws: ws.send(9, b"x", fin=False), 1002), ("a long ping", lambda ws: ws.send(9, b"x" * 200), 1002),
                                 ("nothing to continue", lambda ws: ws.send(0, b"x"), 1002), ("a huge frame", lambda ws: ws.send(2, b"", length=2**62), 1009),
                                 ("reserved bits", lambda ws: ws.socket.sendall(b"\xf1\x80abcd"), 1002)):
            with self.subTest(name):
                ws = WebSocket(self.a)
                send(ws)
                self.assertEqual(ws.closed_with(), code)
        for version, status in (("12", 400), ("", 400), ("13", 101)):
            self.assertEqual(WebSocket(self.a, version=version).status, status)
        answer = self.a.get("/ws")
        self.assertEqual((answer.status, answer.headers["Upgrade"]), (426, "websocket"))

    def test_more_than_can_be_served_are_told_to_come_later(self):
        with Gateway(STREAMS_MAX="3") as gateway:
            client = gateway.client(self.a.token)
            open_ones = [Events(client) for _ in range(3)]
            self.assertEqual([events.status for events in open_ones], [200] * 3)
            refused = Events(client)
            self.assertEqual((refused.status, refused.response.getheader("Retry-After")), (503, "30"))
            open_ones[0].close()
            for _ in range(100):
                if (again := Events(client)).status == 200:
                    break
                time.sleep(0.2)
            self.assertEqual(again.status, 200, "a place that became free was not given")
        # The gateway was told to stop: those who are left are told so.
        self.assertIn("restart", open_ones[1].next("end")["data"]["reason"])

    def test_a_slow_reader_is_let_go_and_holds_up_nobody(self):
        parts = urllib.parse.urlsplit(os.environ["NWIMS_URL"])
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((parts.hostname, parts.port))
        slow.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.a.token}\r\n\r\n".encode())
        quick, stop = Events(self.a), threading.Event()
        seen = []

        def drain():
            while not stop.is_set():
                try:
                    seen.append(len(quick.events.get(timeout=0.5).get("data", {}).get("items", [])))
                except queue.Empty:
                    continue
        thread = threading.Thread(target=drain)
        thread.start()
        sent = 0
        for second in range(12):
            batch = [{"sensor_id": "OTHER", "value": i, "timestamp": f"2026-05-01T{second // 60:02}:{second % 60:02}:{i % 60:02}.{i:06}Z"} for i in range(20000)]
            answer = self.a.post("/batch/readings", batch, {"Prefer": "respond-async"})
            sent += len(batch) if answer.status == 202 else 0
        until = time.monotonic() + 60
        while sum(seen) < sent and not quick.ended.is_set() and time.monotonic() < until:
            time.sleep(0.2)
        stop.set()
        thread.join()
        self.assertEqual(sum(seen), sent, "the quick reader lost readings")
        slow.settimeout(60)
        data = b""
        try:
            while piece := slow.recv(65536):
                data = (data + piece)[-2000:]
        except OSError:
            pass
        # Told, or shown the door where not even that could be written.
        self.assertTrue(b"too slowly" in data or not data.endswith(b"0\r\n\r\n"), data[-300:])
        slow.close()
        quick.close()


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
