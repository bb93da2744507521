/* A pipe network as GeoJSON: nodes by code, then links by code. */
#include "base/number.h"
#include "entity_api.h"
#include "nwims/v1/assets.pb-c.h"
#include <math.h>
#include <string.h>

enum { USUAL_PAGE = 1000, LARGEST_PAGE = 5000 };

/* Where the file's plane lies. On a network's few kilometres a plane through its origin, as wide as the parallel there,
 * differs from the ellipsoid by less than a pipe's place in the file does. */
struct plane {
    bool has_origin;
    double longitude, latitude;
    double metres_a_degree_east, metres_a_degree_north;
};

/* Metres of a degree on the WGS 84 ellipsoid: the first terms of its series (NGA, Length of a degree of latitude and
 * longitude). */
static void place(struct plane *plane, double longitude, double latitude)
{
    double angle = latitude * (3.14159265358979323846 / 180);
    plane->has_origin = true;
    plane->longitude = longitude;
    plane->latitude = latitude;
    plane->metres_a_degree_north = 111132.92 - 559.82 * cos(2 * angle) + 1.175 * cos(4 * angle);
    plane->metres_a_degree_east = 111412.84 * cos(angle) - 93.5 * cos(3 * angle) + 0.118 * cos(5 * angle);
}

static char *position(struct arena *arena, const struct plane *plane, double x, double y)
{
    char first[NUMBER_TEXT_SIZE], second[NUMBER_TEXT_SIZE];
    if (plane->has_origin) {
        x = plane->longitude + x / plane->metres_a_degree_east;
        y = plane->latitude + y / plane->metres_a_degree_north;
    }
    number_format(first, x);
    number_format(second, y);
    return arena_printf(arena, "[%s,%s]", first, second);
}

/* ---- the page ---- */
/* The cursor is where the page before ended: n or l, a point, and the code. */
struct map_page {
    int64_t limit;
    bool is_of_links;
    const char *after; /* "": from the first */
};

static bool read_page(
    struct rpc_call *call, const Nwims__V1__MapNetworkRequest *request, struct map_page *page, struct err *err)
{
    const char *cursor = request->cursor;
    *page = (struct map_page){ .limit = request->has_limit ? request->limit : USUAL_PAGE, .after = "" };
    if (page->limit < 1 || page->limit > LARGEST_PAGE)
        rpc_violation(call, err, "limit", "must be between 1 and %d", LARGEST_PAGE);
    if (request->has_origin_latitude != request->has_origin_longitude)
        rpc_violation(call, err, request->has_origin_latitude ? "origin_longitude" : "origin_latitude",
            "is wanted too: both, or none");
    if (cursor && *cursor) {
        if ((cursor[0] != 'n' && cursor[0] != 'l') || cursor[1] != '.')
            return rpc_violation(call, err, "cursor", "is none of ours: use next_cursor of the page before");
        page->is_of_links = cursor[0] == 'l';
        page->after = cursor + 2;
    }
    return err->kind == ERR_NONE;
}

struct map {
    struct work *work;
    const char *network_id;
    struct plane plane;
    Nwims__V1__NetworkFeatures *reply;
    size_t seen; /* also those without a position */
};

static Nwims__V1__NetworkFeature *add(struct map *map)
{
    static char feature_type[] = "Feature";
    struct arena *arena = map->work->call->arena;
    Nwims__V1__NetworkFeature *feature =
        (Nwims__V1__NetworkFeature *)wire_new(arena, &nwims__v1__network_feature__descriptor);
    ProtobufCMessage *properties = wire_new(arena, &nwims__v1__network_feature_properties__descriptor);
    if (!feature || !properties)
        return NULL;
    feature->type = feature_type;
    feature->properties = (Nwims__V1__NetworkFeatureProperties *)properties;
    return map->reply->features[map->reply->n_features++] = feature;
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory left for the answer");
}

/* code, kind, asset_id, elevation_m, x, y */
static bool put_node(struct map *map, struct row *row, struct err *err)
{
    double x, y;
    if (!row_double(row, 4, &x) || !row_double(row, 5, &y))
        return true;
    Nwims__V1__NetworkFeature *feature = add(map);
    char *at = position(row->arena, &map->plane, x, y);
    if (!feature || !at)
        return out_of_memory(err);
    feature->properties->code = row_text(row, 0);
    feature->properties->kind = row_text(row, 1);
    feature->id = row_text(row, 2);
    feature->properties->has_elevation_m = row_double(row, 3, &feature->properties->elevation_m);
    feature->geometry = arena_printf(row->arena, "{\"type\":\"Point\",\"coordinates\":%s}", at);
    return (feature->geometry && !row->is_cut) || out_of_memory(err);
}

