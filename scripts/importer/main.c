/* nwims-import: years of readings from a CSV file into a running system, at full speed, resumable. See --help. */
#include "base/number.h"
#include "checkpoint.h"
#include "progress.h"
#include "sender.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_LATER = 75, CHECKPOINT_MS = 500, LOOK_MS = 100, PATH_SIZE = 4096 };

static const char help[] =
    "usage: scripts/import [options] FILE.csv[.gz]\n"
    "\n"
    "Sends every reading of a CSV file to a running NWIMS and waits until PostgreSQL has it. The file has a header and "
    "is\n"
    "long (columns sensor_id, value and perhaps unit, timestamp, status) or wide (timestamp first, then a column a "
    "sensor).\n"
    "The sensors must be registered. How far it came stands in FILE.nwims-import: the same command goes on from there "
    "after\n"
    "any end, and what was sent twice is stored once. What is refused goes to FILE.rejected, a JSON object a line.\n"
    "\n"
    "  --url URL          the gateway; else the environment's NWIMS_URL\n"
    "  --token-file FILE  holds an API key or access token; else the environment's NWIMS_TOKEN. An access token ends\n"
    "                     after 15 minutes: take an API key for more than a few million readings\n"
    "  --callers N        connections (4); more load the system more, fewer leave more for others\n"
    "  --readings N       readings a call, 1 to 100000 (20000)\n"
    "  --patience SECONDS how long to wait while the system is away or busy (600)\n"
    "  --anew             begin at the first line, whatever came before\n"
    "\n"
    "Exit status: 0 all is stored or there already; 1 something was refused for good; 75 try again later; 64 usage.\n";

struct options {
    const char *url, *token_file, *path;
    int64_t callers, readings, patience_s;
    bool is_anew;
};

static volatile sig_atomic_t must_stop;
static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

/* ---- arguments ---- */
static bool read_count(const char *text, int64_t least, int64_t most, int64_t *out_count)
{
    return number_parse_int(text, strlen(text), out_count) && *out_count >= least && *out_count <= most;
}

static bool usage(const char *text)
{
    fprintf(stderr, "nwims-import: %s (--help says more)\n", text);
    return false;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = { { "url", required_argument, NULL, 'u' },
        { "token-file", required_argument, NULL, 't' }, { "callers", required_argument, NULL, 'c' },
        { "readings", required_argument, NULL, 'r' }, { "patience", required_argument, NULL, 'p' },
        { "anew", no_argument, NULL, 'a' }, { "help", no_argument, NULL, 'h' }, { 0 } };
    bool ok = true;
    for (int option; ok && (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h') {
            fputs(help, stdout);
            exit(0);
        }
        ok = option != '?';
        options->url = option == 'u' ? optarg : options->url;
        options->token_file = option == 't' ? optarg : options->token_file;
        options->is_anew = options->is_anew || option == 'a';
        if (option == 'c')
            ok = read_count(optarg, 1, 64, &options->callers) || usage("--callers takes 1 to 64");
        if (option == 'r')
            ok = read_count(optarg, 1, 100000, &options->readings) || usage("--readings takes 1 to 100000");
        if (option == 'p')
            ok = read_count(optarg, 1, 86400, &options->patience_s) || usage("--patience takes 1 to 86400 seconds");
    }
    if (ok && optind + 1 != argc)
        return usage("name one file");
    options->path = ok ? argv[optind] : NULL;
    if (ok && (!options->url || !*options->url))
        return usage("say --url, or set NWIMS_URL (. var/demo.env does for a local stack)");
    return ok;
}

static bool read_token(char *token, size_t size, const char *path, struct err *err)
{
    const char *given = getenv("NWIMS_TOKEN");
    if (!path && (!given || !*given))
        return err_set(err, ERR_CONFIG, "say --token-file, or set NWIMS_TOKEN");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (path && (!file || !fgets(token, (int)size, file)))
        return err_set(err, ERR_CONFIG, "%s cannot be read", path);
    if (file)
        fclose(file);
    else
        snprintf(token, size, "%s", given);
    token[strcspn(token, "\r\n")] = '\0';
    return true;
}

/* ---- the run ---- */
struct run {
    const struct options *options;
    char checkpoint_path[PATH_SIZE], rejected_path[PATH_SIZE], token[8192];
    struct checkpoint before, now; /* as found, and as it is now */
    struct source *source;
    struct sender *sender;
    struct sender_state state;
    struct progress progress;
    double share; /* of the file, up to the last piece handed over */
    int64_t kept_us;
};

static bool open_source(struct run *run, int64_t offset, struct err *err)
{
    const struct source_config config = {
        .path = run->options->path, .readings = run->options->readings, .offset = offset
    };
    source_close(run->source);
    run->source = NULL;
    return source_open(&run->source, &config, err);
}

