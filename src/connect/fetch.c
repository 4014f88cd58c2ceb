#include "connect/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/utf8.h"

#define FETCH_URL_MAX 2048
#define FETCH_IDLE_EASY 32 /* handles kept for the next request */

struct fetcher {
    CURLM *multi;
    struct fetch *first;
    size_t active;
    CURL *idle[FETCH_IDLE_EASY];
    size_t idle_count;
};

struct fetch {
    struct fetcher *fetcher;
    struct fetch *prev, *next;
    struct fetch_request request;
    char *url;
    CURL *easy;
    struct curl_slist *headers;
    struct fetch_reply reply;
    struct err err; /* set by the callbacks below when they end the transfer */
    size_t header_bytes;
    unsigned redirects;
    uint64_t body_bytes;
    bool is_encoded;
    bool has_header; /* to its end */
    int64_t started_ms;
    char detail[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void curl_prepare(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int fetch_ready(struct err *err)
{
    pthread_once(&curl_once, curl_prepare);
    return curl_ready == CURLE_OK ? 0 : err_set(err, ERR_NET, "HTTP client: %s", curl_easy_strerror(curl_ready));
}

int fetcher_new(struct fetcher **ret, struct err *err)
{
    int rc = fetch_ready(err);
    if (rc)
        return rc;
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    if (!fetcher)
        return err_memory(err);
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi) {
        free(fetcher);
        return err_memory(err);
    }
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)FETCH_CONNECTIONS_PER_HOST);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)FETCH_CONNECTIONS_MAX);
    *ret = fetcher;
    return 0;
}

void fetch_reply_done(struct fetch_reply *reply)
{
    buf_done(&reply->body);
}

static void fetch_free(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    if (fetch->prev)
        fetch->prev->next = fetch->next;
    else
        fetcher->first = fetch->next;
    if (fetch->next)
        fetch->next->prev = fetch->prev;
    fetcher->active--;
    curl_multi_remove_handle(fetcher->multi, fetch->easy);
    if (fetcher->idle_count < FETCH_IDLE_EASY) {
        curl_easy_reset(fetch->easy);
        fetcher->idle[fetcher->idle_count++] = fetch->easy;
    } else {
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->headers);
    fetch_reply_done(&fetch->reply);
    free(fetch->url);
    free(fetch);
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    /* fetch_free takes the first out of the list, which the analyzer does not see. */
    while (fetcher->first)
        fetch_free(fetcher->first); /* NOLINT(clang-analyzer-unix.Malloc) */
    while (fetcher->idle_count > 0)
        curl_easy_cleanup(fetcher->idle[--fetcher->idle_count]);
    curl_multi_cleanup(fetcher->multi);
    free(fetcher);
}

void fetch_cancel(struct fetch *fetch)
{
    fetch_free(fetch);
}

size_t fetcher_active(const struct fetcher *fetcher)
{
    return fetcher->active;
}

void fetcher_wake(struct fetcher *fetcher)
{
    curl_multi_wakeup(fetcher->multi);
}

/* ---- what the server sends ---- */

static bool header_is(struct span line, const char *name, struct span *ret_value)
{
    size_t len = strlen(name);
    if (line.len <= len || line.data[len] != ':' || strncasecmp((const char *)line.data, name, len) != 0)
        return false;
    *ret_value = span_trim(span_sub(line, len + 1, line.len));
    return true;
}

static void keep(char *out, size_t size, struct span value)
{
    size_t len = value.len < size ? value.len : 0; /* one too long is as good as none */
    memcpy(out, value.data, len);
    out[len] = '\0';
}

