/* SenML (RFC 8428) without its spelling: records as a decoder of JSON or CBOR has read them become readings. Base
 * members carry forward, relative times are resolved, names joined. Inside libs/ingest only. */
#pragma once
#include "ingest/json_scan.h"
#include "ingest/raw_list.h"

enum senml_label {
    SENML_BN,
    SENML_BT,
    SENML_BU,
    SENML_BV,
    SENML_BS,
    SENML_BVER,
    SENML_N,
    SENML_U,
    SENML_V,
    SENML_VS,
    SENML_VB,
    SENML_VD,
    SENML_S,
    SENML_T,
    SENML_UT,
    SENML_LABELS,
    SENML_UNKNOWN = SENML_LABELS
};
enum senml_type { SENML_TEXT, SENML_NUMBER, SENML_FLAG };
#define SENML_BIT(label) (1u << (label))

/* One record as written. */
struct senml_record {
    unsigned seen;
    unsigned faulty; /* of those seen: not a finite number, or not of its type */
    struct json_text texts[SENML_LABELS];
    double numbers[SENML_LABELS]; /* flags: 0 or 1 */
};
struct senml_pack {
    struct raw_list list;
    struct senml_record base; /* the base members in force */
    int64_t received_at;
    const char *problem; /* why the pack is refused */
    struct err err;      /* or what ran out: ERR_LIMIT */
};

enum senml_label senml_label_of(const struct json_text *name);
enum senml_type senml_type_of(enum senml_label label);
/* A label that is not known must not be passed over if it ends in "_". */
MUST_CHECK bool senml_may_ignore(const struct json_text *name);
extern const char senml_not_understood[], senml_given_twice[];
/* The record is complete. False: problem or err says why the pack is refused. */
MUST_CHECK bool senml_pack_take(struct senml_pack *pack, const struct senml_record *record);
