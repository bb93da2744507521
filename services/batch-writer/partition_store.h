/* Partitions in PostgreSQL: reads which there are and makes new ones. As the owner of telemetry.reading. */
#pragma once
#include "partition.h"
#include "store/store.h"

/* Reads the list anew. */
MUST_CHECK bool partition_list_load(struct partition_list *list, struct store_session *session, struct err *err);
/* Makes the partition for this time unless another replica just did, and reads the list anew. In a transaction of its
 * own: none may be open. */
MUST_CHECK bool partition_make(
    struct partition_list *list, struct store_session *session, int64_t at, int64_t days, struct err *err);
/* The partition of now and as many after it as asked for. out_made may be NULL. */
MUST_CHECK bool partition_make_ahead(struct partition_list *list, struct store_session *session, int64_t now_us,
    int64_t days, int64_t ahead, size_t *out_made, struct err *err);
