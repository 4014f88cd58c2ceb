#include "http/exchange.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "http/assets.h"
#include "http/fields.h"
#include "http/header.h"
#include "http/page.h"
#include "http/respond.h"
#include "http/router.h"
#include "http/stream.h"
#include "http/target.h"
#include "state/notices.h"

#define REQUEST_ARENA_MAX (128u << 20) /* bytes: a payload, its tree and what a page makes of them */
/* Payloads are read until they are more than a bundle; the one too many is cut off again. */
#define REPLY_BODY_MAX (PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + (1u << 20))

struct exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct watch_connection *socket;
    char *target;
    char method[8]; /* its beginning: those that addresses here take are shorter */
    struct arena arena;
    struct http_request request;
    const struct route *route;
    struct buf body;
    bool started, answered, is_stream, is_large;
    bool is_chunked;             /* where its body ends was said in many places: no other request behind it */
    bool is_checked;             /* who asks: once, for no signed request is taken twice */
    char origin[ORIGIN_MAX + 1]; /* who signed it; "": the public */
    struct http_visitor visitor; /* who is signed in otherwise */
    int64_t wait_until_ms;       /* of watch_now_ms; 0: it did not wait yet */
    struct watch_waiter waiter;
};

void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->server = cls;
    x->connection = connection;
    /* One byte more than allowed is enough to see that it is too much. */
    x->target = strndup(target, HTTP_URL_MAX + 1);
    arena_init(&x->arena, REQUEST_ARENA_MAX);
    buf_init(&x->body, HTTP_BODY_MAX);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->socket = info ? info->socket_context : NULL;
    return x;
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_server *server = cls;
    struct exchange *x = *state;
    *state = NULL;
    if (!x)
        return;
    watch_next_request(server->watch, x->socket);
    if (x->is_large)
        atomic_fetch_sub(&server->large_uploads, 1);
    if (x->is_stream)
        atomic_fetch_sub(&server->streams, 1);
    arena_done(&x->arena);
    buf_done(&x->body);
    free(x->target);
    free(x);
}

static unsigned headers_named(struct exchange *x, const char *name)
{
    return fields_count(x->connection, name);
}

static struct span header(struct exchange *x, const char *name)
{
    return fields_first(x->connection, name);
}

static enum MHD_Result send_reply(struct exchange *x, struct http_reply *reply)
{
    uint64_t sent = 0;
    reply->is_last = x->is_chunked;
    reply->is_secure = x->server->tls != NULL || x->visitor.is_secure;
    enum MHD_Result result = respond(x->connection, &x->request, reply, &sent);
    x->answered = true;
    atomic_fetch_add(&x->server->bytes_out, sent);
    return result;
}

static enum MHD_Result send_problem(struct exchange *x, int status, const char *title, const char *detail)
{
    struct http_reply reply = {.fd = -1};
    buf_init(&reply.body, REPLY_BODY_MAX);
    (void)http_problem(&x->request, &reply, status, title, detail);
    atomic_fetch_add(&x->server->refused, 1);
    return send_reply(x, &reply);
}

/* ---- who asks ---- */

struct field_search {
    struct span name;
    struct buf *out;
    bool found;
};

/* RFC 9421 section 2.1: lines of a field are joined, without white space around them. */
static enum MHD_Result join_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct field_search *search = cls;
    (void)kind;
    if (strlen(name) != search->name.len || strncasecmp(name, (const char *)search->name.data, search->name.len) != 0)
        return MHD_YES;
    if (search->found)
        buf_str(search->out, ", ");
    search->found = true;
    buf_span(search->out, span_trim(span_str(value ? value : "")));
    return MHD_YES;
}

static bool field_value(void *ctx, struct span name, struct buf *out)
{
    struct exchange *x = ctx;
    struct field_search search = {.name = name, .out = out};
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, join_field, &search);
    return search.found;
}

#define TELL_EACH_MS 100 /* between two lines about refused requests; what is between is counted */

