#include "moderation/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/page.h"
#include "index/judge.h"

#define TALLY_MAX 4096     /* different changes, authors, languages, viewers that are told apart */
#define PART 256           /* entries whose contents are read at once */
#define ASKED_MAX 40000000 /* decisions about members: some ten seconds */
#define AUDIENCE_COST 100  /* of those, that looking who is in an audience takes */
#define RECORD_ARENA_MAX (64u << 20)

/* Members of whom no rule of either policy tells one from the other. */
struct crowd {
    struct policy_bits now, then;
    size_t first, count; /* in `members` */
};

struct viewer_row {
    char *origin;
    struct policy_bits now, then;
};

struct trying {
    const struct view *view;
    struct trial *out;
    int64_t since_ms;
    uint64_t contents_max, asked;
    struct judge now, then; /* the policy in force; the one that is tried */
    struct policy_bits public_now, public_then;
    struct viewer_row *members;
    size_t member_count, member_cap;
    struct crowd *crowds;
    size_t crowd_count;
    struct arena arena;
    int64_t counts_log; /* whose counters these are */
    struct policy_counts counts;
    bool has_decisions;
    uint64_t *stamp, serial; /* by line: the content for which it counted last */
};

/* ---- tallies ---- */

bool trial_same_change(const struct trial_tally *a, const struct trial_tally *b)
{
    return a->question == b->question && a->from == b->from && a->to == b->to && a->to_members == b->to_members;
}

static int tally_add(struct trial *t, const struct trial_tally *change, struct err *err)
{
    for (size_t i = 0; i < t->tally_count; i++) {
        struct trial_tally *known = &t->tallies[i];
        if (trial_same_change(known, change) && known->by == change->by && strcmp(known->what, change->what) == 0) {
            known->count++;
            return 0;
        }
    }
    if (t->tally_count == TALLY_MAX) {
        t->cut++;
        return 0;
    }
    if (!t->tallies && !(t->tallies = calloc(TALLY_MAX, sizeof(*t->tallies))))
        return err_memory(err);
    t->tallies[t->tally_count] = *change;
    t->tallies[t->tally_count++].count = 1;
    return 0;
}

static int change_add(struct trial *t, struct trial_tally *change, const struct log_info *log, struct span lang,
                      struct err *err)
{
    snprintf(change->what, sizeof(change->what), "%s", log->origin);
    change->by = TRIAL_BY_AUTHOR;
    int rc = tally_add(t, change, err);
    if (rc < 0 || lang.len == 0)
        return rc;
    snprintf(change->what, sizeof(change->what), "%.*s", (int)(lang.len < 64 ? lang.len : 64), (const char *)lang.data);
    change->by = TRIAL_BY_LANGUAGE;
    return tally_add(t, change, err);
}

/* A content counts once for a line, whoever looks. */
static void match_add(struct trying *t, unsigned line)
{
    if (t->out->matched && line > 0 && line < t->out->line_count && t->stamp[line] != t->serial) {
        t->stamp[line] = t->serial;
        t->out->matched[line]++;
    }
}

/* ---- who could look ---- */

static int add_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct trying *t = ctx;
    if (log->role == LOG_OWN || log->role == LOG_LOCAL) /* for those that live here nothing leaves */
        return 0;
    if (t->member_count == t->member_cap) {
        size_t cap = t->member_cap ? 2 * t->member_cap : 64;
        struct viewer_row *grown = reallocarray(t->members, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        t->members = grown;
        t->member_cap = cap;
    }
    struct viewer_row *row = &t->members[t->member_count];
    struct store *store = t->view->store;
    if (!(row->origin = strdup(log->origin)))
        return err_memory(err);
    t->member_count++;
    int rc = rules_viewer(store, t->now.policy, span_str(log->origin), &row->now, err);
    return rc < 0 ? rc : rules_viewer(store, t->then.policy, span_str(log->origin), &row->then, err);
}

static int compare_bits(const struct policy_bits *now_a, const struct policy_bits *then_a,
                        const struct policy_bits *now_b, const struct policy_bits *then_b)
{
    int order = memcmp(now_a, now_b, sizeof(*now_a));
    return order ? order : memcmp(then_a, then_b, sizeof(*then_a));
}

