/* A scripted server over raw sockets: it answers each path with bytes of the test's choosing, true or not. */
#ifndef TONGZHOU_TESTS_CONNECT_RAW_H
#define TONGZHOU_TESTS_CONNECT_RAW_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

#define RAW_PAGES_MAX 64
#define RAW_THREADS_MAX 64

enum raw_manner {
    RAW_WHOLE,   /* send the answer and close */
    RAW_ENDLESS, /* then go on with rubbish for ever */
    RAW_DRIP,    /* send the header, then a byte every 100 ms for ever */
    RAW_SILENT,  /* take the request and say nothing */
    RAW_LATE,    /* take the request, and close a second later */
    RAW_CUT,     /* close after half of the answer */
    RAW_STALL,   /* send the answer, and say no more */
    RAW_MORE,    /* send these lines, and that there are more: with another cursor each time */
};

struct raw_page {
    char path[200];                  /* what the request's target begins with */
    _Atomic(enum raw_manner) manner; /* may change while others are answered */
    struct buf answer;               /* header and body */
    struct buf second;               /* from the second time on, if anything */
    struct raw_page *after;          /* answered only once this one has been asked for */
    atomic_uint asked;
};

struct raw {
    int listener;
    char url[64];
    pthread_t thread, workers[RAW_THREADS_MAX];
    size_t worker_count;
    atomic_bool stop;
    atomic_size_t under_way, most_under_way; /* bytes of answers whose clients have not gone yet */
    struct raw_page pages[RAW_PAGES_MAX];
    size_t page_count;
};

struct raw_job {
    struct raw *raw;
    int socket;
};

static inline void raw_count(struct raw *raw, size_t len)
{
    size_t now = atomic_fetch_add(&raw->under_way, len) + len, most = atomic_load(&raw->most_under_way);
    while (now > most && !atomic_compare_exchange_weak(&raw->most_under_way, &most, now))
        ;
}

