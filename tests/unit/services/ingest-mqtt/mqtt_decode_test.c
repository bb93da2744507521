/* Control packets as the standards of 3.1.1 and 5 lay them out, whole, cut at every byte, and wrong in every way. */
#include "base/text.h"
#include "mqtt_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 4096 };
static unsigned char bytes[1024];

static size_t from_hex(const char *hex)
{
    char tight[2 * sizeof bytes];
    size_t length = 0;
    for (const char *at = hex; *at; at++)
        if (*at != ' ')
            tight[length++] = *at;
    assert_true(length % 2 == 0 && text_from_hex(bytes, length / 2, tight, length));
    return length / 2;
}

static bool decode(struct mqtt_packet *packet, const char *hex, enum mqtt_version version, struct mqtt_fault *fault)
{
    struct mqtt_frame frame;
    size_t size = from_hex(hex);
    enum mqtt_framing framing = mqtt_frame_next(bytes, size, MOST, &frame, fault);
    if (framing == MQTT_FRAME_BAD)
        return false;
    assert_int_equal(framing, MQTT_FRAME);
    assert_int_equal(frame.size, size);
    return mqtt_decode(packet, &frame, version, fault);
}

static struct mqtt_packet must_decode(const char *hex, enum mqtt_version version)
{
    struct mqtt_packet packet;
    struct mqtt_fault fault;
    if (!decode(&packet, hex, version, &fault))
        fail_msg("%s: %s", hex, fault.problem);
    return packet;
}

static void text_is(const struct mqtt_text *text, const char *wanted)
{
    assert_non_null(text->bytes);
    assert_int_equal(text->length, strlen(wanted));
    assert_memory_equal(text->bytes, wanted, text->length);
}

static void connect_of_3_1_1_is_read(void **state)
{
    (void)state;
    /* MQTT, level 4, user name, password, will QoS 1 retained, clean session, keep-alive 60; "a", "w/t", 01ff, "u", "p"
     */
    struct mqtt_packet packet =
        must_decode("10 1c 00044d515454 04 ee 003c 000161 0003772f74 000201ff 000175 000170", MQTT_3_1_1);
    assert_int_equal(packet.type, MQTT_CONNECT);
    assert_int_equal(packet.connect.version, MQTT_3_1_1);
    assert_true(packet.connect.clean_start && packet.connect.has_will && packet.connect.will_retain);
    assert_int_equal(packet.connect.will_qos, 1);
    assert_int_equal(packet.connect.keep_alive_s, 60);
    text_is(&packet.connect.client_id, "a");
    text_is(&packet.connect.will_topic, "w/t");
    assert_int_equal(packet.connect.will_payload.length, 2);
    text_is(&packet.connect.user_name, "u");
    text_is(&packet.connect.password, "p");
    assert_int_equal(packet.connect.properties.receive_maximum, 65535);
}

static void connect_of_5_is_read_with_its_properties(void **state)
{
    (void)state;
    /* session expiry 10, receive maximum 5, maximum packet 256, user property a=b; no user name, but a password */
    struct mqtt_packet packet = must_decode(
        "10 28 00044d515454 05 42 000a 14 110000000a 210005 2700000100 26 000161 000162 000163 00047365 6372", MQTT_5);
    assert_int_equal(packet.connect.version, MQTT_5);
    assert_true(packet.connect.properties.has_session_expiry);
    assert_int_equal(packet.connect.properties.session_expiry_s, 10);
    assert_int_equal(packet.connect.properties.receive_maximum, 5);
    assert_int_equal(packet.connect.properties.maximum_packet_size, 256);
    text_is(&packet.connect.client_id, "c");
    text_is(&packet.connect.password, "secr");
    assert_null(packet.connect.user_name.bytes);
}

static void a_bridge_of_mosquitto_is_known_by_its_high_bit(void **state)
{
    (void)state;
    struct mqtt_packet packet = must_decode("10 0d 00044d515454 84 02 003c 000162", MQTT_3_1_1);
    assert_true(packet.connect.is_bridge);
    assert_int_equal(packet.connect.version, MQTT_3_1_1);
}

