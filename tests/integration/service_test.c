/* The life of a process, against a real PostgreSQL and NATS. This program is also the service under test: with
 * NWIMS_TEST_SERVICE set it runs as one. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "http/http_client.h"
#include "service/service.h"
#include "service/streams.h"
#include "store/outbox.h"
#include "tests/support/test_process.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the service under test ---- */

struct app_config {
    struct service_config service;
    int64_t own;
    int64_t stop_ms;
    bool fails, fails_config, is_unwell, breaks_checks;
};

#define FIELD(name) SETTING_FIELD(struct app_config, name)
static const struct setting app_settings[] = {
    { "TEST_OWN", SETTING_COUNT, FIELD(own), .preset = "1", .min = 1, .max = 9, .help = "a number" },
    { "TEST_STOP_MS", SETTING_MS, FIELD(stop_ms), .preset = "0", .help = "how long stopping takes" },
    { "TEST_FAILS", SETTING_FLAG, FIELD(fails), .help = "a thread of it cannot go on" },
    { "TEST_FAILS_CONFIG", SETTING_FLAG, FIELD(fails_config), .help = "and an operator must do something" },
    { "TEST_IS_UNWELL", SETTING_FLAG, FIELD(is_unwell), .help = "its own check fails" },
    { "TEST_BREAKS_CHECKS", SETTING_FLAG, FIELD(breaks_checks), .help = "it has too many checks" },
    { 0 },
};

static const unsigned char first_sql[] =
    "CREATE TABLE thing.outbox (id bigint generated always as identity primary key, message_id uuid not null, "
    "subject text not null, payload bytea not null, traceparent text, created_at timestamptz not null default now())";
static const unsigned long first_size = sizeof first_sql - 1;
static const struct migration migrations[] = { { 1, "0001-outbox", first_sql, &first_size }, { 0 } };

static const struct service_program program = {
    .name = "thing",
    .summary = "a service to be tested",
    .settings = app_settings,
    .schema = "thing",
    .migrations = migrations,
    .uses_bus = true,
};

static bool is_well(void *context, struct err *err)
{
    const struct app_config *config = context;
    return !config->is_unwell || err_set(err, ERR_TRANSIENT, "has a cold");
}

static bool app_start(struct service *service, struct app_config *config, struct err *err)
{
    struct err failure = { 0 };
    for (int i = 0; i < (config->breaks_checks ? 9 : 1); i++)
        if (!service_add_check(service, "own", is_well, config, err))
            return false;
    if (config->fails)
        err_set(&failure, config->fails_config ? ERR_CONFIG : ERR_BUG, "cannot go on");
    if (config->fails)
        service_fail(service, &failure);
    return service_relay_outbox(service, err) && service_bus(service) && service_store(service);
}

static int be_the_service(int argc, char **argv)
{
    static struct app_config config;
    struct service *service = NULL;
    struct err err = { 0 };
    bool ok = service_open(&service, &program, &config, argc, argv, &err) && app_start(service, &config, &err) &&
              service_run(service, &err);
    if (service && ok && !service_is_draining(service))
        return 99;
    clock_sleep_ms(config.stop_ms);
    service_close(service);
    return service_exit(ok, &err);
}

/* ---- running it ---- */

static struct test_nats nats;
static struct test_postgres postgres;
static char self[512], admin[64], log_path[512];
static int admin_port;

static pid_t begin(const char *argument)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char *argv[] = { (char[]){ "thing" }, (char *)(uintptr_t)argument, NULL };
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    setenv("NWIMS_TEST_SERVICE", "1", 1);
    execv(self, argv);
    _exit(127);
}

/* The exit code; fails the test after 10 s. */
static int finish(pid_t pid)
{
    int64_t end_us = clock_monotonic_us() + 10000000;
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_monotonic_us() > end_us) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            fail_msg("it does not end");
        }
        clock_sleep_ms(10);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* What it wrote; freed by the next call. */
