/* Whole nodes in fresh folders, serving on loopback, for the tests of src/connect. */
#ifndef TONGZHOU_TESTS_CONNECT_NET_H
#define TONGZHOU_TESTS_CONNECT_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "connect/capability.h"
#include "connect/sync.h"
#include "http/server.h"
#include "state/author.h"
#include "state/mirror.h"
#include "state/payload.h"
#include "state/peers.h"
#include "tlog/checkpoint.h"

#define TIME_MS INT64_C(1795000000000)
#define KIND "test/note"

#ifndef NODE_CAPABILITIES /* which a test of a higher module may set */
#define NODE_CAPABILITIES &connect_capability
#endif
const struct capability *const capabilities[] = {NODE_CAPABILITIES, NULL};

/* A call that must succeed; its message is shown if it does not. */
#define good(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int good_rc = (call);                                                                                          \
        if (good_rc < 0)                                                                                               \
            fail_msg("%s: %s", #call, err.text);                                                                       \
    } while (0)

/* A call that must fail with this code and a message that contains this text. */
#define bad(call, wanted, text_part)                                                                                   \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int bad_rc = (call);                                                                                           \
        if (bad_rc != (wanted) || !strstr(err.text, (text_part)))                                                      \
            fail_msg("%s: %d \"%s\", expected %d \"%s\"", #call, bad_rc, err.text, (int)(wanted), (text_part));        \
    } while (0)

struct node {
    char root[80], dir[96], name[64];
    struct store *store;
    struct http_server *server;
    struct log_info own;
};

static inline struct store *node_handle(const struct node *node)
{
    struct store *store = NULL;
    struct store_options options = {.create = true};
    good(store_open(node->dir, &options, &store, &err));
    return store;
}

static inline void node_refresh(struct node *node)
{
    good(store_log(node->store, node->own.number, &node->own, &err));
}

/* A member's log on this node. */
static inline void node_member(struct node *node, const char *name, bool is_operator, struct log_info *ret)
{
    char recovery[160];
    snprintf(recovery, sizeof(recovery), "%s/%s.recovery", node->root, name);
    struct author_new make = {
        .time_ms = TIME_MS, .role = LOG_OWN, .is_operator = is_operator, .recovery_path = recovery};
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", name);
    make.profile.class = CLASS_CIVIL;
    good(author_create(node->store, &make, ret, &err));
}