static int by_bits(const void *x, const void *y)
{
    const struct viewer_row *a = x, *b = y;
    return compare_bits(&a->now, &a->then, &b->now, &b->then);
}

static int make_crowds(struct trying *t, struct err *err)
{
    if (t->member_count == 0)
        return 0;
    qsort(t->members, t->member_count, sizeof(*t->members), by_bits);
    if (!(t->crowds = calloc(t->member_count, sizeof(*t->crowds))))
        return err_memory(err);
    for (size_t i = 0; i < t->member_count; i++) {
        const struct viewer_row *row = &t->members[i];
        struct crowd *last = t->crowd_count > 0 ? &t->crowds[t->crowd_count - 1] : NULL;
        if (last && compare_bits(&last->now, &last->then, &row->now, &row->then) == 0)
            last->count++;
        else
            t->crowds[t->crowd_count++] = (struct crowd){row->now, row->then, i, 1};
    }
    return 0;
}

/* ---- one content ---- */

struct content {
    const struct log_info *log;
    const struct record *record;
    size_t bytes;
    bool waits, is_decided; /* by a person, so that no rule is asked whether it comes in */
};

static int ask(const struct judge *judge, const struct policy_bits *looker, const struct policy_counts *counts,
               enum policy_question question, const struct content *content, struct policy_verdict *ret,
               struct err *err)
{
    struct judge_case about = {.question = question,
                               .log = content->log,
                               .record = content->record,
                               .bytes = content->bytes,
                               .viewer = looker,
                               .counts = counts};
    return judge_decide(judge, &about, ret, err);
}

/* Is this question asked about this content at all? */
static bool is_asked(const struct content *content, enum policy_question question)
{
    if (question == POLICY_ACCEPT)
        return content->log->role != LOG_OWN && content->log->role != LOG_LOCAL && !content->is_decided;
    if (question == POLICY_SHARE)
        return content->log->role != LOG_LOCAL && content->record->tlp == TLP_CLEAR;
    return span_starts(content->record->kind, SPAN_LIT("security/"));
}

/* What waits does, whatever the rules of today would say; what lets it out counts it, as connect/reviewing does. */
static int accept_waiting(struct trying *t, const struct content *content, struct trial_tally *change, struct err *err)
{
    struct policy_verdict said;
    int rc = 0;
    if (t->counts_log != content->log->number) {
        t->counts_log = content->log->number;
        rc = rules_counts(t->view->store, t->counts_log, t->now.now_ms, &t->counts, err);
    }
    if (rc == 0)
        rc = ask(&t->then, NULL, &t->counts, POLICY_ACCEPT, content, &said, err);
    if (rc < 0)
        return rc;
    match_add(t, said.line);
    change->from = POLICY_HOLD;
    change->to = said.act;
    if (said.act == POLICY_YES) {
        t->counts.records_hour++;
        t->counts.records_day++;
        t->counts.bytes_hour += content->bytes;
        t->counts.bytes_day += content->bytes;
    }
    return 0;
}

static int ask_both(struct trying *t, const struct content *content, struct trial_tally *change, struct err *err)
{
    struct policy_verdict now, then;
    if (change->question == POLICY_ACCEPT && content->waits)
        return accept_waiting(t, content, change, err);
    int rc = ask(&t->now, &t->public_now, NULL, change->question, content, &now, err);
    if (rc == 0)
        rc = ask(&t->then, &t->public_then, NULL, change->question, content, &then, err);
    if (rc < 0)
        return rc;
    match_add(t, then.line);
    change->from = now.act;
    change->to = then.act;
    return 0;
}

/* ---- members that it is for ---- */

/* Its author gets it back without a rule. */
static bool leaves(const struct policy_verdict *said, bool is_author)
{
    return said->act == POLICY_YES || (said->line == 0 && is_author);
}

