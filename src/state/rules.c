#include "state/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/internal.h"
#include "state/lists.h"

#define TROUBLE "policy-trouble" /* fact: what is wrong with the file */
#define APPLIED "policy-applied" /* fact: number of the version that was applied to what waits */
#define AUTHORS 64               /* members whose rows of bits a handle keeps */
#define VIEWERS 16384            /* as viewers: 5 MB of a handle that makes previews */

struct member_row {
    int64_t log;
    uint64_t size;
    enum log_role role;
    struct policy_bits bits;
};

struct rules {
    struct rules_version version;
    struct policy *policy, *before;               /* whoever looks with the one before is done when the next comes */
    struct member_row authors[AUTHORS], *viewers; /* NULL until many are asked about; then VIEWERS rows */
    struct rules_groups groups;
};

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    if (rules->groups.done)
        rules->groups.done(rules->groups.ctx);
    policy_free(rules->before);
    policy_free(rules->policy);
    free(rules->viewers);
    free(rules);
}

/* ---- versions ---- */

static void read_version(sqlite3_stmt *stmt, struct rules_version *ret)
{
    ret->number = sqlite3_column_int64(stmt, 0);
    db_text(stmt, 1, ret->version, sizeof ret->version);
    ret->since_ms = sqlite3_column_int64(stmt, 2);
}

static void builtin_version(struct rules_version *ret)
{
    *ret = (struct rules_version){0};
    policy_version_of(span_str(policy_builtin), ret->version);
}

/* The last one, with its text if `out` is given. */
static int version_last(struct store *store, struct buf *out, struct rules_version *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT number, version, since_ms, text FROM policy_version ORDER BY number DESC LIMIT 1", "");
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        read_version(stmt, ret);
        if (out)
            buf_span(out, db_span(stmt, 3));
    }
    db_end(stmt);
    if (rc == 0) {
        builtin_version(ret);
        if (out)
            buf_str(out, policy_builtin);
    }
    return rc < 0 ? rc : out ? buf_check(out, "policy", err) : 0;
}

static int load(struct rules *rules, struct store *store, struct err *err)
{
    struct policy_errors *errors = malloc(sizeof *errors);
    struct policy *policy = NULL;
    struct buf text;
    if (!errors)
        return err_memory(err);
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = version_last(store, &text, &rules->version, err);
    /* It was read without errors when it came into force; the format of the language goes with that of the folder. */
    if (!rc && (rc = policy_parse(buf_view(&text), &policy, errors, err)) < 0)
        rc = err_in(err, "%s: policy %s", store->dir, rules->version.version);
    buf_done(&text);
    free(errors);
    if (rc)
        return rc;
    policy_free(rules->before);
    rules->before = rules->policy;
    rules->policy = policy;
    memset(rules->authors, 0, sizeof rules->authors);
    free(rules->viewers);
    rules->viewers = NULL;
    return 0;
}

int rules_policy(struct store *store, const struct policy **ret, struct rules_version *ret_version, struct err *err)
{
    int64_t last = 0;
    int rc = db_int(store, &last, err, "SELECT coalesce(max(number), 0) FROM policy_version", "");
    if (!rc && !store->rules && !(store->rules = calloc(1, sizeof *store->rules)))
        rc = err_memory(err);
    if (!rc && (!store->rules->policy || store->rules->version.number != last))
        rc = load(store->rules, store, err);
    if (rc)
        return rc;
    *ret = store->rules->policy;
    if (ret_version)
        *ret_version = store->rules->version;
    return 0;
}

int rules_versions(struct store *store, size_t max,
                   int (*each)(void *ctx, const struct rules_version *version, struct err *err), void *ctx,
                   struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT number, version, since_ms FROM policy_version ORDER BY number DESC LIMIT ?", "i",
                 (int64_t)max);
    if (!stmt)
        return err->code;
    struct rules_version version;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        read_version(stmt, &version);
        rc = each(ctx, &version, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

int rules_text(struct store *store, int64_t number, struct buf *out, struct rules_version *ret, struct err *err)
{
    if (number == 0) {
        builtin_version(ret);
        if (out)
            buf_str(out, policy_builtin);
        return out ? buf_check(out, "policy", err) : 0;
    }
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT number, version, since_ms, text FROM policy_version WHERE number = ?", "i", number);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        read_version(stmt, ret);
        if (out)
            buf_span(out, db_span(stmt, 3));
    }
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "%s: no policy version %lld", store->dir, (long long)number);
    return rc < 0 ? rc : out ? buf_check(out, "policy", err) : 0;
}

/* ---- the file ---- */

