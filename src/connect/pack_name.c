#include "connect/pack_internal.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/utf8.h"

#define LOG_PREFIX_LEN (5 + 64 + 1) /* "logs/HEX/" */

int pack_name_parse(struct span path, struct pack_name *ret, struct err *err)
{
    char shown[256];
    uint8_t hash[32];
    struct span hex = span_sub(path, 5, 64), rest = span_sub(path, LOG_PREFIX_LEN, SIZE_MAX);
    *ret = (struct pack_name){0};
    bool is_log = span_starts(path, SPAN_LIT("logs/")) && rest.len > 0 && path.data[LOG_PREFIX_LEN - 1] == '/' &&
                  hex_decode(hex, hash, 32);
    if (is_log) {
        hex_encode(hash, 32, ret->hex);
        is_log = span_is(hex, ret->hex); /* lower case: a log has one name */
    }
    if (is_log && span_is(rest, "origin"))
        ret->part = PACK_ORIGIN;
    else if (is_log && span_is(rest, "keys"))
        ret->part = PACK_KEYS;
    else if (is_log && span_is(rest, "checkpoint"))
        ret->part = PACK_CHECKPOINT;
    else if (is_log && tile_parse(rest, &ret->tile) && ret->tile.level == TILE_LEVEL_ENTRIES)
        ret->part = PACK_BUNDLE;
    else if (is_log && span_starts(rest, SPAN_LIT("payload/")) &&
             span_u64(span_sub(rest, 8, SIZE_MAX), LOG_SIZE_MAX - 1, &ret->first))
        ret->part = PACK_PAYLOADS;
    else
        return err_set(err, ERR_SYNTAX, "%s has no place in a pack", text_escape_into(shown, sizeof(shown), path));
    return 0;
}

int pack_manifest_parse(struct span bytes, struct err *err)
{
    json_t *manifest = json_small_load(bytes, err);
    if (!manifest)
        return err_in(err, "pack.json");
    const json_t *format = json_object_get(manifest, "format");
    json_int_t number = json_is_integer(format) ? json_integer_value(format) : 0;
    json_decref(manifest);
    if (number < 1)
        return err_set(err, ERR_SYNTAX, "pack.json: names no format");
    if (number != PACK_FORMAT)
        return err_set(err, ERR_STATE, "pack format %lld, this program reads %d: use a newer one", (long long)number,
                       PACK_FORMAT);
    return 0;
}
