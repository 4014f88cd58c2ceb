/* tongzhou status: are we in touch, and with what. */
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/parcels.h"
#include "node/serving.h"
#include "security/intel.h"
#include "state/peers.h"
#include "state/rules.h"
#include "state/tellers.h"

static const struct option options[] = {
    {"json", NULL, "as one JSON object", AT_MOST_ONCE},
    {0},
};

struct status {
    struct session *session;
    uint64_t logs, own, mirrored, listed, local, suspended, frozen, records, payloads, bytes, behind_logs, index_behind;
    uint64_t peers, reached, failing, set_aside;
    struct log_info operator;
    struct intel_counts intel;
    struct parcel_counts parcels;
    struct buf failures;  /* and remarks: a line each */
    struct buf peer_list; /* JSON objects */
    struct buf told_list; /* JSON objects */
    struct buf told_text; /* a line each that is not as it should be */
    uint64_t told, told_failing;
    struct buf trouble; /* with policy.conf */
    struct rules_version policy;
    uint64_t held, refused;
    char sandbox[SERVING_NOTE_MAX]; /* of the running node */
};

static int best_size(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    (void)peer;
    (void)err;
    uint64_t *best = ctx;
    *best = size > *best ? size : *best;
    return 0;
}

static int count_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct status *status = ctx;
    uint64_t best = 0;
    status->own += log->role == LOG_OWN;
    status->mirrored += log->role == LOG_MIRROR || log->role == LOG_MOVED;
    status->listed += log->role == LOG_LISTED;
    status->local += log->role == LOG_LOCAL;
    status->suspended += log->standing == STANDING_SUSPENDED;
    status->frozen += log->standing == STANDING_FROZEN;
    status->logs += log->role != LOG_LISTED;
    status->records += log->size;
    status->payloads += log->payloads;
    status->bytes += log->bytes;
    int rc = peer_log_each(status->session->store, log->number, best_size, &best, err);
    status->behind_logs += log->role != LOG_LISTED && log->standing == STANDING_GOOD && best > log->size;
    return rc;
}

static bool in_touch(const struct peer *peer)
{
    return peer->reached_ms != 0 && peer->failures == 0 && !peer->set_aside;
}

/* One object: whether it answers, when it did last, and what was wrong since. */
static void list_peer(struct buf *list, const struct peer *peer)
{
    char reached[WHEN_TEXT_LEN + 1];
    const char *state = peer->set_aside  ? "set aside"
                        : peer->failures ? "failing"
                        : in_touch(peer) ? "in touch"
                                         : "new";
    when_format(peer->reached_ms, reached);
    buf_str(list, list->len ? ",{\"url\":" : "{\"url\":");
    buf_json_string(list, span_str(peer->url));
    buf_fmt(list, ",\"state\":\"%s\",\"reached\":", state);
    if (peer->reached_ms)
        buf_json_string(list, span_str(reached));
    else
        buf_str(list, "null");
    buf_fmt(list, ",\"failures\":%u,\"reason\":", peer->failures);
    buf_json_string(list, span_str(peer->reason));
    buf_str(list, "}");
}

/* A line about a peer that is not as it should be. */
static void tell_peer(struct buf *out, const struct peer *peer)
{
    char reached[WHEN_TEXT_LEN + 1] = "it was added";
    if (peer->reached_ms)
        when_format(peer->reached_ms, reached);
    if (peer->set_aside)
        buf_fmt(out, "  %s: set aside: %s\n", peer->url, peer->reason);
    else if (peer->failures)
        buf_fmt(out, "  %s: not reached since %.19s: %s\n", peer->url, reached, peer->reason);
    else if (peer->reason[0])
        buf_fmt(out, "  %s: remark: %s\n", peer->url, peer->reason);
}

static int count_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct status *status = ctx;
    status->peers++;
    status->reached += in_touch(peer);
    status->set_aside += peer->set_aside;
    status->failing += peer->failures > 0 && !peer->set_aside;
    tell_peer(&status->failures, peer);
    list_peer(&status->peer_list, peer);
    int rc = buf_check(&status->failures, "peers", err);
    return rc ? rc : buf_check(&status->peer_list, "peers", err);
}

