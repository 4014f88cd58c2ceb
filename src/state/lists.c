#include "state/lists.h"

#include "state/internal.h"

bool list_address_parse(struct span text, struct list_address *ret)
{
    size_t at = span_find(text, '#');
    struct span source = span_sub(text, 0, at), name = span_sub(text, at + 1, text.len);
    if (at == text.len || !policy_set_name_valid(name) || !(span_is(source, LIST_FILE_SOURCE) || origin_valid(source)))
        return false;
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->source, source.data, source.len);
    memcpy(ret->name, name.data, name.len);
    return true;
}

/* ---- words ---- */

#define WORD_COLUMNS                                                                                                   \
    "w.number, w.source, w.name, w.act, w.set_name, w.version, w.added, w.removed, w.who, w.reason, w.time_ms,"        \
    " w.advice, w.ref"
#define WORD_COUNT 13

static void read_word(sqlite3_stmt *stmt, struct list_word *ret)
{
    struct span version = db_span(stmt, 5);
    *ret = (struct list_word){.number = sqlite3_column_int64(stmt, 0),
                              .act = (enum list_act)sqlite3_column_int(stmt, 3),
                              .added = (uint64_t)sqlite3_column_int64(stmt, 6),
                              .removed = (uint64_t)sqlite3_column_int64(stmt, 7),
                              .time_ms = sqlite3_column_int64(stmt, 10),
                              .advice = (enum list_advice)sqlite3_column_int(stmt, 11),
                              .ref = sqlite3_column_int64(stmt, 12)};
    db_text(stmt, 1, ret->address.source, sizeof ret->address.source);
    db_text(stmt, 2, ret->address.name, sizeof ret->address.name);
    db_text(stmt, 4, ret->set, sizeof ret->set);
    db_text(stmt, 8, ret->who, sizeof ret->who);
    db_text(stmt, 9, ret->reason, sizeof ret->reason);
    if (version.len == 32)
        memcpy(ret->version, version.data, 32);
}

static struct list_item read_item(sqlite3_stmt *stmt, int first)
{
    return (struct list_item){.type = (enum list_item_type)sqlite3_column_int(stmt, first),
                              .subject = (const char *)sqlite3_column_text(stmt, first + 1),
                              .label = (const char *)sqlite3_column_text(stmt, first + 2),
                              .reason = (const char *)sqlite3_column_text(stmt, first + 3)};
}

static int each_word(struct store *store, sqlite3_stmt *stmt,
                     int (*each)(void *ctx, const struct list_word *word, struct err *err), void *ctx, struct err *err)
{
    struct list_word word;
    int rc = stmt ? 0 : err->code;
    while (stmt && (rc = db_step(store, stmt, err)) == 1) {
        read_word(stmt, &word);
        if ((rc = each(ctx, &word, err)) != 0)
            break;
    }
    db_end(stmt);
    return rc;
}

int lists_words(struct store *store, const struct list_address *address,
                int (*each)(void *ctx, const struct list_word *word, struct err *err), void *ctx, struct err *err)
{
    return each_word(store,
                     address ? db_query(store, err,
                                        "SELECT " WORD_COLUMNS
                                        " FROM list_word AS w WHERE source = ? AND name = ? ORDER BY number",
                                        "ss", address->source, address->name)
                             : db_query(store, err, "SELECT " WORD_COLUMNS " FROM list_word AS w ORDER BY number", ""),
                     each, ctx, err);
}

static int take_word(void *ctx, const struct list_word *word, struct err *err)
{
    (void)err;
    *(struct list_word *)ctx = *word;
    return 0;
}

int lists_word(struct store *store, const struct list_address *address, struct list_word *ret, struct err *err)
{
    ret->number = 0;
    int rc = each_word(store,
                       db_query(store, err,
                                "SELECT " WORD_COLUMNS
                                " FROM list_word AS w WHERE source = ? AND name = ? ORDER BY number DESC LIMIT 1",
                                "ss", address->source, address->name),
                       take_word, ret, err);
    return rc == 0 && ret->number == 0 ? err_set(err, ERR_NOTFOUND, "nobody here said anything about it") : rc;
}

int lists_adopted(struct store *store,
                  int (*each)(void *ctx, const struct list_word *word, uint64_t items, struct err *err), void *ctx,
                  struct err *err)
{
    struct list_word word;
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT " WORD_COLUMNS ", count(*) FROM list_item AS i JOIN list_word AS w ON"
                                  " w.number = i.word GROUP BY w.number ORDER BY w.source, w.name",
                                  "");
    int rc = stmt ? 0 : err->code;
    while (stmt && (rc = db_step(store, stmt, err)) == 1) {
        read_word(stmt, &word);
        if ((rc = each(ctx, &word, (uint64_t)sqlite3_column_int64(stmt, WORD_COUNT), err)) != 0)
            break;
    }
    db_end(stmt);
    return rc;
}

