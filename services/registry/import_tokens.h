/* Tokens for the devices that an import makes (?tokens=true): each is the device's credential from the start, and lies
 * wrapped beside the job until whoever asked for the import takes it, once. */
#pragma once
#include "bulk.h"

/* Whether tokens can be made for the caller: ERR_DENIED without devices:write, ERR_CONFIG without a master key. */
MUST_CHECK bool import_tokens_check(const struct work *work, struct err *err);
/* One for each item that was created, within the transaction of work. */
MUST_CHECK bool import_tokens_make(
    struct work *work, const char *job_id, const struct bulk_item *items, size_t count, struct err *err);