static void heard(struct fetch *fetch)
{
    fetch->reply.heard_ms = monotonic_ms();
    if (fetch->request.heard_ms)
        *fetch->request.heard_ms = fetch->reply.heard_ms;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch *fetch = ctx;
    struct fetch_reply *reply = &fetch->reply;
    struct span line = span_of(data, size * count), value;
    heard(fetch);
    fetch->header_bytes += line.len;
    if (fetch->header_bytes > FETCH_HEADERS_MAX) {
        err_set(&fetch->err, ERR_LIMIT, "header of the answer longer than %d bytes", FETCH_HEADERS_MAX);
        return 0;
    }
    uint64_t seconds;
    if (line.len > 5 && memcmp(line.data, "HTTP/", 5) == 0)
        fetch->has_header = false; /* of the answer that follows a redirect or 100 Continue */
    else if (span_trim(line).len == 0)
        fetch->has_header = true;
    if (header_is(line, "etag", &value))
        keep(reply->etag, sizeof(reply->etag), value);
    else if (header_is(line, "last-modified", &value))
        keep(reply->last_modified, sizeof(reply->last_modified), value);
    else if (header_is(line, "content-type", &value))
        keep(reply->content_type, sizeof(reply->content_type), value);
    else if (header_is(line, "content-range", &value))
        keep(reply->content_range, sizeof(reply->content_range), value);
    else if (header_is(line, "retry-after", &value) && span_u64(value, 86400, &seconds))
        reply->retry_after_s = (unsigned)seconds;
    else if (header_is(line, "content-encoding", &value) && !span_is(value, "identity"))
        fetch->is_encoded = true;
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch *fetch = ctx;
    struct span piece = span_of(data, size * count);
    long status = 0;
    heard(fetch);
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (fetch->is_encoded) {
        err_set(&fetch->err, ERR_REFUSED, "the answer is compressed though identity encoding was asked for");
        return 0;
    }
    fetch->body_bytes += piece.len;
    if (fetch->body_bytes > fetch->request.body_max) {
        err_set(&fetch->err, ERR_LIMIT, "answer longer than %zu bytes", fetch->request.body_max);
        return 0;
    }
    if (status != 200 && status != 206)
        return piece.len; /* an error's text: nobody reads it */
    if (fetch->request.sink)
        return fetch->request.sink(fetch->request.ctx, piece, &fetch->err) == 0 ? piece.len : 0;
    buf_span(&fetch->reply.body, piece);
    return buf_check(&fetch->reply.body, "answer", &fetch->err) == 0 ? piece.len : 0;
}

/* ---- starting ---- */

static bool scheme_known(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static void add_header(struct fetch *fetch, const char *line)
{
    struct curl_slist *list = curl_slist_append(fetch->headers, line);
    if (list)
        fetch->headers = list;
}

static void add_value(struct fetch *fetch, const char *name, const char *value)
{
    char line[1024];
    if (!value || *value == '\0' || strpbrk(value, "\r\n") != NULL)
        return;
    if (snprintf(line, sizeof(line), "%s: %s", name, value) < (int)sizeof(line))
        add_header(fetch, line);
}

static void set_headers(struct fetch *fetch)
{
    const struct fetch_request *request = &fetch->request;
    add_header(fetch, "Accept-Encoding: identity");
    add_value(fetch, "If-None-Match", request->if_none_match);
    add_value(fetch, "If-Modified-Since", request->if_modified_since);
    add_value(fetch, "Accept", request->accept);
    add_value(fetch, "Content-Type", request->post_type);
    add_value(fetch, "Content-Digest", request->content_digest);
    add_value(fetch, "Authorization", request->authorization);
    add_value(fetch, "Signature-Input", request->signature_input);
    add_value(fetch, "Signature", request->signature);
    add_value(fetch, "Tongzhou-To", request->signed_to);
    if (request->wait_s > 0) {
        char line[32];
        snprintf(line, sizeof(line), "wait=%u", request->wait_s);
        add_value(fetch, "Prefer", line);
    }
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
}

static void set_limits(struct fetch *fetch)
{
    const struct fetch_request *r = &fetch->request;
    long connect_ms = r->connect_timeout_ms ? (long)r->connect_timeout_ms : PEER_CONNECT_TIMEOUT_MS;
    long bps = r->low_speed_bps ? (long)r->low_speed_bps : PEER_LOW_SPEED_BPS;
    long seconds = r->low_speed_s ? (long)r->low_speed_s : PEER_LOW_SPEED_S;
    curl_easy_setopt(fetch->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(fetch->easy, CURLOPT_LOW_SPEED_LIMIT, bps);
    curl_easy_setopt(fetch->easy, CURLOPT_LOW_SPEED_TIME, seconds + (long)r->wait_s);
    curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
    if (r->has_range) {
        char range[48];
        if (r->range_to > 0)
            snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)r->range_from,
                     (unsigned long long)r->range_to);
        else
            snprintf(range, sizeof(range), "%llu-", (unsigned long long)r->range_from);
        curl_easy_setopt(fetch->easy, CURLOPT_RANGE, range);
    }
}

