/* The listener against real sockets on loopback: an echo that can be told to misbehave. */
#include "tests/unit/libs/net/net_client.h"
#include <pthread.h>

/* What each first byte makes the echo do: everything else comes back once a whole line is there. */
enum { COMMAND_STAY_UNESTABLISHED = '!', COMMAND_FLOOD = 'F', COMMAND_PAUSE = 'P', COMMAND_TIMER = 'T' };

struct echo {
    struct net_server *server;
    atomic_int opened, closed, drained, timed_out, turns;
    atomic_int ends[NET_ENDS];
    struct net_handle last;
    pthread_mutex_t lock;
    bool has_fingerprint;
    unsigned char fingerprint[NET_FINGERPRINT_SIZE];
    char psk_identity[64];
};

static bool on_opened(void *context, struct net_connection *connection)
{
    struct echo *echo = context;
    pthread_mutex_lock(&echo->lock);
    echo->last = net_handle_of(connection);
    echo->has_fingerprint = net_fingerprint(connection, echo->fingerprint);
    snprintf(echo->psk_identity, sizeof echo->psk_identity, "%s",
        net_psk_identity(connection) ? net_psk_identity(connection) : "");
    pthread_mutex_unlock(&echo->lock);
    atomic_fetch_add(&echo->opened, 1);
    return true;
}

static size_t on_line(struct net_connection *connection, const unsigned char *bytes, size_t size)
{
    static const char flood[16384];
    switch (bytes[0]) {
    case COMMAND_STAY_UNESTABLISHED:
        return size;
    case COMMAND_FLOOD:
        net_established(connection);
        for (int i = 0; i < 4; i++)
            net_send(connection, flood, sizeof flood);
        return size;
    case COMMAND_PAUSE:
        net_established(connection);
        net_pause(connection);
        return 1; /* the rest comes again after resume */
    case COMMAND_TIMER:
        net_established(connection);
        net_set_timer(connection, 5);
        return size;
    default:
        net_established(connection);
        net_send(connection, bytes, size);
        return size;
    }
}

static size_t on_received(void *context, struct net_connection *connection, const unsigned char *bytes, size_t size)
{
    const unsigned char *end = memchr(bytes, '\n', size);
    (void)context;
    return end ? on_line(connection, bytes, (size_t)(end - bytes) + 1) : 0;
}

static void on_timed_out(void *context, struct net_connection *connection)
{
    struct echo *echo = context;
    atomic_fetch_add(&echo->timed_out, 1);
    net_send(connection, "time\n", 5);
}

static void on_draining(void *context, struct net_connection *connection)
{
    struct echo *echo = context;
    atomic_fetch_add(&echo->drained, 1);
    net_send(connection, "bye\n", 4);
    net_close(connection);
}

static void on_closed(void *context, struct net_connection *connection, enum net_end end)
{
    struct echo *echo = context;
    (void)connection;
    atomic_fetch_add(&echo->ends[end], 1);
    atomic_fetch_add(&echo->closed, 1);
}

static int64_t on_turned(void *context, int loop)
{
    struct echo *echo = context;
    (void)loop;
    atomic_fetch_add(&echo->turns, 1);
    return -1;
}

static const struct net_protocol protocol = { .opened = on_opened,
    .received = on_received,
    .timed_out = on_timed_out,
    .draining = on_draining,
    .closed = on_closed,
    .turned = on_turned };
static const struct net_config usual = { .name = "test",
    .loops = 2,
    .most_connections = 100,
    .most_unestablished = 50,
    .admit_a_second = 10000,
    .establish_ms = 60000,
    .stall_ms = 60000,
    .most_output_bytes = 1024 * 1024 };

static int start(struct echo *echo, const struct net_config *config, struct net_tls *tls)
{
    struct err err = { 0 };
    memset(echo, 0, sizeof *echo);
    pthread_mutex_init(&echo->lock, NULL);
    if (!net_server_open(&echo->server, config, &protocol, echo, &err) ||
        !net_listen(echo->server, "127.0.0.1:0", tls, &err))
        fail_msg("%s", err.text);
    return net_listen_port(echo->server, 0);
}