static inline void node_start(struct node *node, const char *name)
{
    const char *tmp = getenv("TMPDIR");
    *node = (struct node){0};
    snprintf(node->name, sizeof(node->name), "%s", name);
    snprintf(node->root, sizeof(node->root), "%s/tz-connect-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(node->root));
    snprintf(node->dir, sizeof(node->dir), "%s/node", node->root);
    node->store = node_handle(node);
    author_allow(node->store);
    node_member(node, name, true, &node->own);
}

static inline void node_serve(struct node *node)
{
    struct http_options options = {.dir = node->dir, .listen = "127.0.0.1:0", .threads = 1};
    good(http_server_start(&options, &node->server, &err));
}

static inline void node_unserve(struct node *node)
{
    if (node->server)
        http_server_stop(node->server);
    node->server = NULL;
}

static inline void shell(const char *command)
{
    int rc = system(command);
    assert_int_equal(rc, 0);
}

static inline void node_stop(struct node *node)
{
    char command[160];
    node_unserve(node);
    if (node->store)
        store_close(node->store);
    snprintf(command, sizeof(command), "rm -rf '%s'", node->root);
    shell(command);
}

static inline int64_t node_peer_url(struct node *node, const char *url)
{
    struct peer peer = {.added_ms = TIME_MS, .quota_logs = PEER_QUOTA_LOGS, .quota_bytes = PEER_QUOTA_BYTES};
    int64_t number = 0;
    snprintf(peer.url, sizeof(peer.url), "%s", url);
    good(peer_add(node->store, &peer, &number, &err));
    return number;
}

static inline int64_t node_peer(struct node *node, const struct node *other)
{
    return node_peer_url(node, http_server_url(other->server));
}

static inline uint64_t say_in(struct node *node, int64_t number, const char *body, enum tlp tlp)
{
    struct buf text;
    uint64_t index = 0;
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {.kind = KIND, .time_ms = TIME_MS, .tlp = tlp, .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(node->store, number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    return index;
}

static inline uint64_t node_say(struct node *node, const char *body)
{
    uint64_t index = say_in(node, node->own.number, body, TLP_CLEAR);
    node_refresh(node);
    return index;
}

/* `count` records with bodies "PREFIX 0", "PREFIX 1", ... in one batch. */
static inline void node_say_many(struct node *node, const char *prefix, size_t count)
{
    struct author_item *items = calloc(count, sizeof(*items));
    struct buf *texts = calloc(count, sizeof(*texts));
    uint64_t first;
    assert_non_null(items);
    assert_non_null(texts);
    for (size_t i = 0; i < count; i++) {
        char body[128];
        snprintf(body, sizeof(body), "%s %zu", prefix, i);
        struct record_draft draft = {.kind = KIND, .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = span_str(body)};
        buf_init(&texts[i], 4096);
        good(record_write(&draft, &texts[i], &err));
        items[i] = (struct author_item){buf_view(&texts[i]), true};
    }
    good(author_append(node->store, node->own.number, items, count, TIME_MS, &first, &err));
    for (size_t i = 0; i < count; i++)
        buf_done(&texts[i]);
    free(texts);
    free(items);
    node_refresh(node);
}

/* One round with limits short enough for tests; failures stand in the report. */
static inline struct sync_report *node_sync_with(struct node *node, struct sync_options options)
{
    static struct sync_report report;
    options.may_sign = true;
    options.ignore_backoff = true;
    if (options.low_speed_s == 0)
        options.low_speed_s = 2;
    if (options.low_speed_bps == 0)
        options.low_speed_bps = 100;
    options.connect_timeout_ms = 2000;
    good(sync_round(node->store, &options, &report, &err));
    node_refresh(node);
    return &report;
}

static inline struct sync_report *node_sync(struct node *node)
{
    return node_sync_with(node, (struct sync_options){0});
}

/* A round in which nothing went wrong. */
static inline struct sync_report *node_sync_well(struct node *node)
{
    struct sync_report *report = node_sync(node);
    if (report->failure_count > 0)
        fail_msg("%s: sync %s: %s", node->name, report->failures[0].url, report->failures[0].reason);
    return report;
}

/* What `node` has of `origin`. */
static inline struct log_info log_of(struct node *node, const char *origin)
{
    struct log_info log = {0};
    good(store_log_by_origin(node->store, span_str(origin), &log, &err));
    return log;
}

static inline bool has_log(struct node *node, const char *origin)
{
    struct log_info log;
    struct err err = {0};
    return store_log_by_origin(node->store, span_str(origin), &log, &err) == 0;
}

/* The copy has the same head as the original. */
static inline void assert_mirrored(struct node *copy, const struct log_info *log)
{
    struct log_info mine = log_of(copy, log->origin);
    assert_int_equal(mine.size, log->size);
    assert_memory_equal(mine.root.b, log->root.b, TLOG_HASH_SIZE);
}

/* Is the payload of this entry here, and does it end with `body`? */
static inline bool has_payload(struct node *node, const char *origin, uint64_t index, const char *body)
{
    struct log_info log = log_of(node, origin);
    struct buf item;
    struct err err = {0};
    buf_init(&item, PAYLOAD_BUNDLE_MAX);
    int code = payload_read(node->store, log.number, index, &item, NULL, &err);
    size_t len = strlen(body);
    bool is_same = code == 0 && item.len >= len && memcmp(item.data + item.len - len, body, len) == 0;
    buf_done(&item);
    return is_same;
}

static inline int count_line(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                             struct err *err)
{
    (void)name;
    (void)key_id;
    (void)time;
    (void)line;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static inline size_t cosignatures(struct node *node, const char *origin)
{
    struct log_info log = log_of(node, origin);
    size_t count = 0;
    good(store_cosignatures(node->store, log.number, count_line, &count, &err));
    return count;
}

static inline struct peer peer_of(struct node *node, const char *url)
{
    struct peer peer = {0};
    good(peer_find(node->store, span_str(url), &peer, &err));
    return peer;
}

/* b hears of a through c alone. */
static inline void nodes_in_line(struct node *a, struct node *c, struct node *b)
{
    node_start(a, "a.example");
    node_start(b, "b.example");
    node_start(c, "c.example");
    node_serve(a);
    node_serve(c);
    node_peer(c, a);
    node_peer(b, c);
}

/* a says something; along that line its entry arrives, and its content stays behind, for c wants only heads. Its index. */
static inline uint64_t say_without_content(struct node *a, struct node *c, struct node *b, const char *body)
{
    uint64_t index = node_say(a, body);
    good(sync_follow(c->store, span_str(a->own.origin), MODE_HEADS, 0, &err));
    node_sync_well(c);
    node_sync_well(b);
    assert_mirrored(b, &a->own);
    assert_false(has_payload(b, a->own.origin, index, body));
    return index;
}

/* `node` knows the keys of `other`, and has it as a peer no longer. */
static inline void node_meets(struct node *node, const struct node *other)
{
    int64_t number = node_peer(node, other);
    node_sync_well(node);
    good(peer_remove(node->store, number, &err));
}

#endif
