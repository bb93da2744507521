/* Finds the route of a path: a tree by segments, {name} matches one segment. Built once, then read by any thread. */
#pragma once
#include "base/err.h"

enum { ROUTE_MOST_PARAMETERS = 4, ROUTE_PARAMETER_SIZE = 129 };
struct http_router;
struct http_match {
    void *route; /* what was added */
    struct {
        const char *name; /* the route's text */
        char value[ROUTE_PARAMETER_SIZE];
    } parameters[ROUTE_MOST_PARAMETERS];
    size_t parameter_count;
    char allowed[80]; /* "GET, POST" when the path is known but not the method */
};
MUST_CHECK struct http_router *http_router_new(void);
void http_router_free(struct http_router *router);
AUTO_DEFINE(http_router, http_router_free)
/* ERR_BUG for a route that is there already. pattern and method are kept. */
MUST_CHECK bool http_router_add(
    struct http_router *router, const char *method, const char *pattern, void *route, struct err *err);
/* True: found. False: not, with allowed filled if only the method is wrong. Segments longer than a parameter may be do
 * not match. */
MUST_CHECK bool http_router_find(
    const struct http_router *router, const char *method, const char *path, struct http_match *out_match);
