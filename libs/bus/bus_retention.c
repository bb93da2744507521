#include "bus/bus_retention.h"
#include "bus/bus_internal.h"
#include "bus/bus_retention_rule.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Age is looked for by asking for messages, which may be megabytes: only when a good part of keep_ms is over. */
enum { AGE_SLACK_PARTS = 16 };
/* Removals are sent without waiting, but only so many before the server has answered a ping. */
enum { MOST_REMOVALS = 20000, REMOVALS_A_PING = 200, PING_MS = 5000 };

static bool fail(struct err *err, natsStatus status, jsErrCode code, const char *doing, const char *stream)
{
    return status == NATS_OK || bus_fail_api(err, status, code, doing, stream);
}

/* ---- what has been read ---- */

/* With nothing in its hands it has acknowledged all that it was given. The floor alone would do, but 2.9.10 may leave
 * it where it was when the server is killed. */
static uint64_t acknowledged_to(const jsConsumerInfo *info)
{
    bool holds_nothing = info->NumAckPending == 0 && info->Delivered.Stream > info->AckFloor.Stream;
    return holds_nothing ? info->Delivered.Stream : info->AckFloor.Stream;
}

/* A filtered durable's floor stands at its last message, however much of other subjects came after: when nothing that
 * it wants is newer than that, it has read all. Asked of the stream itself: 2.9 miscounts what is pending now and then.
 */
static bool has_read_all(
    struct bus *bus, const char *stream, const jsConsumerInfo *info, bool *out_has, struct err *err)
{
    natsMsg *last = NULL;
    jsErrCode code = 0;
    const char *filter = info->Config->FilterSubject;
    *out_has = false;
    if (!filter || filter[0] == '\0')
        return true;
    natsStatus status = js_GetLastMsg(&last, bus->streams, stream, filter, NULL, &code);
    if (status == NATS_NOT_FOUND || code == JSNoMessageFoundErr) {
        *out_has = true;
        return true;
    }
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking for the last message in", stream);
    *out_has = natsMsg_GetSequence(last) <= acknowledged_to(info);
    natsMsg_Destroy(last);
    return true;
}

static bool look_at_reader(struct bus *bus, const char *stream, const struct bus_stream_state *state,
    const jsConsumerInfo *info, struct bus_reader *out_reader, struct err *err)
{
    bool has_all = false;
    if (!has_read_all(bus, stream, info, &has_all, err))
        return false;
    *out_reader = (struct bus_reader){ .read_to = acknowledged_to(info) };
    if (has_all || out_reader->read_to > state->last_sequence)
        out_reader->read_to = state->last_sequence;
    out_reader->behind = state->last_sequence - out_reader->read_to;
    snprintf(out_reader->name, sizeof out_reader->name, "%s", info->Config->Durable);
    return true;
}

static void add_reader(struct bus_retention_report *report, const struct bus_reader *reader)
{
    if (reader->read_to < report->read_by_all)
        report->read_by_all = reader->read_to;
    if (report->reader_count == BUS_MOST_READERS)
        return;
    if (report->reader_count == 0 || reader->read_to < report->readers[report->slowest].read_to)
        report->slowest = report->reader_count;
    report->readers[report->reader_count++] = *reader;
}

/* Durables only: others cannot come back to what they missed. */
static bool look_at_readers(struct bus *bus, const struct bus_retention *retention, struct bus_retention_report *report,
    const jsConsumerInfoList *list, struct err *err)
{
    bool is_complete = !retention->required;
    report->read_by_all = report->state.last_sequence;
    for (int i = 0; list && i < list->Count; i++) {
        const jsConsumerInfo *info = list->List[i];
        struct bus_reader reader;
        if (!info->Config || !info->Config->Durable)
            continue;
        if (!look_at_reader(bus, retention->stream, &report->state, info, &reader, err))
            return false;
        is_complete = is_complete || strcmp(info->Config->Durable, retention->required) == 0;
        add_reader(report, &reader);
    }
    if (!is_complete)
        report->read_by_all = 0;
    return true;
}

static bool find_readers(
    struct bus *bus, const struct bus_retention *retention, struct bus_retention_report *report, struct err *err)
{
    jsConsumerInfoList *list = NULL;
    jsErrCode code = 0;
    natsStatus status = js_Consumers(&list, bus->streams, retention->stream, NULL, &code);
    if (status != NATS_NOT_FOUND && !fail(err, status, code, "listing consumers of", retention->stream))
        return false;
    bool ok = look_at_readers(bus, retention, report, list, err);
    jsConsumerInfoList_Destroy(list);
    return ok;
}

