/*
 * /metrics. Anybody may read what stands there for everybody: no number and no bytes of the payloads held, since those that are
 * not for everybody count among them, and their seals do not tell their size. The rest is for whom the node's own people let
 * watch over it: a token with the scope "metrics".
 */
#include <pthread.h>
#include <sys/statvfs.h>
#include <time.h>

#include "connect/routes.h"
#include "connect/startcheck.h"
#include "connect/sync.h"
#include "http/page.h"
#include "http/server.h"
#include "sandbox/sandbox.h"
#include "state/peers.h"
#include "state/rules.h"
#include "state/tellers.h"

#define RECENT_MS INT64_C(300000) /* five minutes */

static pthread_mutex_t server_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct http_server *server_now;
static int64_t started_s;

void route_metrics_server(const struct http_server *server)
{
    pthread_mutex_lock(&server_lock);
    server_now = server;
    started_s = (int64_t)time(NULL);
    pthread_mutex_unlock(&server_lock);
}

struct figures {
    struct store *store;
    uint64_t logs, entries, behind, forked;
    uint64_t peers, reached, set_aside;
    uint64_t largest; /* announced of the log at hand */
    int64_t recent_ms, reached_ms;
    uint64_t feeds, failing;
};

static int figure_announced(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    struct figures *figures = ctx;
    (void)peer;
    (void)err;
    if (size > figures->largest)
        figures->largest = size;
    return 0;
}

static int figure_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct figures *figures = ctx;
    figures->logs++;
    figures->entries += log->size;
    figures->forked += log->standing != STANDING_GOOD;
    figures->largest = 0;
    int code = peer_log_each(figures->store, log->number, figure_announced, figures, err);
    figures->behind += log->standing == STANDING_GOOD && figures->largest > log->size;
    return code;
}

static int figure_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct figures *figures = ctx;
    (void)err;
    figures->peers++;
    figures->reached += peer->reached_ms >= figures->recent_ms;
    figures->set_aside += peer->set_aside;
    if (peer->reached_ms > figures->reached_ms)
        figures->reached_ms = peer->reached_ms;
    return 0;
}

static void metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    buf_fmt(out, "# HELP tongzhou_%s %s\n# TYPE tongzhou_%s %s\ntongzhou_%s %llu\n", name, help, name, type, name,
            (unsigned long long)value);
}

static void metrics_store(struct buf *out, const struct figures *figures)
{
    metric(out, "logs", "gauge", "Logs served here.", figures->logs);
    metric(out, "entries", "gauge", "Entries of these logs.", figures->entries);
    metric(out, "logs_behind", "gauge", "Logs of which a peer has announced more than is here.", figures->behind);
    metric(out, "logs_forked", "gauge", "Logs suspended or frozen.", figures->forked);
    metric(out, "peers", "gauge", "Peers configured.", figures->peers);
    metric(out, "peers_reached", "gauge", "Peers that answered within five minutes.", figures->reached);
    metric(out, "peers_set_aside", "gauge", "Peers not asked any more since they lied.", figures->set_aside);
    metric(out, "peers_last_reached_timestamp_seconds", "gauge", "When a peer answered last; 0 never.",
           (uint64_t)figures->reached_ms / 1000);
    metric(out, "may_sign", "gauge", "Whether the start check was passed: before, nothing is signed here.",
           start_check_noted(figures->store));
}

static void metrics_sync(struct buf *out)
{
    struct sync_report totals;
    sync_totals(&totals);
    metric(out, "sync_logs_total", "counter", "Times a log's head advanced by pulling.", totals.logs);
    metric(out, "sync_entries_total", "counter", "Entries pulled.", totals.entries);
    metric(out, "sync_payloads_total", "counter", "Payloads for everybody pulled.",
           totals.payloads - totals.restricted); /* this is for everybody, too */
    metric(out, "sync_bytes_in_total", "counter", "Bytes received from peers.", totals.bytes_in);
    metric(out, "sync_requests_total", "counter", "Requests made to peers.", totals.requests);
    metric(out, "sync_commits_total", "counter", "Commits of what was pulled.", totals.commits);
    metric(out, "sync_failures_total", "counter", "Failures of peers.", totals.failure_count);
    metric(out, "cosignatures_collected_total", "counter", "Cosignatures of others that were collected.",
           totals.collected);
    metric(out, "cosignatures_made_total", "counter", "Cosignatures made here.", totals.cosigned);
    metric(out, "forks_total", "counter", "Proofs of forks found or received.", totals.forks);
}

