/* tongzhou list drafts, show, adopted, print: what others advise, and what was adopted of it. */
#include "base/codec.h"
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/lists.h"

/* ---- shared with the other list commands ---- */

int list_session(struct invocation *inv, struct list_session *l, unsigned flags)
{
    *l = (struct list_session){.inv = inv};
    arena_init(&l->arena, LISTS_ARENA_MAX);
    return session_open(inv, &l->session, flags | SESSION_INDEX, OUTLET_CLI_LOG);
}

void list_session_end(struct list_session *l)
{
    arena_done(&l->arena);
    session_close(&l->session);
}

int list_named(struct list_session *l, const char *text, struct draft *ret)
{
    struct list_address address;
    if (drafts_find(&l->session.view, span_str(text), &address, &l->inv->err) ||
        drafts_read(&l->session.view, &address, &l->arena, ret, &l->inv->err))
        return cli_fail(l->inv);
    return 0;
}

void put_list_address(FILE *out, const struct list_address *address)
{
    char name[ORIGIN_MAX + 1];
    bool is_file = strcmp(address->source, LIST_FILE_SOURCE) == 0;
    if (!is_file)
        origin_short(span_str(address->source), name);
    fprintf(out, "%s#%s", is_file ? address->source : name, address->name);
}

void put_list_item(FILE *out, const struct list_item *item)
{
    fprintf(out, "%s ", list_item_word(item->type));
    cli_put_text(out, span_str(item->subject), LIST_SUBJECT_MAX);
    if (item->label[0])
        fprintf(out, " label %s", item->label);
    if (item->reason[0]) {
        fputs(": ", out);
        cli_put_text(out, span_str(item->reason), LIST_REASON_MAX);
    }
}

const char *draft_state_word(enum draft_state state)
{
    static const char *const words[] = {
        [DRAFT_OFFERED] = "offered", [DRAFT_WITHDRAWN] = "withdrawn", [DRAFT_ABSENT] = "absent"};
    return words[state];
}

/* Behind the address: what became of a list that is not offered. */
static const char *gone_words(enum draft_state state)
{
    return state == DRAFT_WITHDRAWN ? ": withdrawn by its source" : ": its record is not kept here any more";
}

/* ---- drafts ---- */

