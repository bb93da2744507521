"""The rows devices of make bench, and memory a connection: one reading a message over MQTT QoS 1 and NWT/1, from many devices of one tenant."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import nwims

DEVICES, SENSORS = 1000, 1000  # over NWT/1 a device has one connection


class Fleet:
    """A tenant with devices and sensors for nwims-device-load."""

    def __init__(self, binary, folder):
        self.runs, self.binary, self.tokens = 0, binary, os.path.join(folder, "mqtt-tokens")
        self.api = nwims.tenant("fleet")
        for i in range(SENSORS):
            nwims.sensor(self.api, f"FLEET-{i:05}", "pressure", "bar")
        with open(self.tokens, "w") as file:
            for i in range(DEVICES):
                device = self.api.post("/devices", {"code": f"FLEET-{i:05}", "protocol": "mqtt"})
                assert device.status == 201, device
                made = self.api.post(f"/devices/{device.json['id']}/credentials", {"kind": "token"})
                assert made.status == 201, made
                file.write(made.json["secret"] + "\n")

    def argv(self, connections, port=None, **more):
        self.runs += 1  # each into a day of its own, so that no reading is there already
        argv = [self.binary, "--port", port or os.environ["NWIMS_MQTT_PORT"], "--tokens", self.tokens, "--prefix", "FLEET-", "--sensors", SENSORS,
                "--connections", connections, "--start", (int(time.time()) // 86400 - 30 - self.runs) * 86400000]
        for name, value in more.items():
            argv += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
        return [str(a) for a in argv]

    def measure(self, connections, **more):
        """What nwims-device-load says at its end, with what it said when all were connected."""
        out = subprocess.run(self.argv(connections, **more), capture_output=True, text=True)
        lines = [json.loads(line) for line in out.stdout.splitlines()]
        if out.returncode != 0 or len(lines) != 2:
            raise SystemExit(f"nwims-device-load failed: {out.stdout} {out.stderr}")
        return {**lines[0], **lines[1]}

    def memory(self, connections, pid, **more):
        """Bytes a connection of the process: resident memory with all connected and quiet, less that before."""
        before = rss_bytes(pid)
        process = subprocess.Popen(self.argv(connections, hold=12, **more), stdout=subprocess.PIPE, text=True)
        told = json.loads(process.stdout.readline())
        time.sleep(5)
        during = rss_bytes(pid)
        process.terminate()
        process.wait()
        return {"bytes": (during - before) / told["connected"], **told}


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pid_of(name):
    """Of a process of the stack, by its runner."""
    runner = os.environ["NWIMS_RUNNER_PID"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                found, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[1] == runner and found == name:
            return int(pid)
    raise SystemExit(f"{name} does not run")


def fresh(name):
    """The process started anew by its runner: what it had grown to is no part of what follows."""
    old = pid_of(name)
    os.kill(old, signal.SIGKILL)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(0.5)
        try:
            if pid_of(name) != old:
                time.sleep(2)
                return pid_of(name)
        except SystemExit:
            pass
    raise SystemExit(f"{name} does not come back")


def drain(stored, wanted, most_seconds=180):
    """How long it takes until so many are stored, from now on."""
    began = time.monotonic()
    while stored() < wanted:
        if time.monotonic() - began > most_seconds:
            raise SystemExit(f"{wanted - stored():.0f} acknowledged readings are not stored")
        time.sleep(0.01)
    return time.monotonic() - began


def rows(row, stored, binary, folder):
    """The rows of make bench. row prints one, stored says how many readings are in PostgreSQL."""
    fleet = Fleet(binary, folder)
    fleet.measure(1000, seconds=1)  # everybody is known
    before, goal = stored(), 60000
    steady = fleet.measure(1000, window=16, rate=goal * 1.05, warm_up=2, seconds=15)
    late = drain(stored, before + steady["acknowledged"])
    row("devices", "MQTT QoS 1, one reading a message, 1,000 devices", steady["messages_per_second"], "messages/s", 15000, "ThingsBoard's, 2 vCPU, steady", steady["messages_per_second"] / 15000,
        ">= 60,000", p50_ms=steady["p50_ms"], p99_ms=steady["p99_ms"], drain_seconds=late)
    print(f"  {'':<12} acknowledged after {steady['p50_ms']} ms (median), {steady['p99_ms']} ms (99th percentile); all stored {late:.1f} s after the last", flush=True)
    pid, before = pid_of("ingest-mqtt"), stored()
    resident = rss_bytes(pid)
    flood = fleet.measure(1000, window=64, warm_up=1, seconds=10)
    grown = rss_bytes(pid) - resident
    late = drain(stored, before + flood["acknowledged"])
    row("devices-flood", "the same, all that they can", flood["messages_per_second"], "messages/s", 45000, "ThingsBoard's burst", flood["messages_per_second"] / 45000, "", drain_seconds=late, grown_mib=grown / 1048576)
    print(f"  {'':<12} {flood['acknowledged']} acknowledged of {flood['sent']}, all stored {late:.1f} s later; ingest-mqtt grew by {grown / 1048576:.1f} MiB", flush=True)
    nwt = {"nwt": True, "port": os.environ["NWIMS_TCP_PORT"]}
    fleet.measure(1000, seconds=1, **nwt)
    before = stored()
    numbered = fleet.measure(1000, window=16, rate=goal * 1.05, warm_up=2, seconds=15, **nwt)
    late = drain(stored, before + numbered["acknowledged"])
    row("devices-nwt", "NWT/1, one reading a record, 1,000 devices", numbered["messages_per_second"], "records/s", steady["messages_per_second"], "the same over MQTT QoS 1",
        numbered["messages_per_second"] / steady["messages_per_second"], ">= 60,000", p50_ms=numbered["p50_ms"], p99_ms=numbered["p99_ms"], drain_seconds=late)
    print(f"  {'':<12} acknowledged after {numbered['p50_ms']} ms (median), {numbered['p99_ms']} ms (99th percentile); all stored {late:.1f} s after the last", flush=True)
    lone = fleet.measure(1000, window=1, warm_up=1, seconds=5)
    row("devices-lone", "each waits for its PUBACK before the next", lone["messages_per_second"], "messages/s", None, "", None, "", p50_ms=lone["p50_ms"])
    for what, goal, more in (("without TLS", "<= 8192", {}), ("with TLS", "", {"port": os.environ["NWIMS_MQTTS_PORT"], "tls": True})):
        got = fleet.memory(15000, fresh("ingest-mqtt"), **more)
        row("memory", f"an idle device connection {what}", got["bytes"], "bytes", 66 * 1024, f"ThingsBoard's; {got['connected']} connected within {got['connect_seconds']:.1f} s", None, goal)
