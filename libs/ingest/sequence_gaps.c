#include "ingest/sequence_gaps.h"
#include <string.h>

static uint64_t length_of(const struct sequence_range *range)
{
    return range->last - range->first + 1;
}

static void remove_at(struct sequence_gaps *gaps, uint32_t index)
{
    gaps->count--;
    memmove(&gaps->open[index], &gaps->open[index + 1], (gaps->count - index) * sizeof *gaps->open);
}

/* Makes one place; how many ranges lie before it may change. */
static uint32_t forget_smallest(struct sequence_gaps *gaps, uint32_t index)
{
    uint32_t smallest = 0;
    for (uint32_t i = 1; i < gaps->count; i++)
        if (length_of(&gaps->open[i]) < length_of(&gaps->open[smallest]))
            smallest = i;
    gaps->forgotten += length_of(&gaps->open[smallest]);
    if (gaps->open[smallest].last > gaps->forgotten_until)
        gaps->forgotten_until = gaps->open[smallest].last;
    remove_at(gaps, smallest);
    return smallest < index ? index - 1 : index;
}

static void insert_at(struct sequence_gaps *gaps, uint32_t index, struct sequence_range range)
{
    if (gaps->count == SEQUENCE_GAPS)
        index = forget_smallest(gaps, index);
    memmove(&gaps->open[index + 1], &gaps->open[index], (gaps->count - index) * sizeof *gaps->open);
    gaps->open[index] = range;
    gaps->count++;
}

void sequence_gaps_open(struct sequence_gaps *gaps, uint64_t first, uint64_t last)
{
    gaps->missed += last - first + 1;
    if (gaps->count > 0 && gaps->open[gaps->count - 1].last + 1 == first)
        gaps->open[gaps->count - 1].last = last;
    else
        insert_at(gaps, gaps->count, (struct sequence_range){ first, last });
}

bool sequence_gaps_close(struct sequence_gaps *gaps, uint64_t first, uint64_t last)
{
    uint64_t before = gaps->late;
    for (uint32_t i = gaps->count; i-- > 0;) { /* from the end: a range that is split leaves those before it in place */
        struct sequence_range range = gaps->open[i];
        if (range.last < first || range.first > last)
            continue;
        uint64_t from = range.first > first ? range.first : first, to = range.last < last ? range.last : last;
        gaps->late += to - from + 1;
        if (from == range.first && to == range.last)
            remove_at(gaps, i);
        else if (from == range.first)
            gaps->open[i].first = to + 1;
        else
            gaps->open[i].last = from - 1;
        if (from > range.first && to < range.last)
            insert_at(gaps, i + 1, (struct sequence_range){ to + 1, range.last });
    }
    return gaps->late != before;
}

bool sequence_gaps_has_open(const struct sequence_gaps *gaps, uint64_t first, uint64_t last)
{
    for (uint32_t i = 0; i < gaps->count; i++)
        if (gaps->open[i].first <= last && gaps->open[i].last >= first)
            return true;
    return false;
}

bool sequence_gaps_may_lack(const struct sequence_gaps *gaps, uint64_t first, uint64_t last)
{
    return first <= gaps->forgotten_until || sequence_gaps_has_open(gaps, first, last);
}

uint64_t sequence_gaps_missing(const struct sequence_gaps *gaps)
{
    uint64_t missing = 0;
    for (uint32_t i = 0; i < gaps->count; i++)
        missing += length_of(&gaps->open[i]);
    return missing;
}
