/* Included once by the test that needs it: tests are single files. */
#include "http/node.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/check.h"
#include "state/author.h"

#define ANSWER_MAX (8u << 20)
#define PATIENCE_MS 20000 /* a test that hears nothing for so long has failed */

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s", err->text);
}

static void make_operator(struct node *node)
{
    struct err err;
    struct log_info log;
    struct author_new make = {.time_ms = INT64_C(1700000000000), .role = LOG_OWN, .is_operator = true};
    char recovery[96];
    snprintf(recovery, sizeof(recovery), "%s.recovery", node->dir);
    snprintf(make.profile.name, sizeof(make.profile.name), "test.example");
    make.profile.class = CLASS_CIVIL;
    make.recovery_path = recovery;
    make.succeeds = SPAN_LIT("");
    author_allow(node->store);
    must(author_create(node->store, &make, &log, &err), &err);
    unlink(recovery);
}

void node_start(struct node *node, unsigned connections)
{
    struct err err;
    const char *tmp = getenv("TMPDIR");
    struct store_options options = {.create = true};
    snprintf(node->dir, sizeof(node->dir), "%.40s/tongzhou-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(node->dir));
    must(store_open(node->dir, &options, &node->store, &err), &err);
    make_operator(node);
    static const char *const endpoints[] = {"https://node.test:8443/behind"};
    struct http_options http = {.dir = node->dir,
                                .listen = "127.0.0.1:0",
                                .endpoints = endpoints,
                                .endpoint_count = 1,
                                .threads = 2,
                                .connections = connections};
    must(http_server_start(&http, &node->server, &err), &err);
    assert_int_equal(sscanf(http_server_url(node->server), "http://127.0.0.1:%d", &node->port), 1);
}

void node_stop(struct node *node)
{
    http_server_stop(node->server);
    store_close(node->store);
    assert_int_equal(nftw(node->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void node_change(struct node *node)
{
    struct err err;
    struct log_info log;
    struct buf text;
    uint64_t first;
    struct record_draft draft = {.kind = "test/note", .time_ms = INT64_C(1700000001000), .tlp = TLP_CLEAR};
    draft.lang = draft.type = SPAN_LIT("");
    draft.body = SPAN_LIT("something new");
    buf_init(&text, 4096);
    must(record_write(&draft, &text, &err), &err);
    struct author_item item = {.text = buf_view(&text), .clear = true};
    must(store_operator(node->store, &log, &err), &err);
    must(author_append(node->store, log.number, &item, 1, draft.time_ms, &first, &err), &err);
    buf_done(&text);
}

int client_connect(const struct node *node)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)node->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_bytes(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* refused half way: what was answered will be read */
        at += sent;
        len -= (size_t)sent;
    }
}

void client_send(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

struct span answer_header(const struct answer *answer, const char *name)
{
    struct span rest = answer->head;
    size_t len = strlen(name);
    while (rest.len > 0) {
        size_t end = span_search(rest, SPAN_LIT("\r\n"));
        struct span line = span_sub(rest, 0, end);
        if (line.len > len && line.data[len] == ':' && strncasecmp((const char *)line.data, name, len) == 0)
            return span_trim(span_sub(line, len + 1, line.len));
        rest = span_sub(rest, end + 2, rest.len);
    }
    return SPAN_LIT("");
}

static bool answer_split(struct answer *answer, bool is_head)
{
    struct span all = buf_view(&answer->bytes);
    size_t end = span_search(all, SPAN_LIT("\r\n\r\n"));
    if (end == all.len || sscanf((const char *)buf_cstr(&answer->bytes), "HTTP/1.%*d %d", &answer->status) != 1)
        return false;
    answer->head = span_sub(all, 0, end);
    answer->body = span_sub(all, end + 4, all.len);
    uint64_t length = 0;
    bool has_length = span_u64(answer_header(answer, "Content-Length"), ANSWER_MAX, &length);
    return is_head || answer->status == 304 || (has_length && answer->body.len >= length);
}

void answer_read(int fd, bool is_head, struct answer *ret)
{
    *ret = (struct answer){0};
    buf_init(&ret->bytes, ANSWER_MAX);
    while (!answer_split(ret, is_head)) {
        uint8_t piece[65536];
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) != 1)
            fail_msg("no answer within %d ms", PATIENCE_MS);
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return; /* closed: status stays 0 if there was no answer */
        buf_add(&ret->bytes, piece, (size_t)got);
        assert_int_equal(ret->bytes.failed, 0);
    }
}

void answer_done(struct answer *answer)
{
    buf_done(&answer->bytes);
}

void ask(const struct node *node, const char *method, const char *target, const char *headers, const char *body,
         struct answer *ret)
{
    struct buf request;
    buf_init(&request, ANSWER_MAX);
    buf_fmt(&request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n%s", method, target, node->port,
            headers);
    if (body)
        buf_fmt(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_str(&request, "\r\n");
    if (body)
        buf_str(&request, body);
    int fd = client_connect(node);
    send_bytes(fd, request.data, request.len);
    answer_read(fd, strcmp(method, "HEAD") == 0, ret);
    close(fd);
    buf_done(&request);
}
