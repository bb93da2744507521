#include "epanet/inp.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES "[JUNCTIONS]\nJ1 10 5\nJ2 20\n[RESERVOIRS]\nR1 100\n[TANKS]\nT1 50 2 0 4 16 0\n"
#define PIPES "[PIPES]\nP1 R1 J1 100 200 140 0 Open\n"
#define METRIC "[OPTIONS]\nUnits CMH\nHeadloss H-W\n"

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct inp_network parse(const char *text)
{
    struct inp_network network = { 0 };
    struct err err = { 0 };
    if (!inp_parse(&network, &arena, text, strlen(text), &err))
        fail_msg("%s", err.text);
    return network;
}

static void assert_near(double is, double wanted)
{
    if (fabs(is - wanted) > 1e-6 * (1 + fabs(wanted)))
        fail_msg("%g is not %g", is, wanted);
}

static void a_network_is_read(void **state)
{
    (void)state;
    struct inp_network network =
        parse("[TITLE]\nA \"town\nsecond line\n" NODES PIPES
              "[PUMPS]\nPU1 J1 T1 HEAD C1 ; a comment\n[CURVES]\n;ID x y\nC1 0 126.67\nC1 50 0\n"
              "[VALVES]\nV1 J1 J2 150 PRV 35 0\n"
              "[COORDINATES]\nJ1 1.5 -2\n[VERTICES]\nP1 1 2\nP1 3 4\n"
              "[TAGS]\nNODE J1 DMA-A\nLINK P1 main\n" METRIC "[END]\nwhatever follows");
    assert_string_equal(network.title, "A \"town");
    assert_int_equal(network.junctions, 2);
    assert_int_equal(network.reservoirs, 1);
    assert_int_equal(network.tanks, 1);
    assert_int_equal(network.pipes, 1);
    assert_int_equal(network.pumps, 1);
    assert_int_equal(network.valves, 1);
    const struct inp_link *pipe = &network.links[0], *pump = &network.links[1], *valve = &network.links[2];
    assert_string_equal(network.nodes[pipe->from].code, "R1");
    assert_string_equal(network.nodes[pipe->to].code, "J1");
    assert_near(pipe->length_m, 100);
    assert_near(pipe->diameter_mm, 200);
    assert_string_equal(pipe->status, "open");
    assert_string_equal(pipe->tag, "main");
    assert_int_equal(pipe->vertex_count, 2);
    assert_near(network.vertices[pipe->first_vertex + 1].y, 4);
    assert_int_equal(pump->point_count, 2);
    assert_near(pump->points[0].y, 126.67);
    assert_string_equal(valve->valve_type, "PRV");
    assert_near(valve->setting, 35);
    assert_true(network.nodes[0].has_position);
    assert_near(network.nodes[0].y, -2);
    assert_string_equal(network.nodes[0].tag, "DMA-A");
    assert_near(network.nodes[0].base_demand_m3h, 5);
}

static void sections_come_in_any_order_and_in_any_spelling(void **state)
{
    (void)state;
    struct inp_network network =
        parse("\xef\xbb\xbf[opti]\r\nUNITS\tlps\r\n[Vertices]\r\nP1 1 2\r\n[coordinates]\r\nJ1,1,2\r\n" PIPES NODES);
    assert_near(network.nodes[0].base_demand_m3h, 18);
    assert_int_equal(network.links[0].vertex_count, 1);
}

static void american_units_become_metric(void **state)
{
    (void)state;
    struct inp_network network = parse(
        NODES PIPES "[VALVES]\nV1 J1 J2 12 PRV 100\nV2 J1 J2 12 FCV 100\nV3 J1 J2 12 TCV 2\n[PUMPS]\nU J1 J2 POWER 10\n"
                    "W J1 J2 HEAD C\nX J2 J1 HEAD C\n[CURVES]\nC 100 100\n");
    assert_string_equal(network.flow_unit, "GPM");
    assert_near(network.nodes[0].elevation_m, 3.048);
    assert_near(network.nodes[0].base_demand_m3h, 1.135623535);
    assert_near(network.nodes[3].tank_diameter_m, 4.8768);
    assert_near(network.links[0].length_m, 30.48);
    assert_near(network.links[0].diameter_mm, 5080);
    assert_near(network.links[0].roughness, 140);
    assert_near(network.links[1].setting, 70.3069579);
    assert_near(network.links[2].setting, 22.7124707);
    assert_near(network.links[3].setting, 2);
    assert_near(network.links[4].power_kw, 7.45699872);
    /* Two pumps with one curve: each has it turned once. */
    assert_near(network.links[5].points[0].x, 22.7124707);
    assert_near(network.links[6].points[0].y, 30.48);
}

