/* System logs: a socket file, UDP (RFC 5426), TCP with octet counting (RFC 6587), TLS (RFC 5425). */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/reader.h"
#include "connect/public.h"
#include "tell/internal.h"

#define LOOK_MS 200      /* whether to stop */
#define FAREWELL_MS 2000 /* for a receiver by TCP to end the connection, too, which says that it read all */

/* ---- writing ---- */

/* Each message has its length in front until it is known how they are kept apart. */
static void add_line(struct tell_batch *batch, const struct syslog_line *parts)
{
    char host[256] = "";
    struct syslog_line whole = *parts;
    struct buf line;
    (void)gethostname(host, sizeof(host) - 1);
    whole.host = host;
    whole.pid = (long)getpid();
    whole.now_ms = batch->now_ms;
    buf_init(&line, 16384);
    syslog_write(&whole, &line);
    if (line.failed)
        batch->out.failed = line.failed;
    buf_u32(&batch->out, (uint32_t)line.len);
    buf_span(&batch->out, buf_view(&line));
    buf_done(&line);
}

static int write_notice(struct tell_batch *batch, const struct notice *notice, struct err *err)
{
    char id[TELLER_ID + 1];
    struct buf record;
    int rc = teller_id(batch->store, batch->teller, notice->number, id, err);
    if (rc < 0)
        return rc;
    buf_init(&record, ORIGIN_MAX + 32);
    rc = notice_record(batch->store, notice, &record, err);
    struct syslog_line parts = {.notice = notice, .id = id, .record = buf_cstr(&record), .full = batch->teller->full};
    add_line(batch, &parts);
    buf_done(&record);
    return rc;
}

static bool next_message(struct reader *reader, struct span *ret)
{
    uint32_t len = reader_u32(reader);
    *ret = reader_bytes(reader, len);
    return reader->failed == 0;
}

/* Octet counting: "LENGTH SP MESSAGE". */
static void frame(struct span messages, struct buf *out)
{
    struct reader reader;
    struct span message;
    reader_init(&reader, messages);
    while (reader_left(&reader) > 0 && next_message(&reader, &message)) {
        buf_fmt(out, "%zu ", message.len);
        buf_span(out, message);
    }
}

static int finish(struct tell_batch *batch, struct tell_job *job, struct err *err)
{
    struct syslog_line test = {.id = "0", .record = ""};
    if (batch->is_test)
        add_line(batch, &test);
    if (job->target.way == TARGET_TCP || job->target.way == TARGET_TLS)
        frame(buf_view(&batch->out), &job->body);
    else
        buf_span(&job->body, buf_view(&batch->out));
    return buf_check(&job->body, "notices", err);
}

/* ---- sending ---- */

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the socket is ready, the time is over, or everything stops. */
static bool wait_for(const struct tell_job *job, int fd, short events, int64_t until_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};
    while (!job->stop && monotonic_ms() < until_ms)
        if (poll(&ready, 1, LOOK_MS) > 0)
            return true;
    return false;
}

/* A message each, over a socket that keeps them apart. */
static int send_each(const struct tell_job *job, int fd, struct err *err)
{
    struct reader reader;
    struct span message;
    int64_t until = monotonic_ms() + TELL_TOTAL_MS;
    reader_init(&reader, buf_view(&job->body));
    while (reader_left(&reader) > 0 && next_message(&reader, &message)) {
        ssize_t sent;
        while ((sent = send(fd, message.data, message.len, MSG_NOSIGNAL)) < 0 && errno == EAGAIN)
            if (!wait_for(job, fd, POLLOUT, until))
                return err_set(err, ERR_NET, "it does not take what is sent");
        if (sent != (ssize_t)message.len)
            return err_set(err, ERR_NET, "%s", strerror(errno));
    }
    return 0;
}

static int send_to(const struct tell_job *job, int domain, const struct sockaddr *address, socklen_t len,
                   struct err *err)
{
    int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, ERR_NET, "%s", strerror(errno));
    int rc = connect(fd, address, len) == 0 ? send_each(job, fd, err) : err_set(err, ERR_NET, "%s", strerror(errno));
    close(fd);
    return rc;
}

static int send_file(const struct tell_job *job, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, job->target.path, sizeof(address.sun_path));
    return send_to(job, AF_UNIX, (struct sockaddr *)&address, sizeof(address), err);
}

static int send_udp(const struct tell_job *job, struct err *err)
{
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV}, *found;
    snprintf(port, sizeof(port), "%u", job->target.port);
    int failed = getaddrinfo(job->target.host, port, &hints, &found);
    if (failed != 0)
        return err_set(err, ERR_NET, "%s: %s", job->target.host, gai_strerror(failed));
    int rc = err_set(err, ERR_NET, "%s: no address of the public Internet", job->target.host);
    for (struct addrinfo *at = found; at && rc < 0; at = at->ai_next)
        if (job->teller.inside || address_is_public(at->ai_addr))
            rc = send_to(job, at->ai_family, at->ai_addr, at->ai_addrlen, err);
    freeaddrinfo(found);
    return rc;
}

static int push(const struct tell_job *job, CURL *easy, int fd, struct err *err)
{
    struct span bytes = buf_view(&job->body);
    int64_t until = monotonic_ms() + TELL_TOTAL_MS;
    while (bytes.len > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(easy, bytes.data, bytes.len, &sent);
        if (code == CURLE_OK)
            bytes = span_sub(bytes, sent, bytes.len);
        else if (code != CURLE_AGAIN || !wait_for(job, fd, POLLOUT, until))
            return err_set(err, ERR_NET, "it does not take what is sent");
    }
    return 0;
}

/*
 * Nobody answers in this protocol. A receiver that is gone resets the connection; one that has read to the end closes it, too.
 * One that does neither is believed.
 */
static int part(const struct tell_job *job, int fd, struct err *err)
{
    char rest[512];
    int64_t until = monotonic_ms() + FAREWELL_MS;
    (void)shutdown(fd, SHUT_WR);
    while (wait_for(job, fd, POLLIN, until)) {
        ssize_t got = recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EAGAIN)
            return err_set(err, ERR_NET, "%s", strerror(errno));
    }
    return 0;
}

/* libcurl connects, with TLS and its checks where asked for; what is said then is ours. */
static int send_stream(struct tell_job *job, struct err *err)
{
    char url[TARGET_HOST_MAX + 32], detail[CURL_ERROR_SIZE];
    bool v6 = strchr(job->target.host, ':') != NULL, tls = job->target.way == TARGET_TLS;
    curl_socket_t fd = CURL_SOCKET_BAD;
    CURL *easy = curl_easy_init();
    if (!easy)
        return err_memory(err);
    snprintf(url, sizeof(url), v6 ? "%s://[%s]:%u" : "%s://%s:%u", tls ? "https" : "http", job->target.host,
             job->target.port);
    tell_dial(easy, job, job->teller.inside, detail);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    CURLcode code = curl_easy_perform(easy);
    int rc = code == CURLE_OK ? 0 : tell_dial_failed(code, detail, err);
    if (rc == 0)
        (void)curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    if (rc == 0)
        rc = push(job, easy, fd, err);
    if (rc == 0 && !tls)
        rc = part(job, fd, err);
    curl_easy_cleanup(easy);
    return rc;
}

static int send_all(struct tell_job *job, struct err *err)
{
    switch (job->target.way) {
    case TARGET_FILE:
        return send_file(job, err);
    case TARGET_UDP:
        return send_udp(job, err);
    default:
        return send_stream(job, err);
    }
}

const struct tell_way tell_syslog = {write_notice, finish, send_all};