static void tell_refused(struct exchange *x, enum signed_outcome outcome)
{
    struct http_server *server = x->server;
    int64_t now_ms = watch_now_ms(), told_ms = atomic_load(&server->told_ms);
    char line[ORIGIN_MAX + 128];
    if (!server->tell)
        return;
    if (now_ms - told_ms < TELL_EACH_MS || !atomic_compare_exchange_strong(&server->told_ms, &told_ms, now_ms)) {
        atomic_fetch_add(&server->untold, 1);
        return;
    }
    long long untold = (long long)atomic_exchange(&server->untold, 0);
    int len = snprintf(line, sizeof(line), "signed request refused: %s%s%s%s", signed_word(outcome),
                       x->origin[0] ? ", said to be by " : "", x->origin,
                       x->origin[0] && outcome == SIGNED_UNKNOWN ? ", whose log is not mirrored here" : "");
    if (untold > 0 && len > 0 && (size_t)len < sizeof(line))
        snprintf(line + len, sizeof(line) - (size_t)len, " (and %lld more)", untold);
    server->tell(server->tell_ctx, line);
}

static enum signed_outcome check_signature(struct exchange *x, struct store *store)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct span target = span_str(x->target);
    size_t mark = span_find(target, '?');
    struct signed_request request = {
        .message = {.method = span_str(x->method),
                    .path = span_sub(target, 0, mark),
                    .query = span_sub(target, mark + 1, target.len),
                    .has_query = mark < target.len,
                    .field = field_value,
                    .ctx = x},
        .input = header(x, "Signature-Input"),
        .signature = header(x, "Signature"),
        .host = header(x, MHD_HTTP_HEADER_HOST),
        .content_digest = header(x, "Content-Digest"),
        .to = header(x, "Tongzhou-To"),
        .body = x->request.body,
        .fd = info ? info->connect_fd : -1,
        .loopback = x->server->loopback,
        .now_ms = x->request.now_ms,
    };
    static const char *const once[] = {"Signature-Input", "Signature", "Content-Digest", "Tongzhou-To"};
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        if (headers_named(x, once[i]) > 1)
            return SIGNED_MALFORMED;
    return signed_check(x->server->signed_state, store, &request, x->origin);
}

/* False: the request is refused, and the reply says why. */
static bool identify(struct exchange *x, struct store *store, struct http_reply *reply)
{
    if (x->is_checked || headers_named(x, "Signature-Input") == 0)
        return true;
    x->is_checked = true;
    enum signed_outcome outcome = check_signature(x, store);
    atomic_fetch_add(&x->server->outcomes[outcome], 1);
    if (outcome == SIGNED_BY_MEMBER)
        return true;
    if (outcome != SIGNED_BY_NOBODY) {
        const char *title, *detail;
        int status = signed_status(outcome, &title, &detail);
        tell_refused(x, outcome);
        atomic_fetch_add(&x->server->refused, 1);
        (void)http_problem(&x->request, reply, status, title, detail);
        reply->is_signing = true;
        reply->sign_again = outcome == SIGNED_RESTARTED || outcome == SIGNED_REPLAYED;
    }
    x->origin[0] = '\0';
    return outcome == SIGNED_BY_NOBODY;
}

/* ---- who is signed in ---- */

static void other_end(struct exchange *x, char out[ADDRESS_MAX])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t len =
        address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    out[0] = '\0';
    if (address)
        (void)getnameinfo(address, len, out, ADDRESS_MAX, NULL, 0, NI_NUMERICHOST);
}

/*
 * False: the reply says why not. What is sent by a person's browser has to come from a form of ours, for its cookie comes
 * along whoever made it send something.
 */
