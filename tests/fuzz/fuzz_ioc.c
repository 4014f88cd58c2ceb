/* fuzz: sweep */
#include "sweep/sweep.h"

#include <assert.h>
#include <stdlib.h>

/* Any text as any type: what is accepted is canonical, stays what it is, and can be filed and found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int keep(void *ctx, struct span bytes, struct err *err)
{
    (void)err;
    buf_span(ctx, bytes);
    return 0;
}

static void file_and_find(enum ioc_type type, struct span value)
{
    struct sweep_builder *builder = sweep_builder_new(1);
    struct sweep_set *set;
    struct sweep_ioc ioc;
    struct buf bytes;
    struct err err;
    buf_init(&bytes, 1 << 20);
    if (!builder)
        return;
    int failed = sweep_builder_add(builder, type, value, 1, &err);
    assert(failed == 0);
    failed = sweep_builder_write(builder, keep, &bytes, &err);
    assert(failed == 0);
    sweep_builder_free(builder);
    failed = sweep_set_open(buf_view(&bytes), &set, &err);
    assert(failed == 0);
    bool found = sweep_set_find(set, type, value, &ioc);
    assert(found && span_eq(ioc.value, value));
    sweep_set_close(set);
    buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first, second;
    struct err err;
    enum ioc_type type, again;
    if (size == 0)
        return 0;
    buf_init(&first, SWEEP_TOKEN_MAX);
    buf_init(&second, SWEEP_TOKEN_MAX);
    enum ioc_type wanted = (enum ioc_type)(data[0] % IOC_TYPES);
    int failed = ioc_canonical(wanted, span_of(data + 1, size - 1), &first, &type, &err);
    if (failed) {
        assert(err.code == ERR_SYNTAX || err.code == ERR_MEMORY);
    } else {
        assert(type > IOC_NONE && type < IOC_TYPES && first.len > 0 && first.len <= SWEEP_TOKEN_MAX);
        assert(wanted == IOC_NONE || type == wanted || (wanted == IOC_IPV6 && type == IOC_IPV4));
        file_and_find(type, buf_view(&first));
        /* Brackets may be taken for teeth pulled, so that "[[.]]" needs two rounds. */
        bool brackets = false;
        for (size_t i = 0; i < first.len; i++)
            brackets = brackets || memchr("[({", first.data[i], 3);
        failed = brackets ? 0 : ioc_canonical(type, buf_view(&first), &second, &again, &err);
        assert(failed == 0);
        assert(brackets || (again == type && span_eq(buf_view(&first), buf_view(&second))));
    }
    buf_done(&first);
    buf_done(&second);
    return 0;
}
