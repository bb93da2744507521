"""How much the cache keeps from the owners, and what warming it is worth. Reads of master data by Zipf(1.0): the k-th most asked sensor is asked 1/k as often as the first."""
import bisect
import itertools
import os
import random
import re
import signal
import subprocess
import time

SENSORS, READS = 1000, 10000

# wrk asks by this: seven in ten for one sensor, two for a page, one for the map.
LUA = """
local weights, total = {}, 0
for k = 1, %d do total = total + 1 / k; weights[k] = total end
local function sensor()
  local x, low, high = math.random() * total, 1, #weights
  while low < high do local middle = math.floor((low + high) / 2); if weights[middle] < x then low = middle + 1 else high = middle end end
  return string.format("BENCH-%%05d", low - 1)
end
function init() math.randomseed(7) end
function request()
  local what = math.random()
  if what < 0.7 then return wrk.format("GET", "/api/v1/sensors/" .. sensor()) end
  if what < 0.9 then return wrk.format("GET", "/api/v1/sensors?limit=20&code_prefix=" .. string.sub(sensor(), 1, 10)) end
  return wrk.format("GET", "/api/v1/sensors.geojson?limit=50")
end
""" % SENSORS


def wait_until(ask, limit_s=60):
    end = time.monotonic() + limit_s
    while True:
        try:
            if ask():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise SystemExit("the cache does not come into use")
        time.sleep(0.1)


def in_use(client):
    answer = client.get("/cache/statistics")
    return answer.status == 200 and all(m["is_in_use"] and m["redis"] == "closed" for m in answer.json["members"])


def counts(client):
    """Answers that no owner was asked for, and all."""
    sums = [0, 0]
    for figures in client.get("/cache/statistics").json["classes"]:
        hits = sum(int(figures[level]) for level in ("memory_hits", "redis_hits", "shared_hits"))
        sums[0] += hits
        sums[1] += hits + int(figures["misses"]) + int(figures["passed"])
    return sums


def hit_rate(client, seconds=10):
    """From an empty cache on."""
    client.post("/cache/invalidate")
    wait_until(lambda: in_use(client))
    script = os.environ["NWIMS_SCRATCH"] + "/zipf.lua"
    with open(script, "w") as file:
        file.write(LUA)
    before = counts(client)
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", script, "-H", f"Authorization: Bearer {client.token}", os.environ["NWIMS_URL"]],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    after = counts(client)
    return (after[0] - before[0]) / (after[1] - before[1]), float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def first_reads(client):
    """The 99th percentile of so many reads one after the other, in milliseconds."""
    rng, sums, took = random.Random(7), list(itertools.accumulate(1 / k for k in range(1, SENSORS + 1))), []
    for _ in range(READS):
        code = f"BENCH-{bisect.bisect(sums, rng.random() * sums[-1]):05}"
        began = time.monotonic()
        answer = client.get(f"/sensors/{code}")
        took.append(time.monotonic() - began)
        if answer.status != 200:
            raise SystemExit(f"a read failed: {answer}")
    took.sort()
    return took[READS * 99 // 100] * 1000


def start_anew(client, pid):
    """A gateway without anything in its memory."""
    os.kill(pid, signal.SIGKILL)
    client.close()
    time.sleep(1)
    wait_until(lambda: in_use(client))


def cold_start(client, pids):
    """(without, with) warming beforehand."""
    warmer = pids()["cache-warmer"]
    os.kill(warmer, signal.SIGSTOP)
    try:
        client.post("/cache/invalidate")
        start_anew(client, pids()["gateway"])
        cold = first_reads(client)
    finally:
        os.kill(warmer, signal.SIGCONT)
    wait_until(lambda: in_use(client))
    client.post("/cache/invalidate")
    wait_until(lambda: client.post("/batch/cache/warm", {"subjects": ["active_sensors"]}).status == 200)
    start_anew(client, pids()["gateway"])
    return cold, first_reads(client)


def rows(row, client, pids):
    rate, per_second = hit_rate(client)
    row("hits", "answers without asking an owner, Zipf(1.0)", 100 * rate, "%", None, f"at {per_second:,.0f} requests/s, from empty on", None, ">= 95")
    cold, warm = cold_start(client, pids)
    row("cold-start", "p99 of the first 10,000 reads, warmed", warm, "ms", cold, "not warmed", warm / cold, "")
