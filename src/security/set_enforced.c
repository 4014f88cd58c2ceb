/* Which indicators policy keeps from taking effect: they stand among those that do not hold. */
#include <stdlib.h>

#include "index/judge.h"
#include "security/set_current.h"

#define AGES_LOOKED_AT_MS INT64_C(3600000) /* rules that look at ages are asked again so often */

/* Rows of bits of authors, by number of their log. */
struct authors {
    struct policy_bits **bits;
    size_t count;
};

struct enforcing {
    struct judge judge;
    struct index *index;
    struct authors authors;
};

static int author_make(struct enforcing *e, int64_t number, struct err *err)
{
    struct authors *a = &e->authors;
    struct log_info log;
    if ((size_t)number >= a->count) {
        size_t count = (size_t)number + 64;
        struct policy_bits **grown = reallocarray(a->bits, count, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        memset(grown + a->count, 0, (count - a->count) * sizeof(*grown));
        a->bits = grown;
        a->count = count;
    }
    if (!(a->bits[number] = malloc(sizeof(**a->bits))))
        return err_memory(err);
    int rc = store_log(e->judge.store, number, &log, err);
    return rc < 0 ? rc : rules_author(e->judge.store, e->judge.policy, &log, a->bits[number], err);
}

static void authors_free(struct authors *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->bits[i]);
    free(a->bits);
}

static struct span column(sqlite3_stmt *statement, int at)
{
    return span_of(sqlite3_column_text(statement, at), (size_t)sqlite3_column_bytes(statement, at));
}

static void read_content(const struct enforcing *e, sqlite3_stmt *statement, struct policy_content *out)
{
    int64_t time_ms = sqlite3_column_int64(statement, 1), now_ms = e->judge.now_ms;
    bool has_score = sqlite3_column_type(statement, 4) != SQLITE_NULL;
    *out = (struct policy_content){.kind = column(statement, 5),
                                   .language = column(statement, 6),
                                   .tlp = (enum tlp)sqlite3_column_int(statement, 2),
                                   .score = has_score ? (uint64_t)sqlite3_column_int64(statement, 4) : POLICY_NONE,
                                   .size = (uint64_t)sqlite3_column_int64(statement, 3),
                                   .age_s = POLICY_NONE};
    if (time_ms > 0)
        out->age_s = time_ms < now_ms ? (uint64_t)(now_ms - time_ms) / 1000 : 0;
}

/* The record of one object: 1 takes effect, 0 does not. */
static int takes_effect(struct enforcing *e, sqlite3_stmt *statement, struct err *err)
{
    struct policy_content content;
    struct policy_known known;
    struct policy_verdict verdict;
    int64_t number = RECORD_REF_LOG(sqlite3_column_int64(statement, 0));
    if ((size_t)number >= e->authors.count || !e->authors.bits[number]) {
        int rc = author_make(e, number, err);
        if (rc < 0)
            return rc;
    }
    read_content(e, statement, &content);
    policy_known(e->judge.policy, &content, &known);
    policy_decide(e->judge.policy, POLICY_ENFORCE, e->authors.bits[number], NULL, &known, NULL, &verdict);
    return verdict.act == POLICY_YES;
}

static int ask_all(struct enforcing *e, struct current *current, struct err *err)
{
    sqlite3_stmt *statement = index_statement(e->index,
                                              "SELECT o.ref, r.time_ms, r.tlp, r.bytes, o.score, k.text, l.text FROM "
                                              "security_object o JOIN record r ON r.ref = o.ref"
                                              " JOIN word k ON k.number = r.kind LEFT JOIN word l ON l.number = r.lang",
                                              err);
    if (!statement)
        return err->code;
    int rc;
    while ((rc = index_step(e->index, statement, err)) > 0) {
        int effect = takes_effect(e, statement, err);
        rc = effect < 0 ? effect : effect > 0 ? 0 : current_add_past(current, sqlite3_column_int64(statement, 0), err);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

int current_enforce(struct current *current, struct index *index, struct store *store, int64_t now_ms, struct err *err)
{
    struct enforcing e = {.index = index};
    int rc = judge_open(&e.judge, store, now_ms, err);
    if (rc < 0)
        return rc;
    current->policy = e.judge.version.number;
    if (!e.judge.decides[POLICY_ENFORCE])
        return 0;
    rc = ask_all(&e, current, err);
    authors_free(&e.authors);
    bool may_change = policy_looks_at_age(e.judge.policy, POLICY_ENFORCE) || policy_looks_at_groups(e.judge.policy);
    if (may_change && current->next_change_ms > now_ms + AGES_LOOKED_AT_MS)
        current->next_change_ms = now_ms + AGES_LOOKED_AT_MS;
    return rc;
}
