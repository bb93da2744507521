/* The rules of single fields, told as violations of the call. Each puts what it finds into err and goes on, so that a
 * caller hears of everything at once: look at err->kind after the last. Does no I/O. */
#pragma once
#include "rpc/rpc.h"

/* Letters, digits and - _ . : / */
void field_code(struct rpc_call *call, struct err *err, const char *code, bool is_required);
/* 1 to 200 bytes. */
void field_name(struct rpc_call *call, struct err *err, const char *name, bool is_required);
/* 1 to most bytes, if it is there. */
void field_text(struct rpc_call *call, struct err *err, const char *field, const char *text, size_t most);
/* choices: "a|b|c". */
void field_choice(
    struct rpc_call *call, struct err *err, const char *field, const char *text, const char *choices, bool is_required);
/* A UUID. */
void field_reference(struct rpc_call *call, struct err *err, const char *field, const char *id, bool is_required);
void field_number(
    struct rpc_call *call, struct err *err, const char *field, bool is_there, double value, double min, double max);
/* latitude and longitude (WGS 84, degrees) and elevation_m, as far as the message has them. */
void field_position(struct rpc_call *call, struct err *err, const ProtobufCMessage *message);
/* The field geometry: GeoJSON of one of the types, if it is there. */
void field_geometry(struct rpc_call *call, struct err *err, const char *geometry, const char *types);
