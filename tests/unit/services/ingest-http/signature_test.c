/* Signed requests: both forms, whatever is changed is noticed, clocks within the window. The signatures were made by
 * another implementation (Python's hmac). */
#include "signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "f7f1c4568a9938f707ff7319b2644b8ade92676208c92c51e0b5adc8ff2feafb"
#define WITH_QUERY "001976f667a413c2b664d374729dde15c3ab508b89bda9d52cce287b1b0a5f3f"
#define WEBHOOK "v1,HkKzM1QT3768J2/rOc/Ki7JaMe+zgapu8R73W0toMZQ="
#define HEADER(sig) "keyid=meter-7, ts=1795507200, nonce=n-1, alg=hmac-sha256, sig=" sig
static const unsigned char key[] = "sixteen-bytes-it";
static const char body[] = "[{\"sensor_id\":\"P1\",\"value\":4}]";
static const struct signed_request request = {
    .method = "POST", .path = "/ingest/v1/readings", .query = "", .body = body, .size = sizeof body - 1
};
static struct arena arena;
static struct err err;

static bool matches(const struct signed_headers *headers, const struct signed_request *is, size_t key_size)
{
    struct signature signature;
    err = (struct err){ 0 };
    assert_true(signature_is_there(headers));
    return signature_read(&signature, headers, &err) && signature_matches(&signature, is, key, key_size, &arena);
}

static void a_signature_fits_its_request_and_no_other(void **state)
{
    static const char other_body[] = "[{\"sensor_id\":\"P1\",\"value\":5}]";
    const struct signed_headers headers = { .signature = HEADER(SIGNATURE) };
    struct signed_request changed = request;
    (void)state;
    assert_true(matches(&headers, &request, sizeof key - 1));
    assert_false(matches(&headers, &request, sizeof key - 2));
    assert_false(matches(&headers, &request, 0));
    changed.body = other_body;
    assert_false(matches(&headers, &changed, sizeof key - 1));
    changed = request;
    changed.method = "PUT";
    assert_false(matches(&headers, &changed, sizeof key - 1));
    changed = request;
    changed.path = "/ingest/v1/batch";
    assert_false(matches(&headers, &changed, sizeof key - 1));
    changed = request;
    changed.query = "a=b";
    assert_false(matches(&headers, &changed, sizeof key - 1));
    assert_true(matches(&(struct signed_headers){ .signature = HEADER(WITH_QUERY) }, &changed, sizeof key - 1));
    const struct signed_headers other_nonce = {
        .signature = "keyid=meter-7, ts=1795507200, nonce=n-2, alg=hmac-sha256, sig=" SIGNATURE
    };
    assert_false(matches(&other_nonce, &request, sizeof key - 1));
    const struct signed_headers other_time = {
        .signature = "keyid=meter-7, ts=1795507201, nonce=n-1, alg=hmac-sha256, sig=" SIGNATURE
    };
    assert_false(matches(&other_time, &request, sizeof key - 1));
}

static void webhooks_fit_by_any_of_their_signatures(void **state)
{
    struct signed_headers headers = {
        .key_id = "meter-7", .webhook_id = "msg_1", .webhook_timestamp = "1795507200", .webhook_signature = WEBHOOK
    };
    (void)state;
    assert_true(matches(&headers, &request, sizeof key - 1));
    headers.webhook_signature = "v1,AAAA v2,x v1a,y " WEBHOOK " v1,";
    assert_true(matches(&headers, &request, sizeof key - 1));
    headers.webhook_signature = "v1,HkKzM1QT3768J2/rOc/Ki7JaMe+zgapu8R73W0toMZR=";
    assert_false(matches(&headers, &request, sizeof key - 1));
    headers.webhook_signature = WEBHOOK;
    headers.webhook_id = "msg_2";
    assert_false(matches(&headers, &request, sizeof key - 1));
    headers.webhook_id = NULL;
    assert_false(matches(&headers, &request, sizeof key - 1));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
}

static void headers_that_are_none_say_what_one_is(void **state)
{
    static const char *const wrong[] = { "", "x", "keyid=meter-7",
        "keyid=, ts=1, nonce=n, alg=hmac-sha256, sig=" SIGNATURE,
        "keyid=a, ts=x, nonce=n, alg=hmac-sha256, sig=" SIGNATURE,
        "keyid=a, ts=1, nonce=n, alg=hmac-md5, sig=" SIGNATURE,
        "keyid=a, ts=-1, nonce=n, alg=hmac-sha256, sig=" SIGNATURE, "keyid=a, ts=1, nonce=n, alg=hmac-sha256, sig=12",
        "keyid=a, ts=1, nonce=n, alg=hmac-sha256, sig=" SIGNATURE ", sig=" SIGNATURE,
        "keyid=a, ts=1, nonce=n, alg=hmac-sha256, more=1, sig=" SIGNATURE,
        "keyid=a, ts=99999999999999999999, nonce=n, alg=hmac-sha256, sig=" SIGNATURE,
        "keyid=a b, ts=1, nonce=n, alg=hmac-sha256, sig=" SIGNATURE };
    struct signature signature;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        err = (struct err){ 0 };
        assert_false(signature_read(&signature, &(struct signed_headers){ .signature = wrong[i] }, &err));
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        assert_non_null(strstr(err.text, "keyid="));
    }
    assert_false(signature_is_there(&(struct signed_headers){ .key_id = "meter-7" }));
}

static void a_clock_may_be_off_by_the_window_and_no_more(void **state)
{
    struct signature signature;
    const int64_t signed_at = INT64_C(1795507200000000);
    (void)state;
    assert_true(signature_read(&signature, &(struct signed_headers){ .signature = HEADER(SIGNATURE) }, &err));
    assert_int_equal(signature.signed_at, signed_at);
    assert_true(signature_is_fresh(&signature, signed_at + 300000000, 300000, &err));
    assert_true(signature_is_fresh(&signature, signed_at - 300000000, 300000, &err));
    assert_false(signature_is_fresh(&signature, signed_at + 300000001, 300000, &err));
    assert_false(signature_is_fresh(&signature, signed_at - 300000001, 300000, &err));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_fits_its_request_and_no_other),
        cmocka_unit_test(webhooks_fit_by_any_of_their_signatures),
        cmocka_unit_test(headers_that_are_none_say_what_one_is),
        cmocka_unit_test(a_clock_may_be_off_by_the_window_and_no_more),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
