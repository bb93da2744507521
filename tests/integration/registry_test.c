/* What registry knows: making, finding, changing and removing it, and who may. */
#include "tests/integration/registry_stack.h"

/* ---- municipalities: the pattern of all four ---- */
static void a_municipality_lives_from_create_to_delete(void **state)
{
    (void)state;
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of("LAKE");
    request.name = text_of("Seestadt ü");
    request.has_population = request.has_latitude = true;
    request.population = 41000;
    request.latitude = 46.1234567891234;
    Nwims__V1__Municipality *made = call(1, "CreateMunicipality", &request);
    assert_int_equal(strlen(made->id), 36);
    assert_true(made->has_created_at && made->created_at == made->updated_at);
    assert_in_range(clock_now_us() - made->created_at, 0, 60 * 1000000);
    assert_false(made->has_longitude);
    expect_event("events.1.municipality", made->id, "created", "LAKE", NULL);

    Nwims__V1__ById by_code = by_id("LAKE"), id = by_id(made->id);
    const Nwims__V1__ById *names[] = { &by_code, &id };
    for (size_t i = 0; i < 2; i++) {
        Nwims__V1__Municipality *got = call(1, "GetMunicipality", names[i]);
        assert_string_equal(got->id, made->id);
        assert_string_equal(got->name, "Seestadt ü");
        assert_int_equal(got->population, 41000);
        assert_true(got->latitude == 46.1234567891234);
    }

    Nwims__V1__Municipality patch = NWIMS__V1__MUNICIPALITY__INIT;
    patch.id = text_of("LAKE");
    patch.code = text_of("LAKE-2");
    patch.has_longitude = true;
    patch.longitude = -7.5;
    Nwims__V1__Municipality *changed = call(1, "UpdateMunicipality", &patch);
    assert_string_equal(changed->code, "LAKE-2");
    assert_string_equal(changed->name, "Seestadt ü");
    assert_int_equal(changed->population, 41000);
    assert_true(changed->longitude == -7.5);
    assert_true(changed->updated_at > made->updated_at && changed->created_at == made->created_at);
    expect_event("events.1.municipality", made->id, "updated", "LAKE", NULL); /* the old code: caches know it by that */
    expect_event("events.1.municipality", made->id, "updated", "LAKE-2", NULL);
    assert_int_equal(try(1, "GetMunicipality", &by_code), ERR_NOT_FOUND);

    call(1, "DeleteMunicipality", &id);
    expect_event("events.1.municipality", made->id, "deleted", "LAKE-2", NULL);
    assert_int_equal(try(1, "GetMunicipality", &id), ERR_NOT_FOUND);
    assert_int_equal(try(1, "DeleteMunicipality", &id), ERR_NOT_FOUND);
    assert_int_equal(try(1, "UpdateMunicipality", &patch), ERR_NOT_FOUND);
}

static void a_code_is_unique_in_its_tenant(void **state)
{
    (void)state;
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of("TWICE");
    request.name = text_of("x");
    make_municipality(1, "TWICE");
    make_municipality(2, "TWICE"); /* another's is another */
    assert_int_equal(try(1, "CreateMunicipality", &request), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "TWICE"));
    make_municipality(1, "ONCE");
    request.id = text_of("ONCE");
    assert_int_equal(try(1, "UpdateMunicipality", &request), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "TWICE"));
}

static void fields_that_break_a_rule_are_all_named(void **state)
{
    (void)state;
    Nwims__V1__Municipality empty = NWIMS__V1__MUNICIPALITY__INIT, bad = NWIMS__V1__MUNICIPALITY__INIT;
    expect_violation(1, "CreateMunicipality", &empty, "code");
    expect_violation(1, "CreateMunicipality", &empty, "name");
    bad.code = text_of("no spaces");
    bad.name = text_of("");
    bad.has_population = bad.has_latitude = bad.has_longitude = true;
    bad.population = -1;
    bad.latitude = 90.1;
    bad.longitude = -181;
    static const char *const fields[] = { "code", "name", "population", "latitude", "longitude" };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        expect_violation(1, "CreateMunicipality", &bad, fields[i]);
    assert_int_equal(failure->n_violations, 5);

    Nwims__V1__Zone zone = NWIMS__V1__ZONE__INIT;
    zone.code = text_of("Z");
    zone.name = text_of("z");
    expect_violation(1, "CreateZone", &zone, "municipality_id");
    zone.municipality_id = text_of("LAKESIDE");
    expect_violation(1, "CreateZone", &zone, "municipality_id");

    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    device.code = text_of("D");
    expect_violation(1, "CreateDevice", &device, "protocol");
    device.protocol = text_of("mqt");
    device.state = text_of("");
    expect_violation(1, "CreateDevice", &device, "protocol");
    expect_violation(1, "CreateDevice", &device, "state");
}