/* Who is told notices outside: without paths of addresses, where secrets use to stand. */
static int count_told(void *ctx, const struct teller *t, struct err *err)
{
    struct status *status = ctx;
    struct buf *list = &status->told_list;
    char shown[TELLER_SHOWN_MAX], done[WHEN_TEXT_LEN + 1];
    uint64_t waiting = 0;
    int rc = teller_waiting(status->session->store, t, &waiting, err);
    if (rc)
        return rc;
    status->told++;
    status->told_failing += t->failures > 0;
    teller_shown(t, shown);
    when_format(t->done_ms, done);
    if (t->failures)
        buf_fmt(&status->told_text, "  %s: %llu waiting, failed %u time%s: %s\n", shown, (unsigned long long)waiting,
                t->failures, t->failures == 1 ? "" : "s", t->reason);
    if (t->missed)
        buf_fmt(&status->told_text, "  %s: %llu notices had to go unsent\n", shown, (unsigned long long)t->missed);
    buf_fmt(list, "%s{\"number\":%lld,\"kind\":\"%s\",\"target\":", list->len ? "," : "", (long long)t->number,
            teller_kind_word(t->kind));
    buf_json_string(list, span_str(shown));
    buf_fmt(list,
            ",\"sent\":%llu,\"waiting\":%llu,\"missed\":%llu,\"failures\":%u,\"done\":", (unsigned long long)t->sent,
            (unsigned long long)waiting, (unsigned long long)t->missed, t->failures);
    buf_fmt(list, t->done_ms ? "\"%s\",\"reason\":" : "null,\"reason\":", done);
    buf_json_string(list, span_str(t->reason));
    buf_byte(list, '}');
    rc = buf_check(list, "told", err);
    return rc ? rc : buf_check(&status->told_text, "told", err);
}

static int gather_policy(struct status *status, struct err *err)
{
    const struct policy *policy;
    struct store *store = status->session->store;
    int rc = rules_policy(store, &policy, &status->policy, err);
    if (!rc)
        rc = rules_trouble(store, &status->trouble, err);
    if (!rc)
        rc = verdict_count(store, POLICY_HOLD, &status->held, err);
    return rc ? rc : verdict_count(store, POLICY_REFUSE, &status->refused, err);
}

static int gather(struct status *status, struct err *err)
{
    struct session *session = status->session;
    int rc = store_operator(session->store, &status->operator, err);
    if (!rc)
        rc = store_logs(session->store, count_log, status, err);
    if (!rc)
        rc = peer_each(session->store, count_peer, status, err);
    if (!rc)
        rc = teller_each(session->store, count_told, status, err);
    if (!rc)
        rc = gather_policy(status, err);
    if (!rc)
        rc = index_behind(session->index, session->store, &status->index_behind, err);
    if (!rc)
        rc = parcel_counts_get(session->store, &status->parcels, err);
    return rc ? rc : intel_counts(&session->view, &status->intel, err);
}

static void print_text(struct status *s, bool running)
{
    printf("%s\n", s->operator.origin);
    printf("  node       %s\n", running ? "running" : "not running (`tongzhou serve` starts it)");
    if (s->sandbox[0])
        printf("  sandbox    %s\n", s->sandbox);
    printf("  logs       %llu here: %llu own, %llu mirrored, %llu local; %llu only listed\n",
           (unsigned long long)s->logs, (unsigned long long)s->own, (unsigned long long)s->mirrored,
           (unsigned long long)s->local, (unsigned long long)s->listed);
    fputs("  holds      ", stdout);
    cli_put_counted(stdout, s->records, "entry, ", "entries, ");
    cli_put_counted(stdout, s->payloads, "content, ", "contents, ");
    cli_put_bytes(stdout, s->bytes);
    fputs("\n  knowledge  ", stdout);
    cli_put_counted(stdout, s->intel.objects, "STIX object, ", "STIX objects, ");
    cli_put_counted(stdout, s->intel.values, "indicator value\n", "indicator values\n");
    printf("  policy     %s", s->policy.number ? s->policy.version : "as built in");
    if (s->held || s->refused)
        printf(": %llu held, %llu refused", (unsigned long long)s->held, (unsigned long long)s->refused);
    putchar('\n');
    if (s->trouble.len > 0)
        printf("             %s; the policy in force stays\n", buf_cstr(&s->trouble));
    if (s->parcels.opened || s->parcels.refused || s->parcels.expired) {
        fputs("  parcels    ", stdout);
        cli_put_count(stdout, s->parcels.opened);
        fputs(" opened, ", stdout);
        cli_put_counted(stdout, s->parcels.kept, "content out of them; ", "contents out of them; ");
        printf("%llu refused, %llu expired\n", (unsigned long long)s->parcels.refused,
               (unsigned long long)s->parcels.expired);
    }
    printf("  peers      %llu: %llu in touch, %llu failing, %llu set aside\n", (unsigned long long)s->peers,
           (unsigned long long)s->reached, (unsigned long long)s->failing, (unsigned long long)s->set_aside);
    fputs(buf_cstr(&s->failures), stdout);
    if (s->told) {
        printf("  told       %llu outside, %llu failing\n", (unsigned long long)s->told,
               (unsigned long long)s->told_failing);
        fputs(buf_cstr(&s->told_text), stdout);
    }
    if (s->behind_logs)
        printf("  behind     %llu of the logs have entries elsewhere that are not here yet\n",
               (unsigned long long)s->behind_logs);
    if (s->frozen || s->suspended)
        printf("  forks      %llu logs frozen, %llu suspended: see `tongzhou members`\n", (unsigned long long)s->frozen,
               (unsigned long long)s->suspended);
}

