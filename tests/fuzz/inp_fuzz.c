/* Any bytes as an EPANET input file. What is taken holds together: every link ends at nodes that are there. */
#include "epanet/inp.h"
#include "tests/fuzz/fuzz.h"
#include <math.h>
#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct inp_network *network)
{
    size_t vertices = 0;
    must(network->junctions + network->reservoirs + network->tanks == network->node_count);
    must(network->pipes + network->pumps + network->valves == network->link_count);
    for (size_t i = 0; i < network->node_count; i++)
        must(network->nodes[i].code && isfinite(network->nodes[i].elevation_m));
    for (size_t i = 0; i < network->link_count; i++) {
        const struct inp_link *link = &network->links[i];
        must(
            link->code && link->from < network->node_count && link->to < network->node_count && link->from != link->to);
        must(link->first_vertex == vertices && (!link->curve || link->point_count > 0));
        vertices += link->vertex_count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct inp_network network;
    struct err err = { 0 };
    arena_init(&arena, 16 * 1024 * 1024);
    if (inp_parse(&network, &arena, (const char *)data, size, &err))
        check(&network);
    else
        must(err.kind == ERR_INPUT || err.kind == ERR_LIMIT);
    arena_done(&arena);
    return 0;
}
