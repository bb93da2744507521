/* The rules of the .proto comments (@required, @min, @length, @in, ...), checked on a message that is filled. */
#pragma once
#include "transcode/check.h"

/* Notes every value that breaks a rule, in nested messages too. */
void field_rules_check(
    struct check *check, const ProtobufCMessage *message, const struct place *parent, bool check_required);
/* One field only, whether required or not. */
void field_rules_check_field(
    struct check *check, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
