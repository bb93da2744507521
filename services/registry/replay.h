/* Takes up again what could not be taken: the body goes the way that it went when it came, with the time at which it
 * came, so that what was stored of it before is stored once. */
#pragma once
#include "refusal_store.h"

struct replay_desk;
/* What it needs besides the database: sensors and profiles, and the way into READINGS. */
MUST_CHECK bool replay_desk_open(struct replay_desk **out_desk, struct bus *bus, struct err *err);
void replay_desk_close(struct replay_desk *desk);
AUTO_DEFINE(replay_desk, replay_desk_close)

/* What became of one. */
struct replay {
    char id[UUID_TEXT_SIZE];
    const char *state; /* accepted, partly, refused; NULL: not taken up (again) */
    int64_t accepted, refused;
    const char *detail; /* why not all were taken; NULL: they were */
    bool was_accepted;  /* before: nothing was done */
};
enum { REPLAY_AT_ONCE = 100 };
/* Takes up those of rows (REPLAY_COLUMNS), and writes what became of each; in the session's transaction, for the
 * caller. False where there is no going on for now: the bus is away, READINGS is full. What went to READINGS by then is
 * there, and taken up again it is the same. */
#define REPLAY_COLUMNS "r.id, r.state, r.protocol, r.device_id, d.code, r.content_type, r.received_at, r.raw, r.size"
MUST_CHECK bool replay_rows(struct replay_desk *desk, struct store_session *session, const struct rpc_caller *caller,
    const struct store_result *rows, struct replay *out_replays, struct arena *arena, struct err *err);