static const struct option drafts_options[] = {
    {"all", NULL, "those that somebody here spoke about, too, and our own", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct printing {
    bool json, all;
    uint64_t count;
};

static void print_json(const struct draft_line *line)
{
    char time[WHEN_TEXT_LEN + 1], version[65];
    when_format(line->time_ms, time);
    hex_encode(line->version, 32, version);
    printf("{\"list\":\"%s#%s\",\"state\":\"%s\"", line->address.source, line->address.name,
           draft_state_word(line->state));
    if (line->state == DRAFT_OFFERED)
        printf(",\"time\":\"%s\",\"version\":\"%s\"", time, version);
    printf(",\"items\":%llu,\"adopted\":%llu,\"waits\":%s}\n", (unsigned long long)line->items,
           (unsigned long long)line->adopted, draft_waits(line) ? "true" : "false");
}

static int print_line(void *ctx, const struct draft_line *line, struct err *err)
{
    struct printing *p = ctx;
    char time[WHEN_TEXT_LEN + 1];
    (void)err;
    if (!p->all && !draft_waits(line))
        return 0;
    p->count++;
    if (p->json) {
        print_json(line);
        return 0;
    }
    put_list_address(stdout, &line->address);
    when_format(line->time_ms, time);
    if (line->state != DRAFT_OFFERED)
        fputs(gone_words(line->state), stdout);
    else
        printf(": %.10s, ", time), cli_put_counted(stdout, line->items, "item", "items");
    printf("; %llu adopted here%s%s\n", (unsigned long long)line->adopted, line->own ? ", our own" : "",
           line->spoken ? ", decided" : "");
    return 0;
}

static int run_drafts(struct invocation *inv)
{
    struct list_session l;
    struct printing printing = {.json = cli_flag(inv, "json"), .all = cli_flag(inv, "all")};
    uint64_t hidden = 0;
    int status = list_session(inv, &l, 0);
    if (!status && drafts_list(&l.session.view, print_line, &printing, &hidden, &inv->err))
        status = cli_fail(inv);
    list_session_end(&l);
    if (!status && hidden > 0)
        cli_note("%llu sources have more than %d lists: the others are not shown, list show SOURCE#NAME does",
                 (unsigned long long)hidden, DRAFTS_OF_ONE);
    if (!status && printing.count == 0 && !printing.json)
        puts(printing.all ? "No lists here." : "No draft waits.");
    return status;
}

const struct command cmd_list_drafts = {
    .name = "list drafts",
    .arguments = "",
    .summary = "Lists of others that wait for a person's word",
    .details = "Nothing of a draft has any effect here: neither what it adds nor what it takes back.\n",
    .options = drafts_options,
    .max_args = 0,
    .run = run_drafts,
};

/* ---- show ---- */

static const struct option show_options[] = {
    {"whole", NULL, "all that it says, not only what adopting would change", AT_MOST_ONCE},
    {0},
};

static void print_word(const struct list_word *word)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(word->time_ms, time);
    printf("%s by ", word->act == LIST_ADOPTED ? "adopted" : "declined");
    cli_put_text(stdout, span_str(word->who), DECISION_WHO_MAX);
    printf(", %.19s", time);
    if (word->act == LIST_ADOPTED)
        printf(", as @list:%s, %llu added, %llu removed", word->set, (unsigned long long)word->added,
               (unsigned long long)word->removed);
    if (word->reason[0]) {
        fputs(": ", stdout);
        cli_put_text(stdout, span_str(word->reason), DECISION_REASON_MAX);
    }
    putchar('\n');
}

static int print_history(void *ctx, const struct list_word *word, struct err *err)
{
    (void)ctx, (void)err;
    print_word(word);
    return 0;
}

static void put_offer(const struct draft *draft)
{
    char version[65];
    hex_encode(draft->version, 32, version);
    printf(": advice %s%s, version %.12s\n", list_advice_word(draft->list.advice), draft->list.ended ? ", ended" : "",
           version);
    if (draft->adopted_count > 0 && draft->word.advice != draft->list.advice)
        printf("It advised to %s when somebody here spoke about it last.\n", list_advice_word(draft->word.advice));
}

static int show(struct list_session *l)
{
    struct draft draft;
    int status = list_named(l, l->inv->args[0], &draft);
    if (status)
        return status;
    put_list_address(stdout, &draft.address);
    if (draft.state != DRAFT_OFFERED)
        puts(gone_words(draft.state));
    else
        put_offer(&draft);
    if (draft.list.about[0]) {
        cli_put_text(stdout, span_str(draft.list.about), LIST_REASON_MAX);
        putchar('\n');
    }
    for (size_t i = 0; i < draft.change_count; i++) {
        fputs(draft.changes[i].removes ? "- " : "+ ", stdout);
        put_list_item(stdout, &draft.changes[i].item);
        putchar('\n');
    }
    for (size_t i = 0; cli_flag(l->inv, "whole") && i < draft.list.count; i++) {
        fputs("  ", stdout);
        put_list_item(stdout, &draft.list.items[i]);
        putchar('\n');
    }
    if (draft.change_count == 0)
        puts("It would change nothing here.");
    return lists_words(l->session.store, &draft.address, print_history, NULL, &l->inv->err) ? cli_fail(l->inv) : 0;
}

static int run_show(struct invocation *inv)
{
    struct list_session l;
    int status = list_session(inv, &l, 0);
    if (!status)
        status = show(&l);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_show = {
    .name = "list show",
    .arguments = "LIST",
    .summary = "What adopting a list would add and remove here, and who decided before",
    .details = "LIST is SOURCE#NAME, or a name that only one list has.\n",
    .options = show_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_show,
};

/* ---- adopted, print ---- */

static int print_adopted(void *ctx, const struct list_word *word, uint64_t items, struct err *err)
{
    struct printing *p = ctx;
    (void)err;
    p->count++;
    put_list_address(stdout, &word->address);
    fputs(": ", stdout);
    cli_put_counted(stdout, items, "item", "items");
    fputs("; ", stdout);
    print_word(word);
    return 0;
}

static int run_adopted(struct invocation *inv)
{
    struct list_session l;
    struct printing printing = {0};
    int status = list_session(inv, &l, 0);
    if (!status && lists_adopted(l.session.store, print_adopted, &printing, &inv->err))
        status = cli_fail(inv);
    list_session_end(&l);
    if (!status && printing.count == 0)
        puts("Nothing is adopted from any list.");
    return status;
}

const struct command cmd_list_adopted = {
    .name = "list adopted",
    .arguments = "",
    .summary = "Lists of which something is adopted here: by whom, and why",
    .max_args = 0,
    .run = run_adopted,
};

static const struct option print_options[] = {
    {"values", NULL, "the values instead of the members", AT_MOST_ONCE},
    {0},
};

static int print_item(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err)
{
    const enum list_item_type *wanted = ctx;
    (void)word, (void)err;
    if (item->type == *wanted) {
        cli_put_text(stdout, span_str(item->subject), LIST_SUBJECT_MAX);
        putchar('\n');
    }
    return 0;
}

static int run_print(struct invocation *inv)
{
    struct list_session l;
    enum list_item_type wanted = cli_flag(inv, "values") ? LIST_VALUE : LIST_MEMBER;
    int status = list_session(inv, &l, 0);
    if (!status && lists_set_items(l.session.store, inv->args[0], print_item, &wanted, &inv->err))
        status = cli_fail(inv);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_print = {
    .name = "list print",
    .arguments = "SET",
    .summary = "What is adopted as a set, one a line, for other programs",
    .options = print_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_print,
};
