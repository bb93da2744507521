#include "bus/bus_durable.h"
#include "bus/bus_internal.h"
#include "bus/bus_subject.h"
#include <string.h>

enum {
    DEFAULT_EXPIRES_MS = 30000,
    MOST_EXPIRES_MS = 3600000,
    DEFAULT_ACK_WAIT_MS = 30000,
    DEFAULT_MAX_DELIVER = 5,
    DEFAULT_MAX_ACK_PENDING = 1000,
    MOST_BATCH = 10000
};

bool bus_durable_complete(struct bus_consumer_config *config, struct err *err)
{
    if (!bus_name_is_valid(config->stream) || !bus_name_is_valid(config->durable))
        return err_set(err, ERR_CONFIG, "a consumer needs the names of a stream and of itself, without dots");
    if (config->filter && !bus_pattern_is_valid(config->filter))
        return err_set(err, ERR_CONFIG, "consumer %s: \"%.80s\" is no filter", config->durable, config->filter);
    if (config->batch < 1 || config->batch > MOST_BATCH || config->ack_wait_ms < 0 ||
        config->ack_wait_ms > INT64_MAX / 1000000 || config->expires_ms < 0 || config->expires_ms > MOST_EXPIRES_MS ||
        config->max_deliver < 0 || config->max_ack_pending < 0)
        return err_set(err, ERR_CONFIG, "consumer %s: batch, times or bounds are out of range", config->durable);
    if (config->ack_wait_ms == 0)
        config->ack_wait_ms = DEFAULT_ACK_WAIT_MS;
    if (config->expires_ms == 0)
        config->expires_ms = DEFAULT_EXPIRES_MS;
    if (config->max_deliver == 0)
        config->max_deliver = DEFAULT_MAX_DELIVER;
    if (config->max_ack_pending == 0)
        config->max_ack_pending = DEFAULT_MAX_ACK_PENDING;
    return true;
}

static bool make_durable(
    struct bus *bus, const struct bus_consumer_config *wanted, jsOptions *options, const char *doing, struct err *err)
{
    jsConsumerConfig config;
    jsErrCode code = 0;
    jsConsumerConfig_Init(&config);
    config.Durable = wanted->durable;
    config.DeliverPolicy = js_DeliverAll;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = wanted->ack_wait_ms * 1000000;
    config.MaxDeliver = wanted->max_deliver;
    config.MaxAckPending = wanted->max_ack_pending;
    config.FilterSubject = wanted->filter;
    natsStatus status = js_AddConsumer(NULL, bus->streams, wanted->stream, &config, options, &code);
    return status == NATS_OK || bus_fail_api(err, status, code, doing, wanted->durable);
}

static bool has_filter(const jsConsumerConfig *existing, const char *filter)
{
    const char *theirs = existing->FilterSubject ? existing->FilterSubject : "";
    return strcmp(theirs, filter ? filter : "") == 0;
}

static bool check_durable(struct bus *bus, const jsConsumerConfig *existing, const struct bus_consumer_config *wanted,
    jsOptions *options, struct err *err)
{
    if (!has_filter(existing, wanted->filter)) /* 2.9.10 may stop delivering after such a change */
        return err_set(err, ERR_CONFIG, "consumer %s of %s exists with another filter: give the new one another name",
            wanted->durable, wanted->stream);
    if (existing->AckWait == wanted->ack_wait_ms * 1000000 && existing->MaxDeliver == wanted->max_deliver &&
        existing->MaxAckPending == wanted->max_ack_pending)
        return true;
    return make_durable(bus, wanted, options, "updating consumer", err);
}

bool bus_durable_ensure(struct bus *bus, const struct bus_consumer_config *config, int64_t wait_ms, struct err *err)
{
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = wait_ms;
    if (!bus_check_connected(bus->control, config->durable, err))
        return false;
    natsStatus status = js_GetConsumerInfo(&info, bus->streams, config->stream, config->durable, &options, &code);
    if (status == NATS_NOT_FOUND || code == JSConsumerNotFoundErr || code == JSStreamNotFoundErr)
        return make_durable(bus, config, &options, "making consumer", err);
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at consumer", config->durable);
    bool ok = check_durable(bus, info->Config, config, &options, err);
    jsConsumerInfo_Destroy(info);
    return ok;
}

bool bus_durable_exists(struct bus *bus, const struct bus_consumer_config *config, int64_t wait_ms)
{
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    jsOptions options;
    struct err away = { 0 };
    jsOptions_Init(&options);
    options.Wait = wait_ms;
    if (!bus_check_connected(bus->control, config->durable, &away) ||
        js_GetConsumerInfo(&info, bus->streams, config->stream, config->durable, &options, &code) != NATS_OK)
        return false;
    jsConsumerInfo_Destroy(info);
    return true;
}
