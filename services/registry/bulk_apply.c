/* Items onto rows: found together, then written one by one by the rules that single calls have too. */
#include "base/map.h"
#include "bulk.h"
#include "entity_api.h"
#include "nwims/v1/common.pb-c.h"
#include <stdio.h>
#include <string.h>

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

static void map_free_only(struct map *map)
{
    map_free(map, NULL);
}
AUTO_DEFINE(map, map_free_only)

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

static bool apply_one(struct work *work, const struct bulk_kind *kind, struct bulk_item *item, struct map *there,
    bool *out_wrote, struct err *err)
{
    ProtobufCMessage *existing = look_up(there, item->name);
    if (!existing && !kind->makes_new)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", kind->entity->noun);
    if (!entity_check(work->call, kind->entity, item->message, !existing, err) ||
        (kind->prepare && !kind->prepare(work, item->message, existing, err)))
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

enum pass { PASS_QUICK, PASS_CAREFUL };

/* Quick: false with out_again set when something failed that had begun to write. Careful: each for itself, so that one
 * that fails takes back what it wrote and no more. */
static bool apply_all(struct work *work, const struct bulk_kind *kind, struct bulk_item *items, size_t count,
    enum pass pass, bool *out_again, struct err *err)
{
    AUTO(map) there = map_new(4 * BULK_AT_ONCE);
    if (!there)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    if (!find_all(work, kind->entity, items, count, there, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct err why = { 0 };
        bool has_written = false;
        Nwims__V1__Failure failure = NWIMS__V1__FAILURE__INIT;
        work->call->failure = &failure;
        items[i].outcome = items[i].reason ? "failed" : NULL;
        if (items[i].reason)
            continue;
        if (pass == PASS_CAREFUL && !store_script(work->session, "SAVEPOINT item", err))
            return false;
        if (apply_one(work, kind, &items[i], there, &has_written, &why)) {
            if (pass == PASS_CAREFUL && !store_script(work->session, "RELEASE SAVEPOINT item", err))
                return false;
            continue;
        }
        if (!is_of_the_item(why.kind)) {
            *err = why;
            return false;
        }
        if (pass == PASS_QUICK && has_written) {
            *out_again = true;
            return false;
        }
        if (pass == PASS_CAREFUL &&
            !store_script(work->session, "ROLLBACK TO SAVEPOINT item; RELEASE SAVEPOINT item", err))
            return false;
        if (!note_failure(work, &items[i], &why, err))
            return false;
    }
    return true;
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
    bool again = false;
    Nwims__V1__Failure *outer = work->call->failure;
    bool *was_bad = arena_alloc_array(work->call->arena, count + 1, sizeof *was_bad);
    if (!was_bad)
        return err_set(err, ERR_LIMIT, "no memory left for a chunk");
    for (size_t i = 0; i < count; i++)
        was_bad[i] = items[i].reason != NULL;
    bool ok = store_script(work->session, "SAVEPOINT chunk", err) &&
              apply_all(work, kind, items, count, PASS_QUICK, &again, err);
    if (!ok && again) {
        forget_failures(items, count, was_bad);
        ok = store_script(work->session, "ROLLBACK TO SAVEPOINT chunk", err) &&
             apply_all(work, kind, items, count, PASS_CAREFUL, &again, err);
    }
    work->call->failure = outer;
    if (!ok || !store_script(work->session, "RELEASE SAVEPOINT chunk", err))
        return false;
    count_all(items, count, counts);
    return true;
}
