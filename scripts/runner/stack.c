#include "stack.h"
#include "base/number.h"
#include "base/text.h"
#include "stack_text.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 8 * 1024 * 1024, LONGEST_PATH = 1024 };
static const int64_t ms_per_s = 1000;

/* Where we are while reading: the table and the folder of its environment files. */
struct reading {
    struct stack *stack;
    const char *folder;
    const char **words; /* the line's, after its first one */
    size_t count;
};

struct stack *stack_new(void)
{
    struct stack *stack = calloc(1, sizeof *stack);
    if (stack)
        arena_init(&stack->arena, ARENA_BYTES);
    return stack;
}

void stack_free(struct stack *stack)
{
    if (!stack)
        return;
    arena_done(&stack->arena);
    free(stack);
}

static struct stack_process *current(struct reading *reading)
{
    return &reading->stack->processes[reading->stack->count - 1];
}

static bool find_process(const struct stack *stack, const char *name, size_t *out_place)
{
    for (size_t i = 0; i < stack->count; i++)
        if (strcmp(stack->processes[i].name, name) == 0) {
            *out_place = i;
            return true;
        }
    return false;
}

static bool read_number(const char *text, int64_t least, int64_t most, int64_t *out_number, struct err *err)
{
    int64_t number = 0;
    if (!text || !number_parse_int(text, strlen(text), &number) || number < least || number > most)
        return err_set(err, ERR_CONFIG, "%s is no number from %lld to %lld", text ? text : "nothing", (long long)least,
            (long long)most);
    *out_number = number;
    return true;
}

static bool copy_words(struct reading *reading, size_t from, const char *const **out_words, struct err *err)
{
    if (from >= reading->count)
        return err_set(err, ERR_CONFIG, "a command is missing");
    size_t count = reading->count - from;
    const char **copy = arena_alloc_array(&reading->stack->arena, count + 1, sizeof *copy);
    if (!copy)
        return err_set(err, ERR_CONFIG, "the stack's table is too large");
    memcpy(copy, reading->words + from, count * sizeof *copy);
    *out_words = copy;
    return true;
}

static bool put_setting(struct stack_process *process, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return err_set(err, ERR_CONFIG, "a setting is written NAME=value, not %s", text);
    if (process->setting_count == STACK_MOST_SETTINGS)
        return err_set(err, ERR_CONFIG, "more than %d settings", STACK_MOST_SETTINGS);
    process->settings[process->setting_count++] = text;
    return true;
}

/* A file of NAME=value lines; everything behind the first = is the value. */
static bool read_environment(struct reading *reading, struct err *err)
{
    char path[LONGEST_PATH];
    const char *text = NULL;
    if (reading->count != 1)
        return err_set(err, ERR_CONFIG, "environment names one file");
    if (snprintf(path, sizeof path, "%s/%s", reading->folder, reading->words[0]) >= (int)sizeof path)
        return err_set(err, ERR_CONFIG, "the path of %s is too long", reading->words[0]);
    if (!stack_text_read(&reading->stack->arena, path, &text, err))
        return false;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        const char *setting = NULL;
        if (length > 0 && *line != '#' &&
            (!stack_text_expand(&reading->stack->arena, line, length, &setting, err) ||
                !put_setting(current(reading), setting, err)))
            return err_wrap(err, "%s", reading->words[0]);
        line += length + (line[length] == '\n');
    }
    return true;
}

static bool read_after(struct reading *reading, struct err *err)
{
    struct stack_process *process = current(reading);
    for (size_t i = 0; i < reading->count; i++) {
        size_t place = 0;
        if (process->after_count == STACK_MOST_AFTER)
            return err_set(err, ERR_CONFIG, "after names at most %d", STACK_MOST_AFTER);
        if (!find_process(reading->stack, reading->words[i], &place) || place + 1 == reading->stack->count)
            return err_set(err, ERR_CONFIG, "no process %s stands above", reading->words[i]);
        process->after[process->after_count++] = place;
    }
    return true;
}

/* "127.0.0.1:8080/path", the path only where it is wanted. */
static bool read_address(
    struct stack *stack, const char *text, struct stack_probe *probe, bool has_path, struct err *err)
{
    size_t length = strcspn(text, "/");
    const char *colon = memchr(text, ':', length);
    if (!colon || has_path != (text[length] == '/'))
        return err_set(err, ERR_CONFIG, "%s is no address like 127.0.0.1:80%s", text, has_path ? "/path" : "");
    int64_t port = 0;
    const char *port_text = arena_text_n(&stack->arena, colon + 1, length - (size_t)(colon + 1 - text));
    if (!read_number(port_text, 1, 65535, &port, err))
        return false;
    probe->host = arena_text_n(&stack->arena, text, (size_t)(colon - text));
    probe->port = (int)port;
    probe->path = text + length;
    return probe->host ? true : err_set(err, ERR_CONFIG, "the stack's table is too large");
}

static bool read_ready(struct reading *reading, struct err *err)
{
    struct stack_probe *probe = &current(reading)->probe;
    const char *type = reading->count ? reading->words[0] : "";
    if (strcmp(type, "running") == 0 || strcmp(type, "exit") == 0) {
        probe->type = *type == 'e' ? PROBE_EXIT : PROBE_RUNNING;
        return true;
    }
    if (strcmp(type, "command") == 0) {
        probe->type = PROBE_COMMAND;
        return copy_words(reading, 1, &probe->command, err);
    }
    bool is_http = strcmp(type, "http") == 0;
    if ((!is_http && strcmp(type, "tcp") != 0) || reading->count != 2)
        return err_set(err, ERR_CONFIG, "ready is one of: running, exit, tcp ADDRESS, http ADDRESS/PATH, command ...");
    probe->type = is_http ? PROBE_HTTP : PROBE_TCP;
    return read_address(reading->stack, reading->words[1], probe, is_http, err);
}