/* code, kind, asset_id, status, from, to, diameter, length, x, y of the one end, x, y of the other */
static bool put_link(struct map *map, struct row *row, struct err *err)
{
    double ends[4];
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (!row_double(row, 8 + i, &ends[i]))
            return true;
    Nwims__V1__NetworkFeature *feature = add(map);
    char *from = position(row->arena, &map->plane, ends[0], ends[1]),
         *to = position(row->arena, &map->plane, ends[2], ends[3]);
    if (!feature || !from || !to)
        return out_of_memory(err);
    Nwims__V1__NetworkFeatureProperties *properties = feature->properties;
    properties->code = row_text(row, 0);
    properties->kind = row_text(row, 1);
    feature->id = row_text(row, 2);
    properties->status = row_text(row, 3);
    properties->from_node = row_text(row, 4);
    properties->to_node = row_text(row, 5);
    properties->has_diameter_mm = row_double(row, 6, &properties->diameter_mm);
    properties->has_length_m = row_double(row, 7, &properties->length_m);
    feature->geometry = arena_printf(row->arena, "{\"type\":\"LineString\",\"coordinates\":[%s,%s]}", from, to);
    return (feature->geometry && !row->is_cut) || out_of_memory(err);
}

static const char nodes_sql[] = "SELECT code, kind, asset_id, elevation_m, x, y FROM network_node WHERE tenant_id = $1 "
                                "AND network_id = $2::uuid AND "
                                "code > $3 ORDER BY code LIMIT $4::int8";
static const char links_sql[] =
    "SELECT l.code, l.kind, l.asset_id, l.status, l.from_node, l.to_node, a.diameter_mm, a.length_m, f.x, f.y, t.x, "
    "t.y "
    "FROM network_link l JOIN network_node f ON f.tenant_id = $1 AND f.network_id = $2::uuid AND f.code = l.from_node "
    "JOIN network_node t ON t.tenant_id = $1 AND t.network_id = $2::uuid AND t.code = l.to_node JOIN asset a ON "
    "a.tenant_id = $1 AND a.id = l.asset_id WHERE l.tenant_id = $1 AND l.network_id = $2::uuid AND l.code > $3 ORDER "
    "BY "
    "l.code LIMIT $4::int8";

/* As many as there is room for; out_cursor: where it ended, NULL if there are no more. */
static bool read_some(
    struct map *map, bool of_links, const char *after, int64_t limit, char **out_cursor, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = map->work->call->arena;
    if (!store_query(map->work->session, &rows, of_links ? links_sql : nodes_sql,
            PARAMS(
                PARAM_INT(map->work->tenant_id), PARAM_TEXT(map->network_id), PARAM_TEXT(after), PARAM_INT(limit + 1)),
            err))
        return false;
    size_t found = store_result_rows(rows), count = found > (size_t)limit ? (size_t)limit : found;
    for (size_t i = 0; i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        if (!(of_links ? put_link : put_node)(map, &row, err))
            return false;
    }
    map->seen += count;
    *out_cursor = NULL;
    if (found <= count)
        return true;
    *out_cursor = count > 0 ? arena_printf(arena, "%c.%s", of_links ? 'l' : 'n', store_result_text(rows, count - 1, 0))
                            : arena_printf(arena, "%c.%s", of_links ? 'l' : 'n', after);
    return *out_cursor || out_of_memory(err);
}

static bool read_all(struct map *map, const struct map_page *page, struct err *err)
{
    if (!page->is_of_links && !read_some(map, false, page->after, page->limit, &map->reply->next_cursor, err))
        return false;
    if (map->reply->next_cursor)
        return true;
    return read_some(map, true, page->is_of_links ? page->after : "", page->limit - (int64_t)map->seen,
        &map->reply->next_cursor, err);
}

bool network_map(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__MapNetworkRequest *request = input;
    Nwims__V1__Network network = NWIMS__V1__NETWORK__INIT;
    struct map_page page;
    static char collection_type[] = "FeatureCollection";
    AUTO_INPLACE(work) work = { 0 };
    struct map map = { .work = &work, .reply = reply };
    if (!read_page(call, request, &page, err) || !work_begin(&work, context, call, "assets", "read", err) ||
        !entity_store_get(&work, &network_entity, request->id, &network, err))
        return false;
    if (request->has_origin_latitude)
        place(&map.plane, request->origin_longitude, request->origin_latitude);
    map.network_id = network.id;
    map.reply->type = collection_type;
    map.reply->features = arena_alloc_array(call->arena, (size_t)page.limit + 1, sizeof(void *));
    return (map.reply->features || out_of_memory(err)) && read_all(&map, &page, err);
}
