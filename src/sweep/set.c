/* Opening a compiled set and asking it. */
#include "sweep/layout.h"

#include <stdlib.h>

#include "sweep/url.h"

uint64_t set_header_check(const struct set_header *head)
{
    const uint8_t *bytes = (const uint8_t *)head;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < offsetof(struct set_header, check); i++)
        sum = key_roll(sum, bytes[i]);
    return sum;
}

void set_seeds(uint64_t seed, uint64_t seeds[IOC_TYPES])
{
    for (unsigned type = 0; type < IOC_TYPES; type++)
        seeds[type] = key_seed(seed, type);
}

static uint64_t roll_all(uint64_t seed, struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        seed = key_roll(seed, value.data[i]);
    return key_roll_end(seed);
}

static bool domain_key(uint64_t seed, struct span name, uint64_t *ret)
{
    uint64_t levels[KEY_LEVELS_MAX];
    size_t count = key_domain(seed, name.data, name.len, levels);
    if (count == 0)
        return false;
    *ret = levels[count - 1];
    return true;
}

static bool ipv6_key(uint64_t seed, struct span value, uint64_t *ret)
{
    struct ipv6 address;
    unsigned bits;
    if (!ipv6_prefix_parse(value, &address, &bits))
        return false;
    *ret = key_ipv6(seed, address, bits);
    return true;
}

static bool ipv4_key(const uint64_t seeds[IOC_TYPES], enum ioc_type type, struct span value, uint64_t *ret)
{
    uint32_t address;
    unsigned number;
    if (type == IOC_IPV4) {
        if (!ipv4_prefix_parse(value, &address, &number))
            return false;
        *ret = key_ipv4(seeds[IOC_IPV4], address, number);
        return true;
    }
    if (!ipv4_port_parse(value, &address, &number))
        return false;
    *ret = key_port(key_ipv4(seeds[IOC_IPV4], address, 32), number);
    return true;
}

bool set_key(const uint64_t seeds[IOC_TYPES], enum ioc_type type, struct span value, uint64_t *ret)
{
    if (value.len == 0 || value.len > SWEEP_TOKEN_MAX)
        return false;
    switch (type) {
    case IOC_IPV4:
    case IOC_IPV4_PORT:
        return ipv4_key(seeds, type, value, ret);
    case IOC_IPV6:
        return ipv6_key(seeds[type], value, ret);
    case IOC_DOMAIN:
        return domain_key(seeds[type], value, ret);
    case IOC_MD5:
    case IOC_SHA1:
    case IOC_SHA256:
    case IOC_SHA512:
        *ret = key_bytes(seeds[type], value.data, value.len);
        return true;
    case IOC_URL:
        if (url_path_at(value) == value.len)
            return false;
        break;
    case IOC_EMAIL:
    case IOC_URL_PATH:
        break;
    case IOC_NONE:
    case IOC_TYPES:
        return false;
    }
    *ret = roll_all(seeds[type], value);
    return true;
}

/* ---- opening ---- */

static bool section_fits(const struct set_header *head, struct set_section section, uint64_t width)
{
    return section.at % 8 == 0 && section.at >= sizeof(*head) && section.at <= head->total_bytes &&
           section.count <= (head->total_bytes - section.at) / width;
}

/* Everything that look-ups rely upon without checking again. NULL, or what is wrong. */
static const char *check_header(const struct set_header *head)
{
    uint64_t entries = head->type_first[SET_TYPES];
    for (int type = 0; type < SET_TYPES; type++)
        if (head->type_first[type] > head->type_first[type + 1])
            return "types out of order";
    if (head->type_first[0] != 0 || entries > SET_ENTRIES_MAX)
        return "impossible count";
    if (!section_fits(head, head->filter, 8 * SET_FILTER_LINE) || !section_fits(head, head->ipv4_map, 1) ||
        !section_fits(head, head->ipv4_fine, 1) || !section_fits(head, head->slots, 8) ||
        !section_fits(head, head->starts, 4) || !section_fits(head, head->tag_starts, 4) ||
        !section_fits(head, head->tags, 8) || !section_fits(head, head->texts, 1))
        return "a section outside the file";
    if (head->filter.count == 0 || head->filter.count > UINT32_MAX || head->slots.count == 0 ||
        head->slots.count > UINT32_MAX || head->ipv4_map.count != SET_IPV4_MAP_BYTES || head->ipv4_fine_bits < 16 ||
        head->ipv4_fine_bits > SET_IPV4_FINE_MAX ||
        head->ipv4_fine.count != UINT64_C(1) << (head->ipv4_fine_bits - 3) || head->starts.count != entries + 1 ||
        head->tag_starts.count != entries + 1)
        return "a section of the wrong size";
    return head->probe_max > SET_PROBE_MAX ? "probes too long" : NULL;
}

