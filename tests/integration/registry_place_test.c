/* Where things count to, and what a permission for a part of the tenant lets its holder see and touch. */
#include "tests/integration/registry_stack.h"

/* ---- making ---- */
static char *make_region(int32_t tenant_id, const char *code)
{
    Nwims__V1__Region request = NWIMS__V1__REGION__INIT;
    request.code = text_of(code);
    request.name = text_of(code);
    return ((Nwims__V1__Region *)call(tenant_id, "CreateRegion", &request))->id;
}

static char *make_town(int32_t tenant_id, const char *code, char *region_id)
{
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of(code);
    request.name = text_of(code);
    request.region_id = region_id;
    return ((Nwims__V1__Municipality *)call(tenant_id, "CreateMunicipality", &request))->id;
}

static char *make_site(int32_t tenant_id, const char *code, char *municipality_id, char *zone_id)
{
    Nwims__V1__Site request = NWIMS__V1__SITE__INIT;
    request.code = text_of(code);
    request.name = text_of(code);
    request.municipality_id = municipality_id;
    request.zone_id = zone_id;
    return ((Nwims__V1__Site *)call(tenant_id, "CreateSite", &request))->id;
}

static Nwims__V1__Sensor sensor_of(const char *code)
{
    Nwims__V1__Sensor request = NWIMS__V1__SENSOR__INIT;
    request.code = text_of(code);
    request.kind = text_of("flow");
    return request;
}

/* Two regions with a town each, and in each town one of everything. */
struct country {
    char *north, *south, *north_town, *south_town, *north_zone, *south_zone, *north_site, *south_site;
    char *north_device, *south_device, *north_sensor, *south_sensor;
};

static struct country make_country(int32_t tenant_id)
{
    struct country country = { .north = make_region(tenant_id, "NORTH"), .south = make_region(tenant_id, "SOUTH") };
    country.north_town = make_town(tenant_id, "N-TOWN", country.north);
    country.south_town = make_town(tenant_id, "S-TOWN", country.south);
    country.north_zone = make_zone(tenant_id, "N-ZONE", country.north_town);
    country.south_zone = make_zone(tenant_id, "S-ZONE", country.south_town);
    country.north_site = make_site(tenant_id, "N-SITE", NULL, country.north_zone);
    country.south_site = make_site(tenant_id, "S-SITE", country.south_town, NULL);
    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    device.protocol = text_of("http");
    device.code = text_of("N-DEVICE");
    device.site_id = country.north_site;
    country.north_device = ((Nwims__V1__Device *)call(tenant_id, "CreateDevice", &device))->id;
    device.code = text_of("S-DEVICE");
    device.site_id = country.south_site;
    country.south_device = ((Nwims__V1__Device *)call(tenant_id, "CreateDevice", &device))->id;
    Nwims__V1__Sensor sensor = sensor_of("N-SENSOR");
    sensor.device_id = country.north_device;
    country.north_sensor = ((Nwims__V1__Sensor *)call(tenant_id, "CreateSensor", &sensor))->id;
    sensor = sensor_of("S-SENSOR");
    sensor.device_id = country.south_device;
    country.south_sensor = ((Nwims__V1__Sensor *)call(tenant_id, "CreateSensor", &sensor))->id;
    return country;
}

static struct rpc_caller scoped(int32_t tenant_id, const char *kind, const char *id)
{
    struct rpc_caller caller = caller_of(tenant_id, "*:*");
    snprintf(caller.scope, sizeof caller.scope, "%s:%s", kind, id);
    return caller;
}

static void *call_scoped(const struct rpc_caller *caller, const char *method, const void *request)
{
    ProtobufCMessage *reply = NULL;
    if (call_as(caller, method, request, &reply) != ERR_NONE)
        fail_msg("%s: %s", method, err_text);
    return reply;
}

static const Nwims__V1__ResolvedSensor *resolve_one(int32_t tenant_id, const char *code)
{
    char *names[] = { text_of(code) };
    Nwims__V1__ResolveSensorsRequest request = NWIMS__V1__RESOLVE_SENSORS_REQUEST__INIT;
    request.n_names = 1;
    request.names = names;
    Nwims__V1__ResolveSensorsReply *reply = call(tenant_id, "ResolveSensors", &request);
    assert_int_equal(reply->n_sensors, 1);
    return reply->sensors[0];
}

