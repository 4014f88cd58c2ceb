#include "moderation/ceded.h"

#include <stdio.h>
#include <stdlib.h>

#include "governance/cessions.h"
#include "moderation/moderation.h"
#include "state/notices.h"
#include "state/payload.h"

#define CESSIONS_MAX 64     /* that hold at once */
#define DECISIONS_MAX 20000 /* of one delegate, the last ones */
#define CEDED_ARENA_MAX (8u << 20)

struct saying {
    int64_t subject, source, time_ms; /* refs of what it is about, and of the record that says it */
    bool is_refused;
    uint64_t mine; /* bits of the cessions that are for its author now */
};

struct ceded {
    struct view view;
    struct log_info operator;
    int64_t now_ms;
    struct arena arena; /* cessions; for the whole round */
    struct arena brief; /* one record */
    struct governance_cession cession[CESSIONS_MAX];
    int64_t ref[CESSIONS_MAX];
    size_t cession_count;
    struct saying *sayings;
    size_t count, cap;
    struct log_info subject; /* looked up last */
    uint64_t done;
};

/* ---- which hold ---- */

static int take_cession(void *ctx, const struct governance_cession *one, struct err *err)
{
    struct ceded *c = ctx;
    (void)err;
    if (one->state == CESSION_HOLDS && one->said.power == POWER_MODERATE && c->cession_count < CESSIONS_MAX)
        c->ref[c->cession_count++] = one->ref;
    return 0;
}

static int find_cessions(struct ceded *c, struct err *err)
{
    int rc = cessions_each(&c->view, c->operator.number, c->now_ms, take_cession, c, err);
    for (size_t i = 0; rc == 0 && i < c->cession_count; i++)
        rc = cessions_find(&c->view, c->ref[i], c->now_ms, &c->arena, &c->cession[i], err);
    return rc;
}

/* ---- what their holders have said ---- */

static int add(struct ceded *c, const struct saying *saying, struct err *err)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 256;
        struct saying *grown = realloc(c->sayings, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        c->sayings = grown;
        c->cap = cap;
    }
    c->sayings[c->count++] = *saying;
    return 0;
}

/* Is that something about which its author may decide for us: of somebody else, who does not live here? */
static bool find_subject(struct ceded *c, const char *origin, uint64_t index, int64_t author, int64_t *ret)
{
    struct err unknown = {0};
    if (strcmp(c->subject.origin, origin) != 0 &&
        store_log_by_origin(c->view.store, span_str(origin), &c->subject, &unknown) != 0) {
        c->subject.origin[0] = '\0';
        return false;
    }
    bool is_others = c->subject.role == LOG_MIRROR || c->subject.role == LOG_MOVED;
    *ret = RECORD_REF(c->subject.number, index);
    return is_others && c->subject.number != author && index < c->subject.size;
}

static int add_sayings(struct ceded *c, int64_t author, uint64_t mine, struct err *err)
{
    sqlite3_stmt *query = index_statement(c->view.index,
                                          "SELECT ref, subject, at, time_ms, refused FROM moderation_said WHERE type ="
                                          " 2 AND ref >= ?1 AND ref < ?2 ORDER BY ref DESC LIMIT ?3",
                                          err);
    if (!query)
        return err->code;
    sqlite3_bind_int64(query, 1, RECORD_REF(author, 0));
    sqlite3_bind_int64(query, 2, RECORD_REF(author + 1, 0));
    sqlite3_bind_int(query, 3, DECISIONS_MAX);
    int rc = 0;
    while (rc == 0 && (rc = index_step(c->view.index, query, err)) > 0) {
        struct saying saying = {.source = sqlite3_column_int64(query, 0),
                                .time_ms = sqlite3_column_int64(query, 3),
                                .is_refused = sqlite3_column_int(query, 4) != 0,
                                .mine = mine};
        bool counts = saying.time_ms <= c->now_ms &&
                      find_subject(c, (const char *)sqlite3_column_text(query, 1),
                                   (uint64_t)sqlite3_column_int64(query, 2), author, &saying.subject);
        rc = counts ? add(c, &saying, err) : 0;
    }
    sqlite3_reset(query);
    return rc;
}

