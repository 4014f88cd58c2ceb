/* Persons whom contents name, and who cannot sign in here yet. */
#include <stdio.h>
#include <stdlib.h>

#include "index/internal.h"
#include "index/view.h"
#include "state/users.h"

#define NAMES_TRIED 1000 /* of one member: whoever names persons at random costs no more than this */

struct waiting {
    const struct view *view;
    size_t max, given;
    int (*each)(void *ctx, struct span person, struct err *err);
    void *ctx;
    char names[NAMES_TRIED][PERSON_MAX + 1];
    size_t count;
};

/* What stands between "ORIGIN/" and "ORIGIN0", the next after all that begin so. */
static int read_names(struct waiting *waiting, const char *origin, struct err *err)
{
    char first[ORIGIN_MAX + 2], end[ORIGIN_MAX + 2];
    struct index *index = waiting->view->index;
    int rc;
    snprintf(first, sizeof(first), "%s/", origin);
    snprintf(end, sizeof(end), "%s0", origin);
    sqlite3_stmt *statement =
        index_statement(index, "SELECT DISTINCT name FROM person WHERE name > ?1 AND name < ?2 LIMIT ?3", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, end, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 3, NAMES_TRIED);
    waiting->count = 0;
    while ((rc = index_step(index, statement, err)) > 0)
        snprintf(waiting->names[waiting->count++], sizeof(waiting->names[0]), "%s",
                 (const char *)sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    return rc;
}

static int find_account(const struct view *view, const char *origin, const char *name, bool *ret, struct err *err)
{
    struct user user;
    struct err unknown;
    int rc = user_find(view->store, span_str(name), &user, &unknown);
    *ret = rc == 0 && strcmp(user.member, origin) == 0;
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", unknown.text);
}

static int give_names(void *ctx, const struct log_info *log, struct err *err)
{
    struct waiting *waiting = ctx;
    if (log->role != LOG_OWN)
        return 0;
    int rc = read_names(waiting, log->origin, err);
    for (size_t i = 0; rc == 0 && i < waiting->count && waiting->given < waiting->max; i++) {
        const char *person = waiting->names[i];
        bool is_there = false;
        rc = find_account(waiting->view, log->origin, person + strlen(log->origin) + 1, &is_there, err);
        if (rc == 0 && !is_there) {
            waiting->given++;
            rc = waiting->each(waiting->ctx, span_str(person), err);
        }
    }
    return rc;
}

int view_persons_waiting(const struct view *view, size_t max,
                         int (*each)(void *ctx, struct span person, struct err *err), void *ctx, struct err *err)
{
    const struct viewer *viewer = &view->viewer;
    bool may = viewer->class == VIEWER_OPERATOR ||
               (viewer->class == VIEWER_USER && role_may(viewer->role, viewer->scopes, ACTION_USERS));
    if (!may || !view->index)
        return err_set(err, ERR_REFUSED, "who is waited for only administrators see");
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return err_memory(err);
    waiting->view = view;
    waiting->max = max;
    waiting->each = each;
    waiting->ctx = ctx;
    int rc = store_logs(view->store, give_names, waiting, err);
    free(waiting);
    return rc;
}
