#!/usr/bin/env python3
"""Devices over MQTT lose nothing: each with a sequence of its own, three connections in ten cut at a random byte, while ingest-mqtt, nats-server and batch-writer are
killed at random. Whatever got its PUBACK is stored, once, nothing is stored that was not sent, and what a device has lost is what its
status says is missing. NWIMS_LOSS_SECONDS says how long (25)."""
import json
import os
import random
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import loss
from loss import LOST_SHARE, MOST_LOST, SEED, START_S

DEVICES, WINDOW, CUT_SHARE = 12, 20, 0.3
VICTIMS = ("ingest-mqtt", "nats-server", "batch-writer")
TOPIC = b"nwims/v1/me/up"


def field(value):
    return len(value).to_bytes(2, "big") + value


def packet(header, body):
    length, head = len(body), b""
    while True:
        head += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return bytes([header]) + head + body


class Device(threading.Thread):
    """Keeps what is not acknowledged, sends it again in its order after every break."""

    def __init__(self, number, token, sensor):
        super().__init__(daemon=True)
        self.number, self.token, self.sensor = number, token, sensor
        self.random = random.Random(SEED * 1000 + number)
        self.next, self.unacknowledged, self.acknowledged, self.lost = 0, [], set(), set()
        self.connections = self.cuts = self.resent = 0
        self.stopping = False

    def message(self, sequence, packet_id):
        body = json.dumps({"s": sequence, "t": START_S + sequence, "m": {self.sensor: sequence}}).encode()
        return packet(0x32, field(TOPIC) + packet_id.to_bytes(2, "big") + body)

    def measure(self):
        """One more record; what is lost before it shows when it has come."""
        if self.next > 0 and len(self.lost) < MOST_LOST and self.random.random() < LOST_SHARE:
            self.lost.add(self.next)
            self.next += 1
        self.unacknowledged.append(self.next)
        self.next += 1

    def connect(self):
        connection = socket.create_connection((os.environ["NWIMS_MQTT_HOST"], int(os.environ["NWIMS_MQTT_PORT"])), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(packet(0x10, field(b"MQTT") + bytes([4, 0x82, 0, 30]) + field(b"device-%d" % self.number) + field(self.token.encode())))
        answer = connection.recv(4, socket.MSG_WAITALL)
        if answer != b"\x20\x02\x00\x00":
            connection.close()
            raise OSError(f"CONNACK {answer!r}")
        self.connections += 1
        return connection

    def run(self):
        while not self.stopping or self.unacknowledged:
            try:
                self.one_connection()
            except OSError:
                time.sleep(0.2)

    def one_connection(self):
        """Sends a window, waits for its acknowledgements, again and again until it is cut, by us or by a kill."""
        with self.connect() as connection:
            rounds = self.random.randint(0, 30) if self.random.random() < CUT_SHARE else 10**9
            while not self.stopping or self.unacknowledged:
                self.resent += len(self.unacknowledged)
                while len(self.unacknowledged) < WINDOW and not self.stopping:
                    self.measure()
                data = b"".join(self.message(sequence, i + 1) for i, sequence in enumerate(self.unacknowledged))
                if rounds == 0:
                    self.cuts += 1
                    connection.sendall(data[:self.random.randrange(len(data))])
                    return
                rounds -= 1
                connection.sendall(data)
                self.take_acknowledgements(connection)

    def take_acknowledgements(self, connection):
        for packet_id in range(1, len(self.unacknowledged) + 1):
            answer = connection.recv(4, socket.MSG_WAITALL)
            if len(answer) < 4:
                raise OSError("the connection ended")
            assert answer == b"\x40\x02" + packet_id.to_bytes(2, "big"), f"{answer!r} for {packet_id}: not in order"
            self.acknowledged.add(self.unacknowledged.pop(0))


def main():
    client, devices = loss.make_devices(Device, "mqtt", DEVICES)
    kills = loss.kill_while_they_send(client, devices, VICTIMS, lambda d: len(d.acknowledged), lambda d: f"{len(d.unacknowledged)} readings are")
    stored = sum(loss.stored(client, device, device.acknowledged, set(range(device.next)) - device.lost) for device in devices)
    for device in devices:
        loss.reported(client, device, device.lost)
    acknowledged = sum(len(d.acknowledged) for d in devices)
    assert acknowledged > 0
    print(f"{acknowledged} acknowledged, {stored} stored once, {sum(len(d.lost) for d in devices)} lost by the devices and reported missing, {sum(d.resent for d in devices)} sent again, {sum(d.connections for d in devices)} connections, "
          f"{sum(d.cuts for d in devices)} cut by us, {kills} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
