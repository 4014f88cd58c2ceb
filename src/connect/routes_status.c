#include "connect/peering.h"
#include "connect/routes.h"
#include "http/page.h"

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
