/* Credentials of devices. */
#include "base/text.h"
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
    request.kind = text_of("password");
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

/* ---- kinds that are found by a name ---- */
static Nwims__V1__CreateCredentialRequest credential_of(char *device_id, const char *kind)
{
    Nwims__V1__CreateCredentialRequest request = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    request.id = device_id;
    request.kind = text_of(kind);
    return request;
}

static enum err_kind look_up(const char *kind, const char *lookup, Nwims__V1__ResolveCredentialReply **out_reply)
{
    Nwims__V1__ResolveCredentialRequest request = NWIMS__V1__RESOLVE_CREDENTIAL_REQUEST__INIT;
    request.kind = text_of(kind);
    request.lookup = text_of(lookup);
    struct rpc_caller ingest = caller_of(0, "");
    ProtobufCMessage *reply = NULL;
    enum err_kind result = call_as(&ingest, "ResolveCredential", &request, &reply);
    *out_reply = (Nwims__V1__ResolveCredentialReply *)reply;
    return result;
}

static void expect_key(const ProtobufCBinaryData *key, const char *hex)
{
    char text[129];
    assert_in_range(key->len, 16, 64);
    text_hex(text, key->data, key->len);
    assert_string_equal(text, hex);
}

static void a_psk_is_found_by_its_identity(void **state)
{
    (void)state;
    Nwims__V1__ResolveCredentialReply *whose;
    Nwims__V1__CreateCredentialRequest request = credential_of(make_device(20, "PSK"), "psk");
    Nwims__V1__Credential *made = call(20, "CreateCredential", &request);
    assert_int_equal(strlen(made->secret), 64);
    assert_int_equal(look_up("psk", made->lookup, &whose), ERR_NONE);
    assert_string_equal(whose->device_code, "PSK");
    expect_key(&whose->secret, made->secret);
    assert_int_equal(look_up("x509", made->lookup, &whose), ERR_NOT_FOUND);
    assert_int_equal(resolve(made->lookup, &whose), ERR_NOT_FOUND); /* a name is no token */
    request.identity = text_of("pump-7");
    request.key = text_of("000102030405060708090a0b0c0d0e0f");
    call(20, "CreateCredential", &request);
    assert_int_equal(look_up("psk", "pump-7", &whose), ERR_NONE);
    expect_key(&whose->secret, "000102030405060708090a0b0c0d0e0f");
    request.identity = text_of("pump-8");
    assert_int_equal(try(20, "CreateCredential", &request), ERR_CONFLICT); /* two of a kind */
    request = credential_of(make_device(21, "OTHER"), "psk");
    request.identity = text_of("pump-7");
    assert_int_equal(try(21, "CreateCredential", &request), ERR_CONFLICT); /* another tenant's */
    request.key = text_of("00");
    expect_violation(21, "CreateCredential", &request, "key");
    request.key = NULL;
    request.phone = text_of("+41791234567");
    expect_violation(21, "CreateCredential", &request, "phone");
}

static void a_lorawan_key_can_be_changed_under_one_dev_eui(void **state)
{
    (void)state;
    Nwims__V1__ResolveCredentialReply *whose;
    char *device = make_device(22, "LORA");
    Nwims__V1__CreateCredentialRequest request = credential_of(device, "lorawan");
    request.dev_eui = text_of("70:B3:D5:7E:D0:00:00:01");
    request.join_eui = text_of("0000000000000001");
    request.app_key = text_of("00112233445566778899aabbccddeeff");
    Nwims__V1__Credential *first = call(22, "CreateCredential", &request);
    assert_string_equal(first->lookup, "70b3d57ed0000001");
    assert_string_equal(first->app_key, "00112233445566778899aabbccddeeff");
    request.app_key = NULL;
    request.nwk_key = text_of("ffeeddccbbaa99887766554433221100");
    Nwims__V1__Credential *second = call(22, "CreateCredential", &request);
    assert_int_equal(look_up("lorawan", "70B3D57ED0000001", &whose), ERR_NONE);
    assert_int_equal(whose->secret.len, 32);
    assert_string_equal(whose->join_eui, "0000000000000001");
    expect_key(&whose->older_secret, "00112233445566778899aabbccddeeff");
    assert_string_equal(whose->credential_id, second->id);
    Nwims__V1__CredentialRef reference = NWIMS__V1__CREDENTIAL_REF__INIT;
    reference.id = device;
    reference.credential_id = first->id;
    call(22, "DeleteCredential", &reference);
    call(22, "CreateCredential", &request); /* the place of the first is free again */
    Nwims__V1__CreateCredentialRequest stolen = credential_of(make_device(22, "THIEF"), "lorawan");
    stolen.dev_eui = text_of("70b3d57ed0000001");
    assert_int_equal(try(22, "CreateCredential", &stolen), ERR_CONFLICT);
    stolen.dev_eui = text_of("70b3");
    expect_violation(22, "CreateCredential", &stolen, "dev_eui");
}

