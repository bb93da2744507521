"""Requests made from the OpenAPI document, good and hostile, and what every answer to them must keep to. Random choices come from a random.Random
that the caller gives: a seeded one for volume, Hypothesis' own where a failure shall be made small."""
import datetime
import json
import string
import urllib.parse
import uuid

import jsonschema

HOSTILE_TEXTS = ["", " ", "\x00", "a\x00b", "\x7f\x1b[31m", "'", "\"", "\\", "' OR 1=1 --", "'; DROP TABLE sensor; --", "%s%n%x", "%00", "%2e%2e%2f", "../../etc/passwd",
                 "<script>alert(1)</script>", "${jndi:ldap://x}", "\u202eabc", "\ufeffx", "\U0001f4a7", "\ud800", "e\u0301", "A" * 65, "A" * 300, "A" * 5000,
                 "null", "NaN", "true", "-1", "1e999", "0x10", "2026-02-30T00:00:00Z", "2026-01-01", "9999-12-31T23:59:60Z", "0000-01-01T00:00:00Z",
                 "00000000-0000-0000-0000-000000000000", "*", "a/b", "a b", "\r\nX-Injected: 1", "&x=1", "#", "?", ";", "{id}"]
HOSTILE_NUMBERS = [0, -1, 1, -0.0, 0.1, 1.5, 1e308, -1e308, 5e-324, 2**31 - 1, 2**31, -2**31 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -2**63 - 1, 2**64, 10**30]
HOSTILE_RAW = ["1e999", "-1e999", "NaN", "Infinity", "-", "01", "1.", ".5", "0x1", "\"\\ud800\"", "\"\\u0000\"", "\"\\x\"", "\"\t\"", "tru", "", "[]]", "{\"a\":1,\"a\":2}", "\"unclosed"]
# Operations of services that are not there yet, and the 503 that says so.
NOT_THERE_YET = {"/batch/alerts/resolve": "no-alerting", "/batch/alerts/acknowledge": "no-alerting", "/sensors/{id}/anomalies": "no-detector"}
LEAKS = ("SELECT ", "INSERT INTO", "UPDATE ", "pg_", "PGRES", "relation \"", "violates", "syntax error at", "libpq", "stack", ".c:", "/libs/", "/services/", "nats:", "BEGIN EC",
         "0x7f", "password_hash", "Traceback")


def without_null(value):
    """The document says so: null is as good as absent."""
    if isinstance(value, dict):
        return {name: without_null(item) for name, item in value.items() if item is not None}
    return [without_null(item) for item in value] if isinstance(value, list) else value


