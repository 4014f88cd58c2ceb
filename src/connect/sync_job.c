#include <stdlib.h>

#include "connect/sync_internal.h"

#define CROWDED_MS 2000 /* until a source for which there was no room is put in again */

static struct log_slot *slot_of(struct sync *sync, int64_t number)
{
    if ((size_t)number >= sync->slot_count) {
        size_t count = sync->slot_count ? sync->slot_count * 2 : 256;
        while (count <= (size_t)number)
            count *= 2;
        struct log_slot *grown = realloc(sync->slots, count * sizeof(*grown));
        if (!grown) {
            struct err err;
            err_memory(&err);
            sync_fatal(sync, &err);
            return NULL;
        }
        memset(grown + sync->slot_count, 0, (count - sync->slot_count) * sizeof(*grown));
        sync->slots = grown;
        sync->slot_count = count;
    }
    return &sync->slots[number];
}

bool job_head_came_from(struct sync *sync, const struct log_info *log, int64_t peer)
{
    const struct log_slot *slot = slot_of(sync, log->number);
    return slot && slot->head_from == peer && slot->head_size == log->size;
}

/* ---- lists ---- */

void job_to(struct job *job, struct job_list *list)
{
    if (job->list) {
        TAILQ_REMOVE(job->list, job, link);
        if (job->list == &job->peer->waiting)
            job->peer->waiting_count--;
    }
    job->list = list;
    if (!list)
        return;
    TAILQ_INSERT_TAIL(list, job, link);
    if (list == &job->peer->waiting)
        job->peer->waiting_count++;
}

void job_is_ready(struct job *job)
{
    if (job->is_ready)
        return;
    job->is_ready = true;
    job->ready_ms = sync_clock_ms();
    TAILQ_INSERT_TAIL(&job->sync->ready, job, ready_link);
}

static void job_unready(struct job *job)
{
    if (job->is_ready)
        TAILQ_REMOVE(&job->sync->ready, job, ready_link);
    job->is_ready = false;
}

/* Forget what is under way and what has arrived. */
static void job_reset(struct job *job)
{
    if (job->fetch) {
        fetch_cancel(job->fetch);
        job->peer->in_flight--;
        job->fetch = NULL;
    }
    pieces_free(job);
    job_unready(job);
    buf_clear(&job->note);
    job->do_collect = job->do_finish = job->bad_note = job->is_stinted = job->is_broken = job->is_yielded = false;
    job->asker = 0;
    job->step = JOB_WAITING;
}

void job_free(struct job *job)
{
    job_reset(job);
    job_to(job, NULL);
    for (size_t i = 0; i < job->source_count; i++)
        peer_owes(job->sync, job->sources[i].peer, -1);
    job->sync->slots[job->log.number].job = NULL;
    job->sync->job_count--;
    buf_done(&job->note);
    free(job);
}

/* ---- sources ---- */

static struct source *source_of(struct job *job, int64_t peer)
{
    for (size_t i = 0; i < job->source_count; i++)
        if (job->sources[i].peer == peer)
            return &job->sources[i];
    return NULL;
}

static void source_put(struct job *job, int64_t peer, uint64_t size, bool check, bool again)
{
    struct source *source = source_of(job, peer);
    if (source) { /* what it told before may come again behind a newer line: peers_rescan */
        source->size = source->size < size ? size : source->size;
        source->check |= check;
        source->again |= again;
    } else if (job->source_count < SYNC_SOURCES_MAX) {
        job->sources[job->source_count++] = (struct source){peer, size, check, again};
        peer_owes(job->sync, peer, 1);
    } else {
        later_add(job->sync, &(struct later){.due_ms = sync_clock_ms() + CROWDED_MS,
                                             .peer = peer,
                                             .log = job->log.number,
                                             .size = size,
                                             .collect = check,
                                             .again = again});
    }
}

static void source_drop(struct job *job, int64_t peer)
{
    struct source *source = source_of(job, peer);
    if (!source)
        return;
    *source = job->sources[--job->source_count];
    peer_owes(job->sync, peer, -1);
}

uint64_t job_announced(struct job *job)
{
    const struct source *source = source_of(job, job->peer->row.number);
    return source ? source->size : job->log.size;
}

void job_correct(struct job *job, uint64_t size)
{
    struct source *source = source_of(job, job->peer->row.number);
    struct err err = {0};
    if (!source || source->size <= size)
        return;
    source->size = size;
    if (sync_seen(job->sync, source->peer, job->log.number, size, &err) < 0)
        sync_fatal(job->sync, &err);
}

