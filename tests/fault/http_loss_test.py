#!/usr/bin/env python3
"""Devices over HTTP lose nothing: each posts batches with a sequence of its own, three requests in ten cut at a random byte or left before the answer, while ingest-http,
nats-server and batch-writer are killed at random. What was answered as taken is stored, once; nothing is stored that was not sent; each reading of an answer is either
taken or refused; and what a device has lost is what its status says is missing, nothing of what it sent late. NWIMS_LOSS_SECONDS says how long (25)."""
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
from loss import LATE_SHARE, LOST_SHARE, MOST_HELD_BACK, MOST_LOST, SEED, START_S

DEVICES, BATCH, CUT_SHARE = 8, 20, 0.3
VICTIMS = ("ingest-http", "nats-server", "batch-writer")
INGEST = urllib.parse.urlsplit(os.environ["NWIMS_HTTP_INGEST_URL"])


class Device(threading.Thread):
    """Keeps a batch until it is answered 200 or 202, and sends the same again until then."""

    def __init__(self, number, token, sensor):
        super().__init__(daemon=True)
        self.token, self.sensor = token, sensor
        self.random = random.Random(SEED * 1000 + number)
        self.number, self.next, self.acknowledged = number, 0, set()
        self.lost, self.held_back, self.late = set(), set(), set()  # never sent; to be sent after later ones; sent so
        self.refused = self.cuts = self.resent = self.told_to_wait = 0
        self.stopping = False

    def request(self, sequences):
        """Beside its own readings one of a sensor that there is not: it is refused, and said to be."""
        records = [{"s": s, "t": START_S + s, "m": {self.sensor: s}} for s in sequences] + [{"m": {"NOBODYS": 1}}]
        body = json.dumps({"b": records}).encode()
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

    def measure(self):
        """The next records. The first ever and the last of them are always sent."""
        sequences = []
        for s in range(self.next, self.next + self.random.randint(1, BATCH)):
            chance = self.random.random()
            if sequences and chance < LATE_SHARE and len(self.held_back) < MOST_HELD_BACK:
                self.held_back.add(s)
            elif sequences and chance > 1 - LOST_SHARE and len(self.lost) < MOST_LOST:
                self.lost.add(s)
            else:
                sequences.append(s)
            self.next = s + 1
        if self.next - 1 not in sequences:
            sequences.append(self.next)
            self.next += 1
        return sequences

    def deliver(self, sequences):
        data = self.request(sequences)
        while True:
            try:
                answer = self.post(data)
            except OSError:
                answer = None
                time.sleep(0.2)
            if answer and self.take_answer(sequences, *answer):
                return
            self.resent += 1

    def run(self):
        while not self.stopping:
            self.deliver(self.measure())
            late = self.random.sample(sorted(self.held_back), self.random.randint(0, len(self.held_back)))
            if late and self.random.random() < 0.1:
                self.deliver(late)
                self.held_back.difference_update(late)
                self.late.update(late)
        if self.held_back:
            self.deliver(sorted(self.held_back))
            self.late.update(self.held_back)


def main():
    client, devices = loss.make_devices(Device, "http", DEVICES)
    kills = loss.kill_while_they_send(client, devices, VICTIMS, lambda d: len(d.acknowledged), lambda d: "a batch is")
    stored = sum(loss.stored(client, device, device.acknowledged, set(range(device.next)) - device.lost) for device in devices)
    for device in devices:
        loss.reported(client, device, device.lost, device.late)
    acknowledged, sent = sum(len(d.acknowledged) for d in devices), sum(d.next - len(d.lost) for d in devices)
    assert acknowledged == sent > 0, f"{sent} sent and {acknowledged} acknowledged"
    assert stored == sent, f"{sent} sent and {stored} stored"
    print(f"{acknowledged} acknowledged, {stored} stored once, {sum(len(d.lost) for d in devices)} lost by the devices and reported missing, {sum(len(d.late) for d in devices)} late, {sum(d.refused for d in devices)} refused and told, {sum(d.resent for d in devices)} requests sent again, "
          f"{sum(d.cuts for d in devices)} cut by us, {sum(d.told_to_wait for d in devices)} told to wait, {kills} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
