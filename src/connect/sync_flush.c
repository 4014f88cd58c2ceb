#include "base/arena.h"
#include "connect/entering.h"
#include "connect/fork_hunt.h"
#include "connect/succession.h"
#include "connect/sync_internal.h"

#define RECORD_ARENA_MAX (1u << 20) /* bytes: header lines of one record */

/* What one commit did, counted only after it. */
struct flushed {
    uint64_t entries, payloads, restricted, collected;
};

/* A job cannot be committed: the transaction is rolled back, the job rejected, the others tried again. */
struct refusal {
    struct job *job;
    bool restart; /* not the peer's doing: somebody else wrote to the log meanwhile */
    bool unstage; /* what was begun cannot come to its end: it takes room in a quota for nothing */
    struct err err;
};

/* Is everything asked for, and here? */
static bool job_is_complete(const struct job *job)
{
    const struct piece *piece;
    TAILQ_FOREACH(piece, &job->pieces, link)
    if (!piece_is_here(piece))
        return false;
    return job->next >= job->target;
}

static uint64_t arrived_bytes(const struct job *job)
{
    uint64_t bytes = 0;
    for (const struct piece *piece = TAILQ_FIRST(&job->pieces); piece_is_here(piece); piece = TAILQ_NEXT(piece, link))
        bytes += piece->body.len;
    return bytes;
}

/* ---- within the transaction ---- */

static int flush_seen(struct sync *sync, struct err *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < sync->seen_count; i++) {
        const struct seen *seen = &sync->seen[i];
        code = peer_log_seen(sync->store, seen->peer, seen->log, seen->size, err);
    }
    for (size_t i = 0; code == 0 && i < sync->peer_count; i++)
        if (sync->peers[i]->dirty && (code = peer_save(sync->peers[i], err)) == 0)
            code = unheard_save(sync->peers[i], err);
    return code;
}

static int flush_entries(struct job *job, struct refusal *refusal)
{
    struct sync *sync = job->sync;
    struct err *err = &refusal->err;
    struct log_info log;
    struct piece *piece = TAILQ_FIRST(&job->pieces);
    int code = store_log(sync->store, job->log.number, &log, err);
    uint64_t staged = piece ? piece->from : job->target;
    if (code == 0 && (log.staged != staged || log.size != job->old_size)) {
        refusal->restart = true;
        return err_set(err, ERR_STATE, "written to by another process");
    }
    if (code == 0 && !log_grows(&log))
        return err_set(err, ERR_STATE, "forked: it is not advanced");
    if (code == 0 && !peer_quota_holds(sync, &log, arrived_bytes(job))) {
        refusal->unstage = true;
        return err_set(err, ERR_STATE, "its peer's quota is used up");
    }
    for (; code == 0 && piece_is_here(piece); piece = TAILQ_NEXT(piece, link)) {
        uint64_t count = 0;
        code = mirror_stage(sync->store, log.number, buf_view(&piece->body), &count, err);
        if (code == 0 && count != piece->to - piece->from)
            code = err_set(err, ERR_SYNTAX, "%llu entries where %llu were asked for", (unsigned long long)count,
                           (unsigned long long)(piece->to - piece->from));
    }
    if (code == 0 && job_is_complete(job))
        code = mirror_finish(sync->store, log.number, buf_view(&job->note), err);
    return code;
}

/*
 * Is this one to be kept? What is not for everybody and for nobody here either was not meant for us: as good as a hole. Of
 * the rest policy decides, whatever its marking.
 */
static int flush_choose(struct job *job, struct entering *entering, struct payload_new *io, struct arena *arena,
                        bool *ret, struct err *err)
{
    struct record record;
    struct err unread = {0};
    arena_clear(arena);
    *ret = false;
    int code = record_parse(io->payload, arena, &record, &unread);
    if (sync_error_is_ours(code))
        return err_set(err, code, "%s", unread.text);
    if (code < 0)
        return entering_no_record(entering, &job->log, io, err);
    bool is_meant = io->clear = record.tlp == TLP_CLEAR;
    code = is_meant ? 0 : asker_is_meant(job->sync, span_str(job->log.origin), &record, &is_meant, err);
    return code == 0 && is_meant ? entering_judge(entering, &job->log, &record, io, ret, err) : code;
}

