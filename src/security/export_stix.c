/*
 * A STIX bundle of all objects that hold, each id once: its newest version over all logs, of two of one moment the
 * one first in canonical order. First the records are chosen, then they are read in the order of the logs, logs by
 * origin: the same objects give the same bytes on every node. Objects are their reporters' own bytes; the bundle's
 * id is made of their hashes and so stands behind them.
 */
#include "security/export_impl.h"

#include <stdlib.h>

#include "base/sha256.h"

#define READ_ENTRIES 256 /* payloads read in one go */

struct chosen {
    const char *origin; /* the asker's: equal origins are one pointer */
    int64_t ref;
};

struct choice {
    struct chosen *items;
    size_t count, cap;
};

static int choose(struct choice *choice, const struct found *found, struct err *err)
{
    if (choice->count == choice->cap) {
        size_t cap = choice->cap ? 2 * choice->cap : 1024;
        struct chosen *grown = reallocarray(choice->items, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        choice->items = grown;
        choice->cap = cap;
    }
    choice->items[choice->count++] = (struct chosen){found->origin, found->ref};
    return 0;
}

static int cmp_chosen(const void *x, const void *y)
{
    const struct chosen *a = x, *b = y;
    int order = a->origin == b->origin ? 0 : strcmp(a->origin, b->origin);
    return order != 0 ? order : (a->ref > b->ref) - (a->ref < b->ref);
}

/* ---- choosing ---- */

/* Versions of one id, over all logs. */
struct id_group {
    int64_t id_hash, version_ms;
    bool any;
    struct found best;
};

static int group_add(struct export *e, struct id_group *group, int64_t ref, int64_t version_ms, struct err *err)
{
    struct found found;
    int rc = current_holds(&e->current, ref) ? asker_find(&e->asker, ref, &found, err) : 0;
    if (rc <= 0)
        return rc;
    if (group->any && version_ms == group->version_ms ? found_before(&found, &group->best)
                                                      : !group->any || version_ms > group->version_ms) {
        group->any = true;
        group->best = found;
        group->version_ms = version_ms;
    }
    return 0;
}

static int choose_all(struct export *e, struct choice *choice, struct err *err)
{
    struct index *index = e->view->index;
    sqlite3_stmt *statement =
        index_statement(index, "SELECT id_hash, ref, version_ms FROM security_object ORDER BY id_hash, ref", err);
    if (!statement)
        return err->code;
    struct id_group group = {0};
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        int64_t id_hash = sqlite3_column_int64(statement, 0);
        rc = 0;
        if (id_hash != group.id_hash) {
            rc = group.any ? choose(choice, &group.best, err) : 0;
            group = (struct id_group){.id_hash = id_hash};
        }
        if (rc == 0)
            rc = group_add(e, &group, sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2), err);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    if (rc == 0 && group.any)
        rc = choose(choice, &group.best, err);
    if (choice->count > 1)
        qsort(choice->items, choice->count, sizeof(*choice->items), cmp_chosen);
    return rc;
}

/* ---- reading ---- */

static int write_object(struct export *e, struct sha256 *hash, struct span payload, struct err *err)
{
    struct record record;
    struct err ignored;
    uint8_t digest[SHA256_SIZE];
    arena_clear(&e->asker.row);
    if (record_parse(payload, &e->asker.row, &record, &ignored) < 0)
        return 0; /* it was folded, so it parses */
    sha256_once(record.body, digest);
    sha256_add(hash, span_of(digest, sizeof(digest)));
    buf_str(&e->out, e->count++ > 0 ? ",\n" : ",\"objects\":[\n");
    buf_span(&e->out, record.body);
    return export_flush(e, false, err);
}

/* Chosen records from *at on that stand near each other in one log. What went meanwhile is a hole and is left out. */
static int write_near(struct export *e, struct sha256 *hash, const struct choice *choice, size_t *at,
                      struct buf *payloads, struct err *err)
{
    const struct chosen *first = &choice->items[*at];
    struct log_info log;
    uint64_t begin = RECORD_REF_INDEX(first->ref);
    int rc = view_log_by_number(e->view, RECORD_REF_LOG(first->ref), &log, err);
    uint64_t left = rc == 0 && begin < log.size ? log.size - begin : 0;
    size_t count = left < READ_ENTRIES ? (size_t)left : READ_ENTRIES;
    buf_clear(payloads);
    if (rc == 0)
        rc = view_payloads(e->view, &log, begin, count, payloads, &count, err);
    struct payload_reader reader = {.bundle = buf_view(payloads)};
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct payload_item item;
        if ((rc = payload_next(&reader, &item, err)) <= 0)
            break;
        rc = 0;
        if (*at == choice->count || choice->items[*at].ref != RECORD_REF(log.number, begin + i))
            continue;
        (*at)++;
        rc = item.hole ? 0 : write_object(e, hash, item.payload, err);
    }
    return rc;
}

static int stix_all(struct export *e, struct err *err)
{
    struct choice choice = {0};
    struct sha256 hash;
    struct buf payloads;
    uint8_t digest[SHA256_SIZE];
    char id[STIX_ID_MAX];
    sha256_init(&hash);
    buf_init(&payloads, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 64);
    buf_str(&e->out, "{\"type\":\"bundle\"");
    int rc = choose_all(e, &choice, err);
    for (size_t at = 0; rc == 0 && at < choice.count;) {
        size_t before = at;
        rc = write_near(e, &hash, &choice, &at, &payloads, err);
        if (at == before)
            at++; /* it is gone */
    }
    sha256_end(&hash, digest);
    stix_bundle_id(digest, id);
    buf_str(&e->out, e->count > 0 ? "\n]" : ""); /* a list without objects is not allowed, none at all is */
    buf_fmt(&e->out, ",\"id\":\"%s\"}\n", id);
    buf_done(&payloads);
    free(choice.items);
    return rc;
}

const struct export_format export_stix = {.name = "stix", .all = stix_all};
