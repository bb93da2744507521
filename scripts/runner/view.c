#include "view.h"
#include "base/clock.h"
#include "base/number.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_PATH = 1024, US_PER_S = 1000000 };

void view_write(const char *folder, const struct view_row *rows, size_t count)
{
    char path[LONGEST_PATH], next[LONGEST_PATH + 8];
    if (snprintf(path, sizeof path, "%s/run/status", folder) >= (int)sizeof path)
        return;
    snprintf(next, sizeof next, "%s.new", path);
    FILE *file = fopen(next, "we");
    if (!file)
        return;
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s %s %d %d %lld\n", rows[i].name, rows[i].state, rows[i].pid, rows[i].restarts,
            (long long)rows[i].since_us);
    bool is_whole = !ferror(file);
    if (fclose(file) != 0 || !is_whole || rename(next, path) != 0)
        unlink(next);
}

static void print_row(FILE *out, const struct view_row *row)
{
    char pid[16] = "-";
    long long seconds = (long long)((clock_now_us() - row->since_us) / US_PER_S);
    if (row->pid)
        snprintf(pid, sizeof pid, "%d", row->pid);
    fprintf(out, "%-16s %-9s %8s %8d   %lldh%02lldm%02llds\n", row->name, row->state, pid, row->restarts,
        seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void file_auto(FILE **file)
{
    if (*file)
        fclose(*file);
}

static bool read_row(FILE *file, struct view_row *row)
{
    char pid[16], restarts[16], since[32];
    int64_t numbers[3];
    if (fscanf(file, "%31s %15s %15s %15s %31s", row->name, row->state, pid, restarts, since) != 5 ||
        !number_parse_int(pid, strlen(pid), &numbers[0]) ||
        !number_parse_int(restarts, strlen(restarts), &numbers[1]) ||
        !number_parse_int(since, strlen(since), &numbers[2]))
        return false;
    row->pid = (int)numbers[0];
    row->restarts = (int)numbers[1];
    row->since_us = numbers[2];
    return true;
}

bool view_print(const char *folder, FILE *out, bool *out_healthy, struct err *err)
{
    char path[LONGEST_PATH];
    struct view_row row;
    if (snprintf(path, sizeof path, "%s/run/status", folder) >= (int)sizeof path)
        return err_set(err, ERR_CONFIG, "the path %s is too long", folder);
    __attribute__((cleanup(file_auto))) FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    fprintf(out, "%-16s %-9s %8s %8s   %s\n", "process", "state", "pid", "restarts", "since");
    bool is_healthy = true;
    while (read_row(file, &row)) {
        is_healthy = is_healthy && (strcmp(row.state, "ready") == 0 || strcmp(row.state, "done") == 0);
        print_row(out, &row);
    }
    *out_healthy = is_healthy;
    return true;
}
