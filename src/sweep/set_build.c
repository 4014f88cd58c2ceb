/* Compiling a set. */
#include "sweep/layout.h"

#include <stdlib.h>

#include "sweep/url.h"

#define SLOT_LOAD_PERCENT 60   /* of the slots in use: an absent key ends after about 3.6 probes (Knuth 6.4) */
#define FILTER_BITS_PER_KEY 12 /* about 1 % of absent keys pass; see the measurements in bench/bench_sweep.c */
#define PROBE_GOAL 512         /* a longer chain means bad luck or bad will: another seed */
#define SEEDS_MAX 8
#define STAGE_BYTES 65536

/* One call of sweep_builder_add(). */
struct said {
    uint64_t head; /* first eight bytes of the value, so that most comparisons need no text */
    uint64_t tag;
    uint64_t at;
    uint32_t len;
    uint32_t type;
};

struct sweep_builder {
    struct said *said;
    size_t count, cap;
    uint8_t *texts;
    size_t texts_len, texts_cap;
};

/* What sweep_builder_write() makes: see layout.h. */
struct draft {
    struct set_header head;
    uint32_t *starts, *tag_starts;
    const uint8_t **texts;
    uint64_t *filter, *slots;
    uint8_t *ipv4_map;
    uint64_t *below; /* distinct keys that have something below them: a hash table, 0 is free */
    size_t below_count, below_cap;
    uint64_t seeds[IOC_TYPES];
};

struct sweep_builder *sweep_builder_new(size_t expected)
{
    struct sweep_builder *builder = calloc(1, sizeof(*builder));
    if (!builder || expected > SET_ENTRIES_MAX)
        return builder;
    builder->said = malloc((expected + 1) * sizeof(*builder->said));
    if (builder->said)
        builder->cap = expected + 1;
    return builder;
}

void sweep_builder_free(struct sweep_builder *builder)
{
    if (!builder)
        return;
    free(builder->said);
    free(builder->texts);
    free(builder);
}

/* Room for one more and its text, with the pad behind it. */
static int reserve(struct sweep_builder *builder, size_t text_len, struct err *err)
{
    if (builder->count == builder->cap) {
        size_t cap = builder->cap ? builder->cap + builder->cap / 2 + 1 : 1024;
        struct said *said = reallocarray(builder->said, cap, sizeof(*said));
        if (!said)
            return err_memory(err);
        builder->said = said;
        builder->cap = cap;
    }
    if (builder->texts_cap - builder->texts_len < text_len + KEY_PAD) {
        size_t cap = builder->texts_cap + builder->texts_cap / 2 + text_len + STAGE_BYTES;
        uint8_t *texts = realloc(builder->texts, cap);
        if (!texts)
            return err_memory(err);
        builder->texts = texts;
        builder->texts_cap = cap;
    }
    return 0;
}

static uint64_t first_bytes(const uint8_t *text, size_t len)
{
    uint8_t bytes[8] = {0};
    uint64_t word;
    memcpy(bytes, text, len < 8 ? len : 8);
    memcpy(&word, bytes, sizeof(word));
    return be64toh(word);
}

int sweep_builder_add(struct sweep_builder *builder, enum ioc_type type, struct span value, uint64_t tag,
                      struct err *err)
{
    static const uint64_t any[IOC_TYPES];
    uint64_t key;
    if (value.len > SWEEP_TOKEN_MAX)
        return err_set(err, ERR_LIMIT, "indicator of %zu bytes, at most %d", value.len, SWEEP_TOKEN_MAX);
    if (builder->count >= SET_ENTRIES_MAX || builder->texts_len + value.len > SET_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "more than %u indicators or 4 GiB of them in one set", SET_ENTRIES_MAX);
    if (reserve(builder, value.len, err))
        return err->code;
    uint8_t *text = builder->texts + builder->texts_len;
    if (value.len)
        memcpy(text, value.data, value.len);
    memset(text + value.len, 0, KEY_PAD);
    if (!set_key(any, type, span_of(text, value.len), &key))
        return err_set(err, ERR_SYNTAX, "indicator not in canonical form for type %s", ioc_type_word(type));
    builder->said[builder->count++] = (struct said){.head = first_bytes(text, value.len),
                                                    .tag = tag,
                                                    .at = builder->texts_len,
                                                    .len = (uint32_t)value.len,
                                                    .type = (uint32_t)type};
    builder->texts_len += value.len;
    return 0;
}

