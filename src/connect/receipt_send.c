/* Confirming: what is here for a member, less what its log confirms already, in as few receipts as hold it. */
#include <stdio.h>
#include <stdlib.h>

#include "connect/preview.h"
#include "connect/receipts.h"
#include "state/author.h"

#define ARENA_MAX (64u << 20)            /* bytes: a content and what its parser makes of it */
#define CANDIDATES_MAX ((size_t)1 << 20) /* looked at in one call */

struct confirming {
    struct store *store;
    struct index *index;
    const struct log_info *member;
    int64_t now_ms;
    bool dry;
    struct view view;
    struct arena arena;
    struct log_info log; /* the author's, */
    bool is_relevant;    /* whose contents may be confirmed */
    struct receipt_item *items;
    size_t item_count;
    struct buf refs, text; /* int64_t; a receipt */
    struct receipts_done *done;
};

/* ---- what may be confirmed ---- */

/* Is it another member's log that others may hear of? */
static int look_at_log(struct confirming *c, int64_t number, struct err *err)
{
    if (c->log.number == number)
        return 0;
    int rc = store_log(c->store, number, &c->log, err);
    c->is_relevant = rc == 0 && number != c->member->number && c->log.role != LOG_LOCAL && c->log.role != LOG_LISTED;
    return rc;
}

static int add_candidate(struct confirming *c, int64_t ref, struct err *err)
{
    bool is_said = false;
    int rc = look_at_log(c, RECORD_REF_LOG(ref), err);
    if (rc == 0 && c->is_relevant)
        rc =
            receipt_is_said(c->index, c->member->number, span_str(c->log.origin), RECORD_REF_INDEX(ref), &is_said, err);
    if (rc == 0 && c->is_relevant && !is_said)
        buf_add(&c->refs, &ref, sizeof(ref));
    return rc;
}

/* What is not for everybody stands together in this index of the table, however much else there is. */
static int find_candidates(struct confirming *c, struct err *err)
{
    sqlite3_stmt *select = index_statement(c->index,
                                           "SELECT ref FROM record INDEXED BY record_time WHERE shown = 0 AND"
                                           " is_inline = 0 AND tlp > ?1 AND kind <> ifnull((SELECT number FROM word"
                                           " WHERE text = '" RECEIPT_KIND "'), -1)",
                                           err);
    if (!select)
        return err->code;
    sqlite3_bind_int(select, 1, TLP_CLEAR);
    int rc;
    while ((rc = index_step(c->index, select, err)) > 0 && c->refs.len < CANDIDATES_MAX * sizeof(int64_t))
        if ((rc = add_candidate(c, sqlite3_column_int64(select, 0), err)) < 0)
            break;
    c->done->more = rc > 0;
    sqlite3_reset(select);
    return rc < 0 ? rc : buf_check(&c->refs, "receipts", err);
}

static int compare_refs(const void *a, const void *b)
{
    int64_t left, right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return (left > right) - (left < right);
}

/* ---- one content ---- */

/* For this member itself: what only its host or its guest may read, they confirm. */
static bool is_mine(enum audience_verdict verdict)
{
    return audience_is_in(verdict) && verdict != AUDIENCE_PUBLIC && verdict != AUDIENCE_AUTHOR &&
           verdict != AUDIENCE_HOST;
}

static int add_content(struct confirming *c, int64_t ref, struct err *err)
{
    struct view_record record;
    enum audience_verdict verdict;
    struct err gone = {0};
    struct span member = span_str(c->member->origin);
    arena_clear(&c->arena);
    int rc = view_record_brief(&c->view, ref, &c->arena, &record, &gone);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", gone.text);
    if (!record.has_text || !record.parsed || record.waiting)
        return 0;
    rc = view_audience(&c->view, member, c->now_ms, span_str(c->log.origin), &record.record, &verdict, err);
    if (rc < 0 || !is_mine(verdict))
        return rc;
    if (record.cut) {
        arena_clear(&c->arena);
        rc = view_record_ref(&c->view, ref, &c->arena, &record, err);
    }
    if (rc < 0 || !record.has_text || record.salt.len != SEAL_SALT)
        return rc;
    struct receipt_item *item = &c->items[c->item_count++];
    item->index = record.index;
    receipt_prove(member, record.salt.data, record.text, item->proof);
    return 0;
}