static void metrics_refused(struct buf *out, const struct http_server *server)
{
    const char *reason;
    uint64_t count;
    buf_str(out, "# HELP tongzhou_signed_refused_total Signed requests refused, by reason.\n"
                 "# TYPE tongzhou_signed_refused_total counter\n");
    for (size_t i = 0; http_server_refused(server, i, &reason, &count); i++)
        buf_fmt(out, "tongzhou_signed_refused_total{reason=\"%s\"} %llu\n", reason, (unsigned long long)count);
}

static void metrics_http(struct buf *out)
{
    struct http_counters counters;
    pthread_mutex_lock(&server_lock);
    bool has_server = server_now != NULL;
    if (has_server) {
        http_server_counters(server_now, &counters);
        metrics_refused(out, server_now);
    }
    pthread_mutex_unlock(&server_lock);
    if (!has_server)
        return;
    metric(out, "http_requests_total", "counter", "Requests answered.", counters.requests);
    metric(out, "http_bytes_out_total", "counter", "Bytes sent.", counters.bytes_out);
    metric(out, "http_refused_total", "counter", "Requests refused.", counters.refused);
    metric(out, "signed_requests_total", "counter", "Requests that a member has signed.", counters.signed_requests);
    metric(out, "http_waiting", "gauge", "Requests held until something changes.", counters.waiting);
    metric(out, "start_time_seconds", "gauge", "When this process began to serve.", (uint64_t)started_s);
    if (counters.certificate_ends_ms > 0)
        metric(out, "certificate_ends_timestamp_seconds", "gauge", "When the certificate shown expires.",
               (uint64_t)counters.certificate_ends_ms / 1000);
}

static void metrics_sandbox(struct buf *out)
{
    const struct sandbox_state *state = sandbox_state();
    buf_fmt(
        out,
        "# HELP tongzhou_sandbox Whether the kernel restricts this process, by part.\n# TYPE tongzhou_sandbox gauge\n"
        "tongzhou_sandbox{part=\"files\"} %d\ntongzhou_sandbox{part=\"ports\"} %d\n"
        "tongzhou_sandbox{part=\"signals\"} %d\ntongzhou_sandbox{part=\"calls\"} %d\n",
        state->files, state->ports, state->others, state->calls);
}

/* ---- for the node's own people ---- */

static int figure_feed(void *ctx, const struct feed *feed, struct err *err)
{
    struct figures *figures = ctx;
    (void)err;
    figures->feeds++;
    figures->failing += feed->failures > 0;
    return 0;
}

/* A figure of each who is told notices: its name, and how to say it of one. */
static const struct told_figure {
    const char *name, *type, *help;
} told_figures[] = {
    {"told_failures", "gauge", "Failures in a row of who is told notices."},
    {"told_waiting", "gauge", "Notices that wait for it."},
    {"told_missed_total", "counter", "Notices that had to go before it could be told."},
    {"told_notices_total", "counter", "Notices that it took."},
    {"told_last_success_timestamp_seconds", "gauge", "When it took something last; 0 never."},
};

struct told {
    struct store *store;
    struct buf *out;
    size_t figure;
};

