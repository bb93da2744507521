#include "base/text.h"
#include "epanet/inp_internal.h"
#include <string.h>

bool inp_read_title(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    char *title = reader->network->title;
    size_t length = line->length, room = sizeof reader->network->title - 1;
    (void)err;
    if (*title)
        return true;
    /* What is no UTF-8 (files of old programs) is left out rather than the file refused: nothing refers to a title. */
    for (size_t i = 0; i < length && room > 0;) {
        size_t step = text_utf8_length(line->text + i, length - i);
        if (step > room)
            break;
        if (step > 0) {
            memcpy(title, line->text + i, step);
            title += step;
            room -= step;
        }
        i += step ? step : 1;
    }
    *title = '\0';
    return true;
}

bool inp_read_option(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    static const struct {
        const char *word;
        enum inp_headloss formula;
    } formulas[] = { { "H-W", INP_HAZEN_WILLIAMS }, { "D-W", INP_DARCY_WEISBACH }, { "C-M", INP_CHEZY_MANNING } };
    if (inp_token_is(line, 0, "UNITS")) {
        if (line->count < 2 || !inp_flow_unit_find(&line->tokens[1], &reader->network->flow_unit))
            return inp_fail(line, err, "expected one of the units CFS GPM MGD IMGD AFD LPS LPM MLD CMH CMD (or CMS)");
        return true;
    }
    if (!inp_token_is(line, 0, "HEADLOSS"))
        return true;
    for (size_t i = 0; i < COUNT_OF(formulas); i++)
        if (inp_token_is(line, 1, formulas[i].word)) {
            reader->network->headloss = formulas[i].formula;
            return true;
        }
    return inp_fail(line, err, "expected one of the headloss formulas H-W D-W C-M");
}

bool inp_read_tag(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_node *node = NULL;
    struct inp_link *link = NULL;
    if (!inp_at_least(line, 3, "NODE or LINK, id, tag", err))
        return false;
    if (inp_token_is(line, 0, "NODE"))
        node = inp_find_node(reader, line, 1);
    else if (inp_token_is(line, 0, "LINK"))
        link = inp_find_link(reader, line, 1);
    else
        return inp_fail(line, err, "expected NODE or LINK, id, tag");
    if (!node && !link)
        return inp_fail(line, err, "a tag of %.*s, which is not defined",
            (int)(line->tokens[1].length < 40 ? line->tokens[1].length : 40), line->tokens[1].bytes);
    return inp_id(reader, line, 2, "the tag", node ? &node->tag : &link->tag, err);
}

/* Only that there is one of the name; what it says is not kept. */
bool inp_read_pattern(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    const char *id;
    if (!inp_at_least(line, 2, "id factors", err) || !inp_id(reader, line, 0, "the pattern's id", &id, err))
        return false;
    for (size_t i = 1; i < line->count; i++) {
        double ignored;
        if (!inp_number(line, i, "a factor", &ignored, err))
            return false;
    }
    return map_put(reader->patterns, id, strlen(id), reader, NULL) ||
           err_set(err, ERR_LIMIT, "line %zu: too many patterns", line->number);
}

bool inp_read_curve(struct inp_reader *reader, const struct inp_line *line, struct err *err)
{
    struct inp_curve_row *row = &reader->curve_rows[reader->curve_row_count];
    row->line = line->number;
    if (!inp_at_least(line, 3, "id x y", err) || !inp_id(reader, line, 0, "the curve's id", &row->curve, err) ||
        !inp_number(line, 1, "an x-value", &row->point.x, err) || !inp_number(line, 2, "a y-value", &row->point.y, err))
        return false;
    reader->curve_row_count++;
    return true;
}