/* ---- receipts ---- */

/* Policy would keep the receipt here: an entry in the log for everybody to see, of which nobody has anything. */
static int keeps(struct confirming *c, bool *ret, struct err *err)
{
    struct preview preview;
    struct preview_draft draft = {
        .view = &c->view, .author = c->member, .text = buf_view(&c->text), .now_ms = c->now_ms};
    arena_clear(&c->arena);
    int rc = preview_make(&draft, &c->arena, &preview, err);
    *ret = rc == 0 && preview.fault == PREVIEW_POLICY_KEEPS;
    for (size_t i = 0; *ret && i < preview.count; i++)
        if (preview.members[i].fate == PREVIEW_KEPT) {
            snprintf(c->done->kept_from, sizeof(c->done->kept_from), "%s", preview.members[i].origin);
            c->done->kept_line = preview.members[i].line;
        }
    return rc;
}

static int end_receipt(struct confirming *c, struct err *err)
{
    uint64_t index;
    bool is_kept = false;
    if (c->item_count == 0)
        return 0;
    struct receipt receipt = {span_str(c->log.origin), c->item_count, c->items};
    buf_clear(&c->text);
    int rc = receipt_write(&receipt, c->now_ms, &c->text, err);
    if (rc == 0)
        rc = keeps(c, &is_kept, err);
    c->done->receipts += !is_kept;
    *(is_kept ? &c->done->kept : &c->done->contents) += c->item_count;
    c->item_count = 0;
    if (rc < 0 || is_kept || c->dry)
        return rc;
    struct author_item item = {.text = buf_view(&c->text)};
    rc = author_append(c->store, c->member->number, &item, 1, c->now_ms, &index, err);
    return rc == 0 ? index_update(c->index, c->store, 0, NULL, err) : rc;
}

/* Ascending: one author after the other. */
static int confirm_all(struct confirming *c, struct err *err)
{
    const uint8_t *at = c->refs.data;
    size_t count = c->refs.len / sizeof(int64_t);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int64_t ref;
        memcpy(&ref, at + i * sizeof(ref), sizeof(ref));
        if (RECORD_REF_LOG(ref) != c->log.number || c->item_count == RECEIPT_ITEMS_MAX)
            rc = end_receipt(c, err);
        if (rc == 0 && c->done->receipts == RECEIPTS_AT_ONCE) {
            c->done->more = true;
            return 0;
        }
        if (rc == 0)
            rc = look_at_log(c, RECORD_REF_LOG(ref), err);
        if (rc == 0)
            rc = add_content(c, ref, err);
    }
    return rc == 0 ? end_receipt(c, err) : rc;
}

int receipts_send(struct store *store, struct index *index, const struct log_info *member, int64_t now_ms, bool dry,
                  struct receipts_done *ret, struct err *err)
{
    struct confirming c = {.store = store, .index = index, .member = member, .now_ms = now_ms, .dry = dry, .done = ret};
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    *ret = (struct receipts_done){0};
    arena_init(&c.arena, ARENA_MAX);
    buf_init(&c.refs, (CANDIDATES_MAX + 1) * sizeof(int64_t));
    buf_init(&c.text, PAYLOAD_MAX);
    c.items = calloc(RECEIPT_ITEMS_MAX, sizeof(*c.items));
    int rc = c.items ? view_open(store, index, viewer, OUTLET_CLI_LOG, &c.view, err) : err_memory(err);
    if (rc == 0)
        rc = find_candidates(&c, err);
    if (rc == 0 && c.refs.len > 0) {
        qsort(c.refs.data, c.refs.len / sizeof(int64_t), sizeof(int64_t), compare_refs);
        c.log.number = 0;
        rc = confirm_all(&c, err);
    }
    arena_done(&c.arena);
    buf_done(&c.refs);
    buf_done(&c.text);
    free(c.items);
    return rc;
}
