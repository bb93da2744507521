/* Lists as GeoJSON: the same pages, filters, sorts and scope, each thing that has a place a feature. */
#include "base/number.h"
#include "entity_api.h"

static char *point(struct arena *arena, bool has_place, double longitude, double latitude)
{
    char x[NUMBER_TEXT_SIZE], y[NUMBER_TEXT_SIZE];
    if (!has_place)
        return NULL;
    number_format(x, longitude);
    number_format(y, latitude);
    return arena_printf(arena, "{\"type\":\"Point\",\"coordinates\":[%s,%s]}", x, y);
}

/* What is special to each: geometry and properties. */
typedef void feature_fill(struct arena *arena, const ProtobufCMessage *item, Nwims__V1__Feature *feature,
    Nwims__V1__FeatureProperties *properties);

static void fill_municipality(struct arena *arena, const ProtobufCMessage *item, Nwims__V1__Feature *feature,
    Nwims__V1__FeatureProperties *properties)
{
    const Nwims__V1__Municipality *town = (const Nwims__V1__Municipality *)item;
    feature->id = town->id;
    feature->geometry = town->geometry
                            ? town->geometry
                            : point(arena, town->has_longitude && town->has_latitude, town->longitude, town->latitude);
    properties->code = town->code;
    properties->name = town->name;
    properties->has_population = town->has_population;
    properties->population = town->population;
}

static void fill_zone(struct arena *arena, const ProtobufCMessage *item, Nwims__V1__Feature *feature,
    Nwims__V1__FeatureProperties *properties)
{
    const Nwims__V1__Zone *zone = (const Nwims__V1__Zone *)item;
    (void)arena;
    feature->id = zone->id;
    feature->geometry = zone->geometry;
    properties->code = zone->code;
    properties->name = zone->name;
}

static void fill_sensor(struct arena *arena, const ProtobufCMessage *item, Nwims__V1__Feature *feature,
    Nwims__V1__FeatureProperties *properties)
{
    const Nwims__V1__Sensor *sensor = (const Nwims__V1__Sensor *)item;
    feature->id = sensor->id;
    feature->geometry =
        point(arena, sensor->has_longitude && sensor->has_latitude, sensor->longitude, sensor->latitude);
    properties->code = sensor->code;
    properties->name = sensor->name;
    properties->kind = sensor->kind;
    properties->state = sensor->state;
    properties->unit = sensor->unit;
}

static bool put_features(struct arena *arena, const struct entity_items *items, feature_fill *fill,
    Nwims__V1__FeatureCollection *reply, struct err *err)
{
    static char collection_type[] = "FeatureCollection", feature_type[] = "Feature";
    reply->type = collection_type;
    reply->next_cursor = items->next_cursor;
    reply->features = arena_alloc_array(arena, items->count + 1, sizeof *reply->features);
    for (size_t i = 0; reply->features && i < items->count; i++) {
        Nwims__V1__Feature *feature = (Nwims__V1__Feature *)wire_new(arena, &nwims__v1__feature__descriptor);
        ProtobufCMessage *properties = wire_new(arena, &nwims__v1__feature_properties__descriptor);
        if (!feature || !properties)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        feature->type = feature_type;
        feature->properties = (Nwims__V1__FeatureProperties *)properties;
        fill(arena, items->messages[i], feature, feature->properties);
        if (feature->geometry) /* what has no place is on no map */
            reply->features[reply->n_features++] = feature;
    }
    return reply->features || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool map_entity(struct registry *registry, struct rpc_call *call, const struct entity *entity,
    feature_fill *fill, const void *request, void *reply, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    struct page page;
    struct entity_items items;
    return entity_read_page(call, request, &page, err) &&
           work_begin(&work, registry, call, entity->plural, "read", err) &&
           entity_list_read(&work, entity, request, &page, true, &items, err) &&
           put_features(call->arena, &items, fill, reply, err);
}

bool municipality_map(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return map_entity(context, call, &municipality_entity, fill_municipality, request, reply, err);
}

bool zone_map(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return map_entity(context, call, &zone_entity, fill_zone, request, reply, err);
}

bool sensor_map(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return map_entity(context, call, &sensor_entity, fill_sensor, request, reply, err);
}
