/* TLS session tickets: who takes whose, and for how long. */
#include "net/net_ticket.h"
#include "tests/unit/libs/net/net_client.h"

/* ---- the keys ---- */
static enum ticket_age age_after(int64_t seconds, const struct ticket_secret *shown_to)
{
    struct ticket_secret secret;
    unsigned char name[16], iv[16];
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    assert_true(ticket_secret_init(&secret, "shared"));
    assert_true(ticket_seal(&secret, 1700000000, name, iv, cipher, mac));
    enum ticket_age age = ticket_open(shown_to, 1700000000 + seconds, name, iv, cipher, mac);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    EVP_CIPHER_CTX_free(cipher);
    return age;
}

static void a_key_is_good_for_its_time_and_as_long_again(void **state)
{
    struct ticket_secret same, other, own;
    (void)state;
    assert_true(
        ticket_secret_init(&same, "shared") && ticket_secret_init(&other, "another") && ticket_secret_init(&own, ""));
    assert_int_equal(age_after(0, &same), TICKET_NEW);
    assert_int_equal(age_after(TICKET_KEY_S, &same), TICKET_OLD);
    assert_int_equal(age_after(-TICKET_KEY_S, &same), TICKET_NEW); /* a clock that is behind */
    assert_int_equal(age_after(2 * TICKET_KEY_S, &same), TICKET_UNKNOWN);
    assert_int_equal(age_after(0, &other), TICKET_UNKNOWN);
    assert_int_equal(age_after(0, &own), TICKET_UNKNOWN);
}

static void no_two_keys_have_anything_in_common(void **state)
{
    struct ticket_secret secret;
    struct ticket_key first, second;
    (void)state;
    assert_true(ticket_secret_init(&secret, "shared"));
    assert_true(ticket_key_of(&first, &secret, 7) && ticket_key_of(&second, &secret, 8));
    assert_memory_not_equal(first.name, second.name, sizeof first.name);
    assert_memory_not_equal(first.mac, second.mac, sizeof first.mac);
    assert_memory_not_equal(first.cipher, second.cipher, sizeof first.cipher);
    assert_memory_not_equal(first.mac, first.cipher, sizeof first.mac);
}

/* ---- servers that only greet ---- */
struct door {
    struct net_tls *tls;
    struct net_server *server;
    int port;
    atomic_int with_certificate;
};

static bool on_opened(void *context, struct net_connection *connection)
{
    struct door *door = context;
    unsigned char fingerprint[NET_FINGERPRINT_SIZE];
    atomic_fetch_add(&door->with_certificate, net_fingerprint(connection, fingerprint) ? 1 : 0);
    net_established(connection);
    net_send(connection, "hello", 5);
    return true;
}

static size_t on_received(void *context, struct net_connection *connection, const unsigned char *bytes, size_t size)
{
    (void)context, (void)connection, (void)bytes;
    return size;
}

static void on_timed_out(void *context, struct net_connection *connection)
{
    (void)context, (void)connection;
}

static void on_draining(void *context, struct net_connection *connection)
{
    (void)context;
    net_close(connection);
}

static void on_closed(void *context, struct net_connection *connection, enum net_end end)
{
    (void)context, (void)connection, (void)end;
}

static size_t give_key(void *context, const char *identity, unsigned char *key, size_t key_size)
{
    (void)context;
    memset(key, 0x42, 16);
    return strcmp(identity, "meter-7") == 0 && key_size >= 16 ? 16 : 0;
}

static void door_open(struct door *door, const struct identity *identity, const char *secret)
{
    static const struct net_protocol protocol = { .opened = on_opened,
        .received = on_received,
        .timed_out = on_timed_out,
        .draining = on_draining,
        .closed = on_closed };
    static const struct net_config config = { .name = "test",
        .loops = 1,
        .most_connections = 10,
        .most_unestablished = 10,
        .admit_a_second = 10000,
        .establish_ms = 60000,
        .stall_ms = 60000,
        .most_output_bytes = 65536 };
    const struct net_tls_config tls = { .certificate_file = identity->certificate_file,
        .key_file = identity->key_file,
        .asks_for_certificate = true,
        .psk = give_key,
        .ticket_secret = secret };
    struct err err = { 0 };
    memset(door, 0, sizeof *door);
    if (!net_tls_open(&door->tls, &tls, &err) || !net_server_open(&door->server, &config, &protocol, door, &err) ||
        !net_listen(door->server, "127.0.0.1:0", door->tls, &err))
        fail_msg("%s", err.text);
    door->port = net_listen_port(door->server, 0);
}

