/* tongzhou list publish, retract, import: lists of our own, and of files. */
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/lists.h"

#define WHAT_OPTIONS                                                                                                   \
    {"advice", "A", "block (default), label or recommend", AT_MOST_ONCE},                                              \
        {"values", NULL, "lines of the file are values, not members", AT_MOST_ONCE},                                   \
    {                                                                                                                  \
        "about", "TEXT", "what the list is for, a line", AT_MOST_ONCE                                                  \
    }

#define SAY_OPTIONS                                                                                                    \
    {"tlp", "T", "marking (default: that of the version before, else clear: for everybody)", AT_MOST_ONCE},            \
        {"to", "M", "for whom, with another marking than clear", ANY_NUMBER},                                          \
        {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},                    \
        {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},                    \
    {                                                                                                                  \
        0                                                                                                              \
    }

static const struct option publish_options[] = {
    WHAT_OPTIONS,
    {"because", "TEXT", "why items that stood in it stand in it no more", AT_MOST_ONCE},
    SAY_OPTIONS,
};
static const struct option retract_options[] = {
    {"because", "TEXT", "why, a line; it travels along", ONCE},
    {"all", NULL, "the whole list: it ends", AT_MOST_ONCE},
    SAY_OPTIONS,
};
static const struct option import_options[] = {
    WHAT_OPTIONS,
    {0},
};

/* What options say of a list that is made from a file. */
static int read_what(struct invocation *inv, const char *name, struct list *list)
{
    const char *advice = cli_option(inv, "advice", "block"), *about = cli_option(inv, "about", "");
    if (!policy_set_name_valid(span_str(name)))
        return cli_usage(inv, "%s: a list's name has a to z, 0 to 9 and -, and begins with a letter", name);
    if (!list_advice_parse(span_str(advice), &list->advice))
        return cli_usage(inv, "--advice %s: must be block, label or recommend", advice);
    if (strlen(about) > LIST_REASON_MAX || (*about && !record_value_valid(span_str(about))))
        return cli_usage(inv, "--about: must be one line of at most %d bytes", LIST_REASON_MAX);
    snprintf(list->about, sizeof(list->about), "%s", about);
    return 0;
}

static int read_file(struct list_session *l, const char *name, const char *path, struct list *list)
{
    struct invocation *inv = l->inv;
    struct list_import import;
    struct buf text;
    enum list_item_type type = cli_flag(inv, "values") ? LIST_VALUE : LIST_MEMBER;
    buf_init(&text, LIST_BODY_MAX);
    int rc = input_slurp(path, LIST_BODY_MAX, &text, &inv->err);
    if (!rc && (rc = list_read_file(buf_view(&text), type, &l->arena, list, &import, &inv->err)) < 0)
        err_in(&inv->err, "%s", path);
    buf_done(&text);
    if (rc)
        return cli_fail(inv);
    snprintf(list->name, sizeof(list->name), "%s", name);
    if (import.skipped > 0)
        cli_note("%s: %zu lines are no items and left out, the first is line %u", path, import.skipped,
                 import.first_bad);
    return 0;
}

/* ---- import ---- */

static int import(struct list_session *l, struct list *list)
{
    struct invocation *inv = l->inv;
    struct buf body;
    int status = read_file(l, inv->args[0], inv->args[1], list);
    if (status)
        return status;
    buf_init(&body, LIST_BODY_MAX);
    int rc = list_write_body(list, &body, &inv->err);
    if (!rc)
        rc = lists_put_file(l->session.store, list->name, buf_view(&body), cli_now_ms(), &inv->err);
    buf_done(&body);
    if (rc)
        return cli_fail(inv);
    printf(LIST_FILE_SOURCE "#%s: ", list->name);
    cli_put_counted(stdout, list->count, "item", "items");
    puts("; a draft until somebody adopts it: tongzhou list show, list adopt");
    return 0;
}

