#include "field.h"
#include "nwims/v1/common.pb-c.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum rule { CODE, NAME, CHOICE, REFERENCE };
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG_200 LONG_64 LONG_64 LONG_64 "01234567"

static const struct {
    const char *what;
    enum rule rule;
    const char *text;
    bool is_required, is_good;
} texts[] = {
    { "a code", CODE, "DMA-07_a.b:c/d", true, true },
    { "the longest code", CODE, LONG_64, true, true },
    { "a code that is too long", CODE, LONG_64 "x", true, false },
    { "an empty code", CODE, "", false, false },
    { "a code with a space", CODE, "a b", true, false },
    { "a code beyond ASCII", CODE, "Zürich", true, false },
    { "no code where one is needed", CODE, NULL, true, false },
    { "no code in a change", CODE, NULL, false, true },
    { "a name", NAME, "Seestadt", true, true },
    { "the longest name", NAME, LONG_200, true, true },
    { "a name that is too long", NAME, LONG_200 "x", true, false },
    { "an empty name where one is needed", NAME, "", true, false },
    { "an empty name", NAME, "", false, false },
    { "no name where one is needed", NAME, NULL, true, false },
    { "the first choice", CHOICE, "one", true, true },
    { "the last choice", CHOICE, "three", true, true },
    { "the beginning of a choice", CHOICE, "thre", true, false },
    { "two choices", CHOICE, "one|two", true, false },
    { "an empty choice", CHOICE, "", false, false },
    { "no choice", CHOICE, NULL, false, true },
    { "no choice where one is needed", CHOICE, NULL, true, false },
    { "a reference", REFERENCE, "0190A0A0-1234-7abc-8def-0123456789ab", true, true },
    { "a reference by code", REFERENCE, "LAKESIDE", true, false },
    { "an empty reference", REFERENCE, "", false, false },
    { "an empty reference where one is needed", REFERENCE, "", true, false },
    { "no reference where one is needed", REFERENCE, NULL, true, false },
};

struct fixture {
    struct arena arena;
    Nwims__V1__Failure failure;
    struct rpc_call call;
    struct err err;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){ .failure = NWIMS__V1__FAILURE__INIT };
    arena_init(&fixture->arena, 65536);
    fixture->call = (struct rpc_call){ .arena = &fixture->arena, .failure = &fixture->failure };
}

static void apply(struct fixture *fixture, enum rule rule, const char *text, bool is_required)
{
    if (rule == CODE)
        field_code(&fixture->call, &fixture->err, text, is_required);
    else if (rule == NAME)
        field_name(&fixture->call, &fixture->err, text, is_required);
    else if (rule == CHOICE)
        field_choice(&fixture->call, &fixture->err, "kind", text, "one|two|three", is_required);
    else
        field_reference(&fixture->call, &fixture->err, "zone_id", text, is_required);
}

static void texts_keep_their_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct fixture fixture;
        begin(&fixture);
        apply(&fixture, texts[i].rule, texts[i].text, texts[i].is_required);
        if ((fixture.err.kind == ERR_NONE) != texts[i].is_good)
            fail_msg("%s: %s", texts[i].what, fixture.err.text);
        assert_int_equal(fixture.failure.n_violations, texts[i].is_good ? 0 : 1);
        arena_done(&fixture.arena);
    }
}

static void numbers_stay_within_bounds(void **state)
{
    (void)state;
    static const struct {
        bool is_there;
        double value;
        bool is_good;
    } cases[] = { { true, -90, true }, { true, 90, true }, { true, 90.0001, false }, { true, NAN, false },
        { true, INFINITY, false }, { false, 1000, true } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;
        begin(&fixture);
        field_number(&fixture.call, &fixture.err, "latitude", cases[i].is_there, cases[i].value, -90, 90);
        assert_int_equal(fixture.err.kind == ERR_NONE, cases[i].is_good);
        if (!cases[i].is_good)
            assert_string_equal(fixture.failure.violations[0]->reason, "must be between -90 and 90");
        arena_done(&fixture.arena);
    }
}

static void every_mistake_is_told(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    for (enum rule rule = CODE; rule <= REFERENCE; rule++)
        apply(&fixture, rule, NULL, true);
    assert_int_equal(fixture.failure.n_violations, 4);
    assert_string_equal(fixture.failure.violations[0]->field, "code");
    assert_string_equal(fixture.failure.violations[3]->field, "zone_id");
    arena_done(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_keep_their_rules),
        cmocka_unit_test(numbers_stay_within_bounds),
        cmocka_unit_test(every_mistake_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
