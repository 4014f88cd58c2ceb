/* May a STIX object be said to this circle? For whoever says a single one, without the import around it. */
#include <ctype.h>

#include "base/utf8.h"
#include "security/intel.h"

static int check_markings(const struct stix_object *object, enum tlp tlp, struct err *err)
{
    char shown[160], asked[16];
    snprintf(asked, sizeof(asked), "%s", tlp_word(tlp));
    for (char *c = asked; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    for (size_t i = 0; i < object->marking_count; i++) {
        enum tlp marked = stix_predefined_tlp(object->markings[i]);
        text_escape_into(shown, sizeof(shown), object->markings[i]);
        if (marked == TLP_NONE)
            return err_set(err, ERR_USAGE, "the object's marking %s is none of the predefined ones: import it", shown);
        if (marked > tlp)
            return err_set(err, ERR_USAGE, "the object is marked narrower than TLP:%s, by %s", asked, shown);
    }
    return 0;
}

int stix_check_said(struct span body, enum tlp tlp, struct err *err)
{
    struct json_scanner *scanner = json_scanner_new();
    struct stix_object object;
    const struct json_tree *tree;
    struct arena arena;
    arena_init(&arena, 2 * (size_t)PAYLOAD_MAX);
    int rc = scanner ? json_scan(scanner, body, &tree, err) : err_memory(err);
    if (rc == 0)
        rc = stix_read(tree, &arena, &object, err);
    if (rc == 0)
        rc = check_markings(&object, tlp, err);
    arena_done(&arena);
    json_scanner_free(scanner);
    return rc;
}
