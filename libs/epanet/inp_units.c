#include "epanet/inp_internal.h"
#include <string.h>
#include <strings.h>

/* Exact by definition: 1 ft = 0.3048 m, 1 in = 25.4 mm, 1 US gallon = 231 in3, 1 imperial gallon = 4.54609 l, 1 acre =
 * 43,560 ft2 (international feet), 1 psi = 0.4536 * 9.80665 / 0.0254^2 Pa, taken as metres of water of 1,000 kg/m3. */
#define FOOT_M 0.3048
#define FOOT3_M3 (FOOT_M * FOOT_M * FOOT_M)
#define US_GALLON_M3 0.003785411784
#define IMPERIAL_GALLON_M3 0.00454609
#define PSI_M (6894.757293168361 / 9806.65)
#define HORSEPOWER_KW 0.745699871582270

static const struct flow_unit {
    const char *name;
    double m3h;
    bool is_metric;
} flow_units[] = {
    { "CFS", FOOT3_M3 * 3600, false },
    { "GPM", US_GALLON_M3 * 60, false },
    { "MGD", US_GALLON_M3 * 1e6 / 24, false },
    { "IMGD", IMPERIAL_GALLON_M3 * 1e6 / 24, false },
    { "AFD", FOOT3_M3 * 43560 / 24, false },
    { "LPS", 3.6, true },
    { "LPM", 0.06, true },
    { "MLD", 1000.0 / 24, true },
    { "CMH", 1, true },
    { "CMD", 1.0 / 24, true },
    { "CMS", 3600, true },
};

bool inp_flow_unit_find(const struct inp_token *token, const char **out_name)
{
    for (size_t i = 0; i < COUNT_OF(flow_units); i++)
        if (token->length == strlen(flow_units[i].name) &&
            strncasecmp(token->bytes, flow_units[i].name, token->length) == 0) {
            *out_name = flow_units[i].name;
            return true;
        }
    return false;
}

static const struct flow_unit *unit_of(const struct inp_network *network)
{
    for (size_t i = 0; i < COUNT_OF(flow_units); i++)
        if (strcmp(flow_units[i].name, network->flow_unit) == 0)
            return &flow_units[i];
    return &flow_units[1];
}

static void convert_node(struct inp_node *node, const struct flow_unit *unit)
{
    node->base_demand_m3h *= unit->m3h;
    if (unit->is_metric)
        return;
    node->elevation_m *= FOOT_M;
    node->level_m *= FOOT_M;
    node->least_level_m *= FOOT_M;
    node->most_level_m *= FOOT_M;
    node->tank_diameter_m *= FOOT_M;
    node->least_volume_m3 *= FOOT3_M3;
}

static void convert_setting(struct inp_link *link, const struct flow_unit *unit)
{
    if (!link->valve_type)
        return;
    if (strcmp(link->valve_type, "FCV") == 0)
        link->setting *= unit->m3h;
    else if (link->valve_type[0] == 'P' && link->valve_type[1] != 'C' && !unit->is_metric)
        link->setting *= PSI_M;
}

static void convert_link(struct inp_link *link, const struct flow_unit *unit, enum inp_headloss headloss)
{
    convert_setting(link, unit);
    for (size_t i = 0; link->kind == INP_PUMP && i < link->point_count; i++) {
        link->points[i].x *= unit->m3h;
        link->points[i].y *= unit->is_metric ? 1 : FOOT_M;
    }
    if (unit->is_metric)
        return;
    link->length_m *= FOOT_M;
    link->diameter_mm *= 25.4;
    link->power_kw *= HORSEPOWER_KW;
    /* Of Darcy and Weisbach it is a height, in thousandths of a foot; else a coefficient without unit. */
    if (headloss == INP_DARCY_WEISBACH)
        link->roughness *= FOOT_M;
}

void inp_units_convert(struct inp_network *network)
{
    const struct flow_unit *unit = unit_of(network);
    network->is_metric = unit->is_metric;
    for (size_t i = 0; i < network->node_count; i++)
        convert_node(&network->nodes[i], unit);
    for (size_t i = 0; i < network->link_count; i++)
        convert_link(&network->links[i], unit, network->headloss);
}
