#include "ingest/cbor_scan.h"
#include "ingest/codec.h"
#include "ingest/senml.h"

struct decoder {
    struct cbor_scan scan;
    struct senml_pack pack;
};

/* The numbers that stand for labels (RFC 8428, section 6): -6 to 8. */
enum { LEAST_LABEL = -6, MOST_LABEL = 8 };
static const enum senml_label labels[] = { SENML_BS, SENML_BV, SENML_BU, SENML_BT, SENML_BN, SENML_BVER, SENML_N,
    SENML_U, SENML_V, SENML_VS, SENML_VB, SENML_S, SENML_T, SENML_UT, SENML_VD };

static bool read_label(struct decoder *decoder, enum senml_label *out_label)
{
    int64_t number;
    struct json_text name;
    *out_label = SENML_UNKNOWN;
    if (cbor_scan_int(&decoder->scan, &number)) {
        if (number >= LEAST_LABEL && number <= MOST_LABEL)
            *out_label = labels[number - LEAST_LABEL];
        return true;
    }
    if (cbor_scan_peek(&decoder->scan) != CBOR_TEXT)
        return cbor_scan_skip(&decoder->scan);
    if (!cbor_scan_text(&decoder->scan, &name))
        return false;
    *out_label = senml_label_of(&name);
    return *out_label != SENML_UNKNOWN || senml_may_ignore(&name) ||
           cbor_scan_fail(&decoder->scan, senml_not_understood);
}

/* A value of another type is passed over and marked. */
static bool read_typed(struct decoder *decoder, enum senml_label label, struct senml_record *record)
{
    struct cbor_scan *scan = &decoder->scan;
    enum senml_type type = senml_type_of(label);
    enum json_number found = JSON_NUMBER_NONE;
    bool flag;
    if (type == SENML_TEXT && cbor_scan_peek(scan) == CBOR_TEXT)
        return cbor_scan_text(scan, &record->texts[label]);
    if (type == SENML_FLAG && cbor_scan_flag(scan, &flag)) {
        record->numbers[label] = flag;
        return true;
    }
    if (type == SENML_NUMBER)
        found = cbor_scan_number(scan, &record->numbers[label]);
    if (found == JSON_NUMBER)
        return true;
    record->faulty |= label == SENML_VD ? 0 : SENML_BIT(label); /* whose bytes are of no use to us either way */
    return found == JSON_NUMBER_NOT_FINITE || cbor_scan_skip(scan);
}

static bool read_member(struct decoder *decoder, struct senml_record *record)
{
    enum senml_label label;
    if (!read_label(decoder, &label))
        return false;
    if (label == SENML_UNKNOWN)
        return cbor_scan_skip(&decoder->scan);
    if (record->seen & SENML_BIT(label))
        return cbor_scan_fail(&decoder->scan, senml_given_twice);
    record->seen |= SENML_BIT(label);
    return read_typed(decoder, label, record);
}

static bool read_record(struct decoder *decoder, struct senml_record *record)
{
    struct cbor_list members;
    bool has_more;
    if (!cbor_scan_open(&decoder->scan, CBOR_MAP, &members, "expected a record"))
        return false;
    for (;;) {
        if (!cbor_scan_next(&decoder->scan, &members, &has_more))
            return false;
        if (!has_more)
            return true;
        if (!read_member(decoder, record))
            return false;
    }
}

static bool read_pack(struct decoder *decoder)
{
    struct cbor_list records;
    bool has_more;
    if (!cbor_scan_open(&decoder->scan, CBOR_ARRAY, &records, "expected a SenML pack, which is a list"))
        return false;
    for (;;) {
        struct senml_record record = { 0 };
        if (!cbor_scan_next(&decoder->scan, &records, &has_more))
            return false;
        if (!has_more)
            return cbor_scan_end(&decoder->scan);
        if (!read_record(decoder, &record))
            return false;
        if (!senml_pack_take(&decoder->pack, &record))
            return cbor_scan_fail(&decoder->scan, decoder->pack.problem);
    }
}

bool codec_senml_cbor_decode(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
    int64_t received_at_us, struct err *err)
{
    struct decoder decoder = { .pack = { .list.arena = arena, .received_at = received_at_us } };
    const struct err *limit = &decoder.pack.err;
    cbor_scan_begin(&decoder.scan, body, size);
    if (!read_pack(&decoder))
        return limit->kind == ERR_NONE ? cbor_scan_err(&decoder.scan, err)
                                       : err_set(err, limit->kind, "%s", limit->text);
    *out_readings = (struct raw_readings){ decoder.pack.list.items, decoder.pack.list.count, "senml-cbor" };
    return true;
}