/* ---- lists ---- */
static void a_list_is_paged_in_order_of_code(void **state)
{
    (void)state;
    char code[16];
    for (int i = 24; i >= 0; i--) {
        snprintf(code, sizeof code, "P-%02d", i);
        make_municipality(3, code);
    }
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.has_limit = true;
    request.limit = 10;
    int seen = 0, pages = 0;
    do {
        Nwims__V1__ListMunicipalitiesReply *page = call(3, "ListMunicipalities", &request);
        for (size_t i = 0; i < page->n_items; i++, seen++) {
            snprintf(code, sizeof code, "P-%02d", seen);
            assert_string_equal(page->items[i]->code, code);
        }
        request.cursor = page->next_cursor;
        pages++;
    } while (request.cursor);
    assert_int_equal(seen, 25);
    assert_int_equal(pages, 3);

    request = (Nwims__V1__ListSensorsRequest)NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.code_prefix = text_of("P-1");
    assert_int_equal(((Nwims__V1__ListMunicipalitiesReply *)call(3, "ListMunicipalities", &request))->n_items, 10);
    request.code_prefix = text_of("P_1"); /* no wildcards */
    assert_int_equal(((Nwims__V1__ListMunicipalitiesReply *)call(3, "ListMunicipalities", &request))->n_items, 0);
}

static void a_cursor_that_is_none_of_ours_is_a_violation(void **state)
{
    (void)state;
    static const char *const cursors[] = { "x", "!!!!", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAD_",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        request.cursor = text_of(cursors[i]);
        expect_violation(1, "ListSensors", &request, "cursor");
    }
    request = (Nwims__V1__ListSensorsRequest)NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.zone_id = text_of("not-a-uuid");
    expect_violation(1, "ListSensors", &request, "zone_id");
}

static void lists_are_filtered_by_what_things_belong_to(void **state)
{
    (void)state;
    char *town = make_municipality(4, "TOWN"), *other = make_municipality(4, "OTHER");
    char *zone = make_zone(4, "ZONE", town);
    make_zone(4, "OTHER-ZONE", other);
    char *device = make_device(4, "LOGGER");
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    sensor.code = text_of("S-1");
    sensor.kind = text_of("flow");
    sensor.zone_id = zone;
    sensor.municipality_id = town;
    sensor.device_id = device;
    call(4, "CreateSensor", &sensor);
    make_sensor(4, "S-2", "flow");
    make_sensor(4, "S-3", "pressure");

    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.municipality_id = town;
    Nwims__V1__ListZonesReply *zones = call(4, "ListZones", &request);
    assert_int_equal(zones->n_items, 1);
    assert_string_equal(zones->items[0]->code, "ZONE");
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call(4, "ListSensors", &request))->n_items, 1);
    assert_int_equal(((Nwims__V1__ListDevicesReply *)call(4, "ListDevices", &request))->n_items, 0);
    request.zone_id = zone;
    request.device_id = device;
    request.kind = text_of("flow");
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call(4, "ListSensors", &request))->n_items, 1);
    request.kind = text_of("ph");
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call(4, "ListSensors", &request))->n_items, 0);
    request = (Nwims__V1__ListSensorsRequest)NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.kind = text_of("flow");
    assert_int_equal(((Nwims__V1__ListSensorsReply *)call(4, "ListSensors", &request))->n_items, 2);
}

