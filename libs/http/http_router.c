#include "http/http_router.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SEGMENTS = 16 };

struct route {
    const char *method;
    void *what;
    char *names[ROUTE_MOST_PARAMETERS];
    struct route *next;
};

/* What may follow a segment: known texts, and any text at all. */
struct node {
    char *segment;
    size_t length;
    struct node *next;  /* beside this one */
    struct node *texts; /* below it */
    struct node *parameter;
    struct route *routes;
};

struct http_router {
    struct node root;
};

struct http_router *http_router_new(void)
{
    return calloc(1, sizeof(struct http_router));
}

static void free_routes(struct route *route)
{
    while (route) {
        struct route *next = route->next;
        for (size_t i = 0; i < ROUTE_MOST_PARAMETERS; i++)
            free(route->names[i]);
        free(route);
        route = next;
    }
}

static void free_node(struct node *node)
{
    while (node) {
        struct node *next = node->next;
        free_node(node->texts);
        free_node(node->parameter);
        free_routes(node->routes);
        free(node->segment);
        free(node);
        node = next;
    }
}

void http_router_free(struct http_router *router)
{
    if (!router)
        return;
    free_node(router->root.texts);
    free_node(router->root.parameter);
    free_routes(router->root.routes);
    free(router);
}

/* The segment at *path, which moves behind it; false at the end. "/" has none. */
static bool next_segment(const char **path, const char **out_segment, size_t *out_length)
{
    if (**path != '/' || (*path)[1] == '\0')
        return false;
    *out_segment = *path + 1;
    *out_length = strcspn(*out_segment, "/");
    *path = *out_segment + *out_length;
    return true;
}

static struct node *child_for(struct node **list, const char *segment, size_t length)
{
    for (; *list; list = &(*list)->next)
        if ((*list)->length == length && memcmp((*list)->segment, segment, length) == 0)
            return *list;
    struct node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->segment = strndup(segment, length);
    node->length = length;
    if (!node->segment) {
        free(node);
        return NULL;
    }
    return *list = node;
}

static bool is_parameter(const char *segment, size_t length)
{
    return length > 2 && segment[0] == '{' && segment[length - 1] == '}';
}

/* Goes down the tree along pattern, making what is missing, and notes the names of the parameters. */
static bool grow(struct node **node, const char *pattern, struct route *route, struct err *err)
{
    const char *path = pattern, *segment;
    size_t length, names = 0;
    for (int depth = 0; next_segment(&path, &segment, &length); depth++) {
        bool named = is_parameter(segment, length);
        if (depth == MOST_SEGMENTS || length == 0 || (named && names == ROUTE_MOST_PARAMETERS) ||
            (!named && memchr(segment, '{', length)))
            return err_set(err, ERR_BUG, "route %s: segments are texts or {names}, at most %d of these", pattern,
                ROUTE_MOST_PARAMETERS);
        if (named && !(route->names[names++] = strndup(segment + 1, length - 2)))
            return err_set(err, ERR_LIMIT, "no memory for routes");
        *node = child_for(named ? &(*node)->parameter : &(*node)->texts, named ? "{}" : segment, named ? 2 : length);
        if (!*node)
            return err_set(err, ERR_LIMIT, "no memory for routes");
    }
    return strcmp(pattern, "/") == 0 || *path == '\0' || err_set(err, ERR_BUG, "route %s ends with a slash", pattern);
}

bool http_router_add(struct http_router *router, const char *method, const char *pattern, void *what, struct err *err)
{
    if (*pattern != '/')
        return err_set(err, ERR_BUG, "route %s does not begin with a slash", pattern);
    struct node *node = &router->root;
    struct route *route = calloc(1, sizeof *route);
    if (!route)
        return err_set(err, ERR_LIMIT, "no memory for routes");
    route->method = method;
    route->what = what;
    bool ok = grow(&node, pattern, route, err);
    struct route **end = &node->routes;
    for (; ok && *end; end = &(*end)->next)
        if (strcmp((*end)->method, method) == 0)
            ok = err_set(err, ERR_BUG, "route %s %s is there already", method, pattern);
    if (ok)
        *end = route;
    else
        free_routes(route);
    return ok;
}

struct search {
    const char *method;
    struct http_match *match;
    const char *values[ROUTE_MOST_PARAMETERS];
    size_t lengths[ROUTE_MOST_PARAMETERS];
    size_t count;
};

static void allow(struct http_match *match, const struct route *routes)
{
    for (; routes; routes = routes->next) {
        size_t used = strlen(match->allowed);
        if (!strstr(match->allowed, routes->method))
            snprintf(match->allowed + used, sizeof match->allowed - used, "%s%s", used ? ", " : "", routes->method);
    }
}

static const struct route *route_of(const struct route *routes, const char *method)
{
    for (; routes; routes = routes->next)
        if (strcmp(routes->method, method) == 0)
            return routes;
    return NULL;
}

/* HEAD is answered where GET is (RFC 9110, 9.3.2). */
static bool take(struct search *search, const struct node *node)
{
    const struct route *route = route_of(node->routes, search->method);
    if (!route && strcmp(search->method, "HEAD") == 0)
        route = route_of(node->routes, "GET");
    if (!route) {
        allow(search->match, node->routes);
        return false;
    }
    struct http_match *match = search->match;
    match->route = route->what;
    match->parameter_count = search->count;
    match->allowed[0] = '\0';
    for (size_t i = 0; i < search->count; i++) {
        match->parameters[i].name = route->names[i];
        if (!text_copy(
                match->parameters[i].value, sizeof match->parameters[i].value, search->values[i], search->lengths[i]))
            return false;
    }
    return true;
}

/* A text goes before a parameter; if it leads nowhere, the parameter is tried. As deep as the longest pattern. */
static bool descend(struct search *search, const struct node *node, const char *path)
{
    const char *segment;
    size_t length;
    if (*path == '\0' || (node->segment == NULL && strcmp(path, "/") == 0))
        return take(search, node);
    if (!next_segment(&path, &segment, &length) || length == 0)
        return false;
    for (const struct node *child = node->texts; child; child = child->next)
        if (child->length == length && memcmp(child->segment, segment, length) == 0) {
            if (descend(search, child, path))
                return true;
            break;
        }
    if (!node->parameter || length >= ROUTE_PARAMETER_SIZE)
        return false;
    search->values[search->count] = segment;
    search->lengths[search->count++] = length;
    if (descend(search, node->parameter, path))
        return true;
    search->count--;
    return false;
}

bool http_router_find(
    const struct http_router *router, const char *method, const char *path, struct http_match *out_match)
{
    struct search search = { .method = method, .match = out_match };
    out_match->route = NULL;
    out_match->parameter_count = 0;
    out_match->allowed[0] = '\0';
    return *path == '/' && descend(&search, &router->root, path);
}
