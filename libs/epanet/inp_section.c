#include "epanet/inp_internal.h"
#include <string.h>
#include <strings.h>

const struct inp_section inp_sections[INP_SECTIONS] = {
    { "TITLE", inp_read_title, 1 },
    { "JUNCTIONS", inp_read_junction, 1 },
    { "RESERVOIRS", inp_read_reservoir, 1 },
    { "TANKS", inp_read_tank, 1 },
    { "PIPES", inp_read_pipe, 1 },
    { "PUMPS", inp_read_pump, 1 },
    { "VALVES", inp_read_valve, 1 },
    { "PATTERNS", inp_read_pattern, 1 },
    { "CURVES", inp_read_curve, 1 },
    { "OPTIONS", inp_read_option, 1 },
    { "COORDINATES", inp_read_coordinates, 2 },
    { "VERTICES", inp_read_vertex, 2 },
    { "TAGS", inp_read_tag, 2 },
    { "STATUS", inp_read_status, 2 },
    { "DEMANDS", inp_read_demand, 2 },
    { "EMITTERS", NULL, 0 },
    { "LEAKAGE", NULL, 0 },
    { "CONTROLS", NULL, 0 },
    { "RULES", NULL, 0 },
    { "ENERGY", NULL, 0 },
    { "REACTIONS", NULL, 0 },
    { "QUALITY", NULL, 0 },
    { "SOURCES", NULL, 0 },
    { "MIXING", NULL, 0 },
    { "TIMES", NULL, 0 },
    { "REPORT", NULL, 0 },
    { "LABELS", NULL, 0 },
    { "BACKDROP", NULL, 0 },
    { "ROUGHNESS", NULL, 0 },
    { "END", NULL, 0 },
};

size_t inp_section_find(const struct inp_line *line)
{
    const struct inp_token *token = &line->tokens[0];
    size_t length = token->length;
    if (line->count != 1 || length < 5 || token->bytes[length - 1] != ']')
        return INP_SECTIONS;
    for (size_t i = 0; i < INP_SECTIONS; i++) {
        const char *name = inp_sections[i].name;
        size_t full = strlen(name), given = length - 2;
        bool is_long_enough = given == full || (given >= 4 && given < full);
        if (is_long_enough && strncasecmp(token->bytes + 1, name, given) == 0)
            return i;
    }
    return INP_SECTIONS;
}
