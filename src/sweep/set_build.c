/* Compiling a set. */
#include "sweep/set_draft.h"

#include <stdlib.h>

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
static int lay_out(struct sweep_builder *builder, struct set_draft *draft, struct err *err)
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

static void finish_header(struct set_draft *draft)
{
    struct set_header *head = &draft->head;
    uint64_t entries = set_draft_entries(draft), at = aligned(sizeof(*head));
    memcpy(head->magic, SET_MAGIC, sizeof(head->magic));
    head->version = SET_VERSION;
    head->endian = SET_ENDIAN;
    section(&at, &head->filter, head->filter.count, 8 * SET_FILTER_LINE);
    section(&at, &head->ipv4_map, SET_IPV4_MAP_BYTES, 1);
    section(&at, &head->ipv4_fine, head->ipv4_fine.count, 1);
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

static int write_texts(const struct set_draft *draft, write_fn write, void *ctx, struct err *err)
{
    uint8_t stage[STAGE_BYTES + SWEEP_TOKEN_MAX];
    uint32_t entries = set_draft_entries(draft);
    size_t n = 0;
    for (uint32_t entry = 0; entry < entries; entry++) {
        struct span text = set_draft_text(draft, entry);
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

static int write_draft(const struct sweep_builder *builder, const struct set_draft *draft, write_fn write, void *ctx,
                       struct err *err)
{
    const struct set_header *head = &draft->head;
    if (write_padded(write, ctx, head, sizeof(*head), err) ||
        write_padded(write, ctx, draft->filter, head->filter.count * 8 * SET_FILTER_LINE, err) ||
        write_padded(write, ctx, draft->ipv4_map, SET_IPV4_MAP_BYTES, err) ||
        write_padded(write, ctx, draft->ipv4_fine, head->ipv4_fine.count, err) ||
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
    struct set_draft draft = {0};
    int failed = lay_out(builder, &draft, err);
    if (failed)
        goto out;
    draft.head.seed = content_seed(builder);
    failed = set_draft_fill(&draft, err);
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
    free(draft.ipv4_fine);
    free(draft.below);
    return failed;
}
