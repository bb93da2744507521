#include "progress.h"
#include "base/clock.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30, ON_TERMINAL_US = 200000, ELSEWHERE_US = 10000000 };

void progress_begin(struct progress *progress, double share)
{
    *progress = (struct progress){
        .is_terminal = isatty(STDERR_FILENO), .begun_us = clock_monotonic_us(), .first_share = share
    };
}

double progress_seconds(const struct progress *progress)
{
    return (double)(clock_monotonic_us() - progress->begun_us) / 1e6;
}

static void format_left(char text[32], const struct progress *progress, double share)
{
    double done = share - progress->first_share;
    long left = done > 0.001 ? (long)(progress_seconds(progress) / done * (1 - share)) : -1;
    if (left < 0)
        snprintf(text, 32, "--:--");
    else
        snprintf(text, 32, "%02ld:%02ld:%02ld", left / 3600, left / 60 % 60, left % 60);
}

void progress_draw(struct progress *progress, double share, int64_t readings, int64_t retries)
{
    char bar[BAR + 1], left[32];
    int64_t now_us = clock_monotonic_us();
    if (now_us - progress->drawn_us < (progress->is_terminal ? ON_TERMINAL_US : ELSEWHERE_US))
        return;
    progress->drawn_us = now_us;
    size_t full = (size_t)(share * BAR) > BAR ? BAR : (size_t)(share * BAR);
    memset(bar, '#', full);
    memset(bar + full, '.', BAR - full);
    bar[BAR] = '\0';
    format_left(left, progress, share);
    fprintf(stderr, "%s[%s] %5.1f %%  %lld readings  %.0f/s  left %s%s%s", progress->is_terminal ? "\r\033[K" : "", bar,
        share * 100, (long long)readings, (double)readings / progress_seconds(progress), left,
        retries > 0 ? "  (waiting for the system now and then)" : "", progress->is_terminal ? "" : "\n");
}

void progress_end(struct progress *progress)
{
    if (progress->is_terminal)
        fputc('\n', stderr);
}
