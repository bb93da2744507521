#!/usr/bin/env python3
"""A million real readings in, in file order and again in random order with overlaps: counts exact, every value back to its last digit, hourly aggregates equal
to those computed here. The data is not part of the project; without it the test says so and skips."""
import csv
import datetime
import gzip
import json
import os
import random
import sys
import time
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

DATA = os.environ.get("NWIMS_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data"))
SHARE = float(os.environ.get("NWIMS_DATA_SHARE", "1"))  # of the rows: less for a quick run
CALL = 2000
UTC = datetime.timezone.utc


def bwdf():
    """Local time with two changes a year and one column a district: (sensor, time, value text)."""
    zone, before, fold = zoneinfo.ZoneInfo("Europe/Rome"), None, 0
    with gzip.open(f"{DATA}/bwdf/inflow_to_2022-11-06.csv.gz", "rt") as file:
        rows = csv.reader(file)
        names = [f"BWDF-{n.split('_')[0]}" for n in next(rows)[1:]]
        for row in rows:
            local = datetime.datetime.fromisoformat(row[0])
            fold = 1 if before == local else 0  # the hour that comes twice in October
            before = local
            at = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            for name, value in zip(names, row[1:]):
                if value:
                    yield name, at, value


def gecco():
    with gzip.open(f"{DATA}/gecco/gecco2017_water_quality.csv.gz", "rt") as file:
        rows = csv.reader(file)
        names = [f"GECCO-{n}" for n in next(rows)[1:-1]]
        for row in rows:
            at = datetime.datetime.fromisoformat(row[0]).replace(tzinfo=UTC)
            for name, value in zip(names, row[1:-1]):
                try:
                    float(value)
                except ValueError:
                    continue
                if value.lower() not in ("nan", "inf"):
                    yield name, at, value


def text_of(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def send(client, readings):
    """In calls of CALL; the sums of what came back. Values go as the file has them, digit for digit."""
    total = {"received": 0, "stored": 0, "duplicate": 0, "refused": 0}
    for i in range(0, len(readings), CALL):
        body = "[" + ",".join(f'{{"sensor_id":"{s}","timestamp":"{text_of(at)}","value":{v}}}' for s, at, v in readings[i:i + CALL]) + "]"
        answer = client.post("/batch/readings", body.encode())
        assert answer.status == 200, answer
        for key in total:
            total[key] += answer.json[key]
    return total


def check_aggregates(client, sensor, expected):
    """expected: {time text: value}. Hourly windows as an independent sum over the same readings says."""
    hours = {}
    for at, value in sorted(expected.items()):
        hours.setdefault(at[:13] + ":00:00Z", []).append(value)
    # An answer has at most 20,000 windows; half a year of hours is well under it.
    first = datetime.datetime.fromisoformat(min(hours)[:10]).replace(tzinfo=UTC)
    last = datetime.datetime.fromisoformat(max(hours)[:10]).replace(tzinfo=UTC) + datetime.timedelta(days=1)
    got = {}
    while first < last:
        end = min(first + datetime.timedelta(days=180), last)
        answer = client.get("/readings/aggregate", sensor_id=sensor, window="1h", from_at=text_of(first), to_at=text_of(end))
        assert answer.status == 200, answer
        got.update({w["start_at"]: w for w in answer.json["items"]})
        first = end
    assert set(got) == set(hours), (sensor, len(got), len(hours), sorted(set(got) ^ set(hours))[:5])
    for start, values in hours.items():
        window = got[start]
        assert (window["count"], window["min"], window["max"], window["last"]) == (len(values), min(values), max(values), values[-1]), (sensor, start, window, values)
        assert abs(window["sum"] - sum(values)) <= 1e-9 * max(1, abs(sum(values))), (sensor, start, window)
    return len(hours)


def main():
    if not os.path.isdir(DATA):
        print(f"skipped: no data at {DATA}")
        return 0
    client = nwims.tenant("real")
    readings = list(bwdf()) + list(gecco())
    if SHARE < 1:
        readings = readings[: int(len(readings) * SHARE / 2)] + readings[-int(len(readings) * SHARE / 2):]
    expected = {}
    for sensor, at, value in readings:
        expected.setdefault(sensor, {}).setdefault(text_of(at), float(value))
    unique = sum(len(v) for v in expected.values())
    for sensor in expected:
        nwims.sensor(client, sensor, "flow" if "BWDF" in sensor else "other", "L/s" if "BWDF" in sensor else "1")
    print(f"{len(readings)} readings of {len(expected)} sensors, {unique} distinct")

    started = time.monotonic()
    total = send(client, readings)
    took = time.monotonic() - started
    print(f"in file order: {total}, {len(readings) / took:,.0f} readings/s with one caller")
    assert total == {"received": len(readings), "stored": unique, "duplicate": len(readings) - unique, "refused": 0}, total

    again = random.Random(7).sample(readings, min(len(readings), 300000))
    started = time.monotonic()
    total = send(client, again + again[:50000])
    print(f"again in random order with overlaps: {total}, {(len(again) + 50000) / (time.monotonic() - started):,.0f} readings/s")
    assert total["stored"] == 0 and total["duplicate"] == len(again) + min(50000, len(again)) and total["refused"] == 0, total

    windows = 0
    for sensor, values in expected.items():
        got = dict(nwims.series(client, sensor))
        assert got == values, (sensor, len(got), len(values), [(k, got.get(k), values.get(k)) for k in sorted(set(got) | set(values)) if got.get(k) != values.get(k)][:5])
        windows += check_aggregates(client, sensor, values)
    print(f"every value reads back as the file has it; {windows} hourly windows agree")

    other = nwims.tenant("real-random")
    part = random.Random(11).sample(readings, min(len(readings), 200000))
    for sensor in {s for s, _, _ in part}:
        nwims.sensor(other, sensor, "other", "1")
    total = send(other, part)
    distinct = len({(s, at) for s, at, _ in part})
    assert total["stored"] == distinct and total["stored"] + total["duplicate"] == len(part), (total, distinct)
    print(f"another tenant, random order from the start: {total}")
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
