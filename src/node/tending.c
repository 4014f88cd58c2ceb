#include "node/tending.h"

#include <stdio.h>

#include "connect/audiences.h"
#include "connect/parcels.h"
#include "index/view.h"
#include "moderation/ceded.h"

#define PARCELS_LOOK_MS 10000 /* whether one has expired, or other keys are here */
#define PARCELS_AT_ONCE 64  /* tried before the index thread looks at what else is new: each costs up to 20 ms a key */
#define CEDED_LOOK_MS 10000 /* whether the time of a ceded power has begun, or of what was decided by one */

/* Once at a start, for what a process before this one left untold. */
static int tend_audiences(struct tending *t, bool is_new, struct err *err)
{
    bool again = view_was_behind() || !t->is_told;
    int rc = is_new || again ? audiences_tend(t->store, t->index, again, err) : 0;
    t->is_told = !rc;
    return rc;
}

static void tell_parcels(const struct tending *t, const struct parcel_counts *done)
{
    char line[128];
    if (done->opened) {
        snprintf(line, sizeof(line), "parcels: %llu opened, %llu contents kept", (unsigned long long)done->opened,
                 (unsigned long long)done->kept);
        t->tell(t->ctx, line);
    }
    if (done->expired) {
        snprintf(line, sizeof(line), "parcels: %llu expired and forgotten", (unsigned long long)done->expired);
        t->tell(t->ctx, line);
    }
}

/* Some at a time: those that are new as soon as they are folded, what has expired and what other keys may open now and then. */
static int tend_parcels(struct tending *t, bool is_new, const struct tending_times *times, struct err *ret_trouble,
                        struct err *err)
{
    struct parcel_options options = {.now_ms = times->now_ms, .max = PARCELS_AT_ONCE, .tell = t->tell, .ctx = t->ctx};
    struct parcel_counts done;
    struct err closed = {0};
    if (!is_new && times->clock_ms - t->parcels_ms < PARCELS_LOOK_MS)
        return 0;
    int rc = parcels_tend(t->store, t->index, &options, &done, &closed);
    if (rc == ERR_IO || rc == ERR_MEMORY) {
        *err = closed;
        return err_in(err, "parcels");
    }
    if (rc)
        *ret_trouble = closed;
    t->parcels_ms = done.looked_at < options.max ? times->clock_ms : TENDING_NOW;
    tell_parcels(t, &done);
    return done.kept > 0 ? index_update(t->index, t->store, 0, NULL, err) : 0;
}

static int tend_cessions(struct tending *t, bool is_new, const struct tending_times *times, struct err *err)
{
    uint64_t decided = 0;
    char line[128];
    if (!is_new && times->clock_ms - t->ceded_ms < CEDED_LOOK_MS)
        return 0;
    int rc = ceded_follow(t->store, t->index, times->now_ms, &decided, err);
    t->ceded_ms = decided < CEDED_AT_ONCE ? times->clock_ms : TENDING_NOW;
    if (rc < 0)
        return err_in(err, "cessions");
    if (decided == 0)
        return 0;
    snprintf(line, sizeof(line), "cessions: %llu decisions of others took effect here", (unsigned long long)decided);
    t->tell(t->ctx, line);
    return index_update(t->index, t->store, 0, NULL, err);
}

int tending_look(struct tending *t, bool is_new, const struct tending_times *times, struct err *ret_trouble,
                 struct err *err)
{
    int rc = tend_audiences(t, is_new, err);
    if (!rc)
        rc = tend_parcels(t, is_new, times, ret_trouble, err);
    return rc ? rc : tend_cessions(t, is_new, times, err);
}