int lists_items(struct store *store, const struct list_address *address, struct arena *arena, struct list_item **ret,
                size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    if (!(*ret = arena_array(arena, LIST_ITEMS_MAX + 1, sizeof(**ret))))
        return err_memory(err);
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT type, subject, label, reason FROM list_item WHERE source = ? AND name = ?"
                                  " ORDER BY type, subject, label",
                                  "ss", address->source, address->name);
    int rc = stmt ? 0 : err->code;
    while (stmt && *ret_count < LIST_ITEMS_MAX && (rc = db_step(store, stmt, err)) == 1) {
        struct list_item *item = &(*ret)[(*ret_count)++];
        *item = read_item(stmt, 0);
        item->subject = arena_strz(arena, span_str(item->subject));
        item->label = arena_strz(arena, span_str(item->label));
        item->reason = arena_strz(arena, span_str(item->reason));
        if (!item->subject || !item->label || !item->reason) {
            rc = err_memory(err);
            break;
        }
    }
    db_end(stmt);
    return rc < 0 ? rc : 0;
}

/* ---- a person's word ---- */

static int put_word(struct store *store, struct list_word *word, struct err *err)
{
    int rc = db_run(store, err,
                    "INSERT INTO list_word(source, name, act, advice, set_name, version, ref, added, removed, who,"
                    " reason, time_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    "ssiisbiiissi", word->address.source, word->address.name, (int64_t)word->act, (int64_t)word->advice,
                    word->set, span_of(word->version, 32), word->ref, (int64_t)word->added, (int64_t)word->removed,
                    word->who, word->reason, word->time_ms);
    if (!rc)
        word->number = sqlite3_last_insert_rowid(store->db);
    return rc;
}

static int put_items(struct store *store, const struct list_word *word, const struct list_item *items, size_t count,
                     struct err *err)
{
    int rc = db_run(store, err, "DELETE FROM list_item WHERE source = ? AND name = ?", "ss", word->address.source,
                    word->address.name);
    for (size_t i = 0; i < count && !rc; i++)
        rc = db_run(store, err,
                    "INSERT INTO list_item(source, name, type, subject, label, reason, word)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?)",
                    "ssisssi", word->address.source, word->address.name, (int64_t)items[i].type, items[i].subject,
                    items[i].label, items[i].reason, word->number);
    return rc;
}

static int check_room(struct store *store, struct err *err)
{
    int64_t lists = 0;
    int rc = db_int(store, &lists, err, "SELECT count(*) FROM (SELECT DISTINCT source, name FROM list_item)", "");
    if (!rc && lists > LISTS_MAX)
        rc = err_set(err, ERR_LIMIT, "more than %d lists are adopted from", LISTS_MAX);
    return rc;
}

/* Another process may have taken a word, too: what the person saw is not what is adopted any more. */
static int check_last(struct store *store, const struct list_address *address, int64_t after, struct err *err)
{
    int64_t last = 0;
    int rc = db_int(store, &last, err, "SELECT coalesce(max(number), 0) FROM list_word WHERE source = ? AND name = ?",
                    "ss", address->source, address->name);
    if (!rc && last != after)
        rc = err_set(err, ERR_STATE, "somebody has decided about %s#%s meanwhile: please look at it again",
                     address->source, address->name);
    return rc;
}

/* Who is to be blocked does not get among those who are recommended, by a list of the same name or one that turned round. */
static int check_advice(struct store *store, const struct list_word *word, const struct list_item *items, size_t count,
                        struct err *err)
{
    int64_t others = 0;
    bool members = false;
    for (size_t i = 0; i < count; i++)
        members |= items[i].type == LIST_MEMBER;
    if (word->act != LIST_ADOPTED || !members)
        return 0;
    int rc = db_int(store, &others, err,
                    "SELECT EXISTS(SELECT 1 FROM list_word AS w JOIN list_item AS i ON i.word = w.number"
                    " WHERE w.set_name = ? AND w.advice <> ? AND i.type = ?)",
                    "sii", word->set, (int64_t)word->advice, (int64_t)LIST_MEMBER);
    if (!rc && others)
        rc = err_set(err, ERR_STATE,
                     "%s%s has members that were adopted for another advice than to %s: name another set",
                     "@" POLICY_LIST_PREFIX, word->set, list_advice_word(word->advice));
    return rc;
}

int lists_say(struct store *store, struct list_word *word, int64_t after, const struct list_item *items, size_t count,
              struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = check_last(store, &word->address, after, err);
    if (!rc)
        rc = check_advice(store, word, items, count, err);
    if (!rc)
        rc = put_word(store, word, err);
    if (!rc && word->act == LIST_ADOPTED)
        rc = put_items(store, word, items, count, err);
    if (!rc && word->act == LIST_ADOPTED)
        rc = check_room(store, err);
    if (!rc && word->act == LIST_ADOPTED)
        rc = rules_renew(store, word->time_ms, err);
    return store_end(store, own, rc, err);
}

