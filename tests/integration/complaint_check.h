/* What a front says of those whom it refuses: its metric by reason, and its log. */
#pragma once
#include "tests/integration/ingest_stack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMPLAINT_TEXT_BYTES = 1 << 20 };

static inline void complaint_metrics(int admin_port, char text[COMPLAINT_TEXT_BYTES])
{
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)admin_port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    size_t size = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    for (ssize_t count; (count = recv(fd, text + size, COMPLAINT_TEXT_BYTES - 1 - size, 0)) > 0;)
        size += (size_t)count;
    text[size] = '\0';
    close(fd);
}

/* How many complaints of this reason the front of a protocol ("mqtt", "tcp") has counted. */
static inline int complaints_counted(int admin_port, const char *protocol, const char *reason)
{
    static char text[COMPLAINT_TEXT_BYTES];
    char name[96];
    complaint_metrics(admin_port, text);
    snprintf(name, sizeof name, "\nnwims_%s_complaints_total{reason=\"%s\"} ", protocol, reason);
    const char *at = strstr(text, name);
    if (!at)
        fail_msg("no metric%s", name);
    return atoi(at + strlen(name));
}

/* How many lines of its log are about this reason. */
static inline int complaints_logged(const struct stack *stack, const char *service, const char *reason)
{
    char path[512], line[4096], wanted[64];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s.log", stack->nats.folder, service);
    snprintf(wanted, sizeof wanted, "\"reason\":\"%s\"", reason);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, ".complaint\"") && strstr(line, wanted);
    fclose(file);
    return count;
}

/* As many were counted since before as were refused; of those within a second one line stands in the log. */
static inline void complaints_expect(
    const struct stack *stack, int admin_port, const char *protocol, const char *reason, int before, int refused)
{
    char service[32];
    snprintf(service, sizeof service, "ingest-%s", protocol);
    int counted = complaints_counted(admin_port, protocol, reason) - before;
    if (counted != refused)
        fail_msg("%s: %d refused, %d counted", reason, refused, counted);
    int logged = complaints_logged(stack, service, reason);
    if (logged < 1 || logged > before + refused)
        fail_msg("%s: %d lines in the log", reason, logged);
}
