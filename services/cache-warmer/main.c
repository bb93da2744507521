/* cache-warmer: fills the cache with what callers ask for most, before they do. See README.md. */
#include "settings.h"
#include "warmer.h"

static const struct service_program program = {
    .name = "cache-warmer",
    .summary = "Fills the cache with what callers ask for most, before they do.",
    .settings = warmer_settings,
    .uses_bus = true,
};

struct app {
    struct service *service;
    struct warmer_config config;
    struct warmer *warmer;
};

int main(int argc, char **argv)
{
    static struct app app;
    struct err err = { 0 };
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) &&
              warmer_open(&app.warmer, service_bus(app.service), &app.config, &err) && service_run(app.service, &err);
    warmer_close(app.warmer);
    service_close(app.service);
    return service_exit(ok, &err);
}
