/* Where readings came from, as their messages say it. Inside libs/ingest only. */
#pragma once
#include "ingest/intake.h"
#include "nwims/v1/readings.pb-c.h"

/* The texts are the request's. codec may be NULL. */
void provenance_fill(Nwims__V1__Provenance *provenance, const struct intake_request *request, const char *codec);
