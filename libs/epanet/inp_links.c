#include "epanet/inp_internal.h"
#include <string.h>

static const char *const kind_words[] = { "pipe", "pump", "valve" };

static bool add(struct inp_reader *reader, const struct inp_line *line, enum inp_link_kind kind,
    struct inp_link **out_link, struct err *err)
{
    struct inp_network *network = reader->network;
    struct inp_link *link = &network->links[network->link_count];
    const struct inp_link *old = inp_find_link(reader, line, 0);
    if (old)
        return inp_fail(line, err, "there is a link %s already, on line %zu", old->code, old->line);
    *link = (struct inp_link){ .kind = kind, .line = line->number };
    if (!inp_id(reader, line, 0, "the link's id", &link->code, err) ||
        !inp_id(reader, line, 1, "the node it begins at", &link->from_code, err) ||
        !inp_id(reader, line, 2, "the node it ends at", &link->to_code, err))
        return false;
    if (!map_put(reader->links, link->code, strlen(link->code), link, NULL))
        return err_set(err, ERR_LIMIT, "line %zu: the network is too large", line->number);
    network->link_count++;
    *out_link = link;
    return true;
}

static const char *status_of(const struct inp_line *line, size_t index)
{
    static const char *const words[] = { "open", "closed", "cv" };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (inp_token_is(line, index, words[i]))
            return words[i];
    return NULL;
}

bool inp_read_pipe(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_link *pipe = NULL;
    if (!inp_at_least(line, 6, "id node node length diameter roughness [minor-loss [status]]", err) ||
        !add(reader, line, INP_PIPE, &pipe, err) || !inp_number(line, 3, "a length", &pipe->length_m, err) ||
        !inp_number(line, 4, "a diameter", &pipe->diameter_mm, err) ||
        !inp_number(line, 5, "a roughness", &pipe->roughness, err))
        return false;
    if (pipe->length_m <= 0 || pipe->diameter_mm <= 0 || pipe->roughness <= 0)
        return inp_fail(line, err, "pipe %s: length, diameter and roughness must be more than 0", pipe->code);
    /* The status may stand in the place of the minor loss. */
    pipe->status = status_of(line, line->count == 7 ? 6 : 7);
    if (!pipe->status && line->count > 7)
        return inp_fail(line, err, "pipe %s: expected OPEN, CLOSED or CV as its status", pipe->code);
    if ((line->count > 7 || (line->count == 7 && !pipe->status)) &&
        !inp_number(line, 6, "a minor loss", &pipe->minor_loss, err))
        return false;
    if (!pipe->status)
        pipe->status = "open";
    reader->network->pipes++;
    return true;
}

static bool read_pump_word(
    struct inp_reader *reader, const struct inp_line *line, size_t at, struct inp_link *pump, struct err *err)
{
    if (inp_token_is(line, at, "HEAD"))
        return inp_id(reader, line, at + 1, "the id of the head curve", &pump->curve, err);
    if (inp_token_is(line, at, "POWER"))
        return inp_number(line, at + 1, "a power", &pump->power_kw, err);
    if (inp_token_is(line, at, "SPEED"))
        return inp_number(line, at + 1, "a relative speed", &pump->setting, err);
    if (inp_token_is(line, at, "PATTERN"))
        return inp_id(reader, line, at + 1, "the id of the pattern", &pump->pattern, err);
    return inp_fail(line, err, "pump %s: expected HEAD curve, POWER kW, SPEED factor or PATTERN id", pump->code);
}

bool inp_read_pump(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_link *pump = NULL;
    if (!inp_at_least(line, 5, "id node node HEAD curve or POWER kW [SPEED factor] [PATTERN id]", err) ||
        !add(reader, line, INP_PUMP, &pump, err))
        return false;
    pump->setting = 1;
    pump->status = "open";
    for (size_t at = 3; at < line->count; at += 2)
        if (!read_pump_word(reader, line, at, pump, err))
            return false;
    if (!pump->curve && pump->power_kw <= 0)
        return inp_fail(line, err, "pump %s has neither a HEAD curve nor a POWER", pump->code);
    reader->network->pumps++;
    return true;
}

static const char *valve_type_of(const struct inp_line *line)
{
    static const char *const types[] = { "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV" };
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (inp_token_is(line, 4, types[i]))
            return types[i];
    return NULL;
}

bool inp_read_valve(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_link *valve = NULL;
    if (!inp_at_least(line, 6, "id node node diameter type setting [minor-loss]", err) ||
        !add(reader, line, INP_VALVE, &valve, err) || !inp_number(line, 3, "a diameter", &valve->diameter_mm, err))
        return false;
    valve->valve_type = valve_type_of(line);
    if (!valve->valve_type)
        return inp_fail(line, err, "valve %s: expected PRV, PSV, PBV, FCV, TCV, GPV or PCV", valve->code);
    if (valve->diameter_mm <= 0)
        return inp_fail(line, err, "valve %s: its diameter must be more than 0", valve->code);
    bool is_general = strcmp(valve->valve_type, "GPV") == 0;
    bool ok = is_general ? inp_id(reader, line, 5, "the id of the head loss curve", &valve->curve, err)
                         : inp_number(line, 5, "a setting", &valve->setting, err);
    if (!ok || !inp_number_or(line, 6, "a minor loss", 0, &valve->minor_loss, err))
        return false;
    if (strcmp(valve->valve_type, "PCV") == 0 &&
        !inp_id_or_none(reader, line, 7, "the id of the loss curve", &valve->curve, err))
        return false;
    reader->network->valves++;
    return true;
}

