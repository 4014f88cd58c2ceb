/* fuzz: security */
#include "security/intel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a pattern gives is canonical: taken as a value of its type it gives itself. */
static int check_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    (void)ctx;
    struct buf again;
    enum ioc_type found;
    buf_init(&again, 2 * SWEEP_TOKEN_MAX);
    if (type == IOC_NONE || value.len == 0 || value.len > SWEEP_TOKEN_MAX)
        abort();
    if (ioc_canonical(type, value, &again, &found, err) < 0 || found != type || !span_eq(buf_view(&again), value))
        abort();
    buf_done(&again);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    if (stix_pattern_values(span_of(data, size), check_value, NULL, &err) < 0 && err.code == 0)
        abort();
    return 0;
}
