/* fuzz: sweep */
#include "sweep/layout.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Hostile bytes as a compiled set. What a damaged file cannot have by chance is given to it (magic, length, checksum),
 * so that the tables are reached; whatever they say, every look-up stays inside.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char log_text[] =
    "evil.com www.evil.com 1.2.3.4:80 2001:db8::1 http://x.example/a user@evil.com 1.2.3.4.53\n"
    "d41d8cd98f00b204e9800998ecf8427e GET /gate.php?id=1 evil[.]com http://[2001:db8::1]/x\n";

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    uint64_t *sum = ctx;
    (void)err;
    for (size_t i = 0; i < hit->ioc->tag_count; i++)
        *sum += hit->ioc->tags[i];
    for (size_t i = 0; i < hit->ioc->value.len; i++)
        *sum += hit->ioc->value.data[i];
    return 0;
}

static void use(const struct sweep_set *set)
{
    struct sweep_ioc found[4];
    struct err err;
    uint64_t sum = 0;
    struct sweep *sweep = sweep_new(set, on_hit, &sum);
    if (!sweep)
        return;
    int failed = sweep_feed(sweep, span_of(log_text, sizeof(log_text) - 1), &err);
    assert(failed == 0);
    failed = sweep_end(sweep, &err);
    assert(failed == 0);
    sweep_free(sweep);
    for (int type = IOC_NONE; type <= IOC_TYPES; type++) {
        size_t count = sweep_set_prefix(set, (enum ioc_type)type, SPAN_LIT("e"), found, 4);
        for (size_t i = 0; i < count; i++)
            assert(found[i].value.len > 0 && found[i].value.data[0] == 'e');
        sweep_set_find(set, (enum ioc_type)type, SPAN_LIT("evil.com"), found);
    }
    assert(sweep_set_count(set) <= SET_ENTRIES_MAX);
}

static void open_and_use(uint8_t *bytes, size_t size)
{
    struct sweep_set *set;
    struct err err;
    if (sweep_set_open(span_of(bytes, size), &set, &err)) {
        assert(err.code == ERR_SYNTAX || err.code == ERR_MEMORY);
        return;
    }
    use(set);
    sweep_set_close(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct set_header head;
    uint8_t *bytes = aligned_alloc(8, size + 8 - size % 8);
    if (!bytes)
        return 0;
    if (size)
        memcpy(bytes, data, size);
    open_and_use(bytes, size);
    if (size >= sizeof(head)) {
        memcpy(&head, bytes, sizeof(head));
        memcpy(head.magic, SET_MAGIC, sizeof(head.magic));
        head.version = SET_VERSION;
        head.endian = SET_ENDIAN;
        head.total_bytes = size;
        head.probe_max %= 2 * SET_PROBE_MAX;
        head.check = set_header_check(&head);
        memcpy(bytes, &head, sizeof(head));
        open_and_use(bytes, size);
    }
    free(bytes);
    return 0;
}