/* The address that is looked at is the one that is dialled: a name may have another one by then. */
static curl_socket_t open_far(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct fetch *fetch = ctx;
    (void)purpose;
    if (address_reach(&address->addr) < fetch->request.reach)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_easy(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    curl_easy_setopt(easy, CURLOPT_URL, fetch->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->detail);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tongzhou/" TONGZHOU_VERSION);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    if (fetch->request.ca.len > 0) {
        struct curl_blob ca = {
            .data = (void *)(uintptr_t)fetch->request.ca.data, .len = fetch->request.ca.len, .flags = CURL_BLOB_COPY};
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (fetch->request.reach > ADDRESS_NEAR) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_far);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* one that is open was not looked at */
    }
    if (fetch->request.post_type) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->request.post.len);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
                         fetch->request.post.len > 0 ? (const char *)fetch->request.post.data : "");
    }
    set_limits(fetch);
    set_headers(fetch);
}

static CURL *take_easy(struct fetcher *fetcher)
{
    if (fetcher->idle_count > 0)
        return fetcher->idle[--fetcher->idle_count];
    return curl_easy_init();
}

int fetch_start(struct fetcher *fetcher, const struct fetch_request *request, struct fetch **ret, struct err *err)
{
    if (!scheme_known(request->url) || strlen(request->url) > FETCH_URL_MAX)
        return err_set(err, ERR_USAGE, "address: expected http:// or https:// and at most %d bytes", FETCH_URL_MAX);
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (!fetch)
        return err_memory(err);
    fetch->fetcher = fetcher;
    fetch->request = *request;
    fetch->url = strdup(request->url);
    fetch->easy = take_easy(fetcher);
    buf_init(&fetch->reply.body, request->body_max);
    if (!fetch->url || !fetch->easy) {
        if (fetch->easy)
            curl_easy_cleanup(fetch->easy);
        free(fetch->url);
        free(fetch);
        return err_memory(err);
    }
    fetch->started_ms = monotonic_ms();
    set_easy(fetch);
    fetch->next = fetcher->first;
    if (fetch->next)
        fetch->next->prev = fetch;
    fetcher->first = fetch;
    fetcher->active++;
    CURLMcode code = curl_multi_add_handle(fetcher->multi, fetch->easy);
    if (code != CURLM_OK) {
        fetch_free(fetch);
        return err_set(err, ERR_NET, "HTTP client: %s", curl_multi_strerror(code));
    }
    if (ret)
        *ret = fetch;
    return 0;
}

/* ---- ending ---- */

static int net_error(struct fetch *fetch, CURLcode result)
{
    struct err *err = &fetch->reply.err;
    if (fetch->err.code != 0) {
        *err = fetch->err;
        return err->code;
    }
    if (result == CURLE_FILESIZE_EXCEEDED)
        return err_set(err, ERR_LIMIT, "answer longer than %zu bytes", fetch->request.body_max);
    char text[CURL_ERROR_SIZE * 2];
    const char *said = fetch->detail[0] ? fetch->detail : curl_easy_strerror(result);
    text_escape_into(text, sizeof(text), span_str(said));
    fetch->reply.is_slow = result == CURLE_OPERATION_TIMEDOUT;
    if (fetch->reply.is_slow)
        return err_set(err, ERR_NET, "too slow: %s", text);
    return err_set(err, ERR_NET, "%s", text);
}

/* Host and port of an address in lower case, by curl's own parser. */
static bool url_host(const char *url, char *out, size_t size)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool ok = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && strlen(host) < size;
    if (ok)
        memcpy(out, host, strlen(host) + 1);
    curl_free(host);
    curl_url_cleanup(parts);
    return ok;
}

static bool may_follow(const struct fetch *fetch, const char *to)
{
    char from_host[256], to_host[256];
    if (!fetch->request.redirects_same_host || fetch->redirects >= FETCH_REDIRECTS_MAX || !scheme_known(to))
        return false;
    if (strncmp(fetch->url, "https://", 8) == 0 && strncmp(to, "https://", 8) != 0)
        return false;
    return strlen(to) <= FETCH_URL_MAX && url_host(fetch->url, from_host, sizeof(from_host)) &&
           url_host(to, to_host, sizeof(to_host)) && strcasecmp(from_host, to_host) == 0;
}

/* A redirect: true if the request goes on elsewhere; else the reply has its error. */
static bool redirected(struct fetch *fetch)
{
    struct fetch_reply *reply = &fetch->reply;
    char *to = NULL, text[400];
    curl_easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &to);
    if (to && may_follow(fetch, to)) {
        char *url = strdup(to);
        if (url) {
            free(fetch->url);
            fetch->url = url;
            fetch->redirects++;
            fetch->body_bytes = 0;
            curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
            curl_easy_setopt(fetch->easy, CURLOPT_URL, fetch->url);
            return curl_multi_add_handle(fetch->fetcher->multi, fetch->easy) == CURLM_OK;
        }
    }
    text_escape_into(text, sizeof(text), span_str(to ? to : "nowhere"));
    reply->code =
        err_set(&reply->err, ERR_REFUSED, "status %d: a redirect to %s, which is not followed", reply->status, text);
    return false;
}