static int figure_told(void *ctx, const struct teller *t, struct err *err)
{
    struct told *told = ctx;
    uint64_t waiting = 0;
    int code = told->figure == 1 ? teller_waiting(told->store, t, &waiting, err) : 0;
    const uint64_t values[] = {t->failures, waiting, t->missed, t->sent, (uint64_t)t->done_ms / 1000};
    buf_fmt(told->out, "tongzhou_%s{number=\"%lld\",kind=\"%s\"} %llu\n", told_figures[told->figure].name,
            (long long)t->number, teller_kind_word(t->kind), (unsigned long long)values[told->figure]);
    return code;
}

static int metrics_told(struct buf *out, struct store *store, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < sizeof(told_figures) / sizeof(*told_figures) && code == 0; i++) {
        struct told told = {store, out, i};
        buf_fmt(out, "# HELP tongzhou_%s %s\n# TYPE tongzhou_%s %s\n", told_figures[i].name, told_figures[i].help,
                told_figures[i].name, told_figures[i].type);
        code = teller_each(store, figure_told, &told, err);
    }
    return code;
}

static void metrics_disk(struct buf *out, const struct store *store)
{
    struct statvfs disk;
    if (statvfs(store_dir(store), &disk) != 0)
        return;
    metric(out, "disk_bytes", "gauge", "Size of the disk that the node's folder is on.",
           (uint64_t)disk.f_blocks * disk.f_frsize);
    metric(out, "disk_free_bytes", "gauge", "What the node may still use of it.",
           (uint64_t)disk.f_bavail * disk.f_frsize);
}

static void metrics_inner_http(struct buf *out)
{
    struct http_counters counters = {0};
    pthread_mutex_lock(&server_lock);
    if (server_now)
        http_server_counters(server_now, &counters);
    pthread_mutex_unlock(&server_lock);
    metric(out, "sign_in_failures_total", "counter", "Attempts to sign in that failed.", counters.sign_in_failures);
    metric(out, "restricted_given_total", "counter", "Contents that are not for everybody, given to members.",
           view_restricted_given());
}

static int metrics_inner(const struct view *view, struct figures *figures, int64_t now_ms, struct buf *out,
                         struct err *err)
{
    uint64_t held, refused, behind = 0;
    int code = verdict_count(view->store, POLICY_HOLD, &held, err);
    if (code == 0)
        code = verdict_count(view->store, POLICY_REFUSE, &refused, err);
    if (code == 0)
        code = feed_each(view->store, figure_feed, figures, err);
    if (code == 0 && view->index)
        code = index_behind(view->index, view->store, &behind, err);
    if (code < 0)
        return code;
    metric(out, "policy_held", "gauge", "Contents that wait for a person.", held);
    metric(out, "policy_refused", "gauge", "Contents that policy turned away.", refused);
    metric(out, "feeds", "gauge", "Feeds configured.", figures->feeds);
    metric(out, "feeds_failing", "gauge", "Feeds that failed when they were fetched last.", figures->failing);
    metric(out, "index_behind", "gauge", "Entries that the index has not looked at.", behind);
    metrics_disk(out, view->store);
    metrics_inner_http(out);
    for (size_t i = 0; code == 0 && view->index && capabilities[i]; i++)
        if (capabilities[i]->figures)
            code = capabilities[i]->figures(view, now_ms, out, err);
    return code == 0 ? metrics_told(out, view->store, err) : code;
}

int route_metrics(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err)
{
    struct figures figures = {.store = view->store, .recent_ms = request->now_ms - RECENT_MS};
    int code = view_logs(view, figure_log, &figures, err);
    if (code == 0)
        code = peer_each(view->store, figure_peer, &figures, err);
    if (code < 0)
        return code;
    metrics_store(&reply->body, &figures);
    metrics_sync(&reply->body);
    metrics_http(&reply->body);
    metrics_sandbox(&reply->body);
    if (view->viewer.class == VIEWER_USER) /* the outlet admits those who may watch */
        code = metrics_inner(view, &figures, request->now_ms, &reply->body, err);
    if (code < 0)
        return code;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply->cache_control = "no-store";
    return buf_check(&reply->body, "metrics", err);
}
