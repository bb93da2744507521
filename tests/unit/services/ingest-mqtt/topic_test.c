/* Whose topics are whose, and what each is for. */
#include "topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct topic_owner owner = { 7, "01900000-0000-7000-8000-0000000000d1", "LOGGER-1" };

static const struct {
    const char *topic;
    enum topic_kind expect;
    const char *name;
} published[] = {
    { "nwims/v1/me/up", TOPIC_READINGS, "" },
    { "nwims/v1/7/LOGGER-1/up", TOPIC_READINGS, "" },
    { "nwims/v1/7/01900000-0000-7000-8000-0000000000d1/up", TOPIC_READINGS, "" },
    { "nwims/v1/me/raw", TOPIC_RAW, "" },
    { "nwims/v1/me/raw/P1", TOPIC_UNKNOWN, "P1" },
    { "nwims/v1/me/up/P1", TOPIC_READING, "P1" },
    { "nwims/v1/me/up/site/P1", TOPIC_READING, "site/P1" },
    { "nwims/v1/me/cmdack/17", TOPIC_COMMAND_REPLY, "17" },
    { "nwims/v1/me/state", TOPIC_IGNORED, "" },
    { "nwims/v1/8/LOGGER-1/up", TOPIC_FOREIGN, "" },
    { "nwims/v1/7/LOGGER-2/up", TOPIC_FOREIGN, "" },
    { "nwims/v1/07/LOGGER-1/up", TOPIC_FOREIGN, "" },
    { "nwims/v1/7/LOGGER-1x/up", TOPIC_FOREIGN, "" },
    { "nwims/v1/7//up", TOPIC_FOREIGN, "" },
    { "nwims/v1/", TOPIC_FOREIGN, "" },
    { "nwims/v1/me", TOPIC_UNKNOWN, "" },
    { "nwims/v1/me/", TOPIC_UNKNOWN, "" },
    { "nwims/v1/me/cmd", TOPIC_UNKNOWN, "" },
    { "nwims/v1/me/cmdack", TOPIC_UNKNOWN, "" },
    { "v1/devices/me/telemetry", TOPIC_TB_TELEMETRY, "" },
    { "v1/devices/me/telemetry/x", TOPIC_UNKNOWN, "" },
    { "v1/devices/me/attributes", TOPIC_IGNORED, "" },
    { "v1/devices/me/rpc/response/3", TOPIC_TB_COMMAND_REPLY, "3" },
    { "v1/devices/you/telemetry", TOPIC_UNKNOWN, "" },
    { "v1/gateway/telemetry", TOPIC_TB_GATEWAY, "" },
    { "v1/gateway/connect", TOPIC_IGNORED, "" },
    { "$SYS/broker/connection/plant/state", TOPIC_IGNORED, "" },
    { "$SYS/broker/load", TOPIC_UNKNOWN, "" },
    { "sensors/P1", TOPIC_UNKNOWN, "" },
    { "", TOPIC_UNKNOWN, "" },
    { "/", TOPIC_UNKNOWN, "" },
};
static const struct {
    const char *filter;
    enum topic_kind expect;
} subscribed[] = {
    { "nwims/v1/me/cmd", TOPIC_COMMANDS },
    { "nwims/v1/7/LOGGER-1/cmd", TOPIC_COMMANDS },
    { "nwims/v1/me/cmd/#", TOPIC_COMMANDS },
    { "nwims/v1/me/#", TOPIC_COMMANDS },
    { "nwims/v1/me/cfg", TOPIC_QUIET },
    { "nwims/v1/+/LOGGER-1/cmd", TOPIC_FOREIGN },
    { "nwims/v1/7/+/cmd", TOPIC_FOREIGN },
    { "nwims/v1/#", TOPIC_FOREIGN },
    { "nwims/v1/8/LOGGER-1/cmd", TOPIC_FOREIGN },
    { "nwims/v1/me/up", TOPIC_UNKNOWN },
    { "v1/devices/me/rpc/request/+", TOPIC_TB_COMMANDS },
    { "v1/devices/me/attributes", TOPIC_QUIET },
    { "v1/#", TOPIC_UNKNOWN },
    { "#", TOPIC_UNKNOWN },
    { "$SYS/#", TOPIC_UNKNOWN },
    { "$share/g/nwims/v1/me/cmd", TOPIC_UNKNOWN },
};

static void a_device_publishes_on_its_own_topics_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(published); i++) {
        const struct mqtt_text text = { published[i].topic, strlen(published[i].topic) };
        struct topic topic = topic_of_publish(&text, &owner);
        if (topic.kind != published[i].expect)
            fail_msg("%s: %d", published[i].topic, topic.kind);
        if (published[i].name[0] != '\0') {
            assert_int_equal(topic.name.length, strlen(published[i].name));
            assert_memory_equal(topic.name.bytes, published[i].name, topic.name.length);
        }
    }
}

static void a_device_listens_to_its_own_commands_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(subscribed); i++) {
        const struct mqtt_text text = { subscribed[i].filter, strlen(subscribed[i].filter) };
        if (topic_of_filter(&text, &owner).kind != subscribed[i].expect)
            fail_msg("%s: %d", subscribed[i].filter, topic_of_filter(&text, &owner).kind);
    }
}

static void a_device_without_a_code_is_not_named_by_an_empty_one(void **state)
{
    static const char topic[] = "nwims/v1/7//up";
    const struct topic_owner nameless = { 7, "01900000-0000-7000-8000-0000000000d1", "" };
    (void)state;
    assert_int_equal(topic_of_publish(&(struct mqtt_text){ topic, strlen(topic) }, &nameless).kind, TOPIC_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_publishes_on_its_own_topics_only),
        cmocka_unit_test(a_device_listens_to_its_own_commands_only),
        cmocka_unit_test(a_device_without_a_code_is_not_named_by_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
