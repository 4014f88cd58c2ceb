/* fuzz: state */
/* A peer's address: the canonical form of a canonical form is itself. */
#include <stdlib.h>

#include "state/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char once[PEER_URL_MAX + 1], twice[PEER_URL_MAX + 1];
    struct err err;
    if (peer_url_canonical(span_of(data, size), once, &err) != 0)
        return 0;
    if (peer_url_canonical(span_str(once), twice, &err) != 0 || strcmp(once, twice) != 0)
        abort();
    return 0;
}
