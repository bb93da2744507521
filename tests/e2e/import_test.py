#!/usr/bin/env python3
"""Pipe networks in by POST /assets/import as a user sends them: small, broken, dry, repeated, a hundred thousand pipes in parts, and the real L-TOWN, plain
and as gzip. The real file is not part of the project; without it that case says so and is passed over."""
import gzip
import os
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

DATA = os.environ.get("NWIMS_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data"))
LTOWN = f"{DATA}/battledim/L-TOWN.inp.gz"
SMALL = b"[OPTIONS]\nUnits LPS\n[JUNCTIONS]\nJ1 10 5\nJ2 20 1\n[RESERVOIRS]\nR1 100\n[PIPES]\nP1 R1 J1 100 200 140\nP2 J1 J2 50 100 140\n"
SECTIONS = {"junctions": "[JUNCTIONS]", "reservoirs": "[RESERVOIRS]", "tanks": "[TANKS]", "pipes": "[PIPES]", "pumps": "[PUMPS]", "valves": "[VALVES]"}


def counts_of(text):
    """Lines of each section, comments and empty ones aside: what the import must find."""
    counts, section = dict.fromkeys(SECTIONS.values(), 0), None
    for line in text.splitlines():
        line = line.split(";")[0].strip()
        if line.startswith("["):
            section = line.upper()
        elif line and section in counts:
            counts[section] += 1
    return {name: counts[section] for name, section in SECTIONS.items()}


