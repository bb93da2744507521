/* Keeps from others what a pull consumer was given and has not settled: a thread tells the server, three times in each
 * ack_wait, that it is being worked on. So ack_wait may be short, and what a killed process held comes again soon. It
 * stops when the owner gives no sign of life: what a hung thread holds comes again too. */
#pragma once
#include "bus/bus_internal.h"

struct bus_hold;
/* subscription is borrowed: what has arrived there and waits is held too, which needs it to be taken out. */
MUST_CHECK bool bus_hold_open(
    struct bus_hold **out_hold, struct bus *bus, natsSubscription *subscription, int64_t ack_wait_ms, struct err *err);
/* Ends the thread; what is still held is the caller's to settle, by bus_hold_next. NULL is fine. */
void bus_hold_stop(struct bus_hold *hold);
void bus_hold_close(struct bus_hold *hold);

/* As natsSubscription_NextMsg; messages to acknowledge are held from here on. By the owner's thread, like what
 * follows. */
natsStatus bus_hold_next(struct bus_hold *hold, natsMsg **out_message, int64_t wait_ms);
/* Before the message is destroyed. */
void bus_hold_drop(struct bus_hold *hold, const natsMsg *message);
/* A sign of life while nothing is taken or dropped. */
void bus_hold_renew(struct bus_hold *hold);
