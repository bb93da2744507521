#include "service/service_internal.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct setting own_settings[] = { { 0 } };
static const unsigned char sql[] = "SELECT 1";
static const unsigned long sql_size = sizeof sql - 1;
static const struct migration two_migrations[] = { { 1, "one", sql, &sql_size }, { 7, "two", sql, &sql_size }, { 0 } };

static void a_program_has_the_settings_of_what_it_uses(void **state)
{
    (void)state;
    static const struct {
        struct service_program program;
        const struct setting *tables[SERVICE_MOST_TABLES];
    } cases[] = {
        { { .name = "a" }, { service_common_settings } },
        { { .uses_bus = true }, { service_common_settings, service_bus_settings } },
        { { .schema = "s" }, { service_common_settings, service_store_settings } },
        { { .settings = own_settings, .uses_bus = true, .schema = "s" },
            { service_common_settings, service_bus_settings, service_store_settings, own_settings } },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct setting *tables[SERVICE_MOST_TABLES] = { 0 };
        arguments_tables(&cases[i].program, tables);
        for (size_t k = 0; k < SERVICE_MOST_TABLES; k++)
            assert_ptr_equal(tables[k], cases[i].tables[k]);
    }
}

static void the_schema_is_as_new_as_its_last_migration(void **state)
{
    (void)state;
    assert_int_equal(service_schema_version(&(struct service_program){ .migrations = two_migrations }), 7);
    assert_int_equal(service_schema_version(&(struct service_program){ .name = "reader" }), 0);
}

static void the_presets_are_those_of_the_manual(void **state)
{
    (void)state;
    static const struct setting *const tables[] = { service_common_settings, service_bus_settings,
        service_store_settings, NULL };
    struct service_config config = { 0 };
    struct err err = { 0 };
    AUTO_INPLACE(buffer) mistakes = { 0 };
    setenv("DATABASE_URL", "postgresql://x", 1);
    assert_true(settings_load(&config, tables, &mistakes, &err));
    assert_string_equal(config.log_level, "info");
    assert_int_equal(config.drain_delay_ms, 5000);
    assert_int_equal(config.drain_ms, 20000);
    assert_int_equal(config.connect_wait_ms, 60000);
    assert_string_equal(config.bus_url, "nats://127.0.0.1:4222");
    assert_string_equal(config.bus_user, "");
    assert_string_equal(config.bus_password, "");
    assert_string_equal(config.store_url, "postgresql://x");
    assert_string_equal(config.store_owner_url, "");
    assert_true(config.store_prepare);
    assert_true(config.store_pool >= 1);
}

static void exit_codes_say_who_has_to_act(void **state)
{
    (void)state;
    static const struct {
        bool ok;
        enum err_kind kind;
        int code;
    } cases[] = { { true, ERR_NONE, 0 }, { false, ERR_NONE, 0 }, { false, ERR_CONFIG, 78 },
        { false, ERR_TRANSIENT, 70 }, { false, ERR_BUG, 70 }, { false, ERR_LIMIT, 70 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(service_exit(cases[i].ok, &(struct err){ .kind = cases[i].kind }), cases[i].code);
}

static void an_address_that_is_none_is_not_healthy(void **state)
{
    (void)state;
    static const char *const addresses[] = { "", "9090", "nowhere.example:9090", "127.0.0.1:1", "0.0.0.0:1",
        "localhost:1" };
    for (size_t i = 0; i < COUNT_OF(addresses); i++)
        assert_false(healthcheck(addresses[i]));
}

static struct service_config quick = { .log_level = "info", .drain_delay_ms = 10, .drain_ms = 60000 };

static void a_lifetime_goes_on_until_a_signal(void **state)
{
    (void)state;
    struct lifetime lifetime;
    struct err err = { 0 };
    lifetime_init(&lifetime);
    assert_true(lifetime_begin(&lifetime, &quick, &err));
    assert_true(lifetime_wait(&lifetime, 0));
    assert_true(lifetime_wait(&lifetime, 20));
    kill(getpid(), SIGTERM); /* blocked, and read by the thread */
    assert_false(lifetime_wait(&lifetime, -1));
    assert_true(lifetime_verdict(&lifetime, &err));
    lifetime_done(&lifetime);
}

static void a_failure_is_kept_and_comes_first(void **state)
{
    (void)state;
    struct lifetime lifetime;
    struct err err = { 0 };
    lifetime_init(&lifetime);
    assert_true(lifetime_begin(&lifetime, &quick, &err));
    lifetime_fail(&lifetime, &(struct err){ .kind = ERR_LIMIT, .text = "first" });
    lifetime_fail(&lifetime, &(struct err){ .kind = ERR_CONFIG, .text = "second" });
    lifetime_wait_for_failure(&lifetime, 60000);
    assert_false(lifetime_wait(&lifetime, -1));
    assert_false(lifetime_verdict(&lifetime, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "first");
    lifetime_done(&lifetime);
    lifetime_init(&lifetime); /* one that never began ends as well */
    lifetime_fail(&lifetime, &(struct err){ 0 });
    assert_false(lifetime_wait(&lifetime, 0));
    assert_int_equal(lifetime.failure.kind, ERR_BUG);
    lifetime_done(&lifetime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_has_the_settings_of_what_it_uses),
        cmocka_unit_test(the_schema_is_as_new_as_its_last_migration),
        cmocka_unit_test(the_presets_are_those_of_the_manual),
        cmocka_unit_test(exit_codes_say_who_has_to_act),
        cmocka_unit_test(an_address_that_is_none_is_not_healthy),
        cmocka_unit_test(a_lifetime_goes_on_until_a_signal),
        cmocka_unit_test(a_failure_is_kept_and_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
