#include "cache/redis_connection.h"
#include "base/clock.h"
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

struct redis_connection {
    redisContext *hiredis;
};

static struct timeval left_until(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_monotonic_us();
    if (left_us < 1000)
        left_us = 1000;
    return (struct timeval){ .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
}

static bool authenticate(struct redis_connection *connection, const struct redis_place *place, int64_t deadline_us)
{
    AUTO_INPLACE(buffer) texts = { .ceiling_bytes = 1024 };
    struct redis_answer answer;
    const struct redis_word password = { place->password, strlen(place->password) };
    const struct redis_command named = { { { "AUTH", 4 }, { place->user, strlen(place->user) }, password }, 3 };
    const struct redis_command ping = { { { "PING", 4 } }, 1 };
    return redis_connection_run(connection, *place->user ? &named : &ping, 1, &answer, &texts, deadline_us) &&
           answer.type == REDIS_TEXT;
}

struct redis_connection *redis_connection_open(const struct redis_place *place, int64_t deadline_us)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->hiredis = redisConnectWithTimeout(place->host, place->port, left_until(deadline_us));
    /* Reading waits in poll; only a send to one who does not read could block longer than this. */
    if (connection->hiredis && connection->hiredis->err == 0 &&
        redisSetTimeout(connection->hiredis, left_until(deadline_us)) == REDIS_OK &&
        authenticate(connection, place, deadline_us))
        return connection;
    redis_connection_close(connection);
    return NULL;
}

void redis_connection_close(struct redis_connection *connection)
{
    if (!connection)
        return;
    if (connection->hiredis)
        redisFree(connection->hiredis);
    free(connection);
}

static bool send_all(struct redis_connection *connection, const struct redis_command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *words[REDIS_MOST_WORDS];
        size_t sizes[REDIS_MOST_WORDS];
        for (size_t w = 0; w < commands[i].count; w++) {
            words[w] = commands[i].words[w].data;
            sizes[w] = commands[i].words[w].size;
        }
        if (redisAppendCommandArgv(connection->hiredis, (int)commands[i].count, words, sizes) != REDIS_OK)
            return false;
    }
    for (int is_done = 0; !is_done;)
        if (redisBufferWrite(connection->hiredis, &is_done) != REDIS_OK)
            return false;
    return true;
}

/* hiredis' own reading waits anew for every piece; this waits until the deadline for all of them together. */
static redisReply *next_reply(struct redis_connection *connection, int64_t deadline_us)
{
    void *reply = NULL;
    while (redisGetReplyFromReader(connection->hiredis, &reply) == REDIS_OK) {
        if (reply)
            return reply;
        int64_t left_us = deadline_us - clock_monotonic_us();
        struct pollfd readable = { .fd = connection->hiredis->fd, .events = POLLIN };
        if (left_us <= 0 || poll(&readable, 1, (int)((left_us + 999) / 1000)) <= 0 ||
            redisBufferRead(connection->hiredis) != REDIS_OK)
            return NULL;
    }
    return NULL;
}

static bool translate(const redisReply *reply, struct redis_answer *answer, struct buffer *texts)
{
    *answer = (struct redis_answer){ .type = REDIS_NIL };
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        answer->type = REDIS_NUMBER;
        answer->number = reply->integer;
        return true;
    case REDIS_REPLY_NIL:
        return true;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        answer->type = reply->type == REDIS_REPLY_ERROR ? REDIS_REFUSED : REDIS_TEXT;
        answer->at = texts->size;
        answer->size = reply->len;
        buffer_put(texts, reply->str, reply->len);
        return buffer_ok(texts);
    default:
        return false; /* nothing that we ask for is answered with a list */
    }
}

bool redis_connection_run(struct redis_connection *connection, const struct redis_command *commands, size_t count,
    struct redis_answer *answers, struct buffer *texts, int64_t deadline_us)
{
    if (!send_all(connection, commands, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = next_reply(connection, deadline_us);
        bool ok = reply && translate(reply, &answers[i], texts);
        if (reply)
            freeReplyObject(reply);
        if (!ok)
            return false;
    }
    return true;
}
