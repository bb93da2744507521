/* Many things changed or made in one call: what the bulk operations share. An operation reads its items one after the
 * other from a source and applies them in chunks: to a transaction that is committed at the end (all or nothing, and
 * dry runs, which are not), or, if bad ones are to be skipped, chunk by chunk. */
#pragma once
#include "entity.h"
#include "jobs/job_runner.h"
#include "work.h"

enum {
    BULK_MOST_ITEMS = 100000,
    BULK_AT_ONCE = 1000, /* answered within the call; beyond it is a job */
    BULK_CHUNK = 250,    /* of a job: applied between two looks at what else there is to do */
};

struct bulk_kind {
    const char *name;   /* of the job, and the action of its audit record */
    const char *plural; /* needs the permission "<plural>:bulk" */
    const struct entity *entity;
    bool makes_new;        /* what is not there is made; else it is a failure */
    bool is_made_together; /* new ones in one statement a chunk: prepare and review do no I/O */
    /* What is special to the entity, before it is written, and after: existing is NULL for a new one. May be NULL. */
    bool (*prepare)(struct work *work, ProtobufCMessage *wanted, const ProtobufCMessage *existing, struct err *err);
    bool (*review)(struct work *work, const ProtobufCMessage *wanted, const ProtobufCMessage *written, struct err *err);
};
extern const struct bulk_kind bulk_sensors_update, bulk_devices_import, bulk_sensors_import, bulk_assets_import;

/* One thing, and what becomes of it. Texts live in the arena of the chunk. */
struct bulk_item {
    int64_t index;
    int64_t line;               /* 0: not of a file */
    const char *name;           /* what it is found by: its id or code; of imports its code */
    ProtobufCMessage *message;  /* of the entity's type: what is to be */
    const char *row;            /* as it came; NULL: not of a file */
    const char *outcome;        /* created, updated, unchanged, failed */
    const char *field, *reason; /* set before it is applied: it was bad as it came */
    char id[UUID_TEXT_SIZE];
};

/* Gives items in order, up to most; none: that was all. Items that cannot be read are given with a reason. False only
 * where there is no going on. */
struct bulk_source {
    void *context;
    bool (*next)(
        void *context, struct work *work, struct bulk_item *items, size_t most, size_t *out_count, struct err *err);
    /* Passes over the first so many items: a job is taken up again. */
    bool (*skip)(void *context, int64_t count, struct err *err);
    const char *heading; /* of the rows that failed */
};

/* Applies items within the transaction of work; each gets its outcome, and counts is added to. False only where the
 * whole must be given up. */
MUST_CHECK bool bulk_apply(struct work *work, const struct bulk_kind *kind, struct bulk_item *items, size_t count,
    struct job_counts *counts, struct err *err);

/* What the caller asked for, beside the items. */
struct bulk_wish {
    const struct bulk_kind *kind;
    bool is_dry_run;
    bool skips_bad;
    bool makes_tokens; /* for the devices that are made */
    int64_t total;
};
/* In the call that asks. */
MUST_CHECK bool bulk_do_now(struct work *work, const struct bulk_wish *wish, const struct bulk_source *source,
    Nwims__V1__Job *reply, struct err *err);
/* Puts a job in place of it; request is what whoever works on it will read. Not committed yet. */
MUST_CHECK bool bulk_do_later(struct work *work, const struct bulk_wish *wish, const void *request, size_t request_size,
    char out_id[UUID_TEXT_SIZE], struct err *err);
/* Commits and answers with the job. */
MUST_CHECK bool bulk_answer_later(struct work *work, const char *id, Nwims__V1__Job *reply, struct err *err);
/* On the runner's thread; whether it is dry and skips stands in the job. */
MUST_CHECK bool bulk_do_job(struct registry *registry, struct job *job, const struct bulk_wish *wish,
    const struct bulk_source *source, struct err *err);

/* The same, where it turns out that it cannot be done at all: err says why. */
MUST_CHECK bool bulk_refuse_job(
    struct registry *registry, struct job *job, const struct bulk_kind *kind, const struct err *why, struct err *err);

/* The job handlers of this service, { 0 } last; context is the struct registry. */
extern const struct job_kind registry_jobs[];
job_handler sensors_update_job, import_rows_job, rejections_replay_job;
MUST_CHECK bool bulk_read_options(
    struct rpc_call *call, const Nwims__V1__BulkOptions *options, struct bulk_wish *out_wish, struct err *err);
