/* fuzz: connect */
/* Names in packs, their manifest, and the keys that travel in a member's luggage: the bytes of a pack that are parsed
 * before anything is verified. First byte: which of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connect/capability.h"
#include "connect/pack_internal.h"

const struct capability *const capabilities[] = {&connect_capability, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name that is accepted is what its parts say, and its log's folder is 64 digits that cannot leave it. */
static void fuzz_name(struct span path)
{
    struct pack_name name;
    struct err err = {0};
    if (pack_name_parse(path, &name, &err) < 0) {
        if (err.code != ERR_SYNTAX || !err.text[0])
            abort();
        return;
    }
    char again[256], tile[TILE_PATH_MAX];
    const char *rest = name.part == PACK_ORIGIN ? "origin" : name.part == PACK_KEYS ? "keys" : "checkpoint";
    if (name.part == PACK_BUNDLE) {
        tile_path(&name.tile, tile);
        rest = tile;
    }
    if (name.part == PACK_PAYLOADS)
        snprintf(again, sizeof(again), "logs/%s/payload/%llu", name.hex, (unsigned long long)name.first);
    else
        snprintf(again, sizeof(again), "logs/%s/%s", name.hex, rest);
    if (!span_is(path, again) || strspn(name.hex, "0123456789abcdef") != 64)
        abort();
}

/* Ours is accepted as jansson reads it, any other number is another format, and all else no manifest. */
static void fuzz_manifest(struct span bytes)
{
    struct err err = {0}, none;
    json_t *manifest = json_small_load(bytes, &none);
    const json_t *format = json_object_get(manifest, "format");
    json_int_t number = json_is_integer(format) ? json_integer_value(format) : 0;
    int wanted = number == PACK_FORMAT ? 0 : number > 0 ? ERR_STATE : manifest ? ERR_SYNTAX : none.code;
    json_decref(manifest);
    if (pack_manifest_parse(bytes, &err) != wanted || (wanted && !err.text[0]))
        abort();
}

static void fuzz_keys(struct span text)
{
    struct keys keys;
    struct buf again;
    struct err err = {0};
    if (keys_parse(text, &keys, &err) < 0)
        return;
    buf_init(&again, 4096);
    keys_format(&keys, &again);
    if (!span_eq(buf_view(&again), text))
        abort();
    buf_done(&again);
    keys_wipe(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    if (data[0] == 'n')
        fuzz_name(rest);
    else if (data[0] == 'm')
        fuzz_manifest(rest);
    else if (data[0] == 'k')
        fuzz_keys(rest);
    return 0;
}