static const char *output(void)
{
    static char text[256 * 1024];
    int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

/* Status of a page of the admin listener, 0 for no answer; what it says in text. */
static int ask(const char *method, const char *path, struct buffer *text)
{
    AUTO(http_client) client = NULL;
    struct err err = { 0 };
    char url[128];
    int status = 0;
    snprintf(url, sizeof url, "http://%s%s", admin, path);
    const struct http_call call = { .method = method, .url = url, .timeout_ms = 8000 };
    buffer_reset(text);
    buffer_put(text, "", 0);
    return http_client_open(&client, &err) && http_client_call(client, &call, &status, text, &err) ? status : 0;
}

/* Waits until a page has this status and says this. */
static void await(const char *path, int status, const char *says)
{
    AUTO_INPLACE(buffer) text = { 0 };
    int64_t end_us = clock_monotonic_us() + 15000000;
    int last = 0;
    while (clock_monotonic_us() < end_us) {
        last = ask("GET", path, &text);
        if (last == status && strstr(text.data, says))
            return;
        clock_sleep_ms(20);
    }
    fail_msg("%s is %d, not %d with \"%s\":\n%s\n%s", path, last, status, says, text.data, output());
}

static void set_environment(void)
{
    static const char *const others[] = { "LOG_LEVEL", "DRAIN_MS", "NATS_USER", "NATS_PASSWORD", "DATABASE_POOL",
        "TEST_OWN", "TEST_STOP_MS", "TEST_FAILS", "TEST_FAILS_CONFIG", "TEST_IS_UNWELL", "TEST_BREAKS_CHECKS" };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        unsetenv(others[i]);
    admin_port = test_free_port();
    snprintf(admin, sizeof admin, "127.0.0.1:%d", admin_port);
    setenv("ADMIN_ADDRESS", admin, 1);
    setenv("DRAIN_DELAY_MS", "0", 1);
    setenv("CONNECT_WAIT_MS", "20000", 1);
    setenv("NATS_URL", nats.url, 1);
    setenv("DATABASE_URL", postgres.url, 1);
    setenv("DATABASE_OWNER_URL", postgres.url, 1);
}

static int set_up(void **state)
{
    (void)state;
    set_environment();
    return 0;
}

static void forget_schema(void)
{
    AUTO(store) store = NULL;
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    const struct store_config config = {
        .url = postgres.url, .schema = "thing", .name = "test", .pool_size = 1, .wait_ms = 1000
    };
    assert_true(store_open(&store, &config, &err) && store_session_open(&session, store, &err) &&
                store_script(session, "DROP SCHEMA IF EXISTS thing CASCADE", &err));
}

/* ---- arguments and settings ---- */

static void arguments_that_tell_something_end_the_process(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        int code;
        const char *says[4];
    } cases[] = {
        { "--version", 0, { "thing " } },
        { "--help", 0, { "a service to be tested", "migrate", "DATABASE_URL", "TEST_OWN" } },
        { "-h", 0, { "Usage: thing" } },
        { "--help-config", 0,
            { "[{\"name\":\"LOG_LEVEL\",\"default\":\"info\"", "{\"name\":\"NATS_URL\"",
                "{\"name\":\"DATABASE_URL\",\"required\":true,\"secret\":true" } },
        { "--colour", 64, { "\"--colour\"", "thing --help" } }, { "serve", 64, { "\"serve\"" } },
        { "--healthcheck", 1, { "no answer" } }, /* nobody runs */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int code = finish(begin(cases[i].argument));
        if (code != cases[i].code)
            fail_msg("%s ended with %d: %s", cases[i].argument, code, output());
        for (size_t k = 0; k < COUNT_OF(cases[i].says) && cases[i].says[k]; k++)
            if (!strstr(output(), cases[i].says[k]))
                fail_msg("%s does not say \"%s\": %s", cases[i].argument, cases[i].says[k], output());
    }
}

