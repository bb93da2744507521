/* Values made with Python's hmac. */
#include "auth/hmac.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static void expect(const char *key, size_t key_size, const char *wanted)
{
    unsigned char mac[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    hmac_sha256(mac, key, key_size, (const struct hmac_part[]){ { "what ", 5 }, { NULL, 0 }, { "is said", 7 } }, 3);
    text_hex(text, mac, sizeof mac);
    assert_string_equal(text, wanted);
}

static void it_is_what_another_implementation_makes(void **state)
{
    char longer_than_a_block[100];
    (void)state;
    memset(longer_than_a_block, 'k', sizeof longer_than_a_block);
    expect("key", 3, "12db572e9f564d0e72e0f258a1c8898e78b338c0fe0f27ad6855786182d34fb9");
    expect(longer_than_a_block, sizeof longer_than_a_block,
        "ea5ca792bcc4808c373f689298822adf227df088e5a9339460274ee03487d7c1");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(it_is_what_another_implementation_makes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
