/* Sparkplug B: the messages of an independent encoder (sparkplug-payload 1.0.3), and what can be wrong with them. */
#include "base/text.h"
#include "sparkplug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* bdSeq 3, "Node Control/Rebirth" false, "Flow/m3h" alias 7 Double 12.5 */
#define NBIRTH                                                                                                         \
    "0880d095ffbc3112120a0562645365711880d095ffbc312008580312210a144e6f646520436f6e74726f6c2f5265626972746818"         \
    "80d095ffbc31200b7000121e0a08466c6f772f6d336810071880d095ffbc31200a6900000000000029401800"
#define NDATA "08e0a499ffbc311214100718f89c99ffbc31200a690000000000802b401801"
/* alias 7 = 11 of the past, "Level/mm" Int32 -42 */
#define NDATA_2                                                                                                        \
    "08c0f99cffbc31121610071880a3b3fabc31200a280169000000000000264012190a084c6576656c2f6d6d18d8f19cffbc31200350d6ffff" \
    "ff0f1802"

static struct arena arena;
static unsigned char bytes[512];

static struct mqtt_text from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    assert_true(text_from_hex(bytes, size, hex, 2 * size));
    return (struct mqtt_text){ (const char *)bytes, size };
}

static struct sparkplug_topic topic_of(const char *text)
{
    struct sparkplug_topic topic;
    const struct mqtt_text rest = { text, strlen(text) };
    assert_true(sparkplug_topic_read(&topic, &rest));
    return topic;
}

static struct sparkplug_names *born(const char *topic_text, const char *hex, struct sparkplug_names *before)
{
    struct sparkplug_names *names = NULL;
    struct err err = { 0 };
    const struct sparkplug_topic topic = topic_of(topic_text);
    const struct mqtt_text payload = from_hex(hex);
    if (!sparkplug_learn(&names, before, &topic, &payload, &arena, &err))
        fail_msg("%s", err.text);
    sparkplug_names_drop(before);
    return names;
}

static struct sparkplug_message heard(const char *topic_text, const char *hex, const struct sparkplug_names *names)
{
    struct sparkplug_message message;
    struct err err = { 0 };
    const struct sparkplug_topic topic = topic_of(topic_text);
    const struct mqtt_text payload = from_hex(hex);
    if (!sparkplug_read(&message, names, &topic, &payload, &arena, &err))
        fail_msg("%s", err.text);
    return message;
}

static void reading_is(const struct raw_reading *reading, const char *sensor, double value, int64_t ms)
{
    assert_null(reading->fault);
    assert_int_equal(reading->sensor_length, strlen(sensor));
    assert_memory_equal(reading->sensor, sensor, strlen(sensor));
    assert_true(reading->value == value);
    assert_true(reading->has_time && reading->observed_at == ms * 1000);
}

static void a_birth_gives_values_and_names(void **state)
{
    (void)state;
    struct sparkplug_names *names = born("plant/NBIRTH/edge", NBIRTH, NULL);
    struct sparkplug_message message = heard("plant/NBIRTH/edge", NBIRTH, names);
    assert_int_equal(message.readings.count, 1); /* bdSeq and Rebirth are control */
    reading_is(&message.readings.items[0], "Flow/m3h", 12.5, 1700000000000);
    assert_true(message.has_sequence && message.sequence == 0);
    message = heard("plant/NDATA/edge", NDATA, names);
    assert_int_equal(message.readings.count, 1);
    reading_is(&message.readings.items[0], "Flow/m3h", 13.75, 1700000059000);
    assert_int_equal(message.sequence, 1);
    assert_int_equal(message.unknown, 0);
    sparkplug_names_drop(names);
}

static void signed_numbers_come_out_of_unsigned_fields(void **state)
{
    (void)state;
    struct sparkplug_names *names = born("plant/NBIRTH/edge", NBIRTH, NULL);
    struct sparkplug_message message = heard("plant/NDATA/edge", NDATA_2, names);
    assert_int_equal(message.readings.count, 2);
    reading_is(&message.readings.items[0], "Flow/m3h", 11, 1699990000000);
    reading_is(&message.readings.items[1], "Level/mm", -42, 1700000119000);
    sparkplug_names_drop(names);
}