static inline bool raw_send(int socket, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(socket, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Until the client goes or the test ends. */
static inline void raw_wait(struct raw *raw, int socket, int ms)
{
    struct pollfd poll_fd = {socket, POLLIN, 0};
    char byte;
    for (int waited = 0; !atomic_load(&raw->stop) && waited < ms; waited += 50)
        if (poll(&poll_fd, 1, 50) > 0 && recv(socket, &byte, 1, MSG_PEEK) <= 0)
            return;
}

static inline void raw_answer(struct raw *raw, int socket, struct raw_page *page, unsigned nth)
{
    uint8_t rubbish[16384];
    memset(rubbish, 'x', sizeof(rubbish));
    const struct buf *answer = nth > 0 && page->second.len > 0 ? &page->second : &page->answer;
    size_t len = page->manner == RAW_CUT ? answer->len / 2 : answer->len;
    while (page->after && atomic_load(&page->after->asked) == 0 && !atomic_load(&raw->stop))
        raw_wait(raw, socket, 50);
    if (page->manner == RAW_SILENT || page->manner == RAW_LATE) {
        raw_wait(raw, socket, page->manner == RAW_SILENT ? 20000 : 1000);
        return;
    }
    if (!raw_send(socket, answer->data, len))
        return;
    if (page->manner == RAW_STALL)
        raw_wait(raw, socket, 20000);
    size_t counted = 0;
    while (page->manner == RAW_ENDLESS && !atomic_load(&raw->stop) && raw_send(socket, rubbish, sizeof(rubbish))) {
        raw_count(raw, sizeof(rubbish));
        counted += sizeof(rubbish);
    }
    atomic_fetch_sub(&raw->under_way, counted);
    while (page->manner == RAW_DRIP && !atomic_load(&raw->stop)) {
        if (!raw_send(socket, rubbish, 1))
            return;
        raw_wait(raw, socket, 100);
    }
}

static inline void raw_more(int socket, struct raw_page *page, unsigned nth)
{
    char begin[128], end[32];
    int end_len = snprintf(end, sizeof(end), "more %u\n", nth);
    int len = snprintf(begin, sizeof(begin), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                       page->answer.len + (size_t)end_len);
    if (raw_send(socket, (const uint8_t *)begin, (size_t)len) && raw_send(socket, page->answer.data, page->answer.len))
        raw_send(socket, (const uint8_t *)end, (size_t)end_len);
}

/* Header and body are here: whoever closes with bytes unread resets the connection, and the answer with it. */
static inline bool raw_is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
    return end && (!length || length > end || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static inline void *raw_worker(void *ctx)
{
    struct raw_job *job = ctx;
    struct raw *raw = job->raw;
    char request[8192], target[512] = "";
    size_t len = 0;
    while (len < sizeof(request) - 1) {
        ssize_t got = recv(job->socket, request + len, sizeof(request) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        request[len] = '\0';
        if (raw_is_whole(request))
            break;
    }
    request[len] = '\0';
    struct raw_page *page = NULL;
    if (sscanf(request, "%*[A-Z] %500s", target) == 1)
        for (size_t i = 0; !page && i < raw->page_count; i++)
            if (strncmp(target, raw->pages[i].path, strlen(raw->pages[i].path)) == 0)
                page = &raw->pages[i];
    if (page) {
        unsigned nth = atomic_fetch_add(&page->asked, 1);
        if (page->manner == RAW_MORE)
            raw_more(job->socket, page, nth);
        else
            raw_answer(raw, job->socket, page, nth);
    } else {
        static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        raw_send(job->socket, (const uint8_t *)none, sizeof(none) - 1);
    }
    close(job->socket);
    free(job);
    return NULL;
}

static inline void *raw_thread(void *ctx)
{
    struct raw *raw = ctx;
    while (!atomic_load(&raw->stop)) {
        struct pollfd poll_fd = {raw->listener, POLLIN, 0};
        if (poll(&poll_fd, 1, 50) <= 0 || raw->worker_count == RAW_THREADS_MAX)
            continue;
        struct raw_job *job = malloc(sizeof(*job));
        if (!job)
            continue;
        *job = (struct raw_job){raw, accept(raw->listener, NULL, NULL)};
        if (job->socket < 0 || pthread_create(&raw->workers[raw->worker_count], NULL, raw_worker, job) != 0)
            free(job);
        else
            raw->worker_count++;
    }
    return NULL;
}

/* Pages are to be given before anybody asks. */
static inline struct raw *raw_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct raw *raw = calloc(1, sizeof(*raw));
    assert_non_null(raw);
    raw->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(raw->listener >= 0);
    assert_int_equal(bind(raw->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(raw->listener, 64), 0);
    assert_int_equal(getsockname(raw->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(raw->url, sizeof(raw->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    return raw;
}

static inline void raw_run(struct raw *raw)
{
    assert_int_equal(pthread_create(&raw->thread, NULL, raw_thread, raw), 0);
}

static inline void raw_stop(struct raw *raw)
{
    atomic_store(&raw->stop, true);
    pthread_join(raw->thread, NULL);
    for (size_t i = 0; i < raw->worker_count; i++)
        pthread_join(raw->workers[i], NULL);
    for (size_t i = 0; i < raw->page_count; i++)
        buf_done(&raw->pages[i].answer), buf_done(&raw->pages[i].second);
    close(raw->listener);
    free(raw);
}

/* Everything as given. */
static inline struct raw_page *raw_bytes(struct raw *raw, const char *path, enum raw_manner manner, const char *bytes)
{
    struct raw_page *page = &raw->pages[raw->page_count++];
    assert_true(raw->page_count <= RAW_PAGES_MAX);
    snprintf(page->path, sizeof(page->path), "%s", path);
    page->manner = manner;
    buf_init(&page->answer, 64u << 20);
    buf_init(&page->second, 64u << 20);
    buf_str(&page->answer, bytes);
    return page;
}

static inline void raw_decent(struct buf *answer, struct span body)
{
    buf_fmt(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", body.len);
    buf_span(answer, body);
}

/* A decent answer of status 200. */
static inline struct raw_page *raw_body(struct raw *raw, const char *path, struct span body)
{
    struct raw_page *page = raw_bytes(raw, path, RAW_WHOLE, "");
    raw_decent(&page->answer, body);
    return page;
}

/* /heads with one log. */
static inline void raw_heads(struct raw *raw, const struct log_info *log, uint64_t size)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_fmt(&body, "%s %s %llu\nnext 0123456789abcdef-1\n", log->hex, log->origin, (unsigned long long)size);
    raw_body(raw, "/heads", buf_view(&body));
    buf_done(&body);
}

static inline void raw_checkpoint(struct raw *raw, const struct log_info *log, struct span note)
{
    char path[128];
    snprintf(path, sizeof(path), "/logs/%s/checkpoint", log->hex);
    raw_body(raw, path, note);
}

#endif
