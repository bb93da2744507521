/* Log files change over when they are full, and only so many stay; a lock has one holder. */
#include "scripts/runner/instance.h"
#include "scripts/runner/log_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/log-file-test-XXXXXX";

static long size_of(const char *ending)
{
    char path[128];
    struct stat found;
    snprintf(path, sizeof path, "%s/a%s", folder, ending);
    return stat(path, &found) == 0 ? (long)found.st_size : -1;
}

static void a_full_file_is_put_aside_and_the_oldest_goes(void **state)
{
    (void)state;
    char path[64];
    struct err err = { 0 };
    struct log_file file;
    snprintf(path, sizeof path, "%s/a", folder);
    assert_true(log_file_init(&file, path, 10, &err));
    log_file_put(&file, "123456\n", 7);
    assert_int_equal(size_of(""), 7);
    assert_int_equal(size_of(".1"), -1);
    log_file_put(&file, "1234\n", 5);
    assert_int_equal(size_of(""), 5);
    assert_int_equal(size_of(".1"), 7);
    log_file_put(&file, "123456\n", 7);
    log_file_put(&file, "12345678901234567890\n", 21); /* larger than a file may be: whole all the same */
    assert_int_equal(size_of(""), 21);
    assert_int_equal(size_of(".1"), 7);
    assert_int_equal(size_of(".2"), 5);
    assert_int_equal(size_of(".3"), -1);
    log_file_done(&file);
    assert_true(log_file_init(&file, path, 100, &err)); /* goes on at the end of what is there */
    log_file_put(&file, "x\n", 2);
    assert_int_equal(size_of(""), 23);
    log_file_done(&file);
}

static void a_file_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct log_file file;
    assert_false(log_file_init(&file, "/nowhere/a", 10, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void a_folder_has_one_runner(void **state)
{
    (void)state;
    char path[64];
    struct err err = { 0 };
    AUTO(instance) second = NULL;
    assert_int_equal(instance_holder(folder), 0);
    assert_false(instance_open(&second, folder, &err)); /* no folder run */
    snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    {
        AUTO(instance) first = NULL;
        assert_true(instance_open(&first, folder, &err));
        assert_int_equal(instance_holder(folder), getpid());
        assert_false(instance_open(&second, folder, &err));
        assert_int_equal(err.kind, ERR_CONFLICT);
    }
    assert_int_equal(instance_holder(folder), 0);
    assert_true(instance_open(&second, folder, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_file_is_put_aside_and_the_oldest_goes),
        cmocka_unit_test(a_file_that_cannot_be_is_an_error),
        cmocka_unit_test(a_folder_has_one_runner),
    };
    char command[128];
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? failed : 1;
}