static void measure(struct fetch *fetch)
{
    curl_off_t body = 0;
    long header = 0, request = 0, status = 0;
    char *address = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &address);
    fetch->reply.reach = address_text_reach(address ? address : "");
    curl_easy_getinfo(fetch->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
    curl_easy_getinfo(fetch->easy, CURLINFO_HEADER_SIZE, &header);
    curl_easy_getinfo(fetch->easy, CURLINFO_REQUEST_SIZE, &request);
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    fetch->reply.bytes_in += (uint64_t)body + (uint64_t)header;
    fetch->reply.bytes_out += (uint64_t)request;
    fetch->reply.status = (int)status;
    fetch->reply.took_ms = monotonic_ms() - fetch->started_ms;
}

static void finish(struct fetch *fetch, CURLcode result)
{
    struct fetch_reply *reply = &fetch->reply;
    measure(fetch);
    if (result != CURLE_OK)
        reply->code = net_error(fetch, result);
    else if (!fetch->has_header) /* curl takes that for an answer without a body, which would be a lie */
        reply->code = err_set(&reply->err, ERR_NET, "the connection ended within the header of the answer");
    else if (reply->status >= 300 && reply->status < 400 && reply->status != 304 && redirected(fetch))
        return;
    if (fetch->request.done)
        fetch->request.done(fetch->request.ctx, reply);
    fetch_free(fetch);
}

uint64_t fetch_came(const struct fetch *fetch)
{
    return fetch->body_bytes;
}

void fetch_break(struct fetch *fetch, struct fetch_reply *ret)
{
    measure(fetch);
    *ret = fetch->reply;
    ret->code = err_set(&ret->err, ERR_NET, "ended before all had come");
    buf_init(&fetch->reply.body, 0);
    fetch_free(fetch);
}

int fetcher_run(struct fetcher *fetcher, unsigned timeout_ms, struct err *err)
{
    int running = 0, left = 0;
    CURLMcode code = curl_multi_perform(fetcher->multi, &running);
    CURLMsg *message = curl_multi_info_read(fetcher->multi, &left);
    if (code == CURLM_OK && !message && timeout_ms > 0) {
        code = curl_multi_poll(fetcher->multi, NULL, 0, (int)timeout_ms, NULL);
        if (code == CURLM_OK)
            code = curl_multi_perform(fetcher->multi, &running);
        message = curl_multi_info_read(fetcher->multi, &left);
    }
    if (code != CURLM_OK)
        return err_set(err, ERR_NET, "HTTP client: %s", curl_multi_strerror(code));
    for (; message; message = curl_multi_info_read(fetcher->multi, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        struct fetch *fetch = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        finish(fetch, result);
    }
    return 0;
}

/* ---- one request ---- */

struct once {
    struct fetch_request request;
    struct fetch_reply *ret;
    bool is_done;
};

static int once_sink(void *ctx, struct span piece, struct err *err)
{
    struct once *once = ctx;
    return once->request.sink(once->request.ctx, piece, err);
}

static void once_done(void *ctx, struct fetch_reply *reply)
{
    struct once *once = ctx;
    *once->ret = *reply;
    buf_init(&reply->body, 0);
    once->is_done = true;
}

int fetch_once(const struct fetch_request *request, struct fetch_reply *ret, struct err *err)
{
    struct once once = {*request, ret, false};
    struct fetch_request inner = *request;
    struct fetcher *fetcher;
    *ret = (struct fetch_reply){0};
    buf_init(&ret->body, 0);
    int code = fetcher_new(&fetcher, err);
    if (code < 0)
        return code;
    inner.ctx = &once;
    inner.done = once_done;
    if (inner.sink)
        inner.sink = once_sink;
    code = fetch_start(fetcher, &inner, NULL, err);
    while (code == 0 && !once.is_done)
        code = fetcher_run(fetcher, 1000, err);
    fetcher_free(fetcher);
    if (code < 0)
        return code;
    return ret->code < 0 ? err_set(err, ret->code, "%s", ret->err.text) : 0;
}
