/* fuzz: record */
#include "record/kind.h"
#include "record/member.h"
#include "tlog/tile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An entry bundle folded as a member's log. Its origin is made to fit, so that the fuzzer gets past entry 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char name[] = "cert.example.org";
    struct bundle_reader reader = {.bundle = span_of(data, size)};
    struct span entry;
    struct err err = {0};
    struct arena arena;
    struct member member;
    char origin[ORIGIN_MAX + 1];
    arena_init(&arena, 1u << 20);
    if (bundle_next(&reader, &entry, &err) == 1 && origin_make(span_str(name), entry, origin, &err) == 0 &&
        member_begin(span_str(origin), entry, &arena, &member, &err) == 0) {
        for (uint64_t index = 1; bundle_next(&reader, &entry, &err) == 1; index++) {
            size_t keys = member.key_count;
            int rc = member_apply(&member, index, entry, &arena, &err);
            if (rc < 0 && member.key_count != keys)
                abort();
            if (rc == 0 && member.seen != index + 1)
                abort();
        }
        if (!span_is(span_str(member.profile.name), name) ||
            memcmp(member.profile.log_key, member.keys[member.key_count - 1].public_key, 32) != 0)
            abort();
    }
    arena_done(&arena);
    return 0;
}
