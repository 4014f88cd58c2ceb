/*
 * How a compiled set lies in memory. Part of the sweep.
 *
 *   header    below; integers in the machine's order, since a set never leaves the machine that built it
 *   filter    lines of 64 bytes: is a key perhaps in the set; does anything lie below it
 *   ipv4 maps a bit for each network that holds an indicator: a.b.0.0/16, 8 kB that stay in the nearest cache, and
 *             finer ones, of up to 24 bits as there are many or few addresses
 *   slots     open addressing, linear: 32 bits of the key, entry + 1; 0 is free
 *   starts    of the entries' texts, one more than there are entries
 *   tag starts  likewise
 *   tags, texts  entries are sorted by type, then by bytes, so their texts serve prefix search too
 *
 * "Below" says: a longer name, a port, a URL or an e-mail address hangs under this name or address. A walk over a
 * name in a log starts at its last two labels and ends where nothing lies below, which is nearly always at once.
 */
#ifndef TONGZHOU_SWEEP_LAYOUT_H
#define TONGZHOU_SWEEP_LAYOUT_H

#include "sweep/key.h"
#include "sweep/sweep.h"

#define SET_MAGIC "TZSWEEP\n"
#define SET_VERSION 1
#define SET_ENDIAN UINT32_C(0x01020304)
#define SET_TYPES 16            /* room in the header for types to come */
#define SET_IPV4_MAP_BYTES 8192 /* 65,536 bits */
#define SET_IPV4_FINE_MAX 24    /* bits of a network: 2 MiB */
#define SET_FILTER_LINE 8       /* words: one cache line */
#define SET_PROBE_MAX 4096      /* slots that a look-up may visit, whatever a damaged header says */
#define SET_ENTRIES_MAX UINT32_C(0x7fffffff)
#define SET_TEXT_MAX UINT64_C(0xffffffff) /* bytes of all texts: starts are 32 bits wide */
#define SET_NO_ENTRY UINT32_MAX

struct set_section {
    uint64_t at, count; /* bytes from the beginning of the set; elements of the section's own width */
};

struct set_header {
    char magic[8];
    uint32_t version, endian;
    uint64_t total_bytes, seed;
    uint32_t type_first[SET_TYPES + 1]; /* entries of type t are type_first[t] .. type_first[t + 1] - 1 */
    uint32_t probe_max;
    uint32_t ipv4_bits;      /* bit n - 1: there are prefixes of n bits */
    uint32_t ipv4_fine_bits; /* length of the finer map's networks */
    uint32_t flags, unused;
    uint64_t ipv6_bits[2];     /* likewise */
    struct set_section filter; /* lines */
    struct set_section ipv4_map, ipv4_fine, slots, starts, tag_starts, tags, texts;
    uint64_t check; /* of everything before it */
};

enum set_flag {
    SET_HAS_IDN = 1,      /* a name with an A-label: names in other scripts are worth a look */
    SET_HAS_IPV6_URL = 2, /* a URL whose host is an IPv6 address */
};

struct sweep_set {
    struct set_header head;
    const uint64_t *filter;
    const uint8_t *ipv4_map, *ipv4_fine;
    const uint64_t *slots;
    const uint32_t *starts, *tag_starts;
    const uint64_t *tags;
    const uint8_t *texts;
    uint64_t seeds[IOC_TYPES];
};

/* Four bits of one word, taken from the key's lower half. */
static inline uint64_t set_filter_mask(uint64_t key)
{
    return UINT64_C(1) << (key & 63) | UINT64_C(1) << (key >> 6 & 63) | UINT64_C(1) << (key >> 12 & 63) |
           UINT64_C(1) << (key >> 18 & 63);
}

/* The word that answers "is it in the set"; its neighbour, `^ 1`, answers "does anything lie below it". */
static inline size_t set_filter_word(uint64_t key, uint64_t lines)
{
    return (size_t)((key >> 32) * lines >> 32) * SET_FILTER_LINE + (size_t)(key >> 24 & 7);
}

static inline uint64_t set_slot_of(uint64_t key, uint64_t slots)
{
    return (key >> 32) * slots >> 32;
}

struct set_answer {
    bool exact, below;
};

static inline struct set_answer set_ask(const struct sweep_set *set, uint64_t key)
{
    uint64_t mask = set_filter_mask(key);
    size_t word = set_filter_word(key, set->head.filter.count);
    return (struct set_answer){(set->filter[word] & mask) == mask, (set->filter[word ^ 1] & mask) == mask};
}

/* Does the set know anything of a.b.0.0/16; of the address's network in the finer map? */
static inline bool set_knows_half(const struct sweep_set *set, uint32_t half)
{
    return set->ipv4_map[half >> 3] >> (half & 7) & 1;
}

static inline bool set_knows_network(const struct sweep_set *set, uint32_t address)
{
    uint32_t network = address >> (32 - set->head.ipv4_fine_bits);
    return set->ipv4_fine[network >> 3] >> (network & 7) & 1;
}

static inline bool set_has_type(const struct sweep_set *set, enum ioc_type type)
{
    return set->head.type_first[type] != set->head.type_first[type + 1];
}

/* The entry with this key, type and text, or SET_NO_ENTRY. */
uint32_t set_lookup(const struct sweep_set *set, uint64_t key, enum ioc_type type, struct span value);

/* Entry `number` of the set; false if the set is damaged there. */
bool set_entry(const struct sweep_set *set, uint32_t number, struct sweep_ioc *ret);

/* The key of a canonical value with KEY_PAD readable bytes behind it; false if it is none of that type. */
bool set_key(const uint64_t seeds[IOC_TYPES], enum ioc_type type, struct span value, uint64_t *ret);

/* The seeds of all types. */
void set_seeds(uint64_t seed, uint64_t seeds[IOC_TYPES]);

/* FNV-1a over the header's bytes before `check`: against accidents, not against forgers (bounds are checked). */
uint64_t set_header_check(const struct set_header *head);

#endif