static int flush_piece(struct job *job, struct entering *entering, const struct piece *piece, struct arena *arena,
                       struct flushed *flushed, struct err *err)
{
    struct payload_new items[TILE_WIDTH];
    struct payload_reader reader = {buf_view(&piece->body), 0};
    struct payload_item item;
    size_t count = 0, kept = 0, restricted = 0;
    uint64_t index = piece->from;
    int code;
    for (; (code = payload_next(&reader, &item, err)) > 0; index++) {
        bool is_chosen = false;
        items[count] = (struct payload_new){index, item.salt, item.payload, false, false};
        code = item.hole ? 0 : flush_choose(job, entering, &items[count], arena, &is_chosen, err);
        if (code < 0)
            return err_in(err, "payload of entry %llu", (unsigned long long)index);
        restricted += is_chosen && !items[count].clear;
        count += is_chosen;
    }
    if (code == 0 && count > 0)
        code = payload_put_many(job->sync->store, job->log.number, items, count, &kept, err);
    flushed->payloads += kept;
    flushed->restricted += restricted < kept ? restricted : kept;
    return code;
}

static int flush_payloads(struct job *job, struct arena *arena, struct flushed *flushed, struct err *err)
{
    struct piece *piece = TAILQ_FIRST(&job->pieces);
    struct entering entering;
    int code = entering_begin(&entering, job->sync->store, sync_now_ms(), err);
    for (; code == 0 && piece_is_here(piece); piece = TAILQ_NEXT(piece, link))
        code = flush_piece(job, &entering, piece, arena, flushed, err);
    if (code == 0 && job_is_complete(job) && !job->is_stinted && !job->is_broken &&
        job->asker + 1 >= job->sync->asker_count)
        code = payloads_asked(job->sync, job->peer->row.number, job->log.number, job->target, err);
    return code;
}

static int flush_job(struct job *job, struct arena *arena, struct flushed *flushed, struct refusal *refusal)
{
    size_t fresh = 0;
    if (job->do_collect) {
        int code = mirror_collect(job->sync->store, job->log.number, buf_view(&job->note), &fresh, &refusal->err);
        flushed->collected += fresh;
        return code;
    }
    if (job->step == JOB_ENTRIES)
        return flush_entries(job, refusal);
    return flush_payloads(job, arena, flushed, &refusal->err);
}

/* One transaction with all that is ready. A refusal's job is set when it is one job's fault. */
static int flush_once(struct sync *sync, struct flushed *flushed, struct refusal *refusal, struct err *err)
{
    struct arena arena;
    struct job *job;
    *flushed = (struct flushed){0};
    *refusal = (struct refusal){0};
    sync->is_meant_ready = false;
    int code = sync_begin(sync, err);
    if (code < 0)
        return code;
    arena_init(&arena, RECORD_ARENA_MAX);
    code = flush_seen(sync, err);
    TAILQ_FOREACH(job, &sync->ready, ready_link)
    {
        if (code < 0)
            break;
        code = flush_job(job, &arena, flushed, refusal);
        if (code < 0 && !sync_error_is_ours(code))
            refusal->job = job;
        else if (code < 0)
            *err = refusal->err;
    }
    arena_done(&arena);
    if (code == 0)
        return store_commit(sync->store, err);
    store_rollback(sync->store);
    TAILQ_FOREACH(job, &sync->ready, ready_link)
    {
        sync->slots[job->log.number].wanted_from = 0; /* may have been told by what is undone now */
    }
    return code;
}

/* ---- after it ---- */

static int rolled_back(struct sync *sync, int code)
{
    store_rollback(sync->store);
    return code;
}

