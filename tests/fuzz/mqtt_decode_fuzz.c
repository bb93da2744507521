/* Any bytes as what a client sends, packet by packet, in the version that the first byte says: refused, or structs
 * whose texts lie in the packet. A topic that was read is classified too. */
#include "mqtt_packet.h"
#include "tests/fuzz/fuzz.h"
#include "topic.h"
#include <stdlib.h>

enum { MOST = 65536 };

/* Every byte of every text is looked at, so that one outside is seen. */
static void look_at(const struct mqtt_text *text, const struct mqtt_frame *frame)
{
    volatile unsigned sum = 0;
    if (!text->bytes && text->length > 0)
        abort();
    if (text->bytes && (text->bytes < (const char *)frame->body ||
                           text->bytes + text->length > (const char *)frame->body + frame->body_size))
        abort();
    for (size_t i = 0; i < text->length; i++)
        sum += (unsigned char)text->bytes[i];
    (void)sum;
}

static void look_at_packet(const struct mqtt_packet *packet, const struct mqtt_frame *frame)
{
    const struct topic_owner owner = { 7, "01900000-0000-7000-8000-0000000000d1", "LOGGER-1" };
    if (packet->type == MQTT_CONNECT) {
        look_at(&packet->connect.client_id, frame);
        look_at(&packet->connect.user_name, frame);
        look_at(&packet->connect.password, frame);
        look_at(&packet->connect.will_topic, frame);
        look_at(&packet->connect.will_payload, frame);
    } else if (packet->type == MQTT_PUBLISH) {
        look_at(&packet->publish.topic, frame);
        look_at(&packet->publish.payload, frame);
        look_at(&packet->publish.properties.content_type, frame);
        (void)topic_of_publish(&packet->publish.topic, &owner);
    } else if (packet->type == MQTT_SUBSCRIBE || packet->type == MQTT_UNSUBSCRIBE) {
        if (packet->subscribe.count == 0 || packet->subscribe.count > MQTT_MOST_FILTERS)
            abort();
        for (size_t i = 0; i < packet->subscribe.count; i++) {
            look_at(&packet->subscribe.filters[i], frame);
            (void)topic_of_filter(&packet->subscribe.filters[i], &owner);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum mqtt_version version = size > 0 && data[0] & 1 ? MQTT_5 : MQTT_3_1_1;
    struct mqtt_frame frame;
    struct mqtt_fault fault = { 0 };
    for (size_t at = 1; at < size;) {
        struct mqtt_packet packet;
        enum mqtt_framing framing = mqtt_frame_next(data + at, size - at, MOST, &frame, &fault);
        if (framing != MQTT_FRAME)
            break;
        if (frame.size == 0 || frame.size > size - at)
            abort();
        if (mqtt_decode(&packet, &frame, version, &fault) != (fault.reason == MQTT_SUCCESS))
            abort();
        if (fault.reason == MQTT_SUCCESS)
            look_at_packet(&packet, &frame);
        else if (!fault.problem)
            abort();
        at += frame.size;
    }
    return 0;
}
