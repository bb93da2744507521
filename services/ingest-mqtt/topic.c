#include "topic.h"
#include "mqtt_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Behind nwims/v1/: takes me/ or <tenant>/<device>/ off. */
static bool skip_owner(struct mqtt_text *topic, const struct topic_owner *owner)
{
    char tenant[16];
    struct mqtt_text first = mqtt_text_level(topic);
    if (mqtt_text_is(&first, "me"))
        return true;
    snprintf(tenant, sizeof tenant, "%" PRId32, owner->tenant_id);
    struct mqtt_text device = mqtt_text_level(topic);
    return mqtt_text_is(&first, tenant) &&
           (mqtt_text_is(&device, owner->device_id) ||
               (owner->device_code[0] != '\0' && mqtt_text_is(&device, owner->device_code)));
}

static struct topic own_topic(struct mqtt_text topic, const struct topic_owner *owner)
{
    if (!skip_owner(&topic, owner))
        return (struct topic){ .kind = TOPIC_FOREIGN };
    struct mqtt_text what = mqtt_text_level(&topic);
    bool has_name = topic.length > 0;
    enum topic_kind kind = mqtt_text_is(&what, "up")                   ? (has_name ? TOPIC_READING : TOPIC_READINGS)
                           : mqtt_text_is(&what, "raw") && !has_name   ? TOPIC_RAW
                           : mqtt_text_is(&what, "cmdack") && has_name ? TOPIC_COMMAND_REPLY
                           : mqtt_text_is(&what, "state")              ? TOPIC_IGNORED
                                                                       : TOPIC_UNKNOWN;
    return (struct topic){ kind, topic };
}

static struct topic thingsboard_topic(struct mqtt_text topic)
{
    if (mqtt_text_skip(&topic, "devices/me/")) {
        if (mqtt_text_is(&topic, "telemetry"))
            return (struct topic){ .kind = TOPIC_TB_TELEMETRY };
        if (mqtt_text_skip(&topic, "rpc/response/"))
            return (struct topic){ TOPIC_TB_COMMAND_REPLY, topic };
        return (struct topic){ .kind = mqtt_text_skip(&topic, "attributes") ? TOPIC_IGNORED : TOPIC_UNKNOWN };
    }
    if (!mqtt_text_skip(&topic, "gateway/"))
        return (struct topic){ .kind = TOPIC_UNKNOWN };
    if (mqtt_text_is(&topic, "telemetry"))
        return (struct topic){ .kind = TOPIC_TB_GATEWAY };
    bool is_notice =
        mqtt_text_is(&topic, "connect") || mqtt_text_is(&topic, "disconnect") || mqtt_text_is(&topic, "attributes");
    return (struct topic){ .kind = is_notice ? TOPIC_IGNORED : TOPIC_UNKNOWN };
}

struct topic topic_of_publish(const struct mqtt_text *name, const struct topic_owner *owner)
{
    struct mqtt_text topic = *name;
    if (mqtt_text_skip(&topic, "nwims/v1/"))
        return own_topic(topic, owner);
    if (mqtt_text_skip(&topic, "v1/"))
        return thingsboard_topic(topic);
    if (mqtt_text_skip(&topic, "spBv1.0/"))
        return (struct topic){ TOPIC_SPARKPLUG, topic };
    return (struct topic){ .kind = mqtt_text_skip(&topic, "$SYS/broker/connection/") ? TOPIC_IGNORED : TOPIC_UNKNOWN };
}

static struct topic own_filter(struct mqtt_text filter, const struct topic_owner *owner)
{
    if (!skip_owner(&filter, owner))
        return (struct topic){ .kind = TOPIC_FOREIGN };
    if (mqtt_text_is(&filter, "cmd") || mqtt_text_is(&filter, "cmd/#") || mqtt_text_is(&filter, "#") ||
        mqtt_text_is(&filter, "+"))
        return (struct topic){ .kind = TOPIC_COMMANDS };
    return (struct topic){ .kind = mqtt_text_is(&filter, "cfg") || mqtt_text_is(&filter, "ack") ? TOPIC_QUIET
                                                                                                : TOPIC_UNKNOWN };
}

struct topic topic_of_filter(const struct mqtt_text *name, const struct topic_owner *owner)
{
    static const char *const quiet[] = { "devices/me/attributes", "devices/me/attributes/response/+", "gateway/rpc",
        "gateway/attributes" };
    struct mqtt_text filter = *name;
    if (mqtt_text_skip(&filter, "nwims/v1/"))
        return own_filter(filter, owner);
    /* What an edge node of Sparkplug listens to; only what is meant for it is ever sent down its connection. */
    if (mqtt_text_skip(&filter, "spBv1.0/STATE/") || mqtt_text_skip(&filter, "STATE/"))
        return (struct topic){ TOPIC_HOST_STATE, *name };
    if (mqtt_text_skip(&filter, "spBv1.0/"))
        return (struct topic){ .kind = TOPIC_QUIET };
    if (!mqtt_text_skip(&filter, "v1/"))
        return (struct topic){ .kind = TOPIC_UNKNOWN };
    if (mqtt_text_is(&filter, "devices/me/rpc/request/+") || mqtt_text_is(&filter, "devices/me/rpc/request/#"))
        return (struct topic){ .kind = TOPIC_TB_COMMANDS };
    for (size_t i = 0; i < COUNT_OF(quiet); i++)
        if (mqtt_text_is(&filter, quiet[i]))
            return (struct topic){ .kind = TOPIC_QUIET };
    return (struct topic){ .kind = TOPIC_UNKNOWN };
}
