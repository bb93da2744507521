/* Finds fields in the manual of the messages; the rest of it is in transcode.h. */
#pragma once
#include "transcode/transcode.h"

/* NULL if the message (may be NULL) has no such field. */
const struct field_manual *field_manual_find(const struct message_manual *message, const char *field);