/* ---- files ---- */

int lists_put_file(struct store *store, const char *name, struct span body, int64_t time_ms, struct err *err)
{
    int64_t others = 0;
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_int(store, &others, err, "SELECT count(*) FROM list_file WHERE name <> ?", "s", name);
    if (!rc && others >= LISTS_MAX)
        rc = err_set(err, ERR_LIMIT, "%d lists came from files already", LISTS_MAX);
    if (!rc)
        rc = db_run(store, err, "INSERT OR REPLACE INTO list_file(name, body, time_ms) VALUES(?, ?, ?)", "sbi", name,
                    body, time_ms);
    return store_end(store, own, rc, err);
}

int lists_files(struct store *store, const char *name,
                int (*each)(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err), void *ctx,
                struct err *err)
{
    char found[LIST_NAME_MAX + 1];
    sqlite3_stmt *stmt =
        name ? db_query(store, err, "SELECT name, body, time_ms FROM list_file WHERE name = ?", "s", name)
             : db_query(store, err, "SELECT name, body, time_ms FROM list_file ORDER BY name", "");
    int rc = stmt ? 0 : err->code;
    while (stmt && (rc = db_step(store, stmt, err)) == 1) {
        db_text(stmt, 0, found, sizeof found);
        if ((rc = each(ctx, found, db_span(stmt, 1), sqlite3_column_int64(stmt, 2), err)) != 0)
            break;
    }
    db_end(stmt);
    return rc;
}

/* ---- what others ask ---- */

int lists_sets(struct store *store, struct buf *out, struct err *err)
{
    char last[LIST_NAME_MAX + 1] = "", set[LIST_NAME_MAX + 1];
    size_t start = out->len;
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT DISTINCT w.set_name, i.subject FROM list_item AS i JOIN list_word AS w ON"
                                  " w.number = i.word WHERE i.type = ? ORDER BY w.set_name, i.subject",
                                  "i", (int64_t)LIST_MEMBER);
    int rc = stmt ? 0 : err->code;
    while (stmt && (rc = db_step(store, stmt, err)) == 1) {
        db_text(stmt, 0, set, sizeof set);
        if (!last[0])
            buf_str(out, "\n" POLICY_LISTS_LINE "\n");
        if (strcmp(last, set) != 0)
            buf_fmt(out, "%sset " POLICY_LIST_PREFIX "%s = {", last[0] ? " }\n" : "", set);
        memcpy(last, set, sizeof last);
        buf_byte(out, ' ');
        buf_span(out, db_span(stmt, 1));
        if (out->len - start > LISTS_SETS_MAX) {
            rc = err_set(err, ERR_LIMIT, "more than %u bytes of members are adopted from lists", LISTS_SETS_MAX);
            break;
        }
    }
    db_end(stmt);
    if (last[0])
        buf_str(out, " }\n");
    return rc < 0 ? rc : buf_check(out, "lists", err);
}

static int each_item(struct store *store, sqlite3_stmt *stmt,
                     int (*each)(void *ctx, const struct list_word *word, const struct list_item *item,
                                 struct err *err),
                     void *ctx, struct err *err)
{
    struct list_word word;
    int rc = stmt ? 0 : err->code;
    while (stmt && (rc = db_step(store, stmt, err)) == 1) {
        read_word(stmt, &word);
        const struct list_item item = read_item(stmt, WORD_COUNT);
        if ((rc = each(ctx, &word, &item, err)) != 0)
            break;
    }
    db_end(stmt);
    return rc;
}

#define ITEMS_WITH_WORDS                                                                                               \
    "SELECT " WORD_COLUMNS ", i.type, i.subject, i.label, i.reason FROM list_item AS i JOIN list_word AS w ON"         \
    " w.number = i.word WHERE "

int lists_about(struct store *store, enum list_item_type type, const char *subject,
                int (*each)(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err),
                void *ctx, struct err *err)
{
    return each_item(store,
                     db_query(store, err,
                              ITEMS_WITH_WORDS "i.type = ? AND i.subject = ? ORDER BY i.label, w.source, w.name", "is",
                              (int64_t)type, subject),
                     each, ctx, err);
}

int lists_set_items(struct store *store, const char *set,
                    int (*each)(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err),
                    void *ctx, struct err *err)
{
    return each_item(
        store, db_query(store, err, ITEMS_WITH_WORDS "w.set_name = ? ORDER BY i.type, i.subject, i.label", "s", set),
        each, ctx, err);
}
