/* Verifying a chain: the records one after the other, then the signed heads. Bounded in memory (a page at a time), in
 * records and in time: what is left over goes on with next_cursor. */
#include "auditor.h"
#include "base/clock.h"
#include "base/text.h"
#include "head_walk.h"
#include "verify_cursor.h"
#include "verify_store.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <string.h>

enum { PAGE_RECORDS = 1000, PAGE_HEADS = 500, MOST_PROBLEMS = 100 };
#define PAGE_BYTES ((size_t)80 << 20)
/* Of the time that the caller gave, so that the answer still gets through. */
#define TIME_LEFT_US INT64_C(2000000)

struct verifying {
    struct auditor *auditor;
    struct rpc_call *call;
    const Nwims__V1__VerifyChainRequest *request;
    Nwims__V1__VerifyChainReply *reply;
    struct store_session *session;
    int32_t tenant_id;
    struct arena page;
    struct chain_walk walk;
    bool is_at_end;
};

/* ---- problems ------------------------------------------------------------------------------------------------------
 */
struct report {
    const char *kind, *reason;
    int64_t sequence, last_sequence; /* 0: of a head */
    const struct uuid *id;
    int64_t head_ends_at;
};

static bool report(struct verifying *verifying, const struct report *what, struct err *err)
{
    struct arena *arena = verifying->call->arena;
    Nwims__V1__VerifyChainReply *reply = verifying->reply;
    reply->problem_count++;
    if (reply->n_problems == MOST_PROBLEMS)
        return true;
    Nwims__V1__ChainProblem *problem =
        (Nwims__V1__ChainProblem *)wire_new(arena, &nwims__v1__chain_problem__descriptor);
    char id[UUID_TEXT_SIZE];
    if (!problem)
        return err_set(err, ERR_LIMIT, "no memory left for the problems");
    problem->has_sequence = what->sequence > 0;
    problem->sequence = what->sequence;
    problem->has_last_sequence = what->last_sequence > what->sequence;
    problem->last_sequence = what->last_sequence;
    problem->has_head_ends_at = what->head_ends_at != 0;
    problem->head_ends_at = what->head_ends_at;
    problem->kind = arena_text(arena, what->kind);
    problem->reason = arena_text(arena, what->reason);
    if (what->id) {
        uuid_format(id, what->id);
        problem->id = arena_text(arena, id);
    }
    reply->problems[reply->n_problems++] = problem;
    return (problem->kind && problem->reason) || err_set(err, ERR_LIMIT, "no memory left for the problems");
}

static bool report_finding(struct verifying *verifying, const struct finding *finding, struct err *err)
{
    static const char *const kinds[][2] = {
        [FINDING_CHANGED] = { "changed", "Its content is not what was hashed when it was stored." },
        [FINDING_MISSING] = { "missing", "The sequence has a gap: records were removed." },
        [FINDING_INSERTED] = { "inserted", "There is a second record at this place, which the chain does not know." },
        [FINDING_UNLINKED] = { "unlinked",
            "It does not follow from the record before it: one of the two was written anew." },
    };
    if (finding->kind == FINDING_NONE)
        return true;
    const struct report what = { .kind = kinds[finding->kind][0],
        .reason = kinds[finding->kind][1],
        .sequence = finding->sequence,
        .last_sequence = finding->last_sequence,
        .id = finding->kind == FINDING_MISSING ? NULL : &finding->id };
    return report(verifying, &what, err);
}

/* ---- records -------------------------------------------------------------------------------------------------------
 */
static bool find_begin(struct verifying *verifying, struct err *err)
{
    const Nwims__V1__VerifyChainRequest *request = verifying->request;
    struct record before;
    if (request->cursor && *request->cursor)
        return verify_cursor_read(&verifying->walk, request->cursor) ||
               rpc_violation(verifying->call, err, "cursor", "must be the next_cursor of the answer before");
    if (!request->has_from_at)
        return true;
    if (!verify_store_before(
            verifying->session, verifying->tenant_id, request->from_at, &verifying->page, &before, err))
        return false;
    if (before.sequence > 0)
        chain_walk_resume(&verifying->walk, before.sequence, &before.id, before.hash, before.hash);
    return true;
}

static bool step(struct verifying *verifying, const struct record *record, struct err *err)
{
    struct finding missing, wrong;
    Nwims__V1__VerifyChainReply *reply = verifying->reply;
    if (!chain_walk_step(&verifying->walk, record, &missing, &wrong))
        return err_set(err, ERR_LIMIT, "record %" PRId64 " is too large to be looked at", record->sequence);
    if (reply->records++ == 0)
        reply->first_sequence = record->sequence;
    return report_finding(verifying, &missing, err) && report_finding(verifying, &wrong, err);
}

