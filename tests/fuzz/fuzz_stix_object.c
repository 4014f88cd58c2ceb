/* fuzz: security */
#include "security/intel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ignore_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    (void)ctx;
    (void)type;
    (void)value;
    (void)err;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_scanner *scanner;
    const struct json_tree *tree;
    struct stix_object object;
    struct arena arena;
    struct err err = {0};
    if (!scanner && !(scanner = json_scanner_new()))
        abort();
    arena_init(&arena, 64u << 20);
    int rc = json_scan(scanner, span_of(data, size), &tree, &err);
    if (rc == 0)
        rc = stix_read(tree, &arena, &object, &err);
    if (rc == 0) {
        if (object.type.len < 3 || object.id.len < object.type.len + 38)
            abort();
        if (object.pattern.data)
            (void)stix_pattern_values(object.pattern, ignore_value, NULL, &err);
    } else if (err.code == 0) {
        abort();
    }
    arena_done(&arena);
    return 0;
}
