#include "connect/sync_internal.h"
#include "tlog/checkpoint.h"

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

/* It is a good one: pull what is new, or collect its cosignatures. */
static void checkpoint_follow(struct job *job, enum mirror_result result, uint64_t size)
{
    bool has_grown = job_announced(job) > job->promised; /* while this checkpoint was under way */
    peer_remark_over(job->peer, &job->log);
    if (!has_grown)
        job_correct(job, size);
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
    } else if (has_grown) {
        job_go_on(job);
    } else { /* behind us: no crime */
        job_leave_peer(job);
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

/* It does not serve the log any more; or not yet: what it has announced since we asked is for the next time. */
static void checkpoint_gone(struct job *job)
{
    if (job_announced(job) > job->promised) {
        job_go_on(job);
        return;
    }
    job_correct(job, 0);
    job_leave_peer(job);
}

static void on_checkpoint(void *ctx, struct fetch_reply *reply)
{
    struct job *job = ctx;
    struct sync_peer *peer = job->peer;
    char reason[ERR_TEXT_MAX];
    struct err err = {0};
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
        checkpoint_gone(job);
        return;
    }
    if (peer_is_heard(peer, reply) && ++job->stalls <= SYNC_STALLS_MAX) {
        if (checkpoint_ask(job, &err) < 0)
            sync_fatal(job->sync, &err);
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

int checkpoint_ask(struct job *job, struct err *err)
{
    char path[128];
    snprintf(path, sizeof(path), "/logs/%s/checkpoint", job->log.hex);
    struct fetch_request request = {.body_max = NOTE_MAX, .done = on_checkpoint, .ctx = job};
    job->step = JOB_CHECKPOINT;
    job->promised = job_announced(job);
    job_to(job, &job->peer->settling);
    return sync_ask(job->peer, path, &request, &job->fetch, err);
}
