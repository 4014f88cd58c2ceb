#include "cli/policy_record.h"

#include "base/json.h"
#include "base/when.h"

#define BODY_MAX 65536

static void put_field(struct buf *out, const char *name, struct span value)
{
    buf_fmt(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    if (value.len > 0)
        buf_json_string(out, value);
    else
        buf_str(out, "null");
}

/* Line, version and text of the rule that had decided before. */
static int put_rule(struct session *session, const struct verdict *before, struct buf *out, struct err *err)
{
    static struct policy_errors errors;
    struct rules_version version;
    struct policy_verdict said;
    struct policy *policy = NULL;
    struct buf text;
    if (!before || before->line == 0) {
        put_field(out, "rule", (struct span){0});
        return 0;
    }
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = rules_text(session->store, before->version, &text, &version, err);
    if (rc == 0)
        rc = policy_parse(buf_view(&text), &policy, &errors, err);
    if (rc == 0 && policy_rule_at(policy, before->line, &said)) {
        buf_fmt(out, ",\"rule\":{\"line\":%u,\"version\":\"%s\",\"text\":", before->line, version.version);
        buf_json_string(out, said.rule);
        buf_str(out, "}");
    }
    policy_free(policy);
    buf_done(&text);
    return rc;
}

/* Fields as the Digital Services Act, article 17(3), asks for them; what is not there is null. */
static int write_body(struct session *session, const struct log_info *operator, const struct policy_record * r,
                      const char *subject, struct buf *out, struct err *err)
{
    bool refused = r->decision->act == POLICY_REFUSE;
    char time[WHEN_TEXT_LEN + 1];
    when_format(r->decision->time_ms, time);
    buf_byte(out, '{');
    put_field(out, "subject", span_str(subject));
    put_field(out, "action", refused ? SPAN_LIT("refused") : SPAN_LIT("released"));
    put_field(out, "scope", span_str(operator->origin)); /* on this member's node, and nowhere else */
    put_field(out, "from", span_str(time));
    put_field(out, "expiry", (struct span){0});
    put_field(out, "facts", span_str(r->decision->reason));
    int rc = put_rule(session, r->before, out, err);
    put_field(out, "ground", span_str(r->ground));
    buf_fmt(out, ",\"automated\":{\"found\":%s,\"decided\":false}", r->before ? "true" : "false");
    put_field(out, "decider", span_str(operator->origin));
    put_field(out, "redress", span_str(r->redress));
    buf_str(out, "}\n");
    return rc < 0 ? rc : buf_check(out, "decision", err);
}

int policy_record_write(struct session *session, const struct log_info *operator, const struct policy_record * record,
                        struct buf *out, struct err *err)
{
    struct log_info log;
    struct buf body;
    char subject[ORIGIN_MAX + 24];
    int rc = store_log(session->store, RECORD_REF_LOG(record->decision->ref), &log, err);
    if (rc < 0)
        return rc;
    snprintf(subject, sizeof(subject), "%s/%llu", log.origin,
             (unsigned long long)RECORD_REF_INDEX(record->decision->ref));
    buf_init(&body, BODY_MAX);
    rc = write_body(session, operator, record, subject, &body, err);
    struct span ref = span_str(subject);
    struct record_draft draft = {.kind = POLICY_DECISION_KIND,
                                 .time_ms = record->decision->time_ms,
                                 .tlp = record->tlp,
                                 .type = SPAN_LIT("application/json"),
                                 .ref = &ref,
                                 .ref_count = 1,
                                 .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, out, err);
    buf_done(&body);
    return rc;
}
