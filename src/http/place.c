#include "http/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"

#define PARTS 3

/* Who it is told, on this stream; `who` is cut to what scrambling looks at. */
static struct span told_to(uint64_t stream, struct span who, uint8_t out[SCRAMBLE_WHO_MAX])
{
    size_t len = who.len < SCRAMBLE_WHO_MAX - sizeof(stream) ? who.len : SCRAMBLE_WHO_MAX - sizeof(stream);
    memcpy(out, &stream, sizeof(stream));
    if (len > 0)
        memcpy(out + sizeof(stream), who.data, len);
    return span_of(out, sizeof(stream) + len);
}

void place_write(const uint8_t key[SCRAMBLE_KEY], struct span who, const struct place *place, char out[PLACE_LEN + 1])
{
    uint8_t text[SCRAMBLE_WHO_MAX];
    struct span to = told_to(place->stream, who, text);
    snprintf(out, PLACE_LEN + 1, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, place->stream,
             scramble_hide(key, to, place->record), scramble_hide(key, to, place->notice));
}

bool place_read(const uint8_t key[SCRAMBLE_KEY], struct span who, struct span text, struct place *ret)
{
    uint8_t bytes[PLACE_LEN / 2], told[SCRAMBLE_WHO_MAX];
    uint64_t parts[PARTS] = {0};
    if (text.len != PLACE_LEN || !hex_decode(text, bytes, sizeof(bytes)))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        parts[i / 8] = parts[i / 8] << 8 | bytes[i];
    if (parts[1] >= SCRAMBLE_LIMIT || parts[2] >= SCRAMBLE_LIMIT)
        return false;
    struct span to = told_to(parts[0], who, told);
    *ret = (struct place){parts[0], scramble_show(key, to, parts[1]), scramble_show(key, to, parts[2])};
    return true;
}