class Generator:
    def __init__(self, document):
        self.document = document
        self.ids = {}  # noun: ids and codes that answers have told of
        self.validators = {}
        self.checker = jsonschema.FormatChecker()
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.operations = [(method.upper(), path, item) for path, methods in document["paths"].items() for method, item in methods.items()]

    def resolve(self, schema):
        while "$ref" in schema:
            at = self.document
            for key in schema["$ref"][2:].split("/"):
                at = at[key]
            schema = at
        return schema

    # ---- values -------------------------------------------------------------------------------------------------------------

    def text(self, rng, schema):
        if "enum" in schema:
            return rng.choice(schema["enum"])
        form = schema.get("format")
        if form == "date-time":
            return (datetime.datetime(2025, 1, 1) + datetime.timedelta(seconds=rng.randrange(0, 50_000_000))).isoformat() + rng.choice(["Z", "+00:00", "+02:00", ".5Z"])
        if form == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if "examples" in schema and rng.random() < 0.3:
            return schema["examples"][0]
        least, most = schema.get("minLength", 0), schema.get("maxLength", 24)
        length = rng.randint(least, max(least, min(most, least + 16)))
        letters = string.ascii_letters + string.digits + ("-_.:/" if "pattern" in schema else " -_.:/äß水")
        return "".join(rng.choice(letters) for _ in range(length)) or ("x" if "pattern" in schema else "")

    def number(self, rng, schema, whole):
        least, most = schema.get("minimum", -1000), schema.get("maximum", 1000)
        most = max(least, min(most, least + 100_000))
        return rng.randint(int(least), int(most)) if whole else round(rng.uniform(least, most), 3)

    def value(self, rng, schema, depth=0):
        schema = self.resolve(schema)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                return self.value(rng, rng.choice(schema[choice]), depth)
        if "const" in schema:
            return schema["const"]
        kind = schema.get("type", "object")
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind == "string":
            return self.text(rng, schema)
        if kind in ("integer", "number"):
            return self.number(rng, schema, kind == "integer")
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "null":
            return None
        if kind == "array":
            least = schema.get("minItems", 0)
            return [self.value(rng, schema.get("items", {}), depth + 1) for _ in range(rng.randint(least, max(least, 3)))] if depth < 5 else []
        required = schema.get("required", [])
        return {name: self.value(rng, of, depth + 1) for name, of in schema.get("properties", {}).items()
                if name in required or (depth < 4 and rng.random() < 0.6)}

    def hostile(self, rng):
        return rng.choice([lambda: rng.choice(HOSTILE_TEXTS), lambda: rng.choice(HOSTILE_NUMBERS), lambda: rng.choice([None, True, False, [], {}, [[]], [None], {"": 1}]),
                           lambda: ["x"] * rng.choice([1, 100, 1001]), lambda: {"id": rng.choice(HOSTILE_TEXTS)}])()

    def spoilt(self, rng, value):
        """The value with one place of it changed, added or gone."""
        if isinstance(value, dict) and value and rng.random() < 0.85:
            key = rng.choice(sorted(value))
            what = rng.random()
            if what < 0.15:
                return {name: item for name, item in value.items() if name != key}
            if what < 0.3:
                return {**value, rng.choice(["nonsense", "id", "tenant_id", "state", "__proto__", "", "created_at"]): self.hostile(rng)}
            return {**value, key: self.spoilt(rng, value[key])}
        if isinstance(value, list) and value and rng.random() < 0.8:
            at = rng.randrange(len(value))
            return value[:at] + [self.spoilt(rng, value[at])] + value[at + 1:]
        return self.hostile(rng)

    # ---- requests -----------------------------------------------------------------------------------------------------------

    def path(self, rng, path, item, is_good):
        noun = path.split("/")[1].split(".")[0]
        for parameter in item.get("parameters", []):
            if parameter["in"] != "path":
                continue
            known = self.ids.get(noun if parameter["name"] == "id" else parameter["name"], [])
            if known and rng.random() < 0.7:
                value = rng.choice(known)
            elif noun == "tenants":  # not by chance one that others work in
                value = str(rng.randrange(10**6, 2**31)) if is_good else rng.choice(HOSTILE_TEXTS)
            elif is_good or rng.random() < 0.5:
                value = str(self.value(rng, parameter["schema"]))
            else:
                value = str(rng.choice(HOSTILE_TEXTS))
            path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(value.encode("utf-8", "surrogatepass"), safe="") or "x")
        return path

    def query(self, rng, item, is_good):
        pairs = []
        for parameter in item.get("parameters", []):
            if parameter["in"] != "query" or not (parameter.get("required") or rng.random() < 0.3):
                continue
            schema = self.resolve(parameter["schema"])
            value = self.value(rng, schema) if is_good or rng.random() < 0.6 else self.hostile(rng)
            for one in value if isinstance(value, list) else [value]:
                pairs.append((parameter["name"], json.dumps(one) if isinstance(one, (bool, int, float, dict, list)) or one is None else one))
        if not is_good and rng.random() < 0.3:
            pairs.append((rng.choice(["nonsense", "limit", "cursor", "id", "", "tenant_id"]), rng.choice(HOSTILE_TEXTS)))
        if not is_good and pairs and rng.random() < 0.2:
            pairs.append(rng.choice(pairs))
        text = "&".join(f"{urllib.parse.quote(name)}={urllib.parse.quote(str(value).encode('utf-8', 'surrogatepass'))}" for name, value in pairs)
        if not is_good and rng.random() < 0.1:
            text += rng.choice(["&%zz=1", "&&&", "=", "&limit", "&limit=%", "&a=%ff", "&" + "x" * 3000 + "=1"])
        return "?" + text if text else ""

    def body(self, rng, item, is_good):
        """(bytes, media type, the value or None if it is no JSON)"""
        content = item["requestBody"]["content"]
        media = "application/json" if "application/json" in content else sorted(content)[0]
        if not is_good and rng.random() < 0.1:
            media = rng.choice(sorted(content))
        value = self.value(rng, content[media]["schema"])
        if not is_good and rng.random() < 0.9:
            value = self.spoilt(rng, value)
        if not isinstance(value, (dict, list)) and "json" not in media:
            return str(value).encode("utf-8", "surrogatepass"), media, None
        data = json.dumps(value).encode()
        if not is_good and rng.random() < 0.15:
            what = rng.random()
            if what < 0.4:
                data = data[:rng.randint(0, len(data))]
            elif what < 0.7:
                at = rng.randint(0, len(data))
                data = data[:at] + rng.choice(HOSTILE_RAW).encode() + data[at:]
            else:
                data = rng.choice([b"", b"[" * 2000, b"\xff\xfe{", b"{\"a\":\xff}", b"\x1f\x8b\x08", b"{}{}", b"null", b"\xef\xbb\xbf{}", bytes(64)])
            value = None
        return data, media, value

    def request(self, rng, operation, is_good):
        """(method, target, headers, body, value of the body)"""
        method, path, item = operation
        headers, data, value = {}, None, None
        target = self.path(rng, path, item, is_good) + self.query(rng, item, is_good)
        if "requestBody" in item:
            data, headers["Content-Type"], value = self.body(rng, item, is_good)
        if not is_good and rng.random() < 0.25:
            name = rng.choice(["Accept", "Content-Type", "Prefer", "If-Match", "If-None-Match", "Idempotency-Key", "traceparent", "X-Request-Id", "Content-Encoding",
                               "Origin", "Nwims-Tenant", "Accept-Encoding", "Range", "Forwarded", "X-Forwarded-Proto", "X-Http-Method-Override"])
            text = str(rng.choice(HOSTILE_TEXTS + ["application/json", "text/html", "*/*", "gzip", "W/\"x\"", "\"x\"", "respond-async", "1", "2147483648"]))
            headers[name] = text.replace("\r", "").replace("\n", "").encode("ascii", "replace").decode().replace("\x00", "")
        return method, target, headers, data, value

    # ---- answers ------------------------------------------------------------------------------------------------------------

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(schema, resolver=self.resolver, format_checker=self.checker)
        return self.validators[key]

    def faults(self, operation, request, answer):
        """Everything in which the answer is not as the document says, as texts."""
        method, path, item = operation
        out = []
        response = item["responses"].get(str(answer.status))
        # Alarms and anomalies are kept by services that are not there yet; that these operations say so is their right answer.
        if answer.status >= 500 and f'problem:{NOT_THERE_YET.get(path)}"'.encode() not in answer.body:
            out.append("a fault of the server")
        if response is None:
            return out + [f"{answer.status} is not documented"]
        response = self.resolve(response)
        content = response.get("content", {})
        media = (answer.headers.get("Content-Type") or "").split(";")[0]
        if answer.body and media not in content:
            out.append(f"media type {media!r} is not documented for {answer.status}")
        elif answer.body and "json" in media and "ndjson" not in media:
            error = next(self.validator(content[media]["schema"]).iter_errors(json.loads(answer.body)), None)
            if error:
                out.append(f"the answer is not as its schema: {error.message[:200]} at {list(error.absolute_path)}")
        if not answer.body and content and answer.status not in (304,):
            out.append("no body, where the document has one")
        # What is no HTTP is refused before there is a trace.
        if "X-Request-Id" not in answer.headers or ("traceparent" not in answer.headers and answer.status != 400):
            out.append("no request id or trace")
        for name in response.get("headers", {}):
            if name not in answer.headers and response["headers"][name].get("required"):
                out.append(f"no header {name}")
        if answer.status >= 400:
            text = answer.body.decode("utf-8", "replace")
            detail = json.loads(answer.body).get("detail", "") + json.dumps(json.loads(answer.body).get("errors", "")) if media.endswith("json") else text
            out += [f"the problem shows {leak!r}" for leak in LEAKS if leak in detail and leak not in str(request)]
        # Who skips what is wrong gets an answer to the rest.
        if answer.status < 300 and request[4] is not None and "requestBody" in item and "on_error=skip" not in request[1]:
            media = request[2].get("Content-Type", "application/json").split(";")[0].strip().lower()
            schema = item["requestBody"]["content"].get(media, {}).get("schema")
            error = schema and next(self.validator(schema).iter_errors(without_null(request[4])), None)
            if error and media == "application/json":
                out.append(f"taken, though the document refuses it: {error.message[:200]} at {list(error.absolute_path)}")
        return out

    def learn(self, operation, answer):
        """Ids and codes that later paths may name."""
        if not 200 <= answer.status < 300 or "json" not in (answer.headers.get("Content-Type") or "") or not answer.body:
            return
        value = json.loads(answer.body)
        items = value.get("items", [value]) if isinstance(value, dict) else []
        noun = operation[1].split("/")[1]
        noun = "credential_id" if operation[1].endswith("/credentials") else noun
        if noun == "tenants" and operation[0] == "GET":
            return  # those that were made here will do: a quota for another one would stop who works in it
        for one in items[:20]:
            if isinstance(one, dict) and "id" in one:
                pool = self.ids.setdefault(noun, [])
                pool += [str(one["id"])] + ([one["code"]] if "code" in one and noun == "sensors" else [])
                del pool[:-40]