static void publish_is_read_in_both_versions(void **state)
{
    (void)state;
    struct mqtt_packet packet = must_decode("3b 09 0003612f62 0007 3132", MQTT_3_1_1);
    assert_int_equal(packet.publish.qos, 1);
    assert_true(packet.publish.is_duplicate && packet.publish.is_retained);
    assert_int_equal(packet.publish.packet_id, 7);
    text_is(&packet.publish.topic, "a/b");
    text_is(&packet.publish.payload, "12");
    packet = must_decode("30 0c 0003612f62 04 03 000174 3132", MQTT_5);
    assert_int_equal(packet.publish.qos, 0);
    text_is(&packet.publish.properties.content_type, "t");
    text_is(&packet.publish.payload, "12");
    packet = must_decode("30 05 0003612f62", MQTT_3_1_1); /* an empty payload is one */
    assert_int_equal(packet.publish.payload.length, 0);
}

static void the_small_packets_are_read(void **state)
{
    (void)state;
    assert_int_equal(must_decode("c0 00", MQTT_3_1_1).type, MQTT_PINGREQ);
    assert_int_equal(must_decode("e0 00", MQTT_3_1_1).type, MQTT_DISCONNECT);
    assert_int_equal(must_decode("e0 01 04", MQTT_5).disconnect_reason, MQTT_DISCONNECT_WITH_WILL);
    assert_int_equal(must_decode("e0 07 00 05 110000 0000", MQTT_5).disconnect_reason, 0);
    assert_int_equal(must_decode("40 02 0102", MQTT_3_1_1).acknowledgement.packet_id, 0x0102);
    assert_int_equal(must_decode("40 03 0102 87", MQTT_5).acknowledgement.reason, 0x87);
    assert_int_equal(must_decode("62 02 0102", MQTT_5).type, MQTT_PUBREL);
}

static void subscribe_and_unsubscribe_name_their_filters(void **state)
{
    (void)state;
    struct mqtt_packet packet = must_decode("82 0e 000a 0003612f62 01 0003632f64 02", MQTT_3_1_1);
    assert_int_equal(packet.subscribe.packet_id, 10);
    assert_int_equal(packet.subscribe.count, 2);
    text_is(&packet.subscribe.filters[1], "c/d");
    assert_int_equal(packet.subscribe.qos[1], 2);
    packet = must_decode("82 0b 000a 02 0b05 0003612f23 2d", MQTT_5); /* identifier 5; no local, retain handling 2 */
    assert_int_equal(packet.subscribe.qos[0], 1);
    packet = must_decode("a2 08 000a 00 0003612f62", MQTT_5);
    assert_int_equal(packet.type, MQTT_UNSUBSCRIBE);
    assert_int_equal(packet.subscribe.count, 1);
}

