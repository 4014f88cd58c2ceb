#include "node/node.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "connect/startcheck.h"
#include "connect/sync.h"
#include "http/server.h"
#include "index/index.h"
#include "security/feed.h"
#include "security/intel.h"
#include "state/author.h"
#include "state/mirror.h"

#define INDEX_LOOK_MS 1000 /* other processes append too: look that often whether something came */
#define FEEDS_LOOK_MS 5000
#define START_CHECK_MS 5000  /* no peer answered about our own logs: ask again that often */
#define SET_REFRESH_MS 30000 /* the sweep set follows new indicators at most that often */

/* Shared by the threads: flags are atomic, the condition wakes waiters, the error is the first one's. */
struct node {
    const struct node_options *options;
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool stop;
    _Atomic uint64_t wakes; /* counted, so that none is lost between looking and waiting */
    struct syncer *syncer;  /* under lock: to stop it from outside */
    struct err failure;     /* under lock */
    bool failed;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(struct node *node, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct node *node, const char *fmt, ...)
{
    char line[ERR_TEXT_MAX + 256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    node->options->tell(node->options->ctx, line);
}

/* Wait for a wake-up or `ms`. */
static void nap(struct node *node, uint64_t *seen, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&node->lock);
    while (!node->stop && node->wakes == *seen)
        if (pthread_cond_timedwait(&node->changed, &node->lock, &until) == ETIMEDOUT)
            break;
    *seen = node->wakes;
    pthread_mutex_unlock(&node->lock);
}

/* Only stopping ends this wait early. */
static void sleep_ms(struct node *node, int64_t ms)
{
    int64_t until = now_ms() + ms, left;
    uint64_t seen = node->wakes;
    while (!node->stop && (left = until - now_ms()) > 0 && left <= ms)
        nap(node, &seen, left);
}

static void wake(void *ctx)
{
    struct node *node = ctx;
    pthread_mutex_lock(&node->lock);
    node->wakes++;
    pthread_cond_broadcast(&node->changed);
    pthread_mutex_unlock(&node->lock);
    http_server_wake(node->server);
}

static void stop(struct node *node)
{
    pthread_mutex_lock(&node->lock);
    node->stop = true;
    if (node->syncer)
        syncer_stop(node->syncer);
    pthread_cond_broadcast(&node->changed);
    pthread_mutex_unlock(&node->lock);
}

/* A thread cannot go on: the node ends, with the first reason. */
static void fail(struct node *node, const char *thread, struct err *err)
{
    pthread_mutex_lock(&node->lock);
    if (!node->failed) {
        node->failed = true;
        node->failure = *err;
        err_in(&node->failure, "%s", thread);
    }
    pthread_mutex_unlock(&node->lock);
    kill(getpid(), SIGTERM);
}

static bool is_fatal(const struct err *err)
{
    return err->code == ERR_IO || err->code == ERR_MEMORY || err->code == ERR_FORK;
}

/* ---- sync ---- */

/* Ask again and again until a peer has told how far our own logs are; pull others' logs meanwhile. */
static int wait_for_start_check(struct node *node, struct store *store, struct err *err)
{
    for (bool told = false; !node->stop; told = true) {
        struct err unchecked = {0};
        struct sync_options round = {.changed = wake, .ctx = node};
        struct sync_report report;
        int rc = start_check(store, node->options->alone, &unchecked);
        if (rc == 0)
            return start_check_note(store, err);
        if (rc != ERR_STATE && rc != ERR_NET) {
            *err = unchecked;
            return rc;
        }
        if (!told)
            tell(node, "nothing is signed yet: %s", unchecked.text);
        rc = sync_round(store, &round, &report, err);
        if (rc)
            return rc;
        sleep_ms(node, START_CHECK_MS);
    }
    return 0;
}

static int run_syncer(struct node *node, struct store *store, struct err *err)
{
    struct syncer *syncer;
    struct sync_options options = {.may_sign = true, .changed = wake, .ctx = node};
    int rc = syncer_new(store, &options, &syncer, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&node->lock);
    node->syncer = syncer;
    bool stopped = node->stop;
    pthread_mutex_unlock(&node->lock);
    if (!stopped)
        rc = syncer_run(syncer, err);
    pthread_mutex_lock(&node->lock);
    node->syncer = NULL;
    pthread_mutex_unlock(&node->lock);
    syncer_free(syncer);
    return rc;
}

static void *sync_thread(void *arg)
{
    struct node *node = arg;
    struct store_options options = {0};
    struct store *store;
    struct err err = {0};
    int rc = store_open(node->options->dir, &options, &store, &err);
    if (!rc) {
        rc = wait_for_start_check(node, store, &err);
        if (!rc && !node->stop)
            rc = run_syncer(node, store, &err);
        store_close(store);
    }
    if (rc)
        fail(node, "sync", &err);
    return NULL;
}

/* ---- index ---- */

struct following {
    struct store *store;
    struct index *index;
    int64_t seq, set_ms;
};

static int refresh_set(struct following *f, struct err *err)
{
    struct intel_set *set;
    if (now_ms() - f->set_ms < SET_REFRESH_MS)
        return 0;
    int rc = intel_set_open(f->store, f->index, now_ms(), &set, err);
    if (!rc)
        intel_set_close(set);
    f->set_ms = now_ms();
    return rc;
}

static int follow_store(struct following *f, struct err *err)
{
    char generation[17];
    int64_t seq;
    uint64_t folded;
    size_t erased;
    int rc = store_seq(f->store, &seq, generation, err);
    if (!rc && seq != f->seq) {
        rc = mirror_erase_queued(f->store, &erased, err);
        if (!rc)
            rc = index_update(f->index, f->store, 0, &folded, err);
        if (!rc && erased)
            rc = index_scrub(f->index, err);
        f->seq = seq;
    }
    return rc ? rc : refresh_set(f, err);
}

static void *index_thread(void *arg)
{
    struct node *node = arg;
    struct store_options options = {0};
    struct following f = {.seq = -1};
    struct err err = {0};
    uint64_t seen = 0;
    int rc = store_open(node->options->dir, &options, &f.store, &err);
    if (!rc) {
        rc = index_open(node->options->dir, &f.index, &err);
        while (!rc && !node->stop) {
            rc = follow_store(&f, &err);
            if (rc && !is_fatal(&err)) {
                tell(node, "index: %s", err.text);
                err = (struct err){0};
                rc = 0;
            }
            nap(node, &seen, INDEX_LOOK_MS);
        }
        if (f.index)
            index_close(f.index);
        store_close(f.store);
    }
    if (rc)
        fail(node, "index", &err);
    return NULL;
}

/* ---- feeds ---- */

static void *feed_thread(void *arg)
{
    struct node *node = arg;
    struct store_options options = {0};
    struct store *store;
    struct index *index = NULL;
    struct err err = {0};
    int rc = store_open(node->options->dir, &options, &store, &err);
    if (!rc) {
        rc = index_open(node->options->dir, &index, &err);
        while (!rc && !node->stop) {
            size_t ran = 0;
            /* A feed goes into our own log: signed only once the start check has passed (the sync thread notes it). */
            if (start_check_noted(store)) {
                struct feed_options feeds = {.transport = &feed_http, .now_ms = now_ms()};
                author_allow(store);
                rc = feed_run_due(store, index, &feeds, &ran, &err);
                if (rc && !is_fatal(&err)) {
                    tell(node, "feeds: %s", err.text);
                    err = (struct err){0};
                    rc = 0;
                }
                if (ran)
                    wake(node);
            }
            sleep_ms(node, FEEDS_LOOK_MS);
        }
        if (index)
            index_close(index);
        store_close(store);
    }
    if (rc)
        fail(node, "feeds", &err);
    return NULL;
}

/* ---- all together ---- */

static void wait_for_signal(sigset_t *signals)
{
    int signal_number;
    while (sigwait(signals, &signal_number) != 0)
        ;
}

static int run_threads(struct node *node, sigset_t *signals, struct err *err)
{
    static void *(*const bodies[])(void *) = {sync_thread, index_thread, feed_thread};
    pthread_t threads[3];
    size_t started = 0;
    int rc = 0;
    for (; started < 3; started++)
        if (pthread_create(&threads[started], NULL, bodies[started], node) != 0) {
            rc = err_set(err, ERR_MEMORY, "no thread could be started");
            break;
        }
    if (!rc) {
        node->options->ready(node->options->ctx, http_server_url(node->server));
        wait_for_signal(signals);
    }
    stop(node);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    if (!rc && node->failed) {
        *err = node->failure;
        rc = err->code;
    }
    return rc;
}

int node_run(const struct node_options *options, struct err *err)
{
    struct node node = {.options = options};
    struct http_options http = {.dir = options->dir, .listen = options->listen};
    pthread_condattr_t monotonic;
    sigset_t signals;
    /* Blocked before any thread exists, so that all inherit it and only sigwait sees them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    pthread_mutex_init(&node.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&node.changed, &monotonic);
    int rc = http_server_start(&http, &node.server, err);
    if (!rc) {
        rc = run_threads(&node, &signals, err);
        http_server_stop(node.server);
    }
    pthread_cond_destroy(&node.changed);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_destroy(&node.lock);
    return rc;
}