def send(client, body, headers=None, **query):
    path = "/assets/import?" + "&".join(f"{k}={v}" for k, v in query.items())
    return client.post(path, body, {"Content-Type": "text/plain", **(headers or {})})


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = nwims.tenant("import")

    def test_a_small_network_comes_in_and_can_be_looked_at(self):
        answer = send(self.client, SMALL, network="SMALL")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["network"]["pipes"], answer.json["created"]), (2, 3))
        network = self.client.get("/networks/SMALL")
        self.assertEqual((network.status, network.json["junctions"]), (200, 2), network)
        pipes = self.client.get("/assets", kind="pipe", network_id=network.json["id"])
        self.assertEqual([(a["code"], a["from_node"], a["length_m"]) for a in pipes.json["items"]],
                         [("SMALL/pipe/P1", "R1", 100), ("SMALL/pipe/P2", "J1", 50)])

    def test_a_broken_file_is_refused_with_its_line_and_nothing_is_kept(self):
        answer = send(self.client, SMALL + b"P-1 J1 J-77 1 2 3\n", network="BROKEN")
        self.assertIn(answer.status, (400, 422), answer)
        self.assertIn("line 11: pipe P-1 refers to node J-77, which is not defined", answer.json["detail"])
        self.assertEqual(self.client.get("/networks/BROKEN").status, 404)

    def test_a_dry_run_changes_nothing(self):
        answer = send(self.client, SMALL, network="DRY", dry_run="true")
        self.assertEqual((answer.status, answer.json["dry_run"], answer.json["created"]), (200, True, 3), answer)
        self.assertEqual(self.client.get("/networks/DRY").status, 404)

    def test_a_call_that_comes_again_is_done_once(self):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first, second = (send(self.client, SMALL, key, network="ONCE") for _ in range(2))
        self.assertEqual((first.status, second.status), (200, 200), second)
        self.assertEqual(first.json, second.json)

    def test_what_is_no_such_file_is_refused(self):
        for body, query, status in ((b"{}", {"network": "X"}, (400, 422)), (b"", {"network": "X"}, (400, 422)), (SMALL, {}, (422,)),
                                    (SMALL, {"network": "X", "nonsense": "1"}, (422,)), (SMALL, {"network": "X" * 21}, (422,))):
            self.assertIn(send(self.client, body, **query).status, status, (body, query))
        self.assertEqual(self.client.post("/assets/import?network=X", {}).status, 415)
        self.assertEqual(nwims.Client().post("/assets/import?network=X", SMALL, {"Content-Type": "text/plain"}).status, 401)

    def test_a_hundred_thousand_pipes_come_in(self):
        count = 100000
        lines = ["[OPTIONS]", "Units LPS", "[RESERVOIRS]", "N0 10", "[JUNCTIONS]"] + [f"N{i} 5 0.1" for i in range(1, count + 1)]
        lines += ["[PIPES]"] + [f"P{i} N{i - 1} N{i} 10 100 130" for i in range(1, count + 1)]
        lines += ["[COORDINATES]"] + [f"N{i} {i}.25 17.5" for i in range(count + 1)]
        body, began = "\n".join(lines).encode(), time.monotonic()
        self.client.timeout = 300
        answer = send(self.client, gzip.compress(body), {"Content-Encoding": "gzip"}, network="HUGE")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["network"]["pipes"], answer.json["created"]), (count, count + 1))
        print(f"100,000 pipes, {len(body):,} bytes: {time.monotonic() - began:.1f} s")

    def test_l_town_comes_in_with_all_that_is_in_it(self):
        if not os.path.exists(LTOWN):
            self.skipTest(f"{LTOWN} is not there")
        with open(LTOWN, "rb") as file:
            packed = file.read()
        text = gzip.decompress(packed)
        wanted = counts_of(text.decode())
        for body, headers in ((text, {}), (packed, {"Content-Encoding": "gzip"})):
            answer = send(self.client, body, headers, network="L-TOWN")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual({name: answer.json["network"][name] for name in wanted}, wanted)

    # ---- on a map, and gone ----
    def features(self, network, **query):
        """Every feature of a network, over all pages."""
        out, cursor, pages = [], None, 0
        while True:
            answer = self.client.get(f"/networks/{network}/geojson", **query, **({"cursor": cursor} if cursor else {}))
            self.assertEqual((answer.status, answer.headers["Content-Type"], answer.json["type"]), (200, "application/geo+json", "FeatureCollection"), answer)
            self.assertLessEqual(len(answer.json["features"]), query.get("limit", 1000))
            out, cursor, pages = out + answer.json["features"], answer.json.get("next_cursor"), pages + 1
            if not cursor:
                return out, pages

    def test_a_network_is_on_a_map_by_its_own_plane_or_where_its_origin_lies(self):
        placed = SMALL.replace(b"[PIPES]", b"[COORDINATES]\nR1 0 0\nJ1 1000 0\nJ2 1000 500\n[PIPES]")
        self.assertEqual(send(self.client, placed, network="MAP").status, 200)
        found, _ = self.features("MAP")
        shapes = {f["properties"]["code"]: f["geometry"] for f in found}
        self.assertEqual(shapes["J1"], {"type": "Point", "coordinates": [1000, 0]})
        self.assertEqual(shapes["P2"], {"type": "LineString", "coordinates": [[1000, 0], [1000, 500]]})
        pipe = next(f for f in found if f["properties"]["code"] == "P1")
        self.assertEqual((pipe["properties"]["kind"], pipe["properties"]["length_m"], pipe["properties"]["from_node"]), ("pipe", 100, "R1"))
        self.assertEqual(self.client.get(f"/assets/{pipe['id']}").json["code"], "MAP/pipe/P1")
        for limit in (1, 2, 3, 5):
            pages, count = self.features("MAP", limit=limit)
            self.assertEqual([f["properties"]["code"] for f in pages], [f["properties"]["code"] for f in found], limit)
            self.assertEqual(count, -(-len(found) // limit), limit)
        earth, _ = self.features("MAP", origin_latitude=46, origin_longitude=7)
        east, north = next(f["geometry"]["coordinates"] for f in earth if f["properties"]["code"] == "J2")
        self.assertAlmostEqual(east, 7 + 1000 / 77463, places=5)  # a degree at 46 N is 77.46 km wide and 111.15 km high
        self.assertAlmostEqual(north, 46 + 500 / 111151, places=5)
        for query in ({"origin_latitude": 46}, {"origin_latitude": 91, "origin_longitude": 7}, {"limit": 0}, {"cursor": "x"}):
            self.assertEqual(self.client.get("/networks/MAP/geojson", **query).status, 422, query)
        self.assertEqual(nwims.tenant("import-other").get("/networks/MAP/geojson").status, 404)

    def test_a_network_goes_with_its_assets_only_if_that_is_said(self):
        self.assertEqual(send(self.client, SMALL, network="GOES").status, 200)
        network = self.client.get("/networks/GOES").json["id"]
        kept = self.client.call("DELETE", "/api/v1/networks/GOES")
        self.assertEqual(kept.status, 409, kept)
        self.assertIn("with_assets=true", kept.json["detail"])
        pipe = self.client.get("/assets", network_id=network).json["items"][0]["id"]
        part = self.client.post("/assets", {"code": "VALVE-ON-PIPE", "kind": "valve", "parent_id": pipe}).json["id"]
        self.assertEqual(self.client.call("DELETE", "/api/v1/networks/GOES?with_assets=true").status, 409)
        self.assertEqual(len(self.client.get("/assets", network_id=network).json["items"]), 3)  # nothing of it has gone
        self.assertEqual(self.client.call("DELETE", f"/api/v1/assets/{part}").status, 204)
        self.assertEqual(nwims.tenant("import-foe").call("DELETE", f"/api/v1/networks/{network}?with_assets=true").status, 404)
        self.assertEqual(self.client.call("DELETE", "/api/v1/networks/GOES?with_assets=true").status, 204)
        self.assertEqual(self.client.get("/networks/GOES").status, 404)
        self.assertEqual(self.client.get(f"/assets/{pipe}").status, 404)
        self.assertEqual(send(self.client, SMALL, network="GOES").json["created"], 3)  # and may come again


if __name__ == "__main__":
    unittest.main(verbosity=2)
