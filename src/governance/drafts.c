#include "governance/drafts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "base/utf8.h"
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

/* ---- all of them ---- */

struct listing {
    const struct view *view;
    struct draft_line *lines;
    size_t count, cap;
    uint64_t hidden;
    char last[LIST_SOURCE_MAX + 1];
    unsigned of_one;
};

static int add_line(struct listing *all, const struct draft_line *line, const uint8_t version[32], struct err *err)
{
    if (all->count == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 64;
        struct draft_line *lines = realloc(all->lines, cap * sizeof(*lines));
        if (!lines)
            return err_memory(err);
        all->lines = lines;
        all->cap = cap;
    }
    all->lines[all->count] = *line;
    memcpy(all->lines[all->count++].version, version, 32);
    return 0;
}

static bool is_own(const struct view *view, const char *source)
{
    struct log_info log;
    struct err absent = {0};
    return store_log_by_origin(view->store, span_str(source), &log, &absent) == 0 &&
           (log.role == LOG_OWN || log.role == LOG_LOCAL);
}

/* The newest of each name. */
static int add_published(struct listing *all, struct err *err)
{
    sqlite3_stmt *query = index_statement(
        all->view->index,
        "SELECT origin, name, ref, time_ms, hash, items FROM governance_list AS l WHERE ref = (SELECT max(ref) FROM"
        " governance_list WHERE origin = l.origin AND name = l.name) ORDER BY origin, name",
        err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(all->view->index, query, err)) > 0) {
        struct draft_line line = {.ref = sqlite3_column_int64(query, 2),
                                  .time_ms = sqlite3_column_int64(query, 3),
                                  .items = (uint64_t)sqlite3_column_int64(query, 5)};
        snprintf(line.address.source, sizeof(line.address.source), "%s", (const char *)sqlite3_column_text(query, 0));
        snprintf(line.address.name, sizeof(line.address.name), "%s", (const char *)sqlite3_column_text(query, 1));
        all->of_one = strcmp(all->last, line.address.source) == 0 ? all->of_one + 1 : 1;
        memcpy(all->last, line.address.source, sizeof(all->last));
        if (!view_sees_ref(all->view, line.ref))
            continue;
        if (all->of_one > DRAFTS_OF_ONE) {
            all->hidden++;
            continue;
        }
        if ((rc = add_line(all, &line, sqlite3_column_blob(query, 4), err)) < 0)
            break;
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

static int add_file(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err)
{
    struct draft_line line = {.address.source = LIST_FILE_SOURCE, .time_ms = time_ms};
    struct arena arena;
    struct list list;
    uint8_t version[32];
    arena_init(&arena, 4 * LIST_BODY_MAX);
    int rc = list_parse_body(body, &arena, &list, err);
    line.items = rc == 0 ? list.count : 0;
    arena_done(&arena);
    snprintf(line.address.name, sizeof(line.address.name), "%s", name);
    sha256_once(body, version);
    return rc == 0 ? add_line(ctx, &line, version, err) : rc;
}

static int add_adopted(void *ctx, const struct list_word *word, uint64_t items, struct err *err)
{
    static const uint8_t none[32];
    struct listing *all = ctx;
    struct draft_line line = {.address = word->address, .withdrawn = true, .adopted = items};
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->lines[i].address.source, word->address.source) == 0 &&
            strcmp(all->lines[i].address.name, word->address.name) == 0) {
            all->lines[i].adopted = items;
            return 0;
        }
    return add_line(all, &line, none, err);
}

/* Has somebody spoken about the version that is offered? */
static int complete(struct listing *all, size_t i, struct err *err)
{
    struct list_word word;
    struct err none = {0};
    struct draft_line *line = &all->lines[i];
    int rc = lists_word(all->view->store, &line->address, &word, &none);
    line->spoken = rc == 0 && memcmp(word.version, line->version, 32) == 0;
    line->own = is_own(all->view, line->address.source);
    if (rc == 0 || rc == ERR_NOTFOUND)
        return 0;
    *err = none;
    return rc;
}

int drafts_list(const struct view *view, int (*each)(void *ctx, const struct draft_line *line, struct err *err),
                void *ctx, uint64_t *ret_hidden, struct err *err)
{
    struct listing all = {.view = view};
    int rc = add_published(&all, err);
    if (rc == 0)
        rc = lists_files(view->store, NULL, add_file, &all, err);
    if (rc == 0)
        rc = lists_adopted(view->store, add_adopted, &all, err);
    for (size_t i = 0; i < all.count && rc == 0; i++)
        rc = complete(&all, i, err);
    for (size_t i = 0; i < all.count && rc == 0; i++)
        rc = each(ctx, &all.lines[i], err);
    *ret_hidden = all.hidden;
    free(all.lines);
    return rc;
}

