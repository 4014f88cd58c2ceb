#include "sweep/token_map.h"

#include <stdlib.h>

#if defined(__x86_64__)
#define TOKEN_MAP_AVX2 1
#include <immintrin.h>
#endif

#define BLOCK 64

enum byte_class { WORD = 1, DOT = 2, LINE = 4, COLON = 8, HEX = 16, SLASH = 32, FOREIGN = 64, UPPER = 128 };

/* What one block holds, a bit a byte. */
struct block {
    uint64_t word, dot, line, colon, hex, slash, foreign;
};

/* What the next block needs to know of those before it. */
struct carry {
    uint64_t word, colon, slash; /* in bit 0: the last byte was one */
    uint64_t ripple;             /* 1 if the addition ran over */
    uint64_t foreign;
};

bool token_map_init(struct token_map *map, size_t max)
{
    size_t blocks = max / BLOCK + 3; /* one before, one for the rest, one behind */
    size_t bits = blocks * sizeof(uint64_t), bytes = (blocks + 1) * BLOCK;
    *map = (struct token_map){0};
    map->memory = aligned_alloc(BLOCK, (4 * bits + bytes + BLOCK - 1) / BLOCK * BLOCK);
    if (!map->memory)
        return false;
    map->lower = (uint8_t *)map->memory + TOKEN_MAP_PAD;
    memset(map->memory, ' ', TOKEN_MAP_PAD);
    uint64_t *arrays = (uint64_t *)(void *)((uint8_t *)map->memory + bytes);
    map->word = arrays + 1;
    map->dot = map->word + blocks;
    map->line = map->dot + blocks;
    map->candidate = map->line + blocks;
    map->word[-1] = map->dot[-1] = map->line[-1] = map->candidate[-1] = 0;
    return true;
}

void token_map_done(struct token_map *map)
{
    free(map->memory);
    *map = (struct token_map){0};
}

/* Two colons in a row, or a colon with two more behind it, each two to five bytes on: times have only one more. */
static inline __attribute__((always_inline)) uint64_t ipv6_places(uint64_t colon, uint64_t before)
{
    uint64_t one = colon & (colon >> 2 | colon >> 3 | colon >> 4 | colon >> 5);
    uint64_t two = one & (one >> 2 | one >> 3 | one >> 4 | one >> 5);
    return (colon & (colon << 1 | before)) | two;
}

/* The first byte of each aligned sixteen that are all set: any run of 31 covers one. */
static inline __attribute__((always_inline)) uint64_t full_lanes(uint64_t bits)
{
    uint64_t pairs = bits & bits >> 1;
    pairs &= pairs >> 2;
    pairs &= pairs >> 4;
    return pairs & pairs >> 8 & UINT64_C(0x0001000100010001);
}

static inline __attribute__((always_inline)) void note(struct token_map *map, size_t index, const struct block *b,
                                                       struct carry *carry, unsigned want)
{
    uint64_t starts = b->word & ~(b->word << 1 | carry->word);
    uint64_t dotless = b->word & ~b->dot;
    uint64_t sum, ripple;
    ripple = (uint64_t)__builtin_add_overflow(dotless, starts, &sum);
    ripple |= (uint64_t)__builtin_add_overflow(sum, carry->ripple, &sum);
    uint64_t candidate = sum & b->dot;
    if (want & TOKEN_WANT_IPV6)
        candidate |= ipv6_places(b->colon, carry->colon);
    if (want & TOKEN_WANT_HASH)
        candidate |= full_lanes(b->hex);
    if (want & TOKEN_WANT_PATH)
        candidate |= b->slash & ~((b->word | b->slash | b->colon) << 1 | carry->word | carry->slash | carry->colon);
    map->word[index] = b->word;
    map->dot[index] = b->dot;
    map->line[index] = b->line;
    map->candidate[index] = candidate;
    map->lines += (uint64_t)__builtin_popcountll(b->line);
    carry->ripple = ripple;
    carry->word = b->word >> 63;
    carry->colon = b->colon >> 63;
    carry->slash = b->slash >> 63;
    carry->foreign |= b->foreign;
}

/* ---- portable ---- */

static const uint8_t byte_classes[256] = {
    ['0' ... '9'] = WORD | HEX,
    ['A' ... 'F'] = WORD | HEX | UPPER,
    ['G' ... 'Z'] = WORD | UPPER,
    ['a' ... 'f'] = WORD | HEX,
    ['g' ... 'z'] = WORD,
    [128 ... 255] = WORD | FOREIGN,
    ['-'] = WORD,
    ['_'] = WORD,
    ['.'] = WORD | DOT,
    ['\n'] = LINE,
    [':'] = COLON,
    ['/'] = SLASH,
};

static void classify_portable(const uint8_t *in, uint8_t *lower, struct block *b)
{
    *b = (struct block){0};
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t bits = byte_classes[in[i]];
        b->word |= (bits & 1) << i;
        b->dot |= (bits >> 1 & 1) << i;
        b->line |= (bits >> 2 & 1) << i;
        b->colon |= (bits >> 3 & 1) << i;
        b->hex |= (bits >> 4 & 1) << i;
        b->slash |= (bits >> 5 & 1) << i;
        b->foreign |= (bits >> 6 & 1) << i;
        lower[i] = (uint8_t)(in[i] | (bits >> 7) << 5);
    }
}

