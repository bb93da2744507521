#include "tenant_store.h"
#include "identity.h"
#include "store/store_timer.h"

#define COLUMNS                                                                                                        \
    "id, name, code, time_zone, state, created_at, level, parent_id, updated_at, quota_requests_per_second, "          \
    "quota_burst, quota_readings_per_day, quota_sensors, quota_devices, quota_users"
enum { QUOTA_COLUMN = 9 };

static bool is_missing(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such tenant");
}

/* False for SQL NULL: the preset of the installation. */
static bool read_quota(const struct store_result *rows, size_t row, size_t place, int64_t *out_value)
{
    *out_value = store_result_int(rows, row, QUOTA_COLUMN + place);
    return !store_result_is_null(rows, row, QUOTA_COLUMN + place);
}

static Nwims__V1__Quota *make_quota(const struct store_result *rows, size_t row, struct arena *arena)
{
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__quota__descriptor);
    Nwims__V1__Quota *quota = (Nwims__V1__Quota *)made;
    int64_t value;
    if (!quota)
        return NULL;
    quota->has_requests_per_second = read_quota(rows, row, 0, &value);
    quota->requests_per_second = (int32_t)value;
    quota->has_burst = read_quota(rows, row, 1, &value);
    quota->burst = (int32_t)value;
    quota->has_readings_per_day = read_quota(rows, row, 2, &quota->readings_per_day);
    quota->has_sensors = read_quota(rows, row, 3, &value);
    quota->sensors = (int32_t)value;
    quota->has_devices = read_quota(rows, row, 4, &value);
    quota->devices = (int32_t)value;
    quota->has_users = read_quota(rows, row, 5, &value);
    quota->users = (int32_t)value;
    return quota;
}

static bool fill(
    Nwims__V1__Tenant *tenant, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    tenant->has_id = tenant->has_created_at = tenant->has_updated_at = true;
    tenant->id = (int32_t)store_result_int(rows, row, 0);
    tenant->name = store_result_copy(rows, row, 1, arena);
    tenant->code = store_result_copy(rows, row, 2, arena);
    tenant->time_zone = store_result_copy(rows, row, 3, arena);
    tenant->state = store_result_copy(rows, row, 4, arena);
    tenant->created_at = store_result_time(rows, row, 5);
    tenant->level = store_result_copy(rows, row, 6, arena);
    tenant->has_parent_id = !store_result_is_null(rows, row, 7);
    tenant->parent_id = (int32_t)store_result_int(rows, row, 7);
    tenant->updated_at = store_result_time(rows, row, 8);
    tenant->quota = make_quota(rows, row, arena);
    return (tenant->name && tenant->code && tenant->time_zone && tenant->state && tenant->level && tenant->quota) ||
           identity_is_full(err);
}

static bool fill_items(
    Nwims__V1__Tenant ***out_items, const struct store_result *rows, size_t count, struct arena *arena, struct err *err)
{
    *out_items = arena_alloc_array(arena, count, sizeof(void *));
    if (count && !*out_items)
        return identity_is_full(err);
    for (size_t row = 0; row < count; row++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__tenant__descriptor);
        (*out_items)[row] = (Nwims__V1__Tenant *)made;
        if (!made || !fill((*out_items)[row], rows, row, arena, err))
            return identity_is_full(err);
    }
    return true;
}

static bool fill_only(Nwims__V1__Tenant *tenant, const struct store_result *rows, struct arena *arena, struct err *err)
{
    return store_result_rows(rows) == 1 ? fill(tenant, rows, 0, arena, err) : is_missing(err);
}

bool tenant_store_list(struct store_session *session, int64_t after_id, int64_t limit, struct arena *arena,
    Nwims__V1__ListTenantsReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    /* One more than asked for tells whether there is a next page. */
    if (!store_query(session, &rows, "SELECT " COLUMNS " FROM tenant WHERE id > $1::int8 ORDER BY id LIMIT $2::int8",
            PARAMS(PARAM_INT(after_id), PARAM_INT(limit + 1)), err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)limit;
    count -= has_more;
    if (!fill_items(&out_reply->items, rows, count, arena, err))
        return false;
    out_reply->n_items = count;
    if (has_more)
        out_reply->next_cursor = store_result_copy(rows, count - 1, 0, arena);
    return !has_more || out_reply->next_cursor || identity_is_full(err);
}

bool tenant_store_get(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows, "SELECT " COLUMNS " FROM tenant WHERE id = $1", PARAMS(PARAM_INT(id)), err) &&
           fill_only(out_tenant, rows, arena, err);
}

static struct store_param parent_of(const Nwims__V1__Tenant *tenant)
{
    return tenant->has_parent_id && tenant->parent_id > 0 ? PARAM_INT(tenant->parent_id) : PARAM_NULL;
}

bool tenant_store_create(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "INSERT INTO tenant (name, code, time_zone, level, parent_id) VALUES ($1, $2, coalesce($3, 'UTC'), "
            "coalesce($4, 'utility'), $5::integer) RETURNING " COLUMNS,
            PARAMS(PARAM_TEXT(tenant->name), PARAM_TEXT(tenant->code), PARAM_TEXT(tenant->time_zone),
                PARAM_TEXT(tenant->level), parent_of(tenant)),
            err))
        return err->kind == ERR_CONFLICT
                   ? err_set(err, ERR_CONFLICT, "there is a tenant with the code %s already", tenant->code)
                   : false;
    return fill_only(out_tenant, rows, arena, err);
}