static void stop(struct echo *echo)
{
    net_server_close(echo->server);
    assert_int_equal(atomic_load(&echo->opened), atomic_load(&echo->closed));
    pthread_mutex_destroy(&echo->lock);
}

static void bytes_come_back_whole_however_they_are_cut(void **state)
{
    struct echo echo;
    int fd = connect_to(start(&echo, &usual, NULL));
    (void)state;
    static const char line[] = "cut at every byte\n";
    for (size_t cut = 1; cut < sizeof line - 1; cut++) {
        char first[sizeof line] = "";
        memcpy(first, line, cut);
        send_text(fd, first);
        clock_sleep_ms(1);
        send_text(fd, line + cut);
        expect_text(fd, line);
    }
    close(fd);
    EVENTUALLY(atomic_load(&echo.ends[NET_END_PEER]) == 1);
    assert_true(atomic_load(&echo.turns) > 0);
    stop(&echo);
}

static void who_never_says_who_it_is_is_put_out(void **state)
{
    struct echo echo;
    struct net_config config = usual;
    (void)state;
    config.establish_ms = 50;
    int port = start(&echo, &config, NULL), silent = connect_to(port), trickling = connect_to(port);
    send_text(trickling, "!\n");
    expect_end(silent);
    expect_end(trickling);
    EVENTUALLY(atomic_load(&echo.ends[NET_END_LATE]) == 2);
    stop(&echo);
}

static void who_does_not_read_is_put_out_by_time_or_by_size(void **state)
{
    struct echo echo;
    struct net_config config = usual;
    int small = 4096;
    (void)state;
    config.stall_ms = 100;
    int port = start(&echo, &config, NULL), fd = connect_to(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 200 && atomic_load(&echo.closed) == 0; i++) {
        if (send(fd, "F\n", 2, MSG_NOSIGNAL) != 2)
            break;
        clock_sleep_ms(5);
    }
    EVENTUALLY(atomic_load(&echo.ends[NET_END_SLOW]) == 1);
    close(fd);
    stop(&echo);
}

static void too_many_are_refused_and_those_inside_stay(void **state)
{
    struct echo echo;
    struct net_config config = usual;
    int inside[3];
    (void)state;
    config.most_connections = COUNT_OF(inside);
    int port = start(&echo, &config, NULL);
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        inside[i] = connect_to(port);
        send_text(inside[i], "a\n");
        expect_text(inside[i], "a\n");
    }
    expect_end(connect_to(port));
    send_text(inside[0], "still here\n");
    expect_text(inside[0], "still here\n");
    for (size_t i = 0; i < COUNT_OF(inside); i++)
        close(inside[i]);
    stop(&echo);
}

static void a_storm_is_let_in_at_the_admission_rate(void **state)
{
    struct echo echo;
    struct net_config config = usual;
    int storm[40];
    (void)state;
    config.admit_a_second = 20; /* twenty at once, the others within a second */
    int64_t began_us = clock_monotonic_us();
    int port = start(&echo, &config, NULL);
    for (size_t i = 0; i < COUNT_OF(storm); i++)
        storm[i] = connect_to(port);
    for (size_t i = 0; i < COUNT_OF(storm); i++) {
        send_text(storm[i], "x\n");
        expect_text(storm[i], "x\n");
        close(storm[i]);
    }
    assert_true(clock_monotonic_us() - began_us > 900000);
    stop(&echo);
}

static void only_so_many_may_be_undecided_at_a_time(void **state)
{
    struct echo echo;
    struct net_config config = usual;
    (void)state;
    config.most_unestablished = 1;
    int port = start(&echo, &config, NULL), first = connect_to(port), second = connect_to(port);
    send_text(second, "b\n"); /* waits in the backlog */
    clock_sleep_ms(30);
    assert_int_equal(atomic_load(&echo.opened), 1);
    send_text(first, "a\n");
    expect_text(first, "a\n");
    expect_text(second, "b\n");
    close(first);
    close(second);
    stop(&echo);
}

