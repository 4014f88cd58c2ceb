/* A node that runs, for tests: its syncer in a thread, and waiting for what it does. */
#ifndef TONGZHOU_TESTS_CONNECT_RUNNER_H
#define TONGZHOU_TESTS_CONNECT_RUNNER_H

#include <pthread.h>
#include <time.h>

#include "fake.h"

#define PATIENCE_S 30

static unsigned runner_stalls_s = 4; /* after so long without a byte an answer stalls */

/* Anything changed anywhere: the test looks again. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t something = PTHREAD_COND_INITIALIZER;
static unsigned long changes;

struct runner {
    struct node *node;
    struct store *store;
    struct syncer *syncer;
    pthread_t thread;
    int code;
    struct err err;
};

static inline void on_changed(void *ctx)
{
    struct runner *runner = ctx;
    if (runner->node->server)
        http_server_wake(runner->node->server);
    pthread_mutex_lock(&lock);
    changes++;
    pthread_cond_broadcast(&something);
    pthread_mutex_unlock(&lock);
}

static inline void *run(void *ctx)
{
    struct runner *runner = ctx;
    runner->code = syncer_run(runner->syncer, &runner->err);
    return NULL;
}

/* Answers stall that bring less than `bps` bytes a second for so many seconds. */
static inline void runner_start_with(struct runner *runner, struct node *node, unsigned stall_s, unsigned bps)
{
    *runner = (struct runner){.node = node, .store = node_handle(node)};
    author_allow(runner->store);
    struct sync_options options = {.may_sign = true,
                                   .wait_s = 20,
                                   .connect_timeout_ms = 2000,
                                   .low_speed_s = stall_s,
                                   .low_speed_bps = bps,
                                   .changed = on_changed,
                                   .ctx = runner};
    good(syncer_new(runner->store, &options, &runner->syncer, &err));
    assert_int_equal(pthread_create(&runner->thread, NULL, run, runner), 0);
}

static inline void runner_start(struct runner *runner, struct node *node)
{
    runner_start_with(runner, node, runner_stalls_s, 0);
}

static inline void runner_stop(struct runner *runner)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    syncer_stop(runner->syncer);
    pthread_join(runner->thread, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 5); /* though long polls of 20 s are open */
    if (runner->code < 0)
        fail_msg("%s: %s", runner->node->name, runner->err.text);
    syncer_free(runner->syncer);
    store_close(runner->store);
}

/* Wait until `holds`, looking again whenever something changed. */
static inline void await(bool (*holds)(void *ctx), void *ctx)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&lock);
    for (;;) {
        unsigned long seen = changes;
        pthread_mutex_unlock(&lock);
        bool is_so = holds(ctx);
        pthread_mutex_lock(&lock);
        if (is_so)
            break;
        int late = 0;
        while (changes == seen && late == 0)
            late = pthread_cond_timedwait(&something, &lock, &deadline);
        if (late != 0) {
            pthread_mutex_unlock(&lock);
            assert_true(holds(ctx));
            return;
        }
    }
    pthread_mutex_unlock(&lock);
}

struct wanted {
    struct node *node;
    const char *origin, *body;
    uint64_t index;
};

static inline bool is_there(void *ctx)
{
    struct wanted *wanted = ctx;
    return has_log(wanted->node, wanted->origin) &&
           has_payload(wanted->node, wanted->origin, wanted->index, wanted->body);
}

static inline bool is_cosigned(void *ctx)
{
    struct wanted *wanted = ctx;
    return cosignatures(wanted->node, wanted->origin) > 0;
}

static inline int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline bool is_mirrored(void *ctx)
{
    struct wanted *wanted = ctx;
    return has_log(wanted->node, wanted->origin) && log_of(wanted->node, wanted->origin).size == wanted->index;
}

/* What no commit announces is looked for every few milliseconds. */
static inline void poll_until(bool (*holds)(void *ctx), void *ctx)
{
    int64_t begun = clock_ms();
    while (!holds(ctx)) {
        assert_true(clock_ms() - begun < PATIENCE_S * 1000);
        poll(NULL, 0, 10);
    }
}

static inline bool has_waiting(void *ctx)
{
    struct node *node = ctx;
    struct http_counters counters = {0};
    http_server_counters(node->server, &counters);
    return counters.waiting > 0;
}

static inline bool was_asked(void *ctx)
{
    struct raw_page *page = ctx;
    return atomic_load(&page->asked) > 0;
}

#endif
