#include "sender.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/queue.h"
#include "http/http_client.h"
#include "transcode/json_tree.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WINDOW: pieces between the oldest that is not answered and the newest that was taken. */
enum { MOST_CALLERS = 64, WINDOW = 256, CALL_MS = 120000, LEAST_WAIT_MS = 200, LONGEST_WAIT_MS = 10000 };

struct outcome {
    bool is_done;
    int64_t end_offset, stored, duplicate, refused;
};
struct sender {
    struct sender_config config;
    char batch_url[512], authorization[8400];
    struct queue *pieces;
    pthread_t threads[MOST_CALLERS];
    int64_t thread_count;
    atomic_bool must_stop;
    FILE *rejected;
    pthread_mutex_t lock; /* guards what follows and the file */
    struct outcome outcomes[WINDOW];
    size_t taken, done; /* numbers of pieces: taken so far, answered without a gap */
    struct sender_state state;
    struct err failure;
};

static void fail(struct sender *sender, const struct err *err)
{
    pthread_mutex_lock(&sender->lock);
    if (sender->failure.kind == ERR_NONE)
        sender->failure = *err;
    pthread_mutex_unlock(&sender->lock);
    atomic_store(&sender->must_stop, true);
}

/* ---- one answer ---- */
static int64_t count_in(const cJSON *answer, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(answer, name);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static const char *text_in(const cJSON *item, const char *name)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(item, name);
    return cJSON_IsString(text) ? text->valuestring : "";
}

static void keep_rejected(struct sender *sender, const struct piece *piece, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        AUTO_INPLACE(buffer) line = { 0 };
        struct json_writer writer;
        json_writer_init(&writer, &line);
        json_begin_object(&writer);
        if (!sender->config.is_wide)
            json_put_int(&writer, "line", piece->first_line + count_in(item, "index"));
        else
            json_put_int(&writer, "after_line", piece->first_line);
        json_put_text(&writer, "field", text_in(item, "field"));
        json_put_text(&writer, "code", text_in(item, "code"));
        json_put_text(&writer, "reason", text_in(item, "reason"));
        json_end_object(&writer);
        pthread_mutex_lock(&sender->lock);
        fprintf(sender->rejected, "%s\n", line.data ? line.data : "");
        fflush(sender->rejected);
        pthread_mutex_unlock(&sender->lock);
    }
}

static void count_done(struct sender *sender, const struct piece *piece, const struct outcome *outcome)
{
    pthread_mutex_lock(&sender->lock);
    sender->outcomes[piece->number % WINDOW] = *outcome;
    sender->state.answered += piece->readings;
    for (struct outcome *at; (at = &sender->outcomes[sender->done % WINDOW])->is_done; sender->done++) {
        sender->state.offset = at->end_offset;
        sender->state.stored += at->stored;
        sender->state.duplicate += at->duplicate;
        sender->state.refused += at->refused;
        at->is_done = false;
    }
    pthread_mutex_unlock(&sender->lock);
}

static void note_done(struct sender *sender, const struct piece *piece, const cJSON *answer, bool none_was_good)
{
    const struct outcome outcome = { .is_done = true,
        .end_offset = piece->end_offset,
        .stored = count_in(answer, "stored"),
        .duplicate = count_in(answer, "duplicate"),
        .refused = none_was_good ? piece->readings : count_in(answer, "refused") };
    keep_rejected(sender, piece, cJSON_GetObjectItemCaseSensitive(answer, none_was_good ? "errors" : "rejected"));
    count_done(sender, piece, &outcome);
}

/* ---- one piece ---- */
static bool is_worth_a_retry(int status)
{
    return status == 0 || status == 202 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static int64_t wait_wanted_ms(struct http_client *client, int64_t wait_ms)
{
    const char *after = http_client_header(client, "Retry-After");
    long seconds = after ? strtol(after, NULL, 10) : 0;
    return seconds > 0 && seconds < 600 ? seconds * 1000 : wait_ms;
}

/* 202: the stream has the batch but PostgreSQL did not answer in time; sent again it is found to be there. */
static bool post(struct sender *sender, struct http_client *client, const struct piece *piece, int *out_status,
    struct buffer *answer, struct err *err)
{
    const char *const headers[] = { "Content-Type: text/csv", sender->authorization, "Expect:", NULL };
    const struct http_call call = { .method = "POST",
        .url = sender->batch_url,
        .headers = headers,
        .body = piece->body.data,
        .size = piece->body.size,
        .timeout_ms = CALL_MS };
    *out_status = 0;
    buffer_reset(answer);
    return http_client_call(client, &call, out_status, answer, err);
}

static bool read_answer(
    struct sender *sender, const struct piece *piece, int status, const struct buffer *answer, struct err *err)
{
    AUTO(cJSON) tree = NULL;
    bool is_json = json_tree_parse(&tree, answer->data ? answer->data : "", answer->size, err);
    bool none_was_good = status == 422 && cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(tree, "errors"));
    if (is_json && (status == 200 || none_was_good)) {
        note_done(sender, piece, tree, none_was_good);
        return true;
    }
    return err_set(err, ERR_INPUT, "line %lld and on: the system answers %d: %s", (long long)piece->first_line, status,
        is_json ? text_in(tree, "detail") : "");
}

