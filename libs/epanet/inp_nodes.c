#include "epanet/inp_internal.h"
#include <string.h>

static const char *const kind_words[] = { "junction", "reservoir", "tank" };

static bool add(struct inp_reader *reader, const struct inp_line *line, enum inp_node_kind kind,
    struct inp_node **out_node, struct err *err)
{
    struct inp_network *network = reader->network;
    struct inp_node *node = &network->nodes[network->node_count];
    const struct inp_node *old = inp_find_node(reader, line, 0);
    if (old)
        return inp_fail(line, err, "there is a node %s already, on line %zu", old->code, old->line);
    *node = (struct inp_node){ .kind = kind, .line = line->number };
    if (!inp_id(reader, line, 0, "the node's id", &node->code, err))
        return false;
    if (!map_put(reader->nodes, node->code, strlen(node->code), node, NULL))
        return err_set(err, ERR_LIMIT, "line %zu: the network is too large", line->number);
    network->node_count++;
    *out_node = node;
    return true;
}

bool inp_read_junction(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_node *node = NULL;
    if (!add(reader, line, INP_JUNCTION, &node, err) ||
        !inp_number_or(line, 1, "an elevation", 0, &node->elevation_m, err) ||
        !inp_number_or(line, 2, "a base demand", 0, &node->base_demand_m3h, err) ||
        !inp_id_or_none(reader, line, 3, "the pattern's id", &node->pattern, err))
        return false;
    reader->network->junctions++;
    return true;
}

bool inp_read_reservoir(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_node *node = NULL;
    if (!inp_at_least(line, 2, "id head [pattern]", err) || !add(reader, line, INP_RESERVOIR, &node, err) ||
        !inp_number(line, 1, "a head", &node->elevation_m, err) ||
        !inp_id_or_none(reader, line, 2, "the pattern's id", &node->pattern, err))
        return false;
    reader->network->reservoirs++;
    return true;
}

bool inp_read_tank(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_node *node = NULL;
    if (!inp_at_least(
            line, 6, "id elevation level least-level most-level diameter [least-volume [curve [overflow]]]", err) ||
        !add(reader, line, INP_TANK, &node, err) || !inp_number(line, 1, "an elevation", &node->elevation_m, err) ||
        !inp_number(line, 2, "an initial level", &node->level_m, err) ||
        !inp_number(line, 3, "a least level", &node->least_level_m, err) ||
        !inp_number(line, 4, "a most level", &node->most_level_m, err) ||
        !inp_number(line, 5, "a diameter", &node->tank_diameter_m, err) ||
        !inp_number_or(line, 6, "a least volume", 0, &node->least_volume_m3, err))
        return false;
    if (node->tank_diameter_m < 0 || node->least_level_m < 0 || node->most_level_m < node->least_level_m ||
        node->level_m < node->least_level_m || node->level_m > node->most_level_m)
        return inp_fail(line, err,
            "tank %s: expected a level between the least and the most one, and no negative figure", node->code);
    reader->network->tanks++;
    return true;
}

bool inp_read_coordinates(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_node *node = inp_find_node(reader, line, 0);
    if (!inp_at_least(line, 3, "node x y", err))
        return false;
    if (!node)
        return inp_fail(line, err, "coordinates of node %.*s, which is not defined",
            (int)(line->tokens[0].length < 40 ? line->tokens[0].length : 40), line->tokens[0].bytes);
    node->has_position = true;
    return inp_number(line, 1, "an x-coordinate", &node->x, err) &&
           inp_number(line, 2, "a y-coordinate", &node->y, err);
}

/* The demands of a junction stand here instead of in [JUNCTIONS], one for each category of use. */
bool inp_read_demand(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    double demand;
    const char *pattern = NULL;
    if (!inp_at_least(line, 2, "junction demand [pattern [category]]", err))
        return false;
    if (inp_token_is(line, 0, "MULTIPLY"))
        return inp_number(line, 1, "a factor", &reader->demand_factor, err);
    struct inp_node *node = inp_find_node(reader, line, 0);
    if (!node)
        return inp_fail(line, err, "a demand of junction %.*s, which is not defined",
            (int)(line->tokens[0].length < 40 ? line->tokens[0].length : 40), line->tokens[0].bytes);
    if (node->kind != INP_JUNCTION)
        return inp_fail(line, err, "a demand of %s %s; only junctions have one", kind_words[node->kind], node->code);
    if (!inp_number(line, 1, "a demand", &demand, err) ||
        !inp_id_or_none(reader, line, 2, "the pattern's id", &pattern, err))
        return false;
    if (pattern && !map_get(reader->patterns, pattern, strlen(pattern)))
        return inp_fail(line, err, "the demand of %s has the pattern %s, which is not defined", node->code, pattern);
    if (!node->has_demands)
        node->base_demand_m3h = 0;
    node->has_demands = true;
    node->base_demand_m3h += demand * reader->demand_factor;
    return true;
}

bool inp_nodes_check(struct inp_reader *reader, struct err *err)
{
    for (size_t i = 0; i < reader->network->node_count; i++) {
        const struct inp_node *node = &reader->network->nodes[i];
        if (node->pattern && !map_get(reader->patterns, node->pattern, strlen(node->pattern)))
            return inp_fail_at(node->line, err, "%s %s has the pattern %s, which is not defined",
                kind_words[node->kind], node->code, node->pattern);
    }
    return true;
}