int sweep_set_open(struct span bytes, struct sweep_set **ret, struct err *err)
{
    struct set_header head;
    if (bytes.len < sizeof(head) || memcmp(bytes.data, SET_MAGIC, sizeof(head.magic)) != 0)
        return err_set(err, ERR_SYNTAX, "not an indicator set");
    memcpy(&head, bytes.data, sizeof(head));
    if (head.endian != SET_ENDIAN || head.version != SET_VERSION)
        return err_set(err, ERR_SYNTAX, "indicator set of version %u or another machine; this program reads version %d",
                       head.version, SET_VERSION);
    if (head.check != set_header_check(&head))
        return err_set(err, ERR_SYNTAX, "indicator set: its header is damaged");
    if (head.total_bytes != bytes.len)
        return err_set(err, ERR_SYNTAX, "indicator set: %zu bytes, its header says %llu", bytes.len,
                       (unsigned long long)head.total_bytes);
    const char *bad = check_header(&head);
    if (bad)
        return err_set(err, ERR_SYNTAX, "indicator set: %s", bad);
    struct sweep_set *set = calloc(1, sizeof(*set));
    if (!set)
        return err_memory(err);
    set->head = head;
    set->filter = (const uint64_t *)(const void *)(bytes.data + head.filter.at);
    set->ipv4_map = bytes.data + head.ipv4_map.at;
    set->ipv4_fine = bytes.data + head.ipv4_fine.at;
    set->slots = (const uint64_t *)(const void *)(bytes.data + head.slots.at);
    set->starts = (const uint32_t *)(const void *)(bytes.data + head.starts.at);
    set->tag_starts = (const uint32_t *)(const void *)(bytes.data + head.tag_starts.at);
    set->tags = (const uint64_t *)(const void *)(bytes.data + head.tags.at);
    set->texts = bytes.data + head.texts.at;
    set_seeds(head.seed, set->seeds);
    *ret = set;
    return 0;
}

void sweep_set_close(struct sweep_set *set)
{
    free(set);
}

uint64_t sweep_set_count(const struct sweep_set *set)
{
    return set->head.type_first[SET_TYPES];
}

uint64_t sweep_set_count_type(const struct sweep_set *set, enum ioc_type type)
{
    if (type <= IOC_NONE || type >= IOC_TYPES)
        return 0;
    return set->head.type_first[type + 1] - set->head.type_first[type];
}

/* ---- entries ---- */

/* The text of an entry; empty if the set is damaged there, which no indicator is. */
static struct span entry_text(const struct sweep_set *set, uint32_t number)
{
    uint32_t start = set->starts[number], end = set->starts[number + 1];
    if (start > end || end > set->head.texts.count)
        return (struct span){set->texts, 0};
    return span_of(set->texts + start, end - start);
}

static enum ioc_type entry_type(const struct sweep_set *set, uint32_t number)
{
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++)
        if (number < set->head.type_first[type + 1])
            return number >= set->head.type_first[type] ? (enum ioc_type)type : IOC_NONE;
    return IOC_NONE;
}

bool set_entry(const struct sweep_set *set, uint32_t number, struct sweep_ioc *ret)
{
    if (number >= set->head.type_first[SET_TYPES])
        return false;
    struct span text = entry_text(set, number);
    uint32_t first = set->tag_starts[number], end = set->tag_starts[number + 1];
    enum ioc_type type = entry_type(set, number);
    if (text.len == 0 || type == IOC_NONE || first > end || end > set->head.tags.count)
        return false;
    *ret = (struct sweep_ioc){.type = type, .value = text, .tags = set->tags + first, .tag_count = end - first};
    return true;
}

uint32_t set_lookup(const struct sweep_set *set, uint64_t key, enum ioc_type type, struct span value)
{
    uint64_t slot = set_slot_of(key, set->head.slots.count);
    for (uint32_t probe = 0; probe <= set->head.probe_max; probe++) {
        uint64_t word = set->slots[slot];
        if (word == 0)
            break;
        uint32_t number = (uint32_t)word - 1;
        if (word >> 32 == (uint32_t)key && number >= set->head.type_first[type] &&
            number < set->head.type_first[type + 1] && span_eq(entry_text(set, number), value))
            return number;
        if (++slot == set->head.slots.count)
            slot = 0;
    }
    return SET_NO_ENTRY;
}

bool sweep_set_find(const struct sweep_set *set, enum ioc_type type, struct span value, struct sweep_ioc *ret)
{
    uint8_t padded[SWEEP_TOKEN_MAX + KEY_PAD];
    uint64_t key;
    if (type <= IOC_NONE || type >= IOC_TYPES || value.len == 0 || value.len > SWEEP_TOKEN_MAX)
        return false;
    memcpy(padded, value.data, value.len);
    memset(padded + value.len, 0, KEY_PAD);
    if (!set_key(set->seeds, type, span_of(padded, value.len), &key))
        return false;
    uint32_t number = set_lookup(set, key, type, value);
    return number != SET_NO_ENTRY && set_entry(set, number, ret);
}

size_t sweep_set_prefix(const struct sweep_set *set, enum ioc_type type, struct span prefix, struct sweep_ioc *ret,
                        size_t max)
{
    if (type <= IOC_NONE || type >= IOC_TYPES)
        return 0;
    uint32_t low = set->head.type_first[type], end = set->head.type_first[type + 1], high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (span_cmp(entry_text(set, middle), prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t count = 0;
    for (; low < end && count < max && span_starts(entry_text(set, low), prefix); low++)
        if (set_entry(set, low, &ret[count]))
            count++;
    return count;
}
