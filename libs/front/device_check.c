#include "front/device_check.h"
#include <stdlib.h>

static void run(struct job *job, struct arena *arena)
{
    struct device_check *check = (struct device_check *)(void *)((char *)job - offsetof(struct device_check, job));
    struct directory_device device;
    if (directory_device_again(check->directory, &check->was, &device, arena, &check->err))
        check->err = (struct err){ 0 };
    net_post(check->server, &check->mail);
}

bool device_check_start(struct workers *workers, struct directory *directory, struct net_server *server,
    const struct net_handle *handle, const struct directory_device *was,
    void (*handler)(void *context, struct net_connection *connection, struct net_mail *mail))
{
    struct device_check *check = calloc(1, sizeof *check);
    if (!check)
        return false;
    check->mail = (struct net_mail){ .to = *handle, .handler = handler };
    check->job.run = run;
    check->directory = directory;
    check->server = server;
    check->was = *was;
    if (workers_do(workers, &check->job))
        return true;
    free(check);
    return false;
}
