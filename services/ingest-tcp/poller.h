/* Asks Modbus devices for their registers, each at its period: a thread that looks who is due, and a few that ask.
 * Which devices there are the registry says; of several replicas one asks a device. */
#pragma once
#include "front/event_outlet.h"
#include "ingest/intake.h"
#include "networks.h"

struct poller;
struct poller_config {
    struct bus *bus;
    struct intake *intake;
    struct event_outlet *events;
    struct networks networks; /* that may be reached */
    size_t threads;           /* that ask */
    size_t most_devices;
};
MUST_CHECK bool poller_open(struct poller **out_poller, const struct poller_config *config, struct err *err);
/* What is under way is finished; NULL is fine. */
void poller_close(struct poller *poller);
/* A device may have changed: the list is asked for soon. Any thread. */
void poller_refresh(struct poller *poller);
