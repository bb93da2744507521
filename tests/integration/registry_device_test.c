/* What the ingests tell of devices, on a real server: twice, late, of other tenants; and commands' whole life. */
#include "tests/integration/registry_stack.h"

#include "nwims/v1/events.pb-c.h"

static void tell(const char *subject, const ProtobufCMessage *event)
{
    static int number;
    struct err err = { 0 };
    AUTO_INPLACE(buffer) payload = { 0 };
    char id[32];
    snprintf(id, sizeof id, "told-%d", number++);
    must(wire_encode(&payload, event, &err), &err);
    const struct bus_outgoing message = { .subject = subject, .data = payload.data, .size = payload.size };
    must(bus_publish(bus, &message, id, 5000, NULL, &err), &err);
}

static void tell_presence(
    int32_t tenant_id, const char *device_id, const char *kind, int64_t at, const char *connection_id)
{
    Nwims__V1__DevicePresence event = NWIMS__V1__DEVICE_PRESENCE__INIT;
    char subject[64];
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = tenant_id;
    event.device_id = text_of(device_id);
    event.protocol = text_of("mqtt");
    event.kind = text_of(kind);
    event.at = at;
    event.connection_id = connection_id ? text_of(connection_id) : NULL;
    event.peer = text_of("192.0.2.7");
    event.reason = strcmp(kind, "disconnected") == 0 ? text_of("client") : NULL;
    snprintf(subject, sizeof subject, "events.%d.presence", (int)tenant_id);
    tell(subject, &event.base);
}

static void tell_result(
    int32_t tenant_id, const char *device_id, const char *command_id, const char *state, const char *result)
{
    Nwims__V1__CommandResult event = NWIMS__V1__COMMAND_RESULT__INIT;
    char subject[64];
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = tenant_id;
    event.device_id = text_of(device_id);
    event.command_id = text_of(command_id);
    event.state = text_of(state);
    event.result = result ? text_of(result) : NULL;
    event.at = clock_now_us();
    snprintf(subject, sizeof subject, "events.%d.command-result", (int)tenant_id);
    tell(subject, &event.base);
}

static const Nwims__V1__DeviceStatus *status_of(int32_t tenant_id, const char *device_id)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = text_of(device_id);
    return call(tenant_id, "GetDeviceStatus", &request);
}

/* Waits until the device was last seen then. */
static const Nwims__V1__DeviceStatus *status_seen(int32_t tenant_id, const char *device_id, int64_t at)
{
    const Nwims__V1__DeviceStatus *status;
    for (int i = 0; i < 500; i++) {
        status = status_of(tenant_id, device_id);
        if (status->has_last_seen_at && status->last_seen_at == at)
            return status;
        clock_sleep_ms(20);
    }
    fail_msg("not seen at %lld but at %lld", (long long)at, (long long)status->last_seen_at);
    return NULL;
}

static Nwims__V1__Command *make_command(int32_t tenant_id, const char *device_id, int64_t expires_in_s)
{
    Nwims__V1__CreateCommandRequest request = NWIMS__V1__CREATE_COMMAND_REQUEST__INIT;
    request.id = text_of(device_id);
    request.name = text_of("open");
    request.payload = text_of("{\"percent\":40}");
    request.has_expires_in_s = true;
    request.expires_in_s = expires_in_s;
    return call(tenant_id, "CreateCommand", &request);
}

static const Nwims__V1__Command *command_of(int32_t tenant_id, const Nwims__V1__Command *made)
{
    Nwims__V1__ListCommandsRequest request = NWIMS__V1__LIST_COMMANDS_REQUEST__INIT;
    request.id = made->device_id;
    const Nwims__V1__ListCommandsReply *list = call(tenant_id, "ListCommands", &request);
    for (size_t i = 0; i < list->n_items; i++)
        if (strcmp(list->items[i]->id, made->id) == 0)
            return list->items[i];
    fail_msg("the command is gone");
    return NULL;
}

static const Nwims__V1__Command *await_state(int32_t tenant_id, const Nwims__V1__Command *made, const char *state)
{
    const Nwims__V1__Command *command;
    for (int i = 0; i < 500; i++) {
        command = command_of(tenant_id, made);
        if (strcmp(command->state, state) == 0)
            return command;
        clock_sleep_ms(20);
    }
    fail_msg("not %s but %s", state, command->state);
    return NULL;
}

static void presence_moves_forward_only_whatever_comes_twice_or_late(void **state)
{
    const char *device_id = make_device(1, "LATE");
    int64_t now = clock_now_us();
    (void)state;
    tell_presence(1, device_id, "connected", now - 5000, "second");
    assert_true(status_seen(1, device_id, now - 5000)->is_online);
    tell_presence(1, device_id, "connected", now - 9000, "first");
    tell_presence(1, device_id, "disconnected", now - 4000, "first");
    tell_presence(1, device_id, "connected", now - 5000, "second");
    tell_presence(1, device_id, "seen", now - 4500, NULL);
    const Nwims__V1__DeviceStatus *status = status_seen(1, device_id, now - 4500);
    assert_true(status->is_online); /* the end of the first one is not the end of the second */
    assert_int_equal(status->connected_at, now - 5000);
    tell_presence(1, device_id, "disconnected", now - 3000, "second");
    tell_presence(1, device_id, "disconnected", now - 4000, "first");
    for (int i = 0; i < 500 && status->is_online; i++) {
        clock_sleep_ms(20);
        status = status_of(1, device_id);
    }
    assert_false(status->is_online);
    assert_int_equal(status->disconnected_at, now - 3000);
    assert_string_equal(status->disconnect_reason, "client");
    assert_string_equal(status->address_kind, "ipv4");
}

