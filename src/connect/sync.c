#include "connect/sync.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"
#include "connect/fork_hunt.h"
#include "connect/sync_internal.h"
#include "index/index.h"

#define PROGRESS_MS 500
#define SLEEP_MAX_MS 500  /* peers whose back-off ends are looked for as often */
#define SLEEP_READY_MS 50 /* something waits for its commit */

int64_t sync_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sync_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool sync_error_is_ours(int code)
{
    return code == ERR_IO || code == ERR_MEMORY;
}

void sync_fatal(struct sync *sync, const struct err *err)
{
    if (sync->fatal != 0)
        return;
    sync->fatal = err->code;
    sync->fatal_err = *err;
}

bool sync_again(struct sync *sync, int code)
{
    return code == ERR_STATE && !sync->is_round && !atomic_load(&sync->stop);
}

int sync_begin(struct sync *sync, struct err *err)
{
    int code;
    do
        code = store_begin(sync->store, err);
    while (sync_again(sync, code));
    return code;
}

void sync_note_failure(struct sync *sync, const char *url, bool set_aside, const char *reason)
{
    struct sync_report *report = &sync->report;
    if (report->failure_count < SYNC_FAILURES_MAX) {
        struct sync_failure *failure = &report->failures[report->failure_count];
        snprintf(failure->url, sizeof(failure->url), "%s", url);
        text_escape_into(failure->reason, sizeof(failure->reason), span_str(reason));
        failure->set_aside = set_aside;
    }
    report->failure_count++;
}

/* ---- totals of the process ---- */

static pthread_mutex_t totals_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sync_report totals;

static void publish(struct sync *sync)
{
    const struct sync_report *now = &sync->report, *was = &sync->published;
    pthread_mutex_lock(&totals_lock);
    totals.peers = now->peers;
    totals.reached += now->reached - was->reached;
    totals.logs += now->logs - was->logs;
    totals.entries += now->entries - was->entries;
    totals.payloads += now->payloads - was->payloads;
    totals.restricted += now->restricted - was->restricted;
    totals.bytes_in += now->bytes_in - was->bytes_in;
    totals.bytes_out += now->bytes_out - was->bytes_out;
    totals.requests += now->requests - was->requests;
    totals.collected += now->collected - was->collected;
    totals.cosigned += now->cosigned - was->cosigned;
    totals.listed += now->listed - was->listed;
    totals.forks += now->forks - was->forks;
    totals.healed += now->healed - was->healed;
    totals.erased += now->erased - was->erased;
    totals.commits += now->commits - was->commits;
    totals.failure_count += now->failure_count - was->failure_count;
    pthread_mutex_unlock(&totals_lock);
    sync->published = sync->report;
}

void sync_totals(struct sync_report *ret)
{
    pthread_mutex_lock(&totals_lock);
    *ret = totals;
    pthread_mutex_unlock(&totals_lock);
}

/* ---- the loop ---- */

int sync_init(struct sync *sync, struct store *store, const struct sync_options *options, struct err *err)
{
    *sync = (struct sync){.store = store, .options = *options};
    if (sync->options.mode == 0)
        sync->options.mode = MODE_FULL;
    if (sync->options.wait_s == 0)
        sync->options.wait_s = 30;
    TAILQ_INIT(&sync->ready);
    return fetcher_new(&sync->fetcher, err);
}

void sync_done(struct sync *sync)
{
    hunts_done(sync);
    peers_free(sync);
    askers_free(sync);
    if (sync->index)
        index_close(sync->index);
    fetcher_free(sync->fetcher);
    for (size_t i = 0; i < sync->slot_count; i++)
        paces_free(&sync->slots[i]);
    free(sync->slots);
    free(sync->seen);
    free(sync->later);
}

static void tell(struct sync *sync, int64_t now)
{
    if (sync->is_changed && sync->options.changed)
        sync->options.changed(sync->options.ctx);
    sync->is_changed = false;
    if (now - sync->told_ms < PROGRESS_MS)
        return;
    sync->told_ms = now;
    publish(sync);
    if (sync->options.progress)
        sync->options.progress(sync->options.ctx, &sync->report);
}

/* Requests that will bring something to commit: polls aside. */
static unsigned pulls_in_flight(const struct sync *sync)
{
    unsigned count = 0;
    for (size_t i = 0; i < sync->peer_count; i++)
        count += sync->peers[i]->in_flight;
    return count;
}

static bool peers_are_dirty(const struct sync *sync)
{
    for (size_t i = 0; i < sync->peer_count; i++)
        if (sync->peers[i]->dirty)
            return true;
    return false;
}

static bool flush_is_due(const struct sync *sync, int64_t now)
{
    const struct job *first = TAILQ_FIRST(&sync->ready);
    bool idle = pulls_in_flight(sync) == 0;
    if (sync->seen_count >= SYNC_SEEN_MAX) /* one slow answer may keep us from ever being idle */
        return true;
    if (!first)
        return idle && (sync->seen_count > 0 || peers_are_dirty(sync));
    return idle || sync->ready_bytes >= SYNC_FLUSH_BYTES || now - first->ready_ms >= SYNC_FLUSH_MS;
}

static bool round_is_over(const struct sync *sync)
{
    if (sync->job_count > 0 || sync->later_count > 0 || sync->seen_count > 0 || !hunts_idle(sync) ||
        peers_are_dirty(sync))
        return false;
    for (size_t i = 0; i < sync->peer_count; i++) {
        const struct sync_peer *peer = sync->peers[i];
        if (peer->in_flight > 0 || peer->poll)
            return false;
        if (!sync->pull_only && peer_usable(peer) && !peer->polled)
            return false;
    }
    return true;
}