static int is_for(struct trying *t, const struct content *content, const char *origin, bool *ret, struct err *err)
{
    enum audience_verdict verdict;
    *ret = content->record->tlp == TLP_CLEAR;
    if (*ret)
        return 0;
    t->asked += AUDIENCE_COST;
    int rc = view_audience(t->view, span_str(origin), t->now.now_ms, span_str(content->log->origin), content->record,
                           &verdict, err);
    *ret = rc == 0 && audience_is_in(verdict);
    return rc;
}

/* Which way it changed for anybody: bit 0 they would get it, bit 1 no longer. */
static int ask_crowd(struct trying *t, const struct content *content, const struct crowd *crowd, unsigned *io,
                     struct err *err)
{
    struct policy_verdict now, then;
    t->asked += 2;
    int rc = ask(&t->now, &crowd->now, NULL, POLICY_SHARE, content, &now, err);
    if (rc == 0)
        rc = ask(&t->then, &crowd->then, NULL, POLICY_SHARE, content, &then, err);
    if (rc == 0 && content->record->tlp != TLP_CLEAR)
        match_add(t, then.line);
    if (rc < 0 || (now.act == then.act && (now.line == 0) == (then.line == 0)))
        return rc;
    for (size_t i = crowd->first; i < crowd->first + crowd->count; i++) {
        const char *origin = t->members[i].origin;
        bool is_author = strcmp(origin, content->log->origin) == 0, meant = false;
        bool before = leaves(&now, is_author), after = leaves(&then, is_author);
        if (before == after)
            continue;
        if ((rc = is_for(t, content, origin, &meant, err)) < 0)
            return rc;
        if (!meant)
            continue;
        struct trial_tally change = {.question = POLICY_SHARE,
                                     .from = before ? POLICY_YES : POLICY_REFUSE,
                                     .to = after ? POLICY_YES : POLICY_REFUSE,
                                     .to_members = true,
                                     .by = TRIAL_BY_VIEWER};
        snprintf(change.what, sizeof(change.what), "%s", origin);
        *io |= after ? 1u : 2u;
        if ((rc = tally_add(t->out, &change, err)) < 0)
            return rc;
    }
    return 0;
}

static int ask_members(struct trying *t, const struct content *content, bool *ret_changed, struct err *err)
{
    const struct record *record = content->record;
    unsigned ways = 0;
    int rc = 0;
    bool rules_only = record->tlp == TLP_CLEAR;
    if (content->log->role == LOG_LOCAL || content->waits ||
        (rules_only && !t->now.decides[POLICY_SHARE] && !t->then.decides[POLICY_SHARE]))
        return 0;
    if (t->asked > ASKED_MAX) {
        t->out->unasked++;
        return 0;
    }
    for (size_t i = 0; i < t->crowd_count && rc == 0; i++)
        rc = ask_crowd(t, content, &t->crowds[i], &ways, err);
    for (unsigned way = 1; way <= 2 && rc == 0; way++) {
        struct trial_tally change = {.question = POLICY_SHARE,
                                     .from = way == 1 ? POLICY_REFUSE : POLICY_YES,
                                     .to = way == 1 ? POLICY_YES : POLICY_REFUSE,
                                     .to_members = true};
        if (ways & way)
            rc = change_add(t->out, &change, content->log, record->lang, err);
    }
    *ret_changed |= ways != 0;
    return rc;
}

static int try_content(struct trying *t, const struct content *content, struct err *err)
{
    bool changed = false;
    int rc = 0;
    if (t->contents_max > 0 && t->out->looked == t->contents_max) {
        t->out->is_partial = true;
        return 0;
    }
    t->out->looked++;
    t->serial++;
    for (enum policy_question q = POLICY_ACCEPT; q < POLICY_QUESTIONS && rc == 0; q++) {
        struct trial_tally change = {.question = q};
        if (!is_asked(content, q))
            continue;
        rc = ask_both(t, content, &change, err);
        if (rc == 0 && change.from != change.to) {
            changed = true;
            rc = change_add(t->out, &change, content->log, content->record->lang, err);
        }
    }
    if (rc == 0)
        rc = ask_members(t, content, &changed, err);
    t->out->changed += changed;
    return rc;
}

/* ---- all contents ---- */

