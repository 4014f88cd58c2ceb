#include <stdlib.h>

#include "connect/sync_internal.h"
#include "tlog/checkpoint.h"

#define AGAIN_MS 2000 /* between two times of asking for all payloads of a log that are lacking, doubled up to */
#define AGAIN_MAX_MS INT64_C(600000)

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
    job->do_collect = job->do_finish = job->bad_note = job->is_stinted = false;
    job->step = JOB_WAITING;
}

void job_free(struct job *job)
{
    job_reset(job);
    job_to(job, NULL);
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

static void source_put(struct job *job, int64_t peer, uint64_t size, bool check)
{
    struct source *source = source_of(job, peer);
    if (source) {
        source->size = size;
        source->check |= check;
    } else if (job->source_count < SYNC_SOURCES_MAX) {
        job->sources[job->source_count++] = (struct source){peer, size, check};
    }
}

static void source_drop(struct job *job, int64_t peer)
{
    struct source *source = source_of(job, peer);
    if (source)
        *source = job->sources[--job->source_count];
}

uint64_t job_announced(struct job *job)
{
    const struct source *source = source_of(job, job->peer->row.number);
    return source ? source->size : job->log.size;
}

static bool source_worth(struct job *job, const struct source *source)
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
    int code = payloads_wanted(job->sync, source->peer, &job->log, false, &from, &err);
    if (code < 0)
        sync_fatal(job->sync, &err);
    return code > 0;
}

/* Go on at whichever source has something, or end. */
static void job_go_on(struct job *job)
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
        job->again = job->retried = false;
        job->collect = job->sources[i].check && job->sources[i].size <= job->log.size;
        job_to(job, &job->peer->waiting);
        return;
    }
    job_free(job);
}

void job_leave_peer(struct job *job)
{
    job_reset(job);
    source_drop(job, job->peer->row.number);
    job_go_on(job);
}

void job_finished(struct job *job)
{
    struct log_slot *slot = &job->sync->slots[job->log.number];
    struct source *source = source_of(job, job->peer->row.number);
    if (job->again) {
        slot->fruitless = job->gained > 0 ? 0 : slot->fruitless + 1;
        int64_t delay = (int64_t)AGAIN_MS << (slot->fruitless < 10 ? slot->fruitless : 10);
        slot->again_after_ms = sync_clock_ms() + (delay < AGAIN_MAX_MS ? delay : AGAIN_MAX_MS);
    }
    job_reset(job);
    if (source && source->size <= job->target)
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
    int64_t due = sync->slots[log->number].again_after_ms;
    if (!again || sync->is_round || due <= sync_clock_ms())
        return true;
    later_add(sync, &(struct later){.due_ms = due, .peer = peer->row.number, .log = log->number, .size = log->size});
    return false;
}

struct job *job_add(struct sync *sync, struct sync_peer *peer, const struct log_info *log, uint64_t size, bool collect,
                    bool again)
{
    struct log_slot *slot = slot_of(sync, log->number);
    if (!slot || (sync->own_only && log->role != LOG_OWN) || hunt_ignores(sync, peer->row.number, log->number, size))
        return NULL;
    struct job *job = slot->job;
    if (job && job->peer == peer) {
        source_put(job, peer->row.number, size, false);
        return job;
    }
    if (job) {
        source_put(job, peer->row.number, size, collect || size > log->size);
        return job;
    }
    if (size <= log->size && !collect && !payloads_are_due(sync, peer, log, again))
        return NULL;
    job = job_new(sync, peer, log);
    if (!job)
        return NULL;
    job->collect = collect;
    job->again = again;
    source_put(job, peer->row.number, size, false);
    job_to(job, &peer->waiting);
    return job;
}

/* ---- checkpoints ---- */

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

static void pull_begin(struct job *job, uint64_t target)
{
    job->target = target;
    job->old_size = job->log.size;
    job->mixed = job->log.staged > job->log.size;
    if (job->log.staged > target) { /* a larger checkpoint that never came to its end */
        if (!job_unstage(job))
            return;
        job->log.staged = job->log.size;
        job->mixed = false;
    }
    job->step = JOB_ENTRIES;
    job->next = job->log.staged;
    if (job->next < target) {
        job_to(job, &job->peer->asking);
        return;
    }
    job->do_finish = true;
    job_to(job, &job->peer->settling);
    job_is_ready(job);
}

/* A key that a rotation has retired did sign: a stolen one, or a peer that never saw the rotation. Neither proof nor lie. */
static void checkpoint_refuse(struct job *job, const struct err *why)
{
    char reason[ERR_TEXT_MAX];
    snprintf(reason, sizeof(reason), "log %.150s: checkpoint: %.800s", job->log.origin, why->text);
    if (!hunt_worth(job)) {
        peer_lied(job->peer, reason);
        return;
    }
    peer_remark(job->peer, reason);
    hunt_ignore(job->sync, job->peer->row.number, job->log.number, job_announced(job));
    job_leave_peer(job);
}

/*
 * A longer version of our own log that none of its keys has signed: perhaps after a rotation by the recovery key, which
 * then is for the start check to fetch back; more likely invented. Staging what comes with it would keep us from
 * signing for as long as that peer likes.
 */
