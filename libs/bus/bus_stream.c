#include "bus/bus_internal.h"
#include "bus/bus_subject.h"
#include <inttypes.h>
#include <string.h>

/* Only what struct bus_stream says is set on a stream that exists: copies, placement and the like are the operator's.
 */
struct stream_limits {
    const char *subjects[COUNT_OF(((struct bus_stream *)0)->subjects)];
    int subject_count;
    int64_t max_age_ns;
    int64_t duplicates_ns;
    int64_t max_bytes;
    int32_t max_message_bytes;
    int64_t most_per_subject; /* -1: no bound */
    jsRetentionPolicy retention;
};

static bool check(const struct bus_stream *stream, struct err *err)
{
    const int64_t longest_ms = INT64_MAX / 1000000;
    if (!bus_name_is_valid(stream->name))
        return err_set(err, ERR_CONFIG, "\"%.40s\" is no name for a stream", stream->name ? stream->name : "");
    for (size_t i = 0; i < COUNT_OF(stream->subjects) && stream->subjects[i]; i++)
        if (!bus_pattern_is_valid(stream->subjects[i]))
            return err_set(err, ERR_CONFIG, "stream %s: \"%.80s\" is no subject", stream->name, stream->subjects[i]);
    if (!stream->subjects[0] || stream->max_bytes <= 0 || stream->max_age_ms < 0 || stream->max_age_ms > longest_ms ||
        stream->duplicate_window_ms < 0 || stream->duplicate_window_ms > longest_ms || stream->max_message_bytes < 0 ||
        stream->max_message_bytes > INT32_MAX)
        return err_set(err, ERR_CONFIG, "stream %s: a subject is missing or a limit is out of range", stream->name);
    return true;
}

static struct stream_limits limits_of(const struct bus_stream *stream)
{
    struct stream_limits limits = {
        .max_age_ns = stream->max_age_ms * 1000000,
        .duplicates_ns = stream->duplicate_window_ms * 1000000,
        .max_bytes = stream->max_bytes,
        .max_message_bytes = stream->max_message_bytes > 0 ? (int32_t)stream->max_message_bytes : -1,
        .most_per_subject = stream->is_latest ? 1 : -1,
        .retention = stream->is_work_queue ? js_WorkQueuePolicy : js_LimitsPolicy,
    };
    while (limits.subject_count < (int)COUNT_OF(stream->subjects) && stream->subjects[limits.subject_count]) {
        limits.subjects[limits.subject_count] = stream->subjects[limits.subject_count];
        limits.subject_count++;
    }
    return limits;
}

static void apply(jsStreamConfig *config, const struct stream_limits *limits)
{
    config->Subjects = (const char **)(uintptr_t)limits->subjects;
    config->SubjectsLen = limits->subject_count;
    config->MaxAge = limits->max_age_ns;
    config->MaxBytes = limits->max_bytes;
    config->MaxMsgSize = limits->max_message_bytes;
    config->MaxMsgsPerSubject = limits->most_per_subject;
    config->Discard = js_DiscardNew;
    if (limits->duplicates_ns > 0)
        config->Duplicates = limits->duplicates_ns;
}

static bool has_subject(const jsStreamConfig *config, const char *subject)
{
    for (int i = 0; i < config->SubjectsLen; i++)
        if (strcmp(config->Subjects[i], subject) == 0)
            return true;
    return false;
}

static bool is_as_wanted(const jsStreamConfig *config, const struct stream_limits *limits)
{
    bool is_same = config->SubjectsLen == limits->subject_count && config->MaxAge == limits->max_age_ns &&
                   config->MaxBytes == limits->max_bytes && config->MaxMsgSize == limits->max_message_bytes &&
                   config->Discard == js_DiscardNew && config->MaxMsgsPerSubject == limits->most_per_subject &&
                   (limits->duplicates_ns == 0 || config->Duplicates == limits->duplicates_ns);
    for (int i = 0; is_same && i < limits->subject_count; i++)
        is_same = has_subject(config, limits->subjects[i]);
    return is_same;
}

static bool make_stream(struct bus *bus, const char *name, const struct stream_limits *limits, struct err *err)
{
    jsStreamConfig config;
    jsErrCode code = 0;
    jsStreamConfig_Init(&config);
    apply(&config, limits);
    config.Name = name;
    config.Retention = limits->retention;
    config.Storage = js_FileStorage;
    config.Replicas = 1;
    natsStatus status = js_AddStream(NULL, bus->streams, &config, NULL, &code);
    return status == NATS_OK || bus_fail_api(err, status, code, "making stream", name);
}

/* Asked first and changed only where it differs: 2.9 loses an update now and then when it restarts, so updates should
 * be rare. */
static bool update_stream(
    struct bus *bus, jsStreamConfig *existing, const char *name, const struct stream_limits *limits, struct err *err)
{
    jsErrCode code = 0;
    if (existing->Retention != limits->retention)
        return err_set(err, ERR_CONFIG, "stream %s exists with another retention, which cannot be changed", name);
    if (is_as_wanted(existing, limits))
        return true;
    jsStreamConfig config = *existing;
    apply(&config, limits);
    natsStatus status = js_UpdateStream(NULL, bus->streams, &config, NULL, &code);
    return status == NATS_OK || bus_fail_api(err, status, code, "updating stream", name);
}

bool bus_stream_ensure(struct bus *bus, const struct bus_stream *stream, struct err *err)
{
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    if (!check(stream, err) || !bus_check_connected(bus->control, stream->name, err))
        return false;
    struct stream_limits limits = limits_of(stream);
    natsStatus status = js_GetStreamInfo(&info, bus->streams, stream->name, NULL, &code);
    if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr)
        return make_stream(bus, stream->name, &limits, err);
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at stream", stream->name);
    bool ok = update_stream(bus, info->Config, stream->name, &limits, err);
    jsStreamInfo_Destroy(info);
    return ok;
}

bool bus_stream_inspect(struct bus *bus, const char *name, struct bus_stream_state *out_state, struct err *err)
{
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    if (!bus_name_is_valid(name))
        return err_set(err, ERR_INPUT, "\"%.40s\" is no name of a stream", name ? name : "");
    if (!bus_check_connected(bus->control, name, err))
        return false;
    natsStatus status = js_GetStreamInfo(&info, bus->streams, name, NULL, &code);
    if (status == NATS_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "there is no stream %s", name);
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at stream", name);
    *out_state = (struct bus_stream_state){
        .messages = info->State.Msgs,
        .bytes = info->State.Bytes,
        .first_sequence = info->State.FirstSeq,
        .last_sequence = info->State.LastSeq,
        .max_bytes = info->Config->MaxBytes,
        .first_at_us = info->State.FirstTime / 1000,
        .created_at_us = info->Created / 1000,
    };
    jsStreamInfo_Destroy(info);
    return true;
}

bool bus_durable_acknowledged(
    struct bus *bus, const char *stream, const char *durable, uint64_t *out_sequence, struct err *err)
{
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    if (!bus_check_connected(bus->control, stream, err))
        return false;
    natsStatus status = js_GetConsumerInfo(&info, bus->streams, stream, durable, NULL, &code);
    if (status == NATS_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "there is no consumer %s of %s", durable, stream);
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at consumer", durable);
    *out_sequence = info->AckFloor.Stream;
    jsConsumerInfo_Destroy(info);
    return true;
}