static void draining_says_goodbye_to_each(void **state)
{
    struct echo echo;
    int fds[10];
    (void)state;
    int port = start(&echo, &usual, NULL);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = connect_to(port);
        send_text(fds[i], "a\n");
        expect_text(fds[i], "a\n");
    }
    send_text(fds[0], "unread, and yet the last word arrives");
    net_server_drain(echo.server, 50, 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        expect_text(fds[i], "bye\n");
        expect_end(fds[i]);
    }
    EVENTUALLY(net_server_connections(echo.server) == 0);
    assert_int_equal(atomic_load(&echo.drained), COUNT_OF(fds));
    stop(&echo);
}

/* ---- mail ---- */
struct note {
    struct net_mail mail;
    atomic_int *found, *lost;
    bool resumes;
};
static void on_note(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct note *note = (struct note *)(void *)mail;
    (void)context;
    atomic_fetch_add(connection ? note->found : note->lost, 1);
    if (connection && note->resumes)
        net_resume(connection);
    else if (connection)
        net_send(connection, "mail\n", 5);
    free(note);
}

static void post(struct echo *echo, atomic_int *found, atomic_int *lost, bool resumes)
{
    struct note *note = calloc(1, sizeof *note);
    assert_non_null(note);
    pthread_mutex_lock(&echo->lock);
    *note = (struct note){ { .to = echo->last, .handler = on_note }, found, lost, resumes };
    pthread_mutex_unlock(&echo->lock);
    net_post(echo->server, &note->mail);
}

static void mail_finds_its_connection_or_learns_that_it_has_gone(void **state)
{
    struct echo echo;
    atomic_int found = 0, lost = 0;
    (void)state;
    int fd = connect_to(start(&echo, &usual, NULL));
    send_text(fd, "a\n");
    expect_text(fd, "a\n");
    post(&echo, &found, &lost, false);
    expect_text(fd, "mail\n");
    close(fd);
    EVENTUALLY(atomic_load(&echo.closed) == 1);
    post(&echo, &found, &lost, false);
    EVENTUALLY(atomic_load(&lost) == 1);
    assert_int_equal(atomic_load(&found), 1);
    stop(&echo);
}

static void a_paused_connection_keeps_its_bytes_until_it_is_resumed(void **state)
{
    struct echo echo;
    atomic_int found = 0, lost = 0;
    (void)state;
    int fd = connect_to(start(&echo, &usual, NULL));
    send_text(fd, "Pafter\n");
    EVENTUALLY(atomic_load(&echo.opened) == 1);
    clock_sleep_ms(20);
    post(&echo, &found, &lost, true);
    expect_text(fd, "after\n");
    close(fd);
    stop(&echo);
}

static void a_timer_comes_once(void **state)
{
    struct echo echo;
    (void)state;
    int fd = connect_to(start(&echo, &usual, NULL));
    send_text(fd, "T\n");
    expect_text(fd, "time\n");
    clock_sleep_ms(30);
    assert_int_equal(atomic_load(&echo.timed_out), 1);
    close(fd);
    stop(&echo);
}

static void a_wrong_address_says_what_a_right_one_looks_like(void **state)
{
    static const char *const wrong[] = { "", "1883", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
        "nowhere.example:1883", "[::1:1883", "::1:1883", "[]:1883", "127.0.0.1:1883s" };
    struct echo echo;
    (void)state;
    start(&echo, &usual, NULL);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct err err = { 0 };
        assert_false(net_listen(echo.server, wrong[i], NULL, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.text, "127.0.0.1:1883"));
    }
    struct err err = { 0 };
    assert_true(net_listen(echo.server, "[::1]:0", NULL, &err) || strstr(err.text, "cannot listen"));
    stop(&echo);
}

/* ---- TLS ---- */
static size_t give_key(void *context, const char *identity, unsigned char *key, size_t key_size)
{
    (void)context;
    if (strcmp(identity, "meter-7") != 0 || key_size < 16)
        return 0;
    memset(key, 0x42, 16);
    return 16;
}

static unsigned client_key(
    SSL *ssl, const char *hint, char *identity, unsigned identity_size, unsigned char *key, unsigned key_size)
{
    (void)ssl, (void)hint;
    snprintf(identity, identity_size, "meter-7");
    return (unsigned)give_key(NULL, "meter-7", key, key_size);
}

static SSL *handshake(int fd, SSL_CTX *context, bool *out_ok)
{
    SSL *ssl = SSL_new(context);
    assert_true(ssl && SSL_set_fd(ssl, fd) == 1);
    *out_ok = SSL_connect(ssl) == 1;
    return ssl;
}

