/* Many new things of one kind in one statement. */
#pragma once
#include "entity.h"
#include "work.h"

/* Makes them all and fills out_written, empty messages of the entity's type, in the same order; by codes that are not
 * taken and differ from each other. Only for callers whose permission is for the whole tenant. A broken constraint is
 * ERR_CONFLICT or ERR_INPUT of the statement as a whole: which of them it was is for the caller to find out, one by
 * one. */
MUST_CHECK bool entity_create_all(struct work *work, const struct entity *entity, ProtobufCMessage *const *messages,
    size_t count, ProtobufCMessage **out_written, struct err *err);