/* ---- what a scope shows ---- */
static const struct {
    const char *list, *get, *northern, *southern;
} nouns[] = {
    { "ListMunicipalities", "GetMunicipality", "N-TOWN", "S-TOWN" },
    { "ListZones", "GetZone", "N-ZONE", "S-ZONE" },
    { "ListSites", "GetSite", "N-SITE", "S-SITE" },
    { "ListDevices", "GetDevice", "N-DEVICE", "S-DEVICE" },
    { "ListSensors", "GetSensor", "N-SENSOR", "S-SENSOR" },
    { "ListRegions", "GetRegion", "NORTH", "SOUTH" },
};

static void expect_north_only(const struct rpc_caller *caller)
{
    for (size_t i = 0; i < COUNT_OF(nouns); i++) {
        Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
        Nwims__V1__ById northern = by_id(nouns[i].northern), southern = by_id(nouns[i].southern);
        Nwims__V1__ListZonesReply *list = call_scoped(caller, nouns[i].list, &request);
        if (list->n_items != 1)
            fail_msg("%s: %zu items", nouns[i].list, list->n_items);
        assert_string_equal(list->items[0]->code, nouns[i].northern);
        assert_int_equal(call_as(caller, nouns[i].get, &northern, NULL), ERR_NONE);
        assert_int_equal(call_as(caller, nouns[i].get, &southern, NULL), ERR_NOT_FOUND);
    }
}

static void a_scope_shows_its_part_of_the_tenant_and_no_more(void **state)
{
    (void)state;
    struct country country = make_country(1);
    struct rpc_caller by_region = scoped(1, "r", country.north), by_town = scoped(1, "m", country.north_town),
                      nothing = scoped(1, "m", country.north_zone), both = scoped(1, "r", country.north);
    expect_north_only(&by_region);
    expect_north_only(&by_town);
    size_t length = strlen(both.scope);
    snprintf(both.scope + length, sizeof both.scope - length, " m:%s", country.south_town);
    for (size_t i = 0; i < COUNT_OF(nouns); i++) {
        Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
        assert_int_equal(((Nwims__V1__ListZonesReply *)call_scoped(&nothing, nouns[i].list, &request))->n_items, 0);
        assert_int_equal(((Nwims__V1__ListZonesReply *)call_scoped(&both, nouns[i].list, &request))->n_items, 2);
    }
    Nwims__V1__ById id = by_id("S-TOWN"), credentials = by_id("S-DEVICE");
    assert_int_equal(call_as(&by_region, "GetMunicipalitySummary", &id, NULL), ERR_NOT_FOUND);
    assert_int_equal(call_as(&by_region, "ListCredentials", &credentials, NULL), ERR_NOT_FOUND);
}

static void a_scope_that_cannot_be_read_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = { "x:0190a0a0-1234-7abc-8def-0123456789ab", "r:", "r:north", "garbage",
        "r:0190a0a0-1234-7abc-8def-0123456789ab;m:0190a0a0-1234-7abc-8def-0123456789ab" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct rpc_caller caller = caller_of(1, "*:*");
        Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
        snprintf(caller.scope, sizeof caller.scope, "%s", bad[i]);
        assert_int_equal(call_as(&caller, "ListSensors", &request, NULL), ERR_DENIED);
    }
}

/* ---- what a scope lets write ---- */
static void what_lies_outside_cannot_be_changed_or_removed(void **state)
{
    (void)state;
    struct country country = make_country(2);
    struct rpc_caller caller = scoped(2, "m", country.north_town);
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    patch.id = country.south_sensor;
    patch.name = text_of("stolen");
    assert_int_equal(call_as(&caller, "UpdateSensor", &patch, NULL), ERR_NOT_FOUND);
    patch.id = country.north_sensor;
    assert_int_equal(call_as(&caller, "UpdateSensor", &patch, NULL), ERR_NONE);
    static const char *const methods[] = { "DeleteSensor", "DeleteDevice", "DeleteSite", "DeleteZone",
        "DeleteMunicipality" };
    static const char *const southern[] = { "S-SENSOR", "S-DEVICE", "S-SITE", "S-ZONE", "S-TOWN" };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        Nwims__V1__ById id = by_id(southern[i]);
        assert_int_equal(call_as(&caller, methods[i], &id, NULL), ERR_NOT_FOUND);
    }
    Nwims__V1__CreateCredentialRequest credential = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    credential.id = country.south_device;
    assert_int_equal(call_as(&caller, "CreateCredential", &credential, NULL), ERR_NOT_FOUND);
    Nwims__V1__ById id = by_id("N-SENSOR");
    assert_int_equal(call_as(&caller, "DeleteSensor", &id, NULL), ERR_NONE);
}