/* ---- what is old ---- */

/* Whether the message of this sequence came before; one that is not there any more counts as new: fewer go. */
static bool is_older(
    struct bus *bus, const char *stream, uint64_t sequence, int64_t before_us, bool *out_is_older, struct err *err)
{
    natsMsg *message = NULL;
    jsErrCode code = 0;
    natsStatus status = js_GetMsg(&message, bus->streams, stream, sequence, NULL, &code);
    *out_is_older = false;
    if (status == NATS_NOT_FOUND || code == JSNoMessageFoundErr)
        return true;
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at a message of", stream);
    *out_is_older = natsMsg_GetTime(message) / 1000 < before_us;
    natsMsg_Destroy(message);
    return true;
}

/* The first sequence that is not older, the one after what all have read if all of it is; 0 of a stream that never held
 * anything. */
static bool cut_by_age(struct bus *bus, const struct bus_retention *retention, const struct bus_stream_state *state,
    uint64_t read, int64_t now_us, uint64_t *out_cut, struct err *err)
{
    int64_t before_us = now_us - retention->keep_ms * 1000;
    uint64_t low = state->first_sequence, high = read + 1;
    *out_cut = low;
    if (low == 0 || low >= high || state->first_at_us >= before_us - retention->keep_ms * 1000 / AGE_SLACK_PARTS)
        return true;
    while (low < high) {
        bool older;
        uint64_t middle = low + (high - low) / 2;
        if (!is_older(bus, retention->stream, middle, before_us, &older, err))
            return false;
        if (older)
            low = middle + 1;
        else
            high = middle;
    }
    *out_cut = low;
    return true;
}

/* ---- letting go ---- */

/* Message by message, for nats-server 2.9.10 cannot purge a part: whatever the sequence, it then takes all that a
 * consumer was given and has not acknowledged for done, and never delivers it again; and a purge of what is before 1
 * removes everything. A removal that gets lost is made up for in the next round. */
static bool remove_before(
    struct bus *bus, const char *stream, uint64_t first, uint64_t cut, uint64_t *out_removed, struct err *err)
{
    char subject[160], body[64];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.MSG.DELETE.%s", stream);
    for (uint64_t sequence = first; sequence < cut; sequence++) {
        snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":true}", sequence);
        natsStatus status = natsConnection_PublishString(bus->bulk, subject, body);
        if (status == NATS_OK && ((sequence - first) % REMOVALS_A_PING == REMOVALS_A_PING - 1 || sequence + 1 == cut))
            status = natsConnection_FlushTimeout(bus->bulk, PING_MS);
        if (status != NATS_OK)
            return bus_fail(err, status, "making room in", stream);
    }
    *out_removed = cut - first;
    return true;
}

/* A stream that was made anew meanwhile counts from one again: nothing of it is ours to remove. */
static bool is_same_stream(struct bus *bus, const char *stream, int64_t created_at_us, struct err *err)
{
    struct bus_stream_state now;
    return bus_check_connected(bus->bulk, stream, err) && bus_stream_inspect(bus, stream, &now, err) &&
           (now.created_at_us == created_at_us || err_set(err, ERR_TRANSIENT, "stream %s was made anew", stream));
}

bool bus_retention_run(struct bus *bus, const struct bus_retention *retention, int64_t now_us,
    struct bus_retention_report *out_report, struct err *err)
{
    struct bus_retention_report report = { 0 };
    const struct bus_stream_state *state = &report.state;
    uint64_t by_age;
    /* The stream before its readers: what comes meanwhile is above all that is looked at. */
    if (!bus_stream_inspect(bus, retention->stream, &report.state, err) ||
        !find_readers(bus, retention, &report, err) ||
        !cut_by_age(bus, retention, state, report.read_by_all, now_us, &by_age, err))
        return false;
    uint64_t first = state->first_sequence;
    uint64_t cut = bus_cut(by_age, bus_cut_for_room(state, retention->keep_fill), report.read_by_all);
    if (cut > first && cut - first > MOST_REMOVALS) {
        cut = first + MOST_REMOVALS;
        report.is_unfinished = true;
    }
    if (state->messages > 0 && cut > first &&
        !(is_same_stream(bus, retention->stream, state->created_at_us, err) &&
            remove_before(bus, retention->stream, first, cut, &report.removed, err)))
        return false;
    *out_report = report;
    return true;
}
