/* Sends the columns of a batch to the stream and waits for their commit if wanted. Inside libs/ingest only. */
#pragma once
#include "base/buffer.h"
#include "base/uuid.h"
#include "ingest/batch_builder.h"

struct batch_outlet {
    struct bus *bus;
    struct bus_inbox *inbox;
    int64_t publish_ms;
};
/* Fills accepted, is_committed, stored and duplicate of out_result. The errors are those of intake_take. */
MUST_CHECK bool batch_publish(const struct batch_outlet *outlet, const struct batch_source *source,
    const struct batch_columns *columns, const struct uuid *batch_id, struct intake_result *out_result,
    struct arena *arena, struct err *err);
/* What stands on a batch beside its columns. */
struct batch_label {
    struct uuid id;
    const struct intake_request *request; /* tenant, protocol, device, peer */
    const char *codec;                    /* NULL: several */
    int64_t received_at;
    const struct device_mark *marks;
    size_t mark_count;
};
/* Rows [first, first + count) as a ReadingBatch. The message's arrays are the columns themselves: their times become
 * deltas in place, so each row can be encoded once. Without any row
 * there are only marks. */
MUST_CHECK bool batch_encode(struct buffer *out, const struct batch_label *label, const struct batch_columns *columns,
    size_t first, size_t count, struct err *err);
/* A UUID of version 8 from what the bytes say, the same for the same. */
struct uuid uuid_of_bytes(const void *bytes, size_t size);
