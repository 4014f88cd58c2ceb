#include "governance/drafts.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "governance/fold.h"

int drafts_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    uint8_t hash[32];
    struct list list;
    int rc = list_parse(record->record, record->arena, &list, err);
    if (rc < 0)
        return rc;
    sha256_once(record->record->body, hash);
    return governance_run(fold->index,
                          "INSERT OR REPLACE INTO governance_list(ref, origin, name, time_ms, hash, items) VALUES(?1, "
                          "?2, ?3, ?4, ?5, ?6)",
                          SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_T(span_str(list.name)),
                                     SQL_I(record->record->time_ms), SQL_H(hash), SQL_I(list.count)),
                          err);
}

/* ---- what is offered ---- */

int drafts_newest(const struct view *view, const struct list_address *address, struct draft_line *ret, struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(view->index,
                       "SELECT ref, time_ms, hash, items FROM governance_list WHERE origin = ?1 AND name = ?2 ORDER BY "
                       "ref DESC LIMIT 1",
                       SQL_VALUES(SQL_T(span_str(address->source)), SQL_T(span_str(address->name))), err);
    *ret = (struct draft_line){.address = *address};
    if (!query)
        return err->code;
    int rc = index_step(view->index, query, err);
    if (rc > 0) {
        ret->ref = sqlite3_column_int64(query, 0);
        ret->time_ms = sqlite3_column_int64(query, 1);
        memcpy(ret->version, sqlite3_column_blob(query, 2), sizeof(ret->version));
        ret->items = (uint64_t)sqlite3_column_int64(query, 3);
    }
    sqlite3_reset(query);
    return rc > 0   ? 0
           : rc < 0 ? rc
                    : err_set(err, ERR_NOTFOUND, "%s#%s is not offered", address->source, address->name);
}

int drafts_gone(const struct view *view, int64_t ref, enum draft_state *ret, struct err *err)
{
    struct err none = {0};
    unsigned flags = 0;
    int rc = ref > 0 ? payload_flags(view->store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &flags, &none) : 0;
    *ret = rc == 0 && (flags & SLOT_ERASED) ? DRAFT_WITHDRAWN : DRAFT_ABSENT;
    return rc < 0 && rc != ERR_NOTFOUND ? err_set(err, rc, "%s", none.text) : 0;
}

/* ---- one ---- */

static int no_such_list(const struct list_address *address, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "%s#%s: no such list here", address->source, address->name);
}

struct file_reading {
    struct draft *draft;
    struct arena *arena;
    bool found;
};

static int take_body(struct draft *draft, struct span body, struct arena *arena, struct err *err)
{
    sha256_once(body, draft->version);
    return list_parse_body(body, arena, &draft->list, err);
}

static int read_file(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err)
{
    struct file_reading *reading = ctx;
    (void)name;
    reading->found = true;
    reading->draft->time_ms = time_ms;
    return take_body(reading->draft, body, reading->arena, err);
}

static int read_file_offer(const struct view *view, struct draft *draft, struct arena *arena, struct err *err)
{
    struct file_reading reading = {.draft = draft, .arena = arena};
    int rc = lists_files(view->store, draft->address.name, read_file, &reading, err);
    draft->state = reading.found ? DRAFT_OFFERED : DRAFT_ABSENT;
    return rc;
}

/* What is offered now; ERR_NOTFOUND if it is not for this viewer. */
static int read_offer(const struct view *view, struct draft *draft, struct arena *arena, struct err *err)
{
    struct view_record record;
    struct draft_line line;
    struct err none = {0};
    if (strcmp(draft->address.source, LIST_FILE_SOURCE) == 0)
        return read_file_offer(view, draft, arena, err);
    int rc = drafts_newest(view, &draft->address, &line, &none);
    if (rc == ERR_NOTFOUND)
        return drafts_gone(view, draft->has_word ? draft->word.ref : 0, &draft->state, err);
    if (rc < 0)
        return err_set(err, rc, "%s", none.text);
    rc = view_record_ref(view, line.ref, arena, &record, err);
    if (rc < 0)
        return rc;
    if (!record.has_text || !record.parsed) /* for others; or erased this very moment, and soon told so */
        return no_such_list(&draft->address, err);
    draft->ref = line.ref;
    draft->time_ms = record.record.time_ms;
    return take_body(draft, record.record.body, arena, err);
}

