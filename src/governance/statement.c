#include "governance/statement.h"

#include "record/body.h"

static const char *const kinds[] = {
    [STATEMENT_ENDORSE] = ENDORSE_KIND,
    [STATEMENT_JOIN] = JOIN_KIND,
    [STATEMENT_SPONSOR] = SPONSOR_KIND,
    [STATEMENT_LEAVE] = LEAVE_KIND,
};

bool statement_type_of(struct span kind, enum statement_type *ret)
{
    for (enum statement_type type = STATEMENT_ENDORSE; type <= STATEMENT_LEAVE; type++)
        if (span_is(kind, kinds[type])) {
            *ret = type;
            return true;
        }
    return false;
}

static int read_body(const json_t *object, struct statement *out, struct err *err)
{
    bool endorse = out->type == STATEMENT_ENDORSE;
    int rc = body_hex32(object, endorse ? "roster" : "community", BODY_REQUIRED, out->target, err);
    if (rc == 0 && endorse) {
        out->has_parent = json_object_get(object, "parent") != NULL;
        return body_hex32(object, "parent", BODY_OPTIONAL, out->parent, err);
    }
    if (rc == 0 && out->type == STATEMENT_SPONSOR) {
        rc = body_text(object, "origin", BODY_REQUIRED, ORIGIN_MAX, out->origin, err);
        if (rc == 0 && !origin_valid(span_str(out->origin)))
            rc = err_set(err, ERR_SYNTAX, "body: \"origin\" is no origin");
    }
    return rc == 0 ? body_text(object, "message", BODY_OPTIONAL, STATEMENT_MESSAGE_MAX, out->message, err) : rc;
}

int statement_parse(const struct record *record, struct statement *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (!statement_type_of(record->kind, &out->type))
        return err_set(err, ERR_SYNTAX, "the record is no statement about a community");
    json_t *object = body_load(record, err);
    int rc = object ? read_body(object, out, err) : err->code;
    json_decref(object);
    return rc < 0 ? err_in(err, "%s", kinds[out->type]) : 0;
}

/* What may stand in one has one judge: statement_parse. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    struct statement statement;
    arena_init(&arena, 64u << 10);
    int rc = record_parse(text, &arena, &record, err);
    if (rc == 0)
        rc = statement_parse(&record, &statement, err);
    arena_done(&arena);
    return rc;
}

int statement_write(const struct statement *statement, int64_t time_ms, struct buf *out_record, struct err *err)
{
    size_t start = out_record->len;
    json_t *object = json_object();
    body_put_hex(&object, statement->type == STATEMENT_ENDORSE ? "roster" : "community", statement->target, 32);
    if (statement->has_parent)
        body_put_hex(&object, "parent", statement->parent, 32);
    if (statement->type == STATEMENT_SPONSOR)
        body_put_text(&object, "origin", statement->origin);
    if (statement->message[0] != '\0')
        body_put_text(&object, "message", statement->message);
    int rc = body_write(kinds[statement->type], time_ms, object, out_record, err);
    json_decref(object);
    if (rc == 0 && (rc = check_written(span_sub(buf_view(out_record), start, out_record->len), err)) < 0)
        buf_cut(out_record, start);
    return rc;
}