/* "Make" String "Acme" */
static void a_text_is_a_property_in_a_birth_and_no_value_in_data(void **state)
{
    static const char made[] = "120e0a044d616b65200c7a0441636d651800";
    (void)state;
    assert_int_equal(heard("plant/NBIRTH/edge", made, NULL).readings.count, 0);
    assert_int_equal(heard("plant/DBIRTH/edge/pump", made, NULL).readings.count, 0);
    struct sparkplug_message message = heard("plant/NDATA/edge", made, NULL);
    assert_int_equal(message.readings.count, 1);
    assert_non_null(message.readings.items[0].fault);
}

static void an_alias_that_no_birth_told_is_counted(void **state)
{
    (void)state;
    struct sparkplug_message message = heard("plant/NDATA/edge", NDATA_2, NULL);
    assert_int_equal(message.unknown, 1);
    assert_int_equal(message.readings.count, 1); /* the other has its name with it */
}

static void metrics_of_a_device_are_named_after_it(void **state)
{
    (void)state;
    struct sparkplug_names *names = born("plant/NBIRTH/edge", NBIRTH, NULL);
    names = born("plant/DBIRTH/edge/PLC-1", NBIRTH, names);
    struct sparkplug_message message = heard("plant/DDATA/edge/PLC-1", NDATA, names);
    reading_is(&message.readings.items[0], "PLC-1/Flow/m3h", 13.75, 1700000059000);
    message = heard("plant/DDATA/edge/PLC-2", NDATA, names);
    assert_int_equal(message.unknown, 1);
    message = heard("plant/NDATA/edge", NDATA, names);
    reading_is(&message.readings.items[0], "Flow/m3h", 13.75, 1700000059000);
    names = born("plant/NBIRTH/edge", NBIRTH, names); /* a node that begins anew forgets its devices */
    assert_int_equal(heard("plant/DDATA/edge/PLC-1", NDATA, names).unknown, 1);
    sparkplug_names_drop(names);
}

static void no_cut_of_a_message_is_read_beyond_its_end(void **state)
{
    static const char *const messages[] = { NBIRTH, NDATA, NDATA_2 };
    const struct sparkplug_topic topic = topic_of("plant/NDATA/edge");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        const struct mqtt_text whole = from_hex(messages[i]);
        for (size_t cut = 0; cut < whole.length; cut++) {
            struct sparkplug_message message;
            struct err err = { 0 };
            char *part = malloc(cut ? cut : 1);
            memcpy(part, whole.bytes, cut);
            const struct mqtt_text payload = { part, cut };
            arena_reset(&arena);
            bool ok = sparkplug_read(&message, NULL, &topic, &payload, &arena, &err);
            assert_true(ok == (err.kind == ERR_NONE));
            free(part);
        }
    }
}

static void topics_are_told_apart(void **state)
{
    static const char *const wrong[] = { "", "plant", "plant/NDATA", "plant/NDATA/", "/NDATA/edge", "plant/XDATA/edge",
        "plant/NDATA/edge/device", "plant/DDATA/edge", "plant/NCMD/edge", "STATE/host" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct sparkplug_topic topic;
        const struct mqtt_text rest = { wrong[i], strlen(wrong[i]) };
        if (sparkplug_topic_read(&topic, &rest))
            fail_msg("%s was taken", wrong[i]);
    }
    assert_int_equal(topic_of("plant/NDEATH/edge").kind, SPARKPLUG_DEATH);
    assert_int_equal(topic_of("plant/DDEATH/edge/PLC-1").kind, SPARKPLUG_DEATH);
}

static void a_rebirth_is_asked_for_by_its_metric(void **state)
{
    AUTO_INPLACE(buffer) out = { 0 };
    struct err err = { 0 };
    (void)state;
    assert_true(sparkplug_put_rebirth(&out, 1700000000000, &err));
    /* as an independent decoder reads the one in the birth, but true */
    const struct mqtt_text metric = from_hex("0a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001");
    assert_non_null(memmem(out.data, out.size, metric.bytes, metric.length));
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_birth_gives_values_and_names),
        cmocka_unit_test(signed_numbers_come_out_of_unsigned_fields),
        cmocka_unit_test(a_text_is_a_property_in_a_birth_and_no_value_in_data),
        cmocka_unit_test(an_alias_that_no_birth_told_is_counted),
        cmocka_unit_test(metrics_of_a_device_are_named_after_it),
        cmocka_unit_test(no_cut_of_a_message_is_read_beyond_its_end),
        cmocka_unit_test(topics_are_told_apart),
        cmocka_unit_test(a_rebirth_is_asked_for_by_its_metric),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