/* The next log with a decision in it, from this number on; 0: none. */
static int next_author(struct ceded *c, int64_t number, int64_t *ret, struct err *err)
{
    sqlite3_stmt *query = index_statement(
        c->view.index, "SELECT ref FROM moderation_said WHERE type = 2 AND ref >= ?1 ORDER BY ref LIMIT 1", err);
    if (!query)
        return err->code;
    sqlite3_bind_int64(query, 1, RECORD_REF(number, 0));
    int rc = index_step(c->view.index, query, err);
    *ret = rc > 0 ? RECORD_REF_LOG(sqlite3_column_int64(query, 0)) : 0;
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

static int find_sayings(struct ceded *c, struct err *err)
{
    int64_t number = 0;
    int rc = next_author(c, 0, &number, err);
    while (rc == 0 && number > 0) {
        struct log_info log;
        struct err gone = {0};
        uint64_t mine = 0;
        bool speaks = number != c->operator.number && store_log(c->view.store, number, &log, &gone) == 0 &&
                      log.standing == STANDING_GOOD;
        for (size_t i = 0; speaks && i < c->cession_count; i++)
            if (cession_is_for(&c->view, &c->cession[i].said, log.origin, c->now_ms))
                mine |= UINT64_C(1) << i;
        if (mine)
            rc = add_sayings(c, number, mine, err);
        if (rc == 0)
            rc = next_author(c, number + 1, &number, err);
    }
    return rc;
}

/* By what they are about, in the order in which they were said. */
static int compare(const void *a, const void *b)
{
    const struct saying *x = a, *y = b;
    int by_subject = (x->subject > y->subject) - (x->subject < y->subject);
    int by_time = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
    return by_subject ? by_subject : by_time ? by_time : (x->source > y->source) - (x->source < y->source);
}

/* ---- by which of them it counts ---- */

static bool is_in_group(void *ctx, struct span group)
{
    struct ceded *c = ctx;
    return view_in_group(&c->view, group, span_str(c->subject.origin), c->now_ms);
}

/* What it is about, as far as it is known here: held, waiting, or by the row that says why it is not. */
static int find_kind(struct ceded *c, int64_t ref, char out[VERDICT_KIND_MAX + 1], struct err *err)
{
    struct view_record record;
    struct verdict verdict;
    struct err none = {0};
    out[0] = '\0';
    arena_clear(&c->brief);
    int rc = view_record_brief(&c->view, ref, &c->brief, &record, err);
    if (rc == 0 && record.has_text && record.parsed)
        snprintf(out, VERDICT_KIND_MAX + 1, "%.*s", SPAN_ARGS(record.record.kind));
    else if (rc == 0 && verdict_find(c->view.store, ref, &verdict, &none) == 0)
        memcpy(out, verdict.kind, sizeof(verdict.kind));
    return rc;
}

static bool was_for(const struct ceded *c, const struct governance_cession *cession, const char *origin,
                    int64_t then_ms)
{
    return cession->from_ms <= then_ms && then_ms < cession->until_ms &&
           cession_is_for(&c->view, &cession->said, origin, then_ms);
}

/* The first cession that covers it; NULL: none. */
static int find_cession(struct ceded *c, const struct saying *saying, const struct log_info *author,
                        const struct governance_cession **ret, struct err *err)
{
    char kind[VERDICT_KIND_MAX + 1];
    *ret = NULL;
    int rc = store_log(c->view.store, RECORD_REF_LOG(saying->subject), &c->subject, err);
    if (rc == 0)
        rc = find_kind(c, saying->subject, kind, err);
    struct cession_case about = {
        .kind = span_str(kind), .author = span_str(c->subject.origin), .in_group = is_in_group, .ctx = c};
    for (size_t i = 0; rc == 0 && !*ret && i < c->cession_count; i++)
        if (saying->mine & UINT64_C(1) << i && was_for(c, &c->cession[i], author->origin, saying->time_ms) &&
            cession_covers(&c->cession[i].said, &about))
            *ret = &c->cession[i];
    return rc;
}

/* ---- what follows ---- */

static int find_reason(struct ceded *c, const struct saying *saying, char out[POLICY_REASON_MAX + 1], struct err *err)
{
    struct view_record record;
    struct reasons_brief reasons = {0};
    struct err unread = {0};
    arena_clear(&c->brief);
    int rc = view_record_ref(&c->view, saying->source, &c->brief, &record, err);
    if (rc == 0 && record.has_text && record.parsed)
        (void)reasons_parse(&record.record, &reasons, &unread);
    size_t len = strlen(reasons.facts);
    while (len > POLICY_REASON_MAX || (reasons.facts[len] & 0xC0) == 0x80)
        len--; /* not in the middle of a character */
    snprintf(out, POLICY_REASON_MAX + 1, "%.*s", (int)len, reasons.facts);
    return rc;
}

/* What never can be decided about comes up in each round, and is to cost little. */
static bool is_fixed(struct ceded *c, int64_t ref)
{
    unsigned flags = 0;
    struct err gone = {0};
    return payload_flags(c->view.store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &flags, &gone) == 0 &&
           flags & (SLOT_INLINE | SLOT_ERASED);
}

static int take_effect(struct ceded *c, const struct saying *saying, const struct log_info *author,
                       const struct governance_cession *cession, struct err *err)
{
    struct deciding deciding = {.decision = {.ref = saying->subject,
                                             .act = saying->is_refused ? POLICY_REFUSE : POLICY_YES,
                                             .time_ms = saying->time_ms,
                                             .published = saying->source,
                                             .cession = cession->ref}};
    struct deciding_done done;
    struct err cannot = {0};
    if (is_fixed(c, saying->subject))
        return 0;
    struct notice notice = {
        .what = NOTICE_DECIDED_BY_CESSION, .time_ms = c->now_ms, .ref = saying->subject, .origin = author->origin};
    snprintf(deciding.decision.who, sizeof(deciding.decision.who), "%.*s", DECISION_WHO_MAX, author->origin);
    int rc = find_reason(c, saying, deciding.decision.reason, err);
    if (rc < 0)
        return rc;
    rc = deciding_do(&c->view, c->view.store, &deciding, &done, &cannot);
    if (rc == ERR_STATE ||
        rc == ERR_NOTFOUND) /* erased, stands in its log in full, is never fetched: nobody decides that */
        return 0;
    if (rc < 0)
        return err_set(err, rc, "%s", cannot.text);
    c->done++;
    return notice_add(c->view.store, &notice, err);
}

/* Is this one newer than what was decided, and not by a person here? */
static int is_news(struct ceded *c, const struct saying *saying, bool *ret, struct err *err)
{
    struct decision decision;
    struct err none = {0};
    int rc = decision_find(c->view.store, saying->subject, &decision, &none);
    bool is_later = rc == ERR_NOTFOUND || saying->time_ms > decision.time_ms ||
                    (saying->time_ms == decision.time_ms && saying->source > decision.published);
    *ret = is_later && (rc == ERR_NOTFOUND || decision.cession != 0);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

/* All about one content, the last one first, until one counts, or is older than what was decided. */
static int decide_one(struct ceded *c, const struct saying *sayings, size_t count, struct err *err)
{
    int rc = 0;
    for (size_t i = count; rc == 0 && i > 0; i--) {
        const struct saying *saying = &sayings[i - 1];
        const struct governance_cession *cession;
        struct log_info author;
        bool news = false;
        rc = is_news(c, saying, &news, err);
        if (rc < 0 || !news)
            break;
        rc = store_log(c->view.store, RECORD_REF_LOG(saying->source), &author, err);
        if (rc == 0)
            rc = find_cession(c, saying, &author, &cession, err);
        if (rc == 0 && cession)
            return take_effect(c, saying, &author, cession, err);
    }
    return rc;
}

static int decide(struct ceded *c, struct err *err)
{
    int rc = 0;
    qsort(c->sayings, c->count, sizeof(*c->sayings), compare);
    for (size_t i = 0, next; rc == 0 && i < c->count && c->done < CEDED_AT_ONCE; i = next) {
        for (next = i + 1; next < c->count && c->sayings[next].subject == c->sayings[i].subject;)
            next++;
        rc = decide_one(c, &c->sayings[i], next - i, err);
    }
    return rc;
}

int ceded_follow(struct store *store, struct index *index, int64_t now_ms, uint64_t *ret_count, struct err *err)
{
    struct err none = {0};
    *ret_count = 0;
    struct ceded *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->now_ms = now_ms;
    arena_init(&c->arena, CEDED_ARENA_MAX);
    arena_init(&c->brief, CEDED_ARENA_MAX);
    int rc = store_operator(store, &c->operator, & none);
    bool has_operator = rc == 0;
    if (rc < 0)
        rc = rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
    if (rc == 0)
        rc = view_open(store, index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &c->view, err);
    if (rc == 0 && has_operator)
        rc = find_cessions(c, err);
    if (rc == 0 && c->cession_count > 0)
        rc = find_sayings(c, err);
    if (rc == 0 && c->count > 0)
        rc = decide(c, err);
    *ret_count = c->done;
    arena_done(&c->arena);
    arena_done(&c->brief);
    free(c->sayings);
    free(c);
    return rc;
}
