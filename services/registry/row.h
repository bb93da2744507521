/* One row into a message and one message into parameters, by column and field of the same name. */
#pragma once
#include "entity.h"
#include "store/store.h"

/* Reads one row; columns by their place in the SELECT. */
struct row {
    const struct store_result *rows;
    size_t number;
    struct arena *arena;
    bool is_cut; /* the arena was full */
};
char *row_text(struct row *row, size_t column); /* NULL for SQL NULL */
/* For fields with a has_: false for SQL NULL. */
bool row_int(const struct row *row, size_t column, int64_t *out_value);
bool row_double(const struct row *row, size_t column, double *out_value);
bool row_time(const struct row *row, size_t column, int64_t *out_us);

/* Fills an empty message with a row that has all the entity's columns in order. ERR_LIMIT without memory. */
MUST_CHECK bool row_fill(struct row *row, const struct entity *entity, ProtobufCMessage *message, struct err *err);
/* The value of a field as a parameter that borrows from the message; NULL if it is absent. */
struct store_param row_param(const ProtobufCMessage *message, const char *field);
/* Whether the request says something about this field: a value, or that it is to be cleared. */
bool row_is_given(const ProtobufCMessage *message, const char *field);
