/* What a credential is made of, by its kind. Decides and does no I/O. */
#pragma once
#include "auth/auth.h"
#include "ingest/credential.h"
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"

enum { CREDENTIAL_KEY_LONGEST = 64 };
struct credential {
    const char *kind;
    char lookup[CREDENTIAL_LOOKUP_SIZE]; /* "" for tokens */
    char join_eui[17];                   /* "": none */
    unsigned char verifier[SHA256_SIZE];
    unsigned char key[CREDENTIAL_KEY_LONGEST]; /* what is kept wrapped */
    size_t key_size;                           /* 0: nothing */
    char token[AUTH_SECRET_TEXT_SIZE];
    bool may_repeat; /* two of a device may have one lookup, so that its key can be changed */
};

/* Reads and checks the request, and makes what it leaves to us. False with violations. */
MUST_CHECK bool credential_prepare(struct rpc_call *call, const Nwims__V1__CreateCredentialRequest *request,
    struct credential *out_credential, struct err *err);
/* Puts what is shown once into the answer; ERR_LIMIT. */
MUST_CHECK bool credential_show(
    const struct credential *credential, struct arena *arena, Nwims__V1__Credential *reply, struct err *err);
/* Wipes it. */
void credential_done(struct credential *credential);
