#include "node/node.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connect/oidc.h"
#include "connect/routes.h"
#include "connect/startcheck.h"
#include "connect/sync.h"
#include "http/server.h"
#include "index/index.h"
#include "node/clock.h"
#include "node/confine.h"
#include "node/notify.h"
#include "node/policing.h"
#include "node/receipting.h"
#include "node/serving.h"
#include "node/telling.h"
#include "node/tending.h"
#include "security/feed.h"
#include "security/intel.h"
#include "state/author.h"
#include "state/mirror.h"
#include "state/reach.h"

#define INDEX_LOOK_MS 1000 /* other processes append too: look that often whether something came */
#define FEEDS_LOOK_MS 5000
#define START_CHECK_MS 5000 /* no peer answered about our own logs: asked again so much later, ever more seldom */
#define START_CHECK_MAX_MS 60000
#define SAY_AGAIN_MS 600000  /* a trouble that lasts is told that often */
#define SET_REFRESH_MS 30000 /* the sweep set follows new indicators at most that often */

/* Shared by the threads: flags are atomic, the condition wakes waiters, the error is the first one's. */
struct node {
    const struct node_options *options;
    struct http_server *server;
    struct oidc *oidc; /* NULL: none */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool stop, reload; /* reload: SIGHUP came */
    _Atomic uint64_t wakes;    /* counted, so that none is lost between looking and waiting */
    struct syncer *syncer;     /* under lock: to stop it from outside */
    struct err failure;        /* under lock */
    bool failed;
    int lock_fd; /* of DIR/serving */
    struct notify notify;
    struct confined confined; /* the feed thread's, once it runs */
    int64_t check_ms;         /* the sync thread's: when it asks again about our own logs */
};

/* What a thread told last: the same every second would fill a disk with it. */
struct trouble {
    char text[ERR_TEXT_MAX];
    int64_t told_ms;
};

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

/* Something went wrong and is tried again. */
static void tell_trouble(struct node *node, struct trouble *trouble, const char *thread, struct err *err)
{
    if (strcmp(trouble->text, err->text) != 0 || clock_ms() - trouble->told_ms >= SAY_AGAIN_MS) {
        tell(node, "%s: %s", thread, err->text);
        snprintf(trouble->text, sizeof(trouble->text), "%s", err->text);
        trouble->told_ms = clock_ms();
    }
    *err = (struct err){0};
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
    int64_t until = clock_ms() + ms, left;
    uint64_t seen = node->wakes;
    while (!node->stop && (left = until - clock_ms()) > 0)
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
    start_check_cancel();
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
    if (!node->stop) /* after stop() nobody waits for a signal any more, and the next one ends the process */
        kill(getpid(), SIGTERM);
    pthread_mutex_unlock(&node->lock);
}

static bool is_fatal(const struct err *err)
{
    return err->code == ERR_IO || err->code == ERR_MEMORY || err->code == ERR_FORK;
}

/* ---- sync ---- */

static int run_syncer(struct node *node, struct store *store, const struct sync_options *options, struct err *err)
{
    struct syncer *syncer;
    int rc = syncer_new(store, options, &syncer, err);
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

/* About twice a second while others' logs are pulled without signing: time to ask about our own? */
static void check_is_due(void *ctx, const struct sync_report *report)
{
    struct node *node = ctx;
    (void)report;
    pthread_mutex_lock(&node->lock);
    if (node->syncer && clock_ms() >= node->check_ms)
        syncer_stop(node->syncer);
    pthread_mutex_unlock(&node->lock);
}

/*
 * Ask again and again until a peer has told how far our own logs are; pull others' logs meanwhile, whose relaying does not
 * depend on it. A fork of our own is no reason to end either: pulling proves it, and what is frozen is not asked about.
 */
static int wait_for_start_check(struct node *node, struct store *store, struct err *err)
{
    struct trouble trouble = {0};
    int64_t delay = START_CHECK_MS;
    while (!node->stop) {
        struct err unchecked = {0};
        struct sync_options pull = {.changed = wake, .progress = check_is_due, .ctx = node};
        int rc = start_check(store, node->options->alone, &unchecked);
        if (rc == 0)
            return start_check_note(store, err);
        if (node->stop)
            break;
        if (rc != ERR_STATE && rc != ERR_NET && rc != ERR_FORK) {
            *err = unchecked;
            return rc;
        }
        tell_trouble(node, &trouble, "nothing is signed yet", &unchecked);
        node->check_ms = clock_ms() + delay;
        delay = 2 * delay < START_CHECK_MAX_MS ? 2 * delay : START_CHECK_MAX_MS;
        rc = run_syncer(node, store, &pull, err);
        if (rc)
            return rc;
    }
    return 0;
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
        struct sync_options pull = {.may_sign = true, .changed = wake, .ctx = node};
        if (!rc && !node->stop)
            rc = run_syncer(node, store, &pull, &err);
        store_close(store);
    }
    if (rc)
        fail(node, "sync", &err);
    return NULL;
}