static void presence_of_another_tenants_device_or_of_none_changes_nothing(void **state)
{
    const char *device_id = make_device(1, "OURS"), *theirs = make_device(2, "THEIRS");
    int64_t now = clock_now_us();
    (void)state;
    tell_presence(2, device_id, "connected", now, "x");
    tell_presence(2, "01900000-0000-7000-8000-0000000000ff", "connected", now, "x");
    tell_presence(2, "no id", "connected", now, "x");
    tell_presence(2, theirs, "seen", now + 1, NULL);
    status_seen(2, theirs, now + 1); /* all before it have been taken */
    assert_false(status_of(1, device_id)->has_last_seen_at);
    assert_int_equal(count_as("nwims_registry", 1, "SELECT count(*) FROM device_presence WHERE tenant_id = 2"), 0);
    assert_int_equal(count_as("nwims_registry", 2, "SELECT count(*) FROM device_presence"), 1);
}

static void tell_gaps(
    int32_t tenant_id, const char *device_id, int64_t at, uint64_t first, uint64_t last, uint64_t late)
{
    Nwims__V1__DeviceGaps event = NWIMS__V1__DEVICE_GAPS__INIT;
    Nwims__V1__SequenceRange range = NWIMS__V1__SEQUENCE_RANGE__INIT, *ranges[] = { &range };
    char subject[64];
    event.has_tenant_id = event.has_at = event.has_late = event.has_forgotten = true;
    event.tenant_id = tenant_id;
    event.device_id = text_of(device_id);
    event.at = at;
    event.late = late;
    range.has_first = range.has_last = true;
    range.first = first;
    range.last = last;
    event.n_missing = first > 0 ? 1 : 0;
    event.missing = ranges;
    snprintf(subject, sizeof subject, "events.%d.gaps", (int)tenant_id);
    tell(subject, &event.base);
}

static const Nwims__V1__DeviceSequence *sequence_changed(int32_t tenant_id, const char *device_id, int64_t at)
{
    for (int i = 0; i < 500; i++) {
        const Nwims__V1__DeviceStatus *status = status_of(tenant_id, device_id);
        if (status->sequence && status->sequence->changed_at == at)
            return status->sequence;
        clock_sleep_ms(20);
    }
    fail_msg("what is missing of the device's sequence was not kept");
    return NULL;
}

static void the_newest_word_of_what_is_missing_of_a_device_counts(void **state)
{
    const char *device_id = make_device(1, "NUMBERS"), *theirs = make_device(2, "NUMBERS");
    int64_t now = clock_now_us();
    (void)state;
    assert_null(status_of(1, device_id)->sequence);
    tell_gaps(1, device_id, now - 5000, 3, UINT64_MAX, 0);
    assert_int_equal(sequence_changed(1, device_id, now - 5000)->missing[0]->last, INT64_MAX);
    tell_gaps(1, device_id, now - 4000, 3, 9, 1);
    tell_gaps(1, device_id, now - 5000, 3, 10, 0); /* late */
    tell_gaps(2, device_id, now, 1, 1, 0);         /* not theirs */
    tell_gaps(2, "no id", now, 1, 1, 0);
    tell_gaps(2, theirs, now, 1, 1, 0);
    sequence_changed(2, theirs, now); /* all before it have been taken */
    const Nwims__V1__DeviceSequence *sequence = sequence_changed(1, device_id, now - 4000);
    assert_int_equal(sequence->n_missing, 1);
    assert_int_equal(sequence->missing[0]->first, 3);
    assert_int_equal(sequence->missing[0]->last, 9);
    assert_int_equal(sequence->missing_records, 7);
    assert_int_equal(sequence->late_records, 1);
    tell_gaps(1, device_id, now - 3000, 0, 0, 8);
    sequence = sequence_changed(1, device_id, now - 3000);
    assert_int_equal(sequence->n_missing, 0);
    assert_int_equal(sequence->missing_records, 0);
}

