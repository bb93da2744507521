#include "metrics/metrics_internal.h"
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The start of a small file below /proc as text; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, size - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static double open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the folder itself */
    if (!folder)
        return NAN;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* The system's start in seconds since 1970; "btime" stands far down in /proc/stat on machines of many cores. */
static double boot_time(void)
{
    double found = NAN;
    char line[256];
    FILE *file = fopen("/proc/stat", "re");
    while (file && isnan(found) && fgets(line, sizeof line, file))
        if (strncmp(line, "btime ", 6) == 0)
            found = (double)strtoll(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return found;
}

static void put(struct buffer *out, const char *name, const char *help, const char *type, double value)
{
    if (isnan(value))
        return;
    metrics_render_head(out, name, help, type);
    metrics_render_sample(out, name, "", "", value);
}

/* Fields of proc(5), counted from "state" (the third), which follows the name in brackets. */
enum { FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_THREADS = 20, FIELD_START = 22, FIELD_VSIZE = 23, FIELD_RSS = 24 };

static bool read_stat(double fields[FIELD_RSS + 1])
{
    char text[1024];
    if (!read_text("/proc/self/stat", text, sizeof text))
        return false;
    char *at = strrchr(text, ')'); /* the name may hold spaces and brackets */
    if (!at)
        return false;
    char *rest = NULL;
    int field = 3;
    for (char *word = strtok_r(at + 1, " ", &rest); word && field <= FIELD_RSS; word = strtok_r(NULL, " ", &rest))
        fields[field++] = strtod(word, NULL);
    return field > FIELD_RSS;
}

int64_t metrics_resident_bytes(void)
{
    double fields[FIELD_RSS + 1] = { 0 };
    return read_stat(fields) ? (int64_t)fields[FIELD_RSS] * sysconf(_SC_PAGESIZE) : 0;
}

/* What grows here grows for good; resident memory also has what is free and not given back yet. */
static void put_heap(struct buffer *out)
{
    struct mallinfo2 heap = mallinfo2();
    put(out, "process_heap_used_bytes", "Memory that was asked for and not freed, of all arenas of malloc.", "gauge",
        (double)heap.uordblks + (double)heap.hblkhd);
    put(out, "process_heap_free_bytes", "Memory that was freed and not given back to the system.", "gauge",
        (double)heap.fordblks);
}

void metrics_render_process(struct buffer *out)
{
    double fields[FIELD_RSS + 1] = { 0 };
    struct rlimit limit;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    if (read_stat(fields)) {
        put(out, "process_cpu_seconds_total", "CPU time spent in user and system mode.", "counter",
            (fields[FIELD_UTIME] + fields[FIELD_STIME]) / ticks);
        put(out, "process_resident_memory_bytes", "Resident memory.", "gauge",
            fields[FIELD_RSS] * (double)sysconf(_SC_PAGESIZE));
        put(out, "process_virtual_memory_bytes", "Virtual memory.", "gauge", fields[FIELD_VSIZE]);
        put(out, "process_threads", "Threads.", "gauge", fields[FIELD_THREADS]);
        put(out, "process_start_time_seconds", "Start of the process in seconds since 1970.", "gauge",
            boot_time() + fields[FIELD_START] / ticks);
    }
    put_heap(out);
    put(out, "process_open_fds", "Open file descriptors.", "gauge", open_files());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        put(out, "process_max_fds", "Most file descriptors that may be open.", "gauge", (double)limit.rlim_cur);
}