/* ---- references ---- */
static void what_is_referred_to_cannot_go(void **state)
{
    (void)state;
    char *town = make_municipality(5, "TOWN");
    char *zone = make_zone(5, "ZONE", town);
    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    device.code = text_of("LOGGER");
    device.protocol = text_of("tcp");
    device.zone_id = zone;
    char *device_id = ((Nwims__V1__Device *)call(5, "CreateDevice", &device))->id;
    Nwims__V1__Sensor *sensor = make_sensor(5, "S", "level");
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    patch.id = sensor->id;
    patch.device_id = device_id;
    call(5, "UpdateSensor", &patch);

    Nwims__V1__ById id = by_id(town);
    assert_int_equal(try(5, "DeleteMunicipality", &id), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "zones"));
    id = by_id("ZONE");
    assert_int_equal(try(5, "DeleteZone", &id), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "devices"));
    id = by_id(device_id);
    assert_int_equal(try(5, "DeleteDevice", &id), ERR_CONFLICT);
    assert_non_null(strstr(err_text, "sensors"));

    char *clear[] = { text_of("device_id") };
    patch.device_id = NULL;
    patch.n_clear = 1;
    patch.clear = clear;
    assert_null(((Nwims__V1__Sensor *)call(5, "UpdateSensor", &patch))->device_id);
    call(5, "DeleteDevice", &id);
    id = by_id("ZONE");
    call(5, "DeleteZone", &id);
    id = by_id(town);
    call(5, "DeleteMunicipality", &id);
    id = by_id("S");
    call(5, "DeleteSensor", &id);
    expect_event("events.5.sensor", sensor->id, "deleted", "S", NULL);
}

static void references_stay_within_the_tenant(void **state)
{
    (void)state;
    char *foreign = make_municipality(6, "FOREIGN");
    Nwims__V1__Zone zone = NWIMS__V1__ZONE__INIT;
    zone.code = text_of("MINE");
    zone.name = text_of("z");
    zone.municipality_id = foreign;
    expect_violation(7, "CreateZone", &zone, "municipality_id");
    Nwims__V1__Sensor *sensor = make_sensor(7, "S", "level");
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    patch.id = sensor->id;
    patch.municipality_id = foreign;
    expect_violation(7, "UpdateSensor", &patch, "municipality_id");
    patch.municipality_id = NULL;
    patch.zone_id = make_zone(6, "FOREIGN-ZONE", foreign);
    expect_violation(7, "UpdateSensor", &patch, "zone_id");
    patch.zone_id = NULL;
    patch.device_id = make_device(6, "FOREIGN-DEVICE");
    expect_violation(7, "UpdateSensor", &patch, "device_id");
}

/* ---- tenants and permissions ---- */
static void nobody_sees_or_touches_what_is_anothers(void **state)
{
    (void)state;
    char *municipality = make_municipality(8, "SECRET");
    char *zone = make_zone(8, "SECRET", municipality);
    char *device = make_device(8, "SECRET");
    char *sensor = make_sensor(8, "SECRET", "ph")->id;
    const struct {
        const char *noun, *list;
        const char *id;
    } cases[] = { { "Municipality", "ListMunicipalities", municipality }, { "Zone", "ListZones", zone },
        { "Device", "ListDevices", device }, { "Sensor", "ListSensors", sensor } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const char *const verbs[] = { "Get", "Delete", "Update" };
        for (size_t verb = 0; verb < COUNT_OF(verbs); verb++) {
            char method[40];
            snprintf(method, sizeof method, "%s%s", verbs[verb], cases[i].noun);
            /* The id is field 1 in each of the messages. */
            Nwims__V1__ById id = by_id(cases[i].id), code = by_id("SECRET");
            Nwims__V1__Municipality patch = NWIMS__V1__MUNICIPALITY__INIT;
            patch.id = id.id;
            if (verb == 2 && i > 0)
                continue;
            assert_int_equal(try(9, method, verb == 2 ? (const void *)&patch : &id), ERR_NOT_FOUND);
            patch.id = code.id;
            assert_int_equal(try(9, method, verb == 2 ? (const void *)&patch : &code), ERR_NOT_FOUND);
        }
        Nwims__V1__ListSensorsRequest list = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
        assert_int_equal(((Nwims__V1__ListZonesReply *)call(9, cases[i].list, &list))->n_items, 0);
        assert_int_equal(((Nwims__V1__ListZonesReply *)call(8, cases[i].list, &list))->n_items, 1);
    }
    char *names[] = { text_of("SECRET"), sensor };
    Nwims__V1__ResolveSensorsRequest resolve = NWIMS__V1__RESOLVE_SENSORS_REQUEST__INIT;
    resolve.n_names = 2;
    resolve.names = names;
    assert_int_equal(((Nwims__V1__ResolveSensorsReply *)call(9, "ResolveSensors", &resolve))->n_sensors, 0);
    assert_int_equal(((Nwims__V1__ResolveSensorsReply *)call(8, "ResolveSensors", &resolve))->n_sensors, 2);
}

