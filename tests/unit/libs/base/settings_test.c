/* Settings: every mistake at once, secrets from files, nothing secret shown. */
#include "base/buffer.h"
#include "base/settings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct config {
    char name[8];
    char secret[32];
    int64_t count;
    int64_t size;
    bool flag;
};
#define FIELD(field) SETTING_FIELD(struct config, field)
static const struct setting table[] = {
    { "T_NAME", SETTING_TEXT, FIELD(name), .preset = "preset", .help = "a name" },
    { "T_SECRET", SETTING_SECRET, FIELD(secret), .required = true, .help = "a secret" },
    { "T_COUNT", SETTING_COUNT, FIELD(count), .preset = "5", .min = 1, .max = 10, .help = "a count" },
    { "T_SIZE", SETTING_BYTES, FIELD(size), .preset = "2k", .help = "a size" },
    { "T_FLAG", SETTING_FLAG, FIELD(flag), .preset = "false", .help = "a flag" },
    { 0 },
};
static const struct setting *const tables[] = { table, NULL };

static int clear(void **state)
{
    (void)state;
    for (const struct setting *setting = table; setting->type != SETTING_END; setting++)
        unsetenv(setting->name);
    return unsetenv("T_SECRET_FILE");
}

static void presets_hold_where_nothing_is_set(void **state)
{
    struct config config = { 0 };
    struct err err = { 0 };
    AUTO_INPLACE(buffer) mistakes = { 0 };
    (void)state;
    setenv("T_SECRET", "s3", 1);
    assert_true(settings_load(&config, tables, &mistakes, &err));
    assert_string_equal(config.name, "preset");
    assert_string_equal(config.secret, "s3");
    assert_int_equal(config.count, 5);
    assert_int_equal(config.size, 2048);
    assert_false(config.flag);
}

static void every_mistake_is_named_at_once(void **state)
{
    struct config config = { 0 };
    struct err err = { 0 };
    AUTO_INPLACE(buffer) mistakes = { 0 };
    (void)state;
    setenv("T_NAME", "far too long", 1);
    setenv("T_COUNT", "11", 1);
    setenv("T_SIZE", "x", 1);
    setenv("T_FLAG", "yes", 1);
    assert_false(settings_load(&config, tables, &mistakes, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "5 settings are wrong");
    for (const struct setting *setting = table; setting->type != SETTING_END; setting++)
        assert_non_null(strstr(mistakes.data, setting->name));
}

static void a_secret_may_come_from_a_file_and_loses_its_line_end(void **state)
{
    struct config config = { 0 };
    struct err err = { 0 };
    AUTO_INPLACE(buffer) mistakes = { 0 };
    char path[] = "/tmp/nwims-settings-XXXXXX";
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "from file\n", 10), 10);
    close(fd);
    setenv("T_SECRET_FILE", path, 1);
    assert_true(settings_load(&config, tables, &mistakes, &err));
    assert_string_equal(config.secret, "from file");
    unlink(path);
    assert_false(settings_load(&config, tables, &mistakes, &err));
}

static void descriptions_name_all_and_show_no_secret(void **state)
{
    AUTO_INPLACE(buffer) json = { 0 };
    AUTO_INPLACE(buffer) help = { 0 };
    (void)state;
    settings_describe(&json, tables);
    settings_help(&help, tables);
    for (const struct setting *setting = table; setting->type != SETTING_END; setting++) {
        assert_non_null(strstr(json.data, setting->name));
        assert_non_null(strstr(help.data, setting->name));
    }
    assert_non_null(strstr(json.data, "\"required\":true,\"secret\":true"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(presets_hold_where_nothing_is_set, clear),
        cmocka_unit_test_setup(every_mistake_is_named_at_once, clear),
        cmocka_unit_test_setup(a_secret_may_come_from_a_file_and_loses_its_line_end, clear),
        cmocka_unit_test_setup(descriptions_name_all_and_show_no_secret, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
