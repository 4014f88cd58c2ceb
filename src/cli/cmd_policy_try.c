/* tongzhou policy try: what another policy would have done with the records of the last days. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/policy_file.h"
#include "index/judge.h"

#define DAY_MS INT64_C(86400000)
#define TALLY_MAX 4096 /* different changes, authors and languages that are told apart */
#define PART 256       /* entries whose contents are read at once */
#define NAMED_MAX 5    /* of them named in one line */

static const struct option options[] = {
    {"since", "T", "from when on: a date, an instant, or 30d (default 7d)", AT_MOST_ONCE},
    {0},
};

/* So many records of one author, or in one language, would be decided otherwise. */
struct tally {
    enum policy_question question;
    enum policy_act from, to;
    bool by_language;
    char what[ORIGIN_MAX + 1];
    uint64_t count;
};

struct trial {
    struct session *session;
    int64_t since_ms;
    struct judge now, then; /* the policy in force; the one that is tried */
    struct policy_bits public_now, public_then;
    struct tally *tallies;
    size_t tally_count;
    uint64_t looked, changed, cut;
};

static int tally_add(struct trial *t, const struct tally *change, struct err *err)
{
    for (size_t i = 0; i < t->tally_count; i++) {
        struct tally *known = &t->tallies[i];
        if (known->question == change->question && known->from == change->from && known->to == change->to &&
            known->by_language == change->by_language && strcmp(known->what, change->what) == 0) {
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

static int change_add(struct trial *t, struct tally *change, const struct log_info *log, struct span lang,
                      struct err *err)
{
    snprintf(change->what, sizeof(change->what), "%s", log->origin);
    change->by_language = false;
    int rc = tally_add(t, change, err);
    if (rc < 0 || lang.len == 0)
        return rc;
    snprintf(change->what, sizeof(change->what), "%.*s", (int)(lang.len < 64 ? lang.len : 64), (const char *)lang.data);
    change->by_language = true;
    return tally_add(t, change, err);
}

/* A content that is here. */
struct content {
    const struct log_info *log;
    const struct record *record;
    size_t bytes;
};

static int ask(const struct judge *judge, const struct policy_bits *looker, enum policy_question question,
               const struct content *content, enum policy_act *ret, struct err *err)
{
    struct policy_verdict verdict;
    struct judge_case about = {.question = question,
                               .log = content->log,
                               .record = content->record,
                               .bytes = content->bytes,
                               .viewer = looker};
    int rc = judge_decide(judge, &about, &verdict, err);
    *ret = verdict.act;
    return rc;
}

/* Is this question asked about this content at all? */
static bool is_asked(const struct content *content, enum policy_question question)
{
    if (question == POLICY_ACCEPT)
        return content->log->role != LOG_OWN && content->log->role != LOG_LOCAL;
    if (question == POLICY_SHARE)
        return content->log->role != LOG_LOCAL && content->record->tlp == TLP_CLEAR;
    return span_starts(content->record->kind, SPAN_LIT("security/"));
}

static int try_content(struct trial *t, const struct content *content, struct err *err)
{
    bool changed = false;
    t->looked++;
    for (enum policy_question q = POLICY_ACCEPT; q < POLICY_QUESTIONS; q++) {
        struct tally change = {.question = q};
        if (!is_asked(content, q))
            continue;
        int rc = ask(&t->now, &t->public_now, q, content, &change.from, err);
        if (rc == 0)
            rc = ask(&t->then, &t->public_then, q, content, &change.to, err);
        if (rc == 0 && change.from != change.to) {
            changed = true;
            rc = change_add(t, &change, content->log, content->record->lang, err);
        }
        if (rc < 0)
            return rc;
    }
    t->changed += changed;
    return 0;
}

/* One of these entries, if it says of itself that it is young enough. */
static int try_text(struct trial *t, const struct log_info *log, struct span text, struct err *err)
{
    struct record record;
    struct err unread;
    arena_clear(&t->session->arena);
    if (record_parse(text, &t->session->arena, &record, &unread) < 0 || !record.has_time ||
        record.time_ms < t->since_ms)
        return 0;
    struct content content = {log, &record, text.len};
    return try_content(t, &content, err);
}

/* Contents of a log one after the other, as they stand on the disk: several times faster than record by record. */
static int try_contents(struct trial *t, const struct log_info *log, struct err *err)
{
    struct buf items;
    struct payload_item item;
    int rc = 0;
    buf_init(&items, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    for (uint64_t first = 0; rc == 0 && first < log->size;) {
        size_t count = log->size - first < PART ? (size_t)(log->size - first) : PART, covered = 0;
        buf_clear(&items);
        rc = view_payloads(&t->session->view, log, first, count, &items, &covered, err);
        struct payload_reader reader = {.bundle = buf_view(&items)};
        while (rc == 0 && (rc = payload_next(&reader, &item, err)) > 0)
            rc = item.hole ? 0 : try_text(t, log, item.payload, err);
        first += covered;
    }
    buf_done(&items);
    return rc;
}

static int try_ref(struct trial *t, int64_t ref, struct err *err)
{
    struct view_record record;
    arena_clear(&t->session->arena);
    int rc = view_record_ref(&t->session->view, ref, &t->session->arena, &record, err);
    if (rc < 0 || !record.parsed)
        return rc;
    struct content content = {&record.log, &record.record, record.text.len};
    return try_content(t, &content, err);
}

/* What waits is a hole among them. */
static int try_waiting(struct trial *t, struct err *err)
{
    int64_t refs[256], after = INT64_MIN;
    size_t count;
    int rc;
    do {
        rc = verdict_refs(t->session->store, POLICY_HOLD, after, refs, 256, &count, err);
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = try_ref(t, refs[i], err);
        after = count > 0 ? refs[count - 1] : after;
    } while (rc == 0 && count == 256);
    return rc;
}

static int try_mirroring(struct trial *t, const struct log_info *log, struct err *err)
{
    struct tally change = {.question = POLICY_MIRROR};
    struct policy_verdict now, then;
    struct judge_case about = {.question = POLICY_MIRROR, .log = log};
    if (log->role == LOG_OWN || log->role == LOG_LOCAL || log->followed)
        return 0;
    int rc = judge_decide(&t->now, &about, &now, err);
    if (rc == 0)
        rc = judge_decide(&t->then, &about, &then, err);
    change.from = now.act;
    change.to = then.act;
    if (rc < 0 || (now.act == then.act && now.recent == then.recent))
        return rc;
    return change_add(t, &change, log, (struct span){0}, err);
}

static int try_log(void *ctx, const struct log_info *log, struct err *err)
{
    int rc = try_mirroring(ctx, log, err);
    return rc < 0 || log->role == LOG_LISTED ? rc : try_contents(ctx, log, err);
}

/* ---- telling ---- */

static const char *act_word(enum policy_question question, enum policy_act act)
{
    static const char *const yes[POLICY_QUESTIONS] = {"", "accepted", "shared with the public", "takes effect"};
    static const char *const no[POLICY_QUESTIONS] = {"", "refused", "not shared", "takes no effect"};
    switch (act) {
    case POLICY_YES:
        return yes[question];
    case POLICY_HOLD:
        return "held";
    case POLICY_REFUSE:
        return no[question];
    case POLICY_FULL:
        return "all contents";
    case POLICY_RECENT:
        return "recent contents";
    case POLICY_HEADS:
        return "no contents";
    case POLICY_LEAVE:
        return "not pulled";
    case POLICY_OPEN:
        break;
    }
    return "as it is set";
}

static bool same_change(const struct tally *a, const struct tally *b)
{
    return a->question == b->question && a->from == b->from && a->to == b->to;
}

static int by_change(const void *x, const void *y)
{
    const struct tally *a = x, *b = y;
    if (!same_change(a, b))
        return a->question != b->question ? (a->question > b->question ? 1 : -1)
               : a->from != b->from       ? (a->from > b->from ? 1 : -1)
                                          : (a->to > b->to ? 1 : -1);
    if (a->by_language != b->by_language)
        return a->by_language ? 1 : -1;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->what, b->what);
}

/* Authors, or languages, of one change: the largest ones by name. */
static void tell_who(const struct tally *first, size_t count)
{
    char name[ORIGIN_MAX + 1];
    for (size_t i = 0; i < count && i < NAMED_MAX; i++) {
        fputs(i > 0 ? ", " : " ", stdout);
        if (first[i].by_language)
            snprintf(name, sizeof(name), "%s", first[i].what);
        else
            origin_short(span_str(first[i].what), name);
        cli_put_text(stdout, span_str(name), ORIGIN_MAX);
        printf(" %llu", (unsigned long long)first[i].count);
    }
    if (count > NAMED_MAX)
        printf(" and %zu more", count - NAMED_MAX);
}

static void tell_change(const struct tally *first, size_t count)
{
    size_t authors = 0;
    uint64_t total = 0;
    for (; authors < count && !first[authors].by_language; authors++)
        total += first[authors].count;
    printf("%-8s ", policy_question_word(first->question));
    cli_put_count(stdout, total);
    printf(" %s -> %s: of", act_word(first->question, first->from), act_word(first->question, first->to));
    tell_who(first, authors);
    if (authors < count) {
        fputs("; languages", stdout);
        tell_who(first + authors, count - authors);
    }
    putchar('\n');
}

static void tell(struct trial *t)
{
    printf("version %s instead of %s: ", policy_version(t->then.policy), policy_version(t->now.policy));
    cli_put_counted(stdout, t->looked, "content", "contents");
    fputs(" looked at, ", stdout);
    cli_put_count(stdout, t->changed);
    puts(" decided otherwise");
    if (t->tally_count > 1)
        qsort(t->tallies, t->tally_count, sizeof(*t->tallies), by_change);
    for (size_t i = 0, end; i < t->tally_count; i = end) {
        for (end = i + 1; end < t->tally_count && same_change(&t->tallies[i], &t->tallies[end]);)
            end++;
        tell_change(&t->tallies[i], end - i);
    }
    if (t->cut > 0)
        puts("and more than can be told apart");
}

/* ---- the command ---- */

static int try_all(struct trial *t, struct err *err)
{
    policy_viewer(t->now.policy, NULL, &t->public_now);
    policy_viewer(t->then.policy, NULL, &t->public_then);
    int rc = try_waiting(t, err);
    return rc < 0 ? rc : store_logs(t->session->store, try_log, t, err);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct policy *policy = NULL;
    struct trial t = {.session = &session, .since_ms = cli_now_ms() - 7 * DAY_MS};
    const char *since = cli_option(inv, "since", NULL);
    if (since && !cli_time_ms(inv, since, &t.since_ms))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = policy_file_load(inv, inv->args[0], &policy);
    if (!status && judge_open(&t.now, session.store, cli_now_ms(), &inv->err))
        status = cli_fail(inv);
    if (!status && (judge_open_with(&t.then, session.store, policy, cli_now_ms(), &inv->err) || try_all(&t, &inv->err)))
        status = cli_fail(inv);
    if (!status)
        tell(&t);
    free(t.tallies);
    policy_free(policy);
    session_close(&session);
    return status;
}

const struct command cmd_policy_try = {
    .name = "policy try",
    .arguments = "FILE",
    .summary = "Tell what another policy would have decided about the records of the last week",
    .details =
        "Nothing is changed. For each decision that would be another: how many contents, of which authors, in which\n"
        "languages; and which logs would be mirrored otherwise. What was refused is not here and cannot be looked "
        "at.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