/* A regular file of ours; ERR_NOTFOUND if there is none. */
static int read_file(struct store *store, struct buf *out, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/policy.conf", store->dir) >= (int)sizeof path)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", store->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, ERR_NOTFOUND, "no policy.conf") : err_sys(err, "policy.conf");
    int rc = fstat(fd, &st) != 0 ? err_sys(err, "policy.conf") : 0;
    if (!rc && !S_ISREG(st.st_mode))
        rc = err_set(err, ERR_REFUSED, "policy.conf is no file");
    if (!rc && st.st_size > (off_t)POLICY_FILE_MAX)
        rc = err_set(err, ERR_LIMIT, "policy.conf: %lld bytes, at most %u allowed", (long long)st.st_size,
                     POLICY_FILE_MAX);
    while (!rc && !out->failed) { /* it may grow while it is read */
        uint8_t piece[65536];
        ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            rc = got < 0 ? err_sys(err, "policy.conf: read") : 0;
            break;
        }
        buf_add(out, piece, got > 0 ? (size_t)got : 0);
    }
    close(fd);
    return rc ? rc : buf_check(out, "policy.conf", err);
}

static int put_trouble(struct store *store, const char *text, struct err *err)
{
    struct buf known;
    buf_init(&known, 65536);
    int rc = rules_trouble(store, &known, err);
    bool same = !rc && span_is(buf_view(&known), text);
    buf_done(&known);
    if (rc || same || store->read_only)
        return rc;
    bool own = !store->writing;
    rc = own ? store_begin(store, err) : 0;
    if (!rc)
        rc = store_end(store, own, store_put(store, TROUBLE, span_str(text), err), err);
    return rc;
}

int rules_trouble(struct store *store, struct buf *out, struct err *err)
{
    struct err missing = {0};
    int rc = store_get(store, TROUBLE, out, &missing);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", missing.text);
}

/* Within a transaction. Two processes may have seen the same change. */
static int put_version(struct store *store, struct span text, const char *version, int64_t now_ms, bool *ret,
                       struct err *err)
{
    struct rules_version last;
    int rc = version_last(store, NULL, &last, err);
    *ret = !rc && strcmp(last.version, version) != 0;
    if (rc || !*ret)
        return rc;
    return db_run(store, err, "INSERT INTO policy_version(version, text, since_ms) VALUES(?, ?, ?)", "sbi", version,
                  text.data ? text : SPAN_LIT(""), now_ms);
}

/* File and lists as one text; `text` holds the file of `len` bytes. */
static int compose(struct store *store, struct buf *text, size_t len, char version[POLICY_VERSION_LEN + 1],
                   struct err *err)
{
    buf_cut(text, len);
    int rc = lists_sets(store, text, err);
    policy_version_of(buf_view(text), version);
    return rc;
}

/* The lists are read again once nobody else can change them. ERR_STATE: somebody did. */
static int put_composed(struct store *store, struct buf *text, size_t len, const char *version, int64_t now_ms,
                        bool *ret, struct err *err)
{
    char now[POLICY_VERSION_LEN + 1];
    int rc = compose(store, text, len, now, err);
    if (!rc && strcmp(now, version) != 0)
        rc = err_set(err, ERR_STATE, "lists were adopted meanwhile");
    return rc ? rc : put_version(store, buf_view(text), version, now_ms, ret, err);
}

static int adopt(struct store *store, struct buf *text, int64_t now_ms, struct policy_errors *errors, bool *ret,
                 struct err *err)
{
    struct rules_version last;
    struct policy *policy = NULL;
    char version[POLICY_VERSION_LEN + 1];
    size_t len = text->len;
    int rc = compose(store, text, len, version, err);
    if (!rc)
        rc = version_last(store, NULL, &last, err);
    if (rc || strcmp(last.version, version) == 0)
        return rc;
    rc = policy_parse(buf_view(text), &policy, errors, err);
    policy_free(policy);
    if (rc)
        return err_in(err, "policy.conf");
    if (store->read_only)
        return 0;
    bool own = !store->writing;
    rc = own ? store_begin(store, err) : 0;
    if (!rc)
        rc = store_end(store, own, put_composed(store, text, len, version, now_ms, ret, err), err);
    return rc;
}

int rules_adopt(struct store *store, int64_t now_ms, struct policy_errors *errors, bool *ret_changed, struct err *err)
{
    struct policy_errors *room = errors ? errors : malloc(sizeof *room);
    struct err found = {0}, kept = {0};
    struct buf text;
    *ret_changed = false;
    if (!room)
        return err_memory(err);
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = read_file(store, &text, &found);
    if (rc == ERR_NOTFOUND) {
        buf_str(&text, policy_builtin);
        rc = 0;
    }
    if (!rc)
        rc = adopt(store, &text, now_ms, room, ret_changed, &found);
    buf_done(&text);
    if (!errors)
        free(room);
    if (rc == ERR_MEMORY || rc == ERR_STATE) { /* nothing that the file is to blame for */
        *err = found;
        return rc;
    }
    int told = put_trouble(store, rc ? found.text : "", &kept);
    if (told || rc)
        *err = told ? kept : found;
    return told ? told : rc;
}

int rules_renew(struct store *store, int64_t now_ms, struct err *err)
{
    struct policy_errors *errors = malloc(sizeof *errors);
    struct rules_version last;
    struct buf text;
    bool changed = false;
    if (!errors)
        return err_memory(err);
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = version_last(store, &text, &last, err);
    buf_cut(&text, policy_file_part(buf_view(&text)).len);
    if (!rc)
        rc = adopt(store, &text, now_ms, errors, &changed, err);
    buf_done(&text);
    free(errors);
    return rc;
}

