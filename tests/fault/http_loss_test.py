#!/usr/bin/env python3
"""Devices over HTTP lose nothing: each posts batches with a sequence of its own, three requests in ten cut at a random byte or left before the answer, while ingest-http,
nats-server and batch-writer are killed at random. What was answered as taken is stored, once; nothing is stored that was not sent; and each reading of an answer is either
taken or refused. NWIMS_LOSS_SECONDS says how long (25)."""
import json
import os
import random
import socket
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import loss
from loss import SEED, START_MS

DEVICES, BATCH, CUT_SHARE = 8, 20, 0.3
VICTIMS = ("ingest-http", "nats-server", "batch-writer")
INGEST = urllib.parse.urlsplit(os.environ["NWIMS_HTTP_INGEST_URL"])


class Device(threading.Thread):
    """Keeps a batch until it is answered 200 or 202, and sends the same again until then."""

    def __init__(self, number, token, sensor):
        super().__init__(daemon=True)
        self.token, self.sensor = token, sensor
        self.random = random.Random(SEED * 1000 + number)
        self.next, self.acknowledged = 0, set()
        self.refused = self.cuts = self.resent = self.told_to_wait = 0
        self.stopping = False

    def request(self, sequences):
        """Beside its own readings one of a sensor that there is not: it is refused, and said to be."""
        readings = [{"sensor_id": self.sensor, "value": s, "timestamp": START_MS + s * 1000} for s in sequences] + [{"sensor_id": "NOBODYS", "value": 1}]
        body = json.dumps(readings).encode()
        return (f"POST /ingest/v1/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def post(self, data):
        """The status and the answer; None if the request was cut, by us or by a kill."""
        with socket.create_connection((INGEST.hostname, INGEST.port), timeout=30) as connection:
            if self.random.random() < CUT_SHARE:
                self.cuts += 1
                connection.sendall(data[:self.random.randrange(len(data) + 1)])  # whole at times, and gone before the answer
                return None
            connection.sendall(data)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return (int(head.split()[1]), body) if head else None

    def take_answer(self, sequences, status, body):
        if status in (429, 503):
            self.told_to_wait += 1
            time.sleep(0.2)
            return False
        assert status in (200, 202), f"{status} {body!r}"
        answer = json.loads(body)
        assert (answer["accepted"], answer["refused"]) == (len(sequences), 1), f"sent {len(sequences) + 1}, answered {body!r}"
        self.acknowledged.update(sequences)
        self.refused += answer["refused"]
        return True

    def run(self):
        while not self.stopping:
            sequences = range(self.next, self.next + self.random.randint(1, BATCH))
            self.next = sequences.stop
            data = self.request(sequences)
            while True:
                try:
                    answer = self.post(data)
                except OSError:
                    answer = None
                    time.sleep(0.2)
                if answer and self.take_answer(sequences, *answer):
                    break
                self.resent += 1


def main():
    client, devices = loss.make_devices(Device, "http", DEVICES)
    kills = loss.kill_while_they_send(client, devices, VICTIMS, lambda d: len(d.acknowledged), lambda d: "a batch is")
    stored = sum(loss.stored(client, device, device.acknowledged, set(range(device.next))) for device in devices)
    acknowledged, sent = sum(len(d.acknowledged) for d in devices), sum(d.next for d in devices)
    assert acknowledged == sent > 0, f"{sent} sent and {acknowledged} acknowledged"
    assert stored == sent, f"{sent} sent and {stored} stored"
    print(f"{acknowledged} acknowledged, {stored} stored once, {sum(d.refused for d in devices)} refused and told, {sum(d.resent for d in devices)} requests sent again, "
          f"{sum(d.cuts for d in devices)} cut by us, {sum(d.told_to_wait for d in devices)} told to wait, {kills} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