static void talk(SSL *ssl)
{
    char answer[8] = "";
    size_t size = 0;
    assert_int_equal(SSL_write(ssl, "tls\n", 4), 4);
    while (size < 4) {
        int count = SSL_read(ssl, answer + size, (int)(sizeof answer - size));
        assert_true(count > 0);
        size += (size_t)count;
    }
    assert_string_equal(answer, "tls\n");
}

static void tls_speaks_1_2_and_1_3_and_tells_the_client_certificate(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct identity ours, theirs;
    struct net_tls *tls = NULL;
    struct echo echo;
    struct err err = { 0 };
    (void)state;
    identity_make(&ours, "server");
    identity_make(&theirs, "client");
    const struct net_tls_config config = {
        .certificate_file = ours.certificate_file, .key_file = ours.key_file, .asks_for_certificate = true
    };
    if (!net_tls_open(&tls, &config, &err))
        fail_msg("%s", err.text);
    int port = start(&echo, &usual, tls);
    for (size_t i = 0; i < 2 * COUNT_OF(versions); i++) {
        bool with_certificate = i % 2 == 0, ok;
        unsigned char expected[NET_FINGERPRINT_SIZE];
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, versions[i / 2]);
        SSL_CTX_set_max_proto_version(context, versions[i / 2]);
        if (with_certificate) {
            SSL_CTX_use_certificate(context, theirs.certificate);
            SSL_CTX_use_PrivateKey(context, theirs.key);
        }
        int fd = connect_to(port);
        SSL *ssl = handshake(fd, context, &ok);
        assert_true(ok);
        assert_int_equal(SSL_version(ssl), versions[i / 2]);
        talk(ssl);
        X509_digest(theirs.certificate, EVP_sha256(), expected, NULL);
        pthread_mutex_lock(&echo.lock);
        assert_int_equal(echo.has_fingerprint, with_certificate);
        if (with_certificate)
            assert_memory_equal(echo.fingerprint, expected, sizeof expected);
        pthread_mutex_unlock(&echo.lock);
        SSL_free(ssl);
        SSL_CTX_free(context);
        close(fd);
        assert_true(net_tls_reload(tls, &err));
    }
    stop(&echo);
    net_tls_close(tls);
    identity_done(&ours);
    identity_done(&theirs);
}

static void old_tls_and_nonsense_are_turned_away(void **state)
{
    struct identity ours;
    struct net_tls *tls = NULL;
    struct echo echo;
    struct err err = { 0 };
    bool ok;
    (void)state;
    identity_make(&ours, "server");
    const struct net_tls_config config = { .certificate_file = ours.certificate_file, .key_file = ours.key_file };
    assert_true(net_tls_open(&tls, &config, &err));
    int port = start(&echo, &usual, tls), fd = connect_to(port), plain = connect_to(port);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_security_level(context, 0);
    SSL *ssl = handshake(fd, context, &ok);
    assert_false(ok);
    send_text(plain, "this is no TLS at all\n");
    char byte[16];
    while (recv(plain, byte, sizeof byte, 0) > 0) /* an alert, then the end */
        ;
    close(plain);
    assert_int_equal(atomic_load(&echo.opened), 0);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    stop(&echo);
    net_tls_close(tls);
    identity_done(&ours);
}

static void a_pre_shared_key_tells_who_it_is(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct net_tls *tls = NULL;
    struct echo echo;
    struct err err = { 0 };
    (void)state;
    const struct net_tls_config config = { .certificate_file = "", .key_file = "", .psk = give_key };
    assert_true(net_tls_open(&tls, &config, &err));
    int port = start(&echo, &usual, tls);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        bool ok;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, versions[i]);
        SSL_CTX_set_max_proto_version(context, versions[i]);
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
        SSL_CTX_set_psk_client_callback(context, client_key);
        int fd = connect_to(port);
        SSL *ssl = handshake(fd, context, &ok);
        assert_true(ok);
        talk(ssl);
        pthread_mutex_lock(&echo.lock);
        assert_string_equal(echo.psk_identity, "meter-7");
        pthread_mutex_unlock(&echo.lock);
        SSL_free(ssl);
        SSL_CTX_free(context);
        close(fd);
    }
    stop(&echo);
    net_tls_close(tls);
}