/* ---- index ---- */

struct following {
    struct node *node;
    struct store *store;
    struct index *index;
    struct trouble trouble;       /* with parcels */
    int64_t seq, reached, set_ms; /* reached: what came for few is counted apart (state/reach.h) */
    struct policing policing;
    struct receipting receipting;
    struct tending tending;
};

static int refresh_set(struct following *f, struct err *err)
{
    struct intel_set *set;
    if (clock_ms() - f->set_ms < SET_REFRESH_MS)
        return 0;
    struct intel_set_options options = {.store = f->store, .now_ms = now_ms()};
    int rc = intel_set_open(f->index, &options, &set, err);
    if (!rc)
        intel_set_close(set);
    f->set_ms = clock_ms();
    malloc_trim(0); /* compiling a million indicators left 60 MB with the allocator, much for a small machine */
    return rc;
}

/* A changed policy.conf: what it lets in now is folded below, what it asks for again the sync thread sees. */
static int follow_policy(struct node *node, struct following *f, struct err *err)
{
    struct policing_news news;
    int rc = policing_look(&f->policing, f->store, atomic_exchange(&node->reload, false), now_ms(), &news, err);
    if (news.text[0])
        tell(node, "%s", news.text);
    if (news.changed) {
        f->set_ms = INT64_MIN / 2;           /* what takes effect may be another */
        f->tending.parcels_ms = TENDING_NOW; /* and what comes in out of parcels */
        http_server_wake(node->server);
    }
    return rc;
}

static void tell_line(void *ctx, const char *line)
{
    tell(ctx, "%s", line);
}

static int follow_store(struct following *f, struct err *err)
{
    char generation[17];
    int64_t seq, reached;
    uint64_t folded;
    size_t erased;
    bool due = false;
    struct err closed = {0};
    int rc = store_seq(f->store, &seq, generation, err);
    if (!rc)
        rc = reach_count(f->store, &reached, err);
    bool is_new = !rc && (seq != f->seq || reached != f->reached);
    if (is_new) {
        rc = mirror_erase_queued(f->store, &erased, err);
        if (!rc)
            rc = index_update(f->index, f->store, 0, &folded, err);
        if (!rc) {
            f->seq = seq;
            f->reached = reached;
        }
    }
    if (!rc)
        rc = tending_look(&f->tending, is_new, &(struct tending_times){clock_ms(), now_ms()}, &closed, err);
    if (closed.code)
        tell_trouble(f->node, &f->trouble, "parcels", &closed);
    if (!rc)
        rc = receipting_look(&f->receipting, f->store, f->index, now_ms(), is_new, err);
    if (!rc && is_new)
        http_server_tell(f->node->server);
    /* Whoever erased and folded it, the sync thread or another command: the index says that there is text to wipe. */
    if (!rc)
        rc = index_scrub_due(f->index, &due, err);
    if (!rc && due) {
        rc = index_scrub(f->index, err);
        f->set_ms = INT64_MIN / 2; /* the sweep set may hold it, too */
    }
    return rc ? rc : refresh_set(f, err);
}

