/* The messages as lines of JSON. */
#include "line.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

static struct arena arena;
static struct fault fault;
static struct incoming message;
static size_t taken;

static enum reading_outcome read_text(const char *text)
{
    arena_reset(&arena);
    return line_read(&arena, text, strlen(text), 1024, &message, &taken, &fault);
}

static void assert_text(const struct text *text, const char *wanted)
{
    assert_int_equal(text->length, strlen(wanted));
    assert_memory_equal(text->bytes, wanted, text->length);
}

static void a_hello_with_a_token_is_read_in_any_order(void **state)
{
    static const char *const lines[] = {
        "{\"hello\":{\"epoch\":7,\"oldest\":5,\"next\":9,\"acknowledged\":4,\"keep_alive_s\":60},\"auth\":{\"token\":"
        "\"t\\u006fken\"}}\n",
        "\r\n  "
        "{\"auth\":{\"token\":\"token\"},\"hello\":{\"next\":9,\"acknowledged\":4,\"epoch\":7,\"keep_alive_s\":60,"
        "\"oldest\":5,\"new\":[1]}}\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(read_text(lines[i]), READ_MESSAGE);
        assert_int_equal(taken, strlen(lines[i]));
        assert_int_equal(message.type, MESSAGE_HELLO);
        assert_int_equal(message.hello.way, WAY_TOKEN);
        assert_int_equal(message.hello.epoch, 7);
        assert_int_equal(message.hello.oldest, 5);
        assert_int_equal(message.hello.next, 9);
        assert_int_equal(message.hello.acknowledged, 4);
        assert_int_equal(message.hello.keep_alive_s, 60);
        assert_text(&message.hello.name, "token");
    }
    assert_int_equal(read_text("{\"hello\":{}}\n"), READ_MESSAGE);
    assert_int_equal(message.hello.way, WAY_TLS);
    assert_int_equal(message.hello.next, 1);
    assert_int_equal(read_text("{\"hello\":{},\"auth\":{\"identity\":\"m\",\"nonce\":\"00ff10\"}}\n"), READ_MESSAGE);
    assert_int_equal(message.hello.way, WAY_HMAC);
    assert_int_equal(message.hello.nonce.length, 3);
    assert_memory_equal(message.hello.nonce.bytes, "\x00\xff\x10", 3);
    assert_int_equal(read_text("{\"auth\":\"0a0b\"}\n"), READ_MESSAGE);
    assert_int_equal(message.type, MESSAGE_AUTH);
    assert_int_equal(message.mac.length, 2);
}

static void a_line_of_records_is_its_own_body(void **state)
{
    static const char line[] = "{\"s\":12,\"t\":1700000000,\"m\":{\"P1\":[4.12,\"bar\"]}}";
    char text[128];
    (void)state;
    snprintf(text, sizeof text, "%s\n%s\n", line, line);
    assert_int_equal(read_text(text), READ_MESSAGE);
    assert_int_equal(taken, strlen(line) + 1);
    assert_int_equal(message.sequence, 12);
    assert_int_equal(message.data.count, 1);
    assert_text(&message.data.body, line);
    for (size_t cut = 0; cut < strlen(line) + 1; cut++)
        assert_int_equal(line_read(&arena, text, cut, 1024, &message, &taken, &fault), READ_MORE);
}

static void what_is_no_message_is_refused(void **state)
{
    static const char *const lines[] = { "{\n", "[]\n", "x\n", "{}\n", "{\"t\":1}\n", "{\"s\":-1}\n", "{\"s\":1.5}\n",
        "{\"s\":1e300}\n", "{\"s\":\"1\"}\n", "{\"s\":1,\"hello\":{}}\n", "{\"auth\":\"0\"}\n", "{\"auth\":\"zz\"}\n",
        "{\"hello\":1}\n", "{\"s\":1} {\n", "{\"auth\":{\"token\":\"x\"}}\n" };
    char longest[2048];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(read_text(lines[i]), READ_BAD);
        assert_int_equal(fault.code, BYE_MALFORMED);
        assert_non_null(fault.problem);
    }
    assert_int_equal(read_text("{\"hello\":{\"version\":2}}\n"), READ_BAD);
    assert_int_equal(fault.code, BYE_VERSION);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(read_text(longest), READ_BAD); /* known before its end comes */
    assert_int_equal(fault.code, BYE_TOO_LARGE);
    memset(longest, '\n', sizeof longest - 1);
    assert_int_equal(read_text(longest), READ_BAD); /* nothing, for ever */
}

/* Members of HELLO beside records must not change what the records are. */
static void a_credential_beside_records_changes_nothing(void **state)
{
    static const char line[] = "{\"s\":12,\"auth\":{\"token\":\"x\"},\"m\":{}}\n";
    (void)state;
    assert_int_equal(read_text(line), READ_MESSAGE);
    assert_int_equal(message.type, MESSAGE_DATA);
    assert_int_equal(message.data.count, 1);
    assert_int_equal(message.data.body.length, strlen(line) - 1);
}

static void what_we_say_is_one_line(void **state)
{
    static const struct {
        struct outgoing said;
        const char *line;
    } cases[] = {
        { { .type = MESSAGE_ACK, .sequence = 13, .credit = 255 }, "{\"ack\":13,\"credit\":255}\n" },
        { { .type = MESSAGE_NACK, .sequence = 3, .count = 1, .code = NACK_PERMANENT, .text = "no \"P9\"" },
            "{\"nack\":3,\"code\":\"permanent\",\"problem\":\"no \\\"P9\\\"\"}\n" },
        { { .type = MESSAGE_BYE, .code = BYE_GOING, .after_ms = 1500, .text = "we stop" },
            "{\"bye\":\"going\",\"problem\":\"we stop\",\"after_ms\":1500}\n" },
        { { .type = MESSAGE_PONG, .sequence = 7 }, "{\"pong\":7}\n" },
        { { .type = MESSAGE_COMMAND, .id = "i", .text = "open", .payload = "{\"p\":1}" },
            "{\"command\":{\"id\":\"i\",\"name\":\"open\",\"payload\":{\"p\":1}}}\n" },
        { { .type = MESSAGE_WELCOME, .sequence = 9, .credit = 256, .most_bytes = 1024, .keep_alive_s = 60 },
            "{\"welcome\":{\"committed\":9,\"credit\":256,\"longest_line\":1024,\"keep_alive_s\":60,"
            "\"time\":\"1970-01-01T00:00:00Z\"}}\n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_INPLACE(buffer) out = { 0 };
        line_write(&out, &cases[i].said);
        assert_string_equal(out.data, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_with_a_token_is_read_in_any_order),
        cmocka_unit_test(a_line_of_records_is_its_own_body),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_credential_beside_records_changes_nothing),
        cmocka_unit_test(what_we_say_is_one_line),
    };
    arena_init(&arena, 1024 * 1024);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
