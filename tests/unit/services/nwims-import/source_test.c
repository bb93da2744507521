/* A file cut into pieces: whole rows with the header each, plain or gzip, and on from any piece's end. How far it came
 * is kept beside it. */
#include "scripts/importer/checkpoint.h"
#include "scripts/importer/source.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/source-test-XXXXXX";
static char path[64];

static void write_file(const char *name, const char *text)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Pieces as "line:body|"; the offset after the piece wanted goes to out_offset. */
static const char *pieces(int64_t readings, int64_t offset, size_t wanted, int64_t *out_offset)
{
    static char text[4096];
    struct err err = { 0 };
    AUTO(source) source = NULL;
    const struct source_config config = { .path = path, .readings = readings, .offset = offset };
    size_t used = 0;
    text[0] = '\0';
    if (!source_open(&source, &config, &err))
        return strcpy(text, err.text);
    for (;;) {
        AUTO(piece) piece = NULL;
        if (!source_next(source, &piece, &err))
            return strcpy(text, err.text);
        if (!piece)
            return text;
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%lld:%s|", (long long)piece->first_line, piece->body.data);
        if (piece->number == wanted && out_offset)
            *out_offset = piece->end_offset;
    }
}

static void rows_stay_whole_and_every_piece_has_the_header(void **state)
{
    (void)state;
    int64_t offset = 0;
    write_file("long.csv", "sensor_id,value\nA,1\n\"B\nb\",2\nC,3\nD,4");
    assert_string_equal(pieces(2, 0, 0, &offset), "2:sensor_id,value\nA,1\n\"B\nb\",2\n|5:sensor_id,value\nC,3\nD,4|");
    assert_string_equal(pieces(2, offset, 9, NULL), "5:sensor_id,value\nC,3\nD,4|");
    write_file("wide.csv", "timestamp,A,B\n1,2,3\n2,3,4\n");
    assert_string_equal(pieces(3, 0, 9, NULL), "2:timestamp,A,B\n1,2,3\n|3:timestamp,A,B\n2,3,4\n|");
    write_file("header.csv", "sensor_id,value");
    assert_string_equal(pieces(3, 0, 9, NULL), "");
}

static void gzip_is_opened(void **state)
{
    (void)state;
    char command[200];
    int64_t offset = 0;
    write_file("packed.csv", "sensor_id,value\nA,1\nB,2\n");
    snprintf(command, sizeof command, "gzip %s", path);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/packed.csv.gz", folder);
    assert_string_equal(pieces(1, 0, 0, &offset), "2:sensor_id,value\nA,1\n|3:sensor_id,value\nB,2\n|");
    assert_string_equal(pieces(1, offset, 9, NULL), "3:sensor_id,value\nB,2\n|");
    assert_int_equal(truncate(path, 30), 0);
    assert_non_null(strstr(pieces(1, 0, 9, NULL), "damaged"));
}

static void what_is_no_table_is_said(void **state)
{
    (void)state;
    write_file("empty.csv", "");
    assert_non_null(strstr(pieces(1, 0, 9, NULL), "is empty"));
    write_file("one.csv", "sensor_id\nA\n");
    assert_non_null(strstr(pieces(1, 0, 9, NULL), "no header"));
    assert_non_null(strstr(pieces(1, 1000, 9, NULL), "no header"));
    write_file("short.csv", "sensor_id,value\nA,1\n");
    assert_non_null(strstr(pieces(1, 1000, 9, NULL), "has it changed?"));
    write_file("quote.csv", "sensor_id,value\n\"A,1\n");
    FILE *file = fopen(path, "a");
    for (int i = 0; i < 400000; i++)
        fputs("B,2\n", file);
    fclose(file);
    assert_non_null(strstr(pieces(1, 0, 9, NULL), "line 2: a row is longer than 1 MiB"));
    snprintf(path, sizeof path, "%s/none", folder);
    assert_non_null(strstr(pieces(1, 0, 9, NULL), "is no file"));
}

static void a_checkpoint_is_of_one_file_only(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct checkpoint found;
    bool was_changed;
    const struct checkpoint kept = {
        .identity = "12-34-ab", .offset = 1000, .stored = 7, .duplicate = 2, .refused = 1
    };
    snprintf(path, sizeof path, "%s/x.nwims-import", folder);
    assert_true(checkpoint_read(&found, path, "12-34-ab", &was_changed, &err));
    assert_int_equal(found.offset, 0);
    assert_true(checkpoint_write(&kept, path, &err));
    assert_true(checkpoint_read(&found, path, "12-34-ab", &was_changed, &err));
    assert_false(was_changed);
    assert_int_equal(found.offset, 1000);
    assert_int_equal(found.stored, 7);
    assert_int_equal(found.duplicate, 2);
    assert_int_equal(found.refused, 1);
    assert_true(checkpoint_read(&found, path, "13-34-ab", &was_changed, &err));
    assert_true(was_changed);
    assert_int_equal(found.offset, 0);
    write_file("x.nwims-import", "what is this?");
    assert_false(checkpoint_read(&found, path, "12-34-ab", &was_changed, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stay_whole_and_every_piece_has_the_header),
        cmocka_unit_test(gzip_is_opened),
        cmocka_unit_test(what_is_no_table_is_said),
        cmocka_unit_test(a_checkpoint_is_of_one_file_only),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
