#include "network_store.h"
#include "epanet/inp.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 5000, ASSET_CODE_SIZE = 80 };

static const char *const node_kinds[] = { "junction", "reservoir", "tank" };
static const char *const link_kinds[] = { "pipe", "pump", "valve" };
static const char *const formulas[] = { "H-W", "D-W", "C-M" };

/* ---- one chunk as arrays, one a column; NaN stands for NULL ---- */
enum { TEXTS = 6, DOUBLES = 4 };
struct chunk {
    size_t count;
    const char *texts[TEXTS][CHUNK];
    double doubles[DOUBLES][CHUNK];
    const char *assets[CHUNK]; /* the code of the asset, or NULL */
    char names[CHUNK][ASSET_CODE_SIZE];
};
#define TEXT_COLUMN(chunk, i) PARAM_TEXTS((chunk)->texts[i], (chunk)->count)
#define DOUBLE_COLUMN(chunk, i) PARAM_DOUBLES((chunk)->doubles[i], (chunk)->count)

struct import {
    struct work *work;
    const Nwims__V1__ImportOptions *options;
    const struct inp_network *network;
    const char *id; /* of the network */
    struct chunk *chunk;
    struct network_counts *counts;
};

#define KEY(import)                                                                                                    \
    PARAM_INT((import)->work->tenant_id), PARAM_TEXT((import)->id),                                                    \
        PARAM_TEXTS((import)->chunk->assets, (import)->chunk->count)

/* Made here and not in the statement: under row-level security a join goes by the index only if nothing but columns is
 * compared. */
static void name_asset(struct import *import, size_t at, const char *kind, const char *code)
{
    char *name = import->chunk->names[at];
    snprintf(name, ASSET_CODE_SIZE, "%s/%s/%s", import->options->network, kind, code);
    import->chunk->assets[at] = name;
}

/* ---- assets: 0 code, 1 kind, 2 from, 3 to; 0 elevation, 1 diameter, 2 length, 3 roughness ---- */
static const char assets_sql[] =
    "WITH written AS (INSERT INTO asset AS a (tenant_id, id, code, kind, municipality_id, network_id, from_node, "
    "to_node, elevation_m, diameter_mm, length_m, roughness) SELECT $1::int4, gen_random_uuid(), asset, kind, "
    "$4::uuid, $2::uuid, from_node, to_node, NULLIF(elevation, 'NaN'), NULLIF(diameter, 'NaN'), NULLIF(length, 'NaN'), "
    "NULLIF(roughness, 'NaN') FROM unnest($3::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::float8[], "
    "$10::float8[], $11::float8[], $12::float8[]) AS u(asset, code, kind, from_node, to_node, elevation, diameter, "
    "length, roughness) ON CONFLICT (tenant_id, code) DO UPDATE SET kind = EXCLUDED.kind, state = 'active', "
    "municipality_id = coalesce(EXCLUDED.municipality_id, a.municipality_id), network_id = EXCLUDED.network_id, "
    "from_node = EXCLUDED.from_node, to_node = EXCLUDED.to_node, elevation_m = EXCLUDED.elevation_m, diameter_mm = "
    "EXCLUDED.diameter_mm, length_m = EXCLUDED.length_m, roughness = EXCLUDED.roughness, updated_at = now(), version = "
    "a.version + 1 WHERE (a.kind, a.state, a.network_id, a.from_node, a.to_node, a.elevation_m, a.diameter_mm, "
    "a.length_m, a.roughness, coalesce(EXCLUDED.municipality_id, a.municipality_id)) IS DISTINCT FROM (EXCLUDED.kind, "
    "'active', EXCLUDED.network_id, EXCLUDED.from_node, EXCLUDED.to_node, EXCLUDED.elevation_m, EXCLUDED.diameter_mm, "
    "EXCLUDED.length_m, EXCLUDED.roughness, a.municipality_id) RETURNING xmax = 0 AS is_new) SELECT count(*) FILTER "
    "(WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written";

