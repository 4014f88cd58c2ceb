/* tongzhou policy check, show: what the node's own rules say. */
#include "base/when.h"
#include "cli/commands.h"
#include "cli/policy_file.h"
#include "state/rules.h"

#define EXPLAINED_MAX (16u << 20)

static void tell_warning(void *ctx, unsigned line, const char *text)
{
    printf("line %u: warning: ", line);
    cli_put_text(stdout, span_str(text), strlen(text));
    putchar('\n');
    ++*(size_t *)ctx;
}

static void put_lines(const struct buf *text)
{
    for (struct span left = buf_view(text); left.len > 0;) {
        struct span line = span_sub(left, 0, span_find(left, '\n'));
        cli_put_text(stdout, line, line.len);
        putchar('\n');
        left = span_sub(left, line.len + 1, left.len);
    }
}

static int explain(struct invocation *inv, const struct policy *policy, const char *path)
{
    struct buf out;
    buf_init(&out, EXPLAINED_MAX);
    policy_explain(policy, &out);
    int rc = buf_check(&out, "explanation", &inv->err);
    printf("%s: version %s, ", path, policy_version(policy));
    cli_put_counted(stdout, policy_rule_count(policy), "rule\n", "rules\n");
    put_lines(&out);
    buf_done(&out);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int check(struct invocation *inv, struct session *session, const char *path)
{
    struct policy *policy = NULL;
    struct policy_member *members;
    size_t count, warnings = 0;
    int status = policy_file_load(inv, session, path, &policy);
    if (!status)
        status = explain(inv, policy, path);
    if (!status)
        status = policy_file_members(inv, session, &members, &count);
    if (!status) {
        policy_warn(policy, members, count, view_knows_groups(), tell_warning, &warnings);
        if (warnings == 0)
            puts("No warnings.");
    }
    policy_free(policy);
    return status;
}

static int run_check(struct invocation *inv)
{
    struct session session;
    char path[4096];
    policy_file_path(inv, path);
    int status = session_open(inv, &session, SESSION_ANY, OUTLET_CLI_LOG);
    if (!status)
        status = check(inv, &session, inv->arg_count > 0 ? inv->args[0] : path);
    session_close(&session);
    return status;
}

const struct command cmd_policy_check = {
    .name = "policy check",
    .arguments = "[FILE]",
    .summary = "Explain a policy file rule by rule, and warn of what cannot be meant",
    .details = "Without FILE the node's own policy.conf. Errors name line and column, all at once. Warnings: rules "
               "that never\n"
               "match, members that nobody here is, sets that nothing uses, power given to a mere name.\n"
               "The language is described in tongzhou-policy(5).\n",
    .min_args = 0,
    .max_args = 1,
    .run = run_check,
};

/* ---- policy show ---- */

static int show(struct invocation *inv, struct session *session)
{
    const struct policy *policy;
    struct rules_version version;
    struct buf trouble;
    char since[WHEN_TEXT_LEN + 1];
    buf_init(&trouble, 65536);
    int rc = rules_policy(session->store, &policy, &version, &inv->err);
    if (!rc)
        rc = rules_trouble(session->store, &trouble, &inv->err);
    if (!rc) {
        when_format(version.since_ms, since);
        printf("# version %s, in force %s%.19s\n", version.version, version.number ? "since " : "",
               version.number ? since : "as built in");
        struct buf text;
        buf_init(&text, POLICY_TEXT_MAX);
        buf_span(&text, policy_text(policy));
        put_lines(&text);
        buf_done(&text);
    }
    if (!rc && trouble.len > 0)
        cli_note("%s; this version stays in force", buf_cstr(&trouble));
    buf_done(&trouble);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int run_show(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status)
        status = show(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_policy_show = {
    .name = "policy show",
    .arguments = "",
    .summary = "Print the policy in force: the file's, or what is built in",
    .max_args = 0,
    .run = run_show,
};
