#include "places.h"
#include "nwims/v1/registry.pb-c.h"

enum { ASK_MS = 5000 };

/* The message borrows its texts and lives only until it is encoded. */
static char **borrow(const char *const *texts)
{
    return (char **)(uintptr_t)texts;
}

bool places_check(const struct identity *identity, struct rpc_call *call, const struct places *places, struct err *err)
{
    Nwims__V1__FindUnknownPlacesRequest request = NWIMS__V1__FIND_UNKNOWN_PLACES_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    if (places->region_count + places->municipality_count == 0)
        return true;
    request.region_ids = borrow(places->region_ids);
    request.n_region_ids = places->region_count;
    request.municipality_ids = borrow(places->municipality_ids);
    request.n_municipality_ids = places->municipality_count;
    if (!rpc_call(service_bus(identity->service), &nwims__v1__registry__descriptor, "FindUnknownPlaces", call->caller,
            &request.base, ASK_MS, call->arena, &reply, NULL, err))
        return err_wrap(err, "asking which places there are");
    const Nwims__V1__FindUnknownPlacesReply *unknown = (const Nwims__V1__FindUnknownPlacesReply *)reply;
    if (unknown->n_region_ids > 0)
        return rpc_violation(call, err, places->region_field, "there is no region %.40s", unknown->region_ids[0]);
    return unknown->n_municipality_ids == 0 || rpc_violation(call, err, places->municipality_field,
                                                   "there is no municipality %.40s", unknown->municipality_ids[0]);
}
