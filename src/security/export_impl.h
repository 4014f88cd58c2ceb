/* Formats of export; private to security. */
#ifndef TONGZHOU_SECURITY_EXPORT_IMPL_H
#define TONGZHOU_SECURITY_EXPORT_IMPL_H

#include "security/query.h"
#include "security/set_current.h"

struct export
{
    const struct view *view;
    int64_t now_ms;
    int (*write)(void *ctx, struct span bytes, struct err *err);
    void *ctx;
    struct buf out; /* written when it is long enough */
    struct asker asker;
    struct current current;
    uint64_t count; /* values or objects written */
};

/* What a format makes of one value. `reported` is the first report in canonical order that holds, for formats that
 * want it. 1: written; 0: the value means nothing in this format. */
struct export_format {
    const char *name;
    bool wants_report;
    void (*begin)(struct export *e);
    int (*value)(struct export *e, enum ioc_type type, struct span value, const struct found *reported,
                 struct err *err);
    int (*all)(struct export *e, struct err *err); /* instead: the format walks on its own */
};

extern const struct export_format export_list, export_hosts, export_rpz, export_csv, export_stix;

/* Write out what has gathered, if it is enough (or `all`). */
int export_flush(struct export *e, bool all, struct err *err);

/* Is it made only of what names of hosts are made of? What is written into other programs' configuration is checked
 * again where it is written, whoever checked it before. */
bool export_is_name(struct span value);

#endif
