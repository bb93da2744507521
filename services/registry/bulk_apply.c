/* Items onto rows: found together, then written by the rules that single calls have too: what is there one by one, what
 * is new in one statement where that can be. */
#include "base/map.h"
#include "bulk.h"
#include "entity_api.h"
#include "entity_create.h"
#include "nwims/v1/common.pb-c.h"
#include <stdio.h>
#include <string.h>

enum { MANY = 100 }; /* fewer are not worth planning anew */

/* ---- what is there ---- */
static const char *text_of(const ProtobufCMessage *message, const char *field)
{
    const struct store_param param = row_param(message, field);
    return param.type == STORE_TEXT ? param.data : NULL;
}

static bool remember(struct map *there, ProtobufCMessage *message, const char *field, struct err *err)
{
    const char *key = text_of(message, field);
    return !key || map_put(there, key, strlen(key), message, NULL) ||
           err_set(err, ERR_LIMIT, "no memory left for a chunk");
}

/* Locked in one order, so that two calls for the same things wait for each other and not in a ring. */
static bool find_all(struct work *work, const struct entity *entity, const struct bulk_item *items, size_t count,
    struct map *there, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    const char **names = arena_alloc_array(arena, count + 1, sizeof *names);
    if (!names)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    for (size_t i = 0; i < count; i++)
        names[i] = items[i].reason ? NULL : items[i].name;
    sql_put(&sql, "SELECT ");
    entity_put_columns(&sql, entity, true);
    if (!entity_put_named(&sql, entity, work, names, count, err))
        return false;
    sql_put(&sql, " ORDER BY id FOR UPDATE");
    if (!sql_query(&sql, work->session, &rows, err))
        return false;
    for (size_t i = 0; i < store_result_rows(rows); i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        ProtobufCMessage *message = wire_new(arena, entity->descriptor);
        if (!message)
            return err_set(err, ERR_LIMIT, "no memory left for a chunk");
        /* A code may look like another's id: then the id goes first. */
        if (!row_fill(&row, entity, message, err) || !remember(there, message, "code", err))
            return false;
    }
    for (size_t i = 0; i < store_result_rows(rows); i++) {
        const char *code = store_result_text(rows, i, 1);
        if (!remember(there, map_get(there, code, strlen(code)), "id", err))
            return false;
    }
    return true;
}

/* By whatever it was named: ids are written in more ways than one. */
static ProtobufCMessage *look_up(const struct map *there, const char *name)
{
    struct uuid uuid;
    char id[UUID_TEXT_SIZE];
    ProtobufCMessage *message = map_get(there, name, strlen(name));
    if (message || !uuid_parse(name, strlen(name), &uuid))
        return message;
    uuid_format(id, &uuid);
    return map_get(there, id, strlen(id));
}

/* ---- one ---- */
static bool same(const struct store_param *a, const struct store_param *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == STORE_TEXT)
        return strcmp(a->data, b->data) == 0;
    return a->number == b->number && !(a->real < b->real) && !(a->real > b->real);
}

/* Whether anything that the item says is not so already. */
static bool changes(const struct entity *entity, const ProtobufCMessage *wanted, const ProtobufCMessage *existing)
{
    for (const struct column *column = entity->columns; column->name; column++) {
        if ((column->flags & (COLUMN_READONLY | COLUMN_FIXED)) || !row_is_given(wanted, column->name))
            continue;
        const struct store_param is = row_param(existing, column->name), shall = row_param(wanted, column->name);
        if (!same(&is, &shall))
            return true;
    }
    return false;
}

static bool moves(const struct entity *entity, const ProtobufCMessage *wanted)
{
    for (const struct column *column = entity->columns; column->name; column++)
        if ((column->flags & COLUMN_PLACE) && row_is_given(wanted, column->name))
            return true;
    return false;
}

/* An event for whoever remembers it; for the auditor there is one record of the whole. */
static bool tell(struct work *work, const struct bulk_kind *kind, const ProtobufCMessage *wanted,
    const ProtobufCMessage *written, bool is_new, struct err *err)
{
    struct change change = { .noun = kind->entity->noun,
        .change = is_new ? "created" : "updated",
        .id = text_of(written, "id"),
        .code = is_new ? text_of(written, "code") : work->key.code,
        .is_told = true,
        .has_moved = !is_new && moves(kind->entity, wanted) };
    if (!work_announce(work, &change, err))
        return false;
    const char *code = text_of(written, "code");
    bool is_renamed = !is_new && code && strcmp(code, work->key.code) != 0;
    change.code = code;
    return !is_renamed || work_announce(work, &change, err);
}

static bool write(struct work *work, const struct bulk_kind *kind, struct bulk_item *item,
    const ProtobufCMessage *existing, struct map *there, struct err *err)
{
    ProtobufCMessage *written = wire_new(work->call->arena, kind->entity->descriptor);
    if (!written)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    bool ok = existing ? entity_store_update(work, kind->entity, item->message, written, err)
                       : entity_store_create(work, kind->entity, item->message, written, err);
    if (!ok || (kind->review && !kind->review(work, item->message, written, err)) ||
        !tell(work, kind, item->message, written, !existing, err))
        return false;
    snprintf(item->id, sizeof item->id, "%s", text_of(written, "id"));
    item->outcome = existing ? "updated" : "created";
    return remember(there, written, "code", err) && remember(there, written, "id", err);
}

