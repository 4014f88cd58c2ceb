#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/exchange.h"
#include "http/tls.h"

#define CONNECTIONS_DEFAULT 512
#define THREADS_MAX 4
#define CONNECTION_MEMORY (32u * 1024) /* bytes for a request's line and headers: four times HTTP_URL_MAX */
#define IDLE_S 30                      /* seconds without a byte in either direction */
#define REQUEST_MS 30000               /* for a request's line and headers, whatever trickles in */
#define BACKLOG 512

/* ---- where to listen ---- */

/* "host:port" or "[v6]:port" into its two halves. */
static int split_listen(const char *listen, char *host, size_t host_size, char *port, size_t port_size, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    bool bracketed = listen[0] == '[' && colon && colon > listen + 1 && colon[-1] == ']';
    const char *from = bracketed ? listen + 1 : listen;
    size_t len = colon ? (size_t)(colon - from) - (bracketed ? 1 : 0) : 0;
    uint64_t number;
    if (!colon || len == 0 || len >= host_size || (!bracketed && memchr(listen, ':', len)) ||
        !span_u64(span_str(colon + 1), 65535, &number))
        return err_set(err, ERR_USAGE, "listen \"%s\": expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080",
                       listen);
    memcpy(host, from, len);
    host[len] = '\0';
    snprintf(port, port_size, "%u", (unsigned)number);
    return 0;
}

static int bind_first(const struct addrinfo *found, const char *listen_at, struct err *err)
{
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
    if (fd < 0)
        return err_sys(err, "listen %s", listen_at);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (found->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int rc = errno == EADDRINUSE
                 ? err_set(err, ERR_EXISTS, "listen %s: the port is taken; choose another with --listen", listen_at)
                 : err_sys(err, "listen %s", listen_at);
    close(fd);
    return rc;
}

static int open_socket(const char *listen_at, struct err *err)
{
    char host[128], port[8];
    int rc = split_listen(listen_at, host, sizeof(host), port, sizeof(port), err);
    if (rc < 0)
        return rc;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0)
        return err_set(err, ERR_USAGE, "listen %s: %s", listen_at, gai_strerror(failed));
    int fd = bind_first(found, listen_at, err);
    freeaddrinfo(found);
    return fd;
}

/* What the socket is really bound to: port 0 became a port. */
static int describe_socket(struct http_server *server, int fd, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[64], port[8];
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return err_sys(err, "listen");
    bool v6 = address.ss_family == AF_INET6;
    snprintf(server->url, sizeof(server->url), v6 ? "http%s://[%s]:%s" : "http%s://%s:%s", server->tls ? "s" : "", host,
             port);
    server->loopback = v6 ? strcmp(host, "::1") == 0 : strncmp(host, "127.", 4) == 0;
    return 0;
}

/* ---- the daemon ---- */

/* Paths are decoded by http/target.c, strictly; libmicrohttpd shall leave them as they were sent. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void quiet(void *cls, const char *fmt, va_list args)
{
    (void)cls;
    (void)fmt;
    (void)args;
}

static void notify_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        watch_closed(server->watch, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = info ? watch_connected(server->watch, info->connect_fd) : NULL;
}

static int start_daemon(struct http_server *server, int fd, unsigned threads, unsigned connections, struct err *err)
{
    /* Many clients behind one address (a relay, a proxy) are welcome, but not all places at once. */
    unsigned per_address = server->loopback ? connections : (connections + 3) / 4;
    static char priorities[] = TLS_PRIORITIES;
    struct MHD_OptionItem with_tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)tls_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    server->daemon = MHD_start_daemon(
        server->tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, exchange_access, server, MHD_OPTION_EXTERNAL_LOGGER,
        quiet, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, server,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, server, MHD_OPTION_NOTIFY_CONNECTION, notify_connection,
        server, MHD_OPTION_ARRAY, server->tls ? with_tls : with_tls + 2, MHD_OPTION_END);
    return server->daemon ? 0 : err_set(err, ERR_STATE, "%s: the HTTP server does not start", server->url);
}

