/* fuzz: policy */
#include "policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_warning(void *ctx, unsigned line, const char *text)
{
    if (line == 0 || !*text)
        abort();
    ++*(size_t *)ctx;
}

/* The rule that decided says of itself what was decided. */
static void check_verdict(const struct policy *policy, const struct policy_verdict *verdict)
{
    struct policy_verdict again;
    if (verdict->line == 0)
        return;
    if (!policy_rule_at(policy, verdict->line, &again) || verdict->rule.len == 0)
        abort();
    if (verdict->act != again.act && verdict->act != POLICY_OPEN && span_eq(verdict->rule, again.rule))
        abort();
}

/* What was decided knowing less is decided alike knowing more. */
static void decide(const struct policy *policy, const struct policy_member *member,
                   const struct policy_content *content)
{
    struct policy_bits author, viewer;
    struct policy_known all, marking, nothing;
    struct policy_verdict last, verdict;
    policy_author(policy, member, &author);
    policy_viewer(policy, member->is_self ? NULL : member, &viewer);
    policy_known(policy, content, &all);
    policy_known_tlp(policy, content->tlp, &marking);
    policy_known_nothing(policy, &nothing);
    for (enum policy_question q = 0; q < POLICY_QUESTIONS; q++) {
        policy_decide(policy, q, &author, &viewer, &all, NULL, &last);
        check_verdict(policy, &last);
        policy_decide(policy, q, &author, &viewer, &marking, NULL, &verdict);
        if (verdict.act != POLICY_OPEN && verdict.line != last.line)
            abort();
        policy_decide(policy, q, &author, &viewer, &nothing, NULL, &verdict);
        if (verdict.line > 0 && verdict.act != POLICY_OPEN && verdict.line != last.line)
            abort();
    }
}

static bool in_no_group(void *ctx, struct span group)
{
    (void)ctx;
    return group.len % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy_errors errors;
    static struct member_list sectors = {1, {"energy"}};
    struct policy *policy = NULL;
    struct err err = {0};
    struct buf out;
    size_t warnings = 0;
    if (policy_parse(span_of(data, size), &policy, &errors, &err) < 0) {
        if (err.code == ERR_SYNTAX && (errors.count == 0 || errors.item[0].line == 0 || !errors.item[0].text[0]))
            abort();
        return 0;
    }
    struct policy_member members[] = {
        {.origin = SPAN_LIT("cert.example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
         .class = CLASS_STATE,
         .jurisdiction = SPAN_LIT("DE"),
         .sectors = &sectors,
         .in_group = in_no_group},
        {.origin = SPAN_LIT("x/bbbbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
         .class = CLASS_UNKNOWN,
         .is_self = true},
    };
    struct policy_content contents[] = {
        {SPAN_LIT("security/stix"), SPAN_LIT("zh-Hans"), TLP_CLEAR, 50, 1500, 3600},
        {SPAN_LIT("culture/essay"), {0}, TLP_AMBER, POLICY_NONE, 0, POLICY_NONE},
    };
    for (size_t i = 0; i < 4; i++)
        decide(policy, &members[i / 2], &contents[i % 2]);
    buf_init(&out, 64u << 20);
    policy_explain(policy, &out);
    if (policy_rule_count(policy) > 0 && out.len == 0)
        abort();
    policy_warn(policy, members, 2, true, count_warning, &warnings);
    buf_done(&out);
    policy_free(policy);
    return 0;
}