static const struct {
    const char *name, *hex;
    enum mqtt_version version;
    enum mqtt_reason expect;
} wrong[] = {
    { "type 0", "00 00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "AUTH without a method", "f0 00", MQTT_5, MQTT_PROTOCOL_ERROR },
    { "CONNACK from a client", "20 02 0000", MQTT_3_1_1, MQTT_PROTOCOL_ERROR },
    { "SUBACK from a client", "90 03 000101", MQTT_3_1_1, MQTT_PROTOCOL_ERROR },
    { "PINGREQ with flags", "c1 00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "SUBSCRIBE without its flags", "80 06 000a 000161 00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "bytes behind the end", "c0 01 00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "another protocol", "10 0d 00044d515458 04 02 003c 000161", MQTT_3_1_1, MQTT_UNSUPPORTED_VERSION },
    { "MQTT 3.1", "10 0f 00064d5149736470 03 02 003c 000161", MQTT_3_1_1, MQTT_UNSUPPORTED_VERSION },
    { "level 6", "10 0d 00044d515454 06 02 003c 000161", MQTT_3_1_1, MQTT_UNSUPPORTED_VERSION },
    { "the reserved flag of CONNECT", "10 0d 00044d515454 04 03 003c 000161", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "will flags without a will", "10 0d 00044d515454 04 0a 003c 000161", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a will of QoS 3", "10 13 00044d515454 04 1e 003c 000161 000174 000170", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a password without a user name", "10 10 00044d515454 04 42 003c 000161 000170", MQTT_3_1_1,
        MQTT_MALFORMED_PACKET },
    { "a property of servers", "10 11 00044d515454 05 02 003c 03 130001 000161", MQTT_5, MQTT_PROTOCOL_ERROR },
    { "a property twice", "10 14 00044d515454 05 02 003c 06 210001210001 000161", MQTT_5, MQTT_PROTOCOL_ERROR },
    { "a receive maximum of 0", "10 11 00044d515454 05 02 003c 03 210000 000161", MQTT_5, MQTT_PROTOCOL_ERROR },
    { "properties longer than the packet", "10 0e 00044d515454 05 02 003c 20 000161", MQTT_5, MQTT_MALFORMED_PACKET },
    { "a flag that is 2", "10 10 00044d515454 05 02 003c 02 1702 000161", MQTT_5, MQTT_PROTOCOL_ERROR },
    { "QoS 3", "36 07 0003612f62 0001", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a repeat of QoS 0", "38 05 0003612f62", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a packet identifier of 0", "32 07 0003612f62 0000", MQTT_3_1_1, MQTT_PROTOCOL_ERROR },
    { "no topic", "30 02 0000", MQTT_3_1_1, MQTT_PROTOCOL_ERROR },
    { "a wildcard in a name", "30 05 0003612f23", MQTT_3_1_1, MQTT_TOPIC_NAME_INVALID },
    { "a topic with a NUL", "30 05 0003612f00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a topic that is not UTF-8", "30 05 000361c328", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a topic with a surrogate", "30 05 0003eda080", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a topic alias of 0", "30 09 0003612f62 03 230000", MQTT_5, MQTT_TOPIC_ALIAS_INVALID },
    { "SUBSCRIBE to nothing", "82 02 000a", MQTT_3_1_1, MQTT_PROTOCOL_ERROR },
    { "an empty filter", "82 05 000a 0000 00", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a subscription of QoS 3", "82 06 000a 000161 03", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "options of 5 in 3.1.1", "82 06 000a 000161 04", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "retain handling 3", "82 07 000a 00 000161 30", MQTT_5, MQTT_MALFORMED_PACKET },
    { "a length of five bytes", "30 ff ff ff ff 01", MQTT_3_1_1, MQTT_MALFORMED_PACKET },
    { "a packet larger than we take", "30 81 20", MQTT_3_1_1, MQTT_PACKET_TOO_LARGE },
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct mqtt_packet packet;
        struct mqtt_fault fault = { 0 };
        if (decode(&packet, wrong[i].hex, wrong[i].version, &fault))
            fail_msg("%s: was taken", wrong[i].name);
        if (fault.reason != wrong[i].expect)
            fail_msg("%s: 0x%02x %s", wrong[i].name, fault.reason, fault.problem);
        assert_non_null(fault.problem);
    }
}

static const char *const good[] = {
    "10 1c 00044d515454 04 ee 003c 000161 0003772f74 000201ff 000175 000170",
    "10 28 00044d515454 05 42 000a 14 110000000a 210005 2700000100 26 000161 000162 000163 00047365 6372",
    "32 0e 0003612f62 0007 04 03 000174 3132",
    "82 0b 000a 02 0b05 0003612f23 2d",
    "e0 07 00 05 110000 0000",
};

static void a_packet_cut_at_any_byte_waits_for_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        size_t size = from_hex(good[i]);
        for (size_t cut = 0; cut < size; cut++) {
            struct mqtt_frame frame;
            struct mqtt_fault fault;
            unsigned char *part = malloc(cut ? cut : 1); /* so that a byte beyond it is noticed */
            memcpy(part, bytes, cut);
            assert_int_equal(mqtt_frame_next(part, cut, MOST, &frame, &fault), MQTT_FRAME_MORE);
            free(part);
        }
    }
}

