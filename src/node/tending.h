/*
 * What follows once new records are folded: who may have what by groups and communities, parcels that can be opened or have
 * expired, what others decide here by a ceded power.
 */
#ifndef TONGZHOU_NODE_TENDING_H
#define TONGZHOU_NODE_TENDING_H

#include "index/index.h"

struct tending {
    struct store *store;
    struct index *index;
    void (*tell)(void *ctx, const char *line);
    void *ctx;
    int64_t parcels_ms,
        ceded_ms; /* when they were looked at last, by the clock that never goes back; TENDING_NOW: at once */
    bool is_told; /* members were, of what may have come for them by groups */
};

#define TENDING_NOW (INT64_MIN / 2)

struct tending_times {
    int64_t clock_ms, now_ms; /* since some beginning; of the world */
};

/*
 * Again and again; `is_new`: records have been folded since the last time. What it lets in or takes away is folded here, for it
 * need not give a new seq.
 *   ret_trouble  with parcels, which stops nothing; `code` stays 0 if there is none
 */
int tending_look(struct tending *tending, bool is_new, const struct tending_times *times, struct err *ret_trouble,
                 struct err *err);

#endif