static void all_mistakes_of_the_settings_are_told_at_once(void **state)
{
    (void)state;
    setenv("LOG_LEVEL", "loud", 1);
    setenv("DRAIN_MS", "soon", 1);
    setenv("TEST_OWN", "10", 1);
    unsetenv("DATABASE_URL");
    assert_int_equal(finish(begin(NULL)), 78);
    const char *const says[] = { "LOG_LEVEL: say debug, info, warn or error, not \\\"loud\\\"",
        "DRAIN_MS: \\\"soon\\\" is not a number", "TEST_OWN: 10 is not between 1 and 9",
        "DATABASE_URL (or its _FILE) is not set", "\"kind\":\"config\"" };
    for (size_t i = 0; i < COUNT_OF(says); i++)
        if (!strstr(output(), says[i]))
            fail_msg("not told: %s\n%s", says[i], output());
    set_environment();
    setenv("LOG_LEVEL", "loud", 1);
    assert_int_equal(finish(begin(NULL)), 78);
    assert_non_null(strstr(output(), "1 setting is wrong"));
    set_environment();
    setenv("ADMIN_ADDRESS", "here", 1);
    assert_int_equal(finish(begin(NULL)), 78);
    assert_non_null(strstr(output(), "ADMIN_ADDRESS: \\\"here\\\" is no address"));
    assert_int_equal(finish(begin("--healthcheck")), 1);
    setenv("DRAIN_MS", "soon", 1);
    assert_int_equal(finish(begin("--healthcheck")), 1);
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    setenv("NATS_PASSWORD", "hush-hush", 1);
    setenv("CONNECT_WAIT_MS", "0", 1);
    setenv("DATABASE_OWNER_URL", "postgresql://thing:hush-hush@127.0.0.1:1/x", 1);
    assert_int_equal(finish(begin(NULL)), 70);
    assert_non_null(strstr(output(), "\"NATS_PASSWORD\":\"(set)\""));
    assert_null(strstr(output(), "hush-hush"));
}

/* ---- starting ---- */

static void it_lives_and_says_what_it_waits_for(void **state)
{
    (void)state;
    setenv("DATABASE_OWNER_URL", "postgresql://postgres@127.0.0.1:1/x", 1);
    pid_t pid = begin(NULL);
    await("/readyz", 503, "[-] started: waiting for: migration: ");
    await("/livez", 200, "alive");
    await("/startupz", 503, "starting");
    await("/metrics", 200, "nwims_build_info{service=\"thing\",version=\"");
    int64_t begun_us = clock_monotonic_us();
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0); /* stopped before it was ready: nothing went wrong */
    assert_true(clock_monotonic_us() - begun_us < 3500000);
    assert_non_null(strstr(output(), "service.stopped\""));
    assert_null(strstr(output(), "\"level\":\"error\""));
    const char *first = strstr(output(), "service.waiting");
    assert_non_null(first);
    assert_null(strstr(first + 1, "service.waiting")); /* said once, not at every try */
}

static void it_does_not_wait_for_ever(void **state)
{
    (void)state;
    setenv("NATS_URL", "nats://127.0.0.1:1", 1);
    setenv("CONNECT_WAIT_MS", "600", 1);
    assert_int_equal(finish(begin(NULL)), 70);
    assert_non_null(strstr(output(), "\"kind\":\"transient\",\"err\":\"bus: "));
}

static void a_refusal_is_not_waited_out(void **state)
{
    (void)state;
    setenv("DATABASE_OWNER_URL", "postgresql://nobody_here@127.0.0.1/x", 1);
    char url[160];
    snprintf(url, sizeof url, "postgresql://nobody_here@127.0.0.1:%d/postgres", postgres.port);
    setenv("DATABASE_OWNER_URL", url, 1);
    assert_int_equal(finish(begin(NULL)), 78);
    setenv("DATABASE_OWNER_URL", "not a url", 1);
    assert_int_equal(finish(begin(NULL)), 78);
}