static void a_body_that_is_shorter_than_it_says_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        size_t size = from_hex(good[i]);
        for (size_t body = 0; body + 2 < size; body++) {
            struct mqtt_packet packet;
            struct mqtt_fault fault = { 0 };
            unsigned char *part = malloc(body ? body : 1);
            memcpy(part, bytes + 2, body);
            const struct mqtt_frame frame = { bytes[0], part, body, body + 2 };
            bool is_taken = mqtt_decode(&packet, &frame, MQTT_5, &fault);
            /* A payload may be shorter; and DISCONNECT may leave its fields out. */
            assert_true(is_taken == (fault.reason == MQTT_SUCCESS));
            if (bytes[0] >> 4 == MQTT_CONNECT)
                assert_false(is_taken);
            free(part);
        }
    }
}

static void what_the_server_says_is_laid_out_as_the_standard_wants(void **state)
{
    AUTO_INPLACE(buffer) out = { 0 };
    unsigned char ack[MQTT_ACK_SIZE];
    (void)state;
    mqtt_put_connack(&out, MQTT_3_1_1, &(struct mqtt_connack){ .code = 4 });
    assert_int_equal(out.size, 4);
    assert_memory_equal(out.data, "\x20\x02\x00\x04", 4);
    buffer_reset(&out);
    mqtt_put_connack(&out, MQTT_5, &(struct mqtt_connack){ .receive_maximum = 64, .server_keep_alive_s = 60 });
    assert_int_equal(out.size, from_hex("20 0f 00 00 0c 2401 2900 2a00 210040 13003c"));
    assert_memory_equal(out.data, bytes, out.size);
    buffer_reset(&out);
    assert_int_equal(mqtt_write_ack(ack, MQTT_3_1_1, MQTT_PUBACK, 0x0102, 0x99), 4);
    assert_memory_equal(ack, "\x40\x02\x01\x02", 4);
    assert_int_equal(mqtt_write_ack(ack, MQTT_5, MQTT_PUBACK, 0x0102, 0x99), 5);
    assert_memory_equal(ack, "\x40\x03\x01\x02\x99", 5);
    mqtt_put_suback(&out, MQTT_3_1_1, MQTT_SUBACK, 10, (const uint8_t[]){ 1, 0x80 }, 2);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "\x90\x04\x00\x0a\x01\x80", 6);
    buffer_reset(&out);
    mqtt_put_suback(&out, MQTT_3_1_1, MQTT_UNSUBACK, 10, (const uint8_t[]){ 0 }, 1);
    assert_int_equal(out.size, 4);
    buffer_reset(&out);
    mqtt_put_publish(&out, MQTT_5, "a/b", 7, false, "12", 2);
    assert_int_equal(out.size, from_hex("32 0a 0003612f62 0007 00 3132"));
    assert_memory_equal(out.data, bytes, out.size);
    buffer_reset(&out);
    mqtt_put_disconnect(&out, MQTT_SERVER_SHUTTING_DOWN, "bye");
    assert_int_equal(out.size, from_hex("e0 08 8b 06 1f 0003627965"));
    assert_memory_equal(out.data, bytes, out.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_of_3_1_1_is_read),
        cmocka_unit_test(connect_of_5_is_read_with_its_properties),
        cmocka_unit_test(a_bridge_of_mosquitto_is_known_by_its_high_bit),
        cmocka_unit_test(publish_is_read_in_both_versions),
        cmocka_unit_test(the_small_packets_are_read),
        cmocka_unit_test(subscribe_and_unsubscribe_name_their_filters),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_packet_cut_at_any_byte_waits_for_the_rest),
        cmocka_unit_test(a_body_that_is_shorter_than_it_says_is_refused),
        cmocka_unit_test(what_the_server_says_is_laid_out_as_the_standard_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