static bool read_within(struct reading *reading, struct err *err)
{
    int64_t seconds = 0;
    if (!read_number(reading->words[0], 1, 3600, &seconds, err))
        return err_wrap(err, "within");
    current(reading)->ready_within_ms = seconds * ms_per_s;
    return true;
}

static bool read_stop(struct reading *reading, struct err *err)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = { { "TERM", SIGTERM }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "HUP", SIGHUP }, { "USR1", SIGUSR1 },
        { "USR2", SIGUSR2 }, { "KILL", SIGKILL } };
    int64_t seconds = 0;
    if (reading->count != 2 || !read_number(reading->words[1], 1, 600, &seconds, err))
        return err_set(err, ERR_CONFIG, "stop is written: stop SIGNAL SECONDS");
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        if (strcmp(signals[i].name, reading->words[0]) == 0) {
            current(reading)->stop_signal = signals[i].number;
            current(reading)->stop_within_ms = seconds * ms_per_s;
            return true;
        }
    return err_set(err, ERR_CONFIG, "%s is no signal that we stop by", reading->words[0]);
}

static bool read_restart(struct reading *reading, struct err *err)
{
    struct stack_process *process = current(reading);
    const char *policy = reading->count ? reading->words[0] : "";
    process->restarts = strcmp(policy, "always") == 0;
    if (!process->restarts && strcmp(policy, "never") != 0)
        return err_set(err, ERR_CONFIG, "restart is always or never");
    if (reading->count == 1)
        return true;
    if (!read_number(reading->words[1], 1, 3600 * ms_per_s, &process->backoff_first_ms, err))
        return err_wrap(err, "restart");
    return read_number(reading->words[2], process->backoff_first_ms, 3600 * ms_per_s, &process->backoff_most_ms, err);
}

static bool read_command(struct reading *reading, struct err *err)
{
    return copy_words(reading, 0, &current(reading)->command, err);
}

static bool read_setting(struct reading *reading, struct err *err)
{
    for (size_t i = 0; i < reading->count; i++)
        if (!put_setting(current(reading), reading->words[i], err))
            return false;
    return true;
}

static bool is_name(const char *text)
{
    return text && *text && strlen(text) < 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

static bool read_process(struct reading *reading, struct err *err)
{
    struct stack *stack = reading->stack;
    size_t place;
    if (reading->count != 1 || !is_name(reading->words[0]))
        return err_set(err, ERR_CONFIG, "process needs a name of small letters, digits and -");
    if (find_process(stack, reading->words[0], &place))
        return err_set(err, ERR_CONFIG, "there are two processes %s", reading->words[0]);
    if (stack->count == STACK_MOST_PROCESSES)
        return err_set(err, ERR_CONFIG, "more than %d processes", STACK_MOST_PROCESSES);
    stack->processes[stack->count++] = (struct stack_process){ .name = reading->words[0],
        .restarts = true,
        .ready_within_ms = 60 * ms_per_s,
        .stop_signal = SIGTERM,
        .stop_within_ms = 15 * ms_per_s,
        .backoff_first_ms = 200,
        .backoff_most_ms = 10 * ms_per_s };
    return true;
}

static bool read_line(struct reading *reading, const char *key, struct err *err)
{
    static const struct {
        const char *key;
        bool (*read)(struct reading *reading, struct err *err);
    } keys[] = { { "command", read_command }, { "environment", read_environment }, { "set", read_setting },
        { "after", read_after }, { "ready", read_ready }, { "within", read_within }, { "stop", read_stop },
        { "restart", read_restart } };
    if (strcmp(key, "process") == 0)
        return read_process(reading, err);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(keys[i].key, key) == 0)
            return reading->stack->count ? keys[i].read(reading, err)
                                         : err_set(err, ERR_CONFIG, "%s belongs to no process", key);
    return err_set(err, ERR_CONFIG, "%s is no word of this table", key);
}

bool stack_add_text(struct stack *stack, const char *text, const char *name, const char *folder, struct err *err)
{
    const char *words[STACK_MOST_WORDS + 1];
    int number = 0;
    size_t first = stack->count;
    for (const char *line = text; *line; number++) {
        size_t length = strcspn(line, "\n"), count;
        if (!stack_text_split(&stack->arena, line, length, words, STACK_MOST_WORDS, &count, err))
            return err_wrap(err, "%s:%d", name, number + 1);
        struct reading reading = {
            .stack = stack, .folder = folder, .words = words + 1, .count = count ? count - 1 : 0
        };
        if (count > 0 && !read_line(&reading, words[0], err))
            return err_wrap(err, "%s:%d", name, number + 1);
        line += length + (line[length] == '\n');
    }
    for (size_t i = first; i < stack->count; i++)
        if (!stack->processes[i].command)
            return err_set(err, ERR_CONFIG, "%s: process %s has no command", name, stack->processes[i].name);
    return true;
}

bool stack_add_file(struct stack *stack, const char *path, struct err *err)
{
    const char *text = NULL, *slash = strrchr(path, '/');
    const char *folder = slash ? arena_text_n(&stack->arena, path, (size_t)(slash - path)) : ".";
    if (!folder)
        return err_set(err, ERR_CONFIG, "the stack's table is too large");
    return stack_text_read(&stack->arena, path, &text, err) && stack_add_text(stack, text, path, folder, err);
}