static void print_json(struct status *s, bool running)
{
    struct buf origin;
    struct buf trouble, sandbox;
    buf_init(&sandbox, 4096);
    buf_init(&origin, 4096);
    buf_init(&trouble, 1u << 20);
    buf_json_string(&origin, span_str(s->operator.origin));
    buf_json_string(&sandbox, span_str(s->sandbox));
    buf_json_string(&trouble, buf_view(&s->trouble));
    printf(
        "{\"operator\":%s,\"running\":%s,\"logs\":%llu,\"own\":%llu,\"mirrored\":%llu,\"listed\":%llu,\"local\":%llu,"
        "\"entries\":%llu,\"payloads\":%llu,\"bytes\":%llu,\"stix_objects\":%llu,\"indicator_values\":%llu,"
        "\"peers\":%llu,\"peers_in_touch\":%llu,\"peers_failing\":%llu,\"peers_set_aside\":%llu,"
        "\"logs_behind\":%llu,\"index_behind\":%llu,\"frozen\":%llu,\"suspended\":%llu,\"policy\":\"%s\",\"policy_"
        "trouble\":%s,\"held\":%llu,\"refused\":%llu,\"parcels_opened\":%llu,\"parcels_kept\":%llu,"
        "\"parcels_refused\":%llu,\"parcels_expired\":%llu,\"sandbox\":%s,\"peer_list\":[%s],\"told\":[%s]}\n",
        buf_cstr(&origin), running ? "true" : "false", (unsigned long long)s->logs, (unsigned long long)s->own,
        (unsigned long long)s->mirrored, (unsigned long long)s->listed, (unsigned long long)s->local,
        (unsigned long long)s->records, (unsigned long long)s->payloads, (unsigned long long)s->bytes,
        (unsigned long long)s->intel.objects, (unsigned long long)s->intel.values, (unsigned long long)s->peers,
        (unsigned long long)s->reached, (unsigned long long)s->failing, (unsigned long long)s->set_aside,
        (unsigned long long)s->behind_logs, (unsigned long long)s->index_behind, (unsigned long long)s->frozen,
        (unsigned long long)s->suspended, s->policy.version, s->trouble.len ? buf_cstr(&trouble) : "null",
        (unsigned long long)s->held, (unsigned long long)s->refused, (unsigned long long)s->parcels.opened,
        (unsigned long long)s->parcels.kept, (unsigned long long)s->parcels.refused,
        (unsigned long long)s->parcels.expired, s->sandbox[0] ? buf_cstr(&sandbox) : "null", buf_cstr(&s->peer_list),
        buf_cstr(&s->told_list));
    buf_done(&origin);
    buf_done(&trouble);
    buf_done(&sandbox);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct status status = {.session = &session};
    buf_init(&status.failures, 16u << 20);
    buf_init(&status.peer_list, 16u << 20);
    buf_init(&status.told_list, 1u << 20);
    buf_init(&status.told_text, 1u << 20);
    buf_init(&status.trouble, 65536);
    int exit_status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!exit_status && gather(&status, &inv->err))
        exit_status = cli_fail(inv);
    if (!exit_status) {
        bool running = serving_is(inv->dir);
        if (running)
            serving_note(inv->dir, status.sandbox);
        if (cli_flag(inv, "json"))
            print_json(&status, running);
        else
            print_text(&status, running);
    }
    buf_done(&status.failures);
    buf_done(&status.peer_list);
    buf_done(&status.told_list);
    buf_done(&status.told_text);
    buf_done(&status.trouble);
    session_close(&session);
    return exit_status;
}

const struct command cmd_status = {
    .name = "status",
    .arguments = "",
    .summary = "Show whether we are in touch, what is here and what is missing",
    .options = options,
    .max_args = 0,
    .run = run,
};