static void migrating_is_a_command_of_its_own(void **state)
{
    (void)state;
    forget_schema();
    unsetenv("DATABASE_OWNER_URL");
    assert_int_equal(finish(begin("migrate")), 78);
    assert_non_null(strstr(output(), "DATABASE_OWNER_URL"));
    pid_t pid = begin(NULL); /* without the owner's rights it waits for somebody to migrate */
    await("/readyz", 503, "waiting for: schema: version 0, wanted 1: run \"thing migrate\"");
    setenv("DATABASE_OWNER_URL", postgres.url, 1);
    unsetenv("DATABASE_URL");
    char other_log[sizeof log_path];
    memcpy(other_log, log_path, sizeof other_log);
    snprintf(log_path, sizeof log_path, "%s/migrate.log", nats.folder);
    assert_int_equal(finish(begin("migrate")), 0);
    memcpy(log_path, other_log, sizeof other_log);
    await("/readyz", 200, "ready");
    kill(pid, SIGINT);
    assert_int_equal(finish(pid), 0);
    setenv("DATABASE_OWNER_URL", "postgresql://postgres@127.0.0.1:1/x", 1);
    setenv("CONNECT_WAIT_MS", "0", 1);
    assert_int_equal(finish(begin("migrate")), 70);
}

/* ---- being ready ---- */

static void the_admin_listener_tells_all(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) text = { 0 };
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    await("/startupz", 200, "started");
    assert_int_equal(ask("GET", "/readyz", &text), 200);
    assert_string_equal(text.data, "ready\n");
    assert_int_equal(ask("GET", "/readyz?verbose", &text), 200);
    assert_string_equal(text.data, "[+] database\n[+] schema\n[+] bus\n[+] own\nready\n");
    assert_int_equal(ask("GET", "/buildinfo", &text), 200);
    assert_non_null(strstr(text.data, "\"service\":\"thing\""));
    assert_non_null(strstr(text.data, "\"schema_version\":1"));
    assert_int_equal(ask("HEAD", "/livez", &text), 200);
    assert_int_equal(ask("GET", "/other", &text), 404);
    assert_int_equal(ask("POST", "/livez", &text), 405);
    assert_int_equal(finish(begin("--healthcheck")), 0);
    char everywhere[64];
    snprintf(everywhere, sizeof everywhere, "0.0.0.0:%d", admin_port);
    setenv("ADMIN_ADDRESS", everywhere, 1);
    unsetenv("DATABASE_URL"); /* whoever asks need not know our secrets */
    assert_int_equal(finish(begin("--healthcheck")), 0);
    assert_string_equal(output(), "ready\n");
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
}

/* Not where a sanitizer's shadow counts too. */
static void an_idle_service_is_small(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    AUTO_INPLACE(buffer) text = { 0 };
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    assert_int_equal(ask("GET", "/metrics", &text), 200);
    const char *at = strstr(text.data, "\nprocess_resident_memory_bytes ");
    assert_non_null(at);
    double bytes = strtod(at + strlen("\nprocess_resident_memory_bytes "), NULL);
    print_message("resident: %.1f MiB\n", bytes / 1048576);
    assert_true(bytes < 16.0 * 1048576);
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
}

static void readiness_follows_what_it_depends_on(void **state)
{
    (void)state;
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    test_process_end(postgres.pid, SIGKILL);
    await("/readyz", 503, "[-] database: ");
    await("/livez", 200, "alive");
    test_postgres_restart(&postgres);
    await("/readyz", 200, "ready\n");
    test_process_end(nats.pid, SIGKILL);
    await("/readyz", 503, "[-] bus: not connected");
    test_nats_restart(&nats);
    await("/readyz", 200, "ready\n");
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
}

static void its_own_checks_count(void **state)
{
    (void)state;
    setenv("TEST_IS_UNWELL", "true", 1);
    pid_t pid = begin(NULL);
    await("/readyz", 503, "[+] bus\n[-] own: has a cold\nnot ready\n");
    assert_int_equal(finish(begin("--healthcheck")), 1);
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
    setenv("TEST_BREAKS_CHECKS", "true", 1);
    assert_int_equal(finish(begin(NULL)), 70);
    assert_non_null(strstr(output(), "more than 8 checks"));
}

/* ---- ending ---- */

static void sigterm_is_told_before_it_is_obeyed(void **state)
{
    (void)state;
    setenv("DRAIN_DELAY_MS", "900", 1);
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    int64_t begun_us = clock_monotonic_us();
    kill(pid, SIGTERM);
    await("/readyz", 503, "[-] not draining: this process is stopping");
    await("/livez", 200, "alive");
    assert_int_equal(finish(pid), 0);
    assert_true(clock_monotonic_us() - begun_us >= 900000);
}

