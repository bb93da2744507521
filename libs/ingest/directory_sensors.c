#include "base/clock.h"
#include "base/map.h"
#include "ingest/directory_internal.h"
#include <string.h>

enum { ASK_ARENA_BYTES = 32 * 1024 * 1024 };

/* One call's work: which of the names are not in memory. */
struct lookup {
    int32_t tenant_id;
    const struct directory_name *names;
    struct directory_sensor *sensors;
    size_t *missing; /* indexes of names */
    size_t missing_count;
    uint64_t position;
};

/* The position of the last move of what the tenant's sensors belong to; 0: none is known of. */
static uint64_t last_move(const struct directory *directory, int32_t tenant_id)
{
    struct directory_key places = directory_key_of_places(tenant_id);
    return change_marks_last(&directory->marks, places.bytes, places.size);
}

/* Under the shared lock: copies what is known of one name, or zeroes. */
static enum directory_answer look_up(const struct directory *directory, int32_t tenant_id,
    const struct directory_name *name, int64_t now_us, uint64_t moved, struct directory_sensor *out_sensor)
{
    struct directory_key key = directory_key_of_sensor(tenant_id, name->text, name->length);
    const void *value;
    enum directory_answer answer =
        key.size == 0 ? DIRECTORY_ABSENT : directory_table_get(directory->sensors, key.bytes, key.size, now_us, &value);
    const struct known_sensor *known = answer == DIRECTORY_PRESENT ? value : NULL;
    *out_sensor = known ? known->sensor : (struct directory_sensor){ 0 };
    return known && known->position < moved ? DIRECTORY_UNKNOWN : answer;
}

/* Looks all names up, or those that wanted names; those not known go to missing. */
static void look_up_all(struct directory *directory, struct lookup *lookup, const size_t *wanted, size_t count)
{
    int64_t now_us = clock_monotonic_us();
    size_t missing_count = 0;
    directory_lock_shared(directory);
    lookup->position = directory->marks.position;
    uint64_t moved = last_move(directory, lookup->tenant_id);
    for (size_t k = 0; k < count; k++) {
        size_t i = wanted ? wanted[k] : k;
        if (look_up(directory, lookup->tenant_id, &lookup->names[i], now_us, moved, &lookup->sensors[i]) ==
            DIRECTORY_UNKNOWN)
            lookup->missing[missing_count++] = i;
    }
    pthread_rwlock_unlock(&directory->lock);
    lookup->missing_count = missing_count;
}

bool directory_sensors_known(struct directory *directory, int32_t tenant_id, const struct directory_name *names,
    size_t count, struct directory_sensor *out_sensors)
{
    int64_t now_us = clock_monotonic_us();
    bool all_known = true;
    directory_lock_shared(directory);
    uint64_t moved = last_move(directory, tenant_id);
    for (size_t i = 0; all_known && i < count; i++)
        all_known = look_up(directory, tenant_id, &names[i], now_us, moved, &out_sensors[i]) != DIRECTORY_UNKNOWN;
    pthread_rwlock_unlock(&directory->lock);
    metric_add(directory->hits, all_known ? count : 0);
    return all_known;
}

/* The distinct names of one call to the registry, and which of them each missing one is. */
struct question {
    char **names;
    struct directory_key *keys;
    struct directory_sensor *sensors;
    size_t count;
    uint32_t *question_of; /* by place in missing */
    size_t taken;          /* of missing, from the front */
    struct map *places;
};

static bool add_name(struct question *question, const struct lookup *lookup, size_t k, struct arena *arena)
{
    const struct directory_name *name = &lookup->names[lookup->missing[k]];
    struct directory_key key = directory_key_of_sensor(lookup->tenant_id, name->text, name->length);
    size_t place = (uintptr_t)map_get(question->places, key.bytes, key.size);
    if (place == 0) {
        place = question->count + 1;
        question->names[question->count] = arena_text_n(arena, name->text, name->length);
        question->keys[question->count] = key;
        if (!question->names[question->count] ||
            !map_put(question->places, key.bytes, key.size, (void *)(uintptr_t)place, NULL))
            return false;
        question->count++;
    }
    question->question_of[k] = (uint32_t)(place - 1);
    return true;
}

static bool make_question(struct question *question, const struct lookup *lookup, struct arena *arena)
{
    size_t most = lookup->missing_count < DIRECTORY_NAMES_A_CALL ? lookup->missing_count : DIRECTORY_NAMES_A_CALL;
    question->names = arena_alloc_array(arena, most, sizeof *question->names);
    question->keys = arena_alloc_array(arena, most, sizeof *question->keys);
    question->sensors = arena_alloc_array(arena, most, sizeof *question->sensors);
    question->question_of = arena_alloc_array(arena, lookup->missing_count, sizeof *question->question_of);
    question->places = map_new(most);
    bool ok = question->names && question->keys && question->sensors && question->question_of && question->places;
    for (; ok && question->taken < lookup->missing_count && question->count < most; question->taken++)
        ok = add_name(question, lookup, question->taken, arena);
    map_free(TAKE(question->places), NULL);
    return ok;
}

