/* The manual of the messages: what the .proto comments say, and that it agrees with the generated messages. The
 * generator itself is run on a file with every trap, since a rule that it dropped would be a check that nobody makes.
 */
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "transcode/manual.h"
#include "transcode/transcode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void messages_are_sorted_and_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 1; i < proto_manual_count; i++)
        assert_true(strcmp(proto_manual[i - 1].name, proto_manual[i].name) < 0);
    for (size_t i = 0; i < proto_manual_count; i++)
        assert_ptr_equal(message_manual_find(proto_manual[i].name), &proto_manual[i]);
    assert_null(proto_manual[proto_manual_count].name);
    assert_null(message_manual_find("nwims.v1.Nothing"));
    assert_null(field_manual_find(NULL, "id"));
}

static void every_field_of_a_message_is_in_its_manual(void **state)
{
    static const ProtobufCMessageDescriptor *const types[] = { &nwims__v1__sensor__descriptor,
        &nwims__v1__device__descriptor, &nwims__v1__user__descriptor, &nwims__v1__aggregate_request__descriptor,
        &nwims__v1__empty__descriptor };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        const struct message_manual *message = message_manual_find(types[i]->name);
        size_t count = 0;
        assert_non_null(message);
        while (message->fields[count].name)
            count++;
        assert_int_equal(count, types[i]->n_fields);
        for (unsigned k = 0; k < types[i]->n_fields; k++)
            assert_non_null(field_manual_find(message, types[i]->fields[k].name));
    }
}

static void annotations_are_rules_and_not_text(void **state)
{
    const struct message_manual *sensor = message_manual_find("nwims.v1.Sensor");
    (void)state;
    assert_string_equal(sensor->comment, "One quantity measured at one place. It counts to a municipality: its own, "
                                         "else its zone's, else its site's, else its "
                                         "device's.");
    const struct field_manual *code = field_manual_find(sensor, "code");
    assert_string_equal(code->comment, "Unique in the tenant; what readings name as sensor_id.");
    assert_true(code->required && !code->readonly);
    assert_int_equal(code->length_min, 1);
    assert_int_equal(code->length_max, 64);
    assert_string_equal(code->format, "code");
    assert_string_equal(code->example, "SENSOR_001");
    const struct field_manual *period = field_manual_find(sensor, "period_s");
    assert_true(period->has_min && period->min == 1 && period->has_max && period->max == 31536000);
    assert_int_equal(period->length_max, -1);
    assert_string_equal(field_manual_find(sensor, "state")->in, "active|disabled");
    assert_true(field_manual_find(sensor, "sensor_no")->readonly);
    const struct message_manual *tenant = message_manual_find("nwims.v1.Tenant");
    assert_string_equal(field_manual_find(tenant, "name")->example, "Waterworks of Lakeside");
}

static void methods_have_their_comments(void **state)
{
    (void)state;
    assert_string_equal(method_manual_comment("nwims.v1.Registry", "ListSensors"), "Lists sensors.");
    assert_string_equal(method_manual_comment("nwims.v1.Registry", "Login"), "");
    assert_string_equal(method_manual_comment("nwims.v1.Identity", "GetMe"), "Who the caller is and may do.");
}

static bool generate(const char *proto, char *output, size_t size)
{
    char path[] = "/tmp/proto-manual-XXXXXX", command[128];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, proto, strlen(proto)), (ssize_t)strlen(proto));
    close(file);
    snprintf(command, sizeof command, "awk -f scripts/proto-manual.awk %s 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t used = fread(output, 1, size - 1, pipe);
    output[used] = '\0';
    int status = pclose(pipe);
    unlink(path);
    return status == 0;
}

static void the_generator_reads_what_a_proto_may_hold(void **state)
{
    static const char proto[] =
        "syntax = \"proto2\";\npackage a.b;\n"
        "// Far away, @nothing counts here.\n\n"
        "// Outer \"one\" \\ two.\nmessage Outer { // really\n"
        "  option deprecated = 1;\n"
        "  enum Kind {\n    // no field\n    NONE = 0;\n  }\n"
        "  // An inner one.\n  message Inner {\n    optional int32 x = 1; // @max 3 behind it\n  }\n"
        "  oneof choice {\n    // @length ..5\n    string left = 2;\n    bytes right = 3 [deprecated = true];\n  }\n"
        "  reserved 7;\n"
        "  // A mail to me@example.org\n  // over two lines. @example two words @required\n  repeated Inner inner = "
        "4;\n"
        "  optional string plain=5;\n}\n"
        "service S {\n  // Does it.\n  rpc Do(Outer) returns (Outer) {\n    option x = 1;\n  }\n  rpc Other (Outer) "
        "returns (Outer);\n}\n";
    static const char *const expected[] = {
        "{ .name = \"a.b.Outer\", .comment = \"Outer \\\"one\\\" \\\\ two. really\", .fields = fields_1 }",
        "{ .name = \"a.b.Outer.Inner\", .comment = \"An inner one.\", .fields = fields_2 }",
        "{ .name = \"x\", .comment = \"behind it\", .length_min = -1, .length_max = -1, .has_max = true, .max = 3 }",
        "{ .name = \"left\", .comment = \"\", .length_min = -1, .length_max = 5 }",
        "{ .name = \"right\", .comment = \"\", .length_min = -1, .length_max = -1 }",
        "{ .name = \"inner\", .comment = \"A mail to me@example.org over two lines.\", ",
        ".length_min = -1, .length_max = -1, .required = true, .example = \"two words\" }",
        "{ .name = \"plain\", .comment = \"\", .length_min = -1, .length_max = -1 }",
        "{ .service = \"a.b.S\", .name = \"Do\", .comment = \"Does it.\" }",
        "{ .service = \"a.b.S\", .name = \"Other\", .comment = \"\" }",
        "proto_manual_count = 2;",
    };
    char output[8192];
    (void)state;
    assert_true(generate(proto, output, sizeof output));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        if (!strstr(output, expected[i]))
            fail_msg("no %s in:\n%s", expected[i], output);
    assert_null(strstr(output, "NONE"));
    assert_null(strstr(output, "deprecated"));
}

static void a_mistyped_annotation_stops_the_build(void **state)
{
    static const char *const annotations[] = { "@requird", "@min", "@min x", "@length 5", "@length ..", "@format date",
        "@in", "@example" };
    char proto[256], output[1024];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(annotations); i++) {
        snprintf(
            proto, sizeof proto, "package a;\nmessage M {\n  // %s\n  optional string s = 1;\n}\n", annotations[i]);
        if (generate(proto, output, sizeof output))
            fail_msg("%s was taken", annotations[i]);
        assert_non_null(strstr(output, ":4: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_sorted_and_found_by_name),
        cmocka_unit_test(every_field_of_a_message_is_in_its_manual),
        cmocka_unit_test(annotations_are_rules_and_not_text),
        cmocka_unit_test(methods_have_their_comments),
        cmocka_unit_test(the_generator_reads_what_a_proto_may_hold),
        cmocka_unit_test(a_mistyped_annotation_stops_the_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
