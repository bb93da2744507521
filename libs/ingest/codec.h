/* Bodies of readings in: every decoder is bounded, copies nothing it need not, and says where it stopped. Texts in the
 * result point into the body or the arena. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "ingest/intake.h"
#include "ingest/payload_profile.h"

/* The seed's form: an array of {"sensor_id": "SENSOR_001", "value": 3.5, "unit": "bar",
 * "timestamp"|"time"|"observed_at": RFC 3339 or milliseconds since the epoch, "status": n}, one such object, or
 * {"readings": [...]}. ERR_INPUT (with the byte offset) if the body is no such JSON; a single item that is wrong (no
 * value, a text for a value) becomes that item's fault, so that every one can be reported. At most
 * INTAKE_MOST_READINGS: ERR_LIMIT. Scans in one pass, no tree. */
MUST_CHECK bool codec_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* The same objects, one a line. A line that is no JSON becomes that reading's fault; empty lines are passed over. */
MUST_CHECK bool codec_ndjson_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* CSV with a header (base/csv.h). Long, one reading a row: columns sensor_id and value, and unit, timestamp, status in
 * any order, others passed over. Wide, one time a row: the first column is timestamp (or time, observed_at), each other
 * is named by a sensor, with its unit in square brackets if that is not the sensor's own ("SENSOR_001 [psi]"); an empty
 * cell is no reading. Values have a decimal point. ERR_INPUT with the line where the text is no such CSV. */
MUST_CHECK bool codec_csv_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* nwims.v1.ReadingUpload. ERR_INPUT if it is none or its columns do not fit together. */
MUST_CHECK bool codec_protobuf_decode(
    struct raw_readings *out_readings, struct arena *arena, const void *body, size_t size, struct err *err);
/* SenML JSON (RFC 8428): base values carry forward, relative times resolved against received_at_us, names are sensor
 * codes (bn + n); records with vs, vb or vd become faults (vb: 0 or 1). bver > 10 and unknown labels ending in "_" are
 * refused. */
MUST_CHECK bool codec_senml_json_decode(struct raw_readings *out_readings, struct arena *arena, const char *body,
    size_t size, int64_t received_at_us, struct err *err);
/* What a device sends on its own topics: the seed's form, or the compact one, told apart by their members.
 * {"t": seconds or milliseconds since the epoch or RFC 3339, "m": {"<sensor>": 12.5, "<sensor>": [4.12, "bar"]}}, a
 * list of such, or {"b": [...]}; "d" (device) and "v" (1) may stand beside, and "s", the record's number in
 * the device's own sequence, which becomes a mark. true and false are 1 and 0.
 */
MUST_CHECK bool codec_device_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
MUST_CHECK bool codec_compact_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* ThingsBoard's telemetry: {"<sensor>": value, ...}, {"ts": milliseconds, "values": {...}}, or a list of both. */
MUST_CHECK bool codec_thingsboard_json_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* Its gateways': {"<device>": [as above], ...}. The sensor's code is "<device>/<key>". */
MUST_CHECK bool codec_thingsboard_gateway_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* One value as text (" 12.5 "), or as JSON that is a number, of the sensor that is named. */
MUST_CHECK bool codec_bare_decode(struct raw_readings *out_readings, struct arena *arena, const char *sensor,
    size_t sensor_length, const char *body, size_t size, struct err *err);
/* SenML CBOR (RFC 8428, section 6): as codec_senml_json_decode. Arrays and maps of no said length are taken, texts in
 * pieces are not; numbers may be decimal fractions. */
MUST_CHECK bool codec_senml_cbor_decode(struct raw_readings *out_readings, struct arena *arena, const char *body,
    size_t size, int64_t received_at_us, struct err *err);
/* The compact form of codec_device_json_decode in CBOR (RFC 8949): {"t": ..., "m": {...}}, a list of such, {"b":
 * [...]}.
 */
MUST_CHECK bool codec_compact_cbor_decode(
    struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size, struct err *err);
/* Cayenne LPP. The sensor's code is "<device>/<type>_<channel>" with the types' usual names ("LOGGER-7/temperature_3";
 * of several axes "LOGGER-7/gps_1_latitude"); a unix time (133) is that of the values behind it. ERR_INPUT if a value
 * is cut off or of no known type: what follows could not be told apart. */
MUST_CHECK bool codec_cayenne_decode(struct raw_readings *out_readings, struct arena *arena, const char *device_code,
    const void *body, size_t size, struct err *err);
/* Bytes as the device's profile declares them (payload_profile.h). ERR_INPUT if they are fewer than it needs. */
MUST_CHECK bool codec_binary_decode(struct raw_readings *out_readings, struct arena *arena,
    const struct payload_profile *profile, const char *device_code, const void *body, size_t size,
    int64_t received_at_us, struct err *err);
/* InfluxDB's line protocol: a reading a field. The sensor's code is the tag sensor_id (or sensor), else the
 * measurement; a field that is not called "value" stands behind it ("PUMP-1/flow"). The tag unit is its unit. Times
 * count in unit_ns. A line that is wrong is one reading at fault, which says the line; texts within quotes are faults
 * too. */
MUST_CHECK bool codec_influx_decode(struct raw_readings *out_readings, struct arena *arena, const char *body,
    size_t size, int64_t unit_ns, struct err *err);
/* What its clients call precision: ns, n, us, u, ms, s, m, h. */
MUST_CHECK bool codec_influx_unit(const char *precision, int64_t *out_unit_ns);
