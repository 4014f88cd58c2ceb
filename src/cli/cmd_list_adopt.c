/* tongzhou list adopt, decline: a person's word about a list of others. */
#include "cli/commands.h"
#include "cli/lists.h"

#include <stdlib.h>

static const struct option adopt_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", ONCE},
    {"seen", "VERSION", "only if the list is still this version, as list show tells it", AT_MOST_ONCE},
    {"as", "SET", "the set in which rules find its members, @list:SET (default: the list's name)", AT_MOST_ONCE},
    {"only", "SUBJECT", "of the changes only those about this member, record or value", ANY_NUMBER},
    {"additions", NULL, "only what it adds", AT_MOST_ONCE},
    {"removals", NULL, "only what it takes back", AT_MOST_ONCE},
    {0},
};

static const struct option decline_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", ONCE},
    {"seen", "VERSION", "only if the list is still this version, as list show tells it", AT_MOST_ONCE},
    {0},
};

static int read_word(struct invocation *inv, struct list_word *word)
{
    const char *reason = cli_option(inv, "reason", "");
    if (!*reason)
        return cli_usage(inv, "--reason is needed: whoever asks why is told");
    if (strlen(reason) > DECISION_REASON_MAX || !record_value_valid(span_str(reason)))
        return cli_usage(inv, "--reason: must be one line of at most %d bytes", DECISION_REASON_MAX);
    snprintf(word->reason, sizeof(word->reason), "%s", reason);
    session_who(word->who, sizeof(word->who));
    word->time_ms = cli_now_ms();
    return 0;
}

/* The list that is decided about, if it is what the person has seen. */
static int read_draft(struct list_session *l, struct draft *ret)
{
    struct invocation *inv = l->inv;
    const char *seen = cli_option(inv, "seen", NULL);
    int status = list_named(l, inv->args[0], ret);
    if (status || !seen || drafts_check_seen(ret, span_str(seen), &inv->err) == 0)
        return status;
    return cli_fail(inv);
}

/* ---- which of the changes ---- */

struct choice {
    struct invocation *inv;
    bool *used; /* of each given option: some change fits */
};

static bool is_wanted(void *ctx, const struct list_change *change)
{
    const struct choice *choice = ctx;
    struct invocation *inv = choice->inv;
    bool any = false, fits = false;
    if ((change->removes && cli_flag(inv, "additions")) || (!change->removes && cli_flag(inv, "removals")))
        return false;
    for (int i = 0; i < inv->given_count; i++) {
        if (strcmp(inv->given[i].option->name, "only") != 0)
            continue;
        bool this = strcmp(inv->given[i].value, change->item.subject) == 0;
        any = true;
        fits |= this;
        choice->used[i] |= this;
    }
    return fits || !any;
}

static int check_choice(const struct choice *choice, const struct draft *draft)
{
    struct invocation *inv = choice->inv;
    for (size_t i = 0; i < draft->change_count; i++)
        (void)is_wanted((void *)(uintptr_t)choice, &draft->changes[i]);
    for (int i = 0; i < inv->given_count; i++)
        if (strcmp(inv->given[i].option->name, "only") == 0 && !choice->used[i])
            return cli_usage(inv, "--only %s: the list changes nothing about that; tongzhou list show %s",
                             inv->given[i].value, inv->args[0]);
    return 0;
}

static int adopt(struct list_session *l, struct list_word *word)
{
    struct invocation *inv = l->inv;
    struct draft draft;
    struct choice choice = {inv, calloc((size_t)inv->given_count + 1, sizeof(bool))};
    int status = choice.used ? read_draft(l, &draft) : (err_memory(&inv->err), cli_fail(inv));
    if (!status)
        status = check_choice(&choice, &draft);
    if (!status) {
        const char *before = draft.has_word ? draft.word.set : draft.address.name;
        snprintf(word->set, sizeof(word->set), "%s", cli_option(inv, "as", before));
        if (drafts_adopt(l->session.store, &draft, is_wanted, &choice, word, &l->arena, &inv->err))
            status = cli_fail(inv);
    }
    free(choice.used);
    if (!status)
        printf("Adopted as @list:%s: %llu added, %llu removed.\n", word->set, (unsigned long long)word->added,
               (unsigned long long)word->removed);
    return status;
}

static int run_adopt(struct invocation *inv)
{
    struct list_session l;
    struct list_word word = {0};
    const char *set = cli_option(inv, "as", NULL);
    if (set && !policy_set_name_valid(span_str(set)))
        return cli_usage(inv, "--as %s: a set has a to z, 0 to 9 and -, and begins with a letter", set);
    int status = read_word(inv, &word);
    if (status)
        return status;
    status = list_session(inv, &l, SESSION_WRITE);
    if (!status)
        status = adopt(&l, &word);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_adopt = {
    .name = "list adopt",
    .arguments = "LIST",
    .summary = "Take over what a list adds and takes back, or some of it",
    .details = "Members come into the set @list:SET, which does nothing until a rule of policy.conf names it:\n\n"
               "  refuse accept from @list:spam reason \"blocked\"\n\n"
               "Labels are shown beside their records, values are printed by `tongzhou list print`. What is not taken\n"
               "over counts as declined. A later version of the list is a draft again.\n",
    .options = adopt_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_adopt,
};

static int decline(struct list_session *l, struct list_word *word)
{
    struct draft draft;
    int status = read_draft(l, &draft);
    if (!status && drafts_decline(l->session.store, &draft, word, &l->inv->err))
        status = cli_fail(l->inv);
    if (!status)
        puts("Declined: what is adopted of it stays as it is, and the next version is a draft again.");
    return status;
}

static int run_decline(struct invocation *inv)
{
    struct list_session l;
    struct list_word word = {0};
    int status = read_word(inv, &word);
    if (status)
        return status;
    status = list_session(inv, &l, SESSION_WRITE);
    if (!status)
        status = decline(&l, &word);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_decline = {
    .name = "list decline",
    .arguments = "LIST",
    .summary = "Leave a list's present version alone",
    .options = decline_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_decline,
};