static void a_call_needs_its_permission_and_a_tenant(void **state)
{
    (void)state;
    struct rpc_caller reader = caller_of(1, "zones:read sensors:write"), nobody = caller_of(0, "*:*");
    Nwims__V1__ListSensorsRequest list = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    Nwims__V1__ById id = by_id("X");
    Nwims__V1__ResolveSensorsRequest resolve = NWIMS__V1__RESOLVE_SENSORS_REQUEST__INIT;
    assert_int_equal(call_as(&reader, "ListZones", &list, NULL), ERR_NONE);
    assert_int_equal(call_as(&reader, "ListSensors", &list, NULL), ERR_DENIED);
    assert_int_equal(call_as(&reader, "DeleteSensor", &id, NULL), ERR_DENIED);
    assert_int_equal(call_as(&reader, "ListCredentials", &id, NULL), ERR_DENIED);
    assert_int_equal(call_as(&nobody, "ListZones", &list, NULL), ERR_DENIED);
    assert_int_equal(call_as(&nobody, "ResolveSensors", &resolve, NULL), ERR_DENIED);
}

static void the_database_keeps_tenants_apart_by_itself(void **state)
{
    (void)state;
    static const char *const tables[] = { "municipality", "zone", "device", "sensor", "credential" };
    Nwims__V1__CreateCredentialRequest credential = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
    make_zone(10, "Z", make_municipality(10, "M"));
    credential.id = make_device(10, "D");
    call(10, "CreateCredential", &credential);
    make_sensor(10, "S", "ph");
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE tenant_id = 10", tables[i]);
        assert_int_equal(count_as("nwims_registry", 10, sql), 1);
        assert_int_equal(count_as("nwims_registry", 11, sql), 0);
        assert_int_equal(count_as("nwims_registry", 0, sql), 0);
        assert_int_equal(count_as("nwims_registry_owner", 0, sql), 1);
    }
    struct err err = { 0 };
    int64_t affected = -1;
    AUTO(store) store = open_as("nwims_registry", "registry");
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err), &err);
    must(
        store_run(session, "SELECT count(*) FROM sensor", NO_PARAMS, NULL, &err), &err); /* no transaction: sees none */
    must(store_begin(session, 11, &err), &err);
    must(
        store_run(session, "UPDATE sensor SET name = 'stolen' WHERE tenant_id = 10", NO_PARAMS, &affected, &err), &err);
    assert_int_equal(affected, 0);
    assert_false(store_run(session,
        "INSERT INTO municipality (tenant_id, id, code, name) VALUES (10, '00000000-0000-7000-8000-000000000001', 'x', "
        "'x')",
        NO_PARAMS, NULL, &err));
    store_rollback(session);
    assert_false(store_script(session, "DROP TABLE sensor", &err));
    assert_false(store_script(session, "ALTER TABLE sensor DISABLE ROW LEVEL SECURITY", &err));
    assert_false(store_script(session, "DELETE FROM schema_migration", &err));
}