static bool check(struct work *work, const struct bulk_kind *kind, struct bulk_item *item,
    const ProtobufCMessage *existing, struct err *err)
{
    if (!existing && !kind->makes_new)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", kind->entity->noun);
    return entity_check(work->call, kind->entity, item->message, !existing, err) &&
           (!kind->prepare || kind->prepare(work, item->message, existing, err));
}

static bool apply_one(struct work *work, const struct bulk_kind *kind, struct bulk_item *item, struct map *there,
    bool *out_wrote, struct err *err)
{
    ProtobufCMessage *existing = look_up(there, item->name);
    if (!check(work, kind, item, existing, err))
        return false;
    work->key = (struct work_key){ 0 };
    if (existing) {
        snprintf(work->key.id, sizeof work->key.id, "%s", text_of(existing, "id"));
        snprintf(work->key.code, sizeof work->key.code, "%s", text_of(existing, "code"));
        snprintf(item->id, sizeof item->id, "%s", work->key.id);
        if (!changes(kind->entity, item->message, existing)) {
            item->outcome = "unchanged";
            return true;
        }
    }
    *out_wrote = true;
    return write(work, kind, item, existing, there, err);
}

/* ---- new ones, together ---- */
struct newcomers {
    struct bulk_item **items;
    ProtobufCMessage **messages, **written;
    struct change *changes;
    size_t count;
};

static bool newcomers_init(struct newcomers *newcomers, size_t most, struct arena *arena, struct err *err)
{
    *newcomers = (struct newcomers){ .items = arena_alloc_array(arena, most, sizeof *newcomers->items),
        .messages = arena_alloc_array(arena, most, sizeof *newcomers->messages),
        .written = arena_alloc_array(arena, most, sizeof *newcomers->written),
        .changes = arena_alloc_array(arena, most, sizeof *newcomers->changes) };
    return (newcomers->items && newcomers->messages && newcomers->written && newcomers->changes) ||
           err_set(err, ERR_LIMIT, "no memory left for a chunk");
}

static bool settle_one(struct work *work, const struct bulk_kind *kind, struct bulk_item *item,
    ProtobufCMessage *written, struct map *there, struct change *out_change, struct err *err)
{
    if (kind->review && !kind->review(work, item->message, written, err))
        return false;
    *out_change = (struct change){
        .noun = kind->entity->noun, .change = "created", .id = text_of(written, "id"), .code = text_of(written, "code")
    };
    snprintf(item->id, sizeof item->id, "%s", text_of(written, "id"));
    item->outcome = "created";
    return remember(there, written, "code", err) && remember(there, written, "id", err);
}

/* Makes those that wait. False with the kind of a bad item: which one, only a careful pass finds out. */
static bool make_all(
    struct work *work, const struct bulk_kind *kind, struct newcomers *newcomers, struct map *there, struct err *err)
{
    size_t count = newcomers->count;
    newcomers->count = 0;
    if (count == 0)
        return true;
    if (!entity_create_all(work, kind->entity, newcomers->messages, count, newcomers->written, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!settle_one(work, kind, newcomers->items[i], newcomers->written[i], there, &newcomers->changes[i], err))
            return false;
    return work_tell_all(work, newcomers->changes, count, err);
}

/* ---- all ---- */
static bool is_of_the_item(enum err_kind kind)
{
    return kind == ERR_INPUT || kind == ERR_NOT_FOUND || kind == ERR_CONFLICT || kind == ERR_DENIED;
}

/* Every field that was found wrong, in one text. */
static bool note_failure(struct work *work, struct bulk_item *item, const struct err *why, struct err *err)
{
    const Nwims__V1__Failure *failure = work->call->failure;
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = 2000 };
    for (size_t i = 0; i < failure->n_violations; i++)
        buffer_printf(
            &text, "%s%s: %s", i > 0 ? "; " : "", failure->violations[i]->field, failure->violations[i]->reason);
    bool is_single = failure->n_violations == 1;
    item->outcome = "failed";
    item->field = failure->n_violations > 0 ? failure->violations[0]->field : NULL;
    item->reason = is_single                                       ? failure->violations[0]->reason
                   : failure->n_violations > 0 && buffer_ok(&text) ? arena_text(work->call->arena, text.data)
                                                                   : arena_text(work->call->arena, why->text);
    item->id[0] = '\0';
    return item->reason || err_set(err, ERR_LIMIT, "no memory left for a chunk");
}

/* One pass over a chunk. Quick: false with is_again set when something failed that had begun to write. Careful: each
 * for itself, so that one that fails takes back what it wrote and no more. */
struct pass_state {
    struct work *work;
    const struct bulk_kind *kind;
    struct map *there;
    struct map *awaited; /* names of newcomers, made or not yet */
    struct newcomers newcomers;
    bool is_careful, is_together;
    bool is_again;
};

