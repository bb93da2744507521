/* What the files of this library share. */
#pragma once
#include "base/map.h"
#include "epanet/inp.h"

enum { INP_LONGEST_LINE = 4096, INP_MOST_TOKENS = 40, INP_LONGEST_ID = 31 };

struct inp_token {
    const char *bytes;
    size_t length;
};
/* One line without its comment, cut into words; "two words" in quotes are one. */
struct inp_line {
    size_t number; /* from 1 */
    const char *text;
    size_t length;
    struct inp_token tokens[INP_MOST_TOKENS];
    size_t count;
};

/* ---- inp_section.c ---- */
struct inp_reader;
typedef bool inp_read(struct inp_reader *reader, const struct inp_line *line, struct err *err);
/* What others refer to is read in the first round, whatever refers to it in the second: sections come in any order. */
struct inp_section {
    const char *name;
    inp_read *read; /* NULL: kept out */
    int round;
};
enum { INP_SECTIONS = 30, INP_SECTION_END = INP_SECTIONS - 1 };
extern const struct inp_section inp_sections[INP_SECTIONS];
/* "[PIPES]", also cut to four letters as EPANET takes it; INP_SECTIONS if it is none. */
size_t inp_section_find(const struct inp_line *line);

struct inp_curve_row {
    const char *curve;
    size_t line;
    struct inp_point point;
};
struct inp_vertex {
    size_t link;
    struct inp_point point;
};
struct inp_reader {
    struct inp_network *network;
    struct arena *arena;
    struct map *nodes, *links, *patterns; /* the items themselves, and any pointer for patterns */
    struct inp_curve_row *curve_rows;
    size_t curve_row_count;
    struct inp_vertex *vertices;
    size_t vertex_count;
    double demand_factor; /* of MULTIPLY in [DEMANDS] */
};

/* ---- inp_line.c ---- */
/* The next line of the text into line, without comment and leading blanks, not cut yet; false at the end or with
 * ERR_INPUT. */
bool inp_line_next(struct inp_line *line, const char **at, const char *end, struct err *err);
/* Cuts it into words. */
MUST_CHECK bool inp_line_cut(struct inp_line *line, struct err *err);
/* "line 7: ..." */
bool inp_fail(const struct inp_line *line, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
bool inp_fail_at(size_t number, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__ /* as err_set in base/err.h */
#define inp_fail(...) ((void)inp_fail(__VA_ARGS__), false)
#define inp_fail_at(...) ((void)inp_fail_at(__VA_ARGS__), false)
#endif
/* Case aside. */
MUST_CHECK bool inp_token_is(const struct inp_line *line, size_t index, const char *word);
/* As EPANET writes numbers: 5, 5., .5, +5, 5E-3. what: "a length". */
MUST_CHECK bool inp_number(
    const struct inp_line *line, size_t index, const char *what, double *out_value, struct err *err);
/* The preset if the line is too short. */
MUST_CHECK bool inp_number_or(
    const struct inp_line *line, size_t index, const char *what, double preset, double *out_value, struct err *err);
/* A copy in the arena; 1 to INP_LONGEST_ID bytes of UTF-8. */
MUST_CHECK bool inp_id(struct inp_reader *reader, const struct inp_line *line, size_t index, const char *what,
    const char **out_id, struct err *err);
/* NULL if the line is too short or the word is *. */
MUST_CHECK bool inp_id_or_none(struct inp_reader *reader, const struct inp_line *line, size_t index, const char *what,
    const char **out_id, struct err *err);
MUST_CHECK bool inp_at_least(const struct inp_line *line, size_t count, const char *expected, struct err *err);
struct inp_node *inp_find_node(const struct inp_reader *reader, const struct inp_line *line, size_t index);
struct inp_link *inp_find_link(const struct inp_reader *reader, const struct inp_line *line, size_t index);

/* ---- inp_nodes.c, inp_links.c, inp_options.c: one function a section ---- */
inp_read inp_read_junction, inp_read_reservoir, inp_read_tank, inp_read_coordinates, inp_read_demand;
inp_read inp_read_pipe, inp_read_pump, inp_read_valve, inp_read_vertex, inp_read_status;
inp_read inp_read_title, inp_read_option, inp_read_tag, inp_read_pattern, inp_read_curve;
/* Which nodes, curves and patterns are meant, once all are known. */
MUST_CHECK bool inp_links_connect(struct inp_reader *reader, struct err *err);
MUST_CHECK bool inp_nodes_check(struct inp_reader *reader, struct err *err);

/* ---- inp_units.c ---- */
/* The factor from the file's flow unit to m3/h; false if there is no such unit. */
MUST_CHECK bool inp_flow_unit_find(const struct inp_token *token, const char **out_name);
/* Turns all figures into metric ones. */
void inp_units_convert(struct inp_network *network);
