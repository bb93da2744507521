/* Reads the network of an EPANET input file (.inp, EPANET 2.0 to 2.3): what there is, how it is connected, where it is.
 * Strict: what EPANET would refuse is refused, with the line's number and what was expected. Does no I/O and takes no
 * memory but the arena's and two hash tables; any thread. The format is described in the EPANET 2.2 user manual,
 * appendix C (usepa.github.io/EPANET2.2). */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum inp_node_kind { INP_JUNCTION, INP_RESERVOIR, INP_TANK };
enum inp_link_kind { INP_PIPE, INP_PUMP, INP_VALVE };
enum inp_headloss { INP_HAZEN_WILLIAMS, INP_DARCY_WEISBACH, INP_CHEZY_MANNING };

/* All figures are metric, whatever the file's units: metres, millimetres for diameters, m3/h, kW. Texts may be NULL. */
struct inp_node {
    const char *code;
    enum inp_node_kind kind;
    size_t line;
    double elevation_m;     /* of a reservoir: its head */
    double base_demand_m3h; /* the sum of its [DEMANDS], if it has any */
    const char *pattern;
    bool has_position;
    double x, y; /* as in the file: what they mean is not said there */
    const char *tag;
    double level_m, least_level_m, most_level_m, tank_diameter_m, least_volume_m3; /* of tanks */
    bool has_demands;                                                              /* [DEMANDS] were added up */
};
/* A bend of a link, or a point of a curve. */
struct inp_point {
    double x, y;
};
struct inp_link {
    const char *code;
    enum inp_link_kind kind;
    size_t line;
    size_t from, to; /* indices of nodes */
    double length_m; /* of pipes */
    double diameter_mm;
    double roughness; /* by the headloss formula: a coefficient, or mm for Darcy and Weisbach */
    double minor_loss;
    const char *status; /* open, closed, cv; NULL: active (a valve that does its work) */
    const char *valve_type;
    double setting;    /* of valves: m of head (PRV, PSV, PBV), m3/h (FCV), a coefficient; of pumps: relative speed */
    const char *curve; /* of a pump, a GPV or a PCV */
    double power_kw;   /* of a pump without curve */
    const char *pattern;
    const char *tag;
    size_t first_vertex, vertex_count;
    struct inp_point *points; /* of its curve; of a pump's: m3/h and m, else as in the file */
    size_t point_count;
    const char *from_code, *to_code;
};

enum { INP_MOST_KEPT_OUT = 24 };
struct inp_network {
    char title[256]; /* its first line, cut; "" if none */
    const char *flow_unit;
    bool is_metric;
    enum inp_headloss headloss;
    struct inp_node *nodes;
    size_t node_count;
    struct inp_link *links;
    size_t link_count;
    struct inp_point *vertices; /* in the order of the links */
    size_t junctions, reservoirs, tanks, pipes, pumps, valves;
    /* Sections that are not read, with how many lines they have. */
    struct inp_kept_out {
        const char *section;
        size_t lines;
    } kept_out[INP_MOST_KEPT_OUT];
    size_t kept_out_count;
};

/* ERR_INPUT: "line 812: pipe P-1 refers to node J-77, which is not defined". ERR_LIMIT: the arena is full. The network
 * lives in the arena, none of it in text. */
MUST_CHECK bool inp_parse(
    struct inp_network *out_network, struct arena *arena, const char *text, size_t size, struct err *err);