/* What a statement would do that forgot its tenant: every kind of statement, on every table. */
static void a_statement_without_its_tenant_sees_and_touches_its_own_only(void **state)
{
    (void)state;
    static const char *const tables[] = { "credential", "sensor", "device", "site", "zone", "municipality", "region",
        "idempotency", "tenant_state" };
    struct err err = { 0 };
    AUTO(store) store = open_as("nwims_registry", "registry");
    AUTO(store_session) session = NULL;
    for (int32_t tenant_id = 40; tenant_id <= 41; tenant_id++) {
        Nwims__V1__Region region = NWIMS__V1__REGION__INIT;
        Nwims__V1__Site site = NWIMS__V1__SITE__INIT;
        Nwims__V1__CreateCredentialRequest credential = NWIMS__V1__CREATE_CREDENTIAL_REQUEST__INIT;
        struct rpc_caller caller = caller_of(tenant_id, "*:*");
        snprintf(caller.idempotency_key, sizeof caller.idempotency_key, "key");
        region.code = site.code = region.name = site.name = text_of("X");
        assert_int_equal(call_as(&caller, "CreateRegion", &region, NULL), ERR_NONE);
        call(tenant_id, "CreateSite", &site);
        make_zone(tenant_id, "X", make_municipality(tenant_id, "X"));
        make_sensor(tenant_id, "X", "ph");
        credential.id = make_device(tenant_id, "X");
        call(tenant_id, "CreateCredential", &credential);
    }
    run("postgres", "INSERT INTO registry.tenant_state VALUES (40, false, now()), (41, false, now())");
    must(store_session_open(&session, store, &err), &err);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        char all[128], others[128], change[128], removal[128];
        int64_t changed = -1, removed = -1;
        snprintf(all, sizeof all, "SELECT count(*) FROM %s", tables[i]);
        snprintf(others, sizeof others, "SELECT count(*) FROM %s WHERE tenant_id <> 40", tables[i]);
        snprintf(change, sizeof change, "UPDATE %s SET tenant_id = tenant_id", tables[i]);
        snprintf(removal, sizeof removal, "DELETE FROM %s", tables[i]);
        assert_int_equal(count_as("nwims_registry", 40, all), 1);
        assert_int_equal(count_as("nwims_registry", 40, others), 0);
        assert_true(count_as("nwims_registry_owner", 0, others) >= 1);
        must(store_begin(session, 40, &err) && store_run(session, change, NO_PARAMS, &changed, &err), &err);
        assert_int_equal(changed, 1);
        if (strcmp(tables[i], "tenant_state") != 0) { /* which the service has no right to delete from */
            if (i > 0)                                /* what refers to it goes first */
                for (size_t k = 0; k < i; k++) {
                    char before[128];
                    snprintf(before, sizeof before, "DELETE FROM %s", tables[k]);
                    must(store_run(session, before, NO_PARAMS, NULL, &err), &err);
                }
            must(store_run(session, removal, NO_PARAMS, &removed, &err), &err);
            assert_int_equal(removed, 1);
        }
        store_rollback(session);
    }
}

/* ---- sensors ---- */
static void a_sensor_gets_its_kinds_unit_and_a_number(void **state)
{
    (void)state;
    Nwims__V1__Sensor *first = make_sensor(12, "S-1", "pressure");
    Nwims__V1__Sensor *second = make_sensor(13, "S-1", "flow");
    assert_string_equal(first->unit, "bar");
    assert_string_equal(second->unit, "m3/h");
    assert_string_equal(first->state, "active");
    assert_true(first->sensor_no > 0 && second->sensor_no > 0 && first->sensor_no != second->sensor_no);
    Nwims__V1__Sensor request = NWIMS__V1__SENSOR__INIT;
    request.code = text_of("S-2");
    request.kind = text_of("pressure");
    request.unit = text_of("kPa");
    request.has_range_min = request.has_range_max = request.has_period_s = true;
    request.range_min = -0.5;
    request.range_max = 1600;
    request.period_s = 900;
    Nwims__V1__Sensor *third = call(12, "CreateSensor", &request);
    assert_string_equal(third->unit, "kPa");
    assert_true(third->range_min == -0.5 && third->range_max == 1600 && third->period_s == 900);
    expect_event("events.12.sensor", third->id, "created", "S-2", NULL);
}

static void a_unit_must_fit_and_never_changes(void **state)
{
    (void)state;
    Nwims__V1__Sensor request = NWIMS__V1__SENSOR__INIT;
    request.code = text_of("U-1");
    request.kind = text_of("pressure");
    request.unit = text_of("m3/h");
    expect_violation(12, "CreateSensor", &request, "unit");
    request.unit = text_of("furlongs");
    expect_violation(12, "CreateSensor", &request, "unit");
    Nwims__V1__Sensor *made = make_sensor(12, "U-2", "pressure");
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    patch.id = made->code;
    patch.unit = text_of("kPa");
    expect_violation(12, "UpdateSensor", &patch, "unit");
    patch.unit = text_of("bar");
    patch.name = text_of("the same unit is no change");
    assert_string_equal(((Nwims__V1__Sensor *)call(12, "UpdateSensor", &patch))->name, "the same unit is no change");
    patch.unit = NULL;
    patch.kind = text_of("flow");
    expect_violation(12, "UpdateSensor", &patch, "kind");
    Nwims__V1__ById id = by_id(made->id);
    assert_string_equal(((Nwims__V1__Sensor *)call(12, "GetSensor", &id))->kind, "pressure");
}

