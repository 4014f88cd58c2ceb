#include "connect/preview_group.h"

#include "record/audience.h"

#define WORDS_MAX 64 /* bits of crowd_groups */

struct preview_groups {
    uint64_t own; /* words that are groups of the author's */
    struct view_record record[WORDS_MAX];
};

int preview_groups_find(const struct view *view, const struct log_info *author, const struct record *named,
                        int64_t time_ms, struct arena *arena, struct preview_groups **ret, struct err *err)
{
    struct preview_groups *groups = arena_alloc(arena, sizeof(*groups));
    int rc = groups ? 0 : err_memory(err);
    for (size_t i = 0; rc == 0 && i < named->to_count && i < WORDS_MAX; i++) {
        struct span word = named->to[i];
        if (!audience_is_group(word) || !span_is(audience_group_origin(word), author->origin))
            continue;
        int64_t ref = view_group_record(view, word, time_ms);
        if (ref < 0)
            continue;
        groups->own |= UINT64_C(1) << i;
        rc = view_record_ref(view, ref, arena, &groups->record[i], err);
    }
    *ret = groups;
    return rc;
}

int preview_groups_known(const struct preview_groups *groups, const struct view *member, uint64_t in, bool *ret,
                         struct err *err)
{
    *ret = (in & ~groups->own) != 0;
    for (uint64_t left = in & groups->own; left && !*ret; left &= left - 1) {
        const struct view_record *record = &groups->record[__builtin_ctzll(left)];
        struct view_content content = {.log = &record->log, .record = &record->record, .bytes = record->text.len};
        struct view_answer answer = {0};
        int rc = record->parsed ? view_gives(member, &content, &answer, err) : 0;
        if (rc < 0)
            return rc;
        *ret = answer.is_given;
    }
    return 0;
}