static void a_second_signal_ends_it_at_once(void **state)
{
    (void)state;
    setenv("DRAIN_DELAY_MS", "60000", 1);
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    kill(pid, SIGTERM);
    await("/readyz", 503, "not draining");
    int64_t begun_us = clock_monotonic_us();
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 1);
    assert_true(clock_monotonic_us() - begun_us < 3000000); /* the thread sanitizer alone takes a second to exit */
    assert_non_null(strstr(output(), "a second signal"));
}

static void finishing_has_an_end(void **state)
{
    (void)state;
    setenv("DRAIN_MS", "300", 1);
    setenv("TEST_STOP_MS", "60000", 1);
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    int64_t begun_us = clock_monotonic_us();
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 1);
    assert_true(clock_monotonic_us() - begun_us < 2000000);
    assert_non_null(strstr(output(), "longer than DRAIN_MS"));
}

static void a_failed_thread_ends_it_by_its_kind(void **state)
{
    (void)state;
    setenv("DRAIN_DELAY_MS", "60000", 1); /* not waited for */
    setenv("TEST_FAILS", "true", 1);
    assert_int_equal(finish(begin(NULL)), 70);
    assert_non_null(strstr(output(), "\"msg\":\"service.failed\""));
    assert_non_null(strstr(output(), "cannot go on"));
    setenv("TEST_FAILS_CONFIG", "true", 1);
    assert_int_equal(finish(begin(NULL)), 78);
}

static void sigusr1_switches_the_log(void **state)
{
    (void)state;
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    kill(pid, SIGUSR1);
    for (int i = 0; i < 200 && !strstr(output(), "\"is_debug\":true"); i++)
        clock_sleep_ms(10);
    assert_non_null(strstr(output(), "\"is_debug\":true"));
    kill(pid, SIGUSR1);
    for (int i = 0; i < 200 && !strstr(output(), "\"is_debug\":false"); i++)
        clock_sleep_ms(10);
    assert_non_null(strstr(output(), "\"is_debug\":false"));
    await("/readyz", 200, "ready\n");
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
}

/* ---- the outbox and the streams ---- */

static void put_into_outbox(const char *subject)
{
    AUTO(store) store = NULL;
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    const struct store_config config = {
        .url = postgres.url, .schema = "thing", .name = "test", .pool_size = 1, .wait_ms = 1000
    };
    if (!store_open(&store, &config, &err) || !store_session_open(&session, store, &err) ||
        !store_begin(session, 0, &err) ||
        !outbox_put(session, subject, "payload", 7, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &err) ||
        !store_commit(session, &err))
        fail_msg("%s", err.text);
}