static void *index_thread(void *arg)
{
    struct node *node = arg;
    struct store_options options = {0};
    struct following f = {.node = node,
                          .seq = -1,
                          .set_ms = INT64_MIN / 2,
                          .receipting = {.tell = node->options->tell, .ctx = node->options->ctx}};
    struct trouble trouble = {0};
    struct err err = {0};
    uint64_t seen = 0;
    int rc = store_open(node->options->dir, &options, &f.store, &err);
    if (!rc) {
        rc = index_open(node->options->dir, &f.index, &err);
        f.tending = (struct tending){.store = f.store,
                                     .index = f.index,
                                     .tell = tell_line,
                                     .ctx = node,
                                     .parcels_ms = TENDING_NOW,
                                     .ceded_ms = TENDING_NOW};
        while (!rc && !node->stop) {
            rc = follow_policy(node, &f, &err);
            if (!rc)
                rc = follow_store(&f, &err);
            if (rc && !is_fatal(&err)) {
                tell_trouble(node, &trouble, "index", &err);
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

static bool feeds_stopped(void *ctx)
{
    return ((struct node *)ctx)->stop;
}

static int feed_done(void *ctx, const struct feed_report *report, struct err *err)
{
    (void)err;
    int public = (int)strcspn(report->feed.url, "?"); /* a key may stand behind it */
    if (report->outcome == FEED_FAILED)
        tell(ctx, "feed %.*s: %s; tried again later", public, report->feed.url, report->feed.reason);
    return 0;
}

/* A feed goes into our own log: signed only once the start check has passed (the sync thread notes it). */
static int run_feeds(struct node *node, struct store *store, struct index *index, struct err *err)
{
    size_t ran = 0;
    if (!start_check_noted(store))
        return 0;
    struct feed_options feeds = {.transport = &feed_http,
                                 .now_ms = now_ms(),
                                 .clock_ms = clock_ms,
                                 .stopped = feeds_stopped,
                                 .done = feed_done,
                                 .ctx = node};
    author_allow(store);
    int rc = feed_run_due(store, index, &feeds, &ran, err);
    if (ran)
        wake(node);
    return rc;
}

static void *feed_thread(void *arg)
{
    struct node *node = arg;
    struct store_options options = {0};
    struct store *store;
    struct index *index = NULL;
    struct trouble trouble = {0};
    struct err err = {0};
    int rc = store_open(node->options->dir, &options, &store, &err);
    if (!rc) {
        rc = index_open(node->options->dir, &index, &err);
        while (!rc && !node->stop) {
            rc = run_feeds(node, store, index, &err);
            if (rc && !is_fatal(&err)) {
                tell_trouble(node, &trouble, "feeds", &err);
                rc = 0;
            }
            if (confined_is_stale(&node->confined))
                tell(node,
                     "/etc/resolv.conf was replaced, and the sandbox hides the new one: restart the node, or names "
                     "of peers stay unknown");
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

/* ---- telling people ---- */

#define TELL_LOOK_MS 1000 /* between looks for notices that other processes have added */

static void *telling_thread(void *arg)
{
    struct node *node = arg;
    struct telling telling;
    struct trouble trouble = {0};
    struct err err = {0};
    uint64_t seen = 0;
    int rc = telling_open(&telling, node->options, &err);
    while (!rc && !node->stop) {
        rc = telling_look(&telling, node->server, now_ms(), clock_ms(), &err);
        if (rc && !is_fatal(&err)) {
            tell_trouble(node, &trouble, "notices", &err);
            rc = 0;
        }
        nap(node, &seen, TELL_LOOK_MS);
    }
    rc = telling_close(&telling, now_ms(), rc, &err);
    if (rc)
        fail(node, "notices", &err);
    return NULL;
}

/* ---- all together ---- */

/* SIGHUP: look at policy.conf, read the certificate again. */
static void reload(struct node *node)
{
    struct err err = {0};
    notify_reloading(&node->notify);
    node->reload = true;
    wake(node);
    if (node->options->tls_cert && http_server_reload(node->server, &err))
        tell(node, "the certificate stays as it was: %s", err.text);
    else if (node->options->tls_cert)
        tell(node, "certificate and key were read again");
    notify_send(&node->notify, "READY=1");
}

/* The locks that all threads share can be had: no proof that all is well, but that nothing hangs there. */
static void tell_alive(struct node *node)
{
    struct http_counters counters;
    pthread_mutex_lock(&node->lock);
    pthread_mutex_unlock(&node->lock);
    http_server_counters(node->server, &counters);
    notify_send(&node->notify, "WATCHDOG=1");
}

static void wait_for_signal(struct node *node, sigset_t *signals)
{
    int64_t ms = node->notify.watchdog_ms / 2;
    struct timespec often = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    int signal_number;
    do {
        signal_number = sigtimedwait(signals, NULL, ms > 0 ? &often : NULL);
        if (signal_number == SIGHUP)
            reload(node);
        else if (signal_number < 0 && errno == EAGAIN)
            tell_alive(node);
    } while (signal_number < 0 || signal_number == SIGHUP);
}

/* Whoever asks a second time does not want to wait: that ends the process at once, as safe as any crash. */
static void let_signals_end(sigset_t *signals)
{
    struct timespec none = {0};
    while (sigtimedwait(signals, NULL, &none) > 0)
        ;
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

static int run_threads(struct node *node, sigset_t *signals, struct err *err)
{
    static void *(*const bodies[])(void *) = {sync_thread, index_thread, feed_thread, telling_thread};
    pthread_t threads[sizeof(bodies) / sizeof(*bodies)];
    size_t started = 0;
    int rc = 0;
    for (; started < sizeof(bodies) / sizeof(*bodies); started++)
        if (pthread_create(&threads[started], NULL, bodies[started], node) != 0) {
            rc = err_set(err, ERR_MEMORY, "no thread could be started");
            break;
        }
    if (!rc) {
        node->options->ready(node->options->ctx, http_server_url(node->server));
        notify_send(&node->notify, "READY=1");
        wait_for_signal(node, signals);
        notify_send(&node->notify, "STOPPING=1");
    }
    stop(node);
    let_signals_end(signals);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    if (!rc && node->failed) {
        *err = node->failure;
        rc = err->code;
    }
    return rc;
}

/* For good, and before a thread exists. */
static int give_up_rights(void *ctx, struct err *err)
{
    struct node *node = ctx;
    char text[SANDBOX_TEXT_MAX];
    int rc = confine(node->options, &node->confined, err);
    if (rc)
        return rc;
    sandbox_describe(text);
    tell(node, "sandbox: %s", text);
    return serving_say(node->lock_fd, text, err);
}

static int open_oidc(struct node *node, struct err *err)
{
    const struct node_options *options = node->options;
    struct oidc_options oidc = {.dir = options->dir,
                                .issuer = options->oidc_issuer,
                                .client = options->oidc_client,
                                .base = options->oidc_base,
                                .tell = options->tell,
                                .tell_ctx = options->ctx};
    return options->oidc_issuer ? oidc_new(&oidc, &node->oidc, err) : 0;
}

/* The address that it listens at serves browsers if it is theirs, too. */
static int settle_oidc(struct node *node, struct err *err)
{
    if (!node->oidc || node->options->oidc_base)
        return 0;
    return oidc_set_base(node->oidc, http_server_url(node->server), err);
}

static int run(struct node *node, struct err *err)
{
    struct http_options http = {.dir = node->options->dir,
                                .listen = node->options->listen,
                                .endpoints = node->options->endpoints,
                                .endpoint_count = node->options->endpoint_count,
                                .tls_cert = node->options->tls_cert,
                                .tls_key = node->options->tls_key,
                                .trust_proxy = node->options->trust_proxy,
                                .insecure_sign_in = node->options->insecure_sign_in,
                                .tell = node->options->tell,
                                .tell_ctx = node->options->ctx,
                                .listening = give_up_rights,
                                .listening_ctx = node};
    sigset_t signals;
    int rc = open_oidc(node, err);
    if (rc)
        return rc;
    http.oidc = node->oidc;
    http.oidc_name = node->options->oidc_issuer;
    /* Blocked before any thread exists, so that all inherit it and only sigwait sees them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    rc = http_server_start(&http, &node->server, err);
    if (rc) {
        oidc_free(node->oidc);
        return rc;
    }
    route_metrics_server(node->server);
    rc = settle_oidc(node, err);
    if (!rc)
        rc = run_threads(node, &signals, err);
    route_metrics_server(NULL);
    http_server_stop(node->server);
    oidc_free(node->oidc);
    return rc;
}

int node_run(const struct node_options *options, struct err *err)
{
    struct node node = {.options = options};
    pthread_condattr_t monotonic;
    int rc = serving_begin(options->dir, &node.lock_fd, err);
    if (rc)
        return rc;
    pthread_mutex_init(&node.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&node.changed, &monotonic);
    notify_open(&node.notify);
    rc = run(&node, err);
    notify_close(&node.notify);
    pthread_cond_destroy(&node.changed);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_destroy(&node.lock);
    close(node.lock_fd);
    return rc;
}