static bool recognise(struct exchange *x, struct store *store, struct http_reply *reply)
{
    char address[ADDRESS_MAX];
    struct err err;
    const char *proxy = signing_proxy_header(x->server->signing);
    other_end(x, address);
    struct visitor_headers headers = {
        .address = address,
        .cookie = x->request.cookie,
        .authorization = header(x, MHD_HTTP_HEADER_AUTHORIZATION),
        .authorizations = headers_named(x, MHD_HTTP_HEADER_AUTHORIZATION),
        .forwarded_for = header(x, "X-Forwarded-For"),
        .forwarded_proto = header(x, "X-Forwarded-Proto"),
        .proxy_user = proxy ? header(x, proxy) : SPAN_LIT(""),
        .proxy_users = proxy ? headers_named(x, proxy) : 0,
    };
    int rc = visitor_find(x->server->signing, store, &headers, x->request.now_ms, &x->visitor, &err);
    x->request.visitor = &x->visitor;
    if (rc == 0 && x->request.method == HTTP_POST &&
        (x->visitor.how == VISITOR_SESSION || x->visitor.how == VISITOR_PROXY) && !visitor_form_fits(&x->request)) {
        (void)http_problem(&x->request, reply, 403, TR_MARK("Not allowed"),
                           TR_MARK("This form is too old, or not ours. Please go back, load the page again and send it "
                                   "once more."));
        return false;
    }
    if (rc == 0)
        return true;
    x->request.visitor = NULL;
    if (rc == ERR_VERIFY)
        (void)http_problem(&x->request, reply, 401, TR_MARK("Not allowed"),
                           TR_MARK("This token is none here: it has expired, was revoked, or never was."));
    else if (rc == ERR_SYNTAX)
        (void)http_problem(&x->request, reply, 400, TR_MARK("Not understood"),
                           TR_MARK("This request says twice who sends it."));
    else
        (void)http_problem(&x->request, reply, 503, TR_MARK("Not now"), TR_MARK("Please try again in a moment."));
    return false;
}

/* ---- a handler's turn ---- */

/* The text of an error may name files and stays here. */
static void error_reply(const struct http_request *request, struct http_reply *reply, int code)
{
    switch (code) {
    case ERR_NOTFOUND:
        (void)http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is nothing at this address."));
        break;
    case ERR_USAGE:
    case ERR_SYNTAX:
        (void)http_problem(request, reply, 400, TR_MARK("Not understood"),
                           TR_MARK("Something in this request does not have the form it should have."));
        break;
    case ERR_LIMIT:
        (void)http_problem(request, reply, 413, TR_MARK("Too much at once"),
                           TR_MARK("This is more than can be handled in one request."));
        break;
    case ERR_REFUSED:
        (void)http_problem(request, reply, 403, TR_MARK("Not allowed"), NULL);
        break;
    case ERR_STATE:
        (void)http_problem(request, reply, 503, TR_MARK("Not now"), TR_MARK("Please try again in a moment."));
        break;
    default:
        (void)http_problem(request, reply, 500, TR_MARK("Something went wrong here"),
                           TR_MARK("It was not your fault. The operator of this node finds the reason in its log."));
        break;
    }
}

int64_t exchange_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whom the outlet is for sees more than the public; elsewhere signature, cookie and token give nothing. */
static struct viewer viewer_of(const struct exchange *x)
{
    const struct viewer everybody = {.class = VIEWER_PUBLIC};
    struct viewer viewer = everybody;
    if (x->origin[0] != '\0')
        viewer = (struct viewer){.class = VIEWER_MEMBER, .origin = x->origin, .time_ms = x->request.now_ms};
    else if (x->visitor.how != VISITOR_NOBODY)
        viewer = (struct viewer){.class = VIEWER_USER,
                                 .name = x->visitor.user.name,
                                 .role = x->visitor.user.role,
                                 .scopes = x->visitor.scopes,
                                 .person = x->visitor.person,
                                 .guest = x->visitor.user.is_guest ? x->visitor.user.member : NULL,
                                 .time_ms = x->request.now_ms};
    return outlet_admits(x->route->outlet, &viewer) ? viewer : everybody;
}

