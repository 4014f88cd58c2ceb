#include "http/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "state/reach.h"

#define IDLE_MS 1000 /* between looks at connections' limits */

struct watch {
    struct store *store; /* the thread's own */
    pthread_t thread;
    unsigned request_ms;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    bool stopping, woken;
    unsigned waiting, waiting_max;
    uint64_t news;
    struct watch_waiter *waiters;
    struct watch_connection *connections;
};

int64_t watch_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the thread; the lock is held except where said ---- */

static void resume_due(struct watch *watch, int64_t seq, int64_t reached, int64_t now_ms)
{
    for (struct watch_waiter **at = &watch->waiters; *at;) {
        struct watch_waiter *waiter = *at;
        bool is_quiet =
            waiter->is_stream ? waiter->news == watch->news : seq <= waiter->seq && reached <= waiter->reached;
        if (!watch->stopping && is_quiet && now_ms < waiter->until_ms) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        watch->waiting--;
        MHD_resume_connection(waiter->connection); /* from here on the waiter may be gone */
    }
}

/* Shut down, not closed: the server's thread notices and closes; until then the descriptor is nobody else's. */
static void end_overdue(struct watch *watch, int64_t now_ms)
{
    for (struct watch_connection *at = watch->connections; at; at = at->next) {
        if (at->until_ms != 0 && now_ms >= at->until_ms) {
            (void)shutdown(at->fd, SHUT_RDWR);
            at->until_ms = 0;
        }
    }
}

static void sleep_until_needed(struct watch *watch)
{
    if (watch->woken || watch->stopping)
        return;
    if (!watch->waiters && !watch->connections) {
        pthread_cond_wait(&watch->changed, &watch->lock);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (watch->waiters ? WATCH_POLL_MS : IDLE_MS) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void *watch_run(void *arg)
{
    struct watch *watch = arg;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        sleep_until_needed(watch);
        watch->woken = false;
        int64_t seq = 0, reached = 0;
        if (watch->waiters) {
            char generation[17];
            struct err err;
            pthread_mutex_unlock(&watch->lock); /* nobody is held up by a look at the disk */
            if (store_seq(watch->store, &seq, generation, &err) < 0 || reach_count(watch->store, &reached, &err) < 0)
                seq = INT64_MAX; /* let the handlers find out what is wrong */
            pthread_mutex_lock(&watch->lock);
        }
        int64_t now_ms = watch_now_ms();
        resume_due(watch, seq, reached, now_ms);
        end_overdue(watch, now_ms);
    }
    resume_due(watch, 0, 0, 0);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* ---- for the others ---- */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

int watch_start(const char *dir, unsigned waiting_max, unsigned request_ms, struct watch **ret, struct err *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return err_memory(err);
    watch->waiting_max = waiting_max;
    watch->request_ms = request_ms;
    pthread_mutex_init(&watch->lock, NULL);
    init_condition(&watch->changed);
    struct store_options options = {.read_only = true};
    int rc = store_open(dir, &options, &watch->store, err);
    if (rc == 0 && pthread_create(&watch->thread, NULL, watch_run, watch) != 0)
        rc = err_set(err, ERR_STATE, "cannot start a thread");
    if (rc < 0)
        watch_free(watch);
    else
        *ret = watch;
    return rc;
}

void watch_stop(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    if (watch->store)
        store_close(watch->store);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void watch_wake(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->woken = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

void watch_tell(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->news++;
    watch->woken = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

uint64_t watch_news(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    uint64_t news = watch->news;
    pthread_mutex_unlock(&watch->lock);
    return news;
}

bool watch_wait(struct watch *watch, struct watch_waiter *waiter, int64_t ms)
{
    pthread_mutex_lock(&watch->lock);
    bool waits = !watch->stopping && watch->waiting < watch->waiting_max;
    if (waits) {
        MHD_suspend_connection(waiter->connection);
        waiter->until_ms = watch_now_ms() + ms;
        waiter->next = watch->waiters;
        watch->waiters = waiter;
        watch->waiting++;
        watch->woken = true; /* the change may have come between the handler's look and now */
        pthread_cond_signal(&watch->changed);
    }
    pthread_mutex_unlock(&watch->lock);
    return waits;
}

uint64_t watch_waiting(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    uint64_t waiting = watch->waiting;
    pthread_mutex_unlock(&watch->lock);
    return waiting;
}

struct watch_connection *watch_connected(struct watch *watch, int fd)
{
    struct watch_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->fd = fd;
    connection->until_ms = watch_now_ms() + watch->request_ms;
    pthread_mutex_lock(&watch->lock);
    connection->next = watch->connections;
    if (connection->next)
        connection->next->previous = connection;
    else
        pthread_cond_signal(&watch->changed);
    watch->connections = connection;
    pthread_mutex_unlock(&watch->lock);
    return connection;
}

void watch_closed(struct watch *watch, struct watch_connection *connection)
{
    if (!connection)
        return;
    pthread_mutex_lock(&watch->lock);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        watch->connections = connection->next;
    pthread_mutex_unlock(&watch->lock);
    free(connection);
}

void watch_limit(struct watch *watch, struct watch_connection *connection, unsigned ms)
{
    if (!connection)
        return;
    pthread_mutex_lock(&watch->lock);
    connection->until_ms = ms ? watch_now_ms() + ms : 0;
    pthread_mutex_unlock(&watch->lock);
}

void watch_next_request(struct watch *watch, struct watch_connection *connection)
{
    watch_limit(watch, connection, watch->request_ms);
}
