#include "governance/grant.h"

#include "base/when.h"
#include "record/body.h"

#define GRANT_BODY_MAX 4096 /* bytes */

static int read_since(const json_t *object, struct grant *out, struct err *err)
{
    char text[64];
    int rc = body_text(object, "since", BODY_OPTIONAL, sizeof(text) - 1, text, err);
    out->has_since = rc == 0 && text[0] != '\0';
    if (out->has_since && !when_parse(span_str(text), &out->since_ms))
        return err_set(err, ERR_SYNTAX, "body: \"since\" is no time like 2026-11-22T11:14:26.123Z");
    return rc;
}

static int read_grant(const json_t *object, struct grant *out, struct err *err)
{
    struct span origin, name;
    int rc = body_text(object, "group", BODY_REQUIRED, GRANT_GROUP_MAX, out->group, err);
    if (rc == 0 && !group_address(span_str(out->group), &origin, &name))
        rc = err_set(err, ERR_SYNTAX, "body: \"group\" is no ORIGIN#NAME");
    return rc == 0 ? read_since(object, out, err) : rc;
}

int grant_parse(const struct record *record, struct grant *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (!span_is(record->kind, GRANT_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " GRANT_KIND);
    if (!record->has_time)
        return err_set(err, ERR_SYNTAX, "grant: no time line");
    if (record->body.len > GRANT_BODY_MAX)
        return err_set(err, ERR_LIMIT, "grant: body of %zu bytes, limit %d", record->body.len, GRANT_BODY_MAX);
    json_t *object = json_small_load(record->body, err);
    if (!object)
        return err_in(err, "grant: body");
    int rc = json_is_object(object) ? read_grant(object, out, err)
                                    : err_set(err, ERR_SYNTAX, "body: expected a JSON object");
    json_decref(object);
    return rc < 0 ? err_in(err, "grant") : 0;
}

int grant_write(const struct grant *grant, int64_t time_ms, struct buf *out_record, struct err *err)
{
    struct buf body;
    struct span group = span_str(grant->group), origin, name;
    char since[WHEN_TEXT_LEN + 1];
    if (!group_address(group, &origin, &name))
        return err_set(err, ERR_SYNTAX, "grant: no ORIGIN#NAME");
    json_t *object = json_object();
    body_put_text(&object, "group", grant->group);
    if (grant->has_since) {
        when_format(grant->since_ms, since);
        body_put_text(&object, "since", since);
    }
    buf_init(&body, GRANT_BODY_MAX);
    int rc = object ? json_small_dump(object, &body, err) : err_memory(err);
    json_decref(object);
    buf_byte(&body, '\n');
    if (rc == 0)
        rc = buf_check(&body, "grant", err);
    const struct record_draft draft = {.kind = GRANT_KIND,
                                       .time_ms = time_ms,
                                       .tlp = TLP_AMBER_STRICT,
                                       .to = &group,
                                       .to_count = 1,
                                       .type = SPAN_LIT("application/json"),
                                       .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, out_record, err);
    buf_done(&body);
    return rc;
}
