#include "base/text.h"
#include "chain_walk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH = 6 };
static struct record records[LENGTH];

/* The record of the manual, worked out by another implementation. */
static const char vector[] = "e98c9f559813193065c2027510f368005becfb6b20fabe4bdfc66d6a2bf3eb96";

static struct record sample(int64_t sequence)
{
    struct record record = { .tenant_id = 7,
        .sequence = sequence,
        .recorded_at = INT64_C(1767225600000000),
        .happened_at = INT64_C(1767225599000000),
        .texts = { [RECORD_ACTOR] = "u-1",
            [RECORD_ACTION] = "sensor.created",
            [RECORD_ENTITY] = "sensor",
            [RECORD_ENTITY_ID] = "s-1",
            [RECORD_OUTCOME] = "ok",
            [RECORD_REQUEST_ID] = "r-1",
            [RECORD_DETAIL] = "{}" } };
    char id[UUID_TEXT_SIZE] = "019b76da-a800-7000-8000-000000000001";
    id[35] = (char)('0' + sequence);
    assert_true(uuid_parse(id, 36, &record.id));
    return record;
}

static void hash_it(struct record *record)
{
    AUTO_INPLACE(buffer) scratch = { 0 };
    assert_true(chain_hash(record->hash, record, &scratch));
}

static int make_chain(void **state)
{
    (void)state;
    for (int i = 0; i < LENGTH; i++) {
        records[i] = sample(i + 1);
        if (i > 0)
            memcpy(records[i].previous, records[i - 1].hash, SHA256_SIZE);
        hash_it(&records[i]);
    }
    return 0;
}

static void the_vector_of_the_manual_holds(void **state)
{
    char hex[2 * SHA256_SIZE + 1];
    (void)state;
    text_hex(hex, records[0].hash, SHA256_SIZE);
    assert_string_equal(hex, vector);
}

static void absent_and_empty_are_not_the_same(void **state)
{
    struct record empty = sample(1);
    (void)state;
    empty.texts[RECORD_PEER] = "";
    hash_it(&empty);
    assert_memory_not_equal(empty.hash, records[0].hash, SHA256_SIZE);
}

/* Text that moves from one field to the next must not give the same bytes. */
static void the_border_between_fields_counts(void **state)
{
    struct record moved = sample(1);
    (void)state;
    moved.texts[RECORD_ENTITY] = "sensors";
    moved.texts[RECORD_ENTITY_ID] = "-1";
    hash_it(&moved);
    assert_memory_not_equal(moved.hash, records[0].hash, SHA256_SIZE);
}

/* Walks and gives what is found, at most most. */
static size_t walk(const struct record *const *path, size_t count, struct finding *found)
{
    struct chain_walk walker;
    size_t findings = 0;
    chain_walk_init(&walker);
    for (size_t i = 0; i < count; i++) {
        struct finding missing, wrong;
        assert_true(chain_walk_step(&walker, path[i], &missing, &wrong));
        if (missing.kind != FINDING_NONE)
            found[findings++] = missing;
        if (wrong.kind != FINDING_NONE)
            found[findings++] = wrong;
    }
    chain_walk_done(&walker);
    return findings;
}

static void an_untouched_chain_has_no_findings(void **state)
{
    struct finding found[2 * LENGTH];
    const struct record *path[LENGTH];
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        path[i] = &records[i];
    assert_int_equal(walk(path, LENGTH, found), 0);
}

static void a_changed_hash_accuses_that_record_only(void **state)
{
    struct finding found[2 * LENGTH];
    const struct record *path[LENGTH];
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        path[i] = &records[i];
    records[2].hash[0] ^= 1;
    assert_int_equal(walk(path, LENGTH, found), 1);
    assert_int_equal(found[0].kind, FINDING_CHANGED);
    assert_int_equal(found[0].sequence, 3);
}

static void a_gap_is_missing_and_what_follows_is_judged_by_itself(void **state)
{
    struct finding found[2 * LENGTH];
    const struct record *const path[] = { &records[0], &records[3], &records[4] };
    (void)state;
    assert_int_equal(walk(path, COUNT_OF(path), found), 1);
    assert_int_equal(found[0].kind, FINDING_MISSING);
    assert_int_equal(found[0].sequence, 2);
    assert_int_equal(found[0].last_sequence, 3);
}

static void of_two_at_one_place_the_forged_one_is_accused(void **state)
{
    struct finding found[2 * LENGTH];
    struct record forged = records[1];
    const struct record *const behind[] = { &records[0], &records[1], &forged, &records[2] };
    const struct record *const before[] = { &records[0], &forged, &records[1], &records[2] };
    (void)state;
    forged.id.bytes[15] = 0x77;
    assert_int_equal(walk(behind, COUNT_OF(behind), found), 1);
    assert_int_equal(found[0].kind, FINDING_INSERTED);
    assert_int_equal(found[0].id.bytes[15], 0x77);
    assert_int_equal(walk(before, COUNT_OF(before), found), 2);
    assert_int_equal(found[1].kind, FINDING_INSERTED);
    assert_int_equal(found[1].id.bytes[15], 0x77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_vector_of_the_manual_holds, make_chain),
        cmocka_unit_test_setup(absent_and_empty_are_not_the_same, make_chain),
        cmocka_unit_test_setup(the_border_between_fields_counts, make_chain),
        cmocka_unit_test_setup(an_untouched_chain_has_no_findings, make_chain),
        cmocka_unit_test_setup(a_changed_hash_accuses_that_record_only, make_chain),
        cmocka_unit_test_setup(a_gap_is_missing_and_what_follows_is_judged_by_itself, make_chain),
        cmocka_unit_test_setup(of_two_at_one_place_the_forged_one_is_accused, make_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
