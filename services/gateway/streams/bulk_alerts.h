/* POST /batch/alerts/resolve and /batch/alerts/acknowledge: alarms by ids (a bare list will do) or by filter, for the
 * service alerting. Where that is not there the answer says so. */
#pragma once
#include "route.h"

exchange_handler post_alerts_resolve, post_alerts_acknowledge;
extern const struct hand_written post_alerts_resolve_manual, post_alerts_acknowledge_manual;