static void demands_take_the_place_of_the_base_demand(void **state)
{
    (void)state;
    struct inp_network network =
        parse(NODES METRIC "[PATTERNS]\np 1 2 3\n[DEMANDS]\nMULTIPLY 2\nJ1 1 p ;home\nJ1 2.5 p ;shop\n");
    assert_near(network.nodes[0].base_demand_m3h, 7);
    assert_near(network.nodes[1].base_demand_m3h, 0);
}

static void status_is_taken_over(void **state)
{
    (void)state;
    struct inp_network network = parse(NODES PIPES METRIC
        "[VALVES]\nV1 J1 J2 12 PRV 100\n[PUMPS]\nU J1 J2 POWER 10\n[STATUS]\nP1 CLOSED\nV1 Open\nU 0.9\n");
    assert_string_equal(network.links[0].status, "closed");
    assert_string_equal(network.links[1].status, "open");
    assert_near(network.links[2].setting, 0.9);
}

static void what_is_kept_out_is_named_and_counted(void **state)
{
    (void)state;
    struct inp_network network = parse(NODES METRIC
        "[CONTROLS]\nLINK P1 OPEN AT TIME 5\nx\n[RULES]\n;none\n[TIMES]\nDuration 24:00\n[LABELS]\n1 2 \"a; b\n");
    assert_int_equal(network.kept_out_count, 3);
    assert_string_equal(network.kept_out[0].section, "CONTROLS");
    assert_int_equal(network.kept_out[0].lines, 2);
    assert_string_equal(network.kept_out[1].section, "TIMES");
}

static void numbers_are_read_as_epanet_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = { { "5", 5 }, { "5.", 5 }, { ".5", 0.5 }, { "+5", 5 }, { "007", 7 }, { "1E2", 100 },
        { "1.5e-1", 0.15 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "[OPTIONS]\nUNITS CMH\n[JUNCTIONS]\nJ1 %s\n", cases[i].text);
        assert_near(parse(text).nodes[0].elevation_m, cases[i].value);
    }
}

