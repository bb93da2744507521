#include "topic.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is(const struct mqtt_text *text, const char *wanted)
{
    return text->length == strlen(wanted) && memcmp(text->bytes, wanted, text->length) == 0;
}

/* The first level; *rest is what follows its slash, empty at the end. */
static struct mqtt_text level(struct mqtt_text *rest)
{
    const char *slash = rest->length > 0 ? memchr(rest->bytes, '/', rest->length) : NULL;
    struct mqtt_text first = { rest->bytes, slash ? (size_t)(slash - rest->bytes) : rest->length };
    size_t taken = first.length + (slash ? 1 : 0);
    *rest = (struct mqtt_text){ rest->bytes + taken, rest->length - taken };
    return first;
}

/* Takes the prefix off if it is there. */
static bool skip(struct mqtt_text *topic, const char *prefix)
{
    size_t length = strlen(prefix);
    if (topic->length < length || memcmp(topic->bytes, prefix, length) != 0)
        return false;
    *topic = (struct mqtt_text){ topic->bytes + length, topic->length - length };
    return true;
}

/* Behind nwims/v1/: takes me/ or <tenant>/<device>/ off. */
static bool skip_owner(struct mqtt_text *topic, const struct topic_owner *owner)
{
    char tenant[16];
    struct mqtt_text first = level(topic);
    if (is(&first, "me"))
        return true;
    snprintf(tenant, sizeof tenant, "%" PRId32, owner->tenant_id);
    struct mqtt_text device = level(topic);
    return is(&first, tenant) &&
           (is(&device, owner->device_id) || (owner->device_code[0] != '\0' && is(&device, owner->device_code)));
}

static struct topic own_topic(struct mqtt_text topic, const struct topic_owner *owner)
{
    if (!skip_owner(&topic, owner))
        return (struct topic){ .kind = TOPIC_FOREIGN };
    struct mqtt_text what = level(&topic);
    bool has_name = topic.length > 0;
    enum topic_kind kind = is(&what, "up")                   ? (has_name ? TOPIC_READING : TOPIC_READINGS)
                           : is(&what, "cmdack") && has_name ? TOPIC_COMMAND_REPLY
                           : is(&what, "state")              ? TOPIC_IGNORED
                                                             : TOPIC_UNKNOWN;
    return (struct topic){ kind, topic };
}

static struct topic thingsboard_topic(struct mqtt_text topic)
{
    if (skip(&topic, "devices/me/")) {
        if (is(&topic, "telemetry"))
            return (struct topic){ .kind = TOPIC_TB_TELEMETRY };
        if (skip(&topic, "rpc/response/"))
            return (struct topic){ TOPIC_TB_COMMAND_REPLY, topic };
        return (struct topic){ .kind = skip(&topic, "attributes") ? TOPIC_IGNORED : TOPIC_UNKNOWN };
    }
    if (!skip(&topic, "gateway/"))
        return (struct topic){ .kind = TOPIC_UNKNOWN };
    if (is(&topic, "telemetry"))
        return (struct topic){ .kind = TOPIC_TB_GATEWAY };
    bool is_notice = is(&topic, "connect") || is(&topic, "disconnect") || is(&topic, "attributes");
    return (struct topic){ .kind = is_notice ? TOPIC_IGNORED : TOPIC_UNKNOWN };
}

struct topic topic_of_publish(const struct mqtt_text *name, const struct topic_owner *owner)
{
    struct mqtt_text topic = *name;
    if (skip(&topic, "nwims/v1/"))
        return own_topic(topic, owner);
    if (skip(&topic, "v1/"))
        return thingsboard_topic(topic);
    if (skip(&topic, "spBv1.0/"))
        return (struct topic){ TOPIC_SPARKPLUG, topic };
    return (struct topic){ .kind = skip(&topic, "$SYS/broker/connection/") ? TOPIC_IGNORED : TOPIC_UNKNOWN };
}

static struct topic own_filter(struct mqtt_text filter, const struct topic_owner *owner)
{
    if (!skip_owner(&filter, owner))
        return (struct topic){ .kind = TOPIC_FOREIGN };
    if (is(&filter, "cmd") || is(&filter, "cmd/#") || is(&filter, "#") || is(&filter, "+"))
        return (struct topic){ .kind = TOPIC_COMMANDS };
    return (struct topic){ .kind = is(&filter, "cfg") || is(&filter, "ack") ? TOPIC_QUIET : TOPIC_UNKNOWN };
}

struct topic topic_of_filter(const struct mqtt_text *name, const struct topic_owner *owner)
{
    static const char *const quiet[] = { "devices/me/attributes", "devices/me/attributes/response/+", "gateway/rpc",
        "gateway/attributes" };
    struct mqtt_text filter = *name;
    if (skip(&filter, "nwims/v1/"))
        return own_filter(filter, owner);
    if (!skip(&filter, "v1/"))
        return (struct topic){ .kind = TOPIC_UNKNOWN };
    if (is(&filter, "devices/me/rpc/request/+") || is(&filter, "devices/me/rpc/request/#"))
        return (struct topic){ .kind = TOPIC_TB_COMMANDS };
    for (size_t i = 0; i < COUNT_OF(quiet); i++)
        if (is(&filter, quiet[i]))
            return (struct topic){ .kind = TOPIC_QUIET };
    return (struct topic){ .kind = TOPIC_UNKNOWN };
}