static int run_import(struct invocation *inv)
{
    struct list_session l;
    struct list list = {0};
    int status = read_what(inv, inv->args[0], &list);
    if (status)
        return status;
    status = list_session(inv, &l, SESSION_WRITE);
    if (!status)
        status = import(&l, &list);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_import = {
    .name = "list import",
    .arguments = "NAME FILE|-",
    .summary = "Take a list from a file, as a draft",
    .details =
        "The file is a CSV file with a column domain, as Mastodon exports its domain blocks; or an item a line, a\n"
        "reason behind it; or the JSON that `list publish` writes. A later import of that name replaces it.\n",
    .options = import_options,
    .min_args = 2,
    .max_args = 2,
    .run = run_import,
};

/* ---- publish, retract ---- */

/* The list as its author said it last, and for whom. */
struct said {
    struct log_info self;
    struct draft before;
    struct named_audience audience; /* of what is to be said */
};

/* Without --tlp it is for whom the version before was: what few were told, and what of it is taken back, is not for more. */
static int keep_audience(struct list_session *l, struct said *said)
{
    struct view_record record;
    struct named_audience *audience = &said->audience;
    if (view_record_ref(&l->session.view, said->before.ref, &l->arena, &record, &l->inv->err))
        return cli_fail(l->inv);
    audience->tlp = record.record.tlp;
    for (size_t i = 0; i < record.record.to_count && i < AUDIENCE_TO_MAX; i++)
        audience->to[audience->count++] = record.record.to[i];
    return 0;
}

static int find_self(struct list_session *l, const char *name, enum tlp tlp, struct said *ret)
{
    struct list_address address = {0};
    struct err none = {0};
    int status = session_author(l->inv, &l->session, &ret->self);
    if (status)
        return status;
    snprintf(address.source, sizeof(address.source), "%s", ret->self.origin);
    snprintf(address.name, sizeof(address.name), "%s", name);
    int rc = drafts_read(&l->session.view, &address, &l->arena, &ret->before, &none);
    if (rc == ERR_NOTFOUND)
        ret->before = (struct draft){.state = DRAFT_ABSENT};
    else if (rc)
        return l->inv->err = none, cli_fail(l->inv);
    if (!*cli_option(l->inv, "tlp", "") && ret->before.state == DRAFT_OFFERED)
        return keep_audience(l, ret);
    return audience_resolve(l->inv, &l->session, tlp, &ret->self, &ret->audience);
}

/* What stood in the version before and does not in this one is taken back; what was taken back before stays so. */
static int retract_missing(struct list_session *l, const struct list *before, const char *because, struct list *list)
{
    size_t room = before->count + before->retracted_count;
    list->retracted = arena_array(&l->arena, room + 1, sizeof(*list->retracted));
    list->retracted_count = 0;
    if (!list->retracted)
        return err_memory(&l->inv->err), cli_fail(l->inv);
    for (size_t i = 0; i < room; i++) {
        struct list_item item = i < before->count ? before->items[i] : before->retracted[i - before->count];
        bool stands = false;
        for (size_t low = 0, high = list->count; low < high && !stands;) {
            size_t middle = (low + high) / 2;
            int order = list_item_cmp(&list->items[middle], &item);
            stands = order == 0;
            low = order < 0 ? middle + 1 : low;
            high = order > 0 ? middle : high;
        }
        if (stands || list->retracted_count == LIST_ITEMS_MAX)
            continue;
        if (i < before->count)
            item.reason = because;
        list->retracted[list->retracted_count++] = item;
    }
    return 0;
}

static int append(struct list_session *l, const struct said *said, struct list *list)
{
    const struct named_audience *audience = &said->audience;
    struct record_draft how = {
        .time_ms = cli_now_ms(), .tlp = audience->tlp, .to = audience->to, .to_count = audience->count};
    struct buf text;
    uint64_t index;
    buf_init(&text, PAYLOAD_MAX);
    int rc = list_write(list, &how, &text, &l->inv->err);
    if (!rc)
        rc = publishing_append(l->session.store, &said->self, how.tlp, buf_view(&text), how.time_ms, &index,
                               &l->inv->err);
    buf_done(&text);
    if (rc)
        return cli_fail(l->inv);
    printf("%s#%s: ", said->self.origin, list->name);
    cli_put_counted(stdout, list->count, "item", "items");
    printf(", %zu retracted%s\n", list->retracted_count, list->ended ? "; it has ended" : "");
    int status = session_fold(l->inv, &l->session);
    if (!status)
        audience_tell(&l->session, audience, &said->self);
    return status;
}

static int read_tlp(struct invocation *inv, enum tlp *ret)
{
    const char *word = cli_option(inv, "tlp", "clear"), *because = cli_option(inv, "because", "");
    *ret = tlp_parse(span_str(word));
    if (*ret == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (strlen(because) > LIST_REASON_MAX || (*because && !record_value_valid(span_str(because))))
        return cli_usage(inv, "--because: must be one line of at most %d bytes", LIST_REASON_MAX);
    return audience_check(inv, *ret);
}

static int publish(struct list_session *l, enum tlp tlp, struct list *list)
{
    static struct said said;
    int status = find_self(l, l->inv->args[0], tlp, &said);
    if (!status)
        status = read_file(l, l->inv->args[0], l->inv->args[1], list);
    if (!status)
        list->count = list_items_sort(list->items, list->count);
    if (!status)
        status = retract_missing(l, &said.before.list, cli_option(l->inv, "because", ""), list);
    return status ? status : append(l, &said, list);
}

static int run_publish(struct invocation *inv)
{
    struct list_session l;
    struct list list = {0};
    enum tlp tlp;
    int status = read_what(inv, inv->args[0], &list);
    if (!status)
        status = read_tlp(inv, &tlp);
    if (status)
        return status;
    status = list_session(inv, &l, SESSION_WRITE | SESSION_SIGN);
    if (!status)
        status = publish(&l, tlp, &list);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_publish = {
    .name = "list publish",
    .arguments = "NAME FILE|-",
    .summary = "Say in the operator's log what others are advised to block, label or use",
    .details = "The file is as for `list import`, and replaces the version before: what stood there and does not any\n"
               "more is retracted. Others see a draft, and decide.\n",
    .options = publish_options,
    .min_args = 2,
    .max_args = 2,
    .run = run_publish,
};

/* The version before without those named. */
static int drop_items(struct list_session *l, struct list *list)
{
    struct invocation *inv = l->inv;
    for (int a = 1; a < inv->arg_count; a++) {
        size_t kept = 0;
        for (size_t i = 0; i < list->count; i++)
            if (strcmp(list->items[i].subject, inv->args[a]) != 0)
                list->items[kept++] = list->items[i];
        if (kept == list->count)
            return cli_usage(inv, "%s: the list says nothing about that", inv->args[a]);
        list->count = kept;
    }
    return 0;
}

static int retract(struct list_session *l, enum tlp tlp)
{
    struct invocation *inv = l->inv;
    static struct said said;
    int status = find_self(l, inv->args[0], tlp, &said);
    if (status)
        return status;
    if (said.before.state != DRAFT_OFFERED) {
        err_set(&inv->err, ERR_NOTFOUND, "%s: we publish no such list", inv->args[0]);
        return cli_fail(inv);
    }
    struct list list = said.before.list;
    list.ended = cli_flag(inv, "all");
    list.items = arena_array(&l->arena, said.before.list.count + 1, sizeof(*list.items));
    if (!list.items)
        return err_memory(&inv->err), cli_fail(inv);
    if (said.before.list.count > 0)
        memcpy(list.items, said.before.list.items, said.before.list.count * sizeof(*list.items));
    list.count = list.ended ? 0 : list.count;
    status = list.ended ? 0 : drop_items(l, &list);
    if (!status)
        status = retract_missing(l, &said.before.list, cli_option(inv, "because", ""), &list);
    return status ? status : append(l, &said, &list);
}

static int run_retract(struct invocation *inv)
{
    struct list_session l;
    enum tlp tlp;
    int status = read_tlp(inv, &tlp);
    if (!status && !*cli_option(inv, "because", ""))
        status = cli_usage(inv, "--because is needed: those who adopted it are told");
    if (!status && cli_flag(inv, "all") != (inv->arg_count == 1))
        status = cli_usage(inv, "name what is retracted, or say --all");
    if (status)
        return status;
    status = list_session(inv, &l, SESSION_WRITE | SESSION_SIGN);
    if (!status)
        status = retract(&l, tlp);
    list_session_end(&l);
    return status;
}

const struct command cmd_list_retract = {
    .name = "list retract",
    .arguments = "NAME [SUBJECT...]",
    .summary = "Take back items of a list of ours, or all of it",
    .details = "Whoever adopted them sees a draft that proposes to remove them; it removes nothing by itself.\n",
    .options = retract_options,
    .min_args = 1,
    .max_args = -1,
    .run = run_retract,
};
