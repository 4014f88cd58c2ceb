#include <pthread.h>

#include "connect/peering.h"
#include "connect/routes.h"
#include "connect/sync.h"
#include "http/page.h"
#include "http/server.h"
#include "sandbox/sandbox.h"

#define RECENT_MS INT64_C(300000) /* five minutes */

/* ---- /node and /healthz ---- */

int route_node(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct log_info operator_log;
    struct err missing = {0};
    int code = store_operator(view->store, &operator_log, &missing);
    if (code == ERR_NOTFOUND)
        return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("This node has no operator yet."));
    if (code < 0)
        return err_set(err, code, "%s", missing.text);
    reply->content_type = "application/json";
    reply->cache_control = "no-cache";
    return node_facts_write(span_str(operator_log.origin), &reply->body, err);
}

static int write_own(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    if (log->role == LOG_OWN)
        buf_fmt(ctx, "origin=%s\n", log->origin);
    return 0;
}

/* If this node answers for the domain that its member is called by, others can verify the name (connect/naming.h). */
int route_well_known(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    (void)request;
    reply->content_type = "text/plain; charset=utf-8";
    reply->cache_control = "no-cache";
    return view_logs(view, write_own, &reply->body, err);
}

int route_health(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    int64_t seq;
    char generation[17];
    (void)request;
    int code = store_seq(view->store, &seq, generation, err); /* the store can be read */
    reply->content_type = "text/plain; charset=utf-8";
    reply->cache_control = "no-store";
    buf_str(&reply->body, "ok\n");
    return code;
}

/*
 * ---- /metrics ----
 *
 * Anybody may read it. No number and no bytes of the payloads held: those that are not for everybody count among them,
 * and their seals do not tell their size.
 */

static pthread_mutex_t server_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct http_server *server_now;

void route_metrics_server(const struct http_server *server)
{
    pthread_mutex_lock(&server_lock);
    server_now = server;
    pthread_mutex_unlock(&server_lock);
}

struct figures {
    struct store *store;
    uint64_t logs, entries, behind, forked;
    uint64_t peers, reached, set_aside;
    uint64_t largest; /* announced of the log at hand */
    int64_t recent_ms;
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
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply->cache_control = "no-store";
    return buf_check(&reply->body, "metrics", err);
}