static void blocks_portable(struct token_map *map, const uint8_t *in, size_t first, size_t count, struct carry *carry,
                            unsigned want)
{
    for (size_t i = first; i < first + count; i++, in += BLOCK) {
        struct block b;
        classify_portable(in, map->lower + i * BLOCK, &b);
        note(map, i, &b, carry, want);
    }
}

/* ---- AVX2 ---- */

#ifdef TOKEN_MAP_AVX2

/*
 * Two shuffles classify 32 bytes: a byte has a class if the tables of its high and of its low half both have the bit.
 *   bit 0  2x: D E        bit 1  3x: 0-9        bit 2  4x 6x: 1-F     bit 3  5x: 0-A F
 *   bit 4  7x: 0-A        bit 5  8x-Fx: all     bit 6  4x 6x: 1-6
 * Bits 0 to 5 are words, bits 1 and 6 hex digits.
 */
#define WORD_BITS 0x3f
#define HEX_BITS 0x42
#define BY_HIGH 0, 0, 0x01, 0x02, 0x44, 0x08, 0x44, 0x10, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20
#define BY_LOW 0x3a, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x3e, 0x3e, 0x3e, 0x3c, 0x24, 0x24, 0x25, 0x25, 0x2c

struct half {
    uint32_t word, dot, line, colon, hex, slash, foreign;
};

__attribute__((target("avx2"))) static inline uint32_t equal_bits(__m256i bytes, char c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c)));
}

__attribute__((target("avx2"))) static inline uint32_t any_bits(__m256i classes, char bits)
{
    return ~equal_bits(_mm256_and_si256(classes, _mm256_set1_epi8(bits)), 0);
}

__attribute__((target("avx2"))) static inline struct half classify_avx2(const uint8_t *in, uint8_t *lower)
{
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    const __m256i by_high = _mm256_setr_epi8(BY_HIGH, BY_HIGH), by_low = _mm256_setr_epi8(BY_LOW, BY_LOW);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)in);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    __m256i low = _mm256_and_si256(bytes, nibble);
    __m256i classes = _mm256_and_si256(_mm256_shuffle_epi8(by_high, high), _mm256_shuffle_epi8(by_low, low));
    /* A-Z moved to the lowest 26 of the signed range: 128 - 'A' wraps around to -128. */
    __m256i moved = _mm256_add_epi8(bytes, _mm256_set1_epi8((char)(128 - 'A')));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(-128 + 26), moved);
    __m256i folded = _mm256_or_si256(bytes, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
    _mm256_storeu_si256((__m256i *)(void *)lower, folded);
    return (struct half){.word = any_bits(classes, WORD_BITS),
                         .dot = equal_bits(bytes, '.'),
                         .line = equal_bits(bytes, '\n'),
                         .colon = equal_bits(bytes, ':'),
                         .hex = any_bits(classes, HEX_BITS),
                         .slash = equal_bits(bytes, '/'),
                         .foreign = (uint32_t)_mm256_movemask_epi8(bytes)};
}

__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))) static void
blocks_avx2(struct token_map *map, const uint8_t *in, size_t first, size_t count, struct carry *carry, unsigned want)
{
    for (size_t i = first; i < first + count; i++, in += BLOCK) {
        struct half a = classify_avx2(in, map->lower + i * BLOCK);
        struct half z = classify_avx2(in + 32, map->lower + i * BLOCK + 32);
        struct block b = {.word = a.word | (uint64_t)z.word << 32,
                          .dot = a.dot | (uint64_t)z.dot << 32,
                          .line = a.line | (uint64_t)z.line << 32,
                          .colon = a.colon | (uint64_t)z.colon << 32,
                          .hex = a.hex | (uint64_t)z.hex << 32,
                          .slash = a.slash | (uint64_t)z.slash << 32,
                          .foreign = a.foreign | (uint64_t)z.foreign << 32};
        note(map, i, &b, carry, want);
    }
}
#endif

/* ---- both ---- */

typedef void (*blocks_fn)(struct token_map *map, const uint8_t *in, size_t first, size_t count, struct carry *carry,
                          unsigned want);

static blocks_fn best_blocks(void)
{
#ifdef TOKEN_MAP_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"))
        return blocks_avx2;
#endif
    return blocks_portable;
}

static void fill(struct token_map *map, struct span in, unsigned want, blocks_fn blocks)
{
    struct carry carry = {0};
    size_t whole = in.len / BLOCK, rest = in.len % BLOCK, end = whole + (rest > 0);
    map->lines = 0;
    blocks(map, in.data, 0, whole, &carry, want);
    if (rest) {
        uint8_t last[BLOCK];
        memset(last, ' ', sizeof(last));
        memcpy(last, in.data + whole * BLOCK, rest);
        blocks(map, last, whole, 1, &carry, want);
    }
    memset(map->lower + in.len, ' ', TOKEN_MAP_PAD);
    map->word[end] = map->dot[end] = map->line[end] = map->candidate[end] = 0;
    map->foreign = carry.foreign != 0;
}

void token_map_fill(struct token_map *map, struct span in, unsigned want)
{
    fill(map, in, want, best_blocks());
}

void token_map_fill_portable(struct token_map *map, struct span in, unsigned want)
{
    fill(map, in, want, blocks_portable);
}