bool inp_read_vertex(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_link *link = inp_find_link(reader, line, 0);
    struct inp_point point;
    if (!inp_at_least(line, 3, "link x y", err))
        return false;
    if (!link)
        return inp_fail(line, err, "a vertex of link %.*s, which is not defined",
            (int)(line->tokens[0].length < 40 ? line->tokens[0].length : 40), line->tokens[0].bytes);
    if (!inp_number(line, 1, "an x-coordinate", &point.x, err) || !inp_number(line, 2, "a y-coordinate", &point.y, err))
        return false;
    size_t number = (size_t)(link - reader->network->links);
    reader->vertices[reader->vertex_count++] = (struct inp_vertex){ number, point };
    link->vertex_count++;
    return true;
}

bool inp_read_status(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_link *link = inp_find_link(reader, line, 0);
    if (!inp_at_least(line, 2, "link status, which is OPEN, CLOSED or a setting", err))
        return false;
    if (!link)
        return inp_fail(line, err, "the status of link %.*s, which is not defined",
            (int)(line->tokens[0].length < 40 ? line->tokens[0].length : 40), line->tokens[0].bytes);
    const char *status = status_of(line, 1);
    if (status && strcmp(status, "cv") != 0) {
        link->status = status;
        return true;
    }
    if (inp_token_is(line, 1, "ACTIVE")) {
        link->status = NULL;
        return true;
    }
    if (link->kind == INP_PIPE)
        return inp_fail(line, err, "pipe %s: expected OPEN or CLOSED", link->code);
    link->status = link->kind == INP_PUMP ? "open" : NULL;
    return inp_number(line, 1, "a setting", &link->setting, err);
}

/* ---- connecting ---- */
static bool find_end(
    const struct inp_reader *reader, const struct inp_link *link, const char *code, size_t *out_index, struct err *err)
{
    const struct inp_node *node = map_get(reader->nodes, code, strlen(code));
    if (!node)
        return inp_fail_at(
            link->line, err, "%s %s refers to node %s, which is not defined", kind_words[link->kind], link->code, code);
    *out_index = (size_t)(node - reader->network->nodes);
    return true;
}

struct curve {
    const struct inp_curve_row *rows;
    size_t count;
};

/* Each link has the points for itself: what they mean, and so their unit, is the link's. */
static bool take_curve(struct inp_reader *reader, const struct map *curves, struct inp_link *link, struct err *err)
{
    const struct curve *curve = link->curve ? map_get(curves, link->curve, strlen(link->curve)) : NULL;
    if (!link->curve)
        return true;
    if (!curve)
        return inp_fail_at(link->line, err, "%s %s refers to curve %s, which is not defined", kind_words[link->kind],
            link->code, link->curve);
    link->points = arena_alloc_array(reader->arena, curve->count, sizeof *link->points);
    if (!link->points)
        return err_set(err, ERR_LIMIT, "line %zu: the curves are too large", link->line);
    for (size_t i = 0; i < curve->count; i++)
        link->points[i] = curve->rows[i].point;
    link->point_count = curve->count;
    return true;
}

/* The rows of one curve stand together in every file that EPANET writes, and must here. */
static bool gather_curves(struct inp_reader *reader, struct map *curves, struct err *err)
{
    struct curve *curve = NULL;
    const char *name = "";
    for (size_t i = 0; i < reader->curve_row_count; i++) {
        const struct inp_curve_row *row = &reader->curve_rows[i];
        if (!curve || strcmp(row->curve, name) != 0) {
            name = row->curve;
            if (map_get(curves, name, strlen(name)))
                return inp_fail_at(row->line, err, "the points of curve %s do not stand together", name);
            curve = arena_alloc(reader->arena, sizeof *curve);
            if (!curve || !map_put(curves, name, strlen(name), curve, NULL))
                return err_set(err, ERR_LIMIT, "line %zu: the curves are too large", row->line);
            curve->rows = row;
        }
        curve->count++;
    }
    return true;
}

static bool connect(struct inp_reader *reader, struct map *curves, struct err *err)
{
    struct inp_network *network = reader->network;
    if (!gather_curves(reader, curves, err))
        return false;
    for (size_t i = 0; i < network->link_count; i++) {
        struct inp_link *link = &network->links[i];
        if (!find_end(reader, link, link->from_code, &link->from, err) ||
            !find_end(reader, link, link->to_code, &link->to, err) || !take_curve(reader, curves, link, err))
            return false;
        if (link->from == link->to)
            return inp_fail_at(link->line, err, "%s %s begins and ends at node %s", kind_words[link->kind], link->code,
                link->from_code);
        if (link->pattern && !map_get(reader->patterns, link->pattern, strlen(link->pattern)))
            return inp_fail_at(link->line, err, "%s %s has the pattern %s, which is not defined",
                kind_words[link->kind], link->code, link->pattern);
    }
    return true;
}

bool inp_links_connect(struct inp_reader *reader, struct err *err)
{
    struct map *curves = map_new(reader->curve_row_count + 1);
    bool ok = curves ? connect(reader, curves, err) : err_set(err, ERR_LIMIT, "no memory for the curves");
    map_free(curves, NULL);
    return ok;
}
