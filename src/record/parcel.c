#include "record/parcel.h"

#include <sodium.h>

#include "base/random.h"
#include "base/reader.h"
#include "base/when.h"
#include "record/age.h"
#include "record/seal.h"

#define EXPIRES "expires "
#define CONTENTS "tongzhou/1 parcel\n"

/* ---- the record ---- */

static int check_life(int64_t time_ms, int64_t expires_ms, struct err *err)
{
    if (expires_ms <= time_ms)
        return err_set(err, ERR_LIMIT, "parcel: expires before it is said");
    if (expires_ms - time_ms > PARCEL_LIFE_MAX_MS)
        return err_set(err, ERR_LIMIT, "parcel: expires %lld days after it is said, %d allowed",
                       (long long)((expires_ms - time_ms) / 86400000), (int)(PARCEL_LIFE_MAX_MS / 86400000));
    return 0;
}

int parcel_parse(const struct record *record, struct parcel *out, struct err *err)
{
    struct reader r;
    if (record->tlp != TLP_CLEAR || !record->has_time)
        return err_set(err, ERR_SYNTAX, "parcel: must be tlp clear and have a time");
    reader_init(&r, record->body);
    reader_expect(&r, EXPIRES);
    struct span when = reader_line(&r, WHEN_TEXT_LEN);
    if (!r.failed && !when_parse(when, &out->expires_ms))
        reader_fail(&r, "when it expires, as 2026-11-22T11:14:26.123Z");
    out->age = reader_rest(&r);
    int rc = reader_check(&r, "parcel", err);
    return rc ? rc : check_life(record->time_ms, out->expires_ms, err);
}

int parcel_check(const struct record *record, struct err *err)
{
    struct parcel parcel;
    return parcel_parse(record, &parcel, err);
}

/* ---- contents ---- */

void parcel_begin(struct buf *out, struct span origin)
{
    buf_str(out, CONTENTS);
    buf_u16(out, (uint16_t)origin.len);
    buf_span(out, origin);
}

void parcel_add(struct buf *out, const struct parcel_item *item)
{
    buf_u64(out, item->index);
    payload_add(out, item->salt, item->payload);
}

size_t parcel_item_size(size_t payload)
{
    return sizeof(uint64_t) + sizeof(uint32_t) + SEAL_SALT + payload;
}

int parcel_open(struct span plain, struct span origin, uint64_t index, struct parcel_reader *ret, struct err *err)
{
    struct reader r;
    reader_init(&r, plain);
    reader_expect(&r, CONTENTS);
    struct span of = reader_bytes(&r, reader_u16(&r));
    int rc = reader_check(&r, "parcel's contents", err);
    if (rc)
        return rc;
    if (!span_eq(of, origin))
        return err_set(err, ERR_SYNTAX, "parcel's contents: of another log");
    *ret = (struct parcel_reader){.plain = plain, .pos = r.pos, .end = index};
    return 0;
}

int parcel_next(struct parcel_reader *reader, struct parcel_item *ret, struct err *err)
{
    struct reader r;
    struct payload_item item;
    if (reader->pos >= reader->plain.len)
        return 0;
    if (reader->count >= PARCEL_ITEMS_MAX)
        return err_set(err, ERR_LIMIT, "parcel's contents: more than %d", PARCEL_ITEMS_MAX);
    reader_init(&r, span_sub(reader->plain, reader->pos, SIZE_MAX));
    ret->index = reader_u64(&r);
    int rc = reader_check(&r, "parcel's contents", err);
    if (rc)
        return rc;
    if (ret->index < reader->next || ret->index >= reader->end)
        return err_set(err, ERR_SYNTAX, "parcel's contents: entry %llu where one from %llu to before %llu belongs",
                       (unsigned long long)ret->index, (unsigned long long)reader->next,
                       (unsigned long long)reader->end);
    struct payload_reader payloads = {span_sub(reader->plain, reader->pos + r.pos, SIZE_MAX), 0};
    if ((rc = payload_next(&payloads, &item, err)) < 0)
        return err_in(err, "parcel's contents: entry %llu", (unsigned long long)ret->index);
    if (rc == 0 || item.hole)
        return err_set(err, ERR_SYNTAX, "parcel's contents: entry %llu is empty", (unsigned long long)ret->index);
    ret->salt = item.salt;
    ret->payload = item.payload;
    reader->pos += r.pos + payloads.pos;
    reader->next = ret->index + 1;
    reader->count++;
    return 1;
}

/* ---- writing ---- */

size_t parcel_stanzas(size_t recipients)
{
    size_t stanzas = PARCEL_STANZAS_MIN;
    while (stanzas < recipients)
        stanzas *= 2;
    return stanzas;
}

/* As good as random, and of no small order: what a recipient's key looks like. Its secret half is gone at once. */
static void nobodys_key(uint8_t out[32])
{
    uint8_t secret[32];
    random_bytes(secret, sizeof secret);
    crypto_scalarmult_curve25519_base(out, secret);
    sodium_memzero(secret, sizeof secret);
}

/* Fisher and Yates. */
static void shuffle(uint8_t (*keys)[32], size_t count)
{
    for (size_t i = count; i > 1; i--) {
        uint8_t kept[32];
        uint64_t random;
        random_bytes(&random, sizeof random);
        size_t j = (size_t)(random % i); /* of 64 bits: even to within 2^-57 */
        if (j == i - 1)
            continue;
        memcpy(kept, keys[i - 1], 32);
        memcpy(keys[i - 1], keys[j], 32);
        memcpy(keys[j], kept, 32);
    }
}

static int write_body(const struct parcel_draft *draft, const uint8_t (*keys)[32], size_t count, struct buf *body,
                      struct err *err)
{
    char when[WHEN_TEXT_LEN + 1];
    when_format(draft->expires_ms, when);
    buf_fmt(body, EXPIRES "%s\n", when);
    return age_encrypt(keys, count, draft->contents, body, err);
}

int parcel_write(const struct parcel_draft *draft, struct buf *out_record, struct err *err)
{
    uint8_t keys[PARCEL_RECIPIENTS_MAX][32];
    size_t recipients = draft->recipient_count, stanzas = parcel_stanzas(recipients);
    if (recipients < 1 || recipients > PARCEL_RECIPIENTS_MAX)
        return err_set(err, ERR_LIMIT, "parcel: %zu recipients, 1..%d allowed", recipients, PARCEL_RECIPIENTS_MAX);
    if (draft->expires_ms > WHEN_MAX_MS)
        return err_set(err, ERR_LIMIT, "parcel: expires after the year 9999");
    int rc = check_life(draft->time_ms, draft->expires_ms, err);
    if (rc)
        return rc;
    memcpy(keys, draft->recipients, recipients * 32);
    for (size_t i = recipients; i < stanzas; i++)
        nobodys_key(keys[i]);
    shuffle(keys, stanzas);
    struct buf body;
    buf_init(&body, PAYLOAD_MAX);
    rc = write_body(draft, (const uint8_t(*)[32])keys, stanzas, &body, err);
    struct record_draft record = {.kind = PARCEL_KIND,
                                  .time_ms = draft->time_ms,
                                  .tlp = TLP_CLEAR,
                                  .type = SPAN_LIT("application/octet-stream"),
                                  .body = buf_view(&body)};
    if (!rc)
        rc = record_write(&record, out_record, err);
    buf_done(&body);
    return rc;
}
