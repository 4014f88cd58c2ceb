#include "moderation/complaint.h"

#include <stdio.h>

#include "base/when.h"
#include "record/body.h"

bool subject_parse(struct span text, char origin[ORIGIN_MAX + 1], uint64_t *ret_index)
{
    size_t slash = text.len;
    while (slash > 0 && text.data[slash - 1] != '/')
        slash--;
    struct span name = span_sub(text, 0, slash > 0 ? slash - 1 : 0), index = span_sub(text, slash, text.len);
    bool is_canonical = index.len == 1 || (index.len > 0 && index.data[0] != '0');
    if (!origin_valid(name) || !is_canonical || !span_u64(index, LOG_SIZE_MAX - 1, ret_index))
        return false;
    snprintf(origin, ORIGIN_MAX + 1, "%.*s", SPAN_ARGS(name));
    return true;
}

static int read_subject(const json_t *object, char origin[ORIGIN_MAX + 1], uint64_t *ret_index, struct err *err)
{
    char subject[SUBJECT_MAX + 1];
    int rc = body_text(object, "subject", BODY_REQUIRED, SUBJECT_MAX, subject, err);
    if (rc == 0 && !subject_parse(span_str(subject), origin, ret_index))
        rc = err_set(err, ERR_SYNTAX, "body: \"subject\" is no record's address: an origin, / and a number");
    return rc;
}

/* ---- notice and counter-notice ---- */

static int read_complaint(const json_t *object, struct complaint *out, struct err *err)
{
    int rc = read_subject(object, out->origin, &out->index, err);
    if (rc == 0)
        rc = body_text(object, "why", BODY_REQUIRED, COMPLAINT_WHY_MAX, out->why, err);
    if (rc == 0)
        rc = body_text(object, "ground", BODY_OPTIONAL, COMPLAINT_WORD_MAX, out->ground, err);
    if (rc == 0)
        rc = body_text(object, "who", BODY_OPTIONAL, COMPLAINT_WORD_MAX, out->who, err);
    if (rc == 0)
        rc = body_text(object, "contact", BODY_OPTIONAL, COMPLAINT_WORD_MAX, out->contact, err);
    if (rc == 0 && !json_is_true(json_object_get(object, "good_faith")))
        rc = err_set(err, ERR_SYNTAX, "body: \"good_faith\" is not true");
    return rc;
}

