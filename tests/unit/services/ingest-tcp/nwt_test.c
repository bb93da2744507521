/* NWT/1 frames, byte by byte. Check values and proofs were made with Python's hmac and a bitwise CRC, which know
 * nothing of this code. */
#include "base/text.h"
#include "nwt.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static unsigned char bytes[65600];
static struct fault fault;
static struct incoming message;
static size_t taken;

static size_t from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    assert_true(text_from_hex(bytes, size, hex, strlen(hex)));
    return size;
}

static enum reading_outcome read_hex(struct nwt_guard *guard, const char *hex)
{
    return nwt_read(guard, bytes, from_hex(hex), 65536, &message, &taken, &fault);
}

static void assert_hex(const struct buffer *out, const char *hex)
{
    char text[512];
    assert_true(out->size < sizeof text / 2);
    text_hex(text, (const unsigned char *)out->data, out->size);
    assert_string_equal(text, hex);
}

#define HELLO                                                                                                          \
    "00004f"                                                                                                           \
    "01"                                                                                                               \
    "00"                                                                                                               \
    "00"                                                                                                               \
    "0000000000000000"                                                                                                 \
    "01"                                                                                                               \
    "01"                                                                                                               \
    "0000000000000007"                                                                                                 \
    "0000000000000005"                                                                                                 \
    "0000000000000009"                                                                                                 \
    "0000000000000004"                                                                                                 \
    "0006000000000000"                                                                                                 \
    "0000003c"                                                                                                         \
    "05"                                                                                                               \
    "746f6b656e"                                                                                                       \
    "04"                                                                                                               \
    "6e6f6e63"                                                                                                         \
    "04"                                                                                                               \
    "762e3132"

static void a_hello_says_all_that_it_holds(void **state)
{
    struct nwt_guard guard = { 0 };
    (void)state;
    assert_int_equal(read_hex(&guard, HELLO), READ_MORE); /* the length counts trailing bytes that are not there */
    size_t size = from_hex(HELLO);
    bytes[2] = (unsigned char)(size - 3);
    assert_int_equal(nwt_read(&guard, bytes, size, 65536, &message, &taken, &fault), READ_MESSAGE);
    assert_int_equal(taken, size);
    assert_int_equal(message.type, MESSAGE_HELLO);
    assert_int_equal(message.hello.way, WAY_TOKEN);
    assert_int_equal(message.hello.epoch, 7);
    assert_int_equal(message.hello.oldest, 5);
    assert_int_equal(message.hello.next, 9);
    assert_int_equal(message.hello.acknowledged, 4);
    assert_int_equal(message.hello.keep_alive_s, 60);
    assert_memory_equal(message.hello.name.bytes, "token", 5);
    assert_int_equal(message.hello.nonce.length, 4);
    assert_memory_equal(message.hello.firmware.bytes, "v.12", 4);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(nwt_read(&guard, bytes, cut, 65536, &message, &taken, &fault), READ_MORE);
    for (size_t length = 11; length < size - 3; length++) { /* fields that do not fit into what the header says */
        bytes[2] = (unsigned char)length;
        assert_int_equal(nwt_read(&guard, bytes, size, 65536, &message, &taken, &fault), READ_BAD);
        assert_int_equal(fault.code, BYE_MALFORMED);
    }
}

static void data_has_its_first_number_its_count_and_its_body(void **state)
{
    struct nwt_guard guard = { 0 };
    (void)state;
    assert_int_equal(read_hex(&guard, "000012"
                                      "05"
                                      "00"
                                      "00"
                                      "0000000000000102"
                                      "00000003"
                                      "01"
                                      "7b7d"),
        READ_MESSAGE);
    assert_int_equal(message.sequence, 0x102);
    assert_int_equal(message.data.count, 3);
    assert_int_equal(message.data.format, 1);
    assert_int_equal(message.data.body.length, 2);
    assert_memory_equal(message.data.body.bytes, "{}", 2);
}

static void what_is_wrong_is_refused_with_its_code(void **state)
{
    static const struct {
        const char *hex;
        enum bye_code code;
    } cases[] = {
        { "010001", BYE_TOO_LARGE },                     /* 65,537 bytes: known before they come */
        { "7b2268", BYE_TOO_LARGE },                     /* {"h: lines on the port of frames */
        { "00000a08000000000000000000", BYE_MALFORMED }, /* shorter than a header */
        { "00000b08010000000000000000"
          "00",
            BYE_MALFORMED }, /* a MAC where none was agreed on */
        { "00000b08000100000000000000"
          "00",
            BYE_MALFORMED }, /* a stream */
        { "00000b06000000000000000000"
          "00",
            BYE_PROTOCOL }, /* an ACK from a device */
        { "00000b00000000000000000000"
          "00",
            BYE_PROTOCOL }, /* no type */
        { "00000bff000000000000000000"
          "00",
            BYE_PROTOCOL },
        { "00000c01000000000000000000"
          "0002",
            BYE_VERSION }, /* HELLO of version 2 */
        { "00000f05000000000000000000"
          "0000000101",
            BYE_MALFORMED }, /* DATA without a format */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct nwt_guard guard = { 0 };
        assert_int_equal(read_hex(&guard, cases[i].hex), READ_BAD);
        assert_int_equal(fault.code, cases[i].code);
        assert_non_null(fault.problem);
    }
}