/* A newcomer waits for the others, unless it is named a second time: then the first has to be there. */
static bool apply_item(struct pass_state *pass, struct bulk_item *item, bool *out_wrote, struct err *err)
{
    struct newcomers *newcomers = &pass->newcomers;
    size_t length = strlen(item->name);
    if (pass->is_together && map_get(pass->awaited, item->name, length)) {
        *out_wrote = true;
        if (!make_all(pass->work, pass->kind, newcomers, pass->there, err))
            return false;
    }
    if (!pass->is_together || look_up(pass->there, item->name))
        return apply_one(pass->work, pass->kind, item, pass->there, out_wrote, err);
    if (!check(pass->work, pass->kind, item, NULL, err))
        return false;
    newcomers->items[newcomers->count] = item;
    newcomers->messages[newcomers->count++] = item->message;
    return map_put(pass->awaited, item->name, length, item, NULL) ||
           err_set(err, ERR_LIMIT, "no memory left for a chunk");
}

/* Sets the item's outcome, or leaves it to make_all. */
static bool apply_noting(struct pass_state *pass, struct bulk_item *item, struct err *err)
{
    struct err why = { 0 };
    bool has_written = false;
    struct store_session *session = pass->work->session;
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    pass->work->call->failure = &failure;
    if (pass->is_careful && !store_script(session, "SAVEPOINT item", err))
        return false;
    bool is_good = apply_item(pass, item, &has_written, &why);
    if (!is_good && !is_of_the_item(why.kind)) {
        *err = why;
        return false;
    }
    if (!is_good && has_written && !pass->is_careful) {
        pass->is_again = true;
        return false;
    }
    if (pass->is_careful &&
        !store_script(
            session, is_good ? "RELEASE SAVEPOINT item" : "ROLLBACK TO SAVEPOINT item; RELEASE SAVEPOINT item", err))
        return false;
    return is_good || note_failure(pass->work, item, &why, err);
}

static bool make_rest(struct pass_state *pass, struct err *err)
{
    struct err why = { 0 };
    Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
    pass->work->call->failure = &failure;
    if (make_all(pass->work, pass->kind, &pass->newcomers, pass->there, &why))
        return true;
    pass->is_again = is_of_the_item(why.kind);
    if (!pass->is_again)
        *err = why;
    return false;
}

static bool apply_all(struct pass_state *pass, struct bulk_item *items, size_t count, struct err *err)
{
    AUTO(map) there = map_new(4 * BULK_AT_ONCE);
    AUTO(map) awaited = map_new(4 * BULK_AT_ONCE);
    pass->there = there;
    pass->awaited = awaited;
    if (!there || !awaited || !newcomers_init(&pass->newcomers, count + 1, pass->work->call->arena, err))
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    if (!find_all(pass->work, pass->kind->entity, items, count, there, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        items[i].outcome = items[i].reason ? "failed" : NULL;
        if (!items[i].reason && !apply_noting(pass, &items[i], err))
            return false;
    }
    return make_rest(pass, err);
}

static void count_all(const struct bulk_item *items, size_t count, struct job_counts *counts)
{
    for (size_t i = 0; i < count; i++) {
        counts->done++;
        counts->created += strcmp(items[i].outcome, "created") == 0;
        counts->updated += strcmp(items[i].outcome, "updated") == 0;
        counts->unchanged += strcmp(items[i].outcome, "unchanged") == 0;
        counts->failed += strcmp(items[i].outcome, "failed") == 0;
    }
}

static void forget_failures(struct bulk_item *items, size_t count, const bool *was_bad)
{
    for (size_t i = 0; i < count; i++)
        if (!was_bad[i])
            items[i].reason = items[i].field = NULL;
}

bool bulk_apply(struct work *work, const struct bulk_kind *kind, struct bulk_item *items, size_t count,
    struct job_counts *counts, struct err *err)
{
    Nwims__V1__Failure *outer = work->call->failure;
    struct pass_state quick = {
        .work = work, .kind = kind, .is_together = kind->is_made_together && work->scope.is_whole
    };
    struct pass_state careful = { .work = work, .kind = kind, .is_careful = true };
    bool *was_bad = arena_alloc_array(work->call->arena, count + 1, sizeof *was_bad);
    if (!was_bad)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    for (size_t i = 0; i < count; i++)
        was_bad[i] = items[i].reason != NULL;
    bool ok = (count < MANY || work_expect_many(work, err)) && store_script(work->session, "SAVEPOINT chunk", err) &&
              apply_all(&quick, items, count, err);
    if (!ok && quick.is_again) {
        forget_failures(items, count, was_bad);
        ok = store_script(work->session, "ROLLBACK TO SAVEPOINT chunk", err) && apply_all(&careful, items, count, err);
    }
    work->call->failure = outer;
    if (!ok || !store_script(work->session, "RELEASE SAVEPOINT chunk", err))
        return false;
    count_all(items, count, counts);
    return true;
}
