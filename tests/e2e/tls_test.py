#!/usr/bin/env python3
"""The proxy in front, from outside: TLS with the stack's own CA, HTTP/1.1 and HTTP/2, what it takes off and puts on, and those who smuggle, flood
and drip."""
import concurrent.futures
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nwims

URL, INGEST = os.environ["NWIMS_TLS_URL"], os.environ["NWIMS_TLS_INGEST_URL"]
CA = os.environ["NWIMS_CA_FILE"]


def connect(url=URL, context=None, timeout=60):
    parts = urllib.parse.urlsplit(url)
    raw = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
    try:
        return (context or ssl.create_default_context(cafile=CA)).wrap_socket(raw, server_hostname=parts.hostname)
    except BaseException:
        raw.close()
        raise


def first_line(tls):
    """b"" if the connection was closed without a word."""
    data = b""
    try:
        while b"\r\n" not in data:
            more = tls.recv(4096)
            if not more:
                break
            data += more
    except (ConnectionError, ssl.SSLError):
        pass
    return data.split(b"\r\n")[0]


def curl(*words, url=URL + "/api/v1/system/version"):
    return subprocess.run(["curl", "-s", "-m", "30", *words, url], capture_output=True, text=True)


class Tls(unittest.TestCase):
    def test_the_api_is_there_over_both_versions_of_http_for_who_knows_the_ca(self):
        for version, word in (("1.1", "--http1.1"), ("2", "--http2")):
            out = curl("--cacert", CA, word, "-w", "\n%{http_version} %{http_code}").stdout
            self.assertEqual(out.splitlines()[-1], f"{version} 200", out)
        self.assertEqual(curl("--cacert", CA, url=URL.replace("localhost", "127.0.0.1") + "/docs").returncode, 0)
        self.assertEqual(curl().returncode, 60, "a certificate of nobody was taken")

    def test_headers_of_safety_are_there_and_nothing_tells_of_the_inside(self):
        out = curl("--cacert", CA, "-D", "-", "-o", "/dev/null").stdout.lower()
        for line in ("strict-transport-security: max-age=31536000", "x-content-type-options: nosniff", "x-request-id: ", "traceparent: "):
            self.assertIn(line, out)
        for word in ("server:", "via:", "haproxy", "proxy-secret", "x-powered-by"):
            self.assertNotIn(word, out)

    def test_old_protocols_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                connect(context=context).close()

    def test_requests_that_smuggle_reach_nobody(self):
        for head in ("Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5", "Content-Length: 4x", "Content-Length: +4",
                     "Content-Length: -1", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
                     "Content-Length: 99999999999999999999", "Content-Length: 4\r\n Transfer-Encoding: chunked", "Content-Length : 4"):
            with self.subTest(head=head), connect(timeout=20) as tls:
                # Where the first is taken for shorter than it is, the second would be answered too.
                tls.sendall(f"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\nGET /api/v1/system/version HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                data = b""
                tls.settimeout(3)
                try:
                    while more := tls.recv(65536):
                        data += more
                except (OSError, ssl.SSLError):
                    pass
                self.assertNotIn(b'"version"', data)
                self.assertRegex(data.split(b"\r\n")[0], rb"^$| 4(00|01|13|15|22) ")

    def test_floods_of_headers_are_refused(self):
        for flood in ("X-A: b\r\n" * 5000, "X-A: " + "b" * 100_000 + "\r\n", "Cookie: " + "c" * 20_000 + "\r\n", "".join(f"X-{i}: y\r\n" for i in range(70))):
            with self.subTest(flood=flood[:20]), connect(timeout=20) as tls:
                try:
                    tls.sendall(f"GET /api/v1/system/version HTTP/1.1\r\nHost: x\r\n{flood}\r\n".encode())
                except (ConnectionError, ssl.SSLError):
                    pass
                self.assertRegex(first_line(tls), rb"^$| 4(00|31) ")

    def test_bodies_that_are_too_large_are_refused_at_once(self):
        with connect(timeout=20) as tls:
            tls.sendall(b"POST /api/v1/batch/readings HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n[")
            self.assertIn(b" 413 ", first_line(tls))

    def test_those_who_drip_are_shown_out_and_disturb_nobody(self):
        def drip(pieces):
            began = time.monotonic()
            with connect() as tls:
                try:
                    for piece in pieces:
                        tls.sendall(piece)
                        time.sleep(0.5)
                except (ConnectionError, ssl.SSLError):
                    pass
                return first_line(tls), time.monotonic() - began
        head = [b"GET /api/v1/system/version HTTP/1.1\r\nHost: x\r\n"] + [b"X-A: b\r\n"] * 200
        body = [b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"] + [b" "] * 200
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            drips = [pool.submit(drip, head) for _ in range(40)] + [pool.submit(drip, body) for _ in range(20)]
            time.sleep(2)
            for _ in range(20):
                began = time.monotonic()
                self.assertEqual(curl("--cacert", CA, "-o", "/dev/null", "-w", "%{http_code}").stdout, "200")
                self.assertLess(time.monotonic() - began, 5)
            for job in drips:
                line, took = job.result()
                self.assertRegex(line, rb"^$| 4(00|08) ")
                self.assertLess(took, 30)

    def test_devices_post_over_tls(self):
        api = nwims.tenant("tls")
        device = api.post("/devices", {"code": "TLS", "protocol": "http"}).json
        nwims.sensor(api, "T1", "pressure", "bar", device_id=device["id"])
        secret = api.post(f"/devices/{device['id']}/credentials", {"kind": "token"}).json["secret"]
        out = curl("--cacert", CA, "-H", f"Authorization: Bearer {secret}", "-H", "Content-Type: application/json", "-d", '[{"sensor_id":"T1","value":1}]',
                   "-o", "/dev/null", "-w", "%{http_code}", url=INGEST + "/ingest/v1/readings")
        self.assertEqual(out.stdout, "202", out)

    def test_a_device_shows_a_certificate_instead_of_a_token(self):
        api, name = nwims.tenant("tls-cert"), f"test-{os.getpid()}"
        device = api.post("/devices", {"code": "CERT", "protocol": "http"}).json
        nwims.sensor(api, "C1", "pressure", "bar", device_id=device["id"])
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        digest = subprocess.run([f"{root}/scripts/local/device-certificate", name], capture_output=True, text=True, check=True).stdout.strip()
        made = api.post(f"/devices/{device['id']}/credentials", {"kind": "x509", "fingerprint": digest})
        self.assertEqual(made.status, 201, made)
        files = ["--cert", f"{os.environ['NWIMS_VAR']}/tls/devices/{name}.pem", "--key", f"{os.environ['NWIMS_VAR']}/tls/devices/{name}.key"]

        def post(*words, url=INGEST):
            return curl("--cacert", CA, *words, "-H", "Content-Type: application/json", "-d", '[{"sensor_id":"C1","value":1}]', "-o", "/dev/null", "-w", "%{http_code}",
                        url=url + "/ingest/v1/readings").stdout
        self.assertEqual(post(*files), "202")
        # Saying what the proxy would say is not enough, with or without the proxy in between.
        said = ["-H", f"Nwims-Client-Certificate: {digest}", "-H", "X-Forwarded-For: 9.9.9.9"]
        self.assertEqual(post(*said), "401")
        self.assertEqual(post(*said, url=os.environ["NWIMS_HTTP_INGEST_URL"]), "401")
        self.assertEqual(api.call("DELETE", f"/api/v1/devices/{device['id']}/credentials/{made.json['id']}").status, 204)
        until = time.monotonic() + 2
        while post(*files) == "202" and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(post(*files), "401", "a revoked certificate is still taken")

    def test_a_certificate_that_is_not_of_the_device_ca_ends_the_handshake(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=thief",
                            "-keyout", f"{folder}/key", "-out", f"{folder}/cert"], check=True, capture_output=True)
            out = curl("--cacert", CA, "--cert", f"{folder}/cert", "--key", f"{folder}/key", url=INGEST + "/time")
            self.assertNotEqual(out.returncode, 0, out)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