static unsigned wrong_key(
    SSL *ssl, const char *hint, char *identity, unsigned identity_size, unsigned char *key, unsigned key_size)
{
    unsigned size = client_key(ssl, hint, identity, identity_size, key, key_size);
    key[0] ^= 1;
    return size;
}

/* Where there is a certificate too, a handshake may go on without the key: then it tells nobody. */
static void only_a_key_that_is_proven_tells_who_it_is(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384" };
    struct identity ours;
    struct net_tls *tls = NULL;
    struct echo echo;
    struct err err = { 0 };
    (void)state;
    identity_make(&ours, "server");
    const struct net_tls_config config = {
        .certificate_file = ours.certificate_file, .key_file = ours.key_file, .psk = give_key
    };
    assert_true(net_tls_open(&tls, &config, &err));
    int port = start(&echo, &usual, tls);
    for (size_t i = 0; i < COUNT_OF(versions) * COUNT_OF(suites) * 2; i++) {
        bool is_wrong = i / 4 == 1, ok;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, versions[i % 2]);
        SSL_CTX_set_max_proto_version(context, versions[i % 2]);
        SSL_CTX_set_ciphersuites(context, suites[i / 2 % 2]);
        if (versions[i % 2] == TLS1_2_VERSION)
            SSL_CTX_set_cipher_list(context, i / 2 % 2 == 0 ? "PSK" : "ECDHE+AESGCM");
        SSL_CTX_set_psk_client_callback(context, is_wrong ? wrong_key : client_key);
        int fd = connect_to(port);
        SSL *ssl = handshake(fd, context, &ok);
        bool uses_key = i / 2 % 2 == 0;
        if (ok && SSL_write(ssl, "a\n", 2) == 2 && SSL_read(ssl, (char[8]){ 0 }, 8) == 2) {
            assert_false(is_wrong && uses_key);
            pthread_mutex_lock(&echo.lock);
            assert_string_equal(echo.psk_identity, uses_key ? "meter-7" : "");
            pthread_mutex_unlock(&echo.lock);
        } else {
            assert_true(is_wrong && uses_key);
        }
        SSL_free(ssl);
        SSL_CTX_free(context);
        close(fd);
    }
    stop(&echo);
    net_tls_close(tls);
    identity_done(&ours);
}

static void a_missing_certificate_is_an_error_of_the_settings(void **state)
{
    struct net_tls *tls = NULL;
    struct err err = { 0 };
    const struct net_tls_config absent = { .certificate_file = "/nowhere/server.pem", .key_file = "/nowhere/key" };
    const struct net_tls_config nothing = { .certificate_file = "", .key_file = "" };
    (void)state;
    assert_false(net_tls_open(&tls, &absent, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/nowhere/server.pem"));
    assert_false(net_tls_open(&tls, &nothing, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_whole_however_they_are_cut),
        cmocka_unit_test(who_never_says_who_it_is_is_put_out),
        cmocka_unit_test(who_does_not_read_is_put_out_by_time_or_by_size),
        cmocka_unit_test(too_many_are_refused_and_those_inside_stay),
        cmocka_unit_test(a_storm_is_let_in_at_the_admission_rate),
        cmocka_unit_test(only_so_many_may_be_undecided_at_a_time),
        cmocka_unit_test(draining_says_goodbye_to_each),
        cmocka_unit_test(mail_finds_its_connection_or_learns_that_it_has_gone),
        cmocka_unit_test(a_paused_connection_keeps_its_bytes_until_it_is_resumed),
        cmocka_unit_test(a_timer_comes_once),
        cmocka_unit_test(a_wrong_address_says_what_a_right_one_looks_like),
        cmocka_unit_test(tls_speaks_1_2_and_1_3_and_tells_the_client_certificate),
        cmocka_unit_test(old_tls_and_nonsense_are_turned_away),
        cmocka_unit_test(a_pre_shared_key_tells_who_it_is),
        cmocka_unit_test(only_a_key_that_is_proven_tells_who_it_is),
        cmocka_unit_test(a_missing_certificate_is_an_error_of_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