static bool over_budget(const struct sync *sync)
{
    return sync->is_round && sync->options.bytes_max > 0 && sync->report.bytes_in >= sync->options.bytes_max;
}

static void pump(struct sync *sync)
{
    for (size_t i = 0; i < sync->peer_count; i++)
        peer_pump(sync->peers[i]);
}

/* How long the loop may sleep when no answer comes: until something is due. */
static unsigned sleep_ms(const struct sync *sync, int64_t now)
{
    int64_t ms = TAILQ_EMPTY(&sync->ready) && sync->later_count == 0 ? SLEEP_MAX_MS : SLEEP_READY_MS;
    for (size_t i = 0; !sync->is_round && i < sync->peer_count; i++) {
        const struct sync_peer *peer = sync->peers[i];
        int64_t left = peer->poll_after_ms - now;
        if (!peer->poll && peer_usable(peer) && left < ms)
            ms = left > 1 ? left : 1;
    }
    return (unsigned)ms;
}

static int loop_turn(struct sync *sync, struct err *err)
{
    int64_t now = sync_clock_ms();
    int code = 0;
    if (!sync->is_round && (now - sync->refreshed_ms >= SYNC_REFRESH_MS || atomic_exchange(&sync->look, false)))
        code = peers_load(sync, err);
    if (code == 0)
        code = hunts_run(sync, err);
    if (code < 0)
        return code;
    later_due(sync);
    turns_end(sync);
    if (!sync->pull_only)
        peers_poll(sync);
    pump(sync);
    if (!flush_is_due(sync, now))
        code = fetcher_run(sync->fetcher, sleep_ms(sync, sync_clock_ms()), err);
    pump(sync); /* only when there is nothing more to ask for is a small commit worth its sync */
    if (code == 0 && flush_is_due(sync, sync_clock_ms()))
        code = sync_flush(sync, err);
    tell(sync, now);
    return code;
}

int sync_loop(struct sync *sync, struct err *err)
{
    int code = 0;
    while (code == 0 && sync->fatal == 0 && !atomic_load(&sync->stop) && !over_budget(sync)) {
        code = loop_turn(sync, err);
        if (sync->is_round && round_is_over(sync))
            break;
    }
    if (code == 0 && sync->fatal != 0) {
        *err = sync->fatal_err;
        code = sync->fatal;
    }
    for (size_t i = 0; code == 0 && i < sync->peer_count; i++)
        peer_break(sync->peers[i]);
    if (code == 0 && (!TAILQ_EMPTY(&sync->ready) || sync->seen_count > 0))
        code = sync_flush(sync, err); /* what has arrived is not thrown away */
    for (size_t i = 0; code == 0 && i < sync->peer_count; i++)
        if (sync->peers[i]->dirty || sync->peers[i]->cursor_late || sync->peers[i]->new_requests > 0)
            code = peer_save(sync->peers[i], err);
    if (code == ERR_STATE && atomic_load(&sync->stop))
        return 0; /* another writer is busy: what has arrived comes again */
    sync->told_ms = 0;
    tell(sync, sync_clock_ms());
    return code;
}

/* ---- a round ---- */

int sync_round(struct store *store, const struct sync_options *options, struct sync_report *report, struct err *err)
{
    struct sync *sync = malloc(sizeof(*sync));
    if (!sync)
        return err_memory(err);
    int code = sync_init(sync, store, options, err);
    if (code < 0) {
        free(sync);
        return code;
    }
    sync->is_round = true;
    if (options->may_sign)
        code = fork_tell_untold(store, sync_now_ms(), err);
    if (code == 0)
        code = peers_load(sync, err);
    if (code == 0 && options->only && sync->report.peers == 0)
        code = err_set(err, ERR_NOTFOUND, "no such peer: %s", options->only);
    if (code == 0)
        code = peers_rescan(sync, NULL, err);
    if (code == 0)
        code = sync_loop(sync, err);
    *report = sync->report;
    sync_done(sync);
    free(sync);
    return code;
}

/* ---- the running node ---- */

struct syncer {
    struct sync sync;
};

int syncer_new(struct store *store, const struct sync_options *options, struct syncer **ret, struct err *err)
{
    struct syncer *syncer = malloc(sizeof(*syncer));
    if (!syncer)
        return err_memory(err);
    int code = sync_init(&syncer->sync, store, options, err);
    if (code < 0) {
        free(syncer);
        return code;
    }
    *ret = syncer;
    return 0;
}

void syncer_free(struct syncer *syncer)
{
    if (!syncer)
        return;
    sync_done(&syncer->sync);
    free(syncer);
}

int syncer_run(struct syncer *syncer, struct err *err)
{
    struct sync *sync = &syncer->sync;
    int code = sync->options.may_sign ? fork_tell_untold(sync->store, sync_now_ms(), err) : 0;
    if (code == 0)
        code = peers_load(sync, err);
    if (code == 0)
        code = peers_rescan(sync, NULL, err);
    return code < 0 ? code : sync_loop(sync, err);
}

void syncer_stop(struct syncer *syncer)
{
    atomic_store(&syncer->sync.stop, true);
    fetcher_wake(syncer->sync.fetcher);
}

void syncer_wake(struct syncer *syncer)
{
    atomic_store(&syncer->sync.look, true);
    fetcher_wake(syncer->sync.fetcher);
}