static void bad_files_are_refused_with_the_line_and_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *err;
    } cases[] = {
        { "", "line 1: the file is empty" },
        { "hello", "line 1: expected a section such as [TITLE] first" },
        { "\x7f"
          "ELF",
            "line 1: a byte that no text has (0x7f)" },
        { "[JUNCTIONS]\n", "there are no nodes" },
        { "[JUNCTION5]\nJ1\n", "line 1: expected a section such as [PIPES], not \"[JUNCTION5]\"" },
        { "[PI]\n", "line 1: expected a section such as [PIPES], not \"[PI]\"" },
        { NODES "[PIPES]\nP1 J1 J77 1 2 3\n", "line 9: pipe P1 refers to node J77, which is not defined" },
        { NODES "[PIPES]\nP1 J1 J1 1 2 3\n", "line 9: pipe P1 begins and ends at node J1" },
        { NODES "[PIPES]\nP1 J1 J2 1 2\n", "line 9: 5 words; expected: id node node length" },
        { NODES "[PIPES]\nP1 J1 J2 1 two 3\n", "line 9: expected a diameter, which is a number, not \"two\"" },
        { NODES "[PIPES]\nP1 J1 J2 0 2 3\n", "line 9: pipe P1: length, diameter and roughness must be more than 0" },
        { NODES "[PIPES]\nP1 J1 J2 1 2 3 0 ajar\n", "line 9: pipe P1: expected OPEN, CLOSED or CV" },
        { NODES PIPES "P1 J1 J2 1 2 3\n", "line 10: there is a link P1 already, on line 9" },
        { NODES "[TANKS]\nJ1 1 1 1 1 1\n", "line 9: there is a node J1 already, on line 2" },
        { NODES "[TANKS]\nT2 1 5 0 4 1\n", "line 9: tank T2: expected a level between" },
        { NODES "[PUMPS]\nU J1 J2 HEAD C9\n", "line 9: pump U refers to curve C9, which is not defined" },
        { NODES "[PUMPS]\nU J1 J2 SPEED 1\n", "line 9: pump U has neither a HEAD curve nor a POWER" },
        { NODES "[PUMPS]\nU J1 J2 NOISE 1\n", "line 9: pump U: expected HEAD curve" },
        { NODES "[PUMPS]\nU J1 J2 POWER 1 SPEED\n", "line 9: a relative speed is missing" },
        { NODES "[VALVES]\nV J1 J2 1 XYZ 3\n", "line 9: valve V: expected PRV" },
        { NODES "[VALVES]\nV J1 J2 1 GPV C9\n", "line 9: valve V refers to curve C9" },
        { NODES "[COORDINATES]\nJ9 1 2\n", "line 9: coordinates of node J9, which is not defined" },
        { NODES "[COORDINATES]\nJ1 1\n", "line 9: 2 words; expected: node x y" },
        { NODES "[VERTICES]\nP9 1 2\n", "line 9: a vertex of link P9, which is not defined" },
        { NODES "[TAGS]\nNODE J9 x\n", "line 9: a tag of J9, which is not defined" },
        { NODES "[TAGS]\nTHING J1 x\n", "line 9: expected NODE or LINK" },
        { NODES "[DEMANDS]\nT1 5\n", "line 9: a demand of tank T1; only junctions have one" },
        { NODES "[DEMANDS]\nJ1 5 nope\n", "line 9: the demand of J1 has the pattern nope" },
        { NODES "[JUNCTIONS]\nJ3 1 1 nope\n", "line 9: junction J3 has the pattern nope, which is not defined" },
        { NODES "[STATUS]\nP9 OPEN\n", "line 9: the status of link P9, which is not defined" },
        { NODES "[OPTIONS]\nUNITS CUPS\n", "line 9: expected one of the units CFS" },
        { NODES "[OPTIONS]\nHEADLOSS X\n", "line 9: expected one of the headloss formulas" },
        { NODES "[CURVES]\nA 1 2\nB 1 2\nA 3 4\n", "line 11: the points of curve A do not stand together" },
        { "[JUNCTIONS]\nJ1 1e999\n", "line 2: an elevation is beyond all measure" },
        { "[JUNCTIONS]\nJ1 nan\n", "line 2: expected an elevation, which is a number" },
        { "[JUNCTIONS]\nJ1 0x10\n", "line 2: expected an elevation, which is a number" },
        { "[JUNCTIONS]\n\"J1\n", "line 2: a quote that does not end" },
        { "[JUNCTIONS]\n\"\" 5\n", "line 2: the node's id is missing" },
        { "[JUNCTIONS]\n12345678901234567890123456789012 5\n", "line 2: the node's id is longer than 31 bytes" },
        { "[JUNCTIONS]\nJ\xff 5\n", "line 2: the node's id is not UTF-8" },
        { "[TITLE]\na\x01\n", "line 2: a byte that no text has (0x01)" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct inp_network network;
        struct err err = { 0 };
        assert_false(inp_parse(&network, &arena, cases[i].text, strlen(cases[i].text), &err));
        assert_int_equal(err.kind, ERR_INPUT);
        if (strncmp(err.text, cases[i].err, strlen(cases[i].err)) != 0)
            fail_msg("\"%s\", not \"%s\"", err.text, cases[i].err);
    }
}

static void a_line_or_a_word_too_many_is_refused(void **state)
{
    (void)state;
    static char text[8000];
    struct inp_network network;
    struct err err = { 0 };
    memset(text, 'x', sizeof text);
    memcpy(text, "[PIPES]\n", 8);
    assert_false(inp_parse(&network, &arena, text, sizeof text, &err));
    assert_string_equal(err.text, "line 2: longer than 4096 bytes");
    for (size_t i = 8; i < sizeof text; i += 2)
        text[i] = ' ';
    assert_false(inp_parse(&network, &arena, text, 200, &err));
    assert_string_equal(err.text, "line 2: more than 40 words");
    text[8] = ';'; /* a comment may be long */
    memcpy(text + sizeof text - 40, "\n[JUNCTIONS]\nJ1 1\n                                   ", 40);
    assert_true(inp_parse(&network, &arena, text, sizeof text, &err));
}

static void a_network_beyond_the_arena_is_refused(void **state)
{
    (void)state;
    struct arena small;
    struct inp_network network;
    struct err err = { 0 };
    arena_init(&small, 500);
    assert_false(inp_parse(&network, &small, NODES PIPES, strlen(NODES PIPES), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_read),
        cmocka_unit_test(sections_come_in_any_order_and_in_any_spelling),
        cmocka_unit_test(american_units_become_metric),
        cmocka_unit_test(demands_take_the_place_of_the_base_demand),
        cmocka_unit_test(status_is_taken_over),
        cmocka_unit_test(what_is_kept_out_is_named_and_counted),
        cmocka_unit_test(numbers_are_read_as_epanet_writes_them),
        cmocka_unit_test(bad_files_are_refused_with_the_line_and_what_was_expected),
        cmocka_unit_test(a_line_or_a_word_too_many_is_refused),
        cmocka_unit_test(a_network_beyond_the_arena_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
