#include "cli/session.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "connect/audiences.h"
#include "connect/entering.h"
#include "connect/parcels.h"
#include "connect/startcheck.h"
#include "moderation/ceded.h"
#include "sandbox/sandbox.h"
#include "security/intel.h"
#include "state/author.h"
#include "state/vault.h"

/* Every command writes at least its locks: said in words before SQLite says it in its own. */
static int check_folder(const char *dir, struct err *err)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return errno == ENOENT ? 0 : err_sys(err, "%s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is a file; a node is a folder", dir);
    if (access(dir, R_OK | W_OK | X_OK) == 0)
        return 0;
    if (errno == EROFS)
        return err_sys(err, "%s", dir);
    return err_set(err, ERR_REFUSED, "%s: you may not read and write it; it belongs to user %u: run this as that user",
                   dir, (unsigned)st.st_uid);
}

/* Text of what was erased may still stand in unused parts of the index. A running node sees to that by itself. */
static int scrub_if_due(struct session *session, struct err *err)
{
    bool due = false;
    struct err busy = {0};
    int rc = index_scrub_due(session->index, &due, err);
    if (rc || !due || start_check_noted(session->store))
        return rc;
    rc = index_scrub(session->index, &busy);
    if (rc && rc != ERR_STATE) {
        *err = busy;
        return rc;
    }
    return 0;
}

static int fold_new(struct session *session, struct err *err)
{
    struct progress progress;
    uint64_t behind = 0, folded = 1, done = 0;
    int rc = index_behind(session->index, session->store, &behind, err);
    progress_begin(&progress, "Indexing", behind);
    progress.one = "entry";
    progress.many = "entries";
    for (; !rc && folded > 0; done += folded) {
        rc = index_update(session->index, session->store, INDEX_ONE_BATCH, &folded, err);
        progress_at(&progress, done, 0);
    }
    progress_end(&progress);
    return rc;
}

static void tell_parcel(void *ctx, const char *line)
{
    (void)ctx;
    cli_note("%s", line);
}

/* What is encrypted to us; a key file that may not be read is said and keeps no command from its work. */
static int open_parcels(struct session *session, struct err *err)
{
    struct parcel_options options = {.now_ms = cli_now_ms(), .tell = tell_parcel};
    struct parcel_counts done;
    struct err closed = {0};
    int rc = parcels_tend(session->store, session->index, &options, &done, &closed);
    if (rc == ERR_IO || rc == ERR_MEMORY) {
        *err = closed;
        return rc;
    }
    if (rc)
        cli_note("parcels are not opened: %s", closed.text);
    return done.kept > 0 ? fold_new(session, err) : 0;
}

/* What others decide here by a power that was ceded to them. */
static int follow_cessions(struct session *session, struct err *err)
{
    uint64_t decided = 0;
    int rc = ceded_follow(session->store, session->index, cli_now_ms(), &decided, err);
    return rc || decided == 0 ? rc : fold_new(session, err);
}

static int fold(struct session *session, struct err *err)
{
    int rc = fold_new(session, err);
    if (!rc)
        rc = audiences_tend(session->store, session->index, false, err);
    if (!rc)
        rc = open_parcels(session, err);
    if (!rc)
        rc = follow_cessions(session, err);
    return rc ? rc : scrub_if_due(session, err);
}

void session_who(char *out, size_t size)
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(out, size, "%.120s", user->pw_name);
    else
        snprintf(out, size, "user %u", (unsigned)getuid());
}

int session_fold(struct invocation *inv, struct session *session)
{
    return fold(session, &inv->err) ? cli_fail(inv) : 0;
}

/* A policy.conf that was changed comes into force with the next command; one with errors is told of by `status`. */
static int adopt_policy(struct session *session, struct err *err)
{
    struct entering_report report;
    struct err wrong = {0};
    bool changed = false;
    int rc = rules_adopt(session->store, cli_now_ms(), NULL, &changed, &wrong);
    if (rc == ERR_MEMORY || rc == ERR_STATE) {
        *err = wrong;
        return rc;
    }
    return entering_follow_policy(session->store, cli_now_ms(), &report, err);
}

static int open_parts(struct invocation *inv, struct session *session, unsigned flags, enum outlet outlet)
{
    struct store_options options = {.create = (flags & SESSION_CREATE) != 0, .heal = (flags & SESSION_HEAL) != 0};
    int rc = check_folder(inv->dir, &inv->err);
    if (!rc)
        rc = store_open(inv->dir, &options, &session->store, &inv->err);
    if (rc == ERR_NOTFOUND && (flags & SESSION_ANY)) {
        inv->err = (struct err){0};
        return 0;
    }
    if (!rc && !options.heal)
        rc = adopt_policy(session, &inv->err);
    if (rc)
        return rc;
    if (flags & SESSION_SIGN) {
        rc = vault_open(inv->dir, &inv->err); /* asks before work begins, and while there is a terminal */
        if (rc)
            return rc;
        rc = start_check(session->store, cli_flag(inv, "alone"), &inv->err);
        if (rc)
            return rc;
    }
    if (flags & SESSION_INDEX) {
        rc = index_open(inv->dir, &session->index, &inv->err);
        if (rc)
            return rc;
        rc = fold(session, &inv->err);
        if (rc)
            return rc;
    }
    struct viewer viewer = {.class = (flags & SESSION_PUBLIC) ? VIEWER_PUBLIC : VIEWER_OPERATOR};
    return view_open(session->store, session->index, viewer, outlet, &session->view, &inv->err);
}

int session_open(struct invocation *inv, struct session *session, unsigned flags, enum outlet outlet)
{
    *session = (struct session){0};
    arena_init(&session->arena, 256u << 20);
    return open_parts(inv, session, flags, outlet) ? cli_fail(inv) : 0;
}

