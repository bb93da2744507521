/* Bulk operations under way: GET /batch/{id}, its failed rows as CSV, POST /batch/{id}/cancel, and the tokens of an
 * import. An id begins with the name of the operation's owner, who is asked. */
#pragma once
#include "route.h"

exchange_handler get_job, get_job_failures, post_job_cancel, post_job_tokens;
extern const struct hand_written get_job_manual, get_job_failures_manual, post_job_cancel_manual,
    post_job_tokens_manual;
