/* One-time codes. The vectors are the SHA-1 column of RFC 6238, appendix B: eight digits there, of which six are used.
 */
#include "auth/totp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char secret[TOTP_SECRET_SIZE + 1] = "12345678901234567890";

static void the_codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        int64_t time_s;
        const char *eight;
    } cases[] = {
        { 59, "94287082" },
        { 1111111109, "07081804" },
        { 1111111111, "14050471" },
        { 1234567890, "89005924" },
        { 2000000000, "69279037" },
        { 20000000000, "65353130" },
    };
    char code[TOTP_CODE_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        totp_code(code, secret, cases[i].time_s / TOTP_STEP_S);
        assert_string_equal(code, cases[i].eight + 2);
    }
}

static void a_code_is_good_one_step_around_and_once(void **state)
{
    const int64_t now_s = 1234567890, now_step = now_s / TOTP_STEP_S;
    char code[TOTP_CODE_SIZE];
    int64_t step = 0;
    (void)state;
    for (int64_t offset = -3; offset <= 3; offset++) {
        totp_code(code, secret, now_step + offset);
        bool is_near = offset >= -1 && offset <= 1;
        assert_int_equal(totp_matches(secret, code, now_s, -1, &step), is_near);
        if (!is_near)
            continue;
        assert_int_equal(step, now_step + offset);
        assert_false(totp_matches(secret, code, now_s, step, &step)); /* used */
        assert_false(totp_matches(secret, code, now_s, now_step + 1, &step));
    }
}

static void other_texts_are_no_codes(void **state)
{
    static const char *const texts[] = { "", "0", "00592", "0059240", "89005924", "      ", "abcdef" };
    int64_t step;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(totp_matches(secret, texts[i], 1234567890, -1, &step));
}

static void secrets_are_written_in_base32(void **state)
{
    char text[TOTP_SECRET_TEXT_SIZE], other[TOTP_SECRET_TEXT_SIZE];
    unsigned char made[TOTP_SECRET_SIZE];
    (void)state;
    totp_secret_text(text, secret);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    totp_secret_new(made);
    totp_secret_text(other, made);
    assert_string_not_equal(other, text);
    assert_int_equal(strspn(other, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_codes_are_those_of_the_rfc),
        cmocka_unit_test(a_code_is_good_one_step_around_and_once),
        cmocka_unit_test(other_texts_are_no_codes),
        cmocka_unit_test(secrets_are_written_in_base32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
