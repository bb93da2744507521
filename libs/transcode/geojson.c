#include "transcode/geojson.h"
#include "transcode/geojson_tree.h"
#include <string.h>

static bool is_allowed(const char *types, const char *type)
{
    size_t length = strlen(type);
    for (const char *at = types; *at;) {
        size_t word = strcspn(at, "|");
        if (word == length && memcmp(at, type, length) == 0)
            return true;
        at += word + (at[word] == '|');
    }
    return false;
}

/* Longitude, latitude and perhaps the height. */
static const char *position_fault(const struct cJSON *position, size_t *positions)
{
    size_t count = 0;
    double values[2] = { 0, 0 };
    if (!cJSON_IsArray(position))
        return "a position is a list: [longitude, latitude]";
    for (const struct cJSON *item = position->child; item; item = item->next, count++) {
        if (!cJSON_IsNumber(item))
            return "a position is made of numbers";
        if (count < 2)
            values[count] = item->valuedouble;
    }
    if (count < 2 || count > 3)
        return "a position has two or three numbers: [longitude, latitude]";
    if (values[0] < -180 || values[0] > 180 || values[1] < -90 || values[1] > 90)
        return "a position is out of range: longitude (-180 to 180) comes first, then latitude (-90 to 90)";
    return ++*positions > GEOJSON_MOST_POSITIONS ? "there are more than 10000 positions: simplify the outline" : NULL;
}

/* A linear ring: at least four positions, and the last is the first (RFC 7946, 3.1.6). */
static const char *ring_fault(const struct cJSON *ring, size_t *positions)
{
    size_t count = 0;
    const struct cJSON *last = NULL;
    if (!cJSON_IsArray(ring))
        return "a ring is a list of positions";
    for (const struct cJSON *item = ring->child; item; item = item->next, count++) {
        const char *fault = position_fault(item, positions);
        if (fault)
            return fault;
        last = item;
    }
    if (count < 4)
        return "a ring has at least four positions, the last the same as the first";
    const struct cJSON *a = ring->child->child, *b = last->child;
    bool is_closed = a->valuedouble == b->valuedouble && a->next->valuedouble == b->next->valuedouble;
    return is_closed ? NULL : "a ring ends where it began";
}

static const char *polygon_fault(const struct cJSON *polygon, size_t *positions)
{
    if (!cJSON_IsArray(polygon) || !polygon->child)
        return "a polygon is a list of rings, the outer one first";
    const char *fault = NULL;
    for (const struct cJSON *ring = polygon->child; ring && !fault; ring = ring->next)
        fault = ring_fault(ring, positions);
    return fault;
}

static const char *multi_polygon_fault(const struct cJSON *polygons, size_t *positions)
{
    if (!cJSON_IsArray(polygons) || !polygons->child)
        return "a MultiPolygon is a list of polygons";
    const char *fault = NULL;
    for (const struct cJSON *polygon = polygons->child; polygon && !fault; polygon = polygon->next)
        fault = polygon_fault(polygon, positions);
    return fault;
}

const char *geojson_fault(const struct cJSON *geometry, const char *types)
{
    const struct cJSON *type = NULL, *coordinates = NULL;
    size_t positions = 0, members = 0;
    if (!cJSON_IsObject(geometry))
        return "a GeoJSON geometry is wanted: {\"type\": ..., \"coordinates\": [...]}";
    for (const struct cJSON *item = geometry->child; item; item = item->next, members++) {
        if (strcmp(item->string, "type") == 0)
            type = item;
        else if (strcmp(item->string, "coordinates") == 0)
            coordinates = item;
    }
    if (!type || !coordinates || members != 2 || !cJSON_IsString(type))
        return "a GeoJSON geometry has the members type and coordinates, once each, and no other";
    if (!is_allowed(types ? types : "Point|Polygon|MultiPolygon", type->valuestring))
        return "this type of geometry is not taken here";
    if (strcmp(type->valuestring, "Point") == 0)
        return position_fault(coordinates, &positions);
    return strcmp(type->valuestring, "Polygon") == 0 ? polygon_fault(coordinates, &positions)
                                                     : multi_polygon_fault(coordinates, &positions);
}

bool geojson_check(const char *text, const char *types, struct err *err)
{
    AUTO(cJSON) tree = NULL;
    size_t size = strnlen(text, GEOJSON_LARGEST_BYTES + 1);
    if (size > GEOJSON_LARGEST_BYTES)
        return err_set(err, ERR_INPUT, "is larger than 128 KiB: simplify the outline");
    if (!json_tree_parse(&tree, text, size, err))
        return false;
    const char *fault = geojson_fault(tree, types);
    return !fault || err_set(err, ERR_INPUT, "%s", fault);
}
