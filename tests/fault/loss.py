"""What the loss tests of all protocols share: devices that send on while processes are killed at random, and what must be stored in the end."""
import os
import random
import signal
import time

import nwims
from kill_test import victims, wait_until_well

SECONDS = float(os.environ.get("NWIMS_LOSS_SECONDS", "25"))
SEED = int(os.environ.get("NWIMS_SEED", str(int(time.time()))))
START_MS = 1767225600000  # 2026-01-01
START_S = START_MS // 1000
# Of the numbers that devices give their records: some are never sent, some only after later ones. Together they are fewer than the ranges that are kept (16).
LATE_SHARE, LOST_SHARE = 0.005, 0.002
MOST_HELD_BACK, MOST_LOST = 5, 10


def make_devices(make, protocol, count):
    """A tenant, and devices in it that each have a token and a sensor: make(number, token, sensor)."""
    random.seed(SEED)
    client = nwims.tenant(f"{protocol}-loss")
    nwims.sensor(client, "PROBE")
    devices = []
    for i in range(count):
        made = client.post("/devices", {"code": f"DEV-{i}", "protocol": protocol}).json
        nwims.sensor(client, f"SEQ-{i}", device_id=made["id"])
        devices.append(make(i, client.post(f"/devices/{made['id']}/credentials", {"kind": "token"}).json["secret"], f"SEQ-{i}"))
    return client, devices


def kill_while_they_send(client, devices, names, acknowledged, waiting):
    """Kills each process named and then any of them, until the time is over; then every device ends with all acknowledged. acknowledged: how many of a device's are;
    waiting: what of a device's is not. Gives the number of kills."""
    print(f"seed {SEED}", flush=True)
    for device in devices:
        device.start()
    end, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        time.sleep(random.uniform(1, 4))
        name = names[kills % len(names)] if kills < len(names) else random.choice(names)
        pid = victims().get(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
            kills += 1
            print(f"killed {name} with {sum(map(acknowledged, devices))} acknowledged", flush=True)
    for device in devices:
        device.stopping = True
    healing = wait_until_well(client, "PROBE", max(60, SECONDS))  # what was taken meanwhile is stored first
    print(f"well again {healing:.1f} s after the last kill", flush=True)
    for device in devices:
        device.join(timeout=max(120, SECONDS))
        assert not device.is_alive(), f"{device.sensor}: {waiting(device)} never acknowledged"
    return kills


def stored(client, device, wanted, sent, limit_s=max(60, SECONDS)):
    """How many readings of the device are stored, none twice, all that were acknowledged (wanted) and none that is not among those sent."""
    end = time.monotonic() + limit_s
    while True:
        values = [int(v) for _, v in nwims.series(client, device.sensor)]
        missing = wanted - set(values)
        if not missing or time.monotonic() > end:
            break
        time.sleep(1)
    assert len(values) == len(set(values)), f"{device.sensor}: stored twice"
    assert not missing, f"{device.sensor}: {len(missing)} acknowledged readings are missing, the first {min(missing)}"
    assert set(values) <= sent, f"{device.sensor}: stored and never sent"
    return len(values)


def reported(client, device, lost, late=None, limit_s=60):
    """What the device's status says is missing is what it never sent; and how many came late, where the device knows (what several batches bring at once may change places)."""
    end = time.monotonic() + limit_s
    while True:
        sequence = client.get(f"/devices/DEV-{device.number}/status").json.get("sequence") or {}
        missing = {n for r in sequence.get("missing", []) for n in range(r["first"], r["last"] + 1)}
        told = (missing, sequence.get("missing_records", 0), sequence.get("forgotten_records", 0))
        told_late = sequence.get("late_records", 0)
        if told == (lost, len(lost), 0) and (late is None or told_late == len(late)):
            return
        assert time.monotonic() < end, f"{device.sensor}: lost {sorted(lost)} and late {late and len(late)}, reported {told}, late {told_late}"
        time.sleep(0.5)
