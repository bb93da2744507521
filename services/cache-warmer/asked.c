#include "asked.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* An answer is made anew when it has lived half its time: what it takes to ask and to put must fit into the rest. A
 * gateway is heard of at least once in that time while somebody asks it: who is not heard of three times has gone. */
enum { LIVES = 3, LEAST_GAP_US = 200000 };

static size_t find(const struct asked_list *list, int32_t tenant_id, const char *id)
{
    size_t at = 0;
    while (at < list->count && (list->items[at].tenant_id != tenant_id || strcmp(list->items[at].id, id) != 0))
        at++;
    return at;
}

static size_t longest_not_asked(const struct asked_list *list)
{
    size_t oldest = 0;
    for (size_t i = 1; i < list->count; i++)
        if (list->items[i].asked_us < list->items[oldest].asked_us)
            oldest = i;
    return oldest;
}

void asked_note(struct asked_list *list, int32_t tenant_id, const char *id, int64_t now_us)
{
    size_t at = find(list, tenant_id, id);
    if (at == list->count) {
        at = list->count < ASKED_MOST ? list->count++ : longest_not_asked(list);
        list->items[at] = (struct asked_sensor){ .tenant_id = tenant_id };
        snprintf(list->items[at].id, ASKED_ID_SIZE, "%s", id);
        list->items[at].tried_us = now_us; /* the gateway does it */
    } else
        list->items[at].is_asked_again = true;
    list->items[at].asked_us = now_us;
}

void asked_spoil(struct asked_list *list, int32_t tenant_id)
{
    for (size_t i = 0; i < list->count; i++)
        if (tenant_id == 0 || list->items[i].tenant_id == tenant_id)
            list->items[i].fresh_us = 0;
}

static void forget_gone(struct asked_list *list, int64_t keep_ms, int64_t now_us)
{
    for (size_t i = 0; i < list->count;)
        if (now_us - list->items[i].asked_us > LIVES * keep_ms * 1000)
            list->items[i] = list->items[--list->count];
        else
            i++;
}

bool asked_take_due(struct asked_list *list, int64_t keep_ms, int64_t now_us, struct asked_sensor *out_sensor)
{
    struct asked_sensor *best = NULL;
    forget_gone(list, keep_ms, now_us);
    for (size_t i = 0; i < list->count; i++) {
        struct asked_sensor *item = &list->items[i];
        bool is_due = now_us - item->fresh_us >= keep_ms * 1000 / 2 && now_us - item->tried_us >= LEAST_GAP_US;
        if (item->is_asked_again && is_due && (!best || item->asked_us > best->asked_us))
            best = item;
    }
    if (!best)
        return false;
    best->fresh_us = best->tried_us = now_us;
    *out_sensor = *best;
    return true;
}

bool asked_parse_path(char out_id[ASKED_ID_SIZE], const char *path)
{
    static const char before[] = "/sensors/", after[] = "/statistics";
    if (strncmp(path, before, sizeof before - 1) != 0)
        return false;
    const char *id = path + sizeof before - 1, *end = strchr(id, '/');
    return end && end > id && strcmp(end, after) == 0 && text_copy(out_id, ASKED_ID_SIZE, id, (size_t)(end - id));
}
