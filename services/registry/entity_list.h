/* Lists: a page in the order that was asked for, of what the filters leave and the caller may see. Each sort and each
 * filter has its index; how many there are in all is never counted. */
#pragma once
#include "entity_store.h"
#include "page.h"

struct entity_items {
    size_t count;
    ProtobufCMessage **messages; /* of the entity's type */
    char *next_cursor;           /* NULL: there are no more */
};
/* request: the entity's List...Request; page was read from it. A page ends early when its items become too large for
 * one message of the bus. */
MUST_CHECK bool entity_list_read(struct work *work, const struct entity *entity, const ProtobufCMessage *request,
    const struct page *page, bool with_large, struct entity_items *out_items, struct err *err);
/* Appends " AND <condition>" for each of the entity's filters that the request has, and for its code_prefix. */
void entity_put_filters(struct sql *sql, const struct entity *entity, const ProtobufCMessage *request);