int rules_applied(struct store *store, bool *ret, struct err *err)
{
    struct rules_version last;
    struct err missing = {0};
    struct buf fact;
    uint64_t number = 0;
    buf_init(&fact, 64);
    int rc = version_last(store, NULL, &last, err);
    int got = rc ? rc : store_get(store, APPLIED, &fact, &missing);
    if (!rc && got && got != ERR_NOTFOUND)
        rc = err_set(err, got, "%s", missing.text);
    *ret =
        !rc && (last.number == 0 || (span_u64(buf_view(&fact), INT64_MAX, &number) && number == (uint64_t)last.number));
    buf_done(&fact);
    return rc;
}

int rules_set_applied(struct store *store, int64_t number, struct err *err)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)number);
    return store_put(store, APPLIED, span_str(text), err);
}

/* ---- members ---- */

void rules_set_groups(struct store *store, const struct rules_groups *groups)
{
    store->rules->groups = *groups;
}

const struct rules_groups *rules_groups(const struct store *store)
{
    return store->rules && store->rules->groups.in_group ? &store->rules->groups : NULL;
}

struct group_question {
    struct store *store;
    const struct rules_groups *groups;
    struct span member;
};

static bool ask_group(void *ctx, struct span group)
{
    const struct group_question *question = ctx;
    return question->groups->in_group(question->groups->ctx, question->store, group, question->member);
}

/* As author or as viewer. */
static int member_read(struct store *store, const struct policy *policy, const struct log_info *log, bool looks,
                       struct policy_bits *ret, struct err *err)
{
    struct arena arena;
    struct member member;
    struct err unknown = {0};
    struct policy_member facts = {.origin = span_str(log->origin),
                                  .is_self = log->role == LOG_OWN || log->role == LOG_LOCAL,
                                  .class = CLASS_UNKNOWN};
    struct group_question question = {store, rules_groups(store), facts.origin};
    if (policy_looks_at_groups(policy)) {
        if (!question.groups)
            return err_set(err, ERR_STATE, "policy: nobody here knows who is in a group");
        facts.in_group = ask_group;
        facts.ctx = &question;
    }
    bool reads = log->size > 0 && policy_looks_at_profile(policy, looks);
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = reads ? store_member(store, log->number, &arena, &member, &unknown) : ERR_NOTFOUND;
    if (rc == 0) {
        facts.class = member.profile.class;
        facts.jurisdiction = span_str(member.profile.jurisdiction);
        facts.sectors = &member.profile.sectors;
    }
    if (rc == ERR_IO || rc == ERR_MEMORY)
        *err = unknown;
    else
        rc = 0;
    if (rc == 0 && looks)
        policy_viewer(policy, &facts, ret);
    else if (rc == 0)
        policy_author(policy, &facts, ret);
    arena_done(&arena);
    return rc;
}

/* A row that is kept is good as long as the log has not grown. Groups change with others' logs: then none is kept. */
static struct member_row *row_kept(const struct policy *policy, struct member_row *rows, size_t count,
                                   const struct log_info *log)
{
    return rows && log->number > 0 && !policy_looks_at_groups(policy) ? &rows[(uint64_t)log->number % count] : NULL;
}

static int member_bits(struct store *store, const struct policy *policy, const struct log_info *log, bool looks,
                       struct member_row *row, struct policy_bits *ret, struct err *err)
{
    if (row && row->log == log->number && row->size == log->size && row->role == log->role) {
        *ret = row->bits;
        return 0;
    }
    int rc = member_read(store, policy, log, looks, ret, err);
    if (rc == 0 && row)
        *row = (struct member_row){log->number, log->size, log->role, *ret};
    return rc;
}

int rules_author(struct store *store, const struct policy *policy, const struct log_info *log, struct policy_bits *ret,
                 struct err *err)
{
    struct rules *rules = store->rules && store->rules->policy == policy ? store->rules : NULL;
    return member_bits(store, policy, log, false, row_kept(policy, rules ? rules->authors : NULL, AUTHORS, log), ret,
                       err);
}

int rules_viewer(struct store *store, const struct policy *policy, struct span origin, struct policy_bits *ret,
                 struct err *err)
{
    struct log_info log = {.role = LOG_LISTED};
    struct err unknown = {0};
    int rc = store_log_by_origin(store, origin, &log, &unknown);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", unknown.text);
    snprintf(log.origin, sizeof log.origin, "%.*s", SPAN_ARGS(origin));
    return member_read(store, policy, &log, true, ret, err);
}

int rules_viewer_log(struct store *store, const struct policy *policy, const struct log_info *log,
                     struct policy_bits *ret, struct err *err)
{
    struct rules *rules = store->rules && store->rules->policy == policy ? store->rules : NULL;
    if (rules && !rules->viewers && !(rules->viewers = calloc(VIEWERS, sizeof *rules->viewers)))
        return err_memory(err);
    return member_bits(store, policy, log, true, row_kept(policy, rules ? rules->viewers : NULL, VIEWERS, log), ret,
                       err);
}
