/* Credentials of devices. */
#include "tests/integration/registry_stack.h"

static enum err_kind resolve(const char *secret, Nwims__V1__ResolveCredentialReply **out_reply)
{
    unsigned char *verifier = arena_alloc(&arena, SHA256_SIZE);
    assert_non_null(verifier);
    auth_sha256(verifier, secret, strlen(secret));
    Nwims__V1__ResolveCredentialRequest request = NWIMS__V1__RESOLVE_CREDENTIAL_REQUEST__INIT;
    request.has_verifier = true;
    request.verifier = (ProtobufCBinaryData){ SHA256_SIZE, verifier };
    struct rpc_caller ingest = caller_of(0, "");
    ProtobufCMessage *reply = NULL;
    enum err_kind kind = call_as(&ingest, "ResolveCredential", &request, &reply);
    *out_reply = (Nwims__V1__ResolveCredentialReply *)reply;
    return kind;
}

static void a_credential_is_shown_once_and_found_by_its_hash(void **state)
{
    (void)state;
    Nwims__V1__ResolveCredentialReply *whose;
    Nwims__V1__CreateCredentialRequest request = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    request.id = make_device(15, "LOGGER");
    Nwims__V1__Credential *made = call(15, "CreateCredential", &request);
    assert_memory_equal(made->secret, "nwd_", 4);
    assert_int_equal(strlen(made->secret), 47);
    assert_string_equal(made->device_id, request.id);
    expect_event("events.15.credential", made->id, "created", "", made->secret);
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_int_equal(whose->tenant_id, 15);
    assert_string_equal(whose->device_id, request.id);
    assert_string_equal(whose->device_code, "LOGGER");
    assert_string_equal(whose->device_state, "active");
    assert_string_equal(whose->credential_id, made->id);
    assert_false(whose->has_expires_at);
    assert_int_equal(resolve("nwd_wrong", &whose), ERR_NOT_FOUND);

    Nwims__V1__ById device = by_id("LOGGER");
    Nwims__V1__ListCredentialsReply *list = call(15, "ListCredentials", &device);
    assert_int_equal(list->n_items, 1);
    assert_null(list->items[0]->secret);
    assert_string_equal(list->items[0]->id, made->id);

    Nwims__V1__Device patch = NWIMS__V1__DEVICE__INIT;
    patch.id = request.id;
    patch.state = text_of("disabled");
    call(15, "UpdateDevice", &patch);
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_string_equal(whose->device_state, "disabled");

    Nwims__V1__CredentialRef reference = NWIMS__V1__CREDENTIAL_REF__INIT;
    reference.id = request.id;
    reference.credential_id = made->id;
    assert_int_equal(try(16, "DeleteCredential", &reference), ERR_NOT_FOUND);
    call(15, "DeleteCredential", &reference);
    assert_int_equal(resolve(made->secret, &whose), ERR_NOT_FOUND);
    expect_event("events.15.credential", made->id, "deleted", "", made->secret);
    assert_int_equal(try(15, "DeleteCredential", &reference), ERR_NOT_FOUND);
}

static void a_device_has_at_most_two_live_credentials(void **state)
{
    (void)state;
    Nwims__V1__ResolveCredentialReply *whose;
    Nwims__V1__CreateCredentialRequest request = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    request.id = make_device(17, "LOGGER");
    request.has_expires_at = true;
    request.expires_at = clock_now_us() - 1;
    expect_violation(17, "CreateCredential", &request, "expires_at");
    request.kind = text_of("psk");
    expect_violation(17, "CreateCredential", &request, "kind");
    request.kind = text_of("token");
    request.expires_at = clock_now_us() + 400 * 1000;
    Nwims__V1__Credential *brief = call(17, "CreateCredential", &request);
    request.has_expires_at = false;
    Nwims__V1__Credential *lasting = call(17, "CreateCredential", &request);
    assert_int_equal(try(17, "CreateCredential", &request), ERR_CONFLICT);
    clock_sleep_ms(500);
    assert_int_equal(resolve(brief->secret, &whose), ERR_NOT_FOUND);
    call(17, "CreateCredential", &request); /* the expired one does not count */

    Nwims__V1__ById device = by_id("LOGGER");
    call(17, "DeleteDevice", &device);
    assert_int_equal(resolve(lasting->secret, &whose), ERR_NOT_FOUND);
    expect_event("events.17.credential", lasting->id, "deleted", "", lasting->secret);
    expect_event("events.17.device", request.id, "deleted", "LOGGER", NULL);
    assert_int_equal(try(17, "CreateCredential", &request), ERR_NOT_FOUND);
}

static void no_secret_is_in_the_database(void **state)
{
    (void)state;
    assert_int_equal(count_as("nwims_registry_owner", 0,
                         "SELECT count(*) FROM credential c WHERE c::text LIKE '%nwd\\_%' OR length(verifier) <> 32"),
        0);
    assert_int_equal(
        count_as("nwims_registry_owner", 0, "SELECT count(*) FROM outbox WHERE payload::text LIKE '%nwd\\_%'"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_shown_once_and_found_by_its_hash),
        cmocka_unit_test(a_device_has_at_most_two_live_credentials),
        cmocka_unit_test(no_secret_is_in_the_database),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
