#include "epanet/inp.h"
#include "epanet/inp_internal.h"
#include <string.h>

enum { MOST_ITEMS = 4000000 };

/* The lines of a section, headings and empty ones aside. */
struct counts {
    size_t lines[INP_SECTIONS];
};

static bool read_heading(struct inp_line *line, size_t *out_section, struct err *err)
{
    if (!inp_line_cut(line, err))
        return false;
    *out_section = inp_section_find(line);
    return *out_section != INP_SECTIONS ||
           inp_fail(line, err, "expected a section such as [PIPES], not \"%.*s\"",
               (int)(line->tokens[0].length < 40 ? line->tokens[0].length : 40), line->tokens[0].bytes);
}

/* Walks over the lines that have words; the section each stands in goes to visit. */
typedef bool visit_line(void *context, size_t section, struct inp_line *line, struct err *err);
static bool each_line(const char *text, size_t size, visit_line *visit, void *context, struct err *err)
{
    struct inp_line line = { 0 };
    const char *at = text, *end = text + size;
    size_t section = INP_SECTIONS;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (section != INP_SECTION_END && inp_line_next(&line, &at, end, err)) {
        if (line.length == 0)
            continue;
        if (line.text[0] == '[') {
            if (!read_heading(&line, &section, err))
                return false;
        } else if (section == INP_SECTIONS) {
            return inp_fail(&line, err, "expected a section such as [TITLE] first: is this an .inp file?");
        } else if (!visit(context, section, &line, err)) {
            return false;
        }
    }
    if (err->kind == ERR_NONE && section == INP_SECTIONS)
        return inp_fail_at(line.number ? line.number : 1, err, "the file is empty: expected sections such as [PIPES]");
    return err->kind == ERR_NONE;
}

static bool count_line(void *context, size_t section, struct inp_line *line, struct err *err)
{
    struct counts *counts = context;
    (void)line;
    (void)err;
    counts->lines[section]++;
    return true;
}

struct round {
    struct inp_reader *reader;
    int number;
};
static bool read_line(void *context, size_t section, struct inp_line *line, struct err *err)
{
    const struct round *round = context;
    const struct inp_section *known = &inp_sections[section];
    return known->round != round->number ||
           ((known->read == inp_read_title || inp_line_cut(line, err)) && known->read(round->reader, line, err));
}

static bool read_round(struct inp_reader *reader, int number, const char *text, size_t size, struct err *err)
{
    struct round round = { reader, number };
    return each_line(text, size, read_line, &round, err);
}

static size_t count_of(const struct counts *counts, inp_read *read)
{
    for (size_t i = 0; i < INP_SECTIONS; i++)
        if (inp_sections[i].read == read)
            return counts->lines[i];
    return 0;
}

/* One line is at most one item, so that the lines say how much room is needed. */
static bool make_room(struct inp_reader *reader, const struct counts *counts, struct err *err)
{
    struct inp_network *network = reader->network;
    size_t nodes =
        count_of(counts, inp_read_junction) + count_of(counts, inp_read_reservoir) + count_of(counts, inp_read_tank);
    size_t links = count_of(counts, inp_read_pipe) + count_of(counts, inp_read_pump) + count_of(counts, inp_read_valve);
    network->nodes = arena_alloc_array(reader->arena, nodes + 1, sizeof *network->nodes);
    network->links = arena_alloc_array(reader->arena, links + 1, sizeof *network->links);
    reader->curve_rows =
        arena_alloc_array(reader->arena, count_of(counts, inp_read_curve) + 1, sizeof *reader->curve_rows);
    reader->vertices =
        arena_alloc_array(reader->arena, count_of(counts, inp_read_vertex) + 1, sizeof *reader->vertices);
    network->vertices =
        arena_alloc_array(reader->arena, count_of(counts, inp_read_vertex) + 1, sizeof *network->vertices);
    reader->nodes = map_new(MOST_ITEMS);
    reader->links = map_new(MOST_ITEMS);
    reader->patterns = map_new(MOST_ITEMS);
    return (network->nodes && network->links && reader->curve_rows && reader->vertices && network->vertices &&
               reader->nodes && reader->links && reader->patterns) ||
           err_set(err, ERR_LIMIT, "the network is too large: %zu nodes and %zu links", nodes, links);
}

static void name_kept_out(struct inp_network *network, const struct counts *counts)
{
    for (size_t i = 0; i < INP_SECTIONS; i++)
        if (!inp_sections[i].read && counts->lines[i] > 0 && network->kept_out_count < INP_MOST_KEPT_OUT)
            network->kept_out[network->kept_out_count++] =
                (struct inp_kept_out){ inp_sections[i].name, counts->lines[i] };
}

/* EPANET wants the same (errors 223 and 224). */
static bool check_whole(const struct inp_network *network, struct err *err)
{
    if (network->node_count == 0)
        return err_set(err, ERR_INPUT, "there are no nodes: expected [JUNCTIONS], [RESERVOIRS] or [TANKS]");
    return true;
}

/* The vertices come in the file's order; each link wants its own together. */
static void sort_vertices(struct inp_reader *reader)
{
    struct inp_network *network = reader->network;
    size_t next = 0;
    for (size_t i = 0; i < network->link_count; i++) {
        network->links[i].first_vertex = next;
        next += network->links[i].vertex_count;
        network->links[i].vertex_count = 0;
    }
    for (size_t i = 0; i < reader->vertex_count; i++) {
        struct inp_link *link = &network->links[reader->vertices[i].link];
        network->vertices[link->first_vertex + link->vertex_count++] = reader->vertices[i].point;
    }
}

static bool parse(struct inp_reader *reader, const char *text, size_t size, struct err *err)
{
    struct counts counts = { 0 };
    if (!each_line(text, size, count_line, &counts, err) || !make_room(reader, &counts, err))
        return false;
    name_kept_out(reader->network, &counts);
    if (!read_round(reader, 1, text, size, err) || !inp_links_connect(reader, err) ||
        !read_round(reader, 2, text, size, err) || !inp_nodes_check(reader, err))
        return false;
    sort_vertices(reader);
    inp_units_convert(reader->network);
    return check_whole(reader->network, err);
}

bool inp_parse(struct inp_network *out_network, struct arena *arena, const char *text, size_t size, struct err *err)
{
    /* What EPANET takes where [OPTIONS] does not say. */
    struct inp_network network = { .flow_unit = "GPM" };
    struct inp_reader reader = { .network = &network, .arena = arena, .demand_factor = 1 };
    *err = (struct err){ 0 };
    bool ok = parse(&reader, text, size, err);
    map_free(reader.nodes, NULL);
    map_free(reader.links, NULL);
    map_free(reader.patterns, NULL);
    if (ok)
        *out_network = network;
    return ok;
}
