#include "moderation/trial.h"

#include <stdlib.h>

#include "moderation/trial_impl.h"

#define PART 256 /* entries whose contents are read at once */
#define RECORD_ARENA_MAX (64u << 20)

void trial_match(struct trying *t, unsigned line)
{
    if (t->out->matched && line > 0 && line < t->out->line_count && t->stamp[line] != t->serial) {
        t->stamp[line] = t->serial;
        t->out->matched[line]++;
    }
}

/* ---- one content ---- */

int trial_ask(const struct judge *judge, const struct policy_bits *looker, const struct policy_counts *counts,
              enum policy_question question, const struct content *content, struct policy_verdict *ret, struct err *err)
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
        rc = trial_ask(&t->then, NULL, &t->counts, POLICY_ACCEPT, content, &said, err);
    if (rc < 0)
        return rc;
    trial_match(t, said.line);
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
    int rc = trial_ask(&t->now, &t->public_now, NULL, change->question, content, &now, err);
    if (rc == 0)
        rc = trial_ask(&t->then, &t->public_then, NULL, change->question, content, &then, err);
    if (rc < 0)
        return rc;
    trial_match(t, then.line);
    change->from = now.act;
    change->to = then.act;
    return 0;
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
            rc = tally_add_content(t->out, &change, content->log, content->record->lang, err);
        }
    }
    if (rc == 0)
        rc = trial_members_ask(t, content, &changed, err);
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
    trial_match(t, then.line);
    change.from = now.act;
    change.to = then.act;
    if (now.act == then.act && now.recent == then.recent)
        return 0;
    return tally_add_content(t->out, &change, log, (struct span){0}, err);
}

static int try_log(void *ctx, const struct log_info *log, struct err *err)
{
    int rc = try_mirroring(ctx, log, err);
    return rc < 0 || log->role == LOG_LISTED ? rc : try_contents(ctx, log, err);
}

static int try_all(struct trying *t, struct err *err)
{
    policy_viewer(t->now.policy, NULL, &t->public_now);
    policy_viewer(t->then.policy, NULL, &t->public_then);
    int rc = trial_members_load(t, err);
    if (rc == 0)
        rc = try_waiting(t, err);
    if (rc == 0)
        rc = store_logs(t->view->store, try_log, t, err);
    if (rc == 0)
        tally_sort(t->out);
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
    trial_members_free(&t);
    return rc;
}

void trial_free(struct trial *trial)
{
    free(trial->tallies);
    free(trial->matched);
}
