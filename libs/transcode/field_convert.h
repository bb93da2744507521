/* Turns what a caller wrote, text or a JSON number, into the value of a field. */
#pragma once
#include "transcode/check.h"
#include "transcode/field_value.h"

/* Whole numbers up to here are exact in a double; larger ones travel as text. */
#define LARGEST_EXACT_WHOLE 9007199254740991

/* Both give back NULL, or why it cannot be; a full arena is noted in check. Not for messages. */
const char *field_convert_text(
    const ProtobufCFieldDescriptor *field, const char *text, struct check *check, union field_value *out_value);
const char *field_convert_number(const ProtobufCFieldDescriptor *field, double number, union field_value *out_value);
/* True if JSON text is a way to write this field; for others numbers and booleans are. */
bool field_is_text_in_json(const ProtobufCFieldDescriptor *field);
/* What is wanted for the field, when something else came. */
const char *field_wanted(const ProtobufCFieldDescriptor *field);