/* ---- order ---- */

static struct span said_text(const struct sweep_builder *builder, const struct said *said)
{
    return span_of(builder->texts + said->at, said->len);
}

static bool same_value(const struct sweep_builder *builder, const struct said *a, const struct said *b)
{
    return a->type == b->type && a->head == b->head && span_eq(said_text(builder, a), said_text(builder, b));
}

static int compare(const void *left, const void *right, void *ctx)
{
    const struct sweep_builder *builder = ctx;
    const struct said *a = left, *b = right;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int order = span_cmp(said_text(builder, a), said_text(builder, b));
    if (order)
        return order;
    return a->tag < b->tag ? -1 : a->tag > b->tag;
}

/* Sort, drop what was said twice with the same tag, and lay out where texts and tags will stand. */
static int lay_out(struct sweep_builder *builder, struct draft *draft, struct err *err)
{
    qsort_r(builder->said, builder->count, sizeof(*builder->said), compare, builder);
    draft->starts = calloc(builder->count + 1, sizeof(*draft->starts));
    draft->tag_starts = calloc(builder->count + 1, sizeof(*draft->tag_starts));
    draft->texts = calloc(builder->count + 1, sizeof(*draft->texts));
    if (!draft->starts || !draft->tag_starts || !draft->texts)
        return err_memory(err);
    uint32_t entries = 0, tags = 0, text = 0, of_type[SET_TYPES] = {0};
    for (size_t i = 0; i < builder->count; i++) {
        const struct said *said = &builder->said[i];
        bool again = tags > 0 && same_value(builder, &builder->said[tags - 1], said);
        if (again && builder->said[tags - 1].tag == said->tag)
            continue;
        if (!again) {
            draft->texts[entries] = builder->texts + said->at;
            draft->starts[entries] = text;
            draft->tag_starts[entries++] = tags;
            text += said->len;
            of_type[said->type]++;
        }
        builder->said[tags++] = *said;
    }
    builder->count = tags;
    draft->starts[entries] = text;
    draft->tag_starts[entries] = tags;
    for (int type = 0; type < SET_TYPES; type++)
        draft->head.type_first[type + 1] = draft->head.type_first[type] + of_type[type];
    return 0;
}

/* The content decides the seed. */
static uint64_t content_seed(const struct sweep_builder *builder)
{
    uint64_t seed = KEY_A;
    for (size_t i = 0; i < builder->count; i++)
        seed = key_bytes(seed + builder->said[i].type, builder->texts + builder->said[i].at, builder->said[i].len);
    return seed;
}

/* ---- what lies below ---- */

static int below_grow(struct draft *draft, struct err *err)
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

static int below_add(struct draft *draft, uint64_t key, struct err *err)
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

static void map_ipv4(struct draft *draft, uint32_t address, unsigned bits)
{
    uint32_t first = address >> 16, last = (address | ~ipv4_mask(bits)) >> 16;
    for (uint32_t half = first; half <= last; half++)
        draft->ipv4_map[half >> 3] |= (uint8_t)(1u << (half & 7));
}

/* Names above a name, without the name itself unless something hangs under it. */
static int below_domain(struct draft *draft, struct span name, bool with_name, struct err *err)
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