static void nothing_is_made_or_moved_outside(void **state)
{
    (void)state;
    struct country country = make_country(3);
    struct rpc_caller caller = scoped(3, "m", country.north_town), region = scoped(3, "r", country.north);
    Nwims__V1__Sensor nowhere = sensor_of("NOWHERE"), abroad = sensor_of("ABROAD"), home = sensor_of("HOME");
    assert_int_equal(call_as(&caller, "CreateSensor", &nowhere, NULL), ERR_DENIED);
    abroad.zone_id = country.south_zone; /* what it cannot see it cannot name */
    assert_int_equal(call_as(&caller, "CreateSensor", &abroad, NULL), ERR_INPUT);
    home.zone_id = country.north_zone;
    assert_int_equal(call_as(&caller, "CreateSensor", &home, NULL), ERR_NONE);
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    char *clear[] = { text_of("zone_id") };
    patch.id = text_of("HOME");
    patch.n_clear = 1;
    patch.clear = clear;
    assert_int_equal(call_as(&caller, "UpdateSensor", &patch, NULL), ERR_DENIED);
    Nwims__V1__Municipality town = NWIMS__V1__MUNICIPALITY__INIT;
    town.code = text_of("NEW");
    town.name = text_of("New");
    town.region_id = country.north;
    assert_int_equal(call_as(&caller, "CreateMunicipality", &town, NULL), ERR_INPUT);
    assert_int_equal(call_as(&region, "CreateMunicipality", &town, NULL), ERR_NONE);
    Nwims__V1__Municipality moved = NWIMS__V1__MUNICIPALITY__INIT;
    moved.id = country.north_town;
    moved.region_id = country.south;
    assert_int_equal(call_as(&region, "UpdateMunicipality", &moved, NULL), ERR_INPUT);
    Nwims__V1__Region new_region = NWIMS__V1__REGION__INIT;
    new_region.code = text_of("EAST");
    new_region.name = text_of("East");
    assert_int_equal(call_as(&region, "CreateRegion", &new_region, NULL), ERR_DENIED);
    Nwims__V1__ById id = by_id("NORTH");
    assert_int_equal(call_as(&region, "DeleteRegion", &id, NULL), ERR_DENIED);
}

/* ---- what counts to what ---- */
static void what_belongs_to_a_thing_moves_with_it(void **state)
{
    (void)state;
    struct country country = make_country(4);
    assert_string_equal(resolve_one(4, "N-SENSOR")->municipality_id, country.north_town);
    assert_string_equal(resolve_one(4, "N-SENSOR")->region_id, country.north);
    Nwims__V1__Zone patch = NWIMS__V1__ZONE__INIT;
    patch.id = country.north_zone;
    patch.municipality_id = country.south_town; /* sensor of a device of a site of the zone */
    call(4, "UpdateZone", &patch);
    assert_string_equal(resolve_one(4, "N-SENSOR")->municipality_id, country.south_town);
    assert_string_equal(resolve_one(4, "N-SENSOR")->region_id, country.south);
    expect_moved("events.4.zone", country.north_zone);
    struct rpc_caller south = scoped(4, "m", country.south_town), north = scoped(4, "r", country.north);
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call_scoped(&south, "ListSensors", &request))->n_items, 2);
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call_scoped(&north, "ListSensors", &request))->n_items, 0);
    Nwims__V1__Sensor own = NWIMS__V1__SENSOR__INIT;
    own.id = country.north_sensor;
    own.municipality_id = country.north_town; /* its own goes before all else */
    call(4, "UpdateSensor", &own);
    assert_string_equal(resolve_one(4, "N-SENSOR")->municipality_id, country.north_town);
}

static void a_summary_counts_what_there_is(void **state)
{
    (void)state;
    struct country country = make_country(5);
    Nwims__V1__Sensor off = sensor_of("OFF");
    off.zone_id = country.north_zone;
    off.state = text_of("disabled");
    call(5, "CreateSensor", &off);
    Nwims__V1__ById id = by_id("N-TOWN");
    Nwims__V1__MunicipalitySummary *summary = call(5, "GetMunicipalitySummary", &id);
    assert_int_equal(summary->zones, 1);
    assert_int_equal(summary->sites, 1);
    assert_int_equal(summary->devices, 1);
    assert_int_equal(summary->sensors, 2);
    assert_int_equal(summary->n_devices_by_state, 1);
    assert_int_equal(summary->n_sensors_by_kind, 2);
    assert_string_equal(summary->sensors_by_kind[0]->kind, "flow");
    assert_string_equal(summary->sensors_by_kind[1]->state, "disabled");
}