static bool send_piece(struct sender *sender, struct http_client *client, const struct piece *piece, struct err *err)
{
    AUTO_INPLACE(buffer) answer = { 0 };
    int64_t give_up_us = clock_monotonic_us() + sender->config.patience_ms * 1000, wait_ms = LEAST_WAIT_MS;
    for (;;) {
        int status;
        struct err away = { 0 };
        bool was_answered = post(sender, client, piece, &status, &answer, &away);
        if (was_answered && !is_worth_a_retry(status))
            return read_answer(sender, piece, status, &answer, err);
        if (clock_monotonic_us() > give_up_us)
            return err_set(err, ERR_TRANSIENT, "no good answer for %lld s (%s %d): start the same command again later",
                (long long)sender->config.patience_ms / 1000, was_answered ? "status" : away.text, status);
        pthread_mutex_lock(&sender->lock);
        sender->state.retries++;
        pthread_mutex_unlock(&sender->lock);
        for (int64_t left = was_answered ? wait_wanted_ms(client, wait_ms) : wait_ms; left > 0; left -= LEAST_WAIT_MS) {
            if (atomic_load(&sender->must_stop))
                return err_set(err, ERR_TRANSIENT, "ended");
            clock_sleep_ms(LEAST_WAIT_MS);
        }
        wait_ms = wait_ms * 2 > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait_ms * 2;
    }
}

static void *run(void *argument)
{
    struct sender *sender = argument;
    struct err err = { 0 };
    AUTO(http_client) client = NULL;
    bool ok = http_client_open(&client, &err);
    while (ok && !atomic_load(&sender->must_stop)) {
        AUTO(piece) piece = queue_pop(sender->pieces, LEAST_WAIT_MS);
        ok = !piece || send_piece(sender, client, piece, &err);
    }
    if (!ok)
        fail(sender, &err);
    return NULL;
}

/* ---- for the thread that reads ---- */
static bool start_callers(struct sender *sender, struct err *err)
{
    int64_t callers = sender->config.callers < MOST_CALLERS ? sender->config.callers : MOST_CALLERS;
    for (; sender->thread_count < callers; sender->thread_count++)
        if (pthread_create(&sender->threads[sender->thread_count], NULL, run, sender) != 0)
            return err_set(err, ERR_LIMIT, "no more threads");
    return true;
}

bool sender_open(struct sender **out_sender, const struct sender_config *config, struct err *err)
{
    AUTO(sender) sender = calloc(1, sizeof *sender);
    if (!sender)
        return err_set(err, ERR_LIMIT, "out of memory");
    sender->config = *config;
    pthread_mutex_init(&sender->lock, NULL);
    int url_length =
        snprintf(sender->batch_url, sizeof sender->batch_url, "%s/api/v1/batch/readings?on_error=skip", config->url);
    int token_length =
        snprintf(sender->authorization, sizeof sender->authorization, "Authorization: Bearer %s", config->token);
    if ((size_t)url_length >= sizeof sender->batch_url || (size_t)token_length >= sizeof sender->authorization)
        return err_set(err, ERR_CONFIG, "the URL or the token is too long");
    sender->pieces = queue_new((size_t)config->callers);
    sender->rejected = fopen(config->rejected_path, "ae");
    if (!sender->pieces || !sender->rejected)
        return err_set(err, ERR_CONFIG, "%s cannot be written: what is refused is kept there", config->rejected_path);
    if (!start_callers(sender, err))
        return false;
    *out_sender = TAKE(sender);
    return true;
}

void sender_close(struct sender *sender)
{
    if (!sender)
        return;
    atomic_store(&sender->must_stop, true);
    for (int64_t i = 0; i < sender->thread_count; i++)
        pthread_join(sender->threads[i], NULL);
    for (struct piece *piece; sender->pieces && (piece = queue_pop(sender->pieces, 0));)
        piece_free(piece);
    queue_free(sender->pieces);
    if (sender->rejected)
        fclose(sender->rejected);
    pthread_mutex_destroy(&sender->lock);
    free(sender);
}

bool sender_put_take(struct sender *sender, struct piece *piece, int64_t wait_ms)
{
    pthread_mutex_lock(&sender->lock);
    bool has_place = sender->taken - sender->done < WINDOW;
    pthread_mutex_unlock(&sender->lock);
    if (!has_place) {
        clock_sleep_ms(wait_ms);
        return false;
    }
    if (!queue_push(sender->pieces, piece, wait_ms))
        return false;
    pthread_mutex_lock(&sender->lock);
    sender->taken++;
    pthread_mutex_unlock(&sender->lock);
    return true;
}

bool sender_look(struct sender *sender, struct sender_state *out_state, bool *out_is_idle, struct err *err)
{
    pthread_mutex_lock(&sender->lock);
    *out_state = sender->state;
    *out_is_idle = sender->taken == sender->done;
    struct err failure = sender->failure;
    pthread_mutex_unlock(&sender->lock);
    return failure.kind == ERR_NONE || err_set(err, failure.kind, "%s", failure.text);
}