static bool write_assets(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    AUTO(store_result) rows = NULL;
    if (chunk->count == 0)
        return true;
    if (!store_query(import->work->session, &rows, assets_sql,
            PARAMS(KEY(import), PARAM_TEXT(import->options->municipality_id), TEXT_COLUMN(chunk, 0),
                TEXT_COLUMN(chunk, 1), TEXT_COLUMN(chunk, 2), TEXT_COLUMN(chunk, 3), DOUBLE_COLUMN(chunk, 0),
                DOUBLE_COLUMN(chunk, 1), DOUBLE_COLUMN(chunk, 2), DOUBLE_COLUMN(chunk, 3)),
            err))
        return err_wrap(err, "assets of the network");
    import->counts->created += store_result_int(rows, 0, 0);
    import->counts->updated += store_result_int(rows, 0, 1);
    chunk->count = 0;
    return true;
}

static double or_none(double value)
{
    return value > 0 ? value : NAN;
}

static bool write_node_assets(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    for (size_t i = 0; i < import->network->node_count; i++) {
        const struct inp_node *node = &import->network->nodes[i];
        if (node->kind == INP_JUNCTION)
            continue;
        size_t at = chunk->count++;
        chunk->texts[0][at] = node->code;
        name_asset(import, at, node_kinds[node->kind], node->code);
        chunk->texts[1][at] = node_kinds[node->kind];
        chunk->texts[2][at] = chunk->texts[3][at] = NULL;
        chunk->doubles[0][at] = node->elevation_m;
        chunk->doubles[1][at] = or_none(node->tank_diameter_m * 1000);
        chunk->doubles[2][at] = chunk->doubles[3][at] = NAN;
        if (chunk->count == CHUNK && !write_assets(import, err))
            return false;
    }
    return write_assets(import, err);
}

static bool write_link_assets(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    for (size_t i = 0; i < import->network->link_count; i++) {
        const struct inp_link *link = &import->network->links[i];
        size_t at = chunk->count++;
        chunk->texts[0][at] = link->code;
        name_asset(import, at, link_kinds[link->kind], link->code);
        chunk->texts[1][at] = link_kinds[link->kind];
        chunk->texts[2][at] = link->from_code;
        chunk->texts[3][at] = link->to_code;
        chunk->doubles[0][at] = NAN;
        chunk->doubles[1][at] = or_none(link->diameter_mm);
        chunk->doubles[2][at] = or_none(link->length_m);
        chunk->doubles[3][at] = or_none(link->roughness);
        if (chunk->count == CHUNK && !write_assets(import, err))
            return false;
    }
    return write_assets(import, err);
}

/* ---- nodes ---- */
static bool flush_nodes(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    bool ok = store_run(import->work->session,
        "INSERT INTO network_node (tenant_id, network_id, code, kind, elevation_m, base_demand_m3h, x, y, tag, "
        "asset_id) SELECT $1::int4, $2::uuid, u.code, u.kind, elevation, demand, NULLIF(x, 'NaN'), NULLIF(y, 'NaN'), "
        "tag, a.id FROM unnest($4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::float8[], "
        "$10::float8[], $3::text[]) AS u(code, kind, tag, elevation, demand, x, y, asset) LEFT JOIN asset a ON "
        "a.tenant_id = $1 AND "
        "a.code = u.asset",
        PARAMS(KEY(import), TEXT_COLUMN(chunk, 0), TEXT_COLUMN(chunk, 1), TEXT_COLUMN(chunk, 2),
            DOUBLE_COLUMN(chunk, 0), DOUBLE_COLUMN(chunk, 1), DOUBLE_COLUMN(chunk, 2), DOUBLE_COLUMN(chunk, 3)),
        NULL, err);
    chunk->count = 0;
    return ok || err_wrap(err, "nodes of the network");
}

