/* One connection to Redis, one thread at a time. Every call has a deadline; after a failure the connection is dead.
 * Inside libs/cache only. */
#pragma once
#include "cache/redis.h"

struct redis_connection;
struct redis_place {
    char host[64];
    int port;
    char user[64];
    char password[128];
};
/* Connects and authenticates. NULL if that fails. */
struct redis_connection *redis_connection_open(const struct redis_place *place, int64_t deadline_us);
void redis_connection_close(struct redis_connection *connection);
MUST_CHECK bool redis_connection_run(struct redis_connection *connection, const struct redis_command *commands,
    size_t count, struct redis_answer *answers, struct buffer *texts, int64_t deadline_us);
