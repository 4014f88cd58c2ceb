#include "index/capability.h"

const struct capability *capability_of(struct span kind, const struct kind **ret_kind)
{
    for (size_t i = 0; capabilities[i]; i++) {
        for (size_t k = 0; k < capabilities[i]->kind_count; k++) {
            if (span_is(kind, capabilities[i]->kinds[k].name)) {
                if (ret_kind)
                    *ret_kind = &capabilities[i]->kinds[k];
                return capabilities[i];
            }
        }
    }
    return NULL;
}