static int answer(struct exchange *x, const struct pool_handle *handle, struct http_reply *reply, struct err *err)
{
    struct view view;
    struct viewer viewer = viewer_of(x);
    int rc = view_open(handle->store, handle->index, viewer, x->route->outlet, &view, err);
    if (rc == 0 && (x->visitor.how == VISITOR_SESSION || x->visitor.how == VISITOR_PROXY))
        rc = notice_unread(handle->store, x->visitor.user.number,
                           x->visitor.user.is_guest ? ROLE_NONE : x->visitor.user.role, &x->visitor.unread, err);
    if (rc == 0)
        rc = x->route->handler(&view, &x->request, reply, err);
    if (rc == 0 && viewer.class != VIEWER_PUBLIC) { /* for it alone: nothing between us keeps it or compares it */
        reply->cache_control = "private, no-store";
        reply->vary = viewer.class == VIEWER_MEMBER ? "Signature-Input" : "Cookie, Authorization";
        reply->etag[0] = '\0';
    }
    return rc;
}

static int call_handler(struct exchange *x, struct http_reply *reply, struct err *err)
{
    struct pool_handle *handle;
    int rc = pool_take(x->server->pool, &handle, err);
    if (rc < 0)
        return rc;
    bool for_people = outlet_table[x->route->outlet].users != ACTION_NONE && !asset_is_route(x->route);
    if (identify(x, handle->store, reply) &&
        (!for_people || x->origin[0] != '\0' || recognise(x, handle->store, reply)))
        rc = answer(x, handle, reply, err);
    pool_give(x->server->pool, handle);
    return rc;
}

/*
 * How much longer this request may wait. What changed may be nothing for it: then it waits on, for an answer that came
 * early and said nothing would tell that something came for others.
 */
static int64_t wait_left_ms(struct exchange *x, unsigned wait_s)
{
    unsigned seconds = wait_s < HTTP_WAIT_MAX_S ? wait_s : HTTP_WAIT_MAX_S;
    if (x->wait_until_ms == 0)
        x->wait_until_ms = watch_now_ms() + (int64_t)seconds * 1000;
    return x->wait_until_ms - watch_now_ms();
}

/* Ask the handler; wait and ask again if that is what it wants. False: the connection is suspended. */
static bool fill_reply(struct exchange *x, struct http_reply *reply)
{
    struct err err;
    for (;;) {
        *reply = (struct http_reply){.fd = -1};
        buf_init(&reply->body, REPLY_BODY_MAX);
        int rc = call_handler(x, reply, &err);
        if (rc == 0)
            rc = buf_check(&reply->body, "answer", &err);
        if (rc < 0) {
            respond_drop(reply);
            buf_init(&reply->body, REPLY_BODY_MAX);
            error_reply(&x->request, reply, rc);
            return true;
        }
        if (reply->wait_s == 0 || x->request.waited)
            return true;
        int64_t left_ms = wait_left_ms(x, reply->wait_s);
        x->waiter =
            (struct watch_waiter){.connection = x->connection, .seq = reply->wait_seq, .reached = reply->wait_reached};
        x->request.waited = left_ms <= 0;
        respond_drop(reply);
        if (left_ms > 0 && watch_wait(x->server->watch, &x->waiter, left_ms))
            return false; /* called again when the connection goes on: x is no longer ours */
        x->request.waited = true;
    }
}

/* ---- answers that go on and on ---- */

/* Still the same who asked? Its cookie, token or proxy is looked at anew; a member's signature was for once. */
static int look_again(void *ctx, const struct pool_handle *handle, struct view *ret, struct err *err)
{
    struct exchange *x = ctx;
    struct http_reply ignored = {.fd = -1};
    struct http_visitor before = x->visitor;
    bool still = true;
    x->request.now_ms = exchange_now_ms();
    if (x->origin[0] == '\0') {
        buf_init(&ignored.body, REPLY_BODY_MAX);
        still = recognise(x, handle->store, &ignored) && x->visitor.how == before.how &&
                x->visitor.user.number == before.user.number;
        respond_drop(&ignored);
        x->visitor = still ? x->visitor : before;
    }
    return still ? view_open(handle->store, handle->index, viewer_of(x), x->route->outlet, ret, err)
                 : err_set(err, ERR_REFUSED, "it is not who it was");
}

/* Half of the places are for those who are known. */
static bool take_place(struct exchange *x)
{
    bool is_public = viewer_of(x).class == VIEWER_PUBLIC;
    unsigned max = is_public ? x->server->streams_max / 2 : x->server->streams_max;
    x->is_stream = atomic_fetch_add(&x->server->streams, 1) < max;
    if (!x->is_stream)
        atomic_fetch_sub(&x->server->streams, 1);
    return x->is_stream;
}