/* What is proposed to somebody who has adopted some of it. */
static int compare(struct draft *draft, struct arena *arena, struct err *err)
{
    int rc = list_changes(draft->adopted, draft->adopted_count, &draft->list, arena, &draft->changes,
                          &draft->change_count, err);
    for (size_t i = 0; rc == 0 && i < draft->change_count; i++)
        draft->removal_count += draft->changes[i].removes;
    return rc;
}

int drafts_read(const struct view *view, const struct list_address *address, struct arena *arena, struct draft *ret,
                struct err *err)
{
    struct err none = {0};
    *ret = (struct draft){.address = *address};
    memcpy(ret->list.name, address->name, sizeof(ret->list.name));
    int rc = lists_word(view->store, address, &ret->word, &none);
    ret->has_word = rc == 0;
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", none.text);
    rc = read_offer(view, ret, arena, err);
    if (rc == 0)
        rc = lists_items(view->store, address, arena, &ret->adopted, &ret->adopted_count, err);
    if (rc < 0)
        return rc;
    if (ret->state != DRAFT_OFFERED) {
        ret->list.advice = ret->has_word ? ret->word.advice : LIST_BLOCK;
        if (ret->adopted_count == 0)
            return no_such_list(address, err);
    }
    return compare(ret, arena, err);
}

/* ---- a person's word ---- */

static void begin_word(const struct draft *draft, enum list_act act, struct list_word *word)
{
    word->address = draft->address;
    word->act = act;
    memcpy(word->version, draft->version, 32);
    word->advice = draft->list.advice;
    word->ref = draft->ref > 0 ? draft->ref : draft->has_word ? draft->word.ref : 0;
    word->added = word->removed = 0;
}

static int64_t last_word(const struct draft *draft)
{
    return draft->has_word ? draft->word.number : 0;
}

int drafts_check_seen(const struct draft *draft, struct span version, struct err *err)
{
    char now[65];
    hex_encode(draft->version, 32, now);
    if (version.len < DRAFT_SEEN_MIN || version.len > 64)
        return err_set(err, ERR_USAGE, "a version has %d to 64 hex digits", DRAFT_SEEN_MIN);
    if (memcmp(now, version.data, version.len) != 0)
        return err_set(err, ERR_STATE, "%s#%s is another version by now, %.12s: please look at it again",
                       draft->address.source, draft->address.name, now);
    return 0;
}

int drafts_decline(struct store *store, const struct draft *draft, struct list_word *word, struct err *err)
{
    begin_word(draft, LIST_DECLINED, word);
    snprintf(word->set, sizeof(word->set), "%s", draft->has_word ? draft->word.set : draft->address.name);
    return lists_say(store, word, last_word(draft), NULL, 0, err);
}

/* Adopted items and changes ascend: one pass. */
int drafts_adopt(struct store *store, const struct draft *draft,
                 bool (*wanted)(void *ctx, const struct list_change *change), void *ctx, struct list_word *word,
                 struct arena *arena, struct err *err)
{
    size_t a = 0, count = 0;
    struct list_item *items = arena_array(arena, draft->adopted_count + draft->change_count + 1, sizeof(*items));
    if (!items)
        return err_memory(err);
    begin_word(draft, LIST_ADOPTED, word);
    for (size_t c = 0; c <= draft->change_count; c++) {
        const struct list_change *change = c < draft->change_count ? &draft->changes[c] : NULL;
        while (a < draft->adopted_count && (!change || list_item_cmp(&draft->adopted[a], &change->item) < 0))
            items[count++] = draft->adopted[a++];
        if (!change)
            break;
        bool takes = !wanted || wanted(ctx, change);
        if (change->removes) {
            if (!takes)
                items[count++] = draft->adopted[a];
            a++;
            word->removed += takes;
        } else if (takes) {
            items[count++] = change->item;
            word->added++;
        }
    }
    if (count > LIST_ITEMS_MAX)
        return err_set(err, ERR_LIMIT, "%zu items would be adopted, limit %d", count, LIST_ITEMS_MAX);
    return lists_say(store, word, last_word(draft), items, count, err);
}
