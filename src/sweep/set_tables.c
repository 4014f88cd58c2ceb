/* Slots, filter and maps of a set. */
#include "sweep/set_draft.h"

#include <stdlib.h>

#include "sweep/url.h"

#define SLOT_LOAD_PERCENT 60   /* of the slots in use: an absent key ends after about 3.6 probes (Knuth 6.4) */
#define FILTER_BITS_PER_KEY 12 /* about 1 % of absent keys pass */
#define PROBE_GOAL 512         /* a longer chain means bad luck or bad will: another seed */
#define SEEDS_MAX 8

/* ---- what lies below ---- */

static int below_grow(struct set_draft *draft, struct err *err)
{
    size_t cap = draft->below_cap ? 2 * draft->below_cap : 4096;
    uint64_t *table = calloc(cap, sizeof(*table));
    if (!table)
        return err_memory(err);
    for (size_t i = 0; i < draft->below_cap; i++) {
        size_t at = (size_t)(draft->below[i] >> 32) & (cap - 1);
        while (draft->below[i] && table[at])
            at = (at + 1) & (cap - 1);
        if (draft->below[i])
            table[at] = draft->below[i];
    }
    free(draft->below);
    draft->below = table;
    draft->below_cap = cap;
    return 0;
}

static int below_add(struct set_draft *draft, uint64_t key, struct err *err)
{
    if (2 * draft->below_count >= draft->below_cap && below_grow(draft, err))
        return err->code;
    size_t at = (size_t)(key >> 32) & (draft->below_cap - 1);
    while (draft->below[at] && draft->below[at] != key)
        at = (at + 1) & (draft->below_cap - 1);
    draft->below_count += draft->below[at] == 0;
    draft->below[at] = key ? key : 1;
    return 0;
}

static void mark_networks(uint8_t *map, uint32_t address, unsigned bits, unsigned map_bits)
{
    uint32_t first = address >> (32 - map_bits),
             last = (address | (uint32_t)(UINT64_C(0xffffffff) >> bits)) >> (32 - map_bits);
    for (uint32_t network = first; network <= last; network++)
        map[network >> 3] |= (uint8_t)(1u << (network & 7));
}

static void map_ipv4(struct set_draft *draft, uint32_t address, unsigned bits)
{
    mark_networks(draft->ipv4_map, address, bits, 16);
    mark_networks(draft->ipv4_fine, address, bits, draft->head.ipv4_fine_bits);
}

/* Names above a name, without the name itself unless something hangs under it. */
static int below_domain(struct set_draft *draft, struct span name, bool with_name, struct err *err)
{
    uint64_t levels[KEY_LEVELS_MAX];
    size_t count = key_domain(draft->seeds[IOC_DOMAIN], name.data, name.len, levels);
    if (span_search(name, SPAN_LIT("xn--")) < name.len)
        draft->head.flags |= SET_HAS_IDN;
    for (size_t i = 0; i + !with_name < count; i++)
        if (below_add(draft, levels[i], err))
            return err->code;
    return 0;
}

static int below_host(struct set_draft *draft, struct span host, struct err *err)
{
    uint32_t address;
    if (host.len && host.data[0] == '[') {
        draft->head.flags |= SET_HAS_IPV6_URL;
        return 0;
    }
    if (!ipv4_parse(host, &address))
        return below_domain(draft, host, true, err);
    map_ipv4(draft, address, 32);
    return below_add(draft, key_ipv4(draft->seeds[IOC_IPV4], address, 32), err);
}

/* Where a path goes on behind a segment, so that one or two questions dismiss most paths. */
static int below_path(struct set_draft *draft, struct span path, struct err *err)
{
    uint64_t state = draft->seeds[IOC_URL_PATH];
    for (size_t i = 0; i < path.len; i++) {
        if (i > 0 && (path.data[i] == '/' || path.data[i] == '?') && below_add(draft, key_roll_end(state), err))
            return err->code;
        state = key_roll(state, path.data[i]);
    }
    return 0;
}

static int below_prefix(struct set_draft *draft, enum ioc_type type, struct span value)
{
    struct ipv6 address6;
    uint32_t address;
    unsigned bits;
    if (type == IOC_IPV4 && ipv4_prefix_parse(value, &address, &bits)) {
        draft->head.ipv4_bits |= UINT32_C(1) << (bits - 1);
        map_ipv4(draft, address, bits);
    } else if (type == IOC_IPV6 && ipv6_prefix_parse(value, &address6, &bits)) {
        draft->head.ipv6_bits[(bits - 1) / 64] |= UINT64_C(1) << (bits - 1) % 64;
    }
    return 0;
}