static unsigned choose_threads(unsigned asked)
{
    if (asked > 0)
        return asked;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    /* Two at least: one may be busy with a password (http/visitor.h). */
    return cores < 2 ? 2 : cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

int http_server_start(const struct http_options *options, struct http_server **ret, struct err *err)
{
    unsigned threads = choose_threads(options->threads);
    unsigned connections = options->connections ? options->connections : CONNECTIONS_DEFAULT;
    if (connections < threads)
        connections = threads;
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return err_memory(err);
    int fd = open_socket(options->listen, err);
    int rc = fd < 0 ? fd : 0;
    if (rc == 0 && options->tls_cert)
        rc = tls_open(options->tls_cert, options->tls_key, &server->tls, err);
    if (rc == 0)
        rc = describe_socket(server, fd, err);
    if (rc == 0 && options->listening)
        rc = options->listening(options->listening_ctx, err);
    server->streams_max = connections / 4;
    server->tell = options->tell;
    server->tell_ctx = options->tell_ctx;
    if (rc == 0)
        rc = pool_new(options->dir, threads, &server->pool, err);
    if (rc == 0)
        rc = signed_new(options->dir, exchange_now_ms(), &server->signed_state, err);
    for (size_t i = 0; rc == 0 && i < options->endpoint_count; i++)
        rc = signed_endpoint(server->signed_state, options->endpoints[i], err);
    if (rc == 0) {
        struct signing_options signing = {.dir = options->dir,
                                          .is_offered = server->loopback || server->tls || options->insecure_sign_in,
                                          .is_tls = server->tls != NULL,
                                          .tls = server->tls,
                                          .trust = options->trust_proxy,
                                          .oidc = options->oidc,
                                          .oidc_name = options->oidc_name,
                                          .tell = options->tell,
                                          .tell_ctx = options->tell_ctx};
        rc = signing_new(&signing, &server->signing, err);
    }
    if (rc == 0) /* those who wait hold no thread, but a place: leave a quarter for the others */
        rc = watch_start(options->dir, connections - connections / 4,
                         options->request_ms ? options->request_ms : REQUEST_MS, &server->watch, err);
    if (rc == 0)
        rc = start_daemon(server, fd, threads, connections, err);
    if (rc == 0) {
        *ret = server;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    http_server_stop(server);
    return rc;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    if (server->watch)
        watch_stop(server->watch); /* nobody may be suspended when the daemon stops */
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    watch_free(server->watch);
    pool_free(server->pool);
    signed_free(server->signed_state);
    signing_free(server->signing);
    tls_close(server->tls);
    free(server);
}

int http_server_reload(struct http_server *server, struct err *err)
{
    return server->tls ? tls_reload(server->tls, err) : 0;
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

void http_server_wake(struct http_server *server)
{
    watch_wake(server->watch);
}

void http_server_tell(struct http_server *server)
{
    watch_tell(server->watch);
}

static uint64_t refused_of(const struct http_server *server, size_t outcome)
{
    return atomic_load(&server->outcomes[outcome]);
}

void http_server_counters(const struct http_server *server, struct http_counters *ret)
{
    *ret = (struct http_counters){
        .requests = atomic_load(&server->requests),
        .bytes_out = atomic_load(&server->bytes_out),
        .refused = atomic_load(&server->refused),
        .waiting = watch_waiting(server->watch),
        .signed_requests = atomic_load(&server->outcomes[SIGNED_BY_MEMBER]),
        .sign_in_failures = attempts_total(signing_attempts(server->signing)),
        .certificate_ends_ms = server->tls ? tls_ends_ms(server->tls) : 0,
    };
    for (size_t i = SIGNED_MALFORMED; i < SIGNED_OUTCOMES; i++)
        ret->signed_refused += refused_of(server, i);
}

bool http_server_refused(const struct http_server *server, size_t number, const char **ret_reason, uint64_t *ret_count)
{
    size_t outcome = SIGNED_MALFORMED + number;
    if (outcome >= SIGNED_OUTCOMES)
        return false;
    *ret_reason = signed_word((enum signed_outcome)outcome);
    *ret_count = refused_of(server, outcome);
    return true;
}
