#include "service/service_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_AS_USAGE = 64 }; /* sysexits.h: EX_USAGE */

void arguments_tables(const struct service_program *program, const struct setting *tables[SERVICE_MOST_TABLES])
{
    size_t count = 0;
    tables[count++] = service_common_settings;
    if (program->uses_bus)
        tables[count++] = service_bus_settings;
    if (program->schema)
        tables[count++] = service_store_settings;
    if (program->settings)
        tables[count++] = program->settings;
    tables[count] = NULL;
}

static void print_help(const struct service_program *program, const struct setting *const tables[])
{
    AUTO_INPLACE(buffer) text = { 0 };
    settings_help(&text, tables);
    printf("%s: %s\n\nUsage: %s [--help | --help-config | --version | --healthcheck%s]\n\n"
           "Settings, from the environment (a secret NAME also from the file that NAME_FILE names):\n%s",
        program->name, program->summary, program->name, program->migrations ? " | migrate" : "", text.data);
}

static void print_settings(const struct setting *const tables[])
{
    AUTO_INPLACE(buffer) json = { 0 };
    settings_describe(&json, tables);
    puts(json.data);
}

/* Only the address is needed: an orchestrator may ask from a shell without our secrets. */
static int ask_health(struct service_config *config)
{
    static const struct setting *const tables[] = { service_common_settings, NULL };
    AUTO_INPLACE(buffer) mistakes = { 0 };
    struct err err = { 0 };
    if (settings_load(config, tables, &mistakes, &err))
        return healthcheck(config->admin_address) ? EXIT_SUCCESS : EXIT_FAILURE;
    fputs(mistakes.data, stderr);
    return EXIT_FAILURE;
}

__attribute__((noreturn)) static void refuse(const struct service_program *program, const char *argument)
{
    fprintf(stderr, "%s: it does not know \"%s\"; settings come from the environment, see %s --help\n", program->name,
        argument, program->name);
    exit(EXIT_AS_USAGE);
}

enum arguments arguments_read(
    const struct service_program *program, struct service_config *config, int argc, char **argv)
{
    const struct setting *tables[SERVICE_MOST_TABLES];
    if (argc < 2)
        return ARGUMENTS_RUN;
    const char *word = argv[1];
    arguments_tables(program, tables);
    if (argc > 2)
        refuse(program, argv[2]);
    if (program->migrations && strcmp(word, "migrate") == 0)
        return ARGUMENTS_MIGRATE;
    if (strcmp(word, "--healthcheck") == 0)
        exit(ask_health(config));
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        print_help(program, tables);
    else if (strcmp(word, "--help-config") == 0)
        print_settings(tables);
    else if (strcmp(word, "--version") == 0)
        printf("%s %s (%s)\n", program->name, NWIMS_VERSION, NWIMS_COMMIT);
    else
        refuse(program, word);
    exit(EXIT_SUCCESS);
}