/* Note under which keys this entry hangs. */
static int note_below(struct set_draft *draft, enum ioc_type type, struct span value, struct err *err)
{
    switch (type) {
    case IOC_DOMAIN:
        return below_domain(draft, value, false, err);
    case IOC_URL:
        return below_host(draft, url_host(value), err);
    case IOC_IPV4_PORT:
        return below_host(draft, span_sub(value, 0, span_find(value, ':')), err);
    case IOC_EMAIL:
        return below_host(draft, span_sub(value, span_find(value, '@') + 1, SIZE_MAX), err);
    case IOC_URL_PATH:
        return below_path(draft, value, err);
    default:
        return below_prefix(draft, type, value);
    }
}

/* ---- tables ---- */

/* File an entry; how many slots lie between its key's place and its own. */
static uint32_t place(struct set_draft *draft, uint64_t key, uint32_t entry)
{
    uint64_t slot = set_slot_of(key, draft->head.slots.count);
    uint32_t probe = 0;
    for (; draft->slots[slot]; probe++)
        slot = slot + 1 == draft->head.slots.count ? 0 : slot + 1;
    draft->slots[slot] = (uint64_t)(uint32_t)key << 32 | (entry + 1);
    return probe;
}

/* All keys under this seed: slots, and the keys with something below them. */
static int fill_slots(struct set_draft *draft, struct err *err)
{
    set_seeds(draft->head.seed, draft->seeds);
    memset(draft->slots, 0, draft->head.slots.count * sizeof(*draft->slots));
    memset(draft->ipv4_map, 0, SET_IPV4_MAP_BYTES);
    memset(draft->ipv4_fine, 0, draft->head.ipv4_fine.count);
    if (draft->below)
        memset(draft->below, 0, draft->below_cap * sizeof(*draft->below));
    draft->below_count = 0;
    draft->head.probe_max = 0;
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        for (uint32_t entry = draft->head.type_first[type]; entry < draft->head.type_first[type + 1]; entry++) {
            uint64_t key = 0;
            struct span text = set_draft_text(draft, entry);
            if (!set_key(draft->seeds, (enum ioc_type)type, text, &key))
                return err_set(err, ERR_SYNTAX, "indicator lost its form");
            uint32_t probe = place(draft, key, entry);
            if (probe > draft->head.probe_max)
                draft->head.probe_max = probe;
            if (note_below(draft, (enum ioc_type)type, text, err))
                return err->code;
        }
    }
    return 0;
}

static void fill_filter(struct set_draft *draft)
{
    uint64_t lines = draft->head.filter.count;
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        for (uint32_t entry = draft->head.type_first[type]; entry < draft->head.type_first[type + 1]; entry++) {
            uint64_t key = 0;
            if (set_key(draft->seeds, (enum ioc_type)type, set_draft_text(draft, entry), &key))
                draft->filter[set_filter_word(key, lines)] |= set_filter_mask(key);
        }
    }
    for (size_t i = 0; i < draft->below_cap; i++)
        if (draft->below[i])
            draft->filter[set_filter_word(draft->below[i], lines) ^ 1] |= set_filter_mask(draft->below[i]);
}

/* Sixteen networks of the finer map for each address, as far as 24 bits go. */
static unsigned fine_bits(const struct set_draft *draft)
{
    const uint32_t *first = draft->head.type_first;
    uint64_t addresses = 0;
    for (size_t i = 0; i < 3; i++) {
        enum ioc_type type = ((const enum ioc_type[]){IOC_IPV4, IOC_IPV4_PORT, IOC_URL})[i];
        addresses += first[type + 1] - first[type];
    }
    unsigned bits = 16;
    while (bits < SET_IPV4_FINE_MAX && UINT64_C(1) << (bits - 4) < addresses)
        bits++;
    return bits;
}

int set_draft_fill(struct set_draft *draft, struct err *err)
{
    uint64_t entries = set_draft_entries(draft);
    draft->head.slots.count = entries * 100 / SLOT_LOAD_PERCENT + 8;
    draft->slots = malloc(draft->head.slots.count * sizeof(*draft->slots));
    draft->ipv4_map = malloc(SET_IPV4_MAP_BYTES);
    draft->head.ipv4_fine_bits = fine_bits(draft);
    draft->head.ipv4_fine.count = UINT64_C(1) << (draft->head.ipv4_fine_bits - 3);
    draft->ipv4_fine = malloc(draft->head.ipv4_fine.count);
    if (!draft->slots || !draft->ipv4_map || !draft->ipv4_fine)
        return err_memory(err);
    for (int attempt = 0; attempt == 0 || draft->head.probe_max > PROBE_GOAL; attempt++) {
        if (attempt == SEEDS_MAX)
            return err_set(err, ERR_LIMIT, "indicators that collide under every seed");
        draft->head.seed = key_mix(draft->head.seed ^ KEY_C, KEY_B);
        if (fill_slots(draft, err))
            return err->code;
    }
    draft->head.filter.count = (entries + draft->below_count) * FILTER_BITS_PER_KEY / (64 * SET_FILTER_LINE) + 1;
    draft->filter = calloc(draft->head.filter.count * SET_FILTER_LINE, sizeof(*draft->filter));
    if (!draft->filter)
        return err_memory(err);
    fill_filter(draft);
    return 0;
}