/* Whether a record lies behind what was asked for. */
static bool is_beyond(const struct verifying *verifying, const struct record *record)
{
    return verifying->request->has_to_at && record->recorded_at >= verifying->request->to_at;
}

static bool walk_page(struct verifying *verifying, size_t most, struct err *err)
{
    struct record *records;
    size_t count;
    arena_reset(&verifying->page);
    if (!verify_store_page(verifying->session, verifying->tenant_id, verifying->walk.sequence, &verifying->walk.id,
            most, &verifying->page, &records, &count, err))
        return false;
    verifying->is_at_end = count < most;
    for (size_t i = 0; i < count; i++) {
        if (is_beyond(verifying, &records[i])) {
            verifying->is_at_end = true;
            return true;
        }
        if (!step(verifying, &records[i], err))
            return false;
    }
    return true;
}

static bool walk_records(struct verifying *verifying, struct err *err)
{
    int64_t limit =
        verifying->request->has_limit ? verifying->request->limit : verifying->auditor->config->verify_records;
    int64_t until_us = verifying->call->deadline_us - TIME_LEFT_US;
    bool ok = true;
    while (ok && !verifying->is_at_end && verifying->reply->records < limit &&
           (verifying->reply->records == 0 || clock_monotonic_us() < until_us)) {
        int64_t left = limit - verifying->reply->records;
        ok = walk_page(verifying, left < PAGE_RECORDS ? (size_t)left : PAGE_RECORDS, err);
    }
    return ok;
}

/* ---- heads ---------------------------------------------------------------------------------------------------------
 */
static bool report_head(
    struct verifying *verifying, const struct stored_head *head, enum head_finding finding, struct err *err)
{
    bool is_tail = head->head.sequence > verifying->walk.sequence;
    struct report what = { .sequence = head->head.sequence, .head_ends_at = head->head.ends_at };
    switch (finding) {
    case HEAD_GOOD:
        return true;
    case HEAD_CHANGED:
        what.kind = "head_changed";
        what.reason = "The signed head is not what was signed, or not with a key of ours.";
        break;
    case HEAD_UNLINKED:
        what.kind = "head_missing";
        what.reason = "It does not follow from the signed head before it: one between them was removed.";
        break;
    case HEAD_DIFFERS:
        what.kind = "head_differs";
        what.reason = "The signed head names another record at this place: the chain was written anew.";
        break;
    case HEAD_NO_RECORD:
        what.kind = "missing";
        what.reason = is_tail ? "The chain was cut: the signed head names a record behind its end."
                              : "The signed head names a record that is not there.";
        what.last_sequence = is_tail ? head->head.sequence : 0;
        what.sequence = is_tail ? verifying->walk.sequence + 1 : head->head.sequence;
        break;
    }
    return report(verifying, &what, err);
}

/* What went before the first head that is looked at; zeroes at the start of the chain. */
static bool begin_heads(struct verifying *verifying, struct head_walk *walk, struct err *err)
{
    struct stored_head before;
    bool has_before = false;
    *walk = (struct head_walk){ .has_before = true };
    if (!verifying->request->has_from_at)
        return true;
    if (!head_store_last(verifying->session, verifying->tenant_id, verifying->request->from_at, &verifying->page,
            &before, &has_before, err))
        return false;
    if (has_before)
        auth_sha256(walk->before, before.jws, strlen(before.jws));
    return true;
}

/* One for every period that is over; the sealer has a period's time. */
static bool look_for_last(struct verifying *verifying, int64_t last_ends_at, struct err *err)
{
    int64_t period_us = verifying->auditor->config->seal_ms * 1000, now, began_at;
    if (verifying->request->has_to_at)
        return true;
    if (!verify_store_clock(verifying->session, verifying->tenant_id, &now, &began_at, err))
        return false;
    int64_t sealed_to = last_ends_at > 0 ? last_ends_at : began_at;
    if (began_at == 0 || now - sealed_to < 2 * period_us)
        return true;
    const struct report what = { .kind = "head_missing",
        .reason = "The signed heads of the last periods are missing.",
        .head_ends_at = head_period_end(sealed_to, period_us) };
    return report(verifying, &what, err);
}

