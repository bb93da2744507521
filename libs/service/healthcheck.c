/* A GET by hand: with the HTTP client every service would load libcurl, which costs more memory than all of the rest.
 */
#include "service/service_internal.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_S = 3, LONGEST_ANSWER = 4096 };

static bool parse(const char *text, struct sockaddr_in *out_address)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    /* Who listens everywhere is asked at home. */
    bool is_here = strcmp(host, "localhost") == 0 || strcmp(host, "0.0.0.0") == 0;
    *out_address =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)) };
    return inet_pton(AF_INET, is_here ? "127.0.0.1" : host, &out_address->sin_addr) == 1;
}

static size_t read_answer(int fd, char *answer, size_t size)
{
    size_t length = 0;
    for (ssize_t count = 1; count > 0 && length + 1 < size; length += count > 0 ? (size_t)count : 0)
        count = recv(fd, answer + length, size - 1 - length, 0);
    answer[length] = '\0';
    return length;
}

bool healthcheck(const char *address)
{
    static const char question[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const struct timeval wait = { .tv_sec = WAIT_S };
    struct sockaddr_in peer;
    char answer[LONGEST_ANSWER] = "";
    int fd = parse(address, &peer) ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
              setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
              connect(fd, (const struct sockaddr *)&peer, sizeof peer) == 0 &&
              send(fd, question, sizeof question - 1, MSG_NOSIGNAL) == (ssize_t)sizeof question - 1 &&
              read_answer(fd, answer, sizeof answer) > 0;
    if (fd >= 0)
        close(fd);
    const char *body = strstr(answer, "\r\n\r\n");
    printf("%s", ok && body ? body + 4 : "no answer\n");
    return ok && strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
}
