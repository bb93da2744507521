/* Fills messages: from a JSON object, or field by field from the parameters of a URL. */
#include "transcode/field_convert.h"
#include "transcode/field_rules.h"
#include "transcode/geojson.h"
#include "transcode/geojson_tree.h"
#include "transcode/json_object.h"
#include "transcode/json_tree.h"
#include "transcode/manual.h"
#include <string.h>

static void read_object(
    struct check *check, ProtobufCMessage *message, const struct cJSON *object, const struct place *parent);

static ProtobufCMessage *read_nested(
    struct check *check, const ProtobufCFieldDescriptor *field, const struct cJSON *item, const struct place *place)
{
    ProtobufCMessage *message = wire_new(check->arena, field->descriptor);
    if (message)
        read_object(check, message, item, place);
    else
        check->is_out_of_memory = true;
    return message;
}

/* False if the item was no value for the field, which is noted. */
static bool read_value(struct check *check, const ProtobufCFieldDescriptor *field, const struct cJSON *item,
    const struct place *place, union field_value *out_value)
{
    const char *reason = NULL;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && cJSON_IsObject(item))
        out_value->message = read_nested(check, field, item, place);
    else if (cJSON_IsString(item) && field_is_text_in_json(field))
        reason = field_convert_text(field, item->valuestring, check, out_value);
    else if (cJSON_IsNumber(item))
        reason = field_convert_number(field, item->valuedouble, out_value);
    else if (cJSON_IsBool(item) && field->type == PROTOBUF_C_TYPE_BOOL)
        out_value->boolean = cJSON_IsTrue(item);
    else
        reason = field_wanted(field);
    if (reason)
        check_violation(check, place, "%s", reason);
    return !reason && !check->is_out_of_memory;
}

/* Stands for an item that was wrong, so that those after it keep their index in what is said of them. */
static union field_value placeholder(struct check *check, const ProtobufCFieldDescriptor *field)
{
    static char empty[] = "";
    union field_value value = { 0 };
    if (field->type == PROTOBUF_C_TYPE_STRING)
        value.text = empty;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        value.message = wire_new(check->arena, field->descriptor);
        check->is_out_of_memory = check->is_out_of_memory || !value.message;
    }
    return value;
}

static void read_list(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct cJSON *list, struct place *place)
{
    size_t count = (size_t)cJSON_GetArraySize(list);
    if (count == 0)
        return;
    if (!field_reserve(message, field, count, check->arena)) {
        check->is_out_of_memory = true;
        return;
    }
    place->has_index = true;
    for (const struct cJSON *item = list->child; item; item = item->next, place->index++) {
        union field_value value = { 0 };
        if (!read_value(check, field, item, place, &value))
            value = placeholder(check, field);
        if (check->is_out_of_memory)
            return;
        field_append(message, field, &value);
    }
}

/* Kept as text, in the shortest form. */
static void keep_text(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct cJSON *item, size_t most_bytes, const struct place *place)
{
    union field_value value = { 0 };
    char *text = cJSON_PrintUnformatted(item);
    if (text && strlen(text) > most_bytes)
        check_violation(check, place, "is larger than %zu KiB", most_bytes / 1024);
    else if (text && (value.text = arena_text(check->arena, text)))
        field_put(message, field, &value);
    else
        check->is_out_of_memory = true;
    cJSON_free(text);
}

static void read_geometry(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const char *types, const struct cJSON *item, const struct place *place)
{
    const char *fault = geojson_fault(item, types);
    if (fault)
        check_violation(check, place, "%s", fault);
    else
        keep_text(check, message, field, item, GEOJSON_LARGEST_BYTES, place);
}

static void read_free_object(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct cJSON *item, const struct place *place)
{
    if (cJSON_IsObject(item))
        keep_text(check, message, field, item, JSON_OBJECT_LARGEST_BYTES, place);
    else
        check_violation(check, place, "an object is wanted");
}

/* Merge patch: null removes what is there. Whoever keeps the thing learns of it through the list called clear. */
static void note_cleared(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCFieldDescriptor *list =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "clear");
    union field_value name = { .text = (char *)(uintptr_t)field->name };
    if (!list || !field_is_repeated(list) || list->type != PROTOBUF_C_TYPE_STRING)
        return;
    if (field_reserve(message, list, 1, check->arena))
        field_append(message, list, &name);
    else
        check->is_out_of_memory = true;
}

