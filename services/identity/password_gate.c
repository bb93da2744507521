#include "password_gate.h"
#include "base/condition.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdlib.h>

struct password_gate {
    pthread_mutex_t lock;
    pthread_cond_t has_place;
    int64_t most_running, most_waiting;
    int64_t running, waiting;
    struct metric *refused;
    struct metric *waiting_now;
};

bool password_gate_open(struct password_gate **out_gate, int64_t most_running, int64_t most_waiting, struct err *err)
{
    struct password_gate *gate = calloc(1, sizeof *gate);
    if (!gate)
        return err_set(err, ERR_LIMIT, "no memory for the password gate");
    gate->most_running = most_running;
    gate->most_waiting = most_waiting;
    gate->refused = metrics_counter(
        "nwims_identity_password_refused_total", NULL, "Password checks refused because too many were waiting.");
    gate->waiting_now =
        metrics_gauge("nwims_identity_password_waiting", NULL, "Password checks that wait for their turn.");
    pthread_mutex_init(&gate->lock, NULL);
    condition_init(&gate->has_place);
    *out_gate = gate;
    return true;
}

void password_gate_close(struct password_gate *gate)
{
    if (!gate)
        return;
    pthread_cond_destroy(&gate->has_place);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

/* False when the time is over. */
static bool wait_for_place(struct password_gate *gate, int64_t deadline_us)
{
    bool in_time = true;
    gate->waiting++;
    metric_set(gate->waiting_now, (double)gate->waiting);
    while (gate->running >= gate->most_running && in_time)
        in_time = condition_wait_until(&gate->has_place, &gate->lock, deadline_us);
    gate->waiting--;
    metric_set(gate->waiting_now, (double)gate->waiting);
    return gate->running < gate->most_running;
}

bool password_gate_enter(struct password_gate *gate, int64_t deadline_us, struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&gate->lock);
    if (gate->running >= gate->most_running) {
        if (gate->waiting >= gate->most_waiting)
            ok = err_set(err, ERR_LIMIT, "too many passwords are being checked, try again later");
        else if (!wait_for_place(gate, deadline_us))
            ok = err_set(err, ERR_DEADLINE, "the password could not be checked in time");
    }
    gate->running += ok;
    pthread_mutex_unlock(&gate->lock);
    if (!ok)
        metric_add(gate->refused, 1);
    return ok;
}

void password_gate_leave(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->running--;
    pthread_cond_signal(&gate->has_place);
    pthread_mutex_unlock(&gate->lock);
}