/* Nothing but payloads may be wanted: is any, and is it time? */
static bool payloads_are_due(struct sync *sync, struct sync_peer *peer, const struct log_info *log, bool again)
{
    struct err err = {0};
    uint64_t from;
    int code = payloads_wanted(sync, peer->row.number, log, again, &from, &err);
    if (code < 0)
        sync_fatal(sync, &err);
    if (code <= 0)
        return false;
    int64_t due = pace_due(&sync->slots[log->number], peer->row.number);
    if (!again || sync->is_round || due <= sync_clock_ms())
        return true;
    struct later later = {
        .due_ms = due, .peer = peer->row.number, .log = log->number, .size = log->size, .again = true};
    later_add(sync, &later);
    return false;
}

static bool source_worth(struct job *job, struct source *source)
{
    struct sync_peer *peer = peer_by_number(job->sync, source->peer);
    struct err err = {0};
    uint64_t from;
    if (!peer || !peer_usable(peer) || hunt_ignores(job->sync, source->peer, job->log.number, source->size))
        return false;
    if (source->check || (source->size > job->log.size && log_grows(&job->log)))
        return true;
    if (source->size != job->log.size)
        return false;
    source->again = source->again && payloads_are_due(job->sync, peer, &job->log, true);
    if (source->again)
        return true;
    int code = payloads_wanted(job->sync, source->peer, &job->log, false, &from, &err);
    if (code < 0)
        sync_fatal(job->sync, &err);
    return code > 0;
}

bool job_has_other(struct job *job)
{
    bool found = false;
    for (size_t i = 0; !found && i < job->source_count; i++)
        found = job->sources[i].peer != job->peer->row.number && source_worth(job, &job->sources[i]);
    return found;
}

/* Go on at whichever source has something, or end. */
void job_go_on(struct job *job)
{
    struct err err = {0};
    if (store_log(job->sync->store, job->log.number, &job->log, &err) < 0) {
        job_free(job);
        return;
    }
    for (size_t i = 0; log_goes_on(&job->log) && i < job->source_count; i++) {
        if (!source_worth(job, &job->sources[i]))
            continue;
        job_reset(job);
        job_to(job, NULL);
        job->peer = peer_by_number(job->sync, job->sources[i].peer);
        job->again = job->sources[i].again;
        job->sources[i].again = job->retried = false;
        job->collect = job->sources[i].check && job->sources[i].size <= job->log.size;
        job->sources[i].check = false;
        turn_begin(job);
        job_to(job, &job->peer->waiting);
        return;
    }
    job_free(job);
}

void job_yield(struct job *job)
{
    struct source *source = source_of(job, job->peer->row.number);
    if (source) {
        struct source last = *source;
        last.again |= job->again;
        last.check |= job->collect;
        *source = job->sources[job->source_count - 1];
        job->sources[job->source_count - 1] = last;
    }
    job_reset(job);
    job_go_on(job);
}

void job_leave_peer(struct job *job)
{
    job_reset(job);
    source_drop(job, job->peer->row.number);
    job_go_on(job);
}

void job_finished(struct job *job)
{
    struct source *source = source_of(job, job->peer->row.number);
    struct log_slot *slot = &job->sync->slots[job->log.number];
    bool was_asked = job->again && job->step == JOB_PAYLOADS; /* else nothing may have been asked for */
    if (was_asked && job->gained == 0)
        pace_done(slot, job->peer->row.number);
    else if (job->again || !payloads_lacking(job->sync, &job->log))
        paces_free(slot);
    job_reset(job);
    if (source && source->size <= job->target && !source->again && !source->check)
        source_drop(job, job->peer->row.number);
    job_go_on(job);
}

void job_restart(struct job *job)
{
    if (!peer_usable(job->peer)) { /* a job that waits for such a peer would keep the others from the log */
        job_leave_peer(job);
        return;
    }
    job_reset(job);
    turn_begin(job);
    job_to(job, &job->peer->waiting);
}

/* ---- putting in ---- */

