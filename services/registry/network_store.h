/* Pipe networks in SQL, within the work's transaction: nodes and links, and the assets that they are. */
#pragma once
#include "base/buffer.h"
#include "nwims/v1/assets.pb-c.h"
#include "work.h"

struct inp_network;
struct network_counts {
    bool is_new;
    int64_t created, updated, retired; /* assets */
};

/* The network with this code becomes what the file says; its assets that are no longer there are retired. */
MUST_CHECK bool network_store_import(struct work *work, const Nwims__V1__ImportOptions *options,
    const struct inp_network *network, struct network_counts *out_counts, struct err *err);

/* Parts of a long file until it is whole; what is older than an hour goes. */
MUST_CHECK bool upload_store_put(struct work *work, const Nwims__V1__PutUploadPartRequest *request, struct err *err);
/* Appends the parts and removes them. ERR_INPUT if one is missing. */
MUST_CHECK bool upload_store_take(
    struct work *work, const Nwims__V1__ImportNetworkRequest *request, struct buffer *out, struct err *err);
struct Nwims__V1__ImportRowsRequest;
/* The parts, and the last one that came with the call, become the input of a job; as upload_store_take. */
MUST_CHECK bool upload_store_give(
    struct work *work, const struct Nwims__V1__ImportRowsRequest *request, const char *job_id, struct err *err);