static void certificates_and_phones_are_known_by_name(void **state)
{
    (void)state;
    static const char fingerprint[] =
        "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:"
        "55:66:77:88:99";
    Nwims__V1__ResolveCredentialReply *whose;
    char *device = make_device(23, "X");
    Nwims__V1__CreateCredentialRequest request = credential_of(device, "x509");
    request.fingerprint = text_of(fingerprint);
    Nwims__V1__Credential *made = call(23, "CreateCredential", &request);
    assert_null(made->secret);
    assert_int_equal(
        look_up("x509", "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899", &whose), ERR_NONE);
    assert_false(whose->has_secret);
    assert_int_equal(try(23, "CreateCredential", &request), ERR_CONFLICT);
    request = credential_of(device, "phone");
    request.phone = text_of("+41791234567");
    call(23, "CreateCredential", &request);
    assert_int_equal(look_up("phone", "+41791234567", &whose), ERR_NONE);
    static const char *const bad[] = { "0791234567", "+0791234567", "+4179123456789012", "+41 79 123", "+", "x" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        request.phone = text_of(bad[i]);
        expect_violation(23, "CreateCredential", &request, "phone");
    }
}

static void a_devices_public_key_is_found_by_its_hash(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                              "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                              "-----END PUBLIC KEY-----\n";
    Nwims__V1__ResolveCredentialReply *whose;
    Nwims__V1__CreateCredentialRequest request = credential_of(make_device(24, "SIGNER"), "jwt");
    expect_violation(24, "CreateCredential", &request, "public_key");
    request.public_key = text_of("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    expect_violation(24, "CreateCredential", &request, "public_key");
    request.public_key = text_of(pem);
    Nwims__V1__Credential *made = call(24, "CreateCredential", &request);
    assert_null(made->secret);
    assert_int_equal(strlen(made->lookup), 64);
    assert_int_equal(look_up("jwt", made->lookup, &whose), ERR_NONE);
    assert_string_equal(whose->device_code, "SIGNER");
    assert_int_equal(whose->secret.len, 64);
    assert_memory_equal(whose->secret.data, "\x6b\x17\xd1\xf2", 4);
    assert_int_equal(look_up("psk", made->lookup, &whose), ERR_NOT_FOUND); /* no key to prove with */
    request = credential_of(make_device(24, "OTHER-SIGNER"), "jwt");
    request.public_key = text_of(pem);
    assert_int_equal(try(24, "CreateCredential", &request), ERR_CONFLICT); /* it is another device's */
}

/* ---- suspended tenants ---- */
static void tell_tenant(int32_t tenant_id, const char *change)
{
    Nwims__V1__EntityChanged event = NWIMS__V1__ENTITY_CHANGED__INIT;
    AUTO_INPLACE(buffer) payload = { 0 };
    struct err err = { 0 };
    char subject[64], message_id[64], entity[] = "tenant";
    event.has_tenant_id = event.has_changed_at = true;
    event.tenant_id = tenant_id;
    event.changed_at = clock_now_us();
    event.entity = entity;
    event.change = text_of(change);
    snprintf(subject, sizeof subject, "events.%d.tenant", (int)tenant_id);
    snprintf(message_id, sizeof message_id, "%d-%lld", (int)tenant_id, (long long)event.changed_at);
    must(wire_encode(&payload, &event.base, &err), &err);
    const struct bus_outgoing message = { .subject = subject, .data = payload.data, .size = payload.size };
    must(bus_publish(bus, &message, message_id, 5000, NULL, &err), &err);
}

static void a_suspended_tenants_devices_are_refused_after_a_restart_too(void **state)
{
    (void)state;
    Nwims__V1__ResolveCredentialReply *whose;
    Nwims__V1__CreateCredentialRequest request = credential_of(make_device(24, "D"), "token");
    Nwims__V1__Credential *made = call(24, "CreateCredential", &request);
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_false(whose->is_tenant_suspended);
    tell_tenant(24, "suspended");
    expect_event("events.24.tenant_access", "", "suspended", "", NULL);
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_true(whose->is_tenant_suspended);
    test_process_end(service, SIGTERM);
    start_service();
    await_service();
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_true(whose->is_tenant_suspended);
    tell_tenant(24, "renamed");
    tell_tenant(24, "resumed");
    expect_event("events.24.tenant_access", "", "resumed", "", NULL);
    assert_int_equal(resolve(made->secret, &whose), ERR_NONE);
    assert_false(whose->is_tenant_suspended);
}

static void no_secret_is_in_the_database(void **state)
{
    (void)state;
    assert_int_equal(count_as("nwims_registry_owner", 0,
                         "SELECT count(*) FROM credential c WHERE c::text LIKE '%nwd\\_%' OR length(verifier) <> 32"),
        0);
    assert_int_equal(
        count_as("nwims_registry_owner", 0,
            "SELECT count(*) FROM credential WHERE encode(wrapped, 'hex') LIKE '%000102030405060708090a0b0c0d0e0f%' OR "
            "encode(wrapped, 'hex') LIKE '%00112233445566778899aabbccddeeff%'"),
        0);
    assert_int_equal(
        count_as("nwims_registry_owner", 0, "SELECT count(*) FROM outbox WHERE payload::text LIKE '%nwd\\_%'"), 0);
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(8, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_shown_once_and_found_by_its_hash),
        cmocka_unit_test(a_device_has_at_most_two_live_credentials),
        cmocka_unit_test(a_psk_is_found_by_its_identity),
        cmocka_unit_test(a_lorawan_key_can_be_changed_under_one_dev_eui),
        cmocka_unit_test(certificates_and_phones_are_known_by_name),
        cmocka_unit_test(a_devices_public_key_is_found_by_its_hash),
        cmocka_unit_test(a_suspended_tenants_devices_are_refused_after_a_restart_too),
        cmocka_unit_test(no_secret_is_in_the_database),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
