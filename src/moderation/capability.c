#include <stdio.h>

#include "moderation/pages.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS moderation_said(ref INTEGER PRIMARY KEY, type INTEGER NOT NULL, subject TEXT NOT NULL,"
    " at INTEGER NOT NULL, time_ms INTEGER NOT NULL, refused INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS moderation_said_of ON moderation_said(subject, at, type);"
    "CREATE INDEX IF NOT EXISTS moderation_said_type ON moderation_said(type, ref);";

static const char *const tables[] = {"moderation_said", NULL};

enum said { SAID_NOTICE, SAID_COUNTER, SAID_DECISION };

/* What a record of ours is about. */
struct about {
    enum said said;
    char origin[ORIGIN_MAX + 1];
    uint64_t index;
    bool is_refused;
};

static int read_said(const struct record *record, struct about *ret, struct err *err)
{
    struct complaint complaint;
    struct reasons_brief reasons;
    bool is_decision = span_is(record->kind, DECISION_KIND);
    int rc = is_decision ? reasons_parse(record, &reasons, err) : complaint_parse(record, &complaint, err);
    if (rc < 0)
        return rc;
    *ret = (struct about){
        .said = is_decision            ? SAID_DECISION
                : complaint.is_counter ? SAID_COUNTER
                                       : SAID_NOTICE,
        .index = is_decision ? reasons.index : complaint.index,
        .is_refused = is_decision && reasons.is_refused,
    };
    snprintf(ret->origin, sizeof(ret->origin), "%s", is_decision ? reasons.origin : complaint.origin);
    return 0;
}

static int check(const struct record *record, struct err *err)
{
    struct about about;
    if (!record->has_time)
        return err_set(err, ERR_SYNTAX, "no time line");
    return read_said(record, &about, err);
}

static const struct kind kinds[] = {{NOTICE_KIND, check}, {COUNTER_KIND, check}, {DECISION_KIND, check}};

static int apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct about about;
    int rc = read_said(record->record, &about, err);
    if (rc < 0)
        return rc;
    if (about.said == SAID_COUNTER && strcmp(about.origin, record->origin) != 0)
        return err_set(err, ERR_SYNTAX, "a counter-notice about what somebody else has said");
    sqlite3_stmt *insert = index_statement(fold->index,
                                           "INSERT OR REPLACE INTO moderation_said(ref, type, subject, at, time_ms, "
                                           "refused) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                           err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_int(insert, 2, (int)about.said);
    sqlite3_bind_text(insert, 3, about.origin, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(insert, 4, (int64_t)about.index);
    sqlite3_bind_int64(insert, 5, record->record->time_ms);
    sqlite3_bind_int(insert, 6, about.is_refused);
    return index_run(fold->index, insert, err);
}

static int forget(struct fold *fold, int64_t ref, struct err *err)
{
    sqlite3_stmt *statement = index_statement(fold->index, "DELETE FROM moderation_said WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    return index_run(fold->index, statement, err);
}

static void title(const struct record *record, struct arena *arena, struct buf *out)
{
    static const char *const words[] = {"objects to ", "answers an objection to "};
    struct complaint complaint;
    struct reasons_brief reasons;
    struct err ignored = {0};
    (void)arena;
    if (complaint_parse(record, &complaint, &ignored) == 0)
        buf_fmt(out, "%s%.*s/%llu: %s", words[complaint.is_counter], (int)strcspn(complaint.origin, "/"),
                complaint.origin, (unsigned long long)complaint.index, complaint.why);
    else if (reasons_parse(record, &reasons, &ignored) == 0)
        buf_fmt(out, "%s %.*s/%llu%s%s", reasons.is_refused ? "refused" : "let in", (int)strcspn(reasons.origin, "/"),
                reasons.origin, (unsigned long long)reasons.index, reasons.facts[0] ? ": " : "", reasons.facts);
}

const struct capability moderation_capability = {
    .name = "moderation",
    .kinds = kinds,
    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
    .schema = schema,
    .tables = tables,
    .apply = apply,
    .forget = forget,
    .title = title,
    .page_title = moderation_page_title,
    .page_routes = moderation_page_routes,
    .page_route_count = MODERATION_PAGE_ROUTES,
};