static bool write_nodes(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    for (size_t i = 0; i < import->network->node_count; i++) {
        const struct inp_node *node = &import->network->nodes[i];
        size_t at = chunk->count++;
        chunk->texts[0][at] = node->code;
        chunk->texts[1][at] = node_kinds[node->kind];
        chunk->texts[2][at] = node->tag;
        chunk->assets[at] = NULL;
        if (node->kind != INP_JUNCTION)
            name_asset(import, at, node_kinds[node->kind], node->code);
        chunk->doubles[0][at] = node->elevation_m;
        chunk->doubles[1][at] = node->base_demand_m3h;
        chunk->doubles[2][at] = node->has_position ? node->x : NAN;
        chunk->doubles[3][at] = node->has_position ? node->y : NAN;
        if (chunk->count == CHUNK && !flush_nodes(import, err))
            return false;
    }
    return chunk->count == 0 || flush_nodes(import, err);
}

/* ---- links ---- */
static bool flush_links(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    bool ok = store_run(import->work->session,
        "INSERT INTO network_link (tenant_id, network_id, code, kind, from_node, to_node, status, tag, minor_loss, "
        "setting, asset_id) SELECT $1::int4, $2::uuid, u.code, u.kind, u.from_node, u.to_node, status, tag, loss, "
        "NULLIF(setting, 'NaN'), a.id FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], "
        "$9::text[], $10::float8[], $11::float8[], $3::text[]) AS u(code, kind, from_node, to_node, status, tag, loss, "
        "setting, asset) "
        "JOIN asset a ON a.tenant_id = $1 AND a.code = u.asset",
        PARAMS(KEY(import), TEXT_COLUMN(chunk, 0), TEXT_COLUMN(chunk, 1), TEXT_COLUMN(chunk, 2), TEXT_COLUMN(chunk, 3),
            TEXT_COLUMN(chunk, 4), TEXT_COLUMN(chunk, 5), DOUBLE_COLUMN(chunk, 0), DOUBLE_COLUMN(chunk, 1)),
        NULL, err);
    chunk->count = 0;
    return ok || err_wrap(err, "links of the network");
}

static bool write_links(struct import *import, struct err *err)
{
    struct chunk *chunk = import->chunk;
    for (size_t i = 0; i < import->network->link_count; i++) {
        const struct inp_link *link = &import->network->links[i];
        size_t at = chunk->count++;
        chunk->texts[0][at] = link->code;
        name_asset(import, at, link_kinds[link->kind], link->code);
        chunk->texts[1][at] = link_kinds[link->kind];
        chunk->texts[2][at] = link->from_code;
        chunk->texts[3][at] = link->to_code;
        chunk->texts[4][at] = link->status ? link->status : "active";
        chunk->texts[5][at] = link->tag;
        chunk->doubles[0][at] = link->minor_loss;
        chunk->doubles[1][at] = link->kind == INP_PIPE ? NAN : link->setting;
        if (chunk->count == CHUNK && !flush_links(import, err))
            return false;
    }
    return chunk->count == 0 || flush_links(import, err);
}