/* ---- versions ---- */
static void a_write_for_another_version_is_refused(void **state)
{
    (void)state;
    Nwims__V1__Municipality patch = NWIMS__V1__MUNICIPALITY__INIT;
    patch.id = make_municipality(6, "TOWN");
    patch.name = text_of("Two");
    struct rpc_caller caller = caller_of(6, "*:*");
    snprintf(caller.if_match, sizeof caller.if_match, "\"1.abc\"");
    assert_int_equal(call_as(&caller, "UpdateMunicipality", &patch, NULL), ERR_NONE);
    assert_int_equal(call_as(&caller, "UpdateMunicipality", &patch, NULL), ERR_PRECONDITION);
    Nwims__V1__ById id = by_id("TOWN");
    assert_int_equal(call_as(&caller, "DeleteMunicipality", &id, NULL), ERR_PRECONDITION);
    snprintf(caller.if_match, sizeof caller.if_match, "\"2\"");
    assert_int_equal(((Nwims__V1__Municipality *)call(6, "GetMunicipality", &id))->version, 2);
    assert_int_equal(call_as(&caller, "DeleteMunicipality", &id, NULL), ERR_NONE);
}

static void null_clears_what_may_be_absent(void **state)
{
    (void)state;
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT, patch = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of("TOWN");
    request.name = text_of("Town");
    request.has_population = request.has_latitude = true;
    request.population = 5;
    request.latitude = 47;
    request.geometry = text_of("{\"type\":\"Point\",\"coordinates\":[8,47]}");
    Nwims__V1__Municipality *made = call(7, "CreateMunicipality", &request);
    assert_non_null(strstr(made->geometry, "Point"));
    char *clear[] = { text_of("population"), text_of("geometry") }, *wrong[] = { text_of("name") };
    patch.id = made->id;
    patch.n_clear = 2;
    patch.clear = clear;
    Nwims__V1__Municipality *changed = call(7, "UpdateMunicipality", &patch);
    assert_false(changed->has_population);
    assert_null(changed->geometry);
    assert_true(changed->has_latitude);
    patch.n_clear = 1;
    patch.clear = wrong;
    expect_violation(7, "UpdateMunicipality", &patch, "name");
    request.geometry = text_of("{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[0,0]]]}");
    expect_violation(7, "CreateMunicipality", &request, "geometry");
}

/* ---- maps and thresholds ---- */
static void what_has_a_place_is_on_the_map(void **state)
{
    (void)state;
    Nwims__V1__Sensor placed = sensor_of("PLACED"), nowhere = sensor_of("NOWHERE");
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    placed.has_latitude = placed.has_longitude = true;
    placed.latitude = 47.25;
    placed.longitude = 8.5;
    call(9, "CreateSensor", &placed);
    call(9, "CreateSensor", &nowhere);
    Nwims__V1__FeatureCollection *map = call(9, "MapSensors", &request);
    assert_string_equal(map->type, "FeatureCollection");
    assert_int_equal(map->n_features, 1);
    assert_string_equal(map->features[0]->geometry, "{\"type\":\"Point\",\"coordinates\":[8.5,47.25]}");
    assert_string_equal(map->features[0]->properties->code, "PLACED");
    Nwims__V1__Zone zone = NWIMS__V1__ZONE__INIT;
    zone.code = zone.name = text_of("Z");
    zone.municipality_id = make_municipality(9, "M");
    zone.geometry = text_of("{\"type\":\"Polygon\",\"coordinates\":[[[8,47],[9,47],[9,48],[8,47]]]}");
    call(9, "CreateZone", &zone);
    map = call(9, "MapZones", &request);
    assert_int_equal(map->n_features, 1);
    assert_non_null(strstr(map->features[0]->geometry, "Polygon"));
    assert_null(((Nwims__V1__ListZonesReply *)call(9, "ListZones", &request))->items[0]->geometry);
}

