/* What the files of this library share. */
#pragma once
#include "jobs/job_runner.h"

/* Within the session's transaction; kept_bytes is brought up to date. */
MUST_CHECK bool job_put_failures(struct store_session *session, int32_t tenant_id, const char *id,
    const struct job_failure *failures, size_t count, int64_t *kept_bytes, struct err *err);
