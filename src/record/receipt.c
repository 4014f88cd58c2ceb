#include "record/receipt.h"

#include <string.h>

#include "base/codec.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "record/body.h"
#include "record/member.h"

#define PROVES "tongzhou/1 receipt\n"

void receipt_prove(struct span member, const uint8_t salt[SEAL_SALT], struct span text, uint8_t out[RECEIPT_PROOF])
{
    struct sha256 sha;
    uint8_t hash[SHA256_SIZE], len[2] = {(uint8_t)(member.len >> 8), (uint8_t)member.len};
    sha256_init(&sha);
    sha256_add(&sha, SPAN_LIT(PROVES));
    sha256_add(&sha, span_of(len, sizeof(len)));
    sha256_add(&sha, member);
    sha256_add(&sha, span_of(salt, SEAL_SALT));
    sha256_add(&sha, text);
    sha256_end(&sha, hash);
    memcpy(out, hash, RECEIPT_PROOF);
}

/* ---- reading ---- */

/* [INDEX, "PROOF"] behind the one before. */
static int read_item(const json_t *pair, uint64_t least, struct receipt_item *out, struct err *err)
{
    const json_t *index = json_array_get(pair, 0), *proof = json_array_get(pair, 1);
    if (!json_is_array(pair) || json_array_size(pair) != 2 || !json_is_integer(index) || !json_is_string(proof))
        return err_set(err, ERR_SYNTAX, "no pair of an index and a proof");
    json_int_t value = json_integer_value(index);
    if (value < 0 || (uint64_t)value < least || (uint64_t)value >= LOG_SIZE_MAX)
        return err_set(err, ERR_SYNTAX, "index %lld where one from %llu to below %llu belongs", (long long)value,
                       (unsigned long long)least, (unsigned long long)LOG_SIZE_MAX);
    out->index = (uint64_t)value;
    struct span text = span_of(json_string_value(proof), json_string_length(proof));
    if (!base64_decode(text, out->proof, RECEIPT_PROOF))
        return err_set(err, ERR_SYNTAX, "a proof that is not %d bytes in base64", RECEIPT_PROOF);
    return 0;
}

static int read_items(const json_t *object, struct arena *arena, struct receipt *out, struct err *err)
{
    const json_t *held = json_object_get(object, "held");
    size_t count = json_array_size(held);
    if (!json_is_array(held) || count == 0 || count > RECEIPT_ITEMS_MAX)
        return err_set(err, count > RECEIPT_ITEMS_MAX ? ERR_LIMIT : ERR_SYNTAX,
                       "body: \"held\" must be an array of 1 to %d pairs", RECEIPT_ITEMS_MAX);
    struct receipt_item *items = arena_array(arena, count, sizeof(*items));
    if (!items)
        return err_memory(err);
    uint64_t least = 0;
    for (size_t i = 0; i < count; i++) {
        if (read_item(json_array_get(held, i), least, &items[i], err) < 0)
            return err_in(err, "body: \"held\", place %zu", i);
        least = items[i].index + 1;
    }
    out->items = items;
    out->count = count;
    return 0;
}

static int read_body(const json_t *object, const struct record *record, struct arena *arena, struct receipt *out,
                     struct err *err)
{
    char author[ORIGIN_MAX + 1];
    int rc = body_text(object, "log", BODY_REQUIRED, ORIGIN_MAX, author, err);
    if (rc < 0)
        return rc;
    if (!origin_valid(span_str(author)) || !span_is(record->to[0], author))
        return err_set(err, ERR_SYNTAX, "receipt: \"log\" is not whom it is for");
    out->author = record->to[0];
    return read_items(object, arena, out, err);
}

int receipt_parse(const struct record *record, struct arena *arena, struct receipt *ret, struct err *err)
{
    if (record->tlp != TLP_AMBER_STRICT || record->to_count != 1 || !record->has_time)
        return err_set(err, ERR_SYNTAX, "receipt: must be tlp amber+strict, to one member, and have a time");
    json_t *object = body_load(record, err);
    if (!object)
        return err->code;
    int rc = read_body(object, record, arena, ret, err);
    json_decref(object);
    return rc;
}

/* ---- writing ---- */

static void write_body(const struct receipt *receipt, struct buf *out)
{
    buf_str(out, "{\"log\":");
    buf_json_string(out, receipt->author);
    buf_str(out, ",\"held\":[");
    for (size_t i = 0; i < receipt->count; i++) {
        buf_fmt(out, "%s[%llu,\"", i > 0 ? "," : "", (unsigned long long)receipt->items[i].index);
        buf_base64(out, receipt->items[i].proof, RECEIPT_PROOF);
        buf_str(out, "\"]");
    }
    buf_str(out, "]}\n");
}

int receipt_write(const struct receipt *receipt, int64_t time_ms, struct buf *out, struct err *err)
{
    struct buf body;
    buf_init(&body, INLINE_MAX);
    write_body(receipt, &body);
    struct record_draft draft = {.kind = RECEIPT_KIND,
                                 .time_ms = time_ms,
                                 .tlp = TLP_AMBER_STRICT,
                                 .type = SPAN_LIT("application/json"),
                                 .to = &receipt->author,
                                 .to_count = 1};
    int rc = buf_check(&body, "receipt", err);
    draft.body = buf_view(&body);
    if (rc == 0)
        rc = record_write(&draft, out, err);
    buf_done(&body);
    return rc;
}
