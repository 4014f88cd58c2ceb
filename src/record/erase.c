#include "record/member.h"

#include "record/body.h"

#include <stdio.h>

int erase_write(uint64_t index, int64_t time_ms, struct buf *out_record, struct err *err)
{
    char body[24];
    if (index >= LOG_SIZE_MAX)
        return err_set(err, ERR_LIMIT, "erase: entry %llu is beyond the longest log", (unsigned long long)index);
    snprintf(body, sizeof(body), "%llu\n", (unsigned long long)index);
    return body_write_text("connect/erase", time_ms, span_str(body), out_record, err);
}

int erase_parse(const struct record *record, uint64_t *ret_index, struct err *err)
{
    if (!span_is(record->kind, "connect/erase"))
        return err_set(err, ERR_SYNTAX, "the record is no connect/erase");
    struct span body = record->body;
    if (body.len == 0 || body.data[body.len - 1] != '\n' ||
        !span_u64(span_sub(body, 0, body.len - 1), LOG_SIZE_MAX - 1, ret_index))
        return err_set(err, ERR_SYNTAX, "erase: expected the index of an entry and a newline");
    return 0;
}
