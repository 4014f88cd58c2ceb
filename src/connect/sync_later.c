#include <stdlib.h>

#include "connect/sync_internal.h"

void later_add(struct sync *sync, const struct later *later)
{
    for (size_t i = 0; i < sync->later_count; i++)
        if (sync->later[i].peer == later->peer && sync->later[i].log == later->log)
            return;
    if (sync->later_count == sync->later_cap) {
        size_t cap = sync->later_cap ? sync->later_cap * 2 : 16;
        struct later *grown = realloc(sync->later, cap * sizeof(*grown));
        if (!grown)
            return; /* asked for again with the peer's next line */
        sync->later = grown;
        sync->later_cap = cap;
    }
    sync->later[sync->later_count++] = *later;
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
        if (!peer || !peer_usable(peer) || store_log(sync->store, later.log, &log, &err) < 0)
            continue;
        struct job *job = job_add(sync, peer, &log, later.size, later.collect, !later.collect);
        if (job)
            job->waits = later.waits;
    }
}
