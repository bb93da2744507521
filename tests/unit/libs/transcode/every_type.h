/* A message with the field types that no .proto of ours has yet, laid out as protoc-c would: what may be added tomorrow
 * must work. */
#pragma once
#include "wire/wire.h"

struct every_type {
    ProtobufCMessage base;
    protobuf_c_boolean has_flag, flag;
    protobuf_c_boolean has_large;
    uint64_t large;
    protobuf_c_boolean has_small;
    float small;
    protobuf_c_boolean has_state;
    int state;
    size_t n_smalls;
    float *smalls;
    size_t n_flags;
    protobuf_c_boolean *flags;
};

static const ProtobufCEnumValue every_state_values[] = { { "OFF", "STATE__OFF", 0 }, { "ON", "STATE__ON", 1 } };
static const ProtobufCIntRange every_state_ranges[] = { { 0, 0 }, { 0, 2 } };
static const ProtobufCEnumValueIndex every_state_names[] = { { "OFF", 0 }, { "ON", 1 } };
static const ProtobufCEnumDescriptor every_state = { PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC, "test.State", "State", "State",
    "test", 2, every_state_values, 2, every_state_names, 1, every_state_ranges, NULL, NULL, NULL, NULL };

#define EVERY_FIELD(name_, id_, label_, type_, quantifier_, descriptor_)                                               \
    {                                                                                                                  \
        .name = #name_, .id = id_, .label = PROTOBUF_C_LABEL_##label_, .type = PROTOBUF_C_TYPE_##type_,                \
        .quantifier_offset = offsetof(struct every_type, quantifier_), .offset = offsetof(struct every_type, name_),   \
        .descriptor = descriptor_                                                                                      \
    }
static const ProtobufCFieldDescriptor every_fields[] = {
    EVERY_FIELD(flag, 1, OPTIONAL, BOOL, has_flag, NULL),
    EVERY_FIELD(large, 2, OPTIONAL, UINT64, has_large, NULL),
    EVERY_FIELD(small, 3, OPTIONAL, FLOAT, has_small, NULL),
    EVERY_FIELD(state, 4, OPTIONAL, ENUM, has_state, &every_state),
    EVERY_FIELD(smalls, 5, REPEATED, FLOAT, n_smalls, NULL),
    EVERY_FIELD(flags, 6, REPEATED, BOOL, n_flags, NULL),
};
static const unsigned every_names[] = { 0, 5, 1, 2, 4, 3 };
static const ProtobufCIntRange every_ranges[] = { { 1, 0 }, { 0, 6 } };
static void every_type_init(ProtobufCMessage *message);
static const ProtobufCMessageDescriptor every_type_descriptor = { .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
    .name = "test.EveryType",
    .short_name = "EveryType",
    .c_name = "EveryType",
    .package_name = "test",
    .sizeof_message = sizeof(struct every_type),
    .n_fields = 6,
    .fields = every_fields,
    .fields_sorted_by_name = every_names,
    .n_field_ranges = 1,
    .field_ranges = every_ranges,
    .message_init = every_type_init };

static void every_type_init(ProtobufCMessage *message)
{
    static const struct every_type empty = { .base = PROTOBUF_C_MESSAGE_INIT(&every_type_descriptor) };
    *(struct every_type *)message = empty;
}