static bool is_worth_keeping(const struct directory *directory, const struct lookup *lookup,
    const struct directory_key *key, const struct directory_sensor *sensor)
{
    struct directory_key by_id = directory_key_of_sensor(lookup->tenant_id, sensor->id, strlen(sensor->id));
    struct directory_key by_code = directory_key_of_sensor(lookup->tenant_id, sensor->code, strlen(sensor->code));
    return !directory_has_changed(directory, key, lookup->position) &&
           !directory_has_changed(directory, &by_id, lookup->position) &&
           !directory_has_changed(directory, &by_code, lookup->position);
}

static void keep_answers(struct directory *directory, const struct lookup *lookup, const struct question *question)
{
    directory_lock(directory);
    for (size_t i = 0; i < question->count; i++) {
        const struct directory_sensor *sensor = &question->sensors[i];
        const struct known_sensor known = { *sensor, lookup->position };
        const struct directory_key *key = &question->keys[i];
        bool is_present = sensor->sensor_no != 0;
        if (is_worth_keeping(directory, lookup, key, sensor))
            metric_add(directory->evicted, directory_table_put(directory->sensors, key->bytes, key->size,
                                               is_present ? &known : NULL, directory_expiry(directory, is_present)));
    }
    metric_set(directory->sensor_gauge, (double)directory_table_count(directory->sensors));
    pthread_rwlock_unlock(&directory->lock);
}

/* One call to the registry for the first of the missing. */
static bool ask_some(
    struct directory *directory, const struct rpc_caller *caller, struct lookup *lookup, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    struct question question = { 0 };
    arena_init(&arena, ASK_ARENA_BYTES);
    if (!make_question(&question, lookup, &arena))
        return err_set(err, ERR_LIMIT, "no memory to look %zu sensors up", lookup->missing_count);
    if (!directory_ask_sensors(directory->bus, caller, question.names, question.count, question.sensors, &arena, err))
        return false;
    metric_add(directory->misses, question.count);
    keep_answers(directory, lookup, &question);
    for (size_t k = 0; k < question.taken; k++)
        lookup->sensors[lookup->missing[k]] = question.sensors[question.question_of[k]];
    lookup->missing += question.taken;
    lookup->missing_count -= question.taken;
    return true;
}

static bool ask_for_missing(
    struct directory *directory, const struct rpc_caller *caller, struct lookup *lookup, struct err *err)
{
    const struct directory_name *first = &lookup->names[lookup->missing[0]];
    struct directory_key key = directory_key_of_sensor(lookup->tenant_id, first->text, first->length);
    int64_t began_us = clock_monotonic_us();
    struct lane *lane = directory_lane_enter(directory, &key);
    look_up_all(directory, lookup, lookup->missing, lookup->missing_count);
    bool ok = lookup->missing_count == 0 || directory_lane_may_ask(lane, began_us, err);
    while (ok && lookup->missing_count > 0) {
        ok = ask_some(directory, caller, lookup, err);
        if (ok && lookup->missing_count > 0) /* further on the same names may stand again */
            look_up_all(directory, lookup, lookup->missing, lookup->missing_count);
    }
    directory_lane_leave(lane, !ok);
    return ok;
}

static void hide_what_is_outside(const struct rpc_caller *caller, struct directory_sensor *sensors, size_t count)
{
    for (size_t i = 0; *caller->scope && i < count; i++)
        if (!rpc_scope_has(caller, sensors[i].region_id, sensors[i].municipality_id))
            sensors[i] = (struct directory_sensor){ 0 };
}

bool directory_sensors(struct directory *directory, const struct rpc_caller *caller, const struct directory_name *names,
    size_t count, struct directory_sensor *out_sensors, struct arena *arena, struct err *err)
{
    struct lookup lookup = { .tenant_id = caller->tenant_id, .names = names, .sensors = out_sensors };
    lookup.missing = arena_alloc_array(arena, count, sizeof *lookup.missing);
    if (!lookup.missing)
        return err_set(err, ERR_LIMIT, "no memory to look %zu sensors up", count);
    look_up_all(directory, &lookup, NULL, count);
    metric_add(directory->hits, count - lookup.missing_count);
    if (lookup.missing_count > 0 && !ask_for_missing(directory, caller, &lookup, err))
        return false;
    hide_what_is_outside(caller, out_sensors, count);
    return true;
}