static int below_host(struct draft *draft, struct span host, struct err *err)
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
static int below_path(struct draft *draft, struct span path, struct err *err)
{
    uint64_t state = draft->seeds[IOC_URL_PATH];
    for (size_t i = 0; i < path.len; i++) {
        if (i > 0 && (path.data[i] == '/' || path.data[i] == '?') && below_add(draft, key_roll_end(state), err))
            return err->code;
        state = key_roll(state, path.data[i]);
    }
    return 0;
}

static int below_prefix(struct draft *draft, enum ioc_type type, struct span value)
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
static int note_below(struct draft *draft, enum ioc_type type, struct span value, struct err *err)
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

static uint32_t entries_of(const struct draft *draft)
{
    return draft->head.type_first[SET_TYPES];
}

static struct span draft_text(const struct draft *draft, uint32_t entry)
{
    return span_of(draft->texts[entry], draft->starts[entry + 1] - draft->starts[entry]);
}

/* File an entry; how many slots lie between its key's place and its own. */
static uint32_t place(struct draft *draft, uint64_t key, uint32_t entry)
{
    uint64_t slot = set_slot_of(key, draft->head.slots.count);
    uint32_t probe = 0;
    for (; draft->slots[slot]; probe++)
        slot = slot + 1 == draft->head.slots.count ? 0 : slot + 1;
    draft->slots[slot] = (uint64_t)(uint32_t)key << 32 | (entry + 1);
    return probe;
}