static void a_commands_states_go_forward_and_an_answer_counts_once(void **state)
{
    const char *device_id = make_device(1, "VALVE"), *other = make_device(1, "OTHER");
    (void)state;
    Nwims__V1__Command *made = make_command(1, device_id, 3600);
    assert_string_equal(made->state, "queued");
    assert_string_equal(made->created_by, "tester");
    expect_audit(1, "device_command.created", made->id,
        arena_printf(&arena, "{\"name\":\"open\",\"device_id\":\"%s\"}", device_id));
    tell_result(1, other, made->id, "acknowledged", "{}");
    tell_result(2, device_id, made->id, "acknowledged", "{}");
    tell_result(1, device_id, made->id, "sent", NULL);
    tell_result(1, device_id, made->id, "wonderful", NULL);
    tell_result(1, device_id, "no id", "sent", NULL);
    await_state(1, made, "sent");
    tell_result(1, device_id, made->id, "delivered", NULL);
    await_state(1, made, "delivered");
    tell_result(1, device_id, made->id, "sent", NULL);
    tell_result(1, device_id, made->id, "acknowledged", "{\"ok\":true}");
    tell_result(1, device_id, made->id, "failed", "{\"ok\":false}");
    const Nwims__V1__Command *done = await_state(1, made, "succeeded");
    assert_string_equal(done->result, "{\"ok\":true}");
    assert_true(done->has_sent_at && done->has_delivered_at && done->has_finished_at);
    clock_sleep_ms(300);
    assert_string_equal(command_of(1, made)->state, "succeeded");
}

static void what_is_over_its_time_ends_and_what_was_sent_may_still_tell(void **state)
{
    const char *device_id = make_device(3, "SLOW");
    (void)state;
    Nwims__V1__Command *unsent = make_command(3, device_id, 1), *sent = make_command(3, device_id, 1);
    tell_result(3, device_id, sent->id, "sent", NULL);
    await_state(3, unsent, "expired");
    await_state(3, sent, "expired");
    tell_result(3, device_id, unsent->id, "acknowledged", "{}");
    tell_result(3, device_id, sent->id, "acknowledged", "{}");
    await_state(3, sent, "succeeded");
    assert_string_equal(command_of(3, unsent)->state, "expired");
    Nwims__V1__OpenCommandsRequest request = NWIMS__V1__OPEN_COMMANDS_REQUEST__INIT;
    request.device_id = text_of(device_id);
    assert_int_equal(((Nwims__V1__ListCommandsReply *)call(3, "ListOpenCommands", &request))->n_items, 0);
}

static void commands_are_of_one_tenant_even_where_a_statement_forgets_it(void **state)
{
    const char *device_id = make_device(4, "D");
    Nwims__V1__ListCommandsRequest request = NWIMS__V1__LIST_COMMANDS_REQUEST__INIT;
    (void)state;
    make_command(4, device_id, 3600);
    request.id = text_of(device_id);
    assert_int_equal(try(5, "ListCommands", &request), ERR_NOT_FOUND);
    assert_int_equal(count_as("nwims_registry", 4, "SELECT count(*) FROM device_command"), 1);
    assert_int_equal(count_as("nwims_registry", 5, "SELECT count(*) FROM device_command"), 0);
    Nwims__V1__OpenCommandsRequest open = NWIMS__V1__OPEN_COMMANDS_REQUEST__INIT;
    open.device_id = text_of(device_id);
    assert_int_equal(((Nwims__V1__ListCommandsReply *)call(4, "ListOpenCommands", &open))->n_items, 1);
    assert_int_equal(((Nwims__V1__ListCommandsReply *)call(5, "ListOpenCommands", &open))->n_items, 0);
}

static void a_device_takes_its_commands_and_presence_with_it(void **state)
{
    const char *device_id = make_device(6, "GONE");
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    int64_t now = clock_now_us();
    (void)state;
    make_command(6, device_id, 3600);
    tell_presence(6, device_id, "seen", now, NULL);
    status_seen(6, device_id, now);
    request.id = text_of(device_id);
    call(6, "DeleteDevice", &request);
    assert_int_equal(count_as("nwims_registry", 6,
                         "SELECT (SELECT count(*) FROM device_command) + (SELECT count(*) FROM device_presence)"),
        0);
}

static void only_the_owner_may_look_over_all_tenants(void **state)
{
    (void)state;
    make_command(7, make_device(7, "D"), 3600);
    assert_int_equal(count_as("nwims_registry", 0, "SELECT count(*) FROM device_command"), 0);
    assert_int_equal(count_as("nwims_registry", 0, "SELECT count(*) FROM expire_commands(100)"), 0);
    run("nwims_registry_owner",
        "UPDATE registry.device_command SET state = 'succeeded', finished_at = now() - interval '40 days' WHERE "
        "tenant_id = 7");
    assert_int_equal(count_as("nwims_registry", 0, "SELECT purge_commands(100, interval '30 days')"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presence_moves_forward_only_whatever_comes_twice_or_late),
        cmocka_unit_test(presence_of_another_tenants_device_or_of_none_changes_nothing),
        cmocka_unit_test(the_newest_word_of_what_is_missing_of_a_device_counts),
        cmocka_unit_test(a_commands_states_go_forward_and_an_answer_counts_once),
        cmocka_unit_test(what_is_over_its_time_ends_and_what_was_sent_may_still_tell),
        cmocka_unit_test(commands_are_of_one_tenant_even_where_a_statement_forgets_it),
        cmocka_unit_test(a_device_takes_its_commands_and_presence_with_it),
        cmocka_unit_test(only_the_owner_may_look_over_all_tenants),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
