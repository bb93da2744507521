#!/usr/bin/env python3
"""Devices over NWT/1 lose nothing: each with a store and numbers of its own, three connections in ten cut at a random byte, while ingest-tcp, nats-server and batch-writer
are killed at random. Whatever was acknowledged is stored, once; what is stored, repeated and refused adds up to what was sent. NWIMS_LOSS_SECONDS says how long (25)."""
import json
import os
import random
import signal
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import nwims
import nwt
from kill_test import victims, wait_until_well

SECONDS = float(os.environ.get("NWIMS_LOSS_SECONDS", "25"))
SEED = int(os.environ.get("NWIMS_SEED", str(int(time.time()))))
PORT = int(os.environ["NWIMS_TCP_PORT"])
DEVICES, CUT_SHARE, WRONG_SHARE = 12, 0.3, 0.02
START_S = 1767225600  # 2026-01-01
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
        self.connections = self.cuts = self.sent = 0
        self.stopping, self.fault = False, None

    def record(self, number):
        if number in self.wrong:
            return b'{"m": {"NO-SUCH-SENSOR": 1}}'
        return json.dumps({"t": START_S + number, "m": {self.sensor: number}}).encode()

    def measure(self, count):
        for _ in range(count):
            if self.random.random() < WRONG_SHARE:
                self.wrong.add(self.next)
            self.next += 1

    def run(self):
        while not self.fault and (not self.stopping or self.acknowledged < self.next - 1):
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
            at = device.committed + 1
            while not self.stopping or self.acknowledged < self.next - 1:
                if not self.stopping:
                    self.measure(self.random.randint(1, 20))
                data = b"".join(device.data(number, self.record(number)) for number in range(at, self.next))
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


def check(client, device, limit_s=60):
    wanted = set(range(1, device.acknowledged + 1)) - device.wrong
    end = time.monotonic() + limit_s
    while True:
        values = [int(v) for _, v in nwims.series(client, device.sensor)]
        missing = wanted - set(values)
        if not missing or time.monotonic() > end:
            break
        time.sleep(1)
    assert len(values) == len(set(values)), f"{device.sensor}: stored twice"
    assert not missing, f"{device.sensor}: {len(missing)} acknowledged records are missing, the first {min(missing)}"
    assert set(values) == wanted, f"{device.sensor}: stored and never sent"
    assert device.refused <= device.wrong, f"{device.sensor}: a good record was refused"
    return len(values)


def main():
    random.seed(SEED)
    client = nwims.tenant("tcp-loss")
    nwims.sensor(client, "PROBE")
    devices = []
    for i in range(DEVICES):
        made = client.post("/devices", {"code": f"DEV-{i}", "protocol": "tcp"}).json
        nwims.sensor(client, f"SEQ-{i}", device_id=made["id"])
        devices.append(Device(i, client.post(f"/devices/{made['id']}/credentials", {"kind": "token"}).json["secret"], f"SEQ-{i}"))
    print(f"seed {SEED}", flush=True)
    for device in devices:
        device.start()
    end, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        time.sleep(random.uniform(1, 4))
        name = VICTIMS[kills % len(VICTIMS)] if kills < len(VICTIMS) else random.choice(VICTIMS)
        pid = victims().get(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
            kills += 1
            print(f"killed {name} with {sum(d.acknowledged for d in devices)} acknowledged", flush=True)
    wait_until_well(client, "PROBE")
    for device in devices:
        device.stopping = True
    for device in devices:
        device.join(timeout=120)
        assert not device.fault, f"{device.sensor}: {device.fault}"
        assert not device.is_alive(), f"{device.sensor}: {device.next - 1 - device.acknowledged} records are never acknowledged"
    stored = sum(check(client, device) for device in devices)
    numbered, wrong = sum(d.next - 1 for d in devices), sum(len(d.wrong) for d in devices)
    assert stored > 0 and numbered == stored + wrong, f"{numbered} numbered, {stored} stored, {wrong} refused"
    print(f"{numbered} numbered = {stored} stored once + {wrong} refused; sent {sum(d.sent for d in devices)} times, {sum(d.connections for d in devices)} connections, "
          f"{sum(d.cuts for d in devices)} cut by us, {kills} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
