/* Sparkplug B (Sparkplug 3.0): what a node's births said about its metrics, and readings out of its messages. The
 * sensor's code is the metric's name, with "<device>/" in front for metrics of a device behind the node. No I/O. */
#pragma once
#include "ingest/intake.h"
#include "mqtt_packet.h"

enum sparkplug_kind { SPARKPLUG_NBIRTH, SPARKPLUG_DBIRTH, SPARKPLUG_NDATA, SPARKPLUG_DDATA, SPARKPLUG_DEATH };
struct sparkplug_topic {
    enum sparkplug_kind kind;
    struct mqtt_text group, node, device; /* device: length 0 for the node itself */
};
/* rest: what follows spBv1.0/. False if it is none that a node publishes to. */
MUST_CHECK bool sparkplug_topic_read(struct sparkplug_topic *out_topic, const struct mqtt_text *rest);

/* Names and types of a node's metrics. Never changes once made, so any thread may read it; each holder gives it back.
 */
struct sparkplug_names;
struct sparkplug_names *sparkplug_names_hold(struct sparkplug_names *names); /* NULL is fine */
void sparkplug_names_drop(struct sparkplug_names *names);
/* What is known after a birth: of a node it replaces everything, of a device it adds to before (NULL: nothing).
 * ERR_INPUT if the birth is malformed, ERR_LIMIT beyond SPARKPLUG_MOST_METRICS. */
enum { SPARKPLUG_MOST_METRICS = 5000 };
MUST_CHECK bool sparkplug_learn(struct sparkplug_names **out_names, const struct sparkplug_names *before,
    const struct sparkplug_topic *topic, const struct mqtt_text *payload, struct arena *arena, struct err *err);

struct sparkplug_message {
    struct raw_readings readings;
    bool has_sequence;
    uint8_t sequence;
    size_t unknown; /* metrics whose alias no birth has told */
};
/* Control metrics (bdSeq, Node Control/...) are no readings; nor are those with an unknown alias. */
MUST_CHECK bool sparkplug_read(struct sparkplug_message *out_message, const struct sparkplug_names *names,
    const struct sparkplug_topic *topic, const struct mqtt_text *payload, struct arena *arena, struct err *err);
/* NCMD: "Node Control/Rebirth" = true. */
MUST_CHECK bool sparkplug_put_rebirth(struct buffer *out, int64_t now_ms, struct err *err);
