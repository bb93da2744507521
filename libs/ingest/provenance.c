#include "ingest/provenance.h"

/* Generated messages have no const; nothing writes through them when they are encoded. */
static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

void provenance_fill(Nwims__V1__Provenance *provenance, const struct intake_request *request, const char *codec)
{
    *provenance = (Nwims__V1__Provenance)NWIMS__V1__PROVENANCE__INIT;
    provenance->protocol = borrowed(request->protocol);
    provenance->device_id = borrowed(request->device_id);
    if (!request->device_id)
        provenance->actor = borrowed(request->caller->actor);
    if (request->caller->peer[0] != '\0')
        provenance->peer = borrowed(request->caller->peer);
    provenance->codec = borrowed(codec);
}
