#include "nwims/v1/audit.pb-c.h"
#include "routes/routes.h"

#define AUDITOR &nwims__v1__auditor__descriptor

static const struct route routes[] = {
    { "GET", "/audit", "audit:read", AUDITOR, "ListRecords", 200, NULL, NULL },
    { "GET", "/audit/verify", "audit:read", AUDITOR, "VerifyChain", 200, NULL, NULL },
    { "GET", "/audit/heads", "audit:read", AUDITOR, "ListHeads", 200, NULL, NULL },
    { "GET", "/audit/keys", PERMISSION_PUBLIC, AUDITOR, "ListAuditKeys", 200, NULL, NULL },
    { "GET", "/audit/{id}", "audit:read", AUDITOR, "GetRecord", 200, NULL, NULL },
    { 0 },
};
const struct router audit_router = { "audit", "Who did what, and the proof that nobody has changed it", routes };