void session_close(struct session *session)
{
    if (session->index)
        index_close(session->index);
    if (session->store)
        store_close(session->store);
    arena_done(&session->arena);
}

int session_record(struct invocation *inv, struct session *session, const char *text, struct log_info *ret_log,
                   uint64_t *ret_index)
{
    const char *slash = strrchr(text, '/');
    if (!slash || slash == text || !span_u64(span_str(slash + 1), LOG_SIZE_MAX, ret_index))
        return cli_usage(inv, "%s: MEMBER/INDEX is needed, as `tongzhou log` shows it", text);
    struct span member = span_of(text, (size_t)(slash - text));
    if (view_log_find(&session->view, member, ret_log, &inv->err))
        return cli_fail(inv);
    if (*ret_index >= ret_log->size) {
        char name[ORIGIN_MAX + 1];
        origin_short(span_str(ret_log->origin), name);
        if (ret_log->size == 0)
            err_set(&inv->err, ERR_NOTFOUND, "%s: no entry of it is here", name);
        else
            err_set(&inv->err, ERR_NOTFOUND, "%s/%llu is not here: the highest index is %llu", name,
                    (unsigned long long)*ret_index, (unsigned long long)ret_log->size - 1);
        return cli_fail(inv);
    }
    return 0;
}

int session_author(struct invocation *inv, struct session *session, struct log_info *ret_log)
{
    const char *as = cli_option(inv, "as", NULL);
    int rc = as ? store_log_find(session->store, span_str(as), ret_log, &inv->err)
                : store_operator(session->store, ret_log, &inv->err);
    if (rc)
        return cli_fail(inv);
    if (ret_log->role != LOG_OWN && ret_log->role != LOG_LOCAL) {
        err_set(&inv->err, ERR_REFUSED, "%s does not live on this node: only its own node signs for it",
                ret_log->origin);
        return cli_fail(inv);
    }
    return 0;
}

static int find_local(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    if (log->role != LOG_LOCAL)
        return 0;
    *(struct log_info *)ctx = *log;
    return 1;
}

int session_local(struct invocation *inv, struct session *session, bool dry, struct log_info *ret_log)
{
    int rc = store_logs(session->store, find_local, ret_log, &inv->err);
    if (rc < 0)
        return cli_fail(inv);
    if (rc == 1)
        return 0;
    if (dry) {
        *ret_log = (struct log_info){.role = LOG_LOCAL, .origin = "local"};
        return 0;
    }
    struct author_new make = {.time_ms = cli_now_ms(), .role = LOG_LOCAL};
    snprintf(make.profile.name, sizeof(make.profile.name), "local");
    make.profile.class = CLASS_UNKNOWN;
    return author_create(session->store, &make, ret_log, &inv->err) ? cli_fail(inv) : 0;
}

int session_set(struct session *session, struct intel_set **ret, struct err *err)
{
    struct progress progress;
    struct intel_set_options options = {
        .store = session->store, .now_ms = cli_now_ms(), .progress = progress_part, .ctx = &progress};
    progress_begin(&progress, "Compiling", 0);
    progress.one = "value";
    progress.many = "values";
    int rc = intel_set_open(session->index, &options, ret, err);
    progress_end(&progress);
    return rc;
}

int session_forget(struct invocation *inv, struct session *session)
{
    struct intel_set *set;
    if (index_scrub(session->index, &inv->err) || session_set(session, &set, &inv->err))
        return cli_fail(inv);
    intel_set_close(set);
    return 0;
}

/* ---- progress ---- */

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
    *progress = (struct progress){.what = what, .total = total, .begun_ms = cli_now_ms()};
    progress->terminal = isatty(STDERR_FILENO) == 1;
}

static void put_bar(const struct progress *progress, double part)
{
    int width = 24, filled = (int)((double)width * part);
    fprintf(stderr, "\r\033[K%s ", progress->what);
    if (progress->total)
        fprintf(stderr, "[%.*s%.*s] %3d%% ", filled, "########################", width - filled,
                "........................", (int)(100.0 * part));
}

static void put_amount(const struct progress *progress, uint64_t amount)
{
    if (progress->one)
        cli_put_counted(stderr, amount, progress->one, progress->many);
    else
        cli_put_bytes(stderr, amount);
}

void progress_at(struct progress *progress, uint64_t done, uint64_t records)
{
    int64_t now = cli_now_ms(), spent = now - progress->begun_ms;
    if (!progress->terminal || spent < 1000 || now - progress->shown_ms < 200)
        return;
    progress->shown_ms = now;
    progress->shown = true;
    done = progress->total && done > progress->total ? progress->total : done;
    put_bar(progress, progress->total ? (double)done / (double)progress->total : 0);
    put_amount(progress, done);
    fputs(", ", stderr);
    if (records) {
        cli_put_counted(stderr, records, "record, ", "records, ");
        cli_put_count(stderr, records * 1000 / (uint64_t)spent);
    } else {
        put_amount(progress, done * 1000 / (uint64_t)spent);
    }
    fputs("/s", stderr);
    if (progress->total && done && done < progress->total)
        fprintf(stderr, ", %.0f s left", (double)spent / 1000.0 * (double)(progress->total - done) / (double)done);
    fflush(stderr);
}

void progress_part(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *progress = ctx;
    progress->total = total;
    progress_at(progress, done, 0);
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

int session_confine(struct invocation *inv, const char *const *files, size_t count)
{
    struct sandbox_options options = {
        .want = sandbox_want_default(), .dir = inv->dir, .read = files, .read_count = count};
    return sandbox_enter(&options, &inv->err) ? cli_fail(inv) : 0;
}
