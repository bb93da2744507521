/* The answers of JetStream to a publish. */
#include "bus/bus_puback.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FULL                                                                                                           \
    "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes "                                     \
    "exceeded\"},\"stream\":\"S\",\"seq\":0}"
static const struct {
    const char *name, *answer;
    enum err_kind expect;
    uint64_t sequence;
    bool is_duplicate;
} cases[] = {
    { "stored", "{\"stream\":\"S\",\"seq\":7}", ERR_NONE, 7, false },
    { "stored before", "{\"stream\":\"S\", \"seq\":8 ,\"duplicate\": true}", ERR_NONE, 8, true },
    { "not stored before", "{\"stream\":\"S\",\"seq\":9,\"duplicate\":false}", ERR_NONE, 9, false },
    { "members that we do not know", "{\"domain\":\"a\\\"b\",\"x\":{\"y\":[1,{\"z\":null}]},\"v\":[],\"seq\":3}",
        ERR_NONE, 3, false },
    { "spaces everywhere", " {\n\"seq\" : 4 } \r\n", ERR_NONE, 4, false },
    { "the stream is full", FULL, ERR_LIMIT, 0, false },
    { "the disk fails", "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"no space left\"}}",
        ERR_TRANSIENT, 0, false },
    { "the server is full", "{\"error\":{\"code\":503,\"err_code\":10023,\"description\":\"insufficient resources\"}}",
        ERR_LIMIT, 0, false },
    { "storage is full",
        "{\"error\":{\"code\":500,\"err_code\":10047,\"description\":\"insufficient storage resources available\"}}",
        ERR_LIMIT, 0, false },
    { "the message is too large",
        "{\"error\":{\"code\":400,\"err_code\":10054,\"description\":\"message size exceeds maximum allowed\"}}",
        ERR_INPUT, 0, false },
    { "the message is wrong",
        "{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: 3\"}}", ERR_PRECONDITION, 0,
        false },
    { "no leader",
        "{\"error\":{\"code\":503,\"err_code\":10008,\"description\":\"JetStream system temporarily unavailable\"}}",
        ERR_TRANSIENT, 0, false },
    { "an error with nothing in it", "{\"error\":{}}", ERR_TRANSIENT, 0, false },
    { "an error with more than we know", "{\"error\":{\"code\":503,\"hint\":[\"a\",\"b\"]}}", ERR_TRANSIENT, 0, false },
    { "nothing", "", ERR_TRANSIENT, 0, false },
    { "no JSON", "+OK", ERR_TRANSIENT, 0, false },
    { "no sequence", "{\"stream\":\"S\"}", ERR_TRANSIENT, 0, false },
    { "sequence 0", "{\"seq\":0}", ERR_TRANSIENT, 0, false },
    { "a negative sequence", "{\"seq\":-1}", ERR_TRANSIENT, 0, false },
    { "a sequence in quotes", "{\"seq\":\"7\"}", ERR_TRANSIENT, 0, false },
    { "a duplicate that is neither", "{\"seq\":7,\"duplicate\":1}", ERR_TRANSIENT, 0, false },
    { "cut off", "{\"seq\":7", ERR_TRANSIENT, 0, false },
    { "cut off in a text", "{\"seq\":7,\"stream\":\"S", ERR_TRANSIENT, 0, false },
    { "cut off in an escape", "{\"seq\":7,\"stream\":\"S\\", ERR_TRANSIENT, 0, false },
    { "cut off in a value", "{\"seq\":7,\"x\":[1,", ERR_TRANSIENT, 0, false },
    { "a value is missing", "{\"x\":,\"seq\":7}", ERR_TRANSIENT, 0, false },
    { "a bracket too many", "{\"x\":],\"seq\":7}", ERR_TRANSIENT, 0, false },
    { "something behind it", "{\"seq\":7}{", ERR_TRANSIENT, 0, false },
    { "too deep", "{\"x\":[[[[[[[[[[1]]]]]]]]]],\"seq\":7}", ERR_TRANSIENT, 0, false },
    { "an empty object", "{}", ERR_TRANSIENT, 0, false },
};

static void every_answer_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        struct bus_puback puback = { 0 };
        bool ok = bus_puback_parse(cases[i].answer, strlen(cases[i].answer), &puback, &err);
        if (ok != (cases[i].expect == ERR_NONE) || err.kind != cases[i].expect)
            fail_msg("%s: %s %s", cases[i].name, err_kind_name(err.kind), err.text);
        assert_int_equal(puback.sequence, cases[i].sequence);
        assert_int_equal(puback.is_duplicate, cases[i].is_duplicate);
    }
}

static void no_cut_of_an_answer_is_read_beyond_its_end(void **state)
{
    struct err err = { 0 };
    struct bus_puback puback;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t size = 0; size < strlen(cases[i].answer); size++) {
            char *cut = malloc(size + 1);
            assert_non_null(cut);
            memcpy(cut, cases[i].answer, size);
            cut = realloc(cut, size > 0 ? size : 1); /* so that the address sanitizer sees a byte too many */
            bool ok = bus_puback_parse(cut, size, &puback, &err);
            assert_true(!ok || size + 3 >= strlen(cases[i].answer)); /* only spaces may be missing */
            free(cut);
        }
}

static void a_long_reason_is_shortened(void **state)
{
    char answer[600], reason[400];
    struct err err = { 0 };
    struct bus_puback puback;
    (void)state;
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    int size =
        snprintf(answer, sizeof answer, "{\"error\":{\"code\":500,\"err_code\":1,\"description\":\"%s\"}}", reason);
    assert_false(bus_puback_parse(answer, (size_t)size, &puback, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_non_null(strstr(err.text, "xxx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_understood),
        cmocka_unit_test(no_cut_of_an_answer_is_read_beyond_its_end),
        cmocka_unit_test(a_long_reason_is_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
