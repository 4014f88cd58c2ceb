/* fuzz: connect */
#include "connect/naming.h"
#include "index/capability.h"

#include <stdlib.h>

#define ORIGIN "cert.example.org/332ywbahbnhhvlqxl63i3bqjued4b6mamojpmcmr3rehsxar25xa"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A DNS message (first byte even) or a website's text (odd): only one that holds the whole line makes a name verified. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span input = span_of(data + 1, size - 1);
    bool text = data[0] % 2 != 0;
    enum naming_said said = text ? naming_text(input, ORIGIN) : naming_message(input, ORIGIN);
    /* In a message the strings of a record may be cut anywhere; the hash's end stands in one piece or another. */
    if (said == NAMING_THIS && text && span_search(input, SPAN_LIT("origin=" ORIGIN)) == input.len)
        abort();
    if (said == NAMING_THIS && input.len < sizeof("origin=" ORIGIN) - 1)
        abort();
    return 0;
}
