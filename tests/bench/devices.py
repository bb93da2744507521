#!/usr/bin/env python3
"""What many MQTT devices do to one ingest-mqtt, on the stack of scripts/bench: devices (the rows of make bench), storm (15,000 lose their connections and all come back at once),
overload (three times what they get rid of, for NWIMS_OVERLOAD_SECONDS)."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import fleet

BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..", os.environ.get("NWIMS_OUT", "build"), "release/bin/nwims-device-load")
CROWD, STORM_SECONDS, STEADY = 15000, 10, 60000
WATCHED = ("ingest-mqtt", "batch-writer", "nats-server")


def stored():
    """With those that were there already: a long run comes to the day that the one before it wrote into."""
    with urllib.request.urlopen(f"http://{os.environ['NWIMS_BATCH_WRITER_ADMIN']}/metrics") as answer:
        text = answer.read().decode()
    return sum(float(x) for x in re.findall(r"^nwims_batch_writer_readings_(?:stored|duplicate)_total(?:\{[^}]*\})? (\S+)", text, re.M))


def row(name, what, ours, unit, beside, beside_what, ratio, goal, **_):
    print(f"  {name:<12} {ours:>14,.0f} {unit:<10} {f'{beside:.0f}' if beside else '':>8} {beside_what:<44} {f'{ratio:.2f}' if ratio else '':>6}  {goal}   {what}", flush=True)


class Memory(threading.Thread):
    """Resident memory of the processes that stand in the way, every two seconds, in MiB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.pids, self.samples, self.is_over = {name: fleet.pid_of(name) for name in WATCHED}, [], threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(2):
            self.samples.append({name: fleet.rss_bytes(pid) / 1048576 for name, pid in self.pids.items()})

    def end(self):
        self.is_over.set()
        self.join()
        return self.samples


def storm(crowd):
    """200 healthy devices go on sending while 15,000 are thrown out and come back: without TLS, with it and the tickets they were given, and with full handshakes."""
    failures = []
    tls = {"port": os.environ["NWIMS_MQTTS_PORT"], "tls": True}
    for what, more in (("without TLS", {}), ("with TLS and tickets", tls), ("with TLS in full", {**tls, "forgets": True})):
        healthy = subprocess.Popen(crowd.argv(200, window=1, rate=200, seconds=90), stdout=subprocess.PIPE, text=True)
        assert json.loads(healthy.stdout.readline())["connected"] == 200
        memory = Memory()
        process = subprocess.Popen(crowd.argv(CROWD, hold=300, at_a_time=CROWD, returns=2, **more), stdout=subprocess.PIPE, text=True)
        for turn in ("new", "back", "back again"):
            told = json.loads(process.stdout.readline())
            print(f"  storm        {CROWD} {what}, {turn}: {told['connected']} in after {told['connect_seconds']:.1f} s, {told['lost']} tried once more, {told['resumed']} by ticket; "
                  f"processor of the devices {told['processor_seconds']:.1f} s", flush=True)
            # A full handshake costs the load more than the server, on the same two cores: told, and no bar.
            in_full = more and (turn == "new" or "forgets" in more)
            if told["connected"] != CROWD or (told["connect_seconds"] > STORM_SECONDS and not in_full):
                failures.append(f"{what}, {turn}: {told}")
            if more and not in_full and told["resumed"] < CROWD:
                failures.append(f"{what}, {turn}: {CROWD - told['resumed']} tickets were not taken")
        process.send_signal(signal.SIGKILL)
        process.wait()
        samples = [sample["ingest-mqtt"] for sample in memory.end()]
        told = json.loads(healthy.stdout.readline())
        print(f"  storm        meanwhile 200 healthy devices: {told['sent']} sent, {told['acknowledged']} acknowledged, {told['lost_connections']} connections lost, "
              f"p99 {told['p99_ms']} ms, slowest {told['most_ms']} ms; ingest-mqtt {samples[0]:.0f} MiB, at most {max(samples):.0f} MiB", flush=True)
        if told["lost_connections"] or told["sent"] != told["acknowledged"]:
            failures.append(f"{what}: healthy devices {told}")
    return failures


def overload(crowd):
    """Three times what the devices can get rid of is offered; what is acknowledged must be stored, and memory must be flat."""
    seconds = int(os.environ.get("NWIMS_OVERLOAD_SECONDS", "600"))
    before = stored()
    flood = crowd.measure(1000, window=64, warm_up=1, seconds=10)  # everybody is known, and how much is taken
    fleet.drain(stored, before + flood["acknowledged"])
    before, offered = stored(), 3 * flood["messages_per_second"]
    memory = Memory()
    told = crowd.measure(1000, window=64, rate=offered, warm_up=seconds * 0.1, seconds=seconds * 0.9)
    late = fleet.drain(stored, before + told["acknowledged"], most_seconds=600)
    samples = memory.end()
    kept = stored() - before
    print(f"  overload     {offered:,.0f} messages/s offered for {seconds} s, three times what 1,000 devices were rid of: {told['messages_per_second']:,.0f}/s acknowledged ({told['sent']} sent, "
          f"{told['acknowledged']} acknowledged, {kept:.0f} stored), p50 {told['p50_ms']} ms, p99 {told['p99_ms']} ms; all stored {late:.1f} s after the last", flush=True)
    failures = [] if told["acknowledged"] <= kept <= told["sent"] else [f"{told['sent']} sent, {told['acknowledged']} acknowledged, {kept:.0f} stored"]
    tenth = max(1, len(samples) // 10)
    for name in WATCHED:
        tenths = [max(s[name] for s in samples[i * tenth:(i + 1) * tenth]) for i in range(10)]
        print(f"  overload     {name}: at most {', '.join(f'{t:.0f}' for t in tenths)} MiB in each tenth", flush=True)
        # nats-server has memory for what is in its streams, which fill up for a while.
        early, last = max(tenths[4:7] if name == "nats-server" else tenths[1:3]), max(tenths[7:])
        if last > early * 1.15 + 16:
            failures.append(f"{name} grew from {early:.0f} to {last:.0f} MiB")
    return failures


def main(what):
    if what == "devices":
        fleet.rows(row, stored, BINARY, os.environ["NWIMS_SCRATCH"])
        return 0
    failures = {"storm": storm, "overload": overload}[what](fleet.Fleet(BINARY, os.environ["NWIMS_SCRATCH"]))
    for failure in failures:
        print(f"FAIL  {failure}")
    return len(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