static void the_outbox_reaches_the_bus_once_it_is_there(void **state)
{
    (void)state;
    struct err err = { 0 };
    pid_t pid = begin(NULL);
    await("/readyz", 200, "ready\n");
    put_into_outbox("events.1.created");
    await("/metrics", 200, "nwims_outbox_published_total 1\n");
    test_process_end(nats.pid, SIGKILL);
    await("/readyz", 503, "[-] bus");
    put_into_outbox("events.1.changed");
    for (int i = 0; i < 1000 && !strstr(output(), "outbox.waiting"); i++)
        clock_sleep_ms(10);
    test_nats_restart(&nats);
    await("/metrics", 200, "nwims_outbox_published_total 2\n");
    assert_non_null(strstr(output(), "outbox.waiting"));
    for (int i = 0; i < 200 && !strstr(output(), "outbox.goes_on"); i++)
        clock_sleep_ms(10);
    assert_non_null(strstr(output(), "outbox.goes_on"));
    put_into_outbox("events.1.last"); /* and what comes last goes out before the end */
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
    AUTO(bus) bus = NULL;
    struct bus_stream_state stream;
    const struct bus_config config = { .url = nats.url, .user = "", .password = "", .name = "test" };
    assert_true(bus_open(&bus, &config, &err));
    assert_true(bus_stream_inspect(bus, "EVENTS", &stream, &err));
    assert_int_equal(stream.messages, 3);
    AUTO(bus_consumer) consumer = NULL;
    AUTO(bus_message) message = NULL;
    const struct bus_consumer_config wanted = {
        .stream = "EVENTS", .durable = "test", .ack_wait_ms = 10000, .max_ack_pending = 10, .batch = 1
    };
    assert_true(bus_consumer_open(&consumer, bus, &wanted, &err));
    assert_true(bus_consumer_next(consumer, 3000, &message, &err));
    assert_non_null(message);
    assert_string_equal(bus_message_subject(message), "events.1.created");
    assert_string_equal(
        bus_message_header(message, "traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_non_null(bus_message_header(message, "Nats-Msg-Id"));
}

static void streams_fit_a_small_disk(void **state)
{
    (void)state;
    const char *folder = test_folder_new();
    char path[512], port[16], url[64];
    int number = test_free_port();
    struct err err = { 0 };
    snprintf(path, sizeof path, "%s/nats.conf", folder);
    snprintf(port, sizeof port, "%d", number);
    snprintf(url, sizeof url, "nats://127.0.0.1:%d", number);
    FILE *file = fopen(path, "we");
    fprintf(file, "jetstream { store_dir: \"%s/js\", max_file_store: 2GB }\n", folder);
    fclose(file);
    const char *argv[] = { "nats-server", "-a", "127.0.0.1", "-p", port, "-c", path, NULL };
    pid_t pid = test_process_start(folder, "nats", argv);
    test_wait_for_port(number);
    AUTO(bus) bus = NULL;
    const struct bus_config config = { .url = url, .user = "", .password = "", .name = "test" };
    assert_true(bus_open(&bus, &config, &err));
    for (int i = 0; i < 2; i++)
        if (!streams_ensure(bus, &err))
            fail_msg("%s", err.text);
    static const char *const names[] = { "READINGS", "REFUSED", "EVENTS", "AUDIT", "NOTIFY", "DEAD" };
    struct bus_stream_state stream;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_true(bus_stream_inspect(bus, names[i], &stream, &err));
    test_process_end(pid, SIGKILL);
    assert_false(streams_ensure(bus, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

static int start_servers(void **state)
{
    (void)state;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    test_nats_start(&nats);
    test_postgres_start(&postgres);
    snprintf(log_path, sizeof log_path, "%s/thing.log", nats.folder);
    return length > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (getenv("NWIMS_TEST_SERVICE"))
        return be_the_service(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(arguments_that_tell_something_end_the_process, set_up),
        cmocka_unit_test_setup(all_mistakes_of_the_settings_are_told_at_once, set_up),
        cmocka_unit_test_setup(secrets_are_not_shown, set_up),
        cmocka_unit_test_setup(it_lives_and_says_what_it_waits_for, set_up),
        cmocka_unit_test_setup(it_does_not_wait_for_ever, set_up),
        cmocka_unit_test_setup(a_refusal_is_not_waited_out, set_up),
        cmocka_unit_test_setup(migrating_is_a_command_of_its_own, set_up),
        cmocka_unit_test_setup(the_admin_listener_tells_all, set_up),
        cmocka_unit_test_setup(an_idle_service_is_small, set_up),
        cmocka_unit_test_setup(readiness_follows_what_it_depends_on, set_up),
        cmocka_unit_test_setup(its_own_checks_count, set_up),
        cmocka_unit_test_setup(sigterm_is_told_before_it_is_obeyed, set_up),
        cmocka_unit_test_setup(a_second_signal_ends_it_at_once, set_up),
        cmocka_unit_test_setup(finishing_has_an_end, set_up),
        cmocka_unit_test_setup(a_failed_thread_ends_it_by_its_kind, set_up),
        cmocka_unit_test_setup(sigusr1_switches_the_log, set_up),
        cmocka_unit_test_setup(the_outbox_reaches_the_bus_once_it_is_there, set_up),
        cmocka_unit_test_setup(streams_fit_a_small_disk, set_up),
    };
    return cmocka_run_group_tests(tests, start_servers, NULL);
}
