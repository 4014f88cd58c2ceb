/*
 * Vulnerabilities in the index, and what a viewer is told of them: by when they open, and for how long they were withheld.
 *
 *   security_vulnerability  a row a version here: the ref of the first one (`root`), when it was said, by when it opens
 *
 * What is computed comes from the versions that the viewer may read. Who does not read the first has its author's word for what
 * was before, and is told so.
 */
#ifndef TONGZHOU_SECURITY_VULNERABILITIES_H
#define TONGZHOU_SECURITY_VULNERABILITIES_H

#include "index/view.h"
#include "security/vulnerability.h"

int vulnerability_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int vulnerability_forget(struct fold *fold, int64_t ref, struct err *err);
void vulnerability_title(const struct record *record, struct buf *out);

#define VULNERABILITY_VERSIONS_MAX 256 /* that are read of one; the first of them count */

struct vulnerability_said {
    int64_t ref, time_ms, open_by_ms; /* open_by_ms 0: it opens */
    const char *reason;               /* "" none */
};

struct vulnerability_line {
    int64_t root, newest; /* refs: the first version, also if it is not here; the newest that the viewer may read */
    char origin[ORIGIN_MAX + 1];
    const char *title;
    bool by_word; /* the first version may not be read: its author's word */
    struct vulnerability_course course;
    const struct vulnerability_said *versions; /* that the viewer may read, by ref */
    size_t version_count;
    const int64_t *dates; /* of all versions, also those by word, as they were named */
    size_t date_count;
};

/*
 * All behind `after`, the ref of a first version (0: from the beginning), by that ref; what is given is valid for the call.
 * Ends early, and returns it, when `each` returns anything but 0.
 */
int vulnerabilities_each(const struct view *view, int64_t now_ms, int64_t after,
                         int (*each)(void *ctx, const struct vulnerability_line *line, struct err *err), void *ctx,
                         struct err *err);

/* The one of which the record at `ref` is a version; in the arena. ERR_NOTFOUND: of none that this viewer may read. */
int vulnerability_of(const struct view *view, int64_t ref, int64_t now_ms, struct arena *arena,
                     struct vulnerability_line *ret, struct err *err);

/* Appended: {"first":"ORIGIN/INDEX","newest":INDEX,"title":"...","state":"withheld|overdue|open",...} and a new line. */
void vulnerability_json(const struct vulnerability_line *line, struct buf *out);

/* "withheld", "overdue", "open". */
const char *vulnerability_state_word(const struct vulnerability_course *course);

/* ---- those who speak here ---- */

/* How many days away a date may be that is said here: 1..VULNERABILITY_DAYS_MAX. */
int vulnerability_limit(struct store *store, unsigned *ret_days, struct err *err);
int vulnerability_set_limit(struct store *store, unsigned days, struct err *err);

/* May it be said so? `store` may be NULL: then the limit is not asked. */
int vulnerability_check_said(struct store *store, const struct record *record, struct err *err);

/* Figures for /metrics, and notices to the people here of own ones whose date has passed. */
int vulnerability_figures(const struct view *view, int64_t now_ms, struct buf *out, struct err *err);
int vulnerabilities_tell(struct store *store, struct index *index, int64_t now_ms, struct err *err);

#endif
