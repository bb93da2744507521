#include "http/http_internal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { MOST_FILES = 65536 };

/* civetweb does not give its socket away; it is the one whose ends are those of this connection. */
int http_socket_of(const struct http_request *request)
{
    const struct mg_request_info *info = request->info;
    struct rlimit files = { .rlim_cur = 1024 };
    struct sockaddr_in ours = { 0 }, theirs = { 0 };
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > MOST_FILES)
        files.rlim_cur = MOST_FILES;
    for (int fd = 3; fd < (int)files.rlim_cur; fd++) {
        socklen_t our_size = sizeof ours, their_size = sizeof theirs;
        char host[INET_ADDRSTRLEN];
        if (getpeername(fd, (struct sockaddr *)&theirs, &their_size) == 0 && theirs.sin_family == AF_INET &&
            ntohs(theirs.sin_port) == info->remote_port && inet_ntop(AF_INET, &theirs.sin_addr, host, sizeof host) &&
            strcmp(host, info->remote_addr) == 0 && getsockname(fd, (struct sockaddr *)&ours, &our_size) == 0 &&
            ours.sin_port == request->worker->server->address.sin_port)
            return fd;
    }
    return -1;
}

bool http_request_is_gone(struct http_request *request)
{
    char byte;
    if (request->socket == 0)
        request->socket = http_socket_of(request);
    if (request->socket < 0)
        return false;
    ssize_t count = recv(request->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