bool tenant_store_update(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "UPDATE tenant SET name = coalesce($2, name), time_zone = coalesce($3, time_zone), level = coalesce($4, "
               "level), parent_id = CASE WHEN $5::bool THEN $6::integer ELSE parent_id END, updated_at = now() WHERE "
               "id = $1 RETURNING " COLUMNS,
               PARAMS(PARAM_INT(tenant->id), PARAM_TEXT(tenant->name), PARAM_TEXT(tenant->time_zone),
                   PARAM_TEXT(tenant->level), PARAM_BOOL(tenant->has_parent_id), parent_of(tenant)),
               err) &&
           fill_only(out_tenant, rows, arena, err);
}

#define PARAM_QUOTA(name) (quota->has_##name ? PARAM_INT(quota->name) : PARAM_NULL)

bool tenant_store_set_quota(struct store_session *session, const Nwims__V1__SetQuotaRequest *quota, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "UPDATE tenant SET quota_requests_per_second = $2::integer, quota_burst = $3::integer, "
               "quota_readings_per_day = $4::bigint, quota_sensors = $5::integer, quota_devices = $6::integer, "
               "quota_users = $7::integer, updated_at = now() WHERE id = $1 RETURNING " COLUMNS,
               PARAMS(PARAM_INT(quota->id), PARAM_QUOTA(requests_per_second), PARAM_QUOTA(burst),
                   PARAM_QUOTA(readings_per_day), PARAM_QUOTA(sensors), PARAM_QUOTA(devices), PARAM_QUOTA(users)),
               err) &&
           fill_only(out_tenant, rows, arena, err);
}

bool tenant_store_set_state(
    struct store_session *session, int32_t id, bool is_active, int32_t *out_epoch, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "UPDATE tenant SET state = CASE WHEN $2::bool THEN 'active' ELSE 'suspended' END, epoch = epoch + CASE "
            "WHEN $2::bool THEN 0 ELSE 1 END, updated_at = now() WHERE id = $1 RETURNING epoch",
            PARAMS(PARAM_INT(id), PARAM_BOOL(is_active)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return is_missing(err);
    *out_epoch = (int32_t)store_result_int(rows, 0, 0);
    return true;
}

bool tenant_store_delete(struct store_session *session, int32_t id, struct err *err)
{
    static const char why[] = "a tenant is removed once it is suspended and has neither users, roles and keys nor "
                              "tenants below it";
    int64_t deleted;
    if (!store_run(
            session, "DELETE FROM tenant WHERE id = $1 AND state = 'suspended'", PARAMS(PARAM_INT(id)), &deleted, err))
        return err->kind == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, why) : false;
    return deleted == 1 || err_set(err, ERR_CONFLICT, why);
}

bool tenant_store_usage(struct store_session *session, int32_t id, Nwims__V1__TenantUsage *out_usage, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row, "SELECT users, active_users, roles, api_keys, sessions FROM tenant_usage($1)",
            PARAMS(PARAM_INT(id)), err))
        return false;
    out_usage->has_tenant_id = out_usage->has_users = out_usage->has_active_users = out_usage->has_roles =
        out_usage->has_api_keys = out_usage->has_sessions = true;
    out_usage->tenant_id = id;
    out_usage->users = store_result_int(row, 0, 0);
    out_usage->active_users = store_result_int(row, 0, 1);
    out_usage->roles = store_result_int(row, 0, 2);
    out_usage->api_keys = store_result_int(row, 0, 3);
    out_usage->sessions = store_result_int(row, 0, 4);
    return true;
}

bool tenant_store_descendants(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Descendants *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    /* Levels fall strictly, so three are the most. */
    if (!store_query(session, &rows,
            "WITH RECURSIVE below (id, depth) AS (SELECT t.id, 1 FROM tenant t WHERE t.parent_id = $1 UNION ALL SELECT "
            "t.id, b.depth + 1 FROM tenant t JOIN below b ON t.parent_id = b.id WHERE b.depth < 3) SELECT " COLUMNS
            " FROM tenant JOIN below USING (id) ORDER BY depth, id LIMIT 10000",
            PARAMS(PARAM_INT(id)), err))
        return false;
    size_t count = store_result_rows(rows);
    if (!fill_items(&out_reply->items, rows, count, arena, err))
        return false;
    out_reply->n_items = count;
    return true;
}

bool tenant_store_lock(struct store_session *session, struct err *err)
{
    return store_lock(session, "identity.tenants", err);
}

bool tenant_store_levels(struct store_session *session, int32_t id, struct arena *arena, const char **out_level,
    const char **out_highest_below, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT t.level, CASE WHEN bool_or(c.level = 'region') THEN 'region' WHEN bool_or(c.level = 'utility') "
            "THEN 'utility' ELSE '' END FROM tenant t LEFT JOIN tenant c ON c.parent_id = t.id WHERE t.id = $1 GROUP "
            "BY t.level",
            PARAMS(PARAM_INT(id)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return is_missing(err);
    *out_level = store_result_copy(rows, 0, 0, arena);
    *out_highest_below = store_result_copy(rows, 0, 1, arena);
    return (*out_level && *out_highest_below) || identity_is_full(err);
}

bool tenant_store_knows_zone(struct store_session *session, const char *time_zone, bool *out_known, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = $1)",
            PARAMS(PARAM_TEXT(time_zone)), err))
        return false;
    *out_known = store_result_bool(rows, 0, 0);
    return true;
}