/* ---- the whole ---- */
static bool write_network(struct import *import, struct store_result **out_rows, struct err *err)
{
    const struct inp_network *network = import->network;
    const char *name = import->options->name ? import->options->name : network->title;
    if (store_query(import->work->session, out_rows,
            "INSERT INTO network AS n (tenant_id, id, code, name, flow_unit, headloss, municipality_id, junctions, "
            "reservoirs, tanks, pipes, pumps, valves) VALUES ($1, gen_random_uuid(), $2, NULLIF(left($3, 200), ''), "
            "$4, "
            "$5, $6::uuid, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant_id, code) DO UPDATE SET name = "
            "coalesce(EXCLUDED.name, n.name), flow_unit = EXCLUDED.flow_unit, headloss = EXCLUDED.headloss, "
            "municipality_id = coalesce(EXCLUDED.municipality_id, n.municipality_id), junctions = EXCLUDED.junctions, "
            "reservoirs = EXCLUDED.reservoirs, tanks = EXCLUDED.tanks, pipes = EXCLUDED.pipes, pumps = EXCLUDED.pumps, "
            "valves = EXCLUDED.valves, updated_at = now(), version = n.version + 1 RETURNING id, xmax = 0",
            PARAMS(PARAM_INT(import->work->tenant_id), PARAM_TEXT(import->options->network), PARAM_TEXT(name),
                PARAM_TEXT(network->flow_unit), PARAM_TEXT(formulas[network->headloss]),
                PARAM_TEXT(import->options->municipality_id), PARAM_INT((int64_t)network->junctions),
                PARAM_INT((int64_t)network->reservoirs), PARAM_INT((int64_t)network->tanks),
                PARAM_INT((int64_t)network->pipes), PARAM_INT((int64_t)network->pumps),
                PARAM_INT((int64_t)network->valves)),
            err))
        return true;
    return err->kind == ERR_CONFLICT
               ? rpc_violation(import->work->call, err, "municipality_id", "there is no such municipality")
               : err_wrap(err, "the network");
}

/* What was there goes first; the links are told by name because each node would look for its own. */
static bool clear(struct import *import, struct err *err)
{
    const struct store_param key[] = { PARAM_INT(import->work->tenant_id), PARAM_TEXT(import->id) };
    return store_run(import->work->session, "DELETE FROM network_link WHERE tenant_id = $1 AND network_id = $2::uuid",
               key, COUNT_OF(key), NULL, err) &&
           store_run(import->work->session, "DELETE FROM network_node WHERE tenant_id = $1 AND network_id = $2::uuid",
               key, COUNT_OF(key), NULL, err);
}

static bool retire(struct import *import, struct err *err)
{
    return store_run(import->work->session,
        "UPDATE asset a SET state = 'retired', updated_at = now(), version = version + 1 WHERE a.tenant_id = $1 AND "
        "a.network_id = $2::uuid AND a.state = 'active' AND NOT EXISTS (SELECT FROM network_link l WHERE l.tenant_id = "
        "$1 AND l.asset_id = a.id) AND NOT EXISTS (SELECT FROM network_node n WHERE n.tenant_id = $1 AND n.asset_id = "
        "a.id)",
        PARAMS(PARAM_INT(import->work->tenant_id), PARAM_TEXT(import->id)), &import->counts->retired, err);
}

bool network_store_import(struct work *work, const Nwims__V1__ImportOptions *options, const struct inp_network *network,
    struct network_counts *out_counts, struct err *err)
{
    AUTO(store_result) rows = NULL;
    AUTO_INPLACE(arena) room;
    struct network_counts counts = { 0 };
    struct import import = { .work = work, .options = options, .network = network, .counts = &counts };
    arena_init(&room, sizeof *import.chunk + 1024);
    import.chunk = arena_alloc(&room, sizeof *import.chunk);
    if (!import.chunk)
        return err_set(err, ERR_LIMIT, "no memory for the import");
    /* A plan kept from a small network, or one made on statistics from before this import, compares each asset with
     * each link: minutes for what takes a second by hashing. The limit of a statement is for the many small ones: five
     * thousand rows may take longer where the disk is busy. */
    if (!store_script(work->session, "SET LOCAL enable_nestloop = off; SET LOCAL statement_timeout = '2min'", err))
        return false;
    if (!write_network(&import, &rows, err))
        return false;
    import.id = store_result_text(rows, 0, 0);
    counts.is_new = store_result_bool(rows, 0, 1);
    if (!clear(&import, err) || !write_node_assets(&import, err) || !write_link_assets(&import, err) ||
        !write_nodes(&import, err) || !write_links(&import, err) || !retire(&import, err))
        return false;
    *out_counts = counts;
    return true;
}