static void door_close(struct door *door)
{
    net_server_close(door->server);
    net_tls_close(door->tls);
}

/* ---- a device ---- */
static SSL_SESSION *ticket; /* the newest that was given */

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

static SSL_CTX *device_of(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    return context;
}

/* Says whether it was let in by the ticket; keeps the next one. */
static bool visit(const struct door *door, SSL_CTX *context)
{
    char hello[8];
    int fd = connect_to(door->port);
    SSL *ssl = SSL_new(context);
    assert_true(SSL_set_fd(ssl, fd) == 1 && (!ticket || SSL_set_session(ssl, ticket) == 1));
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_read(ssl, hello, sizeof hello), 5); /* the ticket of 1.3 comes before */
    bool is_resumed = SSL_session_reused(ssl) == 1;
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    return is_resumed;
}

static void forget_ticket(void)
{
    SSL_SESSION_free(TAKE(ticket));
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void a_ticket_is_taken_wherever_the_secret_is(void **state)
{
    struct identity ours, theirs;
    struct err err = { 0 };
    struct door first, second, other, alone;
    (void)state;
    identity_make(&ours, "server");
    identity_make(&theirs, "client");
    door_open(&first, &ours, "shared");
    door_open(&second, &ours, "shared");
    door_open(&other, &ours, "another");
    door_open(&alone, &ours, "");
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SSL_CTX *context = device_of(versions[i]);
        SSL_CTX_use_certificate(context, theirs.certificate);
        SSL_CTX_use_PrivateKey(context, theirs.key);
        assert_false(visit(&first, context));
        assert_non_null(ticket);
        assert_true(visit(&first, context));
        assert_true(net_tls_reload(first.tls, &err));
        assert_true(visit(&first, context));
        assert_true(visit(&second, context));
        assert_false(visit(&other, context));
        assert_false(visit(&alone, context));
        assert_true(visit(&alone, context));
        assert_true(net_tls_reload(alone.tls, &err));
        assert_true(visit(&alone, context));
        assert_false(visit(&first, context));
        forget_ticket();
        SSL_CTX_free(context);
    }
    /* Whoever comes by a ticket is who it was that it was given to. */
    assert_int_equal(atomic_load(&first.with_certificate), 8);
    assert_int_equal(atomic_load(&second.with_certificate), 2);
    door_close(&first);
    door_close(&second);
    door_close(&other);
    door_close(&alone);
    identity_done(&ours);
    identity_done(&theirs);
}

static unsigned client_key(
    SSL *ssl, const char *hint, char *identity, unsigned identity_size, unsigned char *key, unsigned key_size)
{
    (void)ssl, (void)hint;
    snprintf(identity, identity_size, "meter-7");
    return (unsigned)give_key(NULL, "meter-7", key, key_size);
}

/* A key that was taken away meanwhile must let nobody in. */
static void no_ticket_stands_for_a_pre_shared_key(void **state)
{
    struct identity ours;
    struct door door;
    (void)state;
    identity_make(&ours, "server");
    door_open(&door, &ours, "shared");
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SSL_CTX *context = device_of(versions[i]);
        SSL_CTX_set_cipher_list(context, "PSK");
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
        SSL_CTX_set_psk_client_callback(context, client_key);
        (void)visit(&door, context);
        assert_true(!ticket || !SSL_SESSION_has_ticket(ticket));
        forget_ticket();
        SSL_CTX_free(context);
    }
    door_close(&door);
    identity_done(&ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_good_for_its_time_and_as_long_again),
        cmocka_unit_test(no_two_keys_have_anything_in_common),
        cmocka_unit_test(a_ticket_is_taken_wherever_the_secret_is),
        cmocka_unit_test(no_ticket_stands_for_a_pre_shared_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
