/* A sensor with its thresholds, as bulk operations write it: one row, one message. */
#pragma once
#include "bulk.h"
#include "nwims/v1/bulk.pb-c.h"

extern const struct entity sensor_record_entity;
/* struct bulk_kind's prepare and review. */
MUST_CHECK bool sensor_record_prepare(
    struct work *work, ProtobufCMessage *wanted, const ProtobufCMessage *existing, struct err *err);
MUST_CHECK bool sensor_record_review(
    struct work *work, const ProtobufCMessage *wanted, const ProtobufCMessage *written, struct err *err);
