#!/usr/bin/env python3
"""Kills the processes of the running stack one after another with SIGKILL while callers and devices send. Whatever was acknowledged must be stored, once; the
system heals without hands. Callers send again until acknowledged, as real ones do. NWIMS_KILLS says how many kills (10)."""
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import nwims

KILLS = int(os.environ.get("NWIMS_KILLS", "10"))
SEED = int(os.environ.get("NWIMS_SEED", str(int(time.time()))))
CALLERS, DEVICES, BATCH = 3, 2, 100
START = 1767225600  # 2026-01-01


def victims():
    """Children of the stack's runner, by name."""
    runner, out = os.environ["NWIMS_RUNNER_PID"], {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
            state, parent = rest.split()[:2]
            if parent == runner and state != "Z" and name != "nwims-demo":
                out.setdefault(name, int(pid))
        except OSError:
            continue
    return out


class Sender(threading.Thread):
    """Sends batches with times of its own, each until it is acknowledged."""

    def __init__(self, client, post, sensor, number):
        super().__init__(daemon=True)
        self.client, self.post, self.sensor, self.number = client, post, sensor, number
        self.acknowledged, self.retries, self.stopping = 0, 0, False

    def run(self):
        while not self.stopping:
            first = self.acknowledged
            batch = [{"sensor_id": self.sensor, "value": first + i, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + first + i))}
                     for i in range(BATCH)]
            while not self.stopping:
                try:
                    answer = self.post(self.client, batch)
                    if answer.status in (200, 202):
                        self.acknowledged += BATCH
                        break
                    if answer.status not in (401, 429, 500, 502, 503, 504):
                        raise SystemExit(f"a good batch was refused: {answer}")
                except OSError:
                    pass
                except Exception as error:
                    if type(error).__module__ != "http.client":
                        raise
                self.retries += 1
                time.sleep(0.1)


def post_as_caller(client, batch):
    return client.post("/batch/readings", batch)


def post_as_device(client, batch):
    return client.call("POST", "/ingest/v1/readings", batch)


def ailments(client, sensor):
    """What does not work of reading, logging in and storing: the calls and their answers."""
    calls = (lambda: client.get(f"/sensors/{sensor}/latest"), lambda: client.get("/auth/me"), lambda: client.post("/batch/readings", [{"sensor_id": "PROBE", "value": 1}]))
    for call, good in zip(calls, ((200, 404), (200,), (200,))):
        try:
            answer = call()
            if answer.status not in good:
                yield str(answer)
        except Exception as error:
            yield repr(error)


def wait_until_well(client, sensor, limit_s=60):
    """How long it took, in seconds."""
    began = time.monotonic()
    while found := list(ailments(client, sensor)):
        if time.monotonic() - began > limit_s:
            raise SystemExit(f"the system did not heal within {limit_s} s: {'; '.join(found)}")
        time.sleep(0.2)
    return time.monotonic() - began


def check(client, sender, limit_s=60):
    """What a killed writer had taken comes again when its time to acknowledge is over, so this waits; what is not there then is lost."""
    end = time.monotonic() + limit_s
    while True:
        values = [v for _, v in nwims.series(client, sender.sensor)]
        missing = set(range(sender.acknowledged)) - {int(v) for v in values}
        if not missing or time.monotonic() > end:
            break
        time.sleep(1)
    assert len(values) == len(set(values)), f"{sender.sensor}: stored twice"
    assert not missing, f"{sender.sensor}: {len(missing)} acknowledged readings are missing, the first {min(missing)}"
    print(f"{sender.sensor}: {sender.acknowledged} acknowledged, {len(values)} stored, {sender.retries} sent again")
    return sender.acknowledged


def main():
    random.seed(SEED)
    client = nwims.tenant("fault")
    nwims.sensor(client, "PROBE")
    senders = []
    for i in range(CALLERS):
        nwims.sensor(client, f"CALLER-{i}")
        senders.append(Sender(nwims.Client(token=client.token), post_as_caller, f"CALLER-{i}", i))
    for i in range(DEVICES):
        device = client.post("/devices", {"code": f"DEV-{i}", "protocol": "http"}).json
        nwims.sensor(client, f"DEVICE-{i}", device_id=device["id"])
        token = client.post(f"/devices/{device['id']}/credentials", {"kind": "token"}).json["secret"]
        senders.append(Sender(nwims.Client(os.environ["NWIMS_HTTP_INGEST_URL"], token), post_as_device, f"DEVICE-{i}", i))
    for sender in senders:
        sender.start()
    names = sorted(victims())
    order = random.sample(names, len(names)) + [random.choice(names) for _ in range(max(0, KILLS - len(names)))]
    print(f"seed {SEED}; the stack: {', '.join(names)}", flush=True)
    time.sleep(2)
    for name in order[:max(KILLS, len(names))]:
        pid = victims().get(name)
        before = [s.acknowledged for s in senders]
        if pid:
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        wait_until_well(nwims.Client(token=client.token, timeout=20), "PROBE")
        healed = time.monotonic() - began
        time.sleep(random.uniform(0.5, 2))
        print(f"killed {name} (pid {pid}): well again after {healed:.1f} s, {sum(s.acknowledged for s in senders) - sum(before)} acknowledged meanwhile", flush=True)
    for sender in senders:
        sender.stopping = True
    for sender in senders:
        sender.join(timeout=60)
    wait_until_well(client, "PROBE")
    total = sum(check(client, sender) for sender in senders)
    print(f"{total} acknowledged readings, all stored once, over {max(KILLS, len(names))} kills")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