static void read_field(struct check *check, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct field_manual *rules, const struct cJSON *item, struct place *place)
{
    union field_value value = { 0 };
    if (cJSON_IsNull(item))
        note_cleared(check, message, field);
    if (cJSON_IsNull(item))
        return;
    if (rules && rules->format && strcmp(rules->format, "geojson") == 0)
        read_geometry(check, message, field, rules->in, item, place);
    else if (rules && rules->format && strcmp(rules->format, "json") == 0)
        read_free_object(check, message, field, item, place);
    else if (field_is_repeated(field) != (bool)cJSON_IsArray(item))
        check_violation(check, place, "%s", field_is_repeated(field) ? "a list is wanted" : field_wanted(field));
    else if (field_is_repeated(field))
        read_list(check, message, field, item, place);
    else if (read_value(check, field, item, place, &value))
        field_put(message, field, &value);
}

/* Set by the path, which wins over the body. */
static bool is_settled(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    bool can_be_absent = field->label == PROTOBUF_C_LABEL_OPTIONAL || field_is_repeated(field);
    return can_be_absent && field_count(message, field) > 0;
}

static void read_object(
    struct check *check, ProtobufCMessage *message, const struct cJSON *object, const struct place *parent)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const struct message_manual *manual = message_manual_find(type->name);
    bool *is_seen = arena_alloc_array(check->arena, type->n_fields + 1, sizeof *is_seen);
    if (!is_seen) {
        check->is_out_of_memory = true;
        return;
    }
    for (const struct cJSON *item = object->child; item && !check->is_out_of_memory; item = item->next) {
        struct place place = { .parent = parent, .field = item->string };
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, item->string);
        const struct field_manual *rules = field_manual_find(manual, item->string);
        if (!field || (rules && rules->internal)) {
            check_violation(check, &place, "there is no such field");
            continue;
        }
        if (is_seen[field - type->fields])
            check_violation(check, &place, "is there twice");
        else if (!(rules && rules->readonly) && !is_settled(message, field))
            read_field(check, message, field, rules, item, &place);
        is_seen[field - type->fields] = true;
    }
}

bool transcode_from_json(ProtobufCMessage *message, struct arena *arena, const char *json, size_t size,
    bool check_required, struct transcode_violations *violations, struct err *err)
{
    struct check check = { .arena = arena, .violations = violations };
    AUTO(cJSON) tree = NULL;
    if (!json_tree_parse(&tree, json, size, err))
        return false;
    if (!cJSON_IsObject(tree))
        return err_set(err, ERR_INPUT, "a JSON object is wanted");
    read_object(&check, message, tree, NULL);
    if (!check.is_out_of_memory)
        field_rules_check(&check, message, NULL, check_required);
    return check_result(&check, err);
}

bool transcode_set_field(ProtobufCMessage *message, struct arena *arena, const char *field_name, const char *value_text,
    struct transcode_violations *violations, struct err *err)
{
    struct check check = { .arena = arena, .violations = violations };
    struct place place = { .field = field_name };
    union field_value value = { 0 };
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field_name);
    const struct field_manual *rules = field_manual_find(message_manual_find(message->descriptor->name), field_name);
    if (!field || (rules && rules->internal))
        return err_set(err, ERR_NOT_FOUND, "%s has no field '%.64s'", message->descriptor->short_name, field_name);
    const char *reason = field_convert_text(field, value_text, &check, &value);
    if (reason) {
        check_violation(&check, &place, "%s", reason);
    } else if (!check.is_out_of_memory && !field_is_repeated(field)) {
        field_put(message, field, &value);
    } else if (!check.is_out_of_memory) {
        check.is_out_of_memory = !field_reserve(message, field, 1, arena);
        if (!check.is_out_of_memory)
            field_append(message, field, &value);
    }
    if (!check.is_out_of_memory && !reason)
        field_rules_check_field(&check, message, field);
    return check_result(&check, err);
}

/* Only a change can be asked to remove what is there. */
static void check_cleared(struct check *check, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const ProtobufCFieldDescriptor *list = protobuf_c_message_descriptor_get_field_by_name(type, "clear");
    bool is_list = list && field_is_repeated(list) && list->type == PROTOBUF_C_TYPE_STRING;
    for (size_t i = 0; is_list && i < field_count(message, list); i++) {
        const char *name = field_get(message, list, i).text;
        const struct field_manual *rules = field_manual_find(message_manual_find(type->name), name);
        struct place place = { .field = name };
        if (rules && (rules->required || rules->kept))
            check_violation(check, &place, "cannot be null");
    }
}

bool transcode_check(const ProtobufCMessage *message, bool check_required, struct transcode_violations *violations,
    struct arena *arena, struct err *err)
{
    struct check check = { .arena = arena, .violations = violations };
    field_rules_check(&check, message, NULL, check_required);
    if (!check_required)
        check_cleared(&check, message);
    return check_result(&check, err);
}
