#include "node/receipting.h"

#include <stdio.h>

#include "connect/receipts.h"
#include "connect/startcheck.h"
#include "state/author.h"

static bool is_ours(int code)
{
    return code == ERR_IO || code == ERR_MEMORY;
}

/* What cannot be confirmed now is still to be confirmed at the member's next time. */
static int confirm(struct receipting *r, struct store *store, struct index *index, const char *origin, int64_t now_ms,
                   struct err *err)
{
    struct log_info log;
    struct receipts_done done;
    struct err failed = {0};
    char line[sizeof(r->told)] = "";
    int rc = store_log_by_origin(store, span_str(origin), &log, &failed);
    if (rc == 0 && log.role == LOG_OWN)
        rc = receipts_send(store, index, &log, now_ms, false, &done, &failed);
    if (is_ours(rc)) {
        *err = failed;
        return err_in(err, "receipts");
    }
    if (rc < 0) {
        snprintf(line, sizeof(line), "receipts of %s: %s", origin, failed.text);
        if (strcmp(line, r->told) != 0)
            r->tell(r->ctx, line);
        memcpy(r->told, line, sizeof(line));
    }
    return 0;
}

int receipting_look(struct receipting *r, struct store *store, struct index *index, int64_t now_ms, bool is_new,
                    struct err *err)
{
    struct receipt_switch due[RECEIPT_MEMBERS_MAX];
    size_t count = 0;
    int rc = receipt_switches(store, due, &count, err);
    bool may_sign = rc == 0 && count > 0 && start_check_noted(store);
    count = 0;
    if (may_sign)
        rc = receipt_due(store, now_ms, due, &count, err);
    if (may_sign)
        author_allow(store);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = confirm(r, store, index, due[i].origin, now_ms, err);
    return rc == 0 && is_new ? receipts_tell(store, index, now_ms, err) : rc;
}
