/* Telling an author's people that receipts came, and what is wrong with some. */
#include <stdio.h>

#include "connect/receipts.h"
#include "state/notices.h"

#define FACT_TOLD "receipts-told"
#define AT_ONCE 64 /* receipts a call */
#define CHECK_MAX                                                                                                      \
    ((size_t)64 << 20)        /* bytes of contents that are read again a call: a receipt costs its author little */
#define ARENA_MAX (64u << 20) /* bytes: a content and what its parser makes of it */

struct news {
    struct store *store;
    struct index *index;
    int64_t now_ms;
    struct view view;
    struct arena items, arena; /* of the receipt, of a content */
    size_t read_bytes;
};

/* How far was told. An index that was made again numbers anew: what stands in it then was told before. */
static int told_get(struct news *n, int64_t *ret, struct err *err)
{
    struct buf text;
    struct err none = {0};
    uint64_t told = 0, last = 0;
    sqlite3_stmt *select = index_statement(n->index, "SELECT ifnull(max(arrival_number), 0) FROM connect_receipt", err);
    if (!select)
        return err->code;
    int rc = index_step(n->index, select, err);
    last = rc > 0 ? (uint64_t)sqlite3_column_int64(select, 0) : 0;
    sqlite3_reset(select);
    if (rc < 0)
        return rc;
    buf_init(&text, 64);
    rc = store_get(n->store, FACT_TOLD, &text, &none);
    if (rc == 0)
        (void)span_u64(buf_view(&text), INT64_MAX, &told); /* what is no number is 0 */
    buf_done(&text);
    *ret = (int64_t)(told < last ? told : last);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

struct came {
    int64_t ref, number;
    char of[ORIGIN_MAX + 1];
};

static int next_came(struct news *n, int64_t after, struct came *ret, struct err *err)
{
    sqlite3_stmt *select = index_statement(n->index,
                                           "SELECT ref, of, arrival_number FROM connect_receipt"
                                           " WHERE arrival_number > ?1 ORDER BY arrival_number LIMIT 1",
                                           err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, after);
    int rc = index_step(n->index, select, err);
    if (rc > 0) {
        ret->ref = sqlite3_column_int64(select, 0);
        snprintf(ret->of, sizeof(ret->of), "%s", (const char *)sqlite3_column_text(select, 1));
        ret->number = sqlite3_column_int64(select, 2);
    }
    sqlite3_reset(select);
    return rc;
}

/* ---- is it true ---- */

struct judged {
    size_t good, wrong, outside; /* what is withdrawn is none of them: its proof cannot be checked any more */
    uint64_t outside_at;         /* one that it should not have */
};

static int judge_item(struct news *n, const struct log_info *author, struct span member,
                      const struct receipt_item *item, struct judged *io, struct err *err)
{
    struct view_record content;
    struct err gone = {0};
    enum audience_verdict verdict;
    uint8_t proof[RECEIPT_PROOF];
    arena_clear(&n->arena);
    int rc = view_record(&n->view, author, item->index, &n->arena, &content, &gone);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", gone.text);
    if (rc == 0 && content.erased)
        return 0;
    if (rc < 0 || !content.has_text || content.salt.len != SEAL_SALT) { /* nothing was ever said there to few */
        io->wrong++;
        return 0;
    }
    n->read_bytes += content.text.len;
    receipt_prove(member, content.salt.data, content.text, proof);
    if (memcmp(proof, item->proof, RECEIPT_PROOF) != 0) {
        io->wrong++;
        return 0;
    }
    rc = view_audience(&n->view, member, n->now_ms, span_str(author->origin), &content.record, &verdict, err);
    if (rc == 0 && !audience_is_in(verdict)) {
        io->outside++;
        io->outside_at = item->index;
    } else if (rc == 0) {
        io->good++;
    }
    return rc;
}

static int tell(struct news *n, enum notice_what what, int64_t ref, const char *member, size_t count, struct err *err)
{
    struct notice notice = {.what = what, .time_ms = n->now_ms, .ref = ref, .origin = member, .count = count};
    return count > 0 ? notice_add(n->store, &notice, err) : 0;
}

static int look_at(struct news *n, const struct came *came, struct err *err)
{
    struct log_info author;
    struct view_record record;
    struct receipt receipt;
    struct judged judged = {0};
    struct err unread = {0};
    arena_clear(&n->items);
    int rc = store_log_by_origin(n->store, span_str(came->of), &author, &unread);
    if (rc == ERR_NOTFOUND || (rc == 0 && author.role != LOG_OWN))
        return 0;
    if (rc == 0)
        rc = view_record_ref(&n->view, came->ref, &n->items, &record, &unread);
    if (rc == 0 && record.has_text && record.parsed)
        rc = receipt_parse(&record.record, &n->items, &receipt, &unread);
    if (rc == ERR_IO || rc == ERR_MEMORY)
        return err_set(err, rc, "%s", unread.text);
    if (rc < 0 || !record.has_text || !record.parsed)
        return 0;
    struct span member = span_str(record.log.origin);
    for (size_t i = 0; rc == 0 && i < receipt.count && n->read_bytes < CHECK_MAX; i++)
        rc = judge_item(n, &author, member, &receipt.items[i], &judged, err);
    if (rc == 0)
        rc = tell(n, NOTICE_RECEIPT_WRONG, came->ref, record.log.origin, judged.wrong, err);
    if (rc == 0)
        rc = tell(n, NOTICE_RECEIPT_OUTSIDE, RECORD_REF(author.number, judged.outside_at), record.log.origin,
                  judged.outside, err);
    return rc < 0 ? rc : tell(n, NOTICE_RECEIPT_CAME, came->ref, record.log.origin, judged.good, err);
}

/* ---- all ---- */

static int remember(struct news *n, int64_t told, struct err *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)told);
    int rc = store_begin(n->store, err);
    if (rc < 0)
        return rc;
    rc = store_put(n->store, FACT_TOLD, span_str(text), err);
    if (rc == 0)
        return store_commit(n->store, err);
    store_rollback(n->store);
    return rc;
}

int receipts_tell(struct store *store, struct index *index, int64_t now_ms, struct err *err)
{
    struct news n = {.store = store, .index = index, .now_ms = now_ms};
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    struct came came = {0};
    int64_t told = 0, began;
    arena_init(&n.items, ARENA_MAX);
    arena_init(&n.arena, ARENA_MAX);
    int rc = told_get(&n, &told, err);
    began = told;
    if (rc == 0)
        rc = view_open(store, index, viewer, OUTLET_CLI_LOG, &n.view, err);
    for (int i = 0; rc == 0 && i < AT_ONCE && n.read_bytes < CHECK_MAX; i++) {
        int found = next_came(&n, told, &came, err);
        if (found <= 0) {
            rc = found;
            break;
        }
        rc = look_at(&n, &came, err);
        told = came.number;
    }
    if (rc == 0 && told != began)
        rc = remember(&n, told, err);
    arena_done(&n.items);
    arena_done(&n.arena);
    return rc;
}
