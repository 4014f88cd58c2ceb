/* What the two files of the MISP reader share. */
#ifndef TONGZHOU_SECURITY_READ_MISP_H
#define TONGZHOU_SECURITY_READ_MISP_H

#include <strings.h>

#include "security/import_map.h"
#include "security/read_impl.h"
#include "security/read_uuid.h"

#define LINKS_MAX (64u << 10) /* bytes of an event's references; those behind them are left out */

/* How narrow something is, and which word of MISP's says so. */
struct misp_marking {
    enum tlp tlp;
    char why[128];
};

struct misp_reader {
    struct import_reader base;
    struct split split;
    struct json_scanner *scanner;
    struct arena arena;
    struct indicator_maker maker;
    const struct json_tree *tree; /* of the event at hand */
    uint64_t start, line;         /* offset of the event in the source; line of the byte at `at` */
    size_t at;                    /* in the event's text */
    uint32_t event;               /* node */
    char event_uuid[UUID_TEXT + 1];
    struct span event_info;
    int64_t event_ms;
    struct misp_marking event_marking;
    struct buf refs, links; /* of the grouping, as JSON */
    struct buf grouping;
    struct import_map named; /* ids in `refs` */
};

/* Members of an object; trimmed text. */
struct span misp_text(struct misp_reader *misp, uint32_t object, const char *key);
bool misp_number(struct misp_reader *misp, uint32_t object, const char *key, uint64_t *ret);
bool misp_flag(struct misp_reader *misp, uint32_t object, const char *key);
int64_t misp_time(struct misp_reader *misp, uint32_t object, const char *key, int64_t fallback);

/* Narrow `marking` by an object's distribution and tags. */
void misp_narrow(struct misp_reader *misp, uint32_t object, struct misp_marking *marking);

/* Go forward to a node, for positions. */
void misp_seek(struct misp_reader *misp, uint32_t node);

/* Report an attribute that cannot be taken in. */
int misp_bad(struct misp_reader *misp, struct span uuid, struct err *err, const char *reason);

/* One attribute (read_misp_attribute.c). */
int misp_attribute(struct misp_reader *misp, uint32_t attribute, const struct misp_marking *parent, struct err *err);

#endif