/* All keys under this seed: slots, and the keys with something below them. */
static int fill_slots(struct draft *draft, struct err *err)
{
    set_seeds(draft->head.seed, draft->seeds);
    memset(draft->slots, 0, draft->head.slots.count * sizeof(*draft->slots));
    memset(draft->ipv4_map, 0, SET_IPV4_MAP_BYTES);
    if (draft->below)
        memset(draft->below, 0, draft->below_cap * sizeof(*draft->below));
    draft->below_count = 0;
    draft->head.probe_max = 0;
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        for (uint32_t entry = draft->head.type_first[type]; entry < draft->head.type_first[type + 1]; entry++) {
            uint64_t key = 0;
            struct span text = draft_text(draft, entry);
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

static void fill_filter(struct draft *draft)
{
    uint64_t lines = draft->head.filter.count;
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        for (uint32_t entry = draft->head.type_first[type]; entry < draft->head.type_first[type + 1]; entry++) {
            uint64_t key = 0;
            if (set_key(draft->seeds, (enum ioc_type)type, draft_text(draft, entry), &key))
                draft->filter[set_filter_word(key, lines)] |= set_filter_mask(key);
        }
    }
    for (size_t i = 0; i < draft->below_cap; i++)
        if (draft->below[i])
            draft->filter[set_filter_word(draft->below[i], lines) ^ 1] |= set_filter_mask(draft->below[i]);
}

static int fill_tables(struct draft *draft, struct err *err)
{
    uint64_t entries = entries_of(draft);
    draft->head.slots.count = entries * 100 / SLOT_LOAD_PERCENT + 8;
    draft->slots = malloc(draft->head.slots.count * sizeof(*draft->slots));
    draft->ipv4_map = malloc(SET_IPV4_MAP_BYTES);
    if (!draft->slots || !draft->ipv4_map)
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

/* ---- writing ---- */

typedef int (*write_fn)(void *ctx, struct span bytes, struct err *err);

/* Sections begin at multiples of 64 bytes: a filter line is a cache line. */
static uint64_t aligned(uint64_t at)
{
    return (at + 63) & ~UINT64_C(63);
}

static void section(uint64_t *at, struct set_section *section, uint64_t count, uint64_t width)
{
    *section = (struct set_section){*at, count};
    *at = aligned(*at + count * width);
}

static void finish_header(struct draft *draft)
{
    struct set_header *head = &draft->head;
    uint64_t entries = entries_of(draft), at = aligned(sizeof(*head));
    memcpy(head->magic, SET_MAGIC, sizeof(head->magic));
    head->version = SET_VERSION;
    head->endian = SET_ENDIAN;
    section(&at, &head->filter, head->filter.count, 8 * SET_FILTER_LINE);
    section(&at, &head->ipv4_map, SET_IPV4_MAP_BYTES, 1);
    section(&at, &head->slots, head->slots.count, 8);
    section(&at, &head->starts, entries + 1, 4);
    section(&at, &head->tag_starts, entries + 1, 4);
    section(&at, &head->tags, draft->tag_starts[entries], 8);
    section(&at, &head->texts, draft->starts[entries], 1);
    head->total_bytes = at;
    head->check = set_header_check(head);
}

/* Write a section and the zeros up to the next one. */
static int write_padded(write_fn write, void *ctx, const void *data, uint64_t len, struct err *err)
{
    static const uint8_t zeros[64];
    uint64_t pad = aligned(len) - len;
    if (len && write(ctx, span_of(data, len), err))
        return err->code;
    return pad && write(ctx, span_of(zeros, pad), err) ? err->code : 0;
}

static int write_tags(const struct sweep_builder *builder, write_fn write, void *ctx, struct err *err)
{
    uint64_t stage[512];
    for (size_t done = 0; done < builder->count;) {
        size_t n = 0;
        while (n < 512 && done < builder->count)
            stage[n++] = builder->said[done++].tag;
        if (done < builder->count ? write(ctx, span_of(stage, n * 8), err)
                                  : write_padded(write, ctx, stage, n * 8, err))
            return err->code;
    }
    return 0;
}

static int write_texts(const struct draft *draft, write_fn write, void *ctx, struct err *err)
{
    uint8_t stage[STAGE_BYTES + SWEEP_TOKEN_MAX];
    uint32_t entries = entries_of(draft);
    size_t n = 0;
    for (uint32_t entry = 0; entry < entries; entry++) {
        struct span text = draft_text(draft, entry);
        memcpy(stage + n, text.data, text.len);
        n += text.len;
        if (n >= STAGE_BYTES) {
            if (write(ctx, span_of(stage, STAGE_BYTES), err))
                return err->code;
            n -= STAGE_BYTES;
            memmove(stage, stage + STAGE_BYTES, n);
        }
    }
    return write_padded(write, ctx, stage, n, err);
}

static int write_draft(const struct sweep_builder *builder, const struct draft *draft, write_fn write, void *ctx,
                       struct err *err)
{
    const struct set_header *head = &draft->head;
    if (write_padded(write, ctx, head, sizeof(*head), err) ||
        write_padded(write, ctx, draft->filter, head->filter.count * 8 * SET_FILTER_LINE, err) ||
        write_padded(write, ctx, draft->ipv4_map, SET_IPV4_MAP_BYTES, err) ||
        write_padded(write, ctx, draft->slots, head->slots.count * 8, err) ||
        write_padded(write, ctx, draft->starts, head->starts.count * 4, err) ||
        write_padded(write, ctx, draft->tag_starts, head->tag_starts.count * 4, err) ||
        write_tags(builder, write, ctx, err) || write_texts(draft, write, ctx, err))
        return err->code;
    return 0;
}

int sweep_builder_write(struct sweep_builder *builder, int (*write)(void *ctx, struct span bytes, struct err *err),
                        void *ctx, struct err *err)
{
    struct draft draft = {0};
    int failed = lay_out(builder, &draft, err);
    if (failed)
        goto out;
    draft.head.seed = content_seed(builder);
    failed = fill_tables(&draft, err);
    if (failed)
        goto out;
    finish_header(&draft);
    failed = write_draft(builder, &draft, write, ctx, err);
out:
    free(draft.starts);
    free(draft.tag_starts);
    free(draft.texts);
    free(draft.filter);
    free(draft.slots);
    free(draft.ipv4_map);
    free(draft.below);
    return failed;
}