/* Logs whose head advanced: our cosignature, and those of others that came along; one commit for all. */
static int flush_sign(struct sync *sync, struct job_list *finished, struct err *err)
{
    struct err unsigned_ = {0};
    int code = sync_begin(sync, err);
    if (code < 0)
        return code;
    for (struct job *job = TAILQ_FIRST(finished); job; job = TAILQ_NEXT(job, link)) {
        size_t fresh = 0;
        code = mirror_collect(sync->store, job->log.number, buf_view(&job->note), &fresh, &unsigned_);
        sync->report.collected += fresh;
        job->bad_note = code == ERR_VERIFY;
        if (sync_error_is_ours(code))
            return rolled_back(sync, err_set(err, code, "%s", unsigned_.text));
        if (job->log.role == LOG_OWN || job->log.standing != STANDING_GOOD)
            continue;
        int done = mirror_cosign(sync->store, job->log.number, (uint64_t)sync_now_ms() / 1000, &unsigned_);
        if (done == 0)
            sync->report.cosigned++;
        else if (sync_error_is_ours(done)) /* others: before init, nobody is here to sign */
            return rolled_back(sync, err_set(err, done, "%s", unsigned_.text));
    }
    return store_commit(sync->store, err);
}

/* What came for this log has consequences: it may prove a fork, go on for another log, push old payloads out. */
static int flush_log_up(struct sync *sync, const struct job *job, struct err *err)
{
    size_t forks = 0;
    bool is_adopted = false;
    struct log_info log;
    int code;
    do
        code = fork_scan(sync->store, job->log.number, job->old_size, &forks, err);
    while (sync_again(sync, code));
    sync->report.forks += forks;
    if (code == 0 && job->old_size == 0)
        do
            code = succession_adopt(sync->store, job->log.number, &is_adopted, err);
        while (sync_again(sync, code));
    if (code == 0)
        code = store_log(sync->store, job->log.number, &log, err);
    if (code < 0)
        return code;
    do
        code = payload_drop_before(sync->store, log.number, payloads_start(&log), err);
    while (sync_again(sync, code));
    return code;
}

static int flush_follow_up(struct sync *sync, struct job_list *finished, struct err *err)
{
    size_t erased = 0;
    int code = flush_sign(sync, finished, err);
    if (code < 0)
        return code;
    for (struct job *job = TAILQ_FIRST(finished); job && code == 0; job = TAILQ_NEXT(job, link))
        code = flush_log_up(sync, job, err);
    if (code < 0)
        return code;
    do
        code = mirror_erase_queued(sync->store, &erased, err);
    while (sync_again(sync, code));
    sync->report.erased += erased;
    return code;
}

/* Is the peer's own cosignature among those we have of this log? */
static int is_by(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line, struct err *err)
{
    (void)key_id;
    (void)time;
    (void)line;
    (void)err;
    return span_is(name, ctx) ? 1 : 0;
}

/* A mirror announces our log before it has cosigned it: ask again a little later, at most three times. */
static void collect_again(struct job *job)
{
    struct sync *sync = job->sync;
    struct err err = {0};
    char *operator= job->peer->row.origin;
    if (sync->is_round || job->log.role != LOG_OWN ||
        job->waits >= 3 ||
        operator[0] == '\0' || store_cosignatures(sync->store, job->log.number, is_by, operator, & err) != 0)
        return;
    struct later later = {.due_ms = sync_clock_ms() + (INT64_C(1000) << job->waits),
                          .peer = job->peer->row.number,
                          .log = job->log.number,
                          .size = job->log.size,
                          .collect = true,
                          .waits = job->waits + 1};
    later_add(sync, &later);
}

/* The commit stands: drop what it took in. */
static void job_committed(struct job *job)
{
    struct sync *sync = job->sync;
    struct sync_peer *owner = job->log.peer ? peer_by_number(sync, job->log.peer) : NULL;
    struct piece *piece;
    while (piece_is_here(piece = TAILQ_FIRST(&job->pieces))) {
        if (owner && !job->log.followed)
            owner->used_bytes += piece->body.len;
        piece_free(piece);
    }
    TAILQ_REMOVE(&sync->ready, job, ready_link);
    job->is_ready = false;
}

static void job_note_stint(struct job *job)
{
    char reason[ERR_TEXT_MAX];
    snprintf(reason, sizeof(reason), "log %.150s: its peer's quota is used up: not all contents are fetched",
             job->log.origin);
    sync_note_failure(job->sync, job->peer->row.url, false, reason);
}