static bool job_may_pull(struct job *job)
{
    char reason[ERR_TEXT_MAX];
    if (!log_grows(&job->log))
        return false;
    if (job->log.role != LOG_OWN || job->log.size == 0 || job->sync->own_only || hunt_worth(job))
        return true;
    snprintf(reason, sizeof(reason), "log %.150s: a longer version of our own log, signed by a key that is not ours",
             job->log.origin);
    peer_remark(job->peer, reason);
    return false;
}

/* So that neither we nor `status` go on believing what it announced. */
static void source_correct(struct job *job, struct source *source, uint64_t size)
{
    struct err err = {0};
    source->size = size;
    if (sync_seen(job->sync, source->peer, job->log.number, size, &err) < 0)
        sync_fatal(job->sync, &err);
}

/* It is a good one: pull what is new, or collect its cosignatures. */
static void checkpoint_follow(struct job *job, enum mirror_result result, uint64_t size)
{
    struct source *source = source_of(job, job->peer->row.number);
    peer_remark_over(job->peer, &job->log);
    if (source && source->size > size) /* it announced more than it has: nobody asks for that again and again */
        source_correct(job, source, size);
    if (result == MIRROR_ADVANCE && job_may_pull(job)) {
        pull_begin(job, size);
    } else if (result == MIRROR_ADVANCE) {
        hunt_ignore(job->sync, job->peer->row.number, job->log.number, job_announced(job));
        job_leave_peer(job);
    } else if (size == job->log.size) {
        job->target = size;
        job->do_collect = true;
        job_to(job, &job->peer->settling);
        job_is_ready(job);
    } else { /* behind us: no crime */
        source_drop(job, job->peer->row.number);
        job_go_on(job);
    }
}

static void checkpoint_take(struct job *job)
{
    struct err err = {0};
    enum mirror_result result = MIRROR_BEHIND;
    struct note note;
    struct checkpoint checkpoint = {0};
    char reason[ERR_TEXT_MAX];
    struct span text = buf_view(&job->note);
    int code = store_log(job->sync->store, job->log.number, &job->log, &err); /* others may have written meanwhile */
    if (code == 0)
        code = mirror_judge(job->sync->store, &job->log, text, &result, &err);
    if (code == 0)
        code = note_parse(text, &note, &err);
    if (code == 0)
        code = checkpoint_parse(note.text, &checkpoint, &err);
    if (sync_error_is_ours(code)) {
        sync_fatal(job->sync, &err);
    } else if (code < 0) {
        checkpoint_refuse(job, &err);
    } else if (result == MIRROR_FORK_SAME || result == MIRROR_FORK_OLD) {
        snprintf(reason, sizeof(reason), "log %.150s: two signed checkpoints contradict each other", job->log.origin);
        hunt_add(job->sync, job, reason);
    } else {
        checkpoint_follow(job, result, checkpoint.size);
    }
}

static void on_checkpoint(void *ctx, struct fetch_reply *reply)
{
    struct job *job = ctx;
    struct sync_peer *peer = job->peer;
    char reason[ERR_TEXT_MAX];
    job->fetch = NULL;
    sync_account(peer, reply);
    if (reply->code == 0 && reply->status == 200) {
        struct buf mine = job->note;
        job->note = reply->body;
        reply->body = mine;
        checkpoint_take(job);
        return;
    }
    if (reply->code == 0 && (reply->status == 404 || reply->status == 410)) {
        struct source *source = source_of(job, peer->row.number);
        if (source)
            source_correct(job, source, 0);
        job_leave_peer(job); /* it does not serve the log any more */
        return;
    }
    if (reply->code < 0)
        snprintf(reason, sizeof(reason), "log %.150s: checkpoint: %.800s", job->log.origin, reply->err.text);
    else
        snprintf(reason, sizeof(reason), "log %.150s: checkpoint: status %d", job->log.origin, reply->status);
    if (reply->code == ERR_LIMIT)
        peer_lied(peer, reason);
    else
        peer_failed(peer, reason, reply->retry_after_s);
}

/* Begin at the job's peer. */
static int job_begin(struct job *job, struct err *err)
{
    struct sync_peer *peer = job->peer;
    struct source *source = source_of(job, peer->row.number);
    char path[128];
    int code = store_log(job->sync->store, job->log.number, &job->log, err);
    if (code < 0)
        return code;
    if (!log_goes_on(&job->log) || !source) {
        job_free(job);
        return 0;
    }
    job->target = job->log.size;
    job->gained = 0;
    if (source->size <= job->log.size && !job->collect) {
        payloads_begin(job);
        return 0;
    }
    snprintf(path, sizeof(path), "/logs/%s/checkpoint", job->log.hex);
    struct fetch_request request = {.body_max = NOTE_MAX, .done = on_checkpoint, .ctx = job};
    job->step = JOB_CHECKPOINT;
    job_to(job, &peer->settling);
    return sync_ask(peer, path, &request, &job->fetch, err);
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
    while (code == 0 && sync->fatal == 0 && peer_usable(peer) && peer->in_flight < SYNC_WINDOW) {
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
