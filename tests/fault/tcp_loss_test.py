#!/usr/bin/env python3
"""Devices over NWT/1 lose nothing: each with a store and numbers of its own, three connections in ten cut at a random byte, while ingest-tcp, nats-server and batch-writer
are killed at random. Whatever was acknowledged is stored, once; what is stored, refused and lost by the device adds up to what it numbered; and what the device has lost is
what its status says is missing, no more and no less, and nothing of what it sent late. NWIMS_LOSS_SECONDS says how long (25)."""
import json
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import loss
import nwt
from loss import LATE_SHARE, LOST_SHARE, MOST_HELD_BACK, MOST_LOST, SEED, START_S

PORT = int(os.environ["NWIMS_TCP_PORT"])
DEVICES, CUT_SHARE, WRONG_SHARE = 12, 0.3, 0.02
VICTIMS = ("ingest-tcp", "nats-server", "batch-writer")


class Device(threading.Thread):
    """Keeps its records until they are acknowledged; some of them it can never get rid of but by a refusal."""

    def __init__(self, number, token, sensor):
        super().__init__(daemon=True)
        self.number, self.token, self.sensor = number, token, sensor
        self.random = random.Random(SEED * 1000 + number)
        self.epoch = SEED
        self.next = 1          # records [acknowledged + 1, next) are in its store
        self.acknowledged = 0
        self.wrong, self.refused = set(), set()
        self.lost, self.held_back, self.late = set(), set(), set()  # never sent; to be sent after later ones; sent so, and stored
        self.connections = self.cuts = self.sent = 0
        self.stopping, self.fault = False, None

    def record(self, number):
        if number in self.wrong:
            return b'{"m": {"NO-SUCH-SENSOR": 1}}'
        return json.dumps({"t": START_S + number, "m": {self.sensor: number}}).encode()

    def measure(self, count):
        """The last one is always sent in its turn: up to there all is acknowledged."""
        for i in range(count):
            chance = self.random.random()
            if chance < WRONG_SHARE:
                self.wrong.add(self.next)
            elif i < count - 1 and chance < WRONG_SHARE + LATE_SHARE and len(self.held_back) < MOST_HELD_BACK:
                self.held_back.add(self.next)
            elif i < count - 1 and chance > 1 - LOST_SHARE and len(self.lost) < MOST_LOST:
                self.lost.add(self.next)
            self.next += 1

    def is_done(self):
        return self.stopping and self.acknowledged == self.next - 1 and not self.held_back

    def in_turn(self, device, start):
        return b"".join(device.data(number, self.record(number)) for number in range(start, self.next) if number not in self.lost and number not in self.held_back)

    def send_late(self, device, window):
        """Some of those held back; they are stored when the whole window is free again."""
        late = sorted(self.held_back)
        self.random.shuffle(late)
        late = late if self.stopping else late[:self.random.randint(0, len(late))]
        if late:
            device.connection.sendall(b"".join(device.data(number, self.record(number)) for number in late))
            self.sent += len(late)
            device.credit = 0
            while device.credit < window:
                device.hear()
            self.held_back.difference_update(late)
            self.late.update(late)

    def run(self):
        while not self.fault and not self.is_done():
            try:
                self.one_connection()
            except (nwt.Ended, OSError):
                time.sleep(self.random.uniform(0.05, 0.3))
            except AssertionError as fault:
                self.fault = fault

    def one_connection(self):
        with nwt.Device(nwt.plain(PORT)) as device:
            device.log_in(way=1, name=self.token, epoch=self.epoch, oldest=self.acknowledged + 1, next=self.next, acknowledged=self.acknowledged, keep_alive_s=30)
            self.connections += 1
            assert self.acknowledged <= device.committed < self.next, f"welcomed at {device.committed}, acknowledged {self.acknowledged}"
            self.acknowledged = device.committed
            rounds = self.random.randint(0, 30) if self.random.random() < CUT_SHARE else 10**9
            at, window = device.committed + 1, device.credit
            while not self.is_done():
                if not self.stopping:
                    self.measure(self.random.randint(1, 20))
                data = self.in_turn(device, at)
                self.sent += self.next - at
                if rounds == 0 and data:
                    self.cuts += 1
                    device.connection.sendall(data[:self.random.randrange(len(data))])
                    return
                rounds -= 1
                device.connection.sendall(data)
                at = self.next
                while device.committed < self.next - 1:
                    device.hear()
                    self.acknowledged = device.committed
                    self.refused.update(first for first, _, code, _ in device.nacks if code == 1)
                self.send_late(device, window)


def check(client, device):
    """All records but the wrong ones, and no good one refused."""
    assert not device.fault, f"{device.sensor}: {device.fault}"
    assert device.refused <= device.wrong, f"{device.sensor}: a good record was refused"
    wanted = set(range(1, device.acknowledged + 1)) - device.wrong - device.lost
    loss.reported(client, device, device.lost, device.late)
    return loss.stored(client, device, wanted, wanted)


def main():
    client, devices = loss.make_devices(Device, "tcp", DEVICES)
    kills = loss.kill_while_they_send(client, devices, VICTIMS, lambda d: d.acknowledged, lambda d: f"{d.next - 1 - d.acknowledged} records are")
    stored = sum(check(client, device) for device in devices)
    numbered, wrong = sum(d.next - 1 for d in devices), sum(len(d.wrong) for d in devices)
    lost, late = sum(len(d.lost) for d in devices), sum(len(d.late) for d in devices)
    assert stored > 0 and numbered == stored + wrong + lost, f"{numbered} numbered, {stored} stored, {wrong} refused, {lost} lost by the devices"
    print(f"{numbered} numbered = {stored} stored once + {wrong} refused + {lost} lost by the devices and reported missing; {late} came late; sent {sum(d.sent for d in devices)} times, {sum(d.connections for d in devices)} connections, "
          f"{sum(d.cuts for d in devices)} cut by us, {kills} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