/* Outlines are large: a page of them ends before it is too large for the bus. */
static void a_page_of_large_outlines_ends_early(void **state)
{
    (void)state;
    enum { OUTLINES = 12 };
    AUTO_INPLACE(buffer) text = { 0 };
    char *town = make_municipality(10, "M");
    buffer_put_text(&text, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (int i = 0; i < 9000; i++)
        buffer_printf(&text, "[8.%04d,47],", i);
    buffer_put_text(&text, "[8.0000,47]]]}");
    for (int i = 0; i < OUTLINES; i++) {
        Nwims__V1__Zone zone = NWIMS__V1__ZONE__INIT;
        zone.code = zone.name = arena_printf(&arena, "Z-%02d", i);
        zone.municipality_id = town;
        zone.geometry = text_of(text.data);
        call(10, "CreateZone", &zone);
    }
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    size_t seen = 0, pages = 0;
    do {
        Nwims__V1__FeatureCollection *map = call(10, "MapZones", &request);
        assert_true(map->n_features > 0);
        seen += map->n_features;
        pages++;
        request.cursor = map->next_cursor;
    } while (request.cursor);
    assert_int_equal(seen, OUTLINES);
    assert_true(pages > 1);
}

static void thresholds_are_set_as_a_whole_and_in_order(void **state)
{
    (void)state;
    Nwims__V1__Sensor sensor = sensor_of("S");
    Nwims__V1__Sensor *made = call(11, "CreateSensor", &sensor);
    Nwims__V1__Thresholds wanted = NWIMS__V1__THRESHOLDS__INIT;
    Nwims__V1__ById id = by_id("S");
    wanted.id = text_of("S");
    wanted.has_low = wanted.has_high = wanted.has_hysteresis = wanted.has_on_delay_s = true;
    wanted.low = 2;
    wanted.high = 5;
    wanted.hysteresis = 0.2;
    wanted.on_delay_s = 30;
    Nwims__V1__Thresholds *set = call(11, "PutThresholds", &wanted);
    assert_string_equal(set->id, made->id);
    assert_true(set->has_low && set->low == 2 && set->high == 5 && !set->has_low_low);
    expect_event("events.11.sensor", made->id, "updated", "S", NULL);
    wanted.has_low = false;
    call(11, "PutThresholds", &wanted);
    assert_false(((Nwims__V1__Thresholds *)call(11, "GetThresholds", &id))->has_low);
    assert_int_equal(((Nwims__V1__Sensor *)call(11, "GetSensor", &id))->version, 3);
    wanted.has_low_low = wanted.has_on_delay_s = true;
    wanted.low_low = 5;
    expect_violation(11, "PutThresholds", &wanted, "high");
    wanted.low_low = 1;
    wanted.on_delay_s = -1;
    expect_violation(11, "PutThresholds", &wanted, "on_delay_s");
    struct rpc_caller elsewhere = scoped(11, "m", made->id);
    wanted.on_delay_s = 1;
    assert_int_equal(call_as(&elsewhere, "PutThresholds", &wanted, NULL), ERR_NOT_FOUND);
    assert_int_equal(call_as(&elsewhere, "GetThresholds", &id, NULL), ERR_NOT_FOUND);
}

/* ---- sorts ---- */
static void expect_order(const char *sort, const char *expected)
{
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    char seen[64] = "";
    request.sort = text_of(sort);
    request.has_limit = true;
    request.limit = 2; /* so that cursors are used */
    do {
        Nwims__V1__ListSensorsReply *page = call(8, "ListSensors", &request);
        for (size_t i = 0; i < page->n_items; i++)
            strncat(seen, page->items[i]->code, sizeof seen - strlen(seen) - 1);
        request.cursor = page->next_cursor;
    } while (request.cursor);
    assert_string_equal(seen, expected);
}

static void a_list_is_sorted_by_what_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *code, *name;
    } sensors[] = { { "C", "one" }, { "A", NULL }, { "E", "two" }, { "B", "one" }, { "D", NULL } };
    for (size_t i = 0; i < COUNT_OF(sensors); i++) {
        Nwims__V1__Sensor sensor = sensor_of(sensors[i].code);
        sensor.name = sensors[i].name ? text_of(sensors[i].name) : NULL;
        call(8, "CreateSensor", &sensor);
    }
    expect_order("code", "ABCDE");
    expect_order("-code", "EDCBA");
    expect_order(
        "name", "ADCBE"); /* the nameless first, then by name; the same names in order of id, which is of age */
    expect_order("-name", "EBCDA");
    expect_order("created_at", "CAEBD");
    expect_order("-created_at", "DBEAC");
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.sort = text_of("unit");
    expect_violation(8, "ListSensors", &request, "sort");
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(40, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_shows_its_part_of_the_tenant_and_no_more),
        cmocka_unit_test(a_scope_that_cannot_be_read_is_none),
        cmocka_unit_test(what_lies_outside_cannot_be_changed_or_removed),
        cmocka_unit_test(nothing_is_made_or_moved_outside),
        cmocka_unit_test(what_belongs_to_a_thing_moves_with_it),
        cmocka_unit_test(a_summary_counts_what_there_is),
        cmocka_unit_test(a_write_for_another_version_is_refused),
        cmocka_unit_test(null_clears_what_may_be_absent),
        cmocka_unit_test(what_has_a_place_is_on_the_map),
        cmocka_unit_test(a_page_of_large_outlines_ends_early),
        cmocka_unit_test(thresholds_are_set_as_a_whole_and_in_order),
        cmocka_unit_test(a_list_is_sorted_by_what_was_asked_for),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
