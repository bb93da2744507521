#!/usr/bin/env python3
"""Sends readings to POST /batch/readings in every form and as gzip; what is wrong in one is said as in JSON."""
import gzip
import json
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

TIMES = [f"2026-03-01T{hour:02}:00:00Z" for hour in range(24)]
FIRST_MS = 1772323200000  # TIMES[0]


def varint(number):
    out = b""
    while True:
        low, number = number & 127, number >> 7
        if not number:
            return out + bytes([low])
        out += bytes([low | 128])


def packed(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def upload(values):
    """nwims.v1.ReadingUpload: the values of the sensor P, an hour apart."""
    deltas = b"".join(varint(hour * 3600 * 1000000 * 2) for hour in range(len(values)))
    return (packed(1, b"P") + packed(2, b"kPa") + packed(3, bytes(len(values))) + varint(4 << 3) + varint(FIRST_MS * 1000) +
            packed(5, deltas) + packed(6, struct.pack(f"<{len(values)}d", *values)))


def forms(values):
    """The same readings of the sensor P in kPa: (media type, body)."""
    items = [{"sensor_id": "P", "value": v, "unit": "kPa", "timestamp": t} for t, v in zip(TIMES, values)]
    yield "application/json", json.dumps(items)
    yield "application/x-ndjson", "\n".join(map(json.dumps, items))
    yield "application/senml+json", json.dumps([{"n": "P", "u": "kPa", "v": v, "t": FIRST_MS / 1000 + 3600 * i} for i, v in enumerate(values)])
    yield "text/csv", "sensor_id,timestamp,value,unit\n" + "".join(f"P,{t},{v},kPa\r\n" for t, v in zip(TIMES, values))
    yield "text/csv", "timestamp;P [kPa]\n" + "".join(f"{t};{v}\n" for t, v in zip(TIMES, values))
    yield "application/x-protobuf", upload(values)


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = nwims.tenant("formats")
        nwims.sensor(cls.api, "P", "pressure", "bar")

    def send(self, body, **headers):
        return self.api.post("/batch/readings", body if isinstance(body, bytes) else body.encode(), headers)

    def test_a_every_form_stores_the_same(self):
        values = [100 + hour * 12.5 for hour in range(24)]
        for number, (media_type, body) in enumerate(forms(values)):
            answer = self.send(body, **{"Content-Type": media_type})
            self.assertEqual(answer.status, 200, (media_type, answer))
            self.assertEqual((answer.json["stored"], answer.json["duplicate"]), (24, 0) if number == 0 else (0, 24), media_type)
        got = nwims.series(self.api, "P", from_at=TIMES[0], to_at="2026-03-02T00:00:00Z")
        self.assertEqual([at for at, _ in got], TIMES)
        for (_, value), sent in zip(got, values):
            self.assertAlmostEqual(value, sent / 100, places=12)

    def test_b_a_body_may_come_as_gzip(self):
        for media_type, body in forms([100 + hour * 12.5 for hour in range(24)]):
            packed_body = gzip.compress(body if isinstance(body, bytes) else body.encode())
            answer = self.send(packed_body, **{"Content-Type": media_type, "Content-Encoding": "gzip"})
            self.assertEqual((answer.status, answer.json["received"]), (200, 24), (media_type, answer))

    def test_one_bad_reading_is_named_and_nothing_is_stored(self):
        for media_type, body in forms([7.0] * 20 + [float("nan")]):
            answer = self.send(body, **{"Content-Type": media_type})
            self.assertEqual(answer.status, 422, (media_type, answer))
            self.assertEqual([e["index"] for e in answer.json["errors"]], [20], media_type)
        answer = self.send('{"sensor_id":"P","value":1}\n{"sensor_id":"P","val\n', **{"Content-Type": "application/x-ndjson"})
        self.assertEqual((answer.status, answer.json["errors"][0]["index"]), (422, 1), answer)

    def test_bodies_that_are_not_what_they_say_are_refused(self):
        for status, headers, body in [
                (400, {"Content-Type": "text/csv"}, b"P,1\n"), (400, {"Content-Type": "text/csv"}, b'sensor_id,value\nP,"1'),
                (400, {"Content-Type": "application/x-protobuf"}, b"[{}]"), (415, {"Content-Type": "text/plain"}, b"P 1"),
                (400, {"Content-Encoding": "gzip"}, b"[]"), (400, {"Content-Encoding": "gzip"}, gzip.compress(b"[]")[:-4]),
                (415, {"Content-Encoding": "br"}, b"[]"), (413, {"Content-Encoding": "gzip"}, gzip.compress(bytes(200 << 20)))]:
            answer = self.send(body, **headers)
            self.assertEqual(answer.status, status, (headers, body[:20], answer))
            self.assertTrue(answer.json["detail"], answer)

    def test_a_hundred_thousand_rows_of_csv_go_in_one_call(self):
        rows = "sensor_id,timestamp,value\n" + "".join(f"P,{FIRST_MS - 86400000 - i * 1000},{i % 90}\n" for i in range(100000))
        answer = self.send(gzip.compress(rows.encode()), **{"Content-Type": "text/csv", "Content-Encoding": "gzip"})
        self.assertEqual((answer.status, answer.json.get("stored")), (200, 100000), answer)
        answer = self.send(rows + "P,0,1\n", **{"Content-Type": "text/csv"})
        self.assertEqual(answer.status, 413, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
