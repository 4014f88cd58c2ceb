/*
 * A set while it is compiled: set_build.c sorts and writes, set_tables.c fills slots, filter and maps. layout.h says
 * what each is. Part of the sweep.
 */
#ifndef TONGZHOU_SWEEP_SET_DRAFT_H
#define TONGZHOU_SWEEP_SET_DRAFT_H

#include "sweep/layout.h"

struct set_draft {
    struct set_header head;
    uint32_t *starts, *tag_starts;
    const uint8_t **texts;
    uint64_t *filter, *slots;
    uint8_t *ipv4_map, *ipv4_fine;
    uint64_t *below; /* distinct keys that have something below them: a hash table, 0 is free */
    size_t below_count, below_cap;
    uint64_t seeds[IOC_TYPES];
};

static inline uint32_t set_draft_entries(const struct set_draft *draft)
{
    return draft->head.type_first[SET_TYPES];
}

static inline struct span set_draft_text(const struct set_draft *draft, uint32_t entry)
{
    return span_of(draft->texts[entry], draft->starts[entry + 1] - draft->starts[entry]);
}

/*
 * Fill slots, filter and maps from texts, starts and type_first, with a seed derived from head.seed. What is allocated
 * stays with the draft, also on failure.
 */
int set_draft_fill(struct set_draft *draft, struct err *err);

#endif
