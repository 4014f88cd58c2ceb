#include "connect/sync_internal.h"

#define TURN_PATIENCE 2    /* times the seconds after which an answer stalls: so long is a peer's first turn, */
#define TURN_DOUBLINGS 6   /* and each after a slow one twice as long, up to so often: a large item comes to its end */
#define TURNS_EVERY_MS 500 /* how often all are looked at */

static uint64_t job_came(const struct job *job)
{
    uint64_t came = job->came + (job->fetch ? fetch_came(job->fetch) : 0);
    const struct piece *piece;
    TAILQ_FOREACH(piece, &job->pieces, link)
    came += piece->fetch ? fetch_came(piece->fetch) : 0;
    return came;
}

void turn_begin(struct job *job)
{
    job->came = job->turn_came = 0;
    job->turn_ms = sync_clock_ms();
}

/* Has its peer had its time, and given less than what is bearable for long? Waiting behind its other logs counts. */
static bool turn_is_slow(struct job *job, int64_t now)
{
    const struct sync_options *options = &job->sync->options;
    unsigned bps = options->low_speed_bps ? options->low_speed_bps : PEER_LOW_SPEED_BPS;
    unsigned patience_s = options->low_speed_s ? options->low_speed_s : PEER_LOW_SPEED_S;
    int64_t took_ms = now - job->turn_ms;
    unsigned doublings = job->turns < TURN_DOUBLINGS ? job->turns : TURN_DOUBLINGS;
    if (job->is_ready || took_ms < ((int64_t)patience_s * TURN_PATIENCE * 1000) << doublings)
        return false;
    uint64_t came = job_came(job), gained = came > job->turn_came ? came - job->turn_came : 0;
    job->turn_ms = now;
    job->turn_came = came;
    return gained < (uint64_t)took_ms * bps * SYNC_SLOW / 1000;
}

/*
 * One peer has a log at a time. Who gives just enough not to stall could keep it for days, and everything that waits
 * behind it: when others have the log, too, it is their turn. What has come whole is kept.
 */
void turns_end(struct sync *sync)
{
    int64_t now = sync_clock_ms();
    if (sync->job_count == 0 || now - sync->turns_ms < TURNS_EVERY_MS)
        return;
    sync->turns_ms = now;
    for (size_t i = 0; sync->fatal == 0 && i < sync->slot_count; i++) {
        struct job *job = sync->slots[i].job;
        if (!job || !turn_is_slow(job, now) || !job_has_other(job))
            continue;
        job->turns++;
        if (job_break(job))
            job->is_yielded = true;
        else
            job_yield(job);
    }
}