static int is_decided(struct trying *t, int64_t ref, bool *ret, struct err *err)
{
    struct decision decision;
    struct err none = {0};
    *ret = false;
    if (!t->has_decisions)
        return 0;
    int rc = decision_find(t->view->store, ref, &decision, &none);
    *ret = rc == 0;
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

/* One of these entries, if it says of itself that it is young enough. */
static int try_text(struct trying *t, const struct log_info *log, uint64_t index, struct span text, struct err *err)
{
    struct record record;
    struct err unread;
    arena_clear(&t->arena);
    if (record_parse(text, &t->arena, &record, &unread) < 0 || !record.has_time || record.time_ms < t->since_ms ||
        !view_admits(t->view, &record))
        return 0;
    struct content content = {.log = log, .record = &record, .bytes = text.len};
    int rc = is_decided(t, RECORD_REF(log->number, index), &content.is_decided, err);
    return rc < 0 ? rc : try_content(t, &content, err);
}

/* Contents of a log one after the other, as they stand on the disk: several times faster than record by record. */
static int try_contents(struct trying *t, const struct log_info *log, struct err *err)
{
    struct buf items;
    struct payload_item item;
    int rc = 0;
    buf_init(&items, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    for (uint64_t first = 0; rc == 0 && first < log->size && !t->out->is_partial;) {
        size_t count = log->size - first < PART ? (size_t)(log->size - first) : PART, covered = 0;
        buf_clear(&items);
        rc = payload_read_bundle(t->view->store, log->number, first, count, false, &items, &covered, err);
        struct payload_reader reader = {.bundle = buf_view(&items)};
        for (uint64_t index = first; rc == 0 && (rc = payload_next(&reader, &item, err)) > 0; index++)
            rc = item.hole ? 0 : try_text(t, log, index, item.payload, err);
        first += covered;
    }
    buf_done(&items);
    return rc;
}

/* What waits is a hole among them. */
static int try_held(struct trying *t, int64_t ref, struct buf *room, struct err *err)
{
    struct log_info log;
    struct record record;
    struct payload_item item;
    unsigned flags = 0;
    struct err gone = {0};
    buf_clear(room);
    arena_clear(&t->arena);
    int rc = store_log(t->view->store, RECORD_REF_LOG(ref), &log, err);
    if (rc < 0)
        return rc;
    rc = payload_read(t->view->store, log.number, RECORD_REF_INDEX(ref), room, &flags, &gone);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", gone.text);
    struct payload_reader reader = {.bundle = buf_view(room)};
    if ((rc = payload_next(&reader, &item, err)) <= 0)
        return rc;
    if (!(flags & SLOT_WAITING) || item.hole || record_parse(item.payload, &t->arena, &record, &gone) < 0)
        return 0;
    struct content content = {.log = &log, .record = &record, .bytes = item.payload.len, .waits = true};
    return try_content(t, &content, err);
}

static int try_waiting(struct trying *t, struct err *err)
{
    int64_t refs[256], after = INT64_MIN;
    struct buf room;
    size_t count;
    int rc;
    buf_init(&room, PAYLOAD_MAX + 65536);
    do {
        rc = verdict_refs(t->view->store, POLICY_HOLD, after, refs, 256, &count, err);
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = try_held(t, refs[i], &room, err);
        after = count > 0 ? refs[count - 1] : after;
    } while (rc == 0 && count == 256);
    buf_done(&room);
    return rc;
}

static int try_mirroring(struct trying *t, const struct log_info *log, struct err *err)
{
    struct trial_tally change = {.question = POLICY_MIRROR};
    struct policy_verdict now, then;
    struct judge_case about = {.question = POLICY_MIRROR, .log = log};
    if (log->role == LOG_OWN || log->role == LOG_LOCAL || log->followed)
        return 0;
    int rc = judge_decide(&t->now, &about, &now, err);
    if (rc == 0)
        rc = judge_decide(&t->then, &about, &then, err);
    if (rc < 0)
        return rc;
    t->serial++;
    match_add(t, then.line);
    change.from = now.act;
    change.to = then.act;
    if (now.act == then.act && now.recent == then.recent)
        return 0;
    return change_add(t->out, &change, log, (struct span){0}, err);
}

static int try_log(void *ctx, const struct log_info *log, struct err *err)
{
    int rc = try_mirroring(ctx, log, err);
    return rc < 0 || log->role == LOG_LISTED ? rc : try_contents(ctx, log, err);
}

static int by_change(const void *x, const void *y)
{
    const struct trial_tally *a = x, *b = y;
    if (!trial_same_change(a, b))
        return a->question != b->question       ? (a->question > b->question ? 1 : -1)
               : a->to_members != b->to_members ? (a->to_members ? 1 : -1)
               : a->from != b->from             ? (a->from > b->from ? 1 : -1)
                                                : (a->to > b->to ? 1 : -1);
    if (a->by != b->by)
        return a->by > b->by ? 1 : -1;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->what, b->what);
}

static int try_all(struct trying *t, struct err *err)
{
    policy_viewer(t->now.policy, NULL, &t->public_now);
    policy_viewer(t->then.policy, NULL, &t->public_then);
    int rc = store_logs(t->view->store, add_member, t, err);
    if (rc == 0)
        rc = make_crowds(t, err);
    if (rc == 0)
        rc = try_waiting(t, err);
    if (rc == 0)
        rc = store_logs(t->view->store, try_log, t, err);
    if (rc == 0 && t->out->tally_count > 1)
        qsort(t->out->tallies, t->out->tally_count, sizeof(*t->out->tallies), by_change);
    return rc;
}

static int count_matches(struct trying *t, const struct policy *policy, struct err *err)
{
    struct span text = policy_text(policy);
    size_t lines = 2;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    t->out->matched = calloc(lines, sizeof(*t->out->matched));
    t->stamp = calloc(lines, sizeof(*t->stamp));
    t->out->line_count = lines;
    return t->out->matched && t->stamp ? 0 : err_memory(err);
}

int trial_run(const struct view *view, const struct trial_options *options, struct trial *ret, struct err *err)
{
    struct trying t = {.view = view, .out = ret, .since_ms = options->since_ms, .contents_max = options->contents_max};
    *ret = (struct trial){0};
    int rc = judge_open(&t.now, view->store, options->now_ms, err);
    if (rc == 0)
        rc = judge_open_with(&t.then, view->store, options->policy, options->now_ms, err);
    if (rc < 0)
        return rc;
    arena_init(&t.arena, RECORD_ARENA_MAX);
    if (options->counts_matches)
        rc = count_matches(&t, options->policy, err);
    if (rc == 0)
        rc = decision_any(view->store, &t.has_decisions, err);
    if (rc == 0)
        rc = try_all(&t, err);
    free(t.stamp);
    arena_done(&t.arena);
    for (size_t i = 0; i < t.member_count; i++)
        free(t.members[i].origin);
    free(t.members);
    free(t.crowds);
    return rc;
}

void trial_free(struct trial *trial)
{
    free(trial->tallies);
    free(trial->matched);
}

const char *trial_act_words(const struct trial_tally *tally, enum policy_act act)
{
    static const char *const yes[POLICY_QUESTIONS] = {"", TR_MARK("accepted"), TR_MARK("shared with the public"),
                                                      TR_MARK("takes effect")};
    static const char *const no[POLICY_QUESTIONS] = {"", TR_MARK("refused"), TR_MARK("not shared"),
                                                     TR_MARK("takes no effect")};
    switch (act) {
    case POLICY_YES:
        return tally->to_members ? TR_MARK("shared with members") : yes[tally->question];
    case POLICY_HOLD:
        return TR_MARK("held");
    case POLICY_REFUSE:
        return no[tally->question];
    case POLICY_FULL:
        return TR_MARK("all contents");
    case POLICY_RECENT:
        return TR_MARK("recent contents");
    case POLICY_HEADS:
        return TR_MARK("no contents");
    case POLICY_LEAVE:
        return TR_MARK("not pulled");
    case POLICY_OPEN:
        break;
    }
    return TR_MARK("as it is set");
}