static enum MHD_Result send_stream(struct exchange *x, struct http_reply *reply)
{
    if (!take_place(x)) {
        reply->stream.done(reply->stream.ctx);
        respond_drop(reply);
        return send_problem(x, 503, TR_MARK("Not now"), TR_MARK("Please try again in a moment."));
    }
    struct stream_options options = {.watch = x->server->watch,
                                     .pool = x->server->pool,
                                     .connection = x->connection,
                                     .source = reply->stream,
                                     .look = look_again,
                                     .ctx = x,
                                     .bytes_out = &x->server->bytes_out};
    struct MHD_Response *response = stream_response(&options);
    x->answered = true;
    if (response)
        return respond_stream(x->connection, &x->request, reply, response);
    respond_drop(reply);
    return MHD_NO;
}

static enum MHD_Result run(struct exchange *x)
{
    struct http_reply reply;
    x->request.body = buf_view(&x->body);
    x->request.now_ms = exchange_now_ms();
    if (!fill_reply(x, &reply))
        return MHD_YES;
    return reply.stream.more ? send_stream(x, &reply) : send_reply(x, &reply);
}

/* ---- what is checked before a body is read ---- */

/* A body that is not wanted, too long or, in sum with others, too much is refused unread. 0: it may come. */
static int check_body(struct exchange *x, const char *version, const char **ret_detail)
{
    uint64_t bytes;
    bool chunked;
    if (!fields_end_body(x->connection, version, &bytes, &chunked)) {
        *ret_detail = TR_MARK("It is not clear where the content of this request ends.");
        return 400;
    }
    if (x->request.method == HTTP_GET) {
        *ret_detail = TR_MARK("No content is expected with this request.");
        return bytes > 0 || chunked ? 400 : 0;
    }
    bool is_form = http_is_form(x->request.content_type);
    *ret_detail =
        is_form ? TR_MARK("This is more than a form can hold.") : TR_MARK("At most 64 MiB can be sent in one request.");
    if (bytes > (is_form ? HTTP_FORM_MAX : HTTP_BODY_MAX))
        return 413;
    if (!chunked && bytes < UPLOAD_LARGE)
        return 0;
    x->is_chunked = chunked;
    x->is_large = true;
    *ret_detail = TR_MARK("Please try again in a moment.");
    return atomic_fetch_add(&x->server->large_uploads, 1) < UPLOADS_LARGE_MAX ? 0 : 503;
}

static enum MHD_Result refuse_method(struct exchange *x, unsigned allowed)
{
    if (allowed == 0)
        return send_problem(x, 404, TR_MARK("Not found"), TR_MARK("There is nothing at this address."));
    struct http_reply reply = {.fd = -1};
    buf_init(&reply.body, REPLY_BODY_MAX);
    (void)http_problem(&x->request, &reply, 405, TR_MARK("Not possible here"),
                       TR_MARK("This address does not take this kind of request."));
    bool get = allowed & (1u << HTTP_GET), post = allowed & (1u << HTTP_POST);
    reply.allow = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
    atomic_fetch_add(&x->server->refused, 1);
    return send_reply(x, &reply);
}

