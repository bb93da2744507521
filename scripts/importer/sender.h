/* Sends pieces over several connections, each until it is answered; knows up to where everything is stored. The
 * functions are for one thread, the connections run on their own. */
#pragma once
#include "source.h"

struct sender;
struct sender_config {
    const char *url;   /* of the gateway */
    const char *token; /* access token or API key */
    int64_t callers;
    int64_t patience_ms; /* how long a piece is tried while the system is away or busy */
    bool is_wide;
    const char *rejected_path; /* what was refused, a JSON object a line */
};
struct sender_state {
    int64_t offset;                     /* everything before is stored; 0 if nothing yet in this run */
    int64_t stored, duplicate, refused; /* of the pieces before offset */
    int64_t answered;                   /* readings of all answered pieces */
    int64_t retries;
};
MUST_CHECK bool sender_open(struct sender **out_sender, const struct sender_config *config, struct err *err);
/* Ends at once; pieces under way are given up. */
void sender_close(struct sender *sender);
AUTO_DEFINE(sender, sender_close)
/* Waits at most wait_ms for a free place: false with the piece still the caller's. */
bool sender_put_take(struct sender *sender, struct piece *piece, int64_t wait_ms);
/* False when a piece could not be sent for good: the reason in err. */
MUST_CHECK bool sender_look(struct sender *sender, struct sender_state *out_state, bool *out_is_idle, struct err *err);
