#include <stdlib.h>

#include "connect/sync_internal.h"

#define PACE_FREE 2  /* times in a row that a peer may be asked in vain for what is lacking of a log, without waiting */
#define PACE_MS 2000 /* from then on, doubled up to */
#define PACE_MAX_MS INT64_C(600000)

/* ---- one peer's pace ---- */

static struct pace *pace_of(const struct log_slot *slot, int64_t peer)
{
    struct pace *pace;
    SLIST_FOREACH(pace, &slot->paces, link)
    if (pace->peer == peer)
        return pace;
    return NULL;
}

int64_t pace_due(const struct log_slot *slot, int64_t peer)
{
    const struct pace *pace = pace_of(slot, peer);
    return pace ? pace->after_ms : 0;
}

/*
 * A peer that is on its way tells twice of an entry: when it has it, and when it has its content. Only who tells more often
 * is asked ever more seldom.
 */
void pace_done(struct log_slot *slot, int64_t peer)
{
    struct pace *pace = pace_of(slot, peer);
    if (!pace && (pace = calloc(1, sizeof(*pace))) != NULL) {
        pace->peer = peer;
        SLIST_INSERT_HEAD(&slot->paces, pace, link);
    }
    if (!pace)
        return; /* then it may be asked sooner */
    if (++pace->fruitless <= PACE_FREE)
        return;
    unsigned doublings = pace->fruitless - PACE_FREE < 10 ? pace->fruitless - PACE_FREE : 10;
    int64_t delay = (int64_t)PACE_MS << doublings;
    pace->after_ms = sync_clock_ms() + (delay < PACE_MAX_MS ? delay : PACE_MAX_MS);
}

void paces_free(struct log_slot *slot)
{
    struct pace *pace;
    while ((pace = SLIST_FIRST(&slot->paces)) != NULL) {
        SLIST_REMOVE_HEAD(&slot->paces, link);
        free(pace);
    }
}

/* ---- what is put off ---- */

void later_add(struct sync *sync, const struct later *later)
{
    for (size_t i = 0; i < sync->later_count; i++) {
        struct later *known = &sync->later[i];
        if (known->peer != later->peer || known->log != later->log)
            continue;
        if (known->size < later->size)
            known->size = later->size;
        known->again |= later->again;
        if (later->collect && !known->collect) {
            known->collect = true;
            known->due_ms = known->due_ms < later->due_ms ? known->due_ms : later->due_ms;
            known->waits = later->waits;
            peer_owes(sync, later->peer, 1);
        }
        return;
    }
    if (sync->later_count == sync->later_cap) {
        size_t cap = sync->later_cap ? sync->later_cap * 2 : 16;
        struct later *grown = realloc(sync->later, cap * sizeof(*grown));
        if (!grown)
            return; /* asked for again with the peer's next line */
        sync->later = grown;
        sync->later_cap = cap;
    }
    sync->later[sync->later_count++] = *later;
    if (later->collect) /* contents that are lacking may be asked for in many minutes: nobody waits for that */
        peer_owes(sync, later->peer, 1);
}

void later_due(struct sync *sync)
{
    int64_t now = sync_clock_ms();
    for (size_t i = 0; i < sync->later_count;) {
        struct later later = sync->later[i];
        struct sync_peer *peer = peer_by_number(sync, later.peer);
        struct log_info log;
        struct err err = {0};
        if (peer && later.due_ms > now) {
            i++;
            continue;
        }
        sync->later[i] = sync->later[--sync->later_count];
        if (peer && peer_usable(peer) && store_log(sync->store, later.log, &log, &err) == 0) {
            struct job *job = job_add(sync, peer, &log, later.size, later.collect, later.again);
            if (job)
                job->waits = later.waits;
        }
        if (later.collect)
            peer_owes(sync, later.peer, -1);
    }
}
