/* nwims-demo: makes a small realistic water network in a tenant of its own and sends its readings as loggers would. */
#include "base/clock.h"
#include "base/log.h"
#include "feed.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_EVERY_MS = 10000, TOKEN_EVERY_ROUNDS = 60 };

static const char help[] =
    "nwims-demo --setup|--feed --url URL --ingest-url URL --admin-email E --admin-password-file "
    "F --demo-password-file F --env-file F --state-file F [--more-file F] [--mqtt-port P] [--tcp-port P]\n"
    "  --setup  makes tenant, towns, districts, loggers and sensors, sends two days of "
    "readings, writes the environment file\n"
    "  --feed   sends what the loggers measure every 10 s until stopped, and keeps the token in "
    "the environment file fresh\n"
    "  --more-file is put behind it as it is\n";

static bool read_line(const char *path, char *target, size_t size, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "cannot open %s", path);
    bool ok = fgets(target, (int)size, file) != NULL;
    fclose(file);
    target[ok ? strcspn(target, "\r\n") : 0] = '\0';
    return ok || err_set(err, ERR_CONFIG, "%s is empty", path);
}

static bool write_environment(
    const struct api *api, const struct demo_state *state, const struct demo_options *options, struct err *err)
{
    AUTO_INPLACE(buffer) text = { 0 };
    char line[512];
    buffer_printf(&text,
        "# Where the demo is; made by nwims-demo. The token is for the demo tenant's administrator.\n"
        "export NWIMS_URL=%s\nexport NWIMS_TOKEN=%s\nexport NWIMS_TENANT=%d\nexport NWIMS_HTTP_INGEST_URL=%s\nexport "
        "NWIMS_DEVICE_TOKEN=%s\n",
        options->url, api_token(api), state->tenant_id, options->ingest_url, state->device_tokens[0]);
    /* What else there is to reach: whoever starts us knows. */
    FILE *more = options->more_file ? fopen(options->more_file, "re") : NULL;
    while (more && fgets(line, sizeof line, more))
        buffer_put_text(&text, line);
    if (more)
        fclose(more);
    return (buffer_ok(&text) || err_set(err, ERR_LIMIT, "out of memory")) &&
           state_replace_file(options->env_file, text.data, text.size, err);
}

/* The demo tenant's own administrator, so that the token of the environment file needs no Nwims-Tenant header. */
static bool log_in_as_demo(struct api *api, const struct demo_options *options, struct err *err)
{
    char body[400];
    int status;
    snprintf(body, sizeof body,
        "{\"email\":\"demo@nwims.local\",\"name\":\"Demo "
        "administrator\",\"roles\":[\"tenant_admin\"],\"password\":\"%s\"}",
        options->demo_password);
    return api_call(api, "POST", "/users", body, &status, NULL, err) &&
           api_login(api, "demo@nwims.local", options->demo_password, err);
}

static bool set_up(struct api *api, struct demo_state *state, const struct demo_options *options, struct err *err)
{
    if (!api_login(api, options->admin_email, options->admin_password, err) || !demo_make(api, state, options, err) ||
        !log_in_as_demo(api, options, err))
        return false;
    api_act_in(api, 0);
    return demo_send_past(api, options, err) && demo_send_now(api, state, options, err) &&
           write_environment(api, state, options, err);
}

/* Whatever is away comes back; the feeder waits and goes on. */
static void feed(struct api *api, const struct demo_state *state, const struct demo_options *options)
{
    bool was_well = true;
    for (unsigned round = 0;; round++) {
        struct err err = { 0 };
        bool ok =
            round % TOKEN_EVERY_ROUNDS != 0 || (api_login(api, "demo@nwims.local", options->demo_password, &err) &&
                                                   write_environment(api, state, options, &err));
        ok = ok && demo_send_now(api, state, options, &err);
        if (!ok && was_well)
            log_warn(NULL, "demo.waiting", LOG_ERR(&err));
        if (ok && !was_well)
            log_info(NULL, "demo.goes_on");
        was_well = ok;
        clock_sleep_ms(FEED_EVERY_MS);
    }
}

int main(int argc, char **argv)
{
    struct demo_options options = { 0 };
    static const struct option known[] = { { "setup", no_argument, NULL, 's' }, { "feed", no_argument, NULL, 'f' },
        { "url", required_argument, NULL, 'u' }, { "ingest-url", required_argument, NULL, 'i' },
        { "admin-email", required_argument, NULL, 'e' }, { "admin-password-file", required_argument, NULL, 'p' },
        { "demo-password-file", required_argument, NULL, 'd' }, { "env-file", required_argument, NULL, 'v' },
        { "state-file", required_argument, NULL, 't' }, { "more-file", required_argument, NULL, 'm' },
        { "mqtt-port", required_argument, NULL, 'q' }, { "tcp-port", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' }, { 0 } };
    char password[256] = "", demo_password[256] = "";
    struct demo_state state;
    AUTO(api) api = NULL;
    struct err err = { 0 };
    int task = 0;
    const char *password_file = NULL, *demo_password_file = NULL;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 's':
        case 'f':
            task = option;
            break;
        case 'u':
            options.url = optarg;
            break;
        case 'i':
            options.ingest_url = optarg;
            break;
        case 'e':
            options.admin_email = optarg;
            break;
        case 'p':
            password_file = optarg;
            break;
        case 'd':
            demo_password_file = optarg;
            break;
        case 'v':
            options.env_file = optarg;
            break;
        case 't':
            options.state_file = optarg;
            break;
        case 'm':
            options.more_file = optarg;
            break;
        case 'q':
            options.mqtt_port = atoi(optarg);
            break;
        case 'c':
            options.tcp_port = atoi(optarg);
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 64;
        }
    if (!task || !options.url || !options.ingest_url || !options.admin_email || !password_file || !demo_password_file ||
        !options.env_file || !options.state_file) {
        fputs(help, stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    log_start("demo", NWIMS_VERSION, LOG_INFO);
    options.admin_password = password;
    options.demo_password = demo_password;
    bool ok = read_line(password_file, password, sizeof password, &err) &&
              read_line(demo_password_file, demo_password, sizeof demo_password, &err) &&
              state_read(&state, options.state_file, &err) && api_open(&api, options.url, &err);
    if (ok && task == 's')
        ok = set_up(api, &state, &options, &err);
    else if (ok)
        feed(api, &state, &options);
    if (!ok)
        log_error(NULL, "demo.failed", LOG_ERR(&err));
    return ok ? 0 : 1;
}