int complaint_parse(const struct record *record, struct complaint *ret, struct err *err)
{
    *ret = (struct complaint){.is_counter = span_is(record->kind, COUNTER_KIND)};
    if (!ret->is_counter && !span_is(record->kind, NOTICE_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " NOTICE_KIND " and no " COUNTER_KIND);
    json_t *object = body_load(record, err);
    if (!object)
        return err->code;
    int rc = read_complaint(object, ret, err);
    json_decref(object);
    return rc;
}

static void put_optional(json_t **object, const char *key, const char *text)
{
    if (text[0])
        body_put_text(object, key, text);
}

static int write_text(const struct complaint_draft *draft, struct span body, struct buf *out, struct err *err)
{
    const struct complaint *c = draft->complaint;
    char subject[SUBJECT_MAX + 1];
    snprintf(subject, sizeof(subject), "%s/%llu", c->origin, (unsigned long long)c->index);
    struct span ref = span_str(subject);
    struct record_draft record = {.kind = c->is_counter ? COUNTER_KIND : NOTICE_KIND,
                                  .time_ms = draft->time_ms,
                                  .tlp = draft->tlp,
                                  .type = SPAN_LIT("application/json"),
                                  .to = draft->to,
                                  .to_count = draft->to_count,
                                  .ref = &ref,
                                  .ref_count = 1,
                                  .body = body};
    /* What may stand in one has one judge. */
    struct complaint read;
    struct record parsed = {.kind = span_str(record.kind), .body = body};
    int rc = complaint_parse(&parsed, &read, err);
    return rc < 0 ? rc : record_write(&record, out, err);
}

int complaint_write(const struct complaint_draft *draft, struct buf *out, struct err *err)
{
    const struct complaint *c = draft->complaint;
    json_t *object = json_object();
    char subject[SUBJECT_MAX + 1];
    struct buf body;
    snprintf(subject, sizeof(subject), "%s/%llu", c->origin, (unsigned long long)c->index);
    body_put_text(&object, "subject", subject);
    body_put_text(&object, "why", c->why);
    put_optional(&object, "ground", c->ground);
    put_optional(&object, "who", c->who);
    put_optional(&object, "contact", c->contact);
    body_put(&object, "good_faith", json_true());
    buf_init(&body, INLINE_MAX);
    int rc = object ? json_small_dump(object, &body, err) : err_set(err, ERR_SYNTAX, "its words are no UTF-8");
    if (rc == 0)
        rc = write_text(draft, buf_view(&body), out, err);
    json_decref(object);
    buf_done(&body);
    return rc;
}

/* ---- statement of reasons ---- */

static void put_field(struct buf *out, const char *name, struct span value)
{
    buf_fmt(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    if (value.len > 0)
        buf_json_string(out, value);
    else
        buf_str(out, "null");
}

static struct span text_or_none(const char *text)
{
    return text ? span_str(text) : (struct span){0};
}

static void put_sources(const struct reasons *r, struct buf *out)
{
    put_field(out, "source", r->notice_count + r->unnamed_count > 0 ? SPAN_LIT("notice") : SPAN_LIT("own-initiative"));
    buf_str(out, ",\"notices\":[");
    for (size_t i = 0; i < r->notice_count; i++) {
        buf_str(out, i > 0 ? "," : "");
        buf_json_string(out, span_str(r->notices[i]));
    }
    buf_fmt(out, "],\"unnamed\":%zu", r->unnamed_count);
}

static void put_rule(const struct reasons *r, struct buf *out)
{
    if (r->line == 0) {
        put_field(out, "rule", (struct span){0});
        return;
    }
    buf_fmt(out, ",\"rule\":{\"line\":%u,\"version\":\"%s\",\"text\":", r->line, r->version);
    buf_json_string(out, r->rule);
    buf_str(out, "}");
}

/* Fields as article 17(3) asks for them; what is not there is null. */
int reasons_write(const struct reasons *r, struct buf *out, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    struct buf body;
    buf_init(&body, INLINE_MAX);
    when_format(r->from_ms, time);
    buf_byte(&body, '{');
    buf_fmt(&body, "\"subject\":\"%s/%llu\"", r->origin, (unsigned long long)r->index);
    put_field(&body, "action", r->is_refused ? SPAN_LIT("refused") : SPAN_LIT("released"));
    put_field(&body, "restriction", r->is_refused ? SPAN_LIT("neither kept, shown nor passed on") : (struct span){0});
    put_field(&body, "scope", span_str(r->scope)); /* on this member's node, and nowhere else */
    put_field(&body, "territory", text_or_none(r->territory));
    put_field(&body, "from", span_str(time));
    put_field(&body, "expiry", (struct span){0});
    put_field(&body, "facts", text_or_none(r->facts));
    put_sources(r, &body);
    put_rule(r, &body);
    put_field(&body, "ground", text_or_none(r->ground));
    put_field(&body, "incompatible", r->is_illegal ? SPAN_LIT("law") : SPAN_LIT("terms"));
    buf_fmt(&body, ",\"automated\":{\"found\":%s,\"decided\":false}", r->line > 0 ? "true" : "false");
    put_field(&body, "decider", span_str(r->scope));
    put_field(&body, "redress", text_or_none(r->redress));
    buf_str(&body, "}\n");
    int rc = buf_check(&body, "decision", err);
    if (rc == 0)
        buf_span(out, buf_view(&body));
    buf_done(&body);
    return rc < 0 ? rc : buf_check(out, "decision", err);
}

static int read_reasons(const json_t *object, struct reasons_brief *out, struct err *err)
{
    char action[16] = "";
    int rc = read_subject(object, out->origin, &out->index, err);
    if (rc == 0)
        rc = body_text(object, "action", BODY_REQUIRED, sizeof(action) - 1, action, err);
    out->is_refused = strcmp(action, "refused") == 0;
    if (rc == 0 && !out->is_refused && strcmp(action, "released") != 0)
        rc = err_set(err, ERR_SYNTAX, "body: \"action\" is neither refused nor released");
    const json_t *facts = json_object_get(object, "facts");
    if (rc == 0 && !json_is_null(facts))
        rc = body_text(object, "facts", BODY_OPTIONAL, STATEMENT_TEXT_MAX, out->facts, err);
    return rc;
}

int reasons_parse(const struct record *record, struct reasons_brief *ret, struct err *err)
{
    *ret = (struct reasons_brief){0};
    if (!span_is(record->kind, DECISION_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " DECISION_KIND);
    json_t *object = body_load(record, err);
    if (!object)
        return err->code;
    int rc = read_reasons(object, ret, err);
    json_decref(object);
    return rc;
}
