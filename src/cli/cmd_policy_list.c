/* tongzhou policy held, refused: what waits for a person, and what was turned away. */
#include "base/json.h"
#include "base/utf8.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/entering.h"
#include "connect/mirroring.h"

#define LIST_PAGE 256

static const struct option options[] = {
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct listing {
    struct invocation *inv;
    struct session *session;
    bool json;
    uint64_t count;
};

static void put_version(struct listing *l, int64_t number, char out[POLICY_VERSION_LEN + 1])
{
    struct rules_version version = {0};
    struct err unknown;
    (void)rules_text(l->session->store, number, NULL, &version, &unknown);
    memcpy(out, version.version, sizeof(version.version));
}

static void put_json(const struct log_info *log, const struct verdict *v, const char *version)
{
    char time[WHEN_TEXT_LEN + 1];
    struct buf out;
    when_format(v->time_ms, time);
    buf_init(&out, 8192);
    buf_str(&out, "{\"origin\":");
    buf_json_string(&out, span_str(log->origin));
    buf_fmt(&out, ",\"index\":%llu,\"kind\":", (unsigned long long)RECORD_REF_INDEX(v->ref));
    buf_json_string(&out, span_str(v->kind));
    buf_fmt(&out, ",\"time\":\"%s\",\"line\":%u,\"version\":\"%s\",\"reason\":", time, v->line, version);
    buf_json_string(&out, span_str(v->reason));
    buf_str(&out, "}\n");
    fputs(buf_cstr(&out), stdout);
    buf_done(&out);
}

static void put_text(const struct log_info *log, const struct verdict *v, const char *version)
{
    char time[WHEN_TEXT_LEN + 1], name[ORIGIN_MAX + 1];
    when_format(v->time_ms, time);
    origin_short(span_str(log->origin), name);
    printf("%.19s  ", time);
    cli_put_text(stdout, span_str(name), ORIGIN_MAX);
    printf("/%llu  %s%s", (unsigned long long)RECORD_REF_INDEX(v->ref), v->kind, v->kind[0] ? "  " : "");
    if (v->line > 0)
        printf("line %u of %s", v->line, version);
    else
        fputs("no rule", stdout);
    if (v->reason[0]) {
        fputs(": ", stdout);
        cli_put_text(stdout, span_str(v->reason), POLICY_REASON_MAX);
    }
    putchar('\n');
}

static int put_one(struct listing *l, int64_t ref, struct err *err)
{
    struct log_info log;
    struct verdict verdict;
    char version[POLICY_VERSION_LEN + 1];
    int rc = store_log(l->session->store, RECORD_REF_LOG(ref), &log, err);
    if (rc == 0)
        rc = verdict_find(l->session->store, ref, &verdict, err);
    if (rc < 0)
        return rc;
    put_version(l, verdict.version, version);
    if (l->json)
        put_json(&log, &verdict, version);
    else
        put_text(&log, &verdict, version);
    l->count++;
    return 0;
}

static int put_all(struct listing *l, enum policy_act act, struct err *err)
{
    int64_t refs[LIST_PAGE], after = INT64_MIN;
    size_t count;
    int rc;
    do {
        rc = verdict_refs(l->session->store, act, after, refs, LIST_PAGE, &count, err);
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = put_one(l, refs[i], err);
        after = count > 0 ? refs[count - 1] : after;
    } while (rc == 0 && count == LIST_PAGE);
    return rc;
}

/* Logs of which nothing is even fetched. */
static int put_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct listing *l = ctx;
    struct policy_verdict said;
    char name[ORIGIN_MAX + 1];
    bool refused = false;
    int rc = mirroring_ask(l->session->store, log, &said, err);
    bool left = rc == 0 && said.act == POLICY_LEAVE;
    if (rc == 0 && !left && log->role != LOG_LISTED)
        rc = entering_refuses(l->session->store, log, &refused, &said, err);
    if (rc < 0 || (!refused && !left))
        return rc;
    l->count++;
    if (l->json) {
        struct buf out;
        buf_init(&out, 8192);
        buf_str(&out, "{\"origin\":");
        buf_json_string(&out, span_str(log->origin));
        buf_fmt(&out, ",\"mirrored\":%s,\"line\":%u,\"reason\":", left ? "false" : "true", said.line);
        buf_json_string(&out, said.reason);
        buf_str(&out, "}\n");
        fputs(buf_cstr(&out), stdout);
        buf_done(&out);
        return 0;
    }
    origin_short(span_str(log->origin), name);
    cli_put_text(stdout, span_str(name), ORIGIN_MAX);
    printf(": %s: line %u", left ? "its log is not pulled" : "none of its contents is fetched", said.line);
    if (said.reason.len > 0) {
        fputs(": ", stdout);
        cli_put_text(stdout, said.reason, POLICY_REASON_MAX);
    }
    putchar('\n');
    return 0;
}

static int run_list(struct invocation *inv, enum policy_act act, const char *nothing)
{
    struct session session;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    struct listing l = {.inv = inv, .session = &session, .json = cli_flag(inv, "json")};
    if (!status && act == POLICY_REFUSE && store_logs(session.store, put_log, &l, &inv->err))
        status = cli_fail(inv);
    if (!status && put_all(&l, act, &inv->err))
        status = cli_fail(inv);
    if (!status && l.count == 0 && !l.json)
        puts(nothing);
    session_close(&session);
    return status;
}

static int run_held(struct invocation *inv)
{
    return run_list(inv, POLICY_HOLD, "nothing waits");
}

static int run_refused(struct invocation *inv)
{
    return run_list(inv, POLICY_REFUSE, "nothing was refused");
}

const struct command cmd_policy_held = {
    .name = "policy held",
    .arguments = "",
    .summary = "List the contents that policy holds until a person decides",
    .details = "`tongzhou show` shows one; `policy release` and `policy refuse` decide.\n",
    .options = options,
    .max_args = 0,
    .run = run_held,
};

const struct command cmd_policy_refused = {
    .name = "policy refused",
    .arguments = "",
    .summary = "List what was turned away, by which rule, and whose contents are not fetched at all",
    .options = options,
    .max_args = 0,
    .run = run_refused,
};
