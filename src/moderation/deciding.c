#include <stdio.h>
#include <stdlib.h>

#include "connect/entering.h"
#include "moderation/moderation.h"
#include "state/author.h"

/* ---- what it answers ---- */

#define ANSWERED_MAX (2 * STATEMENT_NOTICES_MAX)

struct answering {
    int64_t source[ANSWERED_MAX];
    char named[STATEMENT_NOTICES_MAX][SUBJECT_MAX + 1];
    size_t count, named_count;
};

/* Only what everybody may read is named. What is too much stays, and waits for the next decision. */
static int take_open(void *ctx, const struct open_complaint *one, struct err *err)
{
    struct answering *a = ctx;
    (void)err;
    if (a->count == ANSWERED_MAX)
        return 0;
    a->source[a->count++] = one->source;
    if (one->tlp == TLP_CLEAR && a->named_count < STATEMENT_NOTICES_MAX)
        snprintf(a->named[a->named_count++], SUBJECT_MAX + 1, "%s/%llu", one->origin,
                 (unsigned long long)RECORD_REF_INDEX(one->source));
    return 0;
}

static int put_answers(struct store *store, const struct answering *a, int64_t decision, struct err *err)
{
    if (a->count == 0)
        return 0;
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < a->count && rc == 0; i++)
        rc = complaint_set_answer(store, a->source[i], decision, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

/* ---- saying so ---- */

/* Line, version and text of the rule that had decided before, in `policy` and `version`. */
static int find_rule(struct store *store, const struct verdict *before, struct policy **ret_policy,
                     struct rules_version *ret_version, struct reasons *out, struct err *err)
{
    struct policy_verdict said;
    struct buf text;
    struct policy_errors *errors = NULL;
    if (!before || before->line == 0)
        return 0;
    if (!(errors = malloc(sizeof(*errors))))
        return err_memory(err);
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = rules_text(store, before->version, &text, ret_version, err);
    if (rc == 0)
        rc = policy_parse(buf_view(&text), ret_policy, errors, err);
    if (rc == 0 && policy_rule_at(*ret_policy, before->line, &said)) {
        out->line = before->line;
        out->version = ret_version->version;
        out->rule = said.rule;
    }
    free(errors);
    buf_done(&text);
    return rc;
}

static int write_record(const struct deciding *d, const struct reasons *reasons, struct buf *out, struct err *err)
{
    struct buf body;
    char subject[SUBJECT_MAX + 1];
    snprintf(subject, sizeof(subject), "%s/%llu", reasons->origin, (unsigned long long)reasons->index);
    struct span ref = span_str(subject), author = span_str(reasons->origin);
    buf_init(&body, INLINE_MAX);
    int rc = reasons_write(reasons, &body, err);
    struct record_draft draft = {.kind = DECISION_KIND,
                                 .time_ms = d->decision.time_ms,
                                 .tlp = d->publish,
                                 .type = SPAN_LIT("application/json"),
                                 .ref = &ref,
                                 .ref_count = 1,
                                 .to = &author,
                                 .to_count = d->publish > TLP_GREEN,
                                 .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, out, err);
    buf_done(&body);
    return rc;
}

static int find_contact(struct store *store, const struct log_info *log, char out[MEMBER_WORD_MAX + 1], struct err *err)
{
    struct arena arena;
    struct member member;
    arena_init(&arena, 1u << 20);
    int rc = store_member(store, log->number, &arena, &member, err);
    snprintf(out, MEMBER_WORD_MAX + 1, "%s", rc < 0 ? "" : member.profile.contact);
    arena_done(&arena);
    return rc;
}

static int append(struct store *store, const struct deciding *d, struct reasons *reasons, const struct log_info *log,
                  int64_t *ret, struct err *err)
{
    struct buf text;
    uint64_t index = 0;
    buf_init(&text, PAYLOAD_MAX);
    int rc = write_record(d, reasons, &text, err);
    struct author_item item = {buf_view(&text), d->publish == TLP_CLEAR};
    if (rc == 0)
        rc = author_append(store, log->number, &item, 1, d->decision.time_ms, &index, err);
    buf_done(&text);
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    *ret = RECORD_REF(log->number, index);
    rc = decision_set_published(store, d->decision.number, *ret, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

static int publish(struct store *store, const struct deciding *d, const struct verdict *before,
                   const struct answering *a, int64_t *ret, struct err *err)
{
    struct log_info operator, log;
    struct policy *policy = NULL;
    struct rules_version version = {0};
    char contact[MEMBER_WORD_MAX + 1] = "";
    int rc = store_operator(store, &operator, err);
    if (rc == 0)
        rc = store_log(store, RECORD_REF_LOG(d->decision.ref), &log, err);
    if (rc == 0)
        rc = find_contact(store, &operator, contact, err);
    if (rc < 0)
        return rc;
    struct reasons reasons = {.index = RECORD_REF_INDEX(d->decision.ref),
                              .is_refused = d->decision.act == POLICY_REFUSE,
                              .scope = operator.origin,
                              .territory = d->territory,
                              .from_ms = d->decision.time_ms,
                              .facts = d->facts ? d->facts : d->decision.reason,
                              .ground = d->ground ? d->ground : "policy",
                              .is_illegal = d->is_illegal,
                              .notice_count = a->named_count,
                              .unnamed_count = a->count - a->named_count,
                              .redress = d->redress ? d->redress : contact};
    memcpy(reasons.origin, log.origin, sizeof(reasons.origin));
    for (size_t i = 0; i < a->named_count; i++)
        reasons.notices[i] = a->named[i];
    rc = find_rule(store, before, &policy, &version, &reasons, err);
    if (rc == 0)
        rc = append(store, d, &reasons, &operator, ret, err);
    policy_free(policy);
    return rc;
}

/* ---- all ---- */

static bool fits(const char *text, size_t max)
{
    return !text || !text[0] || (strlen(text) <= max && record_value_valid(span_str(text)));
}

const char *deciding_fault(const struct deciding *d)
{
    if (d->decision.act == POLICY_REFUSE && !d->decision.reason[0])
        return "--reason is needed: whoever asks why is told";
    if (!fits(d->decision.reason, POLICY_REASON_MAX))
        return "--reason: must be one line of at most 256 bytes";
    if (d->publish == TLP_RED)
        return "--publish: red is for named persons: choose amber+strict, for the author of what it is about";
    if (!fits(d->facts, STATEMENT_TEXT_MAX))
        return "--facts: must be one line of at most 1024 bytes";
    if (!fits(d->ground, STATEMENT_TEXT_MAX))
        return "--ground: must be one line of at most 1024 bytes";
    if (!fits(d->territory, STATEMENT_TEXT_MAX))
        return "--territory: must be one line of at most 1024 bytes";
    if (!fits(d->redress, STATEMENT_TEXT_MAX))
        return "--redress: must be one line of at most 1024 bytes";
    return NULL;
}

int deciding_do(const struct view *view, struct store *store, struct deciding *d, struct deciding_done *ret,
                struct err *err)
{
    struct verdict before;
    struct err none = {0};
    struct answering *a = calloc(1, sizeof(*a));
    *ret = (struct deciding_done){0};
    if (!a)
        return err_memory(err);
    bool has_before = verdict_find(store, d->decision.ref, &before, &none) == 0;
    int rc = queue_each(view, d->decision.ref, take_open, a, err);
    if (rc == 0)
        rc = entering_decide(store, &d->decision, err);
    if (rc == 0)
        rc = put_answers(store, a, d->decision.number, err);
    if (rc == 0 && d->publish != TLP_NONE)
        rc = publish(store, d, has_before ? &before : NULL, a, &ret->published, err);
    ret->answered = a->count;
    free(a);
    return rc;
}