static bool walk_heads(struct verifying *verifying, struct err *err)
{
    const Nwims__V1__VerifyChainRequest *request = verifying->request;
    struct stored_head *heads;
    struct head_walk walk;
    size_t count = PAGE_HEADS;
    int64_t after = request->has_from_at ? request->from_at : 0, last = 0;
    if (!begin_heads(verifying, &walk, err))
        return false;
    while (count == PAGE_HEADS) {
        arena_reset(&verifying->page);
        if (!head_store_list(
                verifying->session, verifying->tenant_id, after, PAGE_HEADS, &verifying->page, &heads, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            const struct stored_head *head = &heads[i];
            if (request->has_to_at && head->head.ends_at > request->to_at)
                return true;
            bool is_signed = key_store_verify(verifying->auditor->keys, &head->head, head->key_id, head->jws);
            if (!report_head(verifying, head, head_walk_step(&walk, head, is_signed), err))
                return false;
            verifying->reply->heads++;
            after = last = head->head.ends_at;
        }
    }
    return look_for_last(verifying, last, err);
}

/* ---- what the caller has kept --------------------------------------------------------------------------------------
 */
static bool compare_kept(struct verifying *verifying, struct err *err)
{
    const Nwims__V1__VerifyChainRequest *request = verifying->request;
    const char *hash = NULL;
    if (!request->has_expected_sequence)
        return true;
    if (!verify_store_hash(
            verifying->session, verifying->tenant_id, request->expected_sequence, &verifying->page, &hash, err))
        return false;
    if (hash && strcmp(hash, request->expected_hash) == 0)
        return true;
    const struct report what = { .kind = "differs",
        .reason = hash ? "The record of this place has another hash than the one that was kept elsewhere."
                       : "There is no record at this place, of which a hash was kept elsewhere.",
        .sequence = request->expected_sequence };
    return report(verifying, &what, err);
}

static bool check_request(struct rpc_call *call, const Nwims__V1__VerifyChainRequest *request, struct err *err)
{
    unsigned char hash[SHA256_SIZE];
    if (request->has_expected_sequence != (request->expected_hash != NULL))
        rpc_violation(call, err, "expected_hash", "goes together with expected_sequence");
    else if (request->expected_hash &&
             !text_from_hex(hash, sizeof hash, request->expected_hash, strlen(request->expected_hash)))
        rpc_violation(call, err, "expected_hash", "must be 64 hexadecimal digits in lower case");
    if (request->has_from_at && request->has_to_at && request->from_at >= request->to_at)
        rpc_violation(call, err, "to_at", "must be later than from_at");
    if (request->has_limit && request->limit < 1)
        rpc_violation(call, err, "limit", "must be at least 1");
    return err->kind == ERR_NONE;
}

static bool finish(struct verifying *verifying, struct err *err)
{
    struct arena *arena = verifying->call->arena;
    Nwims__V1__VerifyChainReply *reply = verifying->reply;
    char cursor[VERIFY_CURSOR_SIZE], hash[2 * SHA256_SIZE + 1];
    reply->has_ok = reply->has_records = reply->has_heads = reply->has_problem_count = true;
    reply->ok = reply->problem_count == 0;
    reply->has_first_sequence = reply->has_last_sequence = reply->records > 0;
    reply->last_sequence = verifying->walk.sequence;
    if (reply->records > 0) {
        text_hex(hash, verifying->walk.link, SHA256_SIZE);
        reply->last_hash = arena_text(arena, hash);
    }
    if (!verifying->is_at_end) {
        verify_cursor_write(cursor, &verifying->walk);
        reply->next_cursor = arena_text(arena, cursor);
    }
    metric_add(verifying->auditor->metrics.verified, (uint64_t)reply->records);
    metric_add(verifying->auditor->metrics.problems, (uint64_t)reply->problem_count);
    return ((reply->last_hash || reply->records == 0) && (reply->next_cursor || verifying->is_at_end)) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool verify(struct verifying *verifying, struct err *err)
{
    verifying->reply->problems = arena_alloc_array(verifying->call->arena, MOST_PROBLEMS, sizeof(void *));
    if (!verifying->reply->problems)
        return err_set(err, ERR_LIMIT, "no memory left for the problems");
    return find_begin(verifying, err) && walk_records(verifying, err) &&
           (!verifying->is_at_end || (walk_heads(verifying, err) && compare_kept(verifying, err))) &&
           finish(verifying, err);
}

bool chain_verify(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct verifying verifying = { .auditor = context, .call = call, .request = request, .reply = reply };
    if (!check_request(call, request, err) ||
        !auditor_begin(context, call, verifying.request->unattributed, &session, &verifying.tenant_id, err))
        return false;
    verifying.session = session;
    arena_init(&verifying.page, PAGE_BYTES);
    chain_walk_init(&verifying.walk);
    bool ok = verify(&verifying, err);
    chain_walk_done(&verifying.walk);
    arena_done(&verifying.page);
    return ok;
}
