/*
 * The one C++ file: simdjson's vectorised first stage behind a C interface. Its second stage is not used, as it
 * forgets where in the text a value stood and refuses numbers that no double or 64-bit integer holds, which RFC 8259 allows.
 */
#include "base/json_impl.h"

#include <memory>
#include <new>

#include <simdjson.h>

struct simd_index {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

const size_t simd_padding = simdjson::SIMDJSON_PADDING;

bool simd_utf8_valid(const char *text, size_t len)
{
    return simdjson::validate_utf8(text, len);
}

struct simd_index *simd_index_new(void)
{
    return new (std::nothrow) simd_index;
}

void simd_index_free(struct simd_index *index)
{
    delete index;
}

static simdjson::error_code make_room(struct simd_index *index, size_t len)
{
    if (index->parser && len <= index->parser->capacity())
        return simdjson::SUCCESS;
    size_t capacity = size_t(1) << 16;
    while (capacity < len)
        capacity *= 2;
    /* The depth belongs to the second stage; 1 is the least that is accepted. */
    if (index->parser)
        return index->parser->allocate(capacity, 1);
    return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, index->parser);
}

enum simd_result simd_index_run(struct simd_index *index, const uint8_t *text, size_t len, const uint32_t **ret_at,
                                size_t *ret_count)
{
    if (make_room(index, len) != simdjson::SUCCESS)
        return SIMD_NO_MEMORY;
    if (index->parser->stage1(text, len, simdjson::stage1_mode::regular) != simdjson::SUCCESS)
        return SIMD_MALFORMED;
    *ret_at = index->parser->structural_indexes.get();
    *ret_count = index->parser->n_structural_indexes;
    return SIMD_OK;
}