static bool begin(struct run *run, struct err *err)
{
    bool was_changed = false;
    snprintf(run->checkpoint_path, sizeof run->checkpoint_path, "%s.nwims-import", run->options->path);
    snprintf(run->rejected_path, sizeof run->rejected_path, "%s.rejected", run->options->path);
    if (!read_token(run->token, sizeof run->token, run->options->token_file, err) || !open_source(run, 0, err) ||
        !checkpoint_read(&run->before, run->checkpoint_path, source_identity(run->source), &was_changed, err))
        return false;
    if (was_changed)
        fprintf(stderr, "The file has changed since it was imported: beginning at its first line.\n");
    if (run->options->is_anew)
        run->before.offset = run->before.stored = run->before.duplicate = run->before.refused = 0;
    if (run->before.offset > 0) {
        fprintf(stderr, "Going on where it ended before.\n");
        if (!open_source(run, run->before.offset, err))
            return false;
    }
    run->now = run->before;
    const struct sender_config config = { .url = run->options->url,
        .token = run->token,
        .callers = run->options->callers,
        .patience_ms = run->options->patience_s * 1000,
        .is_wide = source_is_wide(run->source),
        .rejected_path = run->rejected_path };
    progress_begin(&run->progress, source_share(run->source));
    return sender_open(&run->sender, &config, err);
}

/* Writes down how far it came, at most twice a second unless it is the last word. */
static bool keep(struct run *run, bool is_last, struct err *err)
{
    int64_t now_us = (int64_t)(progress_seconds(&run->progress) * 1e6);
    bool has_moved = run->state.offset > run->now.offset;
    if (!has_moved || (!is_last && now_us - run->kept_us < CHECKPOINT_MS * 1000))
        return true;
    run->kept_us = now_us;
    run->now.offset = run->state.offset;
    run->now.stored = run->before.stored + run->state.stored;
    run->now.duplicate = run->before.duplicate + run->state.duplicate;
    run->now.refused = run->before.refused + run->state.refused;
    return checkpoint_write(&run->now, run->checkpoint_path, err);
}

static bool look(struct run *run, bool *out_is_idle, struct err *err)
{
    bool ok = sender_look(run->sender, &run->state, out_is_idle, err);
    progress_draw(&run->progress, run->share, run->state.answered, run->state.retries);
    return keep(run, false, err) && ok;
}

static bool hand_over(struct run *run, struct piece *piece, struct err *err)
{
    bool is_idle;
    while (!sender_put_take(run->sender, piece, LOOK_MS)) {
        if (!look(run, &is_idle, err) || must_stop) {
            piece_free(piece);
            return false;
        }
    }
    run->share = source_share(run->source);
    return look(run, &is_idle, err);
}

static bool send_all(struct run *run, struct err *err)
{
    bool is_idle = false;
    for (struct piece *piece; !must_stop;) {
        if (!source_next(run->source, &piece, err))
            return false;
        if (!piece)
            break;
        if (!hand_over(run, piece, err))
            return false;
    }
    while (!must_stop && !is_idle) {
        if (!look(run, &is_idle, err))
            return false;
        usleep(LOOK_MS * 1000 / 10);
    }
    return !must_stop;
}

static void report(const struct run *run, bool ok, const struct err *err)
{
    struct rusage used;
    double seconds = progress_seconds(&run->progress);
    getrusage(RUSAGE_SELF, &used);
    printf("%s: %lld stored, %lld there already, %lld refused; this run %lld readings in %.1f s (%.0f/s), memory %ld "
           "MiB\n",
        ok ? "Done" : "Not done", (long long)run->now.stored, (long long)run->now.duplicate,
        (long long)run->now.refused, (long long)run->state.stored + run->state.duplicate + run->state.refused, seconds,
        (double)run->state.answered / seconds, used.ru_maxrss / 1024);
    if (run->now.refused > 0)
        printf("What was refused, and why: %s\n", run->rejected_path);
    if (!ok && err->kind != ERR_NONE)
        fprintf(stderr, "nwims-import: %s\n", err->text);
    if (!ok)
        fprintf(stderr, "The same command goes on from here.\n");
}

int main(int argc, char **argv)
{
    struct options options = { .url = getenv("NWIMS_URL"), .callers = 4, .readings = 20000, .patience_s = 600 };
    static struct run run;
    struct err err = { 0 }, last = { 0 };
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (!read_options(&options, argc, argv))
        return EXIT_USAGE;
    run.options = &options;
    if (!begin(&run, &err)) {
        fprintf(stderr, "nwims-import: %s\n", err.text);
        return err.kind == ERR_CONFIG ? EXIT_USAGE : EXIT_LATER;
    }
    bool ok = send_all(&run, &err);
    if (!keep(&run, true, &last))
        fprintf(stderr, "nwims-import: %s\n", last.text);
    progress_end(&run.progress);
    report(&run, ok, &err);
    sender_close(run.sender);
    source_close(run.source);
    if (!ok)
        return err.kind == ERR_INPUT ? 1 : EXIT_LATER;
    return run.now.refused > 0 ? 1 : 0;
}
