/* What the queries share: rows made from records, in canonical order; private to security. */
#ifndef TONGZHOU_SECURITY_QUERY_H
#define TONGZHOU_SECURITY_QUERY_H

#include "security/fold.h"

/* A record among the results. */
struct found {
    int64_t ref, time_ms;
    const char *origin; /* lives as long as the asker */
};

struct found_list {
    struct found *items; /* in the asker's arena */
    size_t count, cap;
};

struct asker_origin {
    int64_t number;
    const char *origin;
};

/* A question about thousands of records of a few kB has an answer; nobody's records of 16 MiB hold up everybody. */
#define ASKER_READ_MAX (128u << 20)

struct asker {
    const struct view *view;
    int64_t now_ms;
    struct arena arena; /* for the question */
    struct arena row;   /* for one row */
    struct arena names; /* of logs */
    struct json_scanner *scanner;
    uint64_t read;                /* bytes of contents; beyond ASKER_READ_MAX what is long is passed over */
    bool passed_over;             /* something was */
    struct asker_origin *origins; /* ascending by number */
    size_t origin_count, origin_cap;
};

/* ERR_USAGE without an index, ERR_MEMORY. asker_done is needed in any case. */
int asker_init(struct asker *asker, const struct view *view, struct err *err);
void asker_done(struct asker *asker);

/* Time and origin of a record: 1, or 0 if the viewer does not see it. */
int asker_find(struct asker *asker, int64_t ref, struct found *ret, struct err *err);

/* Add the record if the viewer sees it: 1, or 0 if not. */
int asker_add(struct asker *asker, struct found_list *list, int64_t ref, struct err *err);

/* Canonical order: time, origin, index. */
bool found_before(const struct found *a, const struct found *b);
void found_sort(struct found_list *list);

/*
 * Make a row of a record by reading its object; texts live until the next call.
 *   type, value  the indicator's value that was asked for; IOC_NONE: the first that its pattern gives, if it has one
 * 1, or 0 if its payload is not there any more or is no STIX object.
 */
int asker_row(struct asker *asker, const struct found *found, enum ioc_type type, struct span value,
              struct intel_row *ret, struct err *err);

/* Everything that visible records say of a value, up to `max`, in canonical order. */
int asker_value(struct asker *asker, enum ioc_type type, struct span value, size_t max, struct found_list *ret,
                struct err *err);

int64_t security_now_ms(void);

#endif
