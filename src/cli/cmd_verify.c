/* tongzhou verify: believe nothing, hash everything. */
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session.h"
#include "connect/verify.h"

static const struct option options[] = {
    {"entry", "FILE", "with a proof: the entry that it proves, as `show --entry` gives it", AT_MOST_ONCE},
    {0},
};

struct verifying {
    struct invocation *inv;
    struct session *session;
    struct progress progress;
    uint64_t logs, failed;
};

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *progress = ctx;
    progress->total = total;
    progress->one = "entry";
    progress->many = "entries";
    progress_at(progress, done, 0);
}

static int tell(struct verifying *v, int rc, const struct verify_result *result)
{
    progress_end(&v->progress);
    v->logs++;
    if (rc) {
        v->failed++;
        printf("FAILED  %s\n", v->inv->err.text);
        v->inv->err = (struct err){0};
        return rc == ERR_MEMORY ? rc : 0;
    }
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(result->origin), name);
    printf("ok      %s: ", name);
    cli_put_counted(stdout, result->entries, "entry, ", "entries, ");
    cli_put_counted(stdout, result->hashes, "hash, ", "hashes, ");
    cli_put_counted(stdout, result->payloads, "content, ", "contents, ");
    cli_put_counted(stdout, result->keys, "key, ", "keys, ");
    cli_put_counted(stdout, result->cosignatures, "cosignature", "cosignatures");
    if (result->cosigners_unknown)
        printf(" (and %u by members unknown here)", result->cosigners_unknown);
    putchar('\n');
    return 0;
}

static int verify_here(void *ctx, const struct log_info *log, struct err *err)
{
    struct verifying *v = ctx;
    struct verify_result result;
    struct verify_options verify_options = {.progress = on_progress, .ctx = &v->progress};
    (void)err;
    if (log->role == LOG_LISTED || log->size == 0)
        return v->inv->arg_count ? err_set(&v->inv->err, ERR_NOTFOUND, "%s: no entry of it is here", log->origin) : 0;
    progress_begin(&v->progress, "Verifying", 0);
    return tell(v, verify_log(v->session->store, log, &verify_options, &result, &v->inv->err), &result);
}

static int verify_there(void *ctx, const char *url, const char *origin, struct err *err)
{
    struct verifying *v = ctx;
    struct verify_result result;
    struct verify_options verify_options = {.progress = on_progress, .ctx = &v->progress};
    (void)err;
    (void)origin;
    progress_begin(&v->progress, "Verifying", 0);
    return tell(v, verify_url(v->session->store, url, &verify_options, &result, &v->inv->err), &result);
}

static int verify_address(struct verifying *v, const char *text)
{
    char url[1024];
    size_t len = strlen(text);
    if (len >= sizeof(url))
        return err_set(&v->inv->err, ERR_LIMIT, "address of %zu bytes, limit %zu", len, sizeof(url) - 1);
    memcpy(url, text, len + 1);
    while (len > 0 && url[len - 1] == '/')
        url[--len] = '\0';
    if (strstr(url, "/logs/"))
        return verify_there(v, url, "", &v->inv->err);
    int rc = verify_node_logs(url, verify_there, v, &v->inv->err);
    if (rc)
        return err_in(&v->inv->err, "%s", url);
    return v->logs ? 0 : err_set(&v->inv->err, ERR_NOTFOUND, "%s: serves no log", url);
}

static int verify_file(struct verifying *v, const char *path)
{
    struct verify_result result;
    struct buf proof, entry;
    uint64_t index;
    const char *entry_path = cli_option(v->inv, "entry", NULL);
    buf_init(&proof, 1u << 20);
    buf_init(&entry, ENTRY_MAX);
    int rc = input_slurp(path, 1u << 20, &proof, &v->inv->err);
    if (!rc)
        rc = input_slurp(entry_path, ENTRY_MAX, &entry, &v->inv->err);
    if (!rc)
        rc = verify_proof(v->session->store, buf_view(&proof), buf_view(&entry), &result, &index, &v->inv->err);
    if (!rc)
        printf("ok      entry %llu stands in %s at size %llu\n", (unsigned long long)index, result.origin,
               (unsigned long long)result.size);
    buf_done(&proof);
    buf_done(&entry);
    return rc;
}

static bool is_address(const char *what)
{
    return strncmp(what, "http://", 7) == 0 || strncmp(what, "https://", 8) == 0;
}

static bool is_file(const char *what)
{
    struct stat st;
    return strcmp(what, "-") == 0 || (stat(what, &st) == 0 && S_ISREG(st.st_mode));
}

static int verify(struct verifying *v)
{
    struct log_info log;
    const char *what = v->inv->arg_count ? v->inv->args[0] : NULL;
    if (!what)
        return view_logs(&v->session->view, verify_here, v, &v->inv->err);
    if (is_address(what))
        return verify_address(v, what);
    if (is_file(what))
        return verify_file(v, what);
    int rc = view_log_find(&v->session->view, span_str(what), &log, &v->inv->err);
    if (rc == ERR_NOTFOUND)
        return err_set(&v->inv->err, ERR_NOTFOUND,
                       "%s is no member here, no address (http://...) and no file: `tongzhou members` lists members",
                       what);
    return rc ? rc : verify_here(v, &log, &v->inv->err);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct verifying v = {.inv = inv, .session = &session};
    bool there = inv->arg_count && is_address(inv->args[0]), proof = inv->arg_count && !there && is_file(inv->args[0]);
    if (proof && !cli_option(inv, "entry", NULL))
        return cli_usage(inv, "%s: a proof is checked over an entry: give it with --entry FILE", inv->args[0]);
    if (!proof && cli_option(inv, "entry", NULL))
        return cli_usage(inv, "--entry belongs to a proof: name the file that `tongzhou show --proof` wrote");
    /* What others serve can be checked by anybody; only the keys of its cosigners are looked up here. */
    int status = session_open(inv, &session, there ? SESSION_ANY : 0, OUTLET_CLI_LOG);
    if (!status)
        status = verify(&v) ? cli_fail(inv) : v.failed ? EXIT_FAILED : EXIT_DONE;
    if (v.failed)
        cli_note("%llu of %llu %s not hold", (unsigned long long)v.failed, (unsigned long long)v.logs,
                 v.logs == 1 ? "log does" : "logs do");
    session_close(&session);
    return status;
}

const struct command cmd_verify = {
    .name = "verify",
    .arguments = "[MEMBER|URL|PROOF]",
    .summary = "Check logs from the first entry to the signature",
    .details =
        "Without an argument every log here; a MEMBER's; all logs that a node serves (http://host:port), or one\n"
        "of them (http://host:port/logs/HEX); or a proof file with --entry. Every entry is hashed, every hash\n"
        "compared, keys are followed from the first entry, contents are compared with their seals. A URL needs no\n"
        "node of one's own.\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
