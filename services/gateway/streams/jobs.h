/* Bulk operations under way: GET /batch/{id}, its failed rows as CSV, and POST /batch/{id}/cancel. An id begins with
 * the name of the operation's owner, who is asked. */
#pragma once
#include "route.h"

exchange_handler get_job, get_job_failures, post_job_cancel;
extern const struct hand_written get_job_manual, get_job_failures_manual, post_job_cancel_manual;
