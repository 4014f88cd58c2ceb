/* tongzhou policy try: what another policy would have done with the records of the last days. */
#include "cli/commands.h"
#include "cli/policy_file.h"
#include "moderation/trial.h"

#define DAY_MS INT64_C(86400000)
#define NAMED_MAX 5 /* authors, languages, members named in one line */

static const struct option options[] = {
    {"since", "T", "from when on: a date, an instant, or 30d (default 7d)", AT_MOST_ONCE},
    {0},
};

/* Authors, languages or members of one change: the largest ones by name. The number of all of them. */
static size_t tell_who(const struct trial_tally *first, size_t count, enum trial_by by, const char *label)
{
    char name[ORIGIN_MAX + 1];
    size_t all = 0;
    while (all < count && first[all].by == by)
        all++;
    for (size_t i = 0; i < all && i < NAMED_MAX; i++) {
        fputs(i > 0 ? ", " : label, stdout);
        if (by == TRIAL_BY_LANGUAGE)
            snprintf(name, sizeof(name), "%s", first[i].what);
        else
            origin_short(span_str(first[i].what), name);
        cli_put_text(stdout, span_str(name), ORIGIN_MAX);
        printf(" %llu", (unsigned long long)first[i].count);
    }
    if (all > NAMED_MAX)
        printf(" and %zu more", all - NAMED_MAX);
    return all;
}

static void tell_change(const struct trial_tally *first, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count && first[i].by == TRIAL_BY_AUTHOR; i++)
        total += first[i].count;
    printf("%-8s ", policy_question_word(first->question));
    cli_put_count(stdout, total);
    printf(" %s -> %s:", trial_act_words(first, first->from), trial_act_words(first, first->to));
    size_t at = tell_who(first, count, TRIAL_BY_AUTHOR, " of ");
    at += tell_who(first + at, count - at, TRIAL_BY_LANGUAGE, "; languages ");
    tell_who(first + at, count - at, TRIAL_BY_VIEWER, "; members ");
    putchar('\n');
}

static void tell(const struct trial *t, const struct policy *policy, const char *now)
{
    printf("version %s instead of %s: ", policy_version(policy), now);
    cli_put_counted(stdout, t->looked, "content", "contents");
    fputs(" looked at, ", stdout);
    cli_put_count(stdout, t->changed);
    puts(" decided otherwise");
    for (size_t i = 0, end; i < t->tally_count; i = end) {
        for (end = i + 1; end < t->tally_count && trial_same_change(&t->tallies[i], &t->tallies[end]);)
            end++;
        tell_change(&t->tallies[i], end - i);
    }
    if (t->cut > 0)
        puts("and more than can be told apart");
    if (t->unasked > 0) {
        fputs("whether members would get ", stdout);
        cli_put_counted(stdout, t->unasked, "more content", "more contents");
        puts(" was not asked: it would have taken too long");
    }
}

static int try(struct invocation *inv, struct session *session, const struct policy *policy, int64_t since_ms)
{
    struct trial_options wish = {.policy = policy, .since_ms = since_ms, .now_ms = cli_now_ms()};
    struct trial trial;
    const struct policy *now;
    int rc = trial_run(&session->view, &wish, &trial, &inv->err);
    if (!rc)
        rc = rules_policy(session->store, &now, NULL, &inv->err);
    if (!rc)
        tell(&trial, policy, policy_version(now));
    trial_free(&trial);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct policy *policy = NULL;
    int64_t since_ms = cli_now_ms() - 7 * DAY_MS;
    const char *since = cli_option(inv, "since", NULL);
    if (since && !cli_time_ms(inv, since, &since_ms))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = policy_file_load(inv, &session, inv->args[0], &policy);
    if (!status)
        status = try(inv, &session, policy, since_ms);
    policy_free(policy);
    session_close(&session);
    return status;
}

const struct command cmd_policy_try = {
    .name = "policy try",
    .arguments = "FILE",
    .summary = "Tell what another policy would have decided about the records of the last week",
    .details =
        "Nothing is changed. For each decision that would be another: how many contents, of which authors, in which\n"
        "languages; which members would get what is for them, or no longer; which logs would be mirrored\n"
        "otherwise. What was refused is not here and cannot be looked at.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
