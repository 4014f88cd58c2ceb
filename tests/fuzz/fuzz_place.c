/* fuzz: http */
#include <stdlib.h>

#include "http/place.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key, who it is told, and what a client says that its place is: what is taken is what would be written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    struct span all = span_of(data, size), key = span_sub(all, 0, SCRAMBLE_KEY);
    struct span text = span_sub(all, SCRAMBLE_KEY, SCRAMBLE_KEY + PLACE_LEN);
    struct span who = span_sub(all, SCRAMBLE_KEY + PLACE_LEN, size);
    char made[PLACE_LEN], again[PLACE_LEN + 1];
    struct place place;
    if (key.len < SCRAMBLE_KEY)
        return 0;
    if (place_read(key.data, who, text, &place)) {
        place_write(key.data, who, &place, again);
        if (!span_eq(text, span_str(again)))
            abort();
    }
    for (size_t i = 0; i < PLACE_LEN; i++) /* any bytes as digits, below the limit */
        made[i] = digits[i < text.len ? text.data[i] & (i % 16 == 0 && i > 0 ? 3 : 15) : 0];
    if (!place_read(key.data, who, span_of(made, PLACE_LEN), &place) || place.record >= SCRAMBLE_LIMIT ||
        place.notice >= SCRAMBLE_LIMIT)
        abort();
    place_write(key.data, who, &place, again);
    if (memcmp(made, again, PLACE_LEN) != 0)
        abort();
    return 0;
}