static void a_range_must_be_one(void **state)
{
    (void)state;
    Nwims__V1__Sensor *made = make_sensor(12, "R-1", "level");
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    patch.id = made->id;
    patch.has_range_min = true;
    patch.range_min = 5;
    call(12, "UpdateSensor", &patch);
    patch.has_range_min = false;
    patch.has_range_max = true;
    patch.range_max = 4;
    expect_violation(12, "UpdateSensor", &patch, "range_max");
    patch.range_max = 6;
    Nwims__V1__Sensor *changed = call(12, "UpdateSensor", &patch);
    assert_true(changed->range_min == 5 && changed->range_max == 6);
}

static void sensors_are_resolved_by_code_and_by_id(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    Nwims__V1__Sensor *first = make_sensor(14, "S-1", "pressure"), *second = make_sensor(14, "S-2", "flow");
    char **names = arena_alloc_array(&arena, MANY + 1, sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i <= MANY; i++)
        names[i] = i % 3 == 0 ? first->code : i % 3 == 1 ? second->id : text_of("unknown \"{}, NULL");
    Nwims__V1__ResolveSensorsRequest request = NWIMS__V1__RESOLVE_SENSORS_REQUEST__INIT;
    request.names = names;
    request.n_names = MANY;
    Nwims__V1__ResolveSensorsReply *reply = call(14, "ResolveSensors", &request);
    assert_int_equal(reply->n_sensors, (MANY * 2 + 2) / 3);
    for (size_t i = 0; i < reply->n_sensors; i++) {
        const Nwims__V1__ResolvedSensor *sensor = reply->sensors[i];
        const Nwims__V1__Sensor *expected = sensor->index % 3 == 0 ? first : second;
        assert_int_not_equal(sensor->index % 3, 2);
        assert_int_equal(sensor->sensor_no, expected->sensor_no);
        assert_string_equal(sensor->unit, expected->unit);
        assert_string_equal(sensor->code, expected->code);
        assert_string_equal(sensor->state, "active");
    }
    request.n_names = MANY + 1;
    expect_violation(14, "ResolveSensors", &request, "names");
    request.n_names = 0;
    assert_int_equal(((Nwims__V1__ResolveSensorsReply *)call(14, "ResolveSensors", &request))->n_sensors, 0);
}

/* ---- faults ---- */
static void a_database_that_was_killed_is_survived(void **state)
{
    (void)state;
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    test_process_end(postgres.pid, SIGKILL);
    clock_sleep_ms(200);
    assert_int_equal(try(1, "ListZones", &request), ERR_TRANSIENT);
    test_postgres_restart(&postgres);
    await_service();
    char *id = make_municipality(18, "AFTER");
    expect_event("events.18.municipality", id, "created", "AFTER", NULL); /* the outbox healed too */
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(25, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_municipality_lives_from_create_to_delete),
        cmocka_unit_test(a_code_is_unique_in_its_tenant),
        cmocka_unit_test(fields_that_break_a_rule_are_all_named),
        cmocka_unit_test(a_list_is_paged_in_order_of_code),
        cmocka_unit_test(a_cursor_that_is_none_of_ours_is_a_violation),
        cmocka_unit_test(lists_are_filtered_by_what_things_belong_to),
        cmocka_unit_test(what_is_referred_to_cannot_go),
        cmocka_unit_test(references_stay_within_the_tenant),
        cmocka_unit_test(nobody_sees_or_touches_what_is_anothers),
        cmocka_unit_test(a_call_needs_its_permission_and_a_tenant),
        cmocka_unit_test(the_database_keeps_tenants_apart_by_itself),
        cmocka_unit_test(a_statement_without_its_tenant_sees_and_touches_its_own_only),
        cmocka_unit_test(a_sensor_gets_its_kinds_unit_and_a_number),
        cmocka_unit_test(a_unit_must_fit_and_never_changes),
        cmocka_unit_test(a_range_must_be_one),
        cmocka_unit_test(sensors_are_resolved_by_code_and_by_id),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
        cmocka_unit_test(a_database_that_was_killed_is_survived),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