static void without_tls_a_changed_bit_is_found(void **state)
{
    struct nwt_guard guard = { .in = NWT_CRC };
    (void)state;
    size_t size = from_hex("00000f080000000000000000004d3c31f8b3");
    assert_int_equal(nwt_read(&guard, bytes, size, 65536, &message, &taken, &fault), READ_MESSAGE);
    assert_int_equal(message.type, MESSAGE_PING);
    assert_int_equal(message.sequence, 0x4d);
    for (size_t bit = 24; bit < 8 * size; bit++) {
        from_hex("00000f080000000000000000004d3c31f8b3");
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(nwt_read(&guard, bytes, size, 65536, &message, &taken, &fault), READ_BAD);
    }
}

static const unsigned char key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static unsigned char server_nonce[NONCE_SIZE];
static struct nwt_proof proof_of(uint64_t epoch)
{
    for (unsigned char i = 0; i < NONCE_SIZE; i++)
        server_nonce[i] = i;
    return (struct nwt_proof){ .key = key,
        .key_size = sizeof key,
        .server_nonce = server_nonce,
        .client_nonce = { "0123456789abcdef", 16 },
        .identity = { "meter-7", 7 },
        .epoch = epoch };
}

static void proofs_are_what_another_implementation_makes(void **state)
{
    const struct nwt_proof proof = proof_of(7), other = proof_of(8);
    unsigned char mac[NWT_KEY_BYTES], different[NWT_KEY_BYTES];
    char text[2 * NWT_KEY_BYTES + 1];
    (void)state;
    nwt_auth_mac(mac, &proof);
    text_hex(text, mac, sizeof mac);
    assert_string_equal(text, "177127b7701c458deae02b3addc3e5102df2d6083cb72cbd925184e326c3a14b");
    nwt_session_key(mac, &proof);
    text_hex(text, mac, sizeof mac);
    assert_string_equal(text, "dd37f1deed841bd21da9f29a7090866516e642285b4c1305916410db652a7cfd");
    nwt_session_key(different, &other);
    assert_memory_not_equal(mac, different, sizeof mac);
}

static void a_frame_with_a_mac_is_taken_once_and_in_its_place(void **state)
{
    static const char ping[] = "00001b080100000000000000004d0ad41e64fbd75b391fa0f8fc74fc065a";
    const struct nwt_proof proof = proof_of(7);
    struct nwt_guard guard = { .in = NWT_MAC, .out = NWT_MAC };
    AUTO_INPLACE(buffer) out = { 0 };
    (void)state;
    nwt_session_key(guard.key, &proof);
    assert_int_equal(read_hex(&guard, ping), READ_MESSAGE);
    assert_int_equal(message.sequence, 77);
    assert_int_equal(read_hex(&guard, ping), READ_BAD); /* heard on the line and said again */
    nwt_write(&guard, &out, &(struct outgoing){ .type = MESSAGE_PONG, .sequence = 77 });
    assert_hex(&out, "00001b090100000000000000004d0eb81cd6a6364414c196cc8485f69600");
    buffer_reset(&out);
    guard.sent = 0;
    guard.received = 0;
    assert_int_equal(read_hex(&guard, "00000f080000000000000000004d3c31f8b3"), READ_BAD); /* too short for a MAC */
}

static void what_we_say_is_laid_out_as_described(void **state)
{
    struct nwt_guard guard = { 0 };
    AUTO_INPLACE(buffer) out = { 0 };
    (void)state;
    nwt_write(&guard, &out,
        &(struct outgoing){ .type = MESSAGE_WELCOME,
            .sequence = 9,
            .credit = 256,
            .most_bytes = 65536,
            .keep_alive_s = 60,
            .time_us = 1 });
    assert_hex(&out, "00001f"
                     "040000"
                     "0000000000000009"
                     "00000100"
                     "00010000"
                     "0000003c"
                     "0000000000000001");
    buffer_reset(&out);
    nwt_write(&guard, &out,
        &(struct outgoing){
            .type = MESSAGE_NACK, .sequence = 3, .count = 2, .code = NACK_PERMANENT, .after_ms = 0, .text = "no" });
    assert_hex(&out, "000017"
                     "070000"
                     "0000000000000003"
                     "00000002"
                     "01"
                     "00000000"
                     "026e6f");
    buffer_reset(&out);
    nwt_write(&guard, &out, &(struct outgoing){ .type = MESSAGE_BYE, .code = BYE_GOING, .after_ms = 1500 });
    assert_hex(&out, "000011"
                     "0e0000"
                     "0000000000000000"
                     "07"
                     "000005dc"
                     "00");
    buffer_reset(&out);
    nwt_write(&guard, &out, &(struct outgoing){ .type = MESSAGE_COMMAND, .id = "i", .text = "open", .payload = "{}" });
    assert_hex(&out, "000014"
                     "0a0000"
                     "0000000000000000"
                     "0169"
                     "046f70656e"
                     "7b7d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_says_all_that_it_holds),
        cmocka_unit_test(data_has_its_first_number_its_count_and_its_body),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_code),
        cmocka_unit_test(without_tls_a_changed_bit_is_found),
        cmocka_unit_test(proofs_are_what_another_implementation_makes),
        cmocka_unit_test(a_frame_with_a_mac_is_taken_once_and_in_its_place),
        cmocka_unit_test(what_we_say_is_laid_out_as_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