static struct job *job_new(struct sync *sync, struct sync_peer *peer, const struct log_info *log)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job) {
        struct err err;
        err_memory(&err);
        sync_fatal(sync, &err);
        return NULL;
    }
    job->sync = sync;
    job->peer = peer;
    job->log = *log;
    buf_init(&job->note, NOTE_MAX);
    TAILQ_INIT(&job->pieces);
    sync->slots[log->number].job = job;
    sync->job_count++;
    return job;
}

struct job *job_add(struct sync *sync, struct sync_peer *peer, const struct log_info *log, uint64_t size, bool collect,
                    bool again)
{
    struct log_slot *slot = slot_of(sync, log->number);
    if (!slot || (sync->own_only && log->role != LOG_OWN) || hunt_ignores(sync, peer->row.number, log->number, size))
        return NULL;
    struct job *job = slot->job;
    if (job && job->peer == peer) { /* a checkpoint that was asked for may be an older one than the line is about */
        bool is_to_come = job->step == JOB_WAITING && job->collect;
        source_put(job, peer->row.number, size, collect && !is_to_come, again);
        return job;
    }
    if (job) {
        source_put(job, peer->row.number, size, collect || size > log->size, again);
        return job;
    }
    if (size <= log->size && !collect && !payloads_are_due(sync, peer, log, again))
        return NULL;
    job = job_new(sync, peer, log);
    if (!job)
        return NULL;
    job->collect = collect;
    job->again = again && size <= log->size;
    turn_begin(job);
    source_put(job, peer->row.number, size, false, again && !job->again); /* after what is new */
    job_to(job, &peer->waiting);
    return job;
}

/* ---- what does not hold, and whose turn it is ---- */

bool job_unstage(struct job *job)
{
    struct sync *sync = job->sync;
    struct err err = {0};
    if (sync_begin(sync, &err) < 0 || store_unstage(sync->store, job->log.number, &err) < 0 ||
        store_commit(sync->store, &err) < 0) {
        sync_fatal(sync, &err);
        return false;
    }
    peers_recount(sync);
    return true;
}

void job_reject(struct job *job, const struct err *why)
{
    struct sync *sync = job->sync;
    struct sync_peer *peer = job->peer;
    char reason[ERR_TEXT_MAX];
    snprintf(reason, sizeof(reason), "log %.150s: %.800s", job->log.origin, why->text);
    if (why->code == ERR_STATE) { /* not now, by our own doing; our own log grew while we collected: they will tell */
        if (!job->do_collect)
            sync_note_failure(sync, peer->row.url, false, reason);
        job_free(job);
        return;
    }
    if (job->step != JOB_ENTRIES) {
        peer_lied(peer, reason);
        return;
    }
    if (!job_unstage(job))
        return;
    if (job->mixed && !job->retried) {
        job->retried = true;
        job_restart(job);
    } else if (hunt_worth(job)) {
        hunt_add(sync, job, reason);
    } else {
        peer_lied(peer, reason);
    }
}

/* Begin at the job's peer. */
static int job_begin(struct job *job, struct err *err)
{
    struct sync_peer *peer = job->peer;
    struct source *source = source_of(job, peer->row.number);
    int code = store_log(job->sync->store, job->log.number, &job->log, err);
    if (code < 0)
        return code;
    if (!log_goes_on(&job->log) || !source) {
        job_free(job);
        return 0;
    }
    job->target = job->log.size;
    job->gained = 0;
    job->stalls = 0;
    if (source->size <= job->log.size && !job->collect) {
        payloads_begin(job);
        return 0;
    }
    return checkpoint_ask(job, err);
}

/* Whose turn it is to ask for something. */
static struct job *job_asking(const struct sync_peer *peer)
{
    struct job *job = TAILQ_FIRST(&peer->asking);
    while (job && !piece_has_room(job))
        job = TAILQ_NEXT(job, link);
    return job;
}

void peer_pump(struct sync_peer *peer)
{
    struct sync *sync = peer->sync;
    struct err err = {0};
    int code = 0;
    while (code == 0 && sync->fatal == 0 && peer_usable(peer) && peer->in_flight < peer->window) {
        struct job *job = job_asking(peer);
        if (job) {
            code = piece_ask_next(job, &err);
            continue;
        }
        job = TAILQ_FIRST(&peer->waiting);
        if (!job || !TAILQ_EMPTY(&peer->asking)) /* those that wait for room come first */
            return;
        code = job_begin(job, &err); /* NOLINT(clang-analyzer-unix.Malloc): a freed job has left its list */
    }
    if (code < 0)
        sync_fatal(sync, &err);
}
