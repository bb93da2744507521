/* What the codecs of "sensor: value" objects have in common. Inside libs/ingest only. */
#pragma once
#include "ingest/json_scan.h"
#include "ingest/raw_list.h"

struct value_decoder {
    struct json_scan scan;
    struct raw_list list;
    struct err err;          /* of the list: ERR_LIMIT */
    struct json_text prefix; /* in front of every sensor, with a slash; length 0: none */
    bool takes_unit;         /* [value, "unit"] is a value too */
    const char *number_name; /* of a record's own number; NULL: there is none */
    struct sequence_marks marks;
};
/* Begins to read body; false with err when there is nothing in it. */
MUST_CHECK bool value_decoder_begin(struct value_decoder *decoder, struct arena *arena, const char *body, size_t size);
/* After everything was read (ok): the readings, or why not. */
MUST_CHECK bool value_decoder_end(
    struct value_decoder *decoder, bool ok, const char *codec, struct raw_readings *out_readings, struct err *err);
/* {"<sensor>": value, ...} */
MUST_CHECK bool value_decoder_object(struct value_decoder *decoder);
/* {"<time>": ..., "<values>": {...}}: the time and the number may stand before or behind the values, other
 * members are passed over. */
MUST_CHECK bool value_decoder_record(struct value_decoder *decoder, const char *time_name, const char *values_name);
MUST_CHECK bool json_text_is(const struct json_text *text, const char *wanted);
