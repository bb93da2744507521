/* The table of the stack: what it may say and how its mistakes are named. */
#include "scripts/runner/stack.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool add(struct stack *stack, const char *text, struct err *err)
{
    return stack_add_text(stack, text, "t", "/nowhere", err);
}

static void a_table_is_read_as_it_is_written(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(stack) stack = stack_new();
    setenv("STACK_TEST_PORT", "4321", 1);
    assert_true(add(stack,
        "# the stack\n"
        "process first   # a comment\n"
        "    command /bin/echo \"two words\" ${STACK_TEST_PORT}x\n"
        "    ready http 127.0.0.1:${STACK_TEST_PORT}/readyz\n"
        "    stop INT 7\n"
        "    within 9\n"
        "\n"
        "process second\n"
        "    command b\n"
        "    set A=1 B=\n"
        "    set C=x=y\n"
        "    after first\n"
        "    restart always 5 50\n"
        "    ready command test -e /tmp",
        &err));
    assert_int_equal(stack->count, 2);
    const struct stack_process *first = &stack->processes[0], *second = &stack->processes[1];
    assert_string_equal(first->name, "first");
    assert_string_equal(first->command[1], "two words");
    assert_string_equal(first->command[2], "4321x");
    assert_null(first->command[3]);
    assert_int_equal(first->probe.type, PROBE_HTTP);
    assert_string_equal(first->probe.host, "127.0.0.1");
    assert_int_equal(first->probe.port, 4321);
    assert_string_equal(first->probe.path, "/readyz");
    assert_int_equal(first->stop_signal, SIGINT);
    assert_int_equal(first->stop_within_ms, 7000);
    assert_int_equal(first->ready_within_ms, 9000);
    assert_true(first->restarts);
    assert_string_equal(second->settings[1], "B=");
    assert_string_equal(second->settings[2], "C=x=y");
    assert_null(second->settings[3]);
    assert_int_equal(second->after_count, 1);
    assert_int_equal(second->after[0], 0);
    assert_int_equal(second->backoff_first_ms, 5);
    assert_int_equal(second->backoff_most_ms, 50);
    assert_int_equal(second->probe.type, PROBE_COMMAND);
    assert_string_equal(second->probe.command[2], "/tmp");
}

static void a_second_table_goes_on_where_the_first_ended(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO(stack) stack = stack_new();
    assert_true(add(stack, "process a\n command x\n", &err));
    assert_true(add(stack, "process b\n command y\n after a\n ready exit\n restart never\n", &err));
    assert_int_equal(stack->processes[1].probe.type, PROBE_EXIT);
    assert_false(stack->processes[1].restarts);
}

#define P "process a\n command x\n"
static const struct {
    const char *text, *says;
} mistakes[] = {
    { "command x", "t:1: command belongs to no process" },
    { "process", "t:1: process needs a name" },
    { "process A", "process needs a name" },
    { "process a b", "process needs a name" },
    { P "process a", "t:3: there are two processes a" },
    { "process a\n set A=1\n", "process a has no command" },
    { "process a\n command\n", "t:2: a command is missing" },
    { P " colour red\n", "t:3: colour is no word" },
    { P " after b\n", "no process b stands above" },
    { P " after a\n", "no process a stands above" },
    { P " set A\n", "written NAME=value" },
    { P " set =1\n", "written NAME=value" },
    { P " ready\n", "ready is one of" },
    { P " ready soon\n", "ready is one of" },
    { P " ready tcp\n", "ready is one of" },
    { P " ready command\n", "a command is missing" },
    { P " ready tcp 127.0.0.1\n", "is no address" },
    { P " ready tcp 127.0.0.1:0\n", "is no number from 1 to 65535" },
    { P " ready tcp 127.0.0.1:65536\n", "is no number" },
    { P " ready tcp 127.0.0.1:80/x\n", "is no address" },
    { P " ready http 127.0.0.1:80\n", "is no address" },
    { P " within\n", "is no number" },
    { P " within 0\n", "is no number" },
    { P " stop TERM\n", "stop is written" },
    { P " stop STOP 5\n", "no signal that we stop by" },
    { P " stop TERM -1\n", "stop is written" },
    { P " restart\n", "restart is always or never" },
    { P " restart sometimes\n", "restart is always or never" },
    { P " restart always 100\n", "is no number" },
    { P " restart always 100 50\n", "is no number" },
    { P " environment\n", "environment names one file" },
    { P " environment none.env\n", "cannot read /nowhere/none.env" },
    { P " set A=${NO_SUCH_VARIABLE}\n", "t:3: ${NO_SUCH_VARIABLE} is not set" },
    { P " set A=${open\n", "${ has no }" },
    { P " set A=${}\n", "needs a name" },
    { P " set \"A=1\n", "a quote is not closed" },
};

static void each_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct err err = { 0 };
        AUTO(stack) stack = stack_new();
        assert_false(add(stack, mistakes[i].text, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (!strstr(err.text, mistakes[i].says))
            fail_msg("%s: said \"%s\"", mistakes[i].text, err.text);
    }
}

static void there_are_only_so_many_processes_and_words(void **state)
{
    (void)state;
    char text[64 * 1024] = "", line[128];
    struct err err = { 0 };
    AUTO(stack) stack = stack_new();
    for (int i = 0; i <= STACK_MOST_PROCESSES; i++) {
        snprintf(line, sizeof line, "process p%d\n command x\n", i);
        strcat(text, line);
    }
    assert_false(add(stack, text, &err));
    assert_non_null(strstr(err.text, "more than 64 processes"));
    AUTO(stack) other = stack_new();
    strcpy(text, "process a\n command");
    for (int i = 0; i <= STACK_MOST_WORDS; i++)
        strcat(text, " x");
    assert_false(add(other, text, &err));
    assert_non_null(strstr(err.text, "words"));
}

static void environment_files_lie_beside_the_table(void **state)
{
    (void)state;
    char folder[] = "/tmp/stack-test-XXXXXX", path[64];
    struct err err = { 0 };
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.env", folder);
    FILE *file = fopen(path, "w");
    fputs("# a comment\nA=1\n\nB=two words # no comment\nC=${STACK_TEST_HOME}/x", file);
    fclose(file);
    setenv("STACK_TEST_HOME", "/h", 1);
    AUTO(stack) stack = stack_new();
    assert_true(stack_add_text(stack, P " environment a.env\n", "t", folder, &err));
    assert_int_equal(stack->processes[0].setting_count, 3);
    assert_string_equal(stack->processes[0].settings[1], "B=two words # no comment");
    assert_string_equal(stack->processes[0].settings[2], "C=/h/x");
    unlink(path);
    rmdir(folder);
    assert_false(stack_add_file(stack, path, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_as_it_is_written),
        cmocka_unit_test(a_second_table_goes_on_where_the_first_ended),
        cmocka_unit_test(each_mistake_is_named_with_its_line),
        cmocka_unit_test(there_are_only_so_many_processes_and_words),
        cmocka_unit_test(environment_files_lie_beside_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