/* What comes next for a job that has been committed. */
static void job_next(struct job *job)
{
    char reason[ERR_TEXT_MAX];
    if (job->is_yielded && peer_usable(job->peer)) {
        job_yield(job);
    } else if (job->is_broken ||
               !peer_usable(job->peer)) { /* it lied about another log, or failed, after all of this had arrived */
        job_leave_peer(job);
    } else if (job->bad_note) {
        snprintf(reason, sizeof(reason), "log %.150s: a checkpoint with a cosignature that does not hold",
                 job->log.origin);
        peer_lied(job->peer, reason);
    } else if (job->do_collect) {
        collect_again(job);
        job->do_collect = job->collect = false;
        payloads_begin(job);
    } else if (!TAILQ_EMPTY(&job->pieces) || job->next < job->target) {
        if (job->next < job->target || pieces_are_due(job))
            job_to(job, &job->peer->asking);
    } else if (job->step == JOB_ENTRIES) {
        job->do_finish = false;
        payloads_begin(job);
    } else if (!job->is_stinted && payloads_next_asker(job)) {
        payloads_begin(job);
    } else {
        if (job->is_stinted)
            job_note_stint(job);
        job_finished(job);
    }
}

static int flush_after(struct sync *sync, const struct flushed *flushed, struct err *err)
{
    struct job_list ready = TAILQ_HEAD_INITIALIZER(ready), finished = TAILQ_HEAD_INITIALIZER(finished);
    struct job *job;
    bool is_own = false;
    int code = 0;
    while ((job = TAILQ_FIRST(&sync->ready)) != NULL) {
        bool is_finished = job->step == JOB_ENTRIES && !job->do_collect && job_is_complete(job);
        if (job->step == JOB_PAYLOADS)
            job->gained += flushed->payloads;
        job_committed(job);
        job_to(job, is_finished ? &finished : &ready);
        if (is_finished) {
            sync->slots[job->log.number].head_from = job->peer->row.number;
            sync->slots[job->log.number].head_size = job->target;
            paces_free(&sync->slots[job->log.number]); /* the content of what is new comes a little later, often */
            sync->report.logs++;
            sync->report.entries += job->target - job->old_size;
            sync->report.healed += job->log.role == LOG_OWN;
            is_own |= job->log.role == LOG_OWN;
        }
    }
    if (!TAILQ_EMPTY(&finished))
        code = flush_follow_up(sync, &finished, err);
    if (code == 0 && is_own) /* one's own that came back asks for its contents in its own name */
        code = askers_load(sync, err);
    struct job_list *lists[] = {&finished, &ready};
    for (size_t i = 0; i < 2; i++)
        while ((job = TAILQ_FIRST(lists[i])) != NULL) {
            job_to(job, &job->peer->settling);
            struct err gone = {0};
            if (store_log(sync->store, job->log.number, &job->log, &gone) < 0)
                job_free(job);
            else
                job_next(job);
        }
    return code;
}

static void refuse(struct refusal *refusal)
{
    if (refusal->unstage && !job_unstage(refusal->job))
        return;
    if (refusal->restart)
        job_restart(refusal->job);
    else
        job_reject(refusal->job, &refusal->err);
}

int sync_flush(struct sync *sync, struct err *err)
{
    struct flushed flushed;
    struct refusal refusal;
    int code;
    while ((code = flush_once(sync, &flushed, &refusal, err)) < 0 && refusal.job && sync->fatal == 0)
        refuse(&refusal);
    if (code < 0)
        return refusal.job ? 0 : code; /* sync_loop sees what is fatal */
    sync->seen_count = 0;
    sync->ready_bytes = 0;
    for (size_t i = 0; i < sync->peer_count; i++)
        sync->peers[i]->dirty = false;
    sync->report.commits++;
    sync->report.payloads += flushed.payloads;
    sync->report.restricted += flushed.restricted;
    sync->report.collected += flushed.collected;
    if (!TAILQ_EMPTY(&sync->ready))
        sync->is_changed = true;
    return flush_after(sync, &flushed, err);
}