/* False for a method that no address here takes; *ret is GET then, to find out which ones it does take. */
static bool read_method(const char *method, enum http_method *ret)
{
    *ret = strcmp(method, "POST") == 0 ? HTTP_POST : HTTP_GET;
    return *ret == HTTP_POST || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void read_headers(struct exchange *x)
{
    struct http_request *request = &x->request;
    request->content_type = header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->range = header(x, MHD_HTTP_HEADER_RANGE);
    request->if_range = header(x, MHD_HTTP_HEADER_IF_RANGE);
    request->if_none_match = header(x, MHD_HTTP_HEADER_IF_NONE_MATCH);
    request->prefer = header(x, "Prefer");
    request->accept = header(x, MHD_HTTP_HEADER_ACCEPT);
    request->accept_language = header(x, MHD_HTTP_HEADER_ACCEPT_LANGUAGE);
    request->cookie = header(x, MHD_HTTP_HEADER_COOKIE);
    request->last_event_id = header(x, "Last-Event-ID");
}

/*
 * A page of somebody else's whose name was made to point to this machine must not read what is served to it. Names that this
 * node says it is reached by are its own: those a web server in front passes on.
 */
static bool is_our_name(struct exchange *x, struct span host)
{
    struct pool_handle *handle;
    struct err err;
    if (!x->server->loopback || http_host_is_loopback(host))
        return true;
    if (pool_take(x->server->pool, &handle, &err) < 0)
        return false;
    bool is = signed_is_named(x->server->signed_state, handle->store, host, x->request.now_ms);
    pool_give(x->server->pool, handle);
    return is;
}

/* The request's line and headers are here. An answer given now refuses it before its body is read. */
static enum MHD_Result start(struct exchange *x, const char *method, const char *version)
{
    struct http_request *request = &x->request;
    struct err err;
    unsigned allowed = 0;
    request->arena = &x->arena;
    request->now_ms = exchange_now_ms();
    request->path = request->body = SPAN_LIT("");
    read_headers(x);
    bool method_known = read_method(method, &request->method);
    int rc = x->target ? http_target_parse(span_str(x->target), &x->arena, request, &err) : err_memory(&err);
    request->lang = http_language_choose(rc == 0 ? http_query(request, "lang") : SPAN_LIT(""), request->cookie,
                                         request->accept_language, &request->lang_explicit);
    struct span host = header(x, MHD_HTTP_HEADER_HOST);
    if (!is_our_name(x, host))
        return send_problem(x, 421, TR_MARK("Wrong name"),
                            TR_MARK("This node answers to the name localhost only, and to those of its endpoints."));
    if (rc == 0)
        rc = router_find(request, &x->route, &allowed, &err);
    if (rc == 0 &&
        (headers_named(x, MHD_HTTP_HEADER_HOST) > 1 || !fields_are_plain(x->connection))) /* RFC 9112 section 3.2 */
        rc = ERR_SYNTAX;
    if (rc < 0)
        return rc == ERR_LIMIT ? send_problem(x, 414, TR_MARK("Address too long"), NULL)
                               : send_problem(x, 400, TR_MARK("Not understood"),
                                              TR_MARK("This address does not have the form it should have."));
    if (!method_known || !x->route)
        return refuse_method(x, allowed);
    if (request->method == HTTP_POST &&
        !http_same_origin(host, header(x, MHD_HTTP_HEADER_ORIGIN), header(x, "Sec-Fetch-Site")))
        return send_problem(x, 403, TR_MARK("Not allowed"), TR_MARK("This form was sent by another site."));
    const char *detail;
    int status = check_body(x, version, &detail);
    if (status != 0)
        return send_problem(x, status,
                            status == 413   ? TR_MARK("Too large")
                            : status == 503 ? TR_MARK("Not now")
                                            : TR_MARK("Not understood"),
                            detail);
    watch_limit(x->server->watch, x->socket, request->method == HTTP_POST ? WATCH_BODY_MS : 0);
    return MHD_YES;
}

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_len, void **state)
{
    (void)connection;
    (void)url;
    struct http_server *server = cls;
    struct exchange *x = *state;
    if (!x)
        return MHD_NO;
    if (!x->started) {
        x->started = true;
        atomic_fetch_add(&server->requests, 1);
        snprintf(x->method, sizeof(x->method), "%.7s", method);
        return start(x, method, version);
    }
    if (*upload_len > 0) {
        if (!x->answered)
            buf_add(&x->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (x->answered)
        return MHD_YES;
    watch_limit(server->watch, x->socket, 0);
    if (x->body.failed == ERR_LIMIT)
        return send_problem(x, 413, TR_MARK("Too large"), TR_MARK("At most 64 MiB can be sent in one request."));
    if (x->body.failed)
        return send_problem(x, 503, TR_MARK("Not now"), TR_MARK("Please try again in a moment."));
    return run(x);
}