/* ---- one ---- */

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

static int newest(const struct view *view, const struct list_address *address, int64_t *ret, struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(view->index, "SELECT max(ref) FROM governance_list WHERE origin = ?1 AND name = ?2",
                       SQL_VALUES(SQL_T(span_str(address->source)), SQL_T(span_str(address->name))), err);
    if (!query)
        return err->code;
    int rc = index_step(view->index, query, err);
    *ret = rc > 0 && sqlite3_column_type(query, 0) != SQLITE_NULL ? sqlite3_column_int64(query, 0) : -1;
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

/* What is offered now; `withdrawn` if nothing is. */
static int read_offer(const struct view *view, struct draft *draft, struct arena *arena, struct err *err)
{
    struct file_reading reading = {.draft = draft, .arena = arena};
    struct view_record record;
    int64_t ref = -1;
    if (strcmp(draft->address.source, LIST_FILE_SOURCE) == 0) {
        int rc = lists_files(view->store, draft->address.name, read_file, &reading, err);
        draft->withdrawn = !reading.found;
        return rc;
    }
    int rc = newest(view, &draft->address, &ref, err);
    draft->withdrawn = rc == 0 && (ref < 0 || !view_sees_ref(view, ref));
    if (rc < 0 || draft->withdrawn)
        return rc;
    rc = view_record_ref(view, ref, arena, &record, err);
    if (rc < 0)
        return rc;
    if (!record.has_text || !record.parsed) {
        draft->withdrawn = true;
        return 0;
    }
    draft->ref = ref;
    draft->time_ms = record.record.time_ms;
    return take_body(draft, record.record.body, arena, err);
}

int drafts_read(const struct view *view, const struct list_address *address, struct arena *arena, struct draft *ret,
                struct err *err)
{
    struct err none = {0};
    *ret = (struct draft){.address = *address};
    memcpy(ret->list.name, address->name, sizeof(ret->list.name));
    int rc = read_offer(view, ret, arena, err);
    if (rc == 0)
        rc = lists_items(view->store, address, arena, &ret->adopted, &ret->adopted_count, err);
    if (rc < 0)
        return rc;
    if (ret->withdrawn && ret->adopted_count == 0)
        return err_set(err, ERR_NOTFOUND, "%s#%s: no such list here", address->source, address->name);
    rc = lists_word(view->store, address, &ret->word, &none);
    ret->has_word = rc == 0;
    if (rc < 0 && rc != ERR_NOTFOUND) {
        *err = none;
        return rc;
    }
    rc = list_changes(ret->adopted, ret->adopted_count, &ret->list, arena, &ret->changes, &ret->change_count, err);
    for (size_t i = 0; rc == 0 && i < ret->change_count; i++)
        ret->removal_count += ret->changes[i].removes;
    return rc;
}

struct named {
    struct span name;
    struct list_address *found;
    size_t count;
};

static int match(void *ctx, const struct draft_line *line, struct err *err)
{
    struct named *named = ctx;
    (void)err;
    if (span_is(named->name, line->address.name)) {
        *named->found = line->address;
        named->count++;
    }
    return 0;
}

int drafts_find(const struct view *view, struct span text, struct list_address *ret, struct err *err)
{
    struct named named = {.name = text, .found = ret};
    uint64_t hidden;
    char shown[300];
    if (list_address_parse(text, ret))
        return 0;
    int rc = drafts_list(view, match, &named, &hidden, err);
    if (rc < 0)
        return rc;
    text_escape_into(shown, sizeof(shown), text);
    if (named.count == 0)
        return err_set(err, ERR_NOTFOUND, "%s: no such list here; `tongzhou list drafts --all` shows them", shown);
    if (named.count > 1)
        return err_set(err, ERR_USAGE, "%s: several have a list of that name: say whose, as ORIGIN#%s", shown, shown);
    return 0;
}

/* ---- a person's word ---- */

static void begin_word(const struct draft *draft, enum list_act act, struct list_word *word)
{
    word->address = draft->address;
    word->act = act;
    memcpy(word->version, draft->version, 32);
    word->added = word->removed = 0;
}

int drafts_decline(const struct view *view, const struct draft *draft, struct list_word *word, struct err *err)
{
    begin_word(draft, LIST_DECLINED, word);
    snprintf(word->set, sizeof(word->set), "%s", draft->has_word ? draft->word.set : draft->address.name);
    return lists_say(view->store, word, NULL, 0, err);
}

/* Adopted items and changes ascend: one pass. */
int drafts_adopt(const struct view *view, const struct draft *draft,
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
    return lists_say(view->store, word, items, count, err);
}
