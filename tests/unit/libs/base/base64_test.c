/* Base64: the vectors of RFC 4648 and what is no base64. */
#include "base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *plain;
    const char *text;
} vectors[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xef\xbe", "/+++" } };

static void the_vectors_of_the_rfc_are_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        AUTO_INPLACE(buffer) out = { 0 };
        base64_encode(&out, vectors[i].plain, strlen(vectors[i].plain));
        assert_string_equal(out.data ? out.data : "", vectors[i].text);
    }
}

/* The target is as small as promised, for the address sanitizer to watch. */
static bool decode(const char *text, size_t length, unsigned char **out_bytes, size_t *out_size)
{
    *out_bytes = malloc(base64_decoded_size(length));
    return base64_decode(*out_bytes, out_size, text, length);
}

static void the_vectors_of_the_rfc_are_read_with_and_without_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        size_t padded = strlen(vectors[i].text), bare = strcspn(vectors[i].text, "=");
        for (size_t k = 0; k < 2; k++) {
            unsigned char *bytes;
            size_t size;
            assert_true(decode(vectors[i].text, k == 0 ? padded : bare, &bytes, &size));
            assert_int_equal(size, strlen(vectors[i].plain));
            assert_memory_equal(bytes, vectors[i].plain, size);
            free(bytes);
        }
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const cases[] = { "A", "AAAAA", "A===", "====", "AA=A", "A A=", "Zg=", "Zh==", "Zm9=", "-_-_",
        "AA\n=" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned char *bytes;
        size_t size;
        if (decode(cases[i], strlen(cases[i]), &bytes, &size))
            fail_msg("'%s' was taken", cases[i]);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_are_written),
        cmocka_unit_test(the_vectors_of_the_rfc_are_read_with_and_without_padding),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
